"""The tree of commands: general options anywhere, help that teaches in both languages, one sentence per mistake."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.cells import cell_len

from openberth.entrypoints.cli.app import COMMANDS, GROUPS, build, command_of, hoisted, run, translated, with_examples
from openberth.entrypoints.cli.devices import address_of
from openberth.entrypoints.cli.mistakes import Answered, lines_of, print_defect
from openberth.entrypoints.cli.session import Session, chosen_language
from openberth.infra.catalogue import LANGUAGES, Language, catalogue, text
from openberth.infra.documents import DocumentError, Mistake
from openberth.kernel.errors import Refused

CODE = re.compile(r"[a-z_]+(\.[a-z_]+)+")


def everything(command: Any, path: str = "openberth") -> Iterator[tuple[str, Any]]:
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from everything(below, f"{path} {name}")


def whole_tree(language: Language) -> list[tuple[str, Any]]:
    found: dict[str, Any] = {}
    for name in (*COMMANDS, *GROUPS):
        tree = translated(typer.main.get_command(build(name)), Session(language))
        found |= {path: command for path, command in everything(tree) if path == "openberth" or path.split()[1] == name}
    return sorted(found.items())


@pytest.mark.parametrize(
    ("line", "after"),
    [
        (["serve", "--data", "/x"], ["--data", "/x", "serve"]),
        (["lot", "apply", "a.yaml", "--language=en", "--url", "http://h"],
         ["--language=en", "--url", "http://h", "lot", "apply", "a.yaml"]),
        (["lot", "apply", "--", "--data"], ["lot", "apply", "--", "--data"]),
        (["simulate", "--url", "http://h"], ["simulate", "--url", "http://h"]),
        (["--data"], ["--data"]),
        ([], []),
    ],
)  # fmt: skip
def test_general_options_may_stand_anywhere(line: list[str], after: list[str]) -> None:
    assert hoisted(line) == after


def test_the_simulator_keeps_the_options_that_it_has_itself() -> None:
    line = ["simulate", "--url", "http://h", "--data", "d", "--language=zh", "--token-file", "t", "--hours", "1"]
    kept = ["simulate", "--url", "http://h", "--token-file", "t", "--hours", "1"]
    assert hoisted(line) == ["--data", "d", "--language=zh", *kept]


@pytest.mark.parametrize(("language", "words"), [("en", "the examples of the checkout"), ("zh", "结束时核对账目")])
def test_the_simulators_help_says_what_its_options_mean_here(
    language: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="0"):  # the simulator ends by itself
        run(["simulate", "--help", "--language", language])
    said = capsys.readouterr().out
    assert words in said
    assert "openberth simulate --hours 24" in said
    assert "--fault" in said


def test_the_command_is_found_behind_the_options() -> None:
    assert command_of(["--data", "serve", "lot", "list"]) == "lot"
    assert command_of(["--language=en", "top"]) == "top"
    assert command_of(["--help"]) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_has_help_in_words(language: Language) -> None:
    for path, command in whole_tree(language):
        for thing in (command, *command.params):
            assert thing.help, f"{path} {thing.name}"
            assert not CODE.fullmatch(thing.help), f"{path} {thing.name}: {thing.help} is not in the catalogue"
            chinese = re.search("[一-鿿]", thing.help)
            assert bool(chinese) == (language == "zh"), f"{path} {thing.name}: {thing.help}"


def test_every_command_has_an_example_that_names_it() -> None:
    for path, command in whole_tree("en"):
        if not getattr(command, "commands", {}) and path != "openberth version":
            assert f"  {path}" in command.help, path


def test_examples_name_options_that_exist() -> None:
    tree = dict(whole_tree("en"))
    for path, command in tree.items():
        for example in re.findall(r"^  (openberth .*)$", command.help, re.MULTILINE):
            named = max((other for other in tree if f"{example} ".startswith(f"{other} ")), key=len)
            if named == "openberth simulate":
                continue  # its options are the simulator's own
            options = {
                name for thing in (tree[named], tree["openberth"]) for param in thing.params for name in param.opts
            }
            assert set(re.findall(r"--[a-z-]+", example)) <= options, f"{path}: {example}"


def test_examples_keep_their_lines() -> None:
    assert with_examples("One.\n\n  a\n  b\n\nTwo\nlines.\n") == "One.\n\n\b\n  a\n  b\n\nTwo lines."


@pytest.mark.parametrize("language", LANGUAGES)
def test_examples_fit_a_narrow_terminal(language: Language) -> None:
    for path, command in whole_tree(language):
        for line in command.help.splitlines():
            assert not line.startswith("  ") or cell_len(line) <= 77, f"{path}: {line}"


@pytest.mark.parametrize(
    ("said", "environment", "language"),
    [
        ("zh", {"OPENBERTH_LANGUAGE": "en"}, "zh"),
        (None, {"OPENBERTH_LANGUAGE": "zh", "LANG": "en_US.UTF-8"}, "zh"),
        (None, {"LANG": "zh_CN.UTF-8"}, "zh"),
        (None, {"LC_ALL": "en_US.UTF-8", "LANG": "zh_CN.UTF-8"}, "en"),
        (None, {"LC_ALL": "", "LANG": "zh_TW.UTF-8"}, "zh"),
        (None, {"LANG": "C.UTF-8"}, "en"),
        (None, {}, "en"),
        ("fr", {"LANG": "zh_CN.UTF-8"}, "zh"),
    ],
)  # fmt: skip
def test_the_language_is_chosen(said: str | None, environment: dict[str, str], language: str) -> None:
    assert chosen_language(said, environment) == language


def test_a_problem_is_one_sentence() -> None:
    assert lines_of(Refused("lot.not_found", lot="x"), Session("en")) == [
        "openberth: There is no lot x, or you may not see it. Check the code."
    ]
    broken = Refused("database.unreachable", database="db", reason="first\nsecond\n\tthird")
    assert len(lines_of(broken, Session("en"))) == 1
    assert "first second third" in lines_of(broken, Session("en"))[0]


def test_a_problem_of_a_newer_server_is_told_in_its_own_words() -> None:
    assert lines_of(Answered("new.code", "Said so.", {}, 409), Session("en")) == ["openberth: Said so."]
    assert lines_of(Answered("lot.not_found", "?", {"lot": "m"}, 404), Session("zh")) == [
        "openberth: " + text("lot.not_found", "zh", lot="m")
    ]


def test_mistakes_in_a_document_come_with_file_and_line() -> None:
    mistakes = [Mistake(number, "a.b", "document.nothing", {}) for number in range(1, 31)]
    lines = lines_of(DocumentError("lots/x.yaml", mistakes), Session("en"))
    assert lines[0] == "lots/x.yaml:1: a.b: there is no value; write one or remove the key"
    assert lines[-2] == "… and 10 more"
    assert lines[-1].startswith("openberth: lots/x.yaml has 30 mistakes.")


def test_a_defect_is_one_line_and_the_log_knows_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENBERTH_DATA", str(tmp_path))
    assert print_defect(RuntimeError("boom\nboom"), Session("en")) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert str(tmp_path) in said
    assert "boom" not in said
    (mark,) = re.findall(r"code ([0-9a-f]{8})", said)
    written = (tmp_path / "openberth-cli.log").read_text()
    assert mark in written
    assert "boom" in written
    assert (tmp_path / "openberth-cli.log").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (["lott"], "lott"),
        (["lot", "state", "mall", "open"], "--reason"),
        (["lot", "state", "mall", "ajar", "--reason", "x"], "closed_to_all"),
        (["--language", "fr", "version"], "fr"),
        (["serve", "--port", "70000"], "65535"),
    ],
)
def test_a_misused_command_is_one_sentence(line: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(line) in (1, 2)
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert said.err.startswith("openberth: ")
    assert words in said.err
    assert said.out == ""


def test_all_texts_of_the_live_view_exist() -> None:
    from openberth.contexts.facility.model import LotState
    from openberth.contexts.payments.model import ReceiptMethod
    from openberth.contexts.stays.model.entities import Ask
    from openberth.entrypoints.cli.top.frame import AFTERWARDS

    wanted = {
        *(f"top.state.{state.value}" for state in LotState),
        *(f"top.ask.{ask.value}" for ask in Ask),
        *(f"top.method.{method.value}" for method in ReceiptMethod),
        *(f"top.afterwards.{state}" for state in AFTERWARDS),
    }
    assert wanted - catalogue().codes() == set()


@pytest.mark.parametrize(
    ("made", "url", "address"),
    [
        ({"address": "http://a:1/devices/x", "path": "/devices/x"}, None, "http://a:1/devices/x"),
        ({"address": "http://a:1/devices/x", "path": "/devices/x"}, "http://10.0.0.5:8420/", "http://10.0.0.5:8420/devices/x"),
        ({"address": "127.0.0.1:9421", "path": None}, None, "127.0.0.1:9421"),
        ({"address": "127.0.0.1:9421", "path": None}, "https://[fd00::1]", "[fd00::1]:9421"),
    ],
)  # fmt: skip
def test_a_device_is_told_the_address_by_which_it_reaches_the_server(
    made: dict[str, str | None], url: str | None, address: str
) -> None:
    assert address_of(made, url) == address
