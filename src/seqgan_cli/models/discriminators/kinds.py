"""The kinds of discriminators, by the name that `discriminator.kind` gives them."""

from seqgan_cli.config.settings import DiscriminatorSettings
from seqgan_cli.data.vocabulary import Vocabulary
from seqgan_cli.models.discriminators.base import Discriminator
from seqgan_cli.models.discriminators.convolutional import ConvolutionalDiscriminator
from seqgan_cli.models.discriminators.sequential import AttentionDiscriminator, RecurrentDiscriminator

KINDS: dict[str, type[Discriminator]] = {
    "convolutional": ConvolutionalDiscriminator,
    "recurrent": RecurrentDiscriminator,
    "attention": AttentionDiscriminator,
}


def make_discriminator(vocabulary: Vocabulary, sequence_length: int, settings: DiscriminatorSettings) -> Discriminator:
    """A discriminator of the kind that is set, its weights zero."""
    return KINDS[settings.kind](vocabulary, sequence_length, settings)
