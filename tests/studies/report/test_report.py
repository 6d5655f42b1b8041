"""`seqgan report`: everything escaped, nothing fetched, and a browser that shows it without complaint."""

import random
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from made_up import results, scored
from sampled import examples
from seqgan_cli.config.settings import Settings
from seqgan_cli.runs.history import Row
from seqgan_cli.runs.run import Run
from seqgan_cli.studies.experiments import outputs
from seqgan_cli.studies.experiments.findings import against_temperature
from seqgan_cli.studies.experiments.methods import COLDER, TEMPERATURES
from seqgan_cli.studies.report import run_page as report
from seqgan_cli.studies.report.experiment_page import experiment_page
from seqgan_cli.studies.report.page import Page, Section, Table
from seqgan_cli.studies.report.run_page import run_page

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
NASTY = '<script>document.title="taken"</script>'


class Tags(HTMLParser):
    """The tags of a page, the addresses it names, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def reported(studied) -> tuple[Page, str]:
    """The report of a run that an experiment trained to its end."""
    page = run_page(Run(studied / "seed-0" / "seqgan"), 64, lambda words: None, lambda words: None)
    return page, page.html()


def test_a_run_is_told_of_in_every_respect(reported):
    page, text = reported
    titles = [section.title for section in page.sections]
    assert titles == [
        "Scores",
        "Learning curve",
        "Quality against coverage",
        "Reward by position",
        "The discriminator",
        "Samples over pretrain-g",
        "Samples over adversarial",
        "Settings",
    ]
    assert any("MLE, last epoch at some temperature has an nll_oracle" in finding for finding in page.findings)
    assert page.findings[0].startswith("The generator has not collapsed: ")
    assert "evaluation.final-samples" in Tags(text).text


def test_samples_of_several_rounds_stand_side_by_side(reported):
    page, _ = reported
    (section,) = (section for section in page.sections if section.title == "Samples over adversarial")
    assert section.tables[0].columns == ["round 0", "round 1"]
    assert all(len(row) == 2 for row in section.tables[0].rows)


def test_the_page_fetches_nothing_and_runs_nothing(reported):
    found = Tags(reported[1])
    assert not {"script", "link", "iframe", "object"} & set(found.tags)
    assert all(address.startswith("data:image/svg+xml;base64,") for address in found.addresses)
    assert found.tags.count("img") == 5
    assert not re.search(r"url\(|@import", reported[1])


@settings(deadline=None, max_examples=examples(20))
@given(st.sets(st.integers(1, 2000), min_size=1, max_size=12), st.randoms())
@example({10, 99, 100, 101}, random.Random(0))
def test_the_reward_by_position_is_drawn_in_the_order_of_positions(places, shuffled):
    rows = [Row("adversarial", 3, 1, f"reward_{place:02d}", place / 10, 0.1) for place in places]
    rows.append(Row("adversarial", 3, 1, "reward_mean", 0.5, 0.1))
    shuffled.shuffle(rows)
    drawn = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "panels", lambda shown, *rest: drawn.extend(shown[0].curves))
        patch.setattr(report, "figure", lambda alternative, draw: (draw(Path("none.svg")), alternative))
        report._reward_sections(rows)
    (curve,) = drawn
    assert list(curve.x) == sorted(places)
    assert list(curve.y) == [place / 10 for place in sorted(places)]


def test_what_comes_from_data_is_text():
    page = Page(NASTY, [NASTY], [Section(NASTY, [NASTY], [("data:,", NASTY)], [Table([NASTY], [[NASTY]], NASTY)])])
    found = Tags(page.html())
    assert "script" not in found.tags
    assert found.text.count(NASTY) == 8


def test_an_experiment_is_told_of_from_its_files(studied, seqgan):
    done = seqgan("report", "--run", studied, "-o", studied / "page.html")
    assert done.code == 0, done.err
    assert "constant reward" in done.out
    text = (studied / "page.html").read_text(encoding="utf-8")
    assert Tags(text).tags.count("img") >= 1
    assert "The paper's table, with controls" in Tags(text).text


def test_findings_name_the_experiments_and_the_seeds_behind_them(tmp_path):
    methods = {"mle": [(9.0, 9.0)] * 2, "seqgan": [(8.8, 9.3)] * 2}
    for kind in ("synthetic", "frontier"):
        outputs.write(results(methods, kind), {}, tmp_path / kind)
    outputs.write(results({name: pairs[:1] for name, pairs in methods.items()}, "pretraining"), {}, tmp_path / "pretraining")
    both, single = experiment_page(tmp_path).findings[0], experiment_page(tmp_path).findings[2]
    assert both.startswith("Against MLE")
    assert both.endswith("(synthetic, 2 seeds; frontier, 2 seeds)")
    assert single.endswith("(pretraining, 1 seed)")


def test_studies_with_tables_of_their_own_are_told_of_too(tmp_path, seqgan):
    """A map, and a reward of one's own with its samples: what their table.md says, nothing lost and nothing twice."""
    record = Path(__file__).parents[3] / "docs" / "results"
    for name, source in (("regimes", "regimes/seeds"), ("objective", "objectives/demo")):
        shutil.copytree(record / source, tmp_path / name)
    (tmp_path / "experiment.json").write_text("{}")
    page = experiment_page(tmp_path)
    lines = [line for name in ("objective", "regimes") for line in (tmp_path / name / "table.md").read_text().splitlines()]
    assert [sentence.rpartition(" (")[0] for sentence in page.findings] == [line[2:] for line in lines if line.startswith("- ")]
    assert "Of 1 cell the discriminator knows most with 5000 sequences and size 64: 0.098 nats a sequence" in page.findings[-1]
    titles = [section.title for section in page.sections]
    assert titles[0] == "Objective grammar*birds=lexicon"
    assert titles[1:] == ["Samples", "regimes: where a discriminator knows something, and what that earns", "Settings"]
    first, samples, regimes, _ = page.sections
    assert [len(first.tables[0].rows), len(regimes.tables[0].rows), len(regimes.figures)] == [13, 1, 1]
    assert first.tables[0].columns[:3] == ["", "reward ↑", "grammar"]
    assert regimes.tables[0].rows[0][:3] == ["5000", "64", "5"]
    assert "that gull sings because the rain is coming" in samples.sentences
    assert "SeqGAN: the discriminator alone" in samples.sentences
    shown = " ".join(first.sentences + samples.sentences + regimes.sentences)
    plain = [line.strip().strip("*") for line in lines if line.strip() and not line.startswith(("#", "-", "|"))]
    assert [line for line in plain if line not in shown] == []
    done = seqgan("report", "--run", tmp_path)
    assert done.code == 0, done.err
    (tmp_path / "regimes" / "results.json").write_text("{")
    done = seqgan("report", "--run", tmp_path)
    assert (done.code, "Traceback" in done.err) == (1, False)
    assert f"Cannot read what {tmp_path / 'regimes'} holds" in done.err


def test_an_experiment_without_tables_says_what_to_do(tmp_path, seqgan):
    (tmp_path / "experiment.json").write_text("{}")
    done = seqgan("report", "--run", tmp_path)
    assert done.code == 1
    assert "--partial" in done.err


def test_no_run_is_one_sentence(tmp_path, seqgan):
    done = seqgan("report", "--run", tmp_path / "nothing")
    assert done.code == 1
    assert "There is no run" in done.err
    assert not (tmp_path / "nothing").exists()


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
def test_a_browser_shows_it_without_complaint(reported, tmp_path):
    path = tmp_path / "report.html"
    page = reported[0]
    nasty = Page(
        page.title, [NASTY, *page.findings], [Section(NASTY, [NASTY], tables=[Table([NASTY], [[NASTY]])]), *page.sections]
    )
    path.write_text(nasty.html(), encoding="utf-8")
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--enable-logging=stderr",
        f"--user-data-dir={tmp_path / 'profile'}",
    ]
    dump = subprocess.run(
        [str(BROWSER), *options, "--dump-dom", path.as_uri()], capture_output=True, text=True, encoding="utf-8", timeout=280
    )
    assert dump.returncode == 0
    assert not [line for line in dump.stderr.splitlines() if "CONSOLE" in line]
    assert "taken" not in dump.stdout.split("</title>")[0]
    for width in (360, 1400):
        picture = tmp_path / f"{width}.png"
        command = [str(BROWSER), *options, f"--window-size={width},1200", f"--screenshot={picture}", path.as_uri()]
        subprocess.run(command, capture_output=True, check=True, timeout=280)
        assert picture.stat().st_size > 10_000


@pytest.mark.whole
def test_text_runs_have_bleu_for_quality(tmp_path, tiny_config, seqgan):
    sentences = Path(__file__).parents[3] / "data" / "sentences.txt"
    lines = sentences.read_text(encoding="utf-8").splitlines()[:100]
    (tmp_path / "text.txt").write_text("\n".join([*lines, f"{NASTY} here"]) + "\n", encoding="utf-8")
    run = tmp_path / "run"
    assert seqgan("pretrain-g", "--data", tmp_path / "text.txt", "--config", tiny_config, "--run", run).code == 0
    done = seqgan("report", "--run", run, "--samples", 64)
    assert done.code == 0, done.err
    found = Tags((run / "report.html").read_text(encoding="utf-8"))
    assert "Samples over pretrain-g" in found.text
    assert "script" not in found.tags


@settings(deadline=None, max_examples=examples(30))
@given(st.floats(1.0, 40.0), st.floats(1.0, 40.0), st.floats(0.0, 2.0))
def test_the_curve_of_the_generator_before_goes_on_until_it_meets_the_one_after(before, after, growth):
    """Where it does, the two are compared; else the page says that they are not."""
    asked = []

    class Generators:
        settings = Settings()
        oracle = object()

        def score(self, which, sampling):
            temperature = sampling.temperature
            asked.append((which, temperature))
            coverage = {"pretrain-g": before, "adversarial": after}[which] / temperature**growth
            return scored(9.0 * temperature, coverage, temperature=temperature)

    names = {"pretrain-g": "MLE", "adversarial": "SeqGAN"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "figure", lambda alternative, draw: ("data:,", alternative))
        section, sweeps = report._frontier(Generators(), ["pretrain-g", "adversarial"], names, lambda what: None, after)
    sweep = [scores.sampling.temperature for scores in sweeps["pretrain-g"]]
    assert sweep == [*TEMPERATURES, *COLDER][: len(sweep)]
    assert [scores.sampling.temperature for scores in sweeps["adversarial"]] == list(TEMPERATURES)
    meets = before / sweep[-1] ** growth >= after
    assert meets or sweep[-1] == COLDER[-1]
    assert len(sweep) == len(TEMPERATURES) or before / sweep[-2] ** growth < after
    assert f"down to {sweep[-1]:g};" in section.sentences[0]
    (told,) = against_temperature(sweeps["adversarial"][0], sweeps["pretrain-g"], "MLE", "nll_oracle")
    assert ("cannot be compared" in told) == (not meets or after < before)
