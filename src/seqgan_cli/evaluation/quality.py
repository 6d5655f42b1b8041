"""Variety, copying and distances of samples, beside those of the data: what `eval-quality` reports."""

import numpy as np

from seqgan_cli.config.settings import Settings
from seqgan_cli.data.corpus import Corpus
from seqgan_cli.errors import SeqganError
from seqgan_cli.evaluation.fluency import Fluency
from seqgan_cli.evaluation.metrics import frechet
from seqgan_cli.evaluation.metrics.diversity import distinct_n, longest_copied_run
from seqgan_cli.evaluation.metrics.likelihood import Estimate, mean_of
from seqgan_cli.evaluation.statistics import share

Value = Estimate | float
ORDERS = (1, 2, 3, 4)


class Measures:
    """What is measured, of samples and of the data.

    Args:
        corpus: of the run.
        settings: of the run.
        vectors: float `[V, D]` by token id, nan where there is none; or None.
        num: number of samples.
        source: the vectors' file, for messages.
        fluency: what says how likely text is, or None.
    """

    def __init__(
        self,
        corpus: Corpus,
        settings: Settings,
        vectors: np.ndarray | None,
        num: int,
        source: str,
        fluency: Fluency | None = None,
    ) -> None:
        self.corpus, self.settings, self.kind, self.vectors, self.source = corpus, settings, settings.kind, vectors, source
        self.fluency = fluency
        part = corpus.reported
        self.heldout, self.documents = part.tokens, part.documents
        self.equal = min(num, len(self.heldout))
        self.training = corpus.train_sample(num)

    def of_samples(self, tokens: np.ndarray) -> dict[str, Value]:
        return {**self._variety(tokens), **self._copying(tokens), **self._distances(tokens), **self._fluent(tokens)}

    def of_data(self) -> dict[str, Value]:
        """Held-out sequences as if they were samples; but they are at no distance to themselves, so there training ones are."""
        copying = self._copying(self.heldout, self.documents)
        # What says how likely text is may be made of text like the held-out part, or of that: then it has that by heart.
        fluent = self._fluent(self.training)
        return {**self._variety(self.heldout), **copying, **self._distances(self.training), **fluent}

    def _variety(self, tokens: np.ndarray) -> dict[str, Value]:
        sentences = self.corpus.vocabulary.for_matching(tokens[: self.equal])
        return {f"distinct_{n}": distinct_n(*sentences, n) for n in ORDERS}

    def _copying(self, tokens: np.ndarray, documents: np.ndarray | None = None) -> dict[str, Value]:
        """`documents`: int `[n]`, what each sequence is from, if several may be from one."""
        for_matching = self.corpus.vocabulary.for_matching
        ids, lengths = for_matching(tokens)
        runs = longest_copied_run(ids, lengths, *for_matching(self.corpus.train))
        return {
            "copied_run": mean_of(runs, documents),
            "copied_run_share": mean_of(
                runs[lengths > 0] / lengths[lengths > 0], None if documents is None else documents[lengths > 0]
            ),
            "copied_run_largest": float(runs[: self.equal].max(initial=0)),
            "copied_share": share(round(self.corpus.sequences.train_overlap(tokens) * len(tokens)), len(tokens)),
        }

    def _fluent(self, tokens: np.ndarray) -> dict[str, Value]:
        if self.fluency is None:
            return {}
        scores = self.fluency.of_samples(tokens, self.settings, self.corpus.vocabulary)
        return {name: mean_of(values) for name, values in scores.items()}

    def _distances(self, tokens: np.ndarray) -> dict[str, Value]:
        found: dict[str, Value] = {}
        first = tokens[: len(self.training)]  # fewer are farther away by chance
        found |= {name: mean_of(values) for name, values in self.kind.distances(tokens, self.heldout).items()}
        found |= self.kind.set_distances(first, self.heldout)
        if self.vectors is not None:
            target, length = self.corpus.vocabulary.target, self.corpus.vocabulary.length
            sentences, covered = frechet.mean_vectors(target(first), length(first), self.vectors)
            heldout, _ = frechet.mean_vectors(target(self.heldout), length(self.heldout), self.vectors)
            if min(len(sentences), len(heldout)) < 2:
                raise SeqganError(
                    f"{self.source} has vectors for tokens of {len(sentences)} sampled and {len(heldout)} held-out sequences: "
                    "two or more of each are needed."
                )
            found["frechet_distance"] = frechet.frechet_distance(sentences, heldout)
            found["embedded_tokens"] = covered
            found["embedded_sequences"] = len(sentences) / len(first)
        return found

    def caption(self) -> str:
        """What the columns hold."""
        lines = [
            f"data: {len(self.heldout)} held-out sequences beside the training set. distinct-n and the largest run are of",
            f"{self.equal} sequences in each column, since more sequences repeat more.",
        ]
        if self.kind.distance_notes or self.vectors is not None:
            lines += [
                f"Distances are to the held-out sequences; data: from {len(self.training)} training sequences to them, which",
                f"is how far two sets of one source are apart. The last of them is of {len(self.training)} samples too.",
            ]
        lines += self.kind.distance_notes
        if self.fluency is not None:
            lines += [
                f"Fluency: under {self.fluency.path.name}, over the tokens that it knows; lower is likelier. data: of",
                "training sequences, since it may be made of the held-out ones.",
            ]
        lines.append(
            "±: half a 95 % interval over samples, or documents of the data; for a share the interval itself (Wilson's), over "
            "sequences."
        )
        return "\n".join(lines)
