from pathlib import Path

from typer.testing import CliRunner

from openberth.simulator.cli import app, counters_table, spread
from openberth.simulator.counters import Counters


def test_files_spelled_out_by_the_shell_belong_to_their_option() -> None:
    given = ["--lots", "a.yaml", "b.yaml", "--seed", "3", "--tariffs", "t.yaml", "--json"]
    assert spread(given) == ["--lots", "a.yaml", "--lots", "b.yaml", "--seed", "3", "--tariffs", "t.yaml", "--json"]


def test_mistakes_end_with_status_2_and_words(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("t")
    given = ["--url", "http://127.0.0.1:1", "--token-file", str(token), "--lots", "none.yaml", "--tariffs", "none.yaml"]
    answer = CliRunner().invoke(app, [*given, "--fault", "nonsense"])
    assert answer.exit_code == 2
    assert "no fault is called" in answer.output
    answer = CliRunner().invoke(app, given)
    assert answer.exit_code == 2
    assert "none.yaml" in answer.output


def test_the_live_numbers_fit_a_table() -> None:
    assert counters_table(Counters(arrived=3)).row_count == 4
