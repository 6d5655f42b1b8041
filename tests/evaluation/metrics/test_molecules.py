"""How alike molecules are, by hand and against every pair in turn."""

import itertools
import math

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator
from rdkit.DataStructs import TanimotoSimilarity

from seqgan_cli.evaluation.metrics.molecules import internal_diversity, nearest, valid_share

SMILES = ["CC(=O)Oc1ccccc1C(=O)O", "CCO", "CCO", "OCC", "c1ccccc1O", "Cn1cnc2c1c(=O)n(C)c(=O)n2C", "CC(C)Cc1ccc(cc1)C(C)C(=O)O"]
OTHERS = ["CC(=O)O", "c1ccccc1", "CCO", "Cn1cnc2c1c(=O)[nH]c(=O)n2C"]
BITS = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)


def pair(one: str, other: str) -> float:
    prints = [BITS.GetFingerprint(Chem.MolFromSmiles(each)) for each in (one, other)]
    return float(TanimotoSimilarity(*prints))


def test_internal_diversity_is_over_all_pairs_of_two_places() -> None:
    pairs = [1.0 - pair(one, other) for one, other in itertools.permutations(SMILES, 2)]
    assert len(pairs) == 42 and internal_diversity(SMILES) == pytest.approx(sum(pairs) / 42, abs=1e-12)
    moses = [1.0 - pair(one, other) for one, other in itertools.product(SMILES, SMILES)]
    assert internal_diversity(SMILES) * 6 / 7 == pytest.approx(sum(moses) / 49, abs=1e-12)


def test_internal_diversity_by_hand() -> None:
    """Ethane (two bits) has one in common with methanol's three and propane's four, and methanol and propane the same one."""
    assert internal_diversity(["CC", "CO", "CCC"]) == pytest.approx(1.0 - (1 / 4 + 1 / 5 + 1 / 6) / 3)
    assert internal_diversity(["C", "O"]) == 1.0  # nothing in common
    assert internal_diversity(["CCO", "OCC", "C(O)C"]) == 0.0  # one molecule
    assert internal_diversity(["C", "O", "", "c1", "C C"]) == 1.0  # what is none is not counted
    assert all(math.isnan(internal_diversity(few)) for few in (["CCO"], ["CCO", "C("], []))


def test_the_share_of_molecules_by_hand() -> None:
    """Ethanol and benzene are, an open ring, a carbon of five bonds, two words and nothing are not."""
    assert valid_share(["CCO", "c1ccccc1", "c1", "CC(C)(C)(C)C", "C C", ""]) == pytest.approx(2 / 6)
    assert math.isnan(valid_share([]))


def test_the_nearest_is_the_largest_of_all_pairs() -> None:
    found = nearest(SMILES, OTHERS)
    assert found.dtype == np.float64
    assert found.tolist() == pytest.approx([max(pair(one, other) for other in OTHERS) for one in SMILES], abs=1e-12)
    assert found[1:4].tolist() == [1.0, 1.0, 1.0]


def test_the_nearest_of_what_is_no_molecule() -> None:
    found = nearest(["C(", "CC", ""], ["", "CO", "c1", "CCC"])
    assert found.tolist() == pytest.approx([math.nan, 1 / 4, math.nan], nan_ok=True)
    assert nearest([], ["C"]).shape == (0,)
    with pytest.raises(ValueError, match="No molecule"):
        nearest(["C"], ["C("])
