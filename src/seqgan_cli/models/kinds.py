"""The kinds of discriminators, by the name that `discriminator.kind` gives them."""

from seqgan_cli.models.convolutional import ConvolutionalDiscriminator
from seqgan_cli.models.discriminator import Discriminator
from seqgan_cli.models.sequential import AttentionDiscriminator, RecurrentDiscriminator
from seqgan_cli.settings import DiscriminatorSettings
from seqgan_cli.vocabulary import Vocabulary

KINDS: dict[str, type[Discriminator]] = {
    "convolutional": ConvolutionalDiscriminator,
    "recurrent": RecurrentDiscriminator,
    "attention": AttentionDiscriminator,
}


def make_discriminator(vocabulary: Vocabulary, sequence_length: int, settings: DiscriminatorSettings) -> Discriminator:
    """A discriminator of the kind that is set, its weights zero."""
    return KINDS[settings.kind](vocabulary, sequence_length, settings)
