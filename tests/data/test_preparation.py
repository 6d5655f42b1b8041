"""Preparing a corpus in parts gives what reading it at once gives: the same sequences, whichever are held out."""

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqgan_cli.config.resolution import explicit, resolve
from seqgan_cli.config.settings import Settings
from seqgan_cli.data.corpus import Corpus, load_corpus
from seqgan_cli.data.sources import preparation, survey
from seqgan_cli.data.sources.inference import infer_kind
from seqgan_cli.data.sources.opening import real_corpus
from seqgan_cli.data.sources.preparation import prepare
from seqgan_cli.data.sources.survey import Survey
from seqgan_cli.data.tfrecord import shards
from seqgan_cli.data.tfrecord.shards import take_over
from seqgan_cli.errors import SeqganError, UsageError
from seqgan_cli.randomness import rng

DATA = Path(__file__).parents[2] / "data"


def settings_for(source: Path, **own: Any) -> Settings:
    asked = {"data.source": str(source), "data.kind": infer_kind(str(source)), "seed": 3}
    asked |= {f"data.{name.replace('_', '-')}": value for name, value in own.items()}
    return resolve(*explicit(asked, (), None), None, "paper").settings


def lines(folder: Path, number: int = 300, longest: int = 12) -> Path:
    """Lines of few words of many, blank ones among them, with `. ` now and then."""
    draws, path = rng(0, "lines"), folder / "lines.txt"
    words = [f"w{i}" for i in range(60)] + ["."] * 6
    text = [" ".join(draws.choice(words[: 5 + i % 60], draws.integers(0, longest + 1))) for i in range(number)]
    path.write_text("\n".join(text) + "\n")
    return path


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What 60 lines are prepared to be. Read only."""
    place = tmp_path_factory.mktemp("short")
    prepare(settings_for(lines(place, 60)), place / "prepared", lambda done, total: None)
    return place / "prepared"


@pytest.fixture
def folder(short: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(short, tmp_path / "prepared"))


def sequences_of(corpus: Corpus) -> tuple[Counter, Counter]:
    """Training and held-out sequences, of both parts, as words, however they were numbered."""
    whole = corpus.sequences.draw(10**9, 0, "all")
    held_out = np.concatenate([part.tokens for part in corpus.held_out.values()])
    return tuple(Counter(tuple(corpus.vocabulary.decode(ids)) for ids in table) for table in (whole, held_out))


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    "own",
    [
        {},
        {"max_length": 6},
        {"max_length": 6, "overlong": "cut"},
        {"max_length": 6, "overlong": "split", "holdout": 0.3},
        {"tokenizer": "chars", "lowercase": True},
    ],
)
@pytest.mark.parametrize("held_out", [7, 1000])
def test_parts_give_what_the_whole_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: dict[str, Any], held_out: int
) -> None:
    """In parts of 40 tokens, with as many held out as are asked for and with fewer."""
    monkeypatch.setattr(preparation, "PART", 40)
    for each in (preparation, survey):
        monkeypatch.setattr(each, "EVAL_SUBSET", held_out)
    settings = settings_for(lines(tmp_path, 400), **own)
    whole, documents = real_corpus(settings)
    reports: list[tuple[int, int]] = []
    prepared = prepare(settings, tmp_path / "prepared", lambda done, total: reports.append((done, total)))
    training, heldout = sequences_of(prepared)
    everything, shares = sum(sequences_of(whole), Counter()), (settings.data.holdout, settings.data.validation)
    expected = sum(min(held_out, round(len(documents) * share)) for share in shares)
    both = {*prepared.vocabulary.tokens} & {*whole.vocabulary.tokens}  # what one holds out, the other may not know

    def of_both(sequences: Counter) -> Counter:
        found: Counter = Counter()
        for sequence, number in sequences.items():
            found[tuple(word if word in both else "<unk>" for word in sequence)] += number
        return found

    all_prepared, everything = of_both(training + heldout), of_both(everything)
    assert all_prepared <= everything
    if settings.data.overlong == "split":  # a held-out line may give more sequences than are kept
        assert expected <= heldout.total() <= 2 * held_out
        assert everything.total() - training.total() - heldout.total() < expected
    else:
        assert all_prepared == everything
        assert settings.data.max_length or heldout.total() == expected
    words = Counter(word for sequence in training.elements() for word in sequence)
    seen = {token: i for i, token in enumerate(documents.tokens)}
    assert [*prepared.vocabulary.tokens[3:]] == sorted(words, key=lambda word: (-words[word], seen[word]))
    assert prepared.train.shape[1] == whole.train.shape[1]
    assert prepared.summary[0].split(":")[-1].split("dropped")[0] == whole.summary[0].split(":")[-1].split("dropped")[0]
    assert f"{len(prepared.sequences)} training sequences, {len(prepared.validation)} for validation, " in prepared.summary[-3]
    assert f"{len(prepared.test)} for test;" in prepared.summary[-3]
    for part, kept in prepared.held_out.items():
        texts = [path for path in (tmp_path / "lines.txt").read_text().lower().split("\n") if path]
        for ids, document in zip(kept.tokens, kept.documents, strict=True):
            said = [token for token in prepared.vocabulary.decode(ids) if token != "<unk>" and token.strip()]
            assert all(token in texts[document] for token in said), f"{part}: the document of each sequence is the right one"
    documents_of = [set(kept.documents) for kept in prepared.held_out.values()]
    assert not documents_of[0] & documents_of[1]
    assert reports[-1][0] == reports[-1][1]
    assert reports == sorted(reports)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("own", [{}, *({"max_length": 3, "overlong": fate} for fate in ("split", "cut")), {"kind": "ids"}])
def test_a_part_without_documents_has_what_is_told_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: dict[str, Any]
) -> None:
    monkeypatch.setattr(preparation, "PART", 64)
    (tmp_path / "rows.jsonl").write_text('{}\n' + '{"text": "3 2 1"}\n' * 63)  # in parts of one or of 21
    settings = settings_for(tmp_path / "rows.jsonl", **own)
    prepared = prepare(settings, tmp_path / "prepared", lambda done, total: None)
    assert "rows.jsonl: 1 records have no field 'text', the first of them record 1." in "\n".join(prepared.summary)


def test_rare_words_become_unknown_in_both_parts(tmp_path: Path) -> None:
    settings = settings_for(lines(tmp_path), min_count=20, max_vocab=30)
    prepared = prepare(settings, tmp_path / "prepared", lambda done, total: None)
    training, heldout = sequences_of(prepared)
    words = Counter(word for sequence in training.elements() for word in sequence)
    assert 2 < len(words) <= 31
    assert min(words[word] for word in words if word != "<unk>") >= 20
    assert words["<unk>"] > 0
    assert "<unk>" in {word for sequence in heldout for word in sequence}
    (tmp_path / "run").mkdir()
    prepared.save(tmp_path / "run")
    loaded = load_corpus(tmp_path / "run", None)
    assert sequences_of(loaded) == (training, heldout)


@pytest.mark.whole
def test_held_out_documents_are_drawn_from_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """200 lines, the number of a line its only word, 20 held out; over 40 seeds every tenth of the file has its share."""
    monkeypatch.setattr(preparation, "PART", 17)
    path = tmp_path / "numbers.txt"
    path.write_text("".join(f"w{i} x y\n" for i in range(200)))
    where = np.zeros(10)
    for seed in range(40):
        first = Survey(settings_for(path).data, seed)
        made = preparation._Preparation(settings_for(path), lambda done, total: None)
        for part in made.parts(0):
            first.add(part, made.layout(part, 3))
        first.keep(20)
        where += np.bincount(first.held.documents // 20, minlength=10)
    assert where.sum() == 800
    assert abs(where - 80).max() < 40, "four standard deviations"


def test_a_test_file_is_held_out_whole(tmp_path: Path) -> None:
    test = tmp_path / "test.txt"
    test.write_text("w1 w2 w3\nw4 strange\n")
    settings = settings_for(lines(tmp_path), test=str(test), validation=0.0)
    training, heldout = sequences_of(prepare(settings, tmp_path / "prepared", lambda done, total: None))
    whole, _ = real_corpus(settings)
    assert training == sequences_of(whole)[0]
    assert heldout == Counter([("w1", "w2", "w3"), ("w4", "<unk>")])


@pytest.mark.parametrize("source", ["poems.txt", "tunes"])
def test_other_kinds_are_prepared_too(tmp_path: Path, source: str) -> None:
    settings = settings_for(DATA / source)
    whole, _ = real_corpus(settings)
    prepared = prepare(settings, tmp_path / "prepared", lambda done, total: None)
    assert prepared.vocabulary.has_special_tokens == whole.vocabulary.has_special_tokens
    assert prepared.train.shape[1] == whole.train.shape[1]
    both = [sum(sequences_of(corpus), Counter()) for corpus in (prepared, whole)]
    words = [{word for sequence in each for word in sequence} for each in both]
    assert both[0].total() == both[1].total()
    if not prepared.vocabulary.has_special_tokens:
        assert words[0] == words[1]


def test_prepared_data_settle_what_was_asked_when_they_were(tmp_path: Path) -> None:
    settings = settings_for(lines(tmp_path), tokenizer="chars", max_length=9, overlong="cut")
    prepare(settings, tmp_path / "prepared", lambda done, total: None)
    source = str(tmp_path / "prepared")
    assert infer_kind(source) == "text"
    asked: dict[str, Any] = {"data.source": source, "data.tokenizer": "chars", "data.kind": "auto"}
    sources = dict.fromkeys(asked, "option")
    take_over(asked, sources)
    assert (asked["data.max-length"], asked["data.overlong"], asked["data.kind"]) == (9, "cut", "text")
    assert sources["data.overlong"] == "data"
    assert (asked["data.source"], sources["data.source"]) == (source, "option")
    with pytest.raises(UsageError, match=r"was prepared with data\.max-length = 9, and not 10"):
        take_over({"data.source": source, "data.max-length": 10}, {})


def test_tunes_that_were_prepared_before_there_was_a_choice_were_read_at_instants(tmp_path: Path) -> None:
    prepare(settings_for(DATA / "tunes"), tmp_path / "prepared", lambda done, total: None)
    index = tmp_path / "prepared" / "seqgan-corpus.json"
    record = json.loads(index.read_text())
    assert record["settings"].pop("data.sampling") == "longest"
    index.write_text(json.dumps(record))
    asked: dict[str, Any] = {"data.source": str(tmp_path / "prepared")}
    take_over(asked, {})
    assert asked["data.sampling"] == "instant"


@pytest.mark.parametrize("text", ["", "a b\n", "a b\nc d\n" * 3, "a a\n" * 100])
def test_what_cannot_be_trained_on_leaves_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "data.txt").write_text(text)
    with pytest.raises(SeqganError, match=r"data\.txt"):
        prepare(settings_for(tmp_path / "data.txt"), tmp_path / "prepared", lambda done, total: None)
    assert [*(tmp_path / "prepared").iterdir()] == []


def test_a_source_that_changes_between_the_passes_is_refused(tmp_path: Path) -> None:
    path = lines(tmp_path)

    def report(done: int, total: int) -> None:
        if done == total // 2:
            with path.open("a") as file:
                file.write("one more\n")

    with pytest.raises(SeqganError, match="has changed while it was read"):
        prepare(settings_for(path), tmp_path / "prepared", report)
    assert [*(tmp_path / "prepared").iterdir()] == []


def test_what_a_kill_left_is_taken_away_and_what_is_not_ours_is_not(tmp_path: Path) -> None:
    folder = tmp_path / "prepared"
    (folder / preparation.UNFINISHED).mkdir(parents=True)
    for name in ("00077.tfrecord.gz", "train.npz", f"{preparation.UNFINISHED}/00001.tfrecord.gz"):
        (folder / name).write_bytes(b"half")
    settings = settings_for(lines(tmp_path, 60))
    prepare(settings, folder, lambda done, total: None)
    assert not (folder / "00077.tfrecord.gz").exists()
    assert not (folder / preparation.UNFINISHED).exists()
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(UsageError, match="holds files"):
        prepare(settings, folder, lambda done, total: None)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_what_scores_look_at_is_drawn_from_all_of_a_sorted_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """2,000 lines in order, of which 200 are at hand and 200 held out: their first halves come from the whole file."""
    for each in (preparation, survey):
        monkeypatch.setattr(each, "EVAL_SUBSET", 200)
    path = tmp_path / "sorted.txt"
    path.write_text("".join(f"w{i // 200} x{i}\n" for i in range(2000)))
    prepared = prepare(settings_for(path), tmp_path / "prepared", lambda done, total: None)
    for table in (prepared.train, prepared.validation, prepared.test):
        assert len(table) == 200
        tenths = Counter(prepared.vocabulary.decode(ids)[0] for ids in table[:100])
        assert len(tenths) == 10
        assert max(tenths.values()) < 25, "ten by chance, give or take three"


def test_tables_that_do_not_belong_to_the_index_are_refused(folder: Path) -> None:
    whole = {path: path.read_bytes() for path in folder.iterdir()}

    def refused(match: str) -> None:
        with pytest.raises(SeqganError, match=match):
            real_corpus(settings_for(folder))
        for path, content in whole.items():
            path.write_bytes(content)

    for table in (np.zeros((3, 4), np.int32), np.zeros(5, np.int32), np.zeros((0, 13), np.int32), np.zeros((2, 13))):
        np.savez(folder / "train.npz", tokens=table)
        refused(r"train\.npz is no table")
    index = json.loads((folder / "seqgan-corpus.json").read_text())
    index["shards"]["sequence_length"] -= 1
    (folder / "seqgan-corpus.json").write_text(json.dumps(index))
    refused(r"\.npz is no table")
    words = (folder / "vocabulary.txt").read_text()
    (folder / "vocabulary.txt").write_text(words + "more\n")
    refused(r"vocabulary\.txt has \d+ tokens of \d+")


@pytest.mark.sampled(8)
@pytest.mark.parametrize("name", ["seqgan-corpus.json", "vocabulary.txt", "validation.npz", "test.npz", "train.npz"])
@pytest.mark.parametrize("damage", [b"", b"{}", b"\x00\xff"])
def test_a_damaged_folder_is_named(folder: Path, name: str, damage: bytes) -> None:
    (folder / name).write_bytes(damage)
    with pytest.raises(SeqganError, match=name):
        real_corpus(settings_for(folder))


def test_a_later_format_is_refused(folder: Path) -> None:
    index = folder / "seqgan-corpus.json"
    index.write_text(index.read_text().replace('"format": 2', '"format": 3'))
    with pytest.raises(SeqganError, match="written by a later version"):
        shards.read_index(folder)
