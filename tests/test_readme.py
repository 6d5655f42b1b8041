"""The commands of README and guide, run one after the other as a reader would; what documents show and link exists."""

import importlib.util
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
HELP: dict[str, Any] = {"-h": None, "--help": None}  # Click adds them to every command


def commands(page: str) -> list[str]:
    """Every line of a page's shell blocks, without its comment."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    return [line.split("  #")[0].strip() for block in blocks for line in block.splitlines() if line.strip()]


def shown(page: Path) -> list[str]:
    """Every `seqgan` command that a page shows to be pasted, in blocks of any kind and in sentences, a line each."""
    text = page.read_text(encoding="utf-8").replace("\\\n", "")
    blocks = re.findall(r"^```.*?\n(.*?)^```|^((?: {4}.*\n)+)", text, flags=re.DOTALL | re.MULTILINE)
    lines = [line.strip() for block in blocks for line in "".join(block).splitlines()]
    return [line.split("  ")[0] for line in lines if line.startswith("seqgan ")] + re.findall(r"`(seqgan [^`]+)`", text)


# What a reader leaves to the preset is made smaller still: the commands are what is tried here, not the training.
SMALLER = {
    "data.num-sequences": 400,
    "discriminator.filters": "2:8",
    "pretrain-g.epochs": 1,
    "pretrain-d.d-steps": 1,
    "adversarial.rounds": 1,
    "adversarial.rollouts": 2,
    "evaluation.samples": 30,
    "evaluation.final-samples": 200,
}
SMALLER_STILL = [f"--set={name}={value}" for name, value in SMALLER.items()]
FEW, LINES = 500, 600
ADDED: dict[str, list[str]] = dict.fromkeys(("train", "pretrain-g", "pretrain-d", "adversarial"), SMALLER_STILL) | {
    "eval-nll": ["--samples", "500"],
    "eval-grammar": ["--num", "200"],
}


@pytest.fixture
def carry_out(seqgan: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run the commands of pages in a folder with the project's data; how many were seqgan's."""
    shutil.copytree(ROOT / "data", tmp_path / "data")
    sentences = tmp_path / "data" / "sentences.txt"
    sentences.write_text("".join(sentences.read_text().splitlines(keepends=True)[:LINES]))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEQGAN_PRESET", "quick")

    def run(command: str) -> bool:
        program, *arguments = shlex.split(command)
        if program not in ("export", "make", "python", "seqgan"):
            subprocess.run(command, shell=True, check=True, stdout=subprocess.PIPE)
            return False
        if program == "export":
            monkeypatch.setenv(*arguments[0].split("=", 1))
            return False
        if program == "make":
            # Running the tests from a test would never end: that make knows the target is all there is to ask.
            subprocess.run([program, *arguments, "--dry-run"], cwd=ROOT, check=True, stdout=subprocess.PIPE)
            return False
        target = None
        if ">" in arguments:
            *arguments, _, target = arguments
        if program == "python":
            out = subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout
        else:
            assert program == "seqgan"
            added = ADDED.get(arguments[0], [])
            if "--epochs" in arguments:  # a page that says how many
                added = [option for option in added if "pretrain-g.epochs" not in option]
            done = seqgan(*arguments, *added)
            assert done.code == 0, f"{command}\n{done.err}"
            assert "Traceback" not in done.err
            out = done.out
        assert out or target is None
        if target:
            kept = out if program == "seqgan" else "".join(out.splitlines(keepends=True)[:FEW])  # of the data a reader draws
            Path(target).write_text(kept, encoding="utf-8")
        return program == "seqgan"

    return lambda *pages: sum(run(command) for page in pages for command in commands(page))


@pytest.mark.whole
def test_every_command_of_the_recipes_works(carry_out: Callable[..., int]) -> None:
    assert carry_out("docs/recipes.md") >= 12
    assert len(Path("drawn-smiles.txt").read_text().splitlines()) == 1000


@pytest.mark.usefixtures("quickly")
def test_every_command_of_the_readme_works(carry_out: Callable[..., int]) -> None:
    assert carry_out("README.md") >= 2
    samples = Path("runs/tour/samples/samples.txt").read_text().splitlines()
    known = set(Path("data/sentences.txt").read_text().split())
    assert len(samples) == 1000
    assert {word for line in samples for word in line.split()} <= known


@pytest.mark.whole
def test_every_command_of_the_page_on_rewards_works(
    carry_out: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    without_rollouts = ["--set", "adversarial.rounds=1", "--set", "evaluation.samples=100"]
    monkeypatch.setitem(ADDED, "adversarial", without_rollouts)
    assert carry_out("docs/rewards.md") >= 3
    assert "term_grammar*birds" in Path("runs/birds/history.csv").read_text()


@pytest.mark.whole
def test_every_command_of_the_page_on_data_works(carry_out: Callable[..., int]) -> None:
    assert carry_out("docs/data.md") >= 5
    history = Path("runs/of-oracle/history.csv").read_text()
    assert "nll_oracle" in history


@pytest.mark.whole
def test_every_command_of_the_readme_and_the_guide_works(
    carry_out: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    as_many = [option for option in SMALLER_STILL if "pretrain-g.epochs" not in option]
    monkeypatch.setitem(ADDED, "train", as_many)  # of whose epochs one is named
    assert carry_out("README.md", "docs/guide.md") >= 50
    assert len(list(Path("midi").glob("*.mid"))) == 4
    assert Path("sheet.html").stat().st_size > 1000
    assert len(Path("out.txt").read_text().splitlines()) == 1000
    assert Path("runs/tour/figures/learning-curve.png").stat().st_size > 10_000


def test_readme_is_short() -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(page.splitlines()) <= 100
    assert page.count("![") == 1


def test_the_guide_is_three_screens() -> None:
    assert len((ROOT / "docs" / "guide.md").read_text(encoding="utf-8").splitlines()) <= 3 * 50


def anchors(page: Path) -> set[str]:
    """The fragments that a page's headings have on GitHub."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    titles = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_resolves(page: Path) -> None:
    text = re.sub(r"^```.*?^```|`[^`\n]+`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"\w+:", link):
            continue
        path, _, fragment = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not fragment or fragment in anchors(target), link


def test_the_map_lists_every_document() -> None:
    listed = re.findall(r"^- \[([^\]]+)\]\(", (ROOT / "docs" / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert sorted(listed) == sorted(page.name for page in (ROOT / "docs").glob("*.md") if page.name != "README.md")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_and_options_that_are_shown_exist(page: Path) -> None:
    group: Any = load("docs/write_cli.py").group  # type: ignore[attr-defined]
    parent = click.Context(group, info_name="seqgan")
    for line in shown(page):
        words = re.split(r"\s+", line.partition(" > ")[0])[1:]
        if not re.fullmatch("[a-z][a-z-]*", words[0]):  # seqgan COMMAND
            continue
        command = group.get_command(parent, words[0])
        assert command is not None, line
        command = getattr(command, "commands", {}).get(words[1] if len(words) > 1 else "", command)
        options = {name: option for option in command.params for name in (*option.opts, *option.secondary_opts)} | HELP
        for word, value in zip(words, [*words[1:], ""], strict=True):
            if not word.startswith("-"):
                continue
            assert word in options, f"{line}: {word}"
            if isinstance(getattr(options[word], "type", None), click.Choice) and "|" not in value:
                options[word].type.convert(value, options[word], None)


def load(path: str) -> object:
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_cli_page_is_the_programs_help() -> None:
    page = load("docs/write_cli.py")
    assert page.PATH.read_text(encoding="utf-8") == page.text()  # type: ignore[attr-defined]


@pytest.mark.parametrize(("script", "made"), [("draw_sentences", "sentences.txt"), ("draw_poems", "poems.txt")])
def test_data_are_what_their_scripts_write(tmp_path: Path, script: str, made: str) -> None:
    module = load(f"data/{script}.py")
    shutil.copy(ROOT / "data" / "sentences.cfg", tmp_path)
    module.HERE = tmp_path  # type: ignore[attr-defined]
    module.main()  # type: ignore[attr-defined]
    assert (tmp_path / made).read_bytes() == (ROOT / "data" / made).read_bytes()


def test_functions_named_in_the_algorithm_page_exist() -> None:
    page = (ROOT / "docs" / "algorithm.md").read_text(encoding="utf-8")
    named = re.findall(r"`(\S+\.py)`: ((?:`[\w.]+`(?:, )?)+)", page)
    assert len(named) >= 10
    for path, names in named:
        source = (ROOT / "src" / "seqgan_cli" / path).read_text(encoding="utf-8")
        for name in re.findall(r"`([\w.]+)`", names):
            for part in name.split("."):
                assert re.search(rf"(class|def) {part}\b", source), f"{path}: {name}"
