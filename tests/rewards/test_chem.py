"""Rewards of molecules, against values that RDKit, its contributors or the papers publish, and against sums by hand."""

import dataclasses
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rdkit

from parts import parts_of
from seqgan_cli.config import registry
from seqgan_cli.config.expression import Use
from seqgan_cli.config.settings import Settings
from seqgan_cli.console import Console
from seqgan_cli.data.vocabulary import EOS, PAD, Vocabulary
from seqgan_cli.errors import SeqganError, UsageError
from seqgan_cli.rewards import chem
from seqgan_cli.rewards.base import Given, Reward

ASPIRIN, BENZENE, ETHANOL = "CC(=O)Oc1ccccc1C(=O)O", "c1ccccc1", "CCO"
OPTIONS: dict[str, dict[str, Any]] = {"similarity": {"to": [ASPIRIN]}, "smarts": {"lacks": ["[Cl,Br]"]}}
NAMES = ("valid", "qed", "logp", "sa", "similarity", "smarts", "weight")
NO_SMILES = ("", "C(", "c1ccccc", "CC(C)(C)(C)C", "c1cccc1", "hello")
NONE = (*NO_SMILES, " ", "C C", "CCO ethanol", " CCO", "CCO\n", "C\x00", "é", "C\ud800")


def scores(name: str, texts: Sequence[str], **options: Any) -> list[float]:
    """With the default of every option that is not given, as a worker has them: of JSON."""
    component = registry.rewards[name]
    usual = dataclasses.asdict(component.Section()) if component.Section else {}
    found = component.function(**json.loads(json.dumps(usual | OPTIONS.get(name, {}) | options)))(texts)
    assert all(type(each) is float for each in found)
    return list(found)


def test_drug_likeness_is_what_rdkit_publishes() -> None:
    """The examples of its UnitTestQED.py; Bickerton's own figures are 0.935, 0.929, 0.779 and 0.213, with another log P."""
    examples = {
        "c1cc2OCOc2cc1OCC1CNCCC1c1ccc(F)cc1": 0.934,  # paroxetine
        "C1=NOC(C)=C1C(=O)Nc1ccc(cc1)C(F)(F)F": 0.911,  # leflunomide
        "CN(C)CCCN1c2ccccc2CCc2ccc(Cl)cc21": 0.818,  # clomipramine
        "CCCCCNC(=N)NN=CC1=CNc2ccc(CO)cc21": 0.235,  # tegaserod
    }
    assert scores("qed", list(examples)) == pytest.approx(list(examples.values()), abs=5e-4)
    nci = {  # of its NCI_200_qed.csv
        "CC1=CC(=O)C=CC1=O": 0.44168670357001333,
        "OC(=O)C1=C(O)C=CC=C1": 0.6102585058580265,
        "CC(=O)NC1=CC(=CC(=C1)C)C": 0.6756127009998774,
        "FC(F)C(F)(F)C(F)(F)C(F)(F)COC(=O)CCCC(=O)OCC(F)(F)C(F)(F)C(F)(F)C(F)F": 0.20570381563817758,
    }
    assert scores("qed", list(nci)) == pytest.approx(list(nci.values()), abs=1e-6)


# Sums of the contributions of Wildman and Crippen's Table 1: C1 0.1441, C3 −0.2035 (next to a hetero atom), C18 0.1581 (in an
# aromatic CH), H1 0.1230 (at carbon), H2 −0.2677 (of an alcohol), O2 −0.2893 (an alcohol's).
LOG_P = {
    "C": 0.1441 + 4 * 0.1230,
    "CC": 2 * 0.1441 + 6 * 0.1230,
    BENZENE: 6 * (0.1581 + 0.1230),
    ETHANOL: 0.1441 - 0.2035 - 0.2893 + 5 * 0.1230 - 0.2677,
}


def test_log_p_by_hand_and_on_its_scale() -> None:
    unscaled = [20 * score - 10 for score in scores("logp", list(LOG_P), low=-10.0, high=10.0)]
    assert unscaled == pytest.approx(list(LOG_P.values()), abs=1e-9)
    organ = (LOG_P[BENZENE] + 2.12178879609) / (6.0429063424 + 2.12178879609)
    assert scores("logp", [BENZENE]) == pytest.approx([organ])
    assert scores("logp", [BENZENE], low=0.0, high=1.0) == [1.0]  # and no more
    assert scores("logp", [BENZENE], low=2.0, high=3.0) == [0.0]
    assert scores("logp", [BENZENE], low=2.0, high=0.0) == pytest.approx([(2.0 - LOG_P[BENZENE]) / 2.0])  # the less the better


def test_synthetic_accessibility_is_what_its_authors_publish() -> None:
    """Their 100 molecules, which come with RDKit; and ORGAN's scale, 5 → 0 and 1.5 → 1."""
    table = Path(rdkit.__file__).parent / "Contrib" / "SA_Score" / "data" / "zim.100.txt"
    rows = [line.split("\t") for line in table.read_text(encoding="utf-8").splitlines()[1:]]
    smiles, published = [row[0] for row in rows], [float(row[2]) for row in rows]
    assert len(rows) == 100 and min(published) < 1.5 and max(published) > 5.0
    assert [1 + 9 * score for score in scores("sa", smiles, low=1.0, high=10.0)] == pytest.approx(published, abs=1e-3)
    organ = [min(1.0, max(0.0, (each - 5.0) / (1.5 - 5.0))) for each in published]
    assert scores("sa", smiles) == pytest.approx(organ, abs=1e-3)


def test_similarity_by_hand() -> None:
    """Of ethane's two bits (CH3; CH3 bound to CH3) the first is among propane's four (CH3, CH2, each with what it is bound to)
    and methanol's three (CH3, OH, both): 1/(2 + 4 − 1) and 1/(2 + 3 − 1). Methane and water share none."""
    assert scores("similarity", ["CC", "CCC", "CO", "C", "O"], to=["CC"]) == pytest.approx([1.0, 1 / 5, 1 / 4, 0.0, 0.0])
    assert scores("similarity", ["CC", "O"], to=["CCC", "O", "CO"]) == pytest.approx([1 / 4, 1.0])  # the nearest
    assert scores("similarity", ["OC(=O)c1ccccc1OC(C)=O"]) == [1.0]  # aspirin, written in another way


def test_substructures_by_eye() -> None:
    acid, ring, halogen = "C(=O)[OH]", "c1ccccc1", "[F,Cl,Br,I]"
    texts = [ASPIRIN, BENZENE, "CC(=O)O", "OC(=O)c1ccccc1Cl"]
    assert scores("smarts", texts, has=[acid, ring], lacks=[]) == [1.0, 0.0, 0.0, 1.0]
    assert scores("smarts", texts, has=[acid, ring], lacks=[halogen]) == [1.0, 0.0, 0.0, 0.0]
    assert scores("smarts", texts, has=[], lacks=[halogen]) == [1.0, 1.0, 1.0, 0.0]
    assert scores("smarts", texts, has=[], lacks=[halogen, acid]) == [0.0, 1.0, 0.0, 0.0]


def test_weight_by_hand() -> None:
    """Of atoms of C 12.011, H 1.008 and O 15.999."""
    aspirin, ethanol = 9 * 12.011 + 8 * 1.008 + 4 * 15.999, 2 * 12.011 + 6 * 1.008 + 15.999  # 180.159 and 46.069
    texts = [ASPIRIN, ETHANOL]
    assert scores("weight", texts, least=180.159, most=180.159, slope=1000.0) == pytest.approx(
        [1.0, 1.0 - (aspirin - ethanol) / 1000.0], abs=1e-6
    )
    assert scores("weight", texts, least=0.0, most=100.0, slope=100.0) == pytest.approx([1.0 - (aspirin - 100) / 100, 1.0])
    assert scores("weight", texts) == [1.0, 0.0]  # 160 to 480, and 0 below 60
    assert scores("weight", texts, least=46.07, most=100.0, slope=50.0) == pytest.approx([0.0, 1.0 - 0.001 / 50])


def test_a_molecule_is_what_rdkit_parses() -> None:
    assert scores("valid", [ASPIRIN, *NONE, BENZENE]) == [1.0, *(0.0 for _ in NONE), 1.0]


def test_one_that_parses_and_has_no_drug_likeness_scores_0() -> None:
    assert scores("valid", ["Cc1~ccccc1"]) == [1.0]
    assert scores("qed", ["Cc1~ccccc1", ASPIRIN]) == pytest.approx([0.0, 0.55012], abs=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_scores_are_in_their_bounds_and_what_is_no_molecule_scores_0(name: str) -> None:
    assert registry.rewards[name].bounds(Settings(), Use(name, name)) == (0.0, 1.0)
    odd = ["*", "[HH]", "[Og]", "C.C", "[Fe+2].[Cl-].[Cl-]", "C" * 300, "[999C]", "C~C", ASPIRIN]
    assert all(0.0 <= each <= 1.0 for each in scores(name, odd))
    assert scores(name, NONE) == [0.0] * len(NONE)


def test_a_process_of_its_own_prints_nothing_and_imports_rdkit_when_it_scores() -> None:
    program = f"""
import importlib, sys
module = importlib.import_module("seqgan_cli.rewards.chem")
assert "rdkit" not in sys.modules
for reward, options in ((module.QedReward, {{}}), (module.SmartsReward, {{"has": ["CO"], "lacks": []}})):
    ask = reward.function(**options)
    assert ask({list(NONE)!r}) == [0.0] * {len(NONE)}
    assert ask(["CCO"])[0] > 0
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# What is refused before anything is trained.


def refusal(reward: str, **values: Any) -> str:
    """The first sentence."""
    registry.rewards.require(reward)
    conflicts = registry.rewards.conflicts(Settings({"adversarial.reward": reward, **values}))
    return next(words for wrong, words in conflicts if wrong)


@pytest.mark.parametrize("name", NAMES)
def test_without_rdkit_they_are_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rdkit", None)
    assert refusal(name) == f"--reward {name} needs RDKit: pip install 'seqgan-cli[chem]'."


def test_without_its_table_accessibility_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(chem, "_package", lambda: tmp_path)
    with pytest.raises(StopIteration):
        refusal("qed")
    assert refusal("sa") == "--reward sa needs RDKit's Contrib/SA_Score, which this RDKit lacks: install the one of PyPI."


def test_options_that_are_missing_or_contradict_each_other_are_refused() -> None:
    assert refusal("similarity") == "--reward similarity needs the molecules to be like: reward.similarity.to, as SMILES."
    assert refusal("smarts") == (
        "--reward smarts needs patterns: reward.smarts.has, reward.smarts.lacks or both, as SMARTS."
    )
    assert refusal("logp", **{"reward.logp.low": 1.0, "reward.logp.high": 1.0}) == (
        "reward.logp.low and .high are both 1: they need two values."
    )
    assert refusal("sa", **{"reward.sa.low": 1.5}) == "reward.sa.low and .high are both 1.5: they need two values."
    assert refusal("weight", **{"reward.weight.most": 100.0}) == "reward.weight.least=160 is above reward.weight.most=100."
    assert refusal("qed*sour=smarts") == (
        "--reward smarts needs patterns: reward.sour.has, reward.sour.lacks or both, as SMARTS."
    )


# What is refused when it is made.


def made(reward: str, lines: Sequence[str] = (ASPIRIN, BENZENE), **values: Any) -> Reward:
    """The reward of a run on these lines, by character."""
    vocabulary = Vocabulary(sorted({*"".join(lines)}))
    width = max(map(len, lines)) + 1
    table = np.full((len(lines), width), PAD, np.int32)
    for row, line in zip(table, lines, strict=True):
        row[: len(line) + 1] = [*vocabulary.encode([*line]), EOS]
    settings = Settings({"data.source": "drugs.smi", "data.tokenizer": "chars", "adversarial.reward": reward, **values})
    given = Given(settings, parts_of(table, table, vocabulary), Console(), use=Use(reward, reward))
    component: type[Reward] = registry.rewards[reward]
    return component.make(given)


@pytest.mark.parametrize(
    ("reward", "option", "wrong", "what"),
    [
        ("smarts", "has", "[N", "SMARTS; --set splits at commas, so that a pattern with one has to be in a --config file"),
        ("smarts", "lacks", "C x", "SMARTS; --set splits at commas, so that a pattern with one has to be in a --config file"),
        ("smarts", "lacks", "", "SMARTS; --set splits at commas, so that a pattern with one has to be in a --config file"),
        ("similarity", "to", "c1cc", "SMILES of a molecule"),
        ("similarity", "to", "", "SMILES of a molecule"),
    ],
)
def test_an_option_that_rdkit_cannot_read_is_named(
    reward: str, option: str, wrong: str, what: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError) as found:
        made(reward, **{f"reward.{reward}.{option}": ("C", wrong)})
    assert str(found.value) == f"reward.{reward}.{option}: {wrong!r} is no {what}."
    assert capfd.readouterr() == ("", "")


def test_data_that_are_no_molecules_are_told() -> None:
    """As what nobody would notice otherwise: molecules with their names, or with spaces between their tokens."""
    with pytest.raises(SeqganError) as found:
        made("qed", ["CCO ethanol", "C C C"])
    assert str(found.value) == (
        "--reward qed is of molecules, and none of the first 2 training sequences is one, such as 'CCO ethanol': it needs a "
        "SMILES on every line and nothing else, and --tokenizer chars or smiles."
    )
    made("qed", ["CCO ethanol", "CCC"]).close()  # one will do


@pytest.mark.parametrize("name", NAMES)
def test_one_is_made_of_options_that_are_right(name: str) -> None:
    made(name, **{f"reward.{name}.{option}": tuple(value) for option, value in OPTIONS.get(name, {}).items()}).close()
