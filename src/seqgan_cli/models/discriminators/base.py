"""What a discriminator's component says of itself: the features that it makes of embedded tokens, and what they cost."""

import abc
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from seqgan_cli.config import registry
from seqgan_cli.config.sections import DiscriminatorSettings
from seqgan_cli.config.settings import Settings
from seqgan_cli.lazy import tf

if TYPE_CHECKING:
    import numpy as np

    from seqgan_cli.models.discriminator import Discriminator


class Features(registry.Component, abc.ABC):
    """What lies between a discriminator's embedding and its output layer.

    Args:
        network: the model whose weights they are, made by its `weight(name, *shape)` or as layers that are its attributes.
        settings: of the component.
    """

    Section: ClassVar[Any] = DiscriminatorSettings
    needs_float32: ClassVar[bool] = True  # its products have no other precision

    def __init__(self, network: "Discriminator", settings: Any) -> None:
        self.network, self.settings, self.sequence_length = network, settings, network.sequence_length
        self.num_features = self.build()

    @abc.abstractmethod
    def build(self) -> int:
        """Make the weights, zero; the number F of features."""

    @abc.abstractmethod
    def initialise(self, rng: "np.random.Generator") -> None:
        """Draw them."""

    @abc.abstractmethod
    def features(self, embedded: Any) -> Any:
        """float32 `[B, F]` of whole sequences, embedded as `[B, T, E]`."""

    @abc.abstractmethod
    def prefix_features(self, embedded: Any) -> Any:
        """float32 `[B, T, F]` of every prefix of embedded sequences `[B, T, E]`."""

    def score_continuations(
        self, tokens: Any, source_ids: Any, continuations: Any, head: Callable[[Any], Any]
    ) -> Any:
        """float32 `[T-1, C]`: `head` of the features of continuations, as `Discriminator.score_continuations` has them."""

        def score(rows: Any) -> Any:
            return head(self.features(self.network.embed(rows)))

        return tf.map_fn(score, continuations, tf.float32, parallel_iterations=1)

    @classmethod
    @abc.abstractmethod
    def feature_weights(cls, settings: Any, sequence_length: int) -> int:
        """Number of weights between embedding and output layer."""

    @classmethod
    def weights(cls, settings: Any, vocab_size: int, sequence_length: int) -> int:
        """Number of weights, without the few of the output layer."""
        return vocab_size * settings.embedding_dim + cls.feature_weights(settings, sequence_length)

    @classmethod
    def conflicts(cls, settings: Settings) -> Iterable[tuple[bool, str]]:
        cfg = settings.discriminator
        precision = settings.values["discriminator.precision"]
        yield (
            settings.needs_discriminator and cfg.loss == "wasserstein" and not cfg.gradient_penalty,
            "discriminator.loss=wasserstein needs a slope that is held near 1: --set discriminator.gradient-penalty=10.",
        )
        yield (
            cfg.loss == "wasserstein" and cfg.label_smoothing > 0,
            "discriminator.label-smoothing is of cross entropy and does not go with discriminator.loss=wasserstein: leave one "
            "out.",
        )
        yield (
            cls.needs_float32 and precision != "float32",
            f"--precision {precision} is of convolutions and does not go with discriminator.kind={cfg.kind}: leave one out.",
        )
