"""What a run's data files were when it began."""

from pathlib import Path

from seqgan_cli.config.settings import Settings
from seqgan_cli.runs.origins import changed, origins_of


def test_a_run_has_its_own_copy_of_data_and_not_of_what_rewards_read(tmp_path: Path) -> None:
    """So a grammar that has changed is not said to go on as it was."""
    data, grammar = tmp_path / "lines.txt", tmp_path / "g.cfg"
    data.write_text("a b\n")
    grammar.write_text("S -> 'a'\n")
    values = Settings({"data.source": str(data), "reward.grammar.file": str(grammar)}).values
    origins = origins_of(values)
    assert origins.keys() == {"data.source"}
    data.write_text("a c\n")
    grammar.write_text("S -> 'b'\n")
    assert changed({**origins, "reward.grammar.file": {**origins["data.source"], "path": str(grammar)}}, values) == [
        ("data.source", str(data))
    ]
