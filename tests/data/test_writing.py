"""What is written is read again: every kind of data, tokenizer and format, for any sequence of a vocabulary's tokens."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sampled import examples
from seqgan_cli.config.resolution import explicit, resolve
from seqgan_cli.config.settings import Settings
from seqgan_cli.data.sources.opening import real_corpus
from seqgan_cli.data.vocabulary import EOS, UNK
from seqgan_cli.errors import SeqganError

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r\0\ufeff\ufffd"), min_size=1, max_size=12)
QUOTED = st.text(st.sampled_from("ab .,'\"`“”‘’„«»()[]<>-…!?$&;:@#1İΣ\u3000\x85"), min_size=1, max_size=20)
MARKED = st.lists(st.sampled_from(["<eos>", "<unk>", "<pad>", "<sos>", "a", "U.S.", "''", "``", '"b']), min_size=1).map(
    " ".join
)
LINES = st.lists(TEXT | QUOTED | MARKED, min_size=2, max_size=6).map(lambda lines: [line for line in lines if line.strip()])
CHARACTERS = st.sampled_from("床前明月光疑是地上霜舉頭望低思故鄉")
CONTENTS = {
    "text whitespace": LINES,
    "text words": LINES,
    "text chars": LINES,
    "speeches words": LINES,
    "ids whitespace": st.lists(st.lists(st.integers(0, 10**20).map(str), min_size=1).map(" ".join), min_size=2),
    "poems 5x4": st.lists(st.text(CHARACTERS, min_size=20, max_size=20), min_size=3, unique=True),
    "poems 7x4": st.lists(st.text(CHARACTERS, min_size=28, max_size=28), min_size=3, unique=True),
    "music": st.lists(st.lists(st.integers(0, 88).map(str), min_size=4, max_size=9).map(" ".join), min_size=2),
}


def settings_of(kind: str, path: Path, lowercase: bool) -> Settings:
    name, _, rest = kind.partition(" ")
    own: dict[str, Any] = {"data.source": str(path), "data.kind": name}
    if name == "poems":
        own["data.poem-form"] = rest
    elif name == "music":
        own["data.window"] = 4
    else:
        own |= {"data.tokenizer": rest, "data.lowercase": lowercase, "data.overlong": "split", "data.max-length": 8}
    return resolve(*explicit(own, (), None), None, "paper").settings


@pytest.mark.parametrize("kind", CONTENTS)
@settings(deadline=None, max_examples=examples(120))
@given(data=st.data(), lowercase=st.booleans())
def test_every_format_is_read_as_the_same_ids(
    tmp_path_factory: pytest.TempPathFactory, kind: str, lowercase: bool, data: st.DataObject
) -> None:
    """The sequences of the data, and any others of their tokens, `<unk>` among them, as a generator may say them."""
    folder = tmp_path_factory.mktemp("written")
    path = folder / "data.txt"
    path.write_bytes("\n".join(data.draw(CONTENTS[kind], "lines")).encode())
    try:
        wanted = settings_of(kind, path, lowercase)
        corpus, _ = real_corpus(wanted)
    except SeqganError as refused:  # too little of it is text, or a poem's characters are all alike
        assert "holds" in str(refused) or "fewer" in str(refused)
        return
    vocabulary, length = corpus.vocabulary, corpus.sequence_length
    rows = [row for row in (*corpus.train, *corpus.test) if vocabulary.length(row)]
    first, fixed = (UNK, not vocabulary.has_eos) if vocabulary.has_special_tokens else (0, True)
    if kind == "music":
        first = 0
    said = st.lists(st.integers(first, vocabulary.size - 1), min_size=length if fixed else 1, max_size=length - (not fixed))
    rows += [np.array(ids if fixed else [*ids, EOS]) for ids in data.draw(st.lists(said, max_size=5), "samples")]
    ways = wanted.kind.detokenizer(wanted, vocabulary)
    formats = {"raw": ways.raw, "text": ways.line}
    if kind.startswith(("ids", "music")):
        formats["ids"] = lambda ids: " ".join(map(str, ways.numbers(ids)))
    for name, write in formats.items():
        if (kind, name) == ("text chars", "text"):  # people read the name of what is unknown, which is several characters
            rows = [row for row in rows if UNK not in row]
            if not rows:
                continue
        again = folder / f"{name}.txt"
        again.write_bytes("".join(f"{write(row)}\n" for row in rows).encode())
        found = wanted.kind.sentences_of(again, wanted)
        read = [found.ids[start:end] for start, end in zip(found.offsets[:-1], found.offsets[1:], strict=True)]
        numbers = np.array(vocabulary.encode(found.tokens))
        assert [numbers[ids].tolist() for ids in read] == [row[: vocabulary.length(row)].tolist() for row in rows], name


@pytest.mark.parametrize("tokenizer", ["whitespace", "words", "chars"])
@settings(deadline=None, max_examples=examples(100))
@given(lines=LINES, overlong=st.sampled_from(["cut", "split"]))
@example(lines=['He said "go home" and left for the U.S. economy', "5.5 up. No", "a"], overlong="cut")
def test_pieces_that_are_written_are_data_as_before(
    tmp_path_factory: pytest.TempPathFactory, tokenizer: str, lines: list[str], overlong: str
) -> None:
    """`corpus --write` cuts where a sequence is full; a piece of a line is read as the tokens that it has."""
    folder = tmp_path_factory.mktemp("written")
    path = folder / "data.txt"
    path.write_bytes("\n".join(lines).encode())
    own = {"data.tokenizer": tokenizer, "data.overlong": overlong, "data.max-length": 5, "data.kind": "text"}
    own |= {"data.validation": 0.0}

    def numbered(**files: str) -> Any:
        asked = {**own, **{f"data.{name}": value for name, value in files.items()}}
        wanted = resolve(*explicit(asked, (), None), None, "paper").settings
        return real_corpus(wanted)[0], wanted.kind.detokenizer(wanted, real_corpus(wanted)[0].vocabulary)

    try:
        corpus, ways = numbered(source=str(path), test=str(path))
    except SeqganError as refused:
        assert "holds" in str(refused)
        return
    again = folder / "again.txt"
    again.write_bytes("".join(f"{ways.raw(row)}\n" for row in corpus.train).encode())
    anew, _ = numbered(source=str(again), test=str(again))
    assert [anew.vocabulary.decode(row) for row in anew.train] == [corpus.vocabulary.decode(row) for row in corpus.train]


def test_what_is_no_line_of_samples_is_refused_with_the_format_that_is(tmp_path: Path) -> None:
    pages = tmp_path / "pages.txt"
    pages.write_text("床前明月光，\n疑是地上霜。\n舉頭望明月，\n低頭思故鄉。\n\n")
    with pytest.raises(SeqganError, match=r"holds no poem of the form 5x4.* `sample --format raw` writes poems that are read"):
        settings_of("poems 5x4", pages, False).kind.sentences_of(pages, settings_of("poems 5x4", pages, False))
    lines = tmp_path / "lines.txt"
    lines.write_text('{"text": "a b", "ids": [3, 4]}\n')
    with pytest.raises(SeqganError, match=r"lines\.txt is of --format jsonl: `sample --format raw` writes what is read"):
        settings_of("text words", lines, False).kind.sentences_of(lines, settings_of("text words", lines, False))
