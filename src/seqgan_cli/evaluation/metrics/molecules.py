"""Molecules: what a text means to RDKit, and how alike molecules are.

Likeness is the Tanimoto coefficient of Morgan fingerprints (Rogers and Hahn 2010): the number of bits that both have, over the
number that either has; 1 for molecules that this sees no difference between.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from seqgan_cli.errors import SeqganError
from seqgan_cli.lazy import np

RADIUS, BITS = 2, 2048
SMILES = re.compile(r"[!-~]+")  # RDKit would read on past a space, and take what follows for a name


@functools.cache
def chem() -> Any:
    """RDKit's `Chem`, which tells stderr nothing of what it cannot read. Raises SeqganError without RDKit."""
    try:
        from rdkit import Chem, RDLogger
    except ImportError:
        raise SeqganError("Molecules need RDKit: pip install 'seqgan-cli[chem]'.") from None
    RDLogger.DisableLog("rdApp.*")
    return Chem


@functools.lru_cache(maxsize=4096)
def molecule(text: str) -> Any:
    """The molecule of a SMILES, sanitised by RDKit; None for what is none, as the empty text and one with a space in it."""
    return chem().MolFromSmiles(text) if SMILES.fullmatch(text) else None


@functools.cache
def fingerprint() -> Callable[[Any], Any]:
    """What makes a bit vector of a molecule."""
    chem()
    from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator

    return GetMorganGenerator(radius=RADIUS, fpSize=BITS).GetFingerprint


def likeness(one: Any, others: Sequence[Any]) -> Sequence[float]:
    """Of a fingerprint with each of the others."""
    return chem().DataStructs.BulkTanimotoSimilarity(one, others)


def _fingerprints(smiles: Sequence[str]) -> list[Any]:
    return [fingerprint()(mol) for mol in map(molecule, smiles) if mol is not None]


def valid_share(smiles: Sequence[str]) -> float:
    """Share of the texts that are molecules, in [0, 1]; nan of none."""
    return sum(molecule(text) is not None for text in smiles) / len(smiles) if smiles else math.nan


def internal_diversity(smiles: Sequence[str]) -> float:
    """1 − the mean likeness of all pairs i ≠ j of the molecules among n texts, in [0, 1]; nan if there are fewer than two.

    Two equal ones are a pair like any other. Benhenda (2017), and MOSES with p = 1, average over all n² ordered pairs, also
    those of a molecule and itself: theirs is (n − 1)/n of this.
    """
    prints = _fingerprints(smiles)
    pairs = len(prints) * (len(prints) - 1) // 2
    alike = math.fsum(math.fsum(likeness(prints[i], prints[:i])) for i in range(1, len(prints)))
    return 1.0 - alike / pairs if pairs else math.nan


def nearest(smiles: Sequence[str], others: Sequence[str]) -> np.ndarray:
    """The likeness of each to the most like of the others that are molecules, float64 `[n]`; nan for what is no molecule.

    Raises ValueError if no other is a molecule.
    """
    references, found = _fingerprints(others), np.full(len(smiles), math.nan)
    if not references:
        raise ValueError("No molecule to compare with.")
    for i, mol in enumerate(map(molecule, smiles)):
        if mol is not None:
            found[i] = max(likeness(fingerprint()(mol), references))
    return found
