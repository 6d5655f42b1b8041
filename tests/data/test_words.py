"""Words and marks: tokens are told by themselves, so that what is written with them is read as the same again."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sampled import examples
from seqgan_cli.data.tokenizers.words import join_words, split_words

ANY = st.text(st.characters(exclude_categories=["Cs"]))
MARKS = st.text(st.sampled_from("aBiIs.1 '\"`(…“”‘’—$,-\x85<>&;#@:/?!%)ſKİΣ«»„_~+\t"))
# Tokens, and what holds several, with and without a space between them.
PIECES = [
    *["http://a.b/c?d=1", "https://x.org/a_(b)", "www.x.y", "a.b/c?d", "me@x.org", "3,000.50", "10:30", "$5", "5$", "5%"],
    *[".NET", "C#", "U.S.", "Mr.", "e.g.", "p.m.", "...", "....", "…", "<unk>", "</s>", "AT&T", "&amp;", "#tag", "@you"],
    *["can't", "cannot", "gonna", "'tis", "'90s", "dogs'", "more'n", "d'ye", "IT'S", "U.S.-led", "mid-Oct.", "J.", "I.", "no."],
    *[
        "``",
        "''",
        "'",
        '"',
        "`",
        "(",
        ")",
        "[",
        "]",
        "<",
        ">",
        ",",
        ".",
        "?",
        "!",
        ";",
        ":",
        "--",
        "-",
        ".)",
        ".'",
        '."',
        "\"'",
    ],
]
GLUED = st.lists(st.sampled_from([*PIECES, " "]), max_size=10).map("".join)
LINES = st.one_of(ANY, MARKS, GLUED, st.lists(st.one_of(ANY, MARKS, GLUED), max_size=4).map(" ".join))


@settings(deadline=None, max_examples=examples(500))
@given(LINES, st.booleans(), st.data())
@example('Tom said "stop it" at last', False, None)
@example("The plan of the U.S.", False, None)
@example('" go "', False, None)
def test_tokens_are_read_again_whatever_their_order(line: str, lowercase: bool, data: st.DataObject | None) -> None:
    """With a space between them, and as people read them: those of a line, a piece of it, and what a generator may say."""
    line = line.lower() if lowercase else line
    tokens = split_words(line)
    if tokens and data:
        tokens = data.draw(st.lists(st.sampled_from(tokens), max_size=9) | st.just(tokens), "tokens")
    for written in (" ".join(tokens), join_words(tokens)):
        assert split_words(written.lower() if lowercase else written) == tokens


@settings(deadline=None, max_examples=examples(300))
@given(LINES)
@example("` `")
def test_nothing_is_lost_but_space_and_the_turn_of_quotes(line: str) -> None:
    written = "".join('"' if token in ("``", "''") else token for token in split_words(line))
    straight = line.translate(str.maketrans("‘’“”", "''\"\""))
    turned = re.sub(r"(?<!`)``(?!`)|''", '"', straight)  # before space goes: two marks with space between them are no quote
    assert written == "".join(turned.split())


HOST = st.from_regex(r"[a-z][a-z0-9-]{0,5}[a-z](\.[a-z]{2,4}){1,2}", fullmatch=True)
PATH = st.from_regex(
    r"(/[a-zA-Z0-9_.~-]{0,4}[a-z0-9]){0,3}(/\?[a-z]=[0-9a-z%+]{0,4}[0-9a-z](&[a-z]=[0-9])?)?(#[a-z]{1,3})?", fullmatch=True
)
WHOLE = {
    "links": st.builds("{}{}{}".format, st.sampled_from(["http://", "https://", "ftp://"]), HOST, PATH),
    "links without a scheme": st.builds("{}/{}".format, HOST, st.from_regex(r"[a-z]{1,5}(\?[a-z]=[0-9])?", fullmatch=True)),
    "addresses": st.builds("{}@{}".format, st.from_regex(r"[a-z][a-z0-9.+-]{0,4}[a-z]", fullmatch=True), HOST),
    "numbers": st.from_regex(
        r"-?[0-9]{1,3}(,[0-9]{3})*(\.[0-9]{1,3})?|[0-9]{1,2}:[0-9]{2}|[0-9]\.[0-9]\.[0-9]", fullmatch=True
    ),
    "ellipses": st.integers(2, 6).map(lambda n: "." * n) | st.just("…"),
    "abbreviations": st.from_regex(r"([A-Za-z]\.){2,4}", fullmatch=True) | st.sampled_from(["Mr.", "dr.", "St.", "etc.", "J."]),
    "names": st.sampled_from([".NET", "ASP.NET", "Node.js", "C#", "C++", "AT&T", "R&D", "<unk>", "<eos>", "it's-so"]),
}


@pytest.mark.parametrize("what", WHOLE)
@settings(deadline=None)
@given(data=st.data(), lowercase=st.booleans())
def test_one_token_wherever_it_stands(what: str, lowercase: bool, data: st.DataObject) -> None:
    """At any place of a sentence, in quotes and in brackets, and written as it was."""
    token = data.draw(WHOLE[what], "token")
    token = token.lower() if lowercase else token
    for before, after in [("", ""), ("see ", " now"), ('say "', '" now'), ("so (", ") is"), ("of ", ", too"), ("so ", "!")]:
        line = f"{before}{token}{after}"
        tokens = split_words(line)
        assert tokens.count(token) == 1, tokens
        if what != "ellipses":  # these lean on the word before, which is where most stand
            assert join_words(tokens) == line


@pytest.mark.parametrize(
    ("line", "tokens"),
    [
        ("See http://a.b/c?d=1.", ["See", "http://a.b/c?d=1", "."]),
        ("it takes .NET", ["it", "takes", ".NET"]),
        ("(https://x.org/a_(b)), or", ["(", "https://x.org/a_(b)", ")", ",", "or"]),
        ("He said no. It was I.", ["He", "said", "no", ".", "It", "was", "I", "."]),
        ("we of the U.S.", ["we", "of", "the", "U.S."]),
        ("wait... and so…", ["wait", "...", "and", "so", "…"]),
        ("-- so -- he said --", ["--", "so", "--", "he", "said", "--"]),
        ("<sos> it costs 5$ or $5 <eos>", ["<sos>", "it", "costs", "5", "$", "or", "$", "5", "<eos>"]),
    ],
)
def test_tokens_by_hand(line: str, tokens: list[str]) -> None:
    assert split_words(line) == tokens
    assert join_words(tokens) == line.replace(" so -- he", " so--he")


def test_vocabularies_of_before_are_still_written() -> None:
    """Tokens that are none any more, such as a number with its full stop, stand apart as they are."""
    assert join_words(["3.", "we", "``", "go", "''", "I.", "U.S", "."]) == '3. we "go" I. U.S .'
