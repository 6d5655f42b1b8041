"""SeqGAN (Yu et al., AAAI 2017): train a generator of discrete sequences, and tell how good it is.

From the command line as `seqgan`; from Python as `import seqgan_cli as seqgan`, with `seqgan.load` and `seqgan.train`.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["SeqganError", "TrainedRun", "load", "train"]

if TYPE_CHECKING:
    from seqgan_cli.errors import SeqganError
    from seqgan_cli.library.trained import TrainedRun, load, train


def __getattr__(name: str) -> Any:
    """What Python programs use is imported at its first use: commands start without it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    home = "errors" if name == "SeqganError" else "library.trained"
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)
