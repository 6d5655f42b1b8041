"""How likely a language model of other text finds samples: a score of fluency.

The model is an oracle's file, a generator trained on text that those which are scored have not seen. Its likelihood falls with
what is wrong in a sentence wherever that stands, which n-grams do not see, and rises with a lower temperature as BLEU does: it
is quality alone (Zhao et al. 2018 call it forward perplexity). Texts are cut into tokens as the model's own were.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from seqgan_cli.config.settings import Settings
from seqgan_cli.data.oracle_file import read_oracle_file
from seqgan_cli.data.vocabulary import Vocabulary
from seqgan_cli.errors import SeqganError
from seqgan_cli.lazy import np
from seqgan_cli.models.oracle import read_oracle
from seqgan_cli.sampling.likelihood import sequence_nll

SCORES_OF_TEXTS = ("nll_fluency", "fluency_unknown")
NO_CHARACTER = "\ue000"  # of private use: one token to any tokenizer of characters or words, and no text's


class Fluency:
    """Scores of texts under the oracle of a file that the command `oracle` wrote of a run of text.

    Raises SeqganError if it cannot be read or is not of text.
    """

    def __init__(self, path: Path) -> None:
        _, description = read_oracle_file(path)
        if description is None or description.tokens is None:
            why = "is an oracle of numbers, which knows no text"
            raise SeqganError(f"{path} {why}: the command `oracle` makes one of a run of text.")
        self.path, self.oracle = path, read_oracle(path, description.sequence_length)
        asked = Settings(description.settled())
        self.settings = Settings(asked.values, description.tokenizer_of(asked))
        self.digest = hashlib.blake2b(path.read_bytes(), digest_size=8).hexdigest()

    def refuse_longer(self, tokens: int, what: str) -> None:
        """Raises SeqganError for texts that have more tokens than a sequence of the oracle may have."""
        vocabulary, length = self.oracle.vocabulary, self.oracle.sequence_length
        if tokens > (most := length - vocabulary.has_eos):
            raise SeqganError(
                f"{self.path} knows texts of up to {most} tokens, and {what} {tokens}: train the run that it is made of with "
                f"--max-length {tokens}."
            )

    def of_samples(self, samples: np.ndarray, settings: Settings, vocabulary: Vocabulary) -> dict[str, np.ndarray]:
        """The `scores` of sequences int32 `[n, T]` of a run with these settings, as text on a line; if they have sources, of
        their targets. A token that the run does not know is one that the model does not know."""
        written = settings.kind.detokenizer(settings, vocabulary).line
        texts = [written(ids) for ids in samples]
        if vocabulary.has_special_tokens:
            texts = [text.replace(vocabulary.unknown, NO_CHARACTER) for text in texts]
        return self.scores(texts)

    def scores(self, texts: list[str]) -> dict[str, np.ndarray]:
        """Of each text, float64 `[n]`:

        nll_fluency: −log of its probability in nats, over those of its tokens that the oracle knows and its end. Unknown ones
        are no target of it; fluency_unknown: how many of its tokens these are, 0 of an empty text.

        Raises SeqganError for a text that is too long or cannot be cut into tokens.
        """
        split = [self.settings.kind.sequence(text, self.settings) for text in texts]
        self.refuse_longer(max(map(len, split), default=0), "a text has")
        oracle, vocabulary = self.oracle, self.oracle.vocabulary
        table = vocabulary.table(split, oracle.sequence_length)
        counted = (vocabulary.mask(table) & np.asarray(oracle.uncertain(table))).sum(axis=1)
        known = {*vocabulary.tokens}
        unknown = [sum(token not in known for token in tokens) / max(1, len(tokens)) for tokens in split]
        if texts and min(unknown) == 1.0:
            raise SeqganError(f"{self.path} knows no token of what it scores, such as {texts[0][:40]!r}: is it of such text?")
        nll = sequence_nll(oracle, table) / np.maximum(1, counted)
        return dict(zip(SCORES_OF_TEXTS, (nll, np.array(unknown)), strict=True))
