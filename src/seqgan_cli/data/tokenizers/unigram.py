"""`unigram`: the pieces that make the training part likeliest, each drawn by itself (Kudo 2018), beginning with bytes."""

from typing import Any

from seqgan_cli.data.tokenizers.byte_level import LETTERS, ByteLevel

STEP = 1e-4  # by which the package parts the scores of bytes that it adds below all others, in the order of a hash table
DIGITS = 6  # of scores; what is beyond depends on the order in which the package adds up


class Unigram(ByteLevel):
    """A text is cut where its pieces are likeliest together."""

    name = "unigram"
    meaning = "likely pieces, learned from the training part"
    rank = 6
    model_of = "Unigram"

    def trainer(self, module: Any, size: int) -> Any:
        return module.trainers.UnigramTrainer(
            vocab_size=size, initial_alphabet=sorted(LETTERS.values()), show_progress=False
        )

    def settled(self, record: dict[str, Any]) -> dict[str, Any]:
        """Bytes that no text needs by themselves score alike, and pieces come by falling score, ties by their letters."""
        pieces = record["model"]["vocab"]
        least = min(score for _, score in pieces)
        added = least + (len(LETTERS) + 1) * STEP
        scores = {
            piece: round(least if len(piece) == 1 and score < added else score, DIGITS) for piece, score in pieces
        }
        record["model"]["vocab"] = sorted(scores.items(), key=lambda each: (-each[1], each[0]))
        return record
