"""Likelihood of text in bits per byte, which compares generators whose tokens are not the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seqgan_cli.config.settings import Settings
from seqgan_cli.data.corpus import Corpus
from seqgan_cli.evaluation.generators import HELDOUT_AT_MOST
from seqgan_cli.evaluation.metrics.likelihood import Estimate, per_token
from seqgan_cli.lazy import np
from seqgan_cli.sampling.choices import Sampling
from seqgan_cli.sampling.likelihood import sequence_nll

if TYPE_CHECKING:
    from seqgan_cli.models.generator import Generator


def bits_per_byte(generator: Generator, corpus: Corpus, settings: Settings, sampling: Sampling) -> Estimate | None:
    """−log₂ G of the test part over the bytes of its text in UTF-8, the end of each sequence among them.

    Of sequences without `<unk>`, at most 10,000, with an interval over documents. None where there are none, where truncation
    leaves some out, and for data that are no text. Of subwords it is an upper bound: a text may be cut in other ways too, whose
    probability is not added.
    """
    part = corpus.held_out["test"].first(HELDOUT_AT_MOST)
    known = corpus.vocabulary.has_no_unk(part.tokens)
    if not settings.kind.tokenizes or not corpus.vocabulary.has_special_tokens or sampling.truncated or not known.any():
        return None
    tokens = part.tokens[known]
    line = settings.kind.detokenizer(settings, corpus.vocabulary).line
    sizes = np.array([len(line(ids).encode(errors="replace")) for ids in tokens]) + corpus.vocabulary.has_eos
    return per_token(sequence_nll(generator, tokens, sampling) / np.log(2.0), sizes, part.documents[known])
