"""What `--search` takes, and what it refuses."""

import pytest

from seqgan_cli.config.settings import Settings
from seqgan_cli.errors import UsageError
from seqgan_cli.studies.search.space import DEFAULT, Dimension, default, grid, parse, parse_all


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("adversarial.g-learning-rate=1e-4:1e-1:log", Dimension("adversarial.g-learning-rate", 1e-4, 0.1, log=True)),
        ("update-rate=0:0.95", Dimension("adversarial.update-rate", 0.0, 0.95)),
        ("generator.hidden-dim=32:256:log", Dimension("generator.hidden-dim", 32, 256, log=True)),
        ("generator.cell = lstm , gru", Dimension("generator.cell", choices=("lstm", "gru"))),
        ("generator.hidden_dim=32,64,32", Dimension("generator.hidden-dim", choices=(32, 64))),
        ("discriminator.filters=1:8,2:8|paper", Dimension("discriminator.filters", choices=("1:8,2:8", "paper"))),
        ("discriminator.prefixes=yes,no", Dimension("discriminator.prefixes", choices=(True, False))),
    ],
)
def test_ranges_and_choices(text, expected):
    assert parse(text) == expected
    assert parse(str(expected)) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("update-rate", "write NAME=LOW:HIGH"),
        ("update-rate=", "write NAME=LOW:HIGH"),
        ("learning-rate=1:2", "Did you mean"),
        ("update-rate=0:0.5:linear", "write NAME=LOW:HIGH"),
        ("update-rate=0.5:0.1", "must be below"),
        ("update-rate=0:0.5:log", "above 0"),
        ("update-rate=0.5", "two values or more"),
        ("update-rate=0:7", "must be"),
        ("generator.hidden-dim=32:x", "whole number"),
        ("generator.cell=lstm,rnn", "choose from"),
        ("data.max-length=8,16", "would not compare"),
        ("seed=0,1", "would not compare"),
        ("evaluation.samples=100,200", "would not compare"),
    ],
)
def test_what_is_no_range_is_refused(text, words):
    with pytest.raises(UsageError, match=words):
        parse(text)


def test_each_setting_once():
    with pytest.raises(UsageError, match=r"adversarial.update-rate twice"):
        parse_all(["update-rate=0:0.5", "adversarial.update-rate=0:0.9"])


def test_a_grid_is_every_combination():
    points = grid(parse_all(["update-rate=0,0.5,0.9", "generator.cell=lstm,gru"]))
    assert len(points) == len({tuple(point.items()) for point in points}) == 6
    assert points[0] == {"adversarial.update-rate": 0.0, "generator.cell": "lstm"}
    with pytest.raises(UsageError, match="needs values to choose from"):
        grid(parse_all(["update-rate=0:0.9"]))


def test_the_usual_space_is_one():
    assert len(parse_all(DEFAULT)) == len(DEFAULT)


@pytest.mark.parametrize(("cell", "own"), [("gru", "generator.layer-norm"), ("transformer", "generator.heads")])
def test_a_search_of_likelihood_alone_varies_what_the_generator_has(cell: str, own: str) -> None:
    settings = Settings({"generator.cell": cell})
    names = [dimension.name for dimension in parse_all(default(settings, "pretrain-g"))]
    assert {"pretrain-g.dropout", "pretrain-g.learning-rate", "generator.layers", own} <= {*names}
    assert default(settings, "adversarial") == DEFAULT
    assert "generator.layers" not in " ".join(default(Settings({"generator.cell": "attention"}), "pretrain-g"))
