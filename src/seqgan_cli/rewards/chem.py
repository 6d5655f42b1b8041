"""Molecules, as SMILES: what RDKit says of them. What is no molecule scores 0, as does one of which RDKit cannot say it."""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqgan_cli.config.expression import Use
from seqgan_cli.config.schema import section, setting
from seqgan_cli.errors import SeqganError, UsageError
from seqgan_cli.evaluation.metrics.molecules import chem, fingerprint, likeness, molecule
from seqgan_cli.rewards.base import Given, Reward
from seqgan_cli.rewards.texts import TextReward

if TYPE_CHECKING:
    from seqgan_cli.config.settings import Settings
    from seqgan_cli.scoring.scorer import Ask

SMARTS = "SMARTS; --set splits at commas, so that a pattern with one has to be in a --config file"
LOOKED_AT = 100  # training texts, of which one has to be a molecule
Score = Callable[[Any], float]
of_use = section("reward", "adversarial", fixed_by="adversarial")


def between(value: float, low: float, high: float) -> float:
    """Linear from 0 at `low` to 1 at `high`, which may be the smaller one, and no less or more beyond them."""
    return min(1.0, max(0.0, (value - low) / (high - low)))


def _readable(read: Callable[[str], Any], option: str, texts: Sequence[str], what: str) -> list[Any]:
    """What RDKit reads of each. Raises ValueError for one that it cannot."""
    found = [read(text) for text in texts]
    for text, each in zip(texts, found, strict=True):
        if each is None or not each.GetNumAtoms():
            raise ValueError(f"{option}: {text!r} is no {what}.")
    return found


def _pattern(text: str) -> Any:
    """That of a SMARTS, or None; RDKit would read on past a space, and take what follows for a name."""
    return None if " " in text else chem().MolFromSmarts(text)


def _package() -> Path | None:
    """Where RDKit is, which is not imported for that."""
    found = importlib.util.find_spec("rdkit")
    places = found.submodule_search_locations if found else None
    return Path(places[0]) if places else None


class MoleculeReward(TextReward):
    """Scores molecules: a subclass has `score`."""

    isolated = True
    of_molecules = True

    @classmethod
    def score(cls, **options: Any) -> Score:
        """What scores a molecule with these settings, in [0, 1]. Raises ValueError that begins with an option it cannot use."""
        raise NotImplementedError

    @classmethod
    def function(cls, **options: Any) -> Ask:
        score, unfit = cls.score(**options), chem().MolSanitizeException

        def worth(text: str) -> float:
            mol = molecule(text)
            try:
                return 0.0 if mol is None else float(score(mol))
            except unfit:  # what could be parsed may lack a QED, if it has a bond `~`
                return 0.0

        return lambda texts: [worth(text) for text in texts]

    @classmethod
    def make(cls, given: Given) -> Reward:
        """Raises UsageError for an option that RDKit cannot read, and SeqganError where the training texts are no molecules."""
        try:
            cls.score(**(dataclasses.asdict(given.options(cls.Section)) if cls.Section else {}))
        except ValueError as wrong:
            raise UsageError(f"reward.{given.use.name}.{wrong}") from None
        texts = [cls.writer(given)(ids) for ids in given.corpus.train[:LOOKED_AT]]
        if texts and not any(map(molecule, texts)):
            raise SeqganError(
                f"--reward {given.use.reward} is of molecules, and none of the first {len(texts)} training sequences is one, "
                f"such as {texts[0]!r}: it needs a SMILES on every line and nothing else, and --tokenizer chars or smiles."
            )
        return super().make(given)

    @classmethod
    def refused(cls, settings: Settings, use: Use) -> Iterable[tuple[bool, str]]:
        yield _package() is None, f"--reward {use.reward} needs RDKit: pip install 'seqgan-cli[chem]'."


class ValidReward(MoleculeReward):
    """1 for a molecule, which is what RDKit can parse and sanitise; the empty text is none."""

    name = "valid"
    meaning = "a molecule, by RDKit"
    rank = 20

    @classmethod
    def score(cls, **options: Any) -> Score:
        return lambda mol: 1.0


class QedReward(MoleculeReward):
    """Quantitative estimate of drug-likeness, with mean weights (Bickerton et al. 2012), as RDKit has it."""

    name = "qed"
    meaning = "drug-likeness of a molecule"
    rank = 21

    @classmethod
    def score(cls, **options: Any) -> Score:
        chem()
        from rdkit.Chem.QED import qed

        score: Score = qed
        return score


@of_use
@dataclass(frozen=True)
class LogpSettings:
    low: float = setting(-2.12178879609, "reward logp: the logP that scores 0")
    high: float = setting(6.0429063424, "reward logp: the logP that scores 1")


class _Scaled(MoleculeReward):
    """A property of molecules that is 0 at `low` and 1 at `high`, which may be the smaller one."""

    @classmethod
    def refused(cls, settings: Settings, use: Use) -> Iterable[tuple[bool, str]]:
        yield from super().refused(settings, use)
        cfg = settings.of_use(cls.Section, use.name)
        yield cfg.low == cfg.high, f"reward.{use.name}.low and .high are both {cfg.low:g}: they need two values."


class LogpReward(_Scaled):
    """Octanol-water partition, log P by Wildman and Crippen (1999), on ORGAN's scale (Guimaraes et al. 2017, "solubility")."""

    name = "logp"
    meaning = "log P of a molecule, scaled"
    rank = 22
    Section = LogpSettings

    @classmethod
    def score(cls, low: float, high: float) -> Score:  # type: ignore[override]
        chem()
        from rdkit.Chem.Crippen import MolLogP

        return lambda mol: between(MolLogP(mol), low, high)


@of_use
@dataclass(frozen=True)
class SyntheticAccessibilitySettings:
    low: float = setting(5.0, "reward sa: the score that counts 0, of 1 (easy) to 10")
    high: float = setting(1.5, "reward sa: the score that counts 1")


class SyntheticAccessibilityReward(_Scaled):
    """Ease of synthesis: the score of Ertl and Schuffenhauer (2009), 1 (easy) to 10, on ORGAN's scale."""

    name = "sa"
    meaning = "how easily a molecule is made, scaled"
    rank = 23
    Section = SyntheticAccessibilitySettings

    @classmethod
    def refused(cls, settings: Settings, use: Use) -> Iterable[tuple[bool, str]]:
        yield from super().refused(settings, use)
        yield (
            not all(path.is_file() for path in _contributed()),
            f"--reward {use.reward} needs RDKit's Contrib/SA_Score, which this RDKit lacks: install the one of PyPI.",
        )

    @classmethod
    def score(cls, low: float, high: float) -> Score:  # type: ignore[override]
        calculate = _synthetic_accessibility()
        return lambda mol: between(calculate(mol), low, high)


def _contributed() -> tuple[Path, Path]:
    """RDKit's script for synthetic accessibility and its table, by path within the package."""
    folder = (_package() or Path()) / "Contrib" / "SA_Score"
    return folder / "sascorer.py", folder / "fpscores.pkl.gz"


@functools.cache
def _synthetic_accessibility() -> Score:
    """That script, which at its first score unpickles the table beside it: the only pickle that is read anywhere here, since it
    is part of the installed RDKit as its code is, and no file of a user's."""
    chem()
    spec = importlib.util.spec_from_file_location("seqgan_cli_sascorer", _contributed()[0])
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    score: Score = module.calculateScore
    return score


@of_use
@dataclass(frozen=True)
class SimilaritySettings:
    to: tuple[str, ...] = setting((), "reward similarity: SMILES of the molecules to be like one of")


class SimilarityReward(MoleculeReward):
    """Tanimoto coefficient of Morgan fingerprints (radius 2, 2048 bits) with the nearest of the given molecules."""

    name = "similarity"
    meaning = "likeness to given molecules"
    rank = 24
    Section = SimilaritySettings

    @classmethod
    def refused(cls, settings: Settings, use: Use) -> Iterable[tuple[bool, str]]:
        yield from super().refused(settings, use)
        yield (
            not settings.of_use(SimilaritySettings, use.name).to,
            f"--reward {use.reward} needs the molecules to be like: reward.{use.name}.to, as SMILES.",
        )

    @classmethod
    def score(cls, to: Sequence[str]) -> Score:  # type: ignore[override]
        wanted = [fingerprint()(mol) for mol in _readable(molecule, "to", to, "SMILES of a molecule")]
        return lambda mol: max(likeness(fingerprint()(mol), wanted))


@of_use
@dataclass(frozen=True)
class SmartsSettings:
    has: tuple[str, ...] = setting((), "reward smarts: patterns of which a molecule has to have all")
    lacks: tuple[str, ...] = setting((), "reward smarts: patterns of which a molecule may have none")


class SmartsReward(MoleculeReward):
    """1 for a molecule with all the substructures that are asked for and none of those that are not wanted, else 0."""

    name = "smarts"
    meaning = "substructures that a molecule has, or lacks"
    rank = 25
    Section = SmartsSettings

    @classmethod
    def refused(cls, settings: Settings, use: Use) -> Iterable[tuple[bool, str]]:
        yield from super().refused(settings, use)
        cfg = settings.of_use(SmartsSettings, use.name)
        yield (
            not (cfg.has or cfg.lacks),
            f"--reward {use.reward} needs patterns: reward.{use.name}.has, reward.{use.name}.lacks or both, as SMARTS.",
        )

    @classmethod
    def score(cls, has: Sequence[str], lacks: Sequence[str]) -> Score:  # type: ignore[override]
        wanted, unwanted = (_readable(_pattern, *each, SMARTS) for each in (("has", has), ("lacks", lacks)))
        return lambda mol: all(map(mol.HasSubstructMatch, wanted)) and not any(map(mol.HasSubstructMatch, unwanted))


@of_use
@dataclass(frozen=True)
class WeightSettings:
    least: float = setting(160.0, "reward weight: the least molecular weight that scores 1, in Da", at_least=0)
    most: float = setting(480.0, "reward weight: the largest that scores 1", at_least=0)
    slope: float = setting(100.0, "reward weight: how far outside of both it scores 0, in Da", above=0)


class WeightReward(MoleculeReward):
    """Molecular weight (average, Da): 1 from `least` to `most` and less outside, linearly, 0 from `slope` Da away.

    By default the range of most drugs (Ghose, Viswanadhan and Wendoloski 1999).
    """

    name = "weight"
    meaning = "molecular weight within bounds"
    rank = 26
    Section = WeightSettings

    @classmethod
    def refused(cls, settings: Settings, use: Use) -> Iterable[tuple[bool, str]]:
        yield from super().refused(settings, use)
        cfg = settings.of_use(WeightSettings, use.name)
        yield cfg.least > cfg.most, f"reward.{use.name}.least={cfg.least:g} is above reward.{use.name}.most={cfg.most:g}."

    @classmethod
    def score(cls, least: float, most: float, slope: float) -> Score:  # type: ignore[override]
        chem()
        from rdkit.Chem.Descriptors import MolWt

        return lambda mol: max(0.0, 1.0 - max(least - MolWt(mol), MolWt(mol) - most, 0.0) / slope)
