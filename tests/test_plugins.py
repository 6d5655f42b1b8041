"""Components of another package, tests/plugins: found by entry points, imported when they are named, trained with like ours."""

import configparser
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from seqgan_cli.config import registry
from seqgan_cli.config.settings import SCHEMA

pytestmark = pytest.mark.usefixtures("quickly")

PLUGINS = Path(__file__).parent / "plugins"
NAMES = {"rewards": "multiples", "algorithms": "elite", "generators": "rnn", "discriminators": "bag", "kinds": "fasta"}
NAMES |= {"tokenizers": "pairs"}


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder that makes the package's entry points known, as its installation would."""
    folder = tmp_path_factory.mktemp("site")
    package = configparser.ConfigParser()
    package.read(PLUGINS / "setup.cfg", encoding="utf-8")
    about = folder / "seqgan_example-0.1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: seqgan-example\nVersion: 0.1\n", encoding="utf-8")
    groups = package["options.entry_points"].items()
    (about / "entry_points.txt").write_text("".join(f"[{name}]\n{lines}\n" for name, lines in groups), encoding="utf-8")
    return str(folder)


@pytest.fixture
def known(installed: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package is installed for this test alone."""
    monkeypatch.syspath_prepend(installed)
    monkeypatch.syspath_prepend(str(PLUGINS))
    forget()
    yield
    forget()


def forget() -> None:
    """What the registries have seen of other packages."""
    for each in registry.ALL:
        each.__dict__.pop("_entries", None)
        each._loaded.clear()
    SCHEMA.__dict__.pop("_specs", None)


def test_a_package_is_imported_when_a_setting_names_its_component_and_not_before(installed: str) -> None:
    program = f"""
import sys
sys.path[:0] = [{installed!r}, {str(PLUGINS)!r}]
from seqgan_cli.config import registry
from seqgan_cli.config.resolution import explicit
from seqgan_cli.config.settings import SCHEMA
assert len(SCHEMA) and "multiples.of" not in SCHEMA
assert all(name in getattr(registry, known).names() for known, name in {NAMES!r}.items())
assert not any(module.startswith("seqgan_example") for module in sys.modules)
values, _ = explicit({{}}, ("multiples.of=3", "adversarial.reward=multiples"), None)
assert values == {{"adversarial.reward": "multiples", "multiples.of": 3}}, values
assert "seqgan_example.multiples" in sys.modules and "seqgan_example.elite" not in sys.modules
assert "tensorflow" not in sys.modules
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.compiled
def test_one_run_trains_with_a_reward_an_algorithm_a_generator_and_a_discriminator_of_theirs(
    known: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The reward rises, and a second command goes on with what the record names."""
    from seqgan_cli.runs.run import Run

    run, size = tmp_path / "run", ("--vocab-size", "12", "--sequence-length", "5", "--num-sequences", "96")
    few = ("--set", "evaluation.samples=64", "--set", "evaluation.final-samples=64", "--quiet", "--threads", "1")
    reward = "adversarial.reward=multiples,capitals=0.01"
    ours = ("generator.cell=rnn", "discriminator.kind=bag", "adversarial.algorithm=elite", reward)
    sets = [part for each in (*ours, "multiples.of=3", "generator.hidden-dim=6") for part in ("--set", each)]
    assert seqgan("pretrain-g", "--run", str(run), *size, "--epochs", "2", "--batch-size", "32", *sets, *few) == 0
    assert seqgan("pretrain-d", "--run", str(run), "--d-steps", "1", "--k", "1", *few) == 0
    assert seqgan("adversarial", "--run", str(run), "--rounds", "30", "--set", "adversarial.g-steps=2", *few) == 0
    capsys.readouterr()
    assert seqgan("sample", "--run", str(run), "-n", "40", "--quiet") == 0
    samples = [[int(token) for token in line.split()] for line in capsys.readouterr().out.splitlines()]
    assert len(samples) == 40
    history = [row.value for row in Run(run).history.rows() if row.metric == "reward_mean"]
    assert history[-1] > 0.9 > 0.5 > history[0]
    assert sum(token % 3 == 0 for line in samples for token in line) > 0.9 * sum(map(len, samples))
    forget()  # as where the package is not installed
    with pytest.MonkeyPatch.context() as elsewhere:
        elsewhere.setattr("importlib.metadata.entry_points", lambda **_: ())
        assert seqgan("sample", "--run", str(run), "-n", "1") == 1
        told = capsys.readouterr().err
    assert "adversarial.algorithm=elite: choose from policy-gradient, ppo, best-of-n. The run was trained with" in told
    forget()
    names = set(Run(run).checkpoints("pretrain-d").latest(pytest.fail).arrays)  # type: ignore[union-attr]
    assert {"discriminator/0.embedding", "discriminator/1.output_kernel"} <= names


def test_a_kind_of_theirs_is_read_trained_on_and_sampled(
    known: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from seqgan_cli.runs.run import Run

    records, run = tmp_path / "genes.fa", tmp_path / "run"
    records.write_text("".join(f">gene {i}\nACG\n{'TA' * (1 + i % 3)}\n" for i in range(60)), encoding="utf-8")
    few = ("--epochs", "2", "--set", "evaluation.samples=32", "--quiet", "--threads", "1")
    assert seqgan("pretrain-g", "--data", str(records), "--kind", "fasta", "--run", str(run), *few) == 0
    assert sorted((run / "vocabulary.txt").read_text(encoding="utf-8").split()[-4:]) == ["A", "C", "G", "T"]
    assert Run(run).corpus().sequence_length == 10  # the longest, and its end
    capsys.readouterr()
    assert seqgan("sample", "--run", str(run), "-n", "5", "--quiet") == 0
    assert {letter for line in capsys.readouterr().out.splitlines() for letter in line.split()} <= {*"ACGT"}
    assert seqgan("pretrain-g", "--data", str(records), "--kind", "fasta", "--lowercase", "--run", str(run / "2"), *few) == 2
    assert "--lowercase is of no use to data of kind fasta" in capsys.readouterr().err


def test_a_tokenizer_of_theirs_cuts_data_and_prompts(known: None, tmp_path: Path) -> None:
    from seqgan_cli.config.resolution import explicit, resolve
    from seqgan_cli.data.sources.opening import real_corpus

    (tmp_path / "lines.txt").write_text("".join(f"ab{'cd' * (1 + i % 3)}e\n" for i in range(40)), encoding="utf-8")
    asked, sources = explicit({"data.source": str(tmp_path / "lines.txt"), "data.tokenizer": "pairs"}, (), None)
    own = resolve(asked, sources, None, "quick").settings
    vocabulary = real_corpus(own)[0].vocabulary
    assert sorted(vocabulary.tokens[-3:]) == ["ab", "cd", "e"]
    assert own.kind.prompt("abcde", own) == ["ab", "cd", "e"]
    assert own.kind.detokenizer(own, vocabulary).line(np.array(vocabulary.encode(["ab", "e", "cd"]))) == "abecd"


def test_prepared_data_are_of_their_kind_again(known: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The index names the kind, which is imported to read it."""
    records, prepared = tmp_path / "genes.fa", tmp_path / "prepared"
    records.write_text("".join(f">gene {i}\nACG\n{'TA' * (1 + i % 3)}\n" for i in range(60)), encoding="utf-8")
    written = ("--write", str(prepared), "--format", "tfrecord", "--quiet")
    assert seqgan("corpus", str(records), "--kind", "fasta", *written) == 0
    forget()
    capsys.readouterr()
    assert seqgan("corpus", str(prepared), "--quiet") == 0
    assert f"Data: {records}: 60 records" in capsys.readouterr().out


def test_a_kind_of_theirs_is_not_asked_what_a_file_is(known: None, tmp_path: Path) -> None:
    from seqgan_cli.config.settings import Settings
    from seqgan_cli.data.sources.inference import infer_kind
    from seqgan_cli.errors import UsageError

    path = tmp_path / "genes.fasta"
    path.write_text(">gene\nACGT\n", encoding="utf-8")
    assert registry.kinds["fasta"].name == "fasta"
    assert infer_kind(str(path)) == "text"
    assert Settings({"data.source": str(path)}).kind.name == "text"
    with pytest.raises(UsageError, match=r"data\.kind=verse: choose from auto, text, .*, pairs, labels, fasta\."):
        SCHEMA["data.kind"].check("verse")


def seqgan(*arguments: str) -> int:
    """The exit code of a command in this process."""
    from seqgan_cli.cli import main

    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


@pytest.mark.parametrize("named", ["adversarial.reward=multiples", "reward=multiples", "adversarial.reward = multiples"])
def test_a_component_is_imported_however_its_setting_is_written(known: None, tmp_path: Path, named: str) -> None:
    """Before other settings are looked up, in the same command or in a file: they may be of its own."""
    from seqgan_cli.config.resolution import explicit, resolve

    file = tmp_path / "settings.toml"
    file.write_text("[multiples]\nof = 5\n", encoding="utf-8")
    values, sources = explicit({}, (named,), file)
    assert values == {"multiples.of": 5, "adversarial.reward": "multiples"}
    assert resolve(*explicit({}, ("multiples.of=4", named), None), None, "quick").values["multiples.of"] == 4
    file.write_text('[adversarial]\nreward = "multiples"\n[multiples]\nof = 6\n', encoding="utf-8")
    assert explicit({}, (), file)[0]["multiples.of"] == 6
    assert sources["multiples.of"] == "file"


def test_a_name_that_nobody_has_is_told_with_all_that_are_known(known: None) -> None:
    from seqgan_cli.errors import UsageError

    with pytest.raises(UsageError, match=r"=none: there is no reward 'none'; choose from discriminator, .*, multiples\."):
        SCHEMA["adversarial.reward"].check("none")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("class Other: pass", "is no reward named 'broken'"),
        ("raise RuntimeError('no')", "cannot be imported: RuntimeError: no"),
        ("import missing_module", "cannot be imported: ModuleNotFoundError"),
    ],
)
def test_a_component_that_is_none_is_told_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, words: str
) -> None:
    from seqgan_cli.errors import UsageError

    about = tmp_path / "broken-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n", encoding="utf-8")
    (about / "entry_points.txt").write_text("[seqgan.rewards]\nbroken = broken_rewards:Other\n", encoding="utf-8")
    (tmp_path / "broken_rewards.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "broken_rewards", raising=False)
    forget()
    try:
        with pytest.raises(UsageError, match=words):
            registry.rewards["broken"]
    finally:
        forget()


@pytest.mark.parametrize(
    ("name", "entries", "words"),
    [
        ("bleu", {"one": "one:Bleu"}, "bleu: a reward of ours and one:Bleu have that name; rename"),
        ("mine", {"one": "one:Mine", "two": "two:Mine"}, "mine: one:Mine and two:Mine have that name; rename"),
    ],
)
def test_a_name_that_several_components_have_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, entries: dict[str, str], words: str
) -> None:
    from seqgan_cli.errors import UsageError

    for package, value in entries.items():
        about = tmp_path / f"{package}-1.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1\n", encoding="utf-8")
        (about / "entry_points.txt").write_text(f"[seqgan.rewards]\n{name} = {value}\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    forget()
    try:
        with pytest.raises(UsageError, match=words):
            SCHEMA["adversarial.reward"].check(name)
        assert SCHEMA["adversarial.reward"].check("discriminator") == "discriminator"  # no other name is refused
    finally:
        forget()


def test_a_setting_of_theirs_does_not_hide_one_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import dataclass

    from seqgan_cli.config.schema import section, setting
    from seqgan_cli.errors import UsageError

    @section("adversarial", "adversarial")
    @dataclass(frozen=True)
    class Mine:
        rollouts: int = setting(3, "something else")

    with pytest.raises(UsageError, match=r"declares adversarial\.rollouts, which is another setting"):
        SCHEMA.add(Mine)
    assert SCHEMA["adversarial.rollouts"].default == 16


def test_the_document_shows_the_files_as_they_are() -> None:
    text = (Path(__file__).parents[1] / "docs" / "extending.md").read_text(encoding="utf-8")
    for path in sorted((PLUGINS / "seqgan_example").glob("[a-z]*.py")):
        assert f"```python\n{path.read_text(encoding='utf-8')}```" in text, path
        assert 10 <= len([line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]) <= 60
    assert (PLUGINS / "setup.cfg").read_text(encoding="utf-8").split("[options.entry_points]")[1].strip() in text
