"""`bpe`: pairs of tokens that stand together most often become one (Sennrich et al. 2016), beginning with bytes."""

from typing import Any

from seqgan_cli.data.tokenizers.byte_level import LETTERS, ByteLevel


class BPE(ByteLevel):
    """Byte-pair encoding."""

    name = "bpe"
    meaning = "byte pairs, learned from the training part"
    rank = 5
    model_of = "BPE"

    def trainer(self, module: Any, size: int) -> Any:
        letters = sorted(LETTERS.values())
        # A pair that stands once is not worth a token.
        return module.trainers.BpeTrainer(vocab_size=size, min_frequency=2, initial_alphabet=letters, show_progress=False)
