"""The tree of commands, their help in two languages, and the one place where a run ends with its status."""

import asyncio
import os
import re
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from openberth.entrypoints.cli.mistakes import INTERRUPTED, USAGE, one_line, print_defect, print_problem
from openberth.entrypoints.cli.session import Session, chosen_language
from openberth.infra.catalogue import LANGUAGES, catalogue
from openberth.kernel.errors import Malformed, Problem

# They may stand anywhere on the line; some commands have options of their own by these names.
GENERAL = ("--language", "--data", "--keys", "--url", "--token-file")
OWN_OPTIONS = {"simulate": ("--url", "--token-file")}
_HERE = "openberth.entrypoints.cli"
_FORWARDED = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}
# Name -> (module that has a function of this name, settings of its own), in the order of the help.
COMMANDS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "demo": ("demo.command", {}),
    "serve": ("service", {}),
    "top": ("top.command", {}),
    "doctor": ("doctor", {}),
    "simulate": ("service", _FORWARDED),
    "backup": ("backups", {}),
    "restore": ("backups", {}),
    "finance": ("finance", {}),
    "version": ("version", {}),
}
GROUPS = {
    "organisation": "organisation", "setting": "setting",
    "account": "accounts", "lot": "lots", "device": "devices", "sensor": "sensors", "tariff": "tariffs",
    "calendar": "calendars",
    "audit": "audit", "keys": "keys", "person": "people", "ledger": "ledger",
    "shift": "shifts", "prepaid": "prepaid", "receipt": "receipts",
    "insight": "insight",
}  # fmt: skip
TITLES = {
    "ARGUMENTS_PANEL_TITLE": "arguments",
    "OPTIONS_PANEL_TITLE": "options",
    "COMMANDS_PANEL_TITLE": "commands",
}
HELP = ("--help", "-h")


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit status: 0 well, 1 refused or ill, 2 misused, 130 interrupted."""
    line = hoisted(sys.argv[1:] if arguments is None else arguments)
    session = Session(chosen_language(_said(line, "--language"), os.environ))
    if not line or any(word in HELP for word in line):
        _translate_titles(session)
    try:
        command = translated(typer.main.get_command(build(command_of(line))), session)
        status = command.main(line, prog_name="openberth", standalone_mode=False, obj=session)
    except Problem as problem:
        return print_problem(problem, session)
    except typer.Abort:
        return INTERRUPTED
    except typer.TyperException as error:
        return _misused(error, session)
    except (KeyboardInterrupt, asyncio.CancelledError):
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone. Nothing may be flushed into the closed pipe any more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        return print_defect(error, session)
    return status if isinstance(status, int) else 0


def build(wanted: str | None = None) -> typer.Typer:
    """Return the tree of commands; their help texts are codes of the catalogue until they are translated.

    Only the module of the wanted command is imported: the others need a second that ``--help`` does not have.
    """
    app = typer.Typer(
        help="cli.help.openberth", no_args_is_help=True, add_completion=False, rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]}, pretty_exceptions_enable=False,
    )  # fmt: skip
    app.callback()(_general)
    for name, (module, own) in COMMANDS.items():
        function = getattr(import_module(f"{_HERE}.{module}"), name) if name == wanted else _not_wanted
        app.command(name, help=f"cli.help.{name}", context_settings=own)(function)
    for name, module in GROUPS.items():
        group = import_module(f"{_HERE}.{module}").app if name == wanted else typer.Typer()
        app.add_typer(group, name=name, help=f"cli.help.{name}", no_args_is_help=True)
    return app


def command_of(line: Sequence[str]) -> str | None:
    """Return the command of a line whose general options stand before it."""
    words = iter(line)
    for word in words:
        if word in GENERAL:
            next(words, None)
        elif not word.startswith("-"):
            return word
    return None


def _not_wanted() -> None:
    raise AssertionError("another command was wanted")


def _general(
    context: typer.Context,
    language: Annotated[str | None, typer.Option(help="cli.option.language")] = None,
    data: Annotated[Path | None, typer.Option(help="cli.option.data")] = None,
    keys: Annotated[Path | None, typer.Option(help="cli.option.keys")] = None,
    url: Annotated[str | None, typer.Option(help="cli.option.url")] = None,
    token_file: Annotated[Path | None, typer.Option(help="cli.option.token_file")] = None,
) -> None:
    if language is not None and language not in LANGUAGES:
        raise Malformed("cli.language", language=language, known=", ".join(LANGUAGES))
    session = context.ensure_object(Session)
    session.data, session.keys, session.url, session.token_file = data, keys, url, token_file


def hoisted(line: Sequence[str]) -> list[str]:
    """Move the general options of a command line before the command, where they are read; after ``--`` nothing."""
    own = OWN_OPTIONS.get(command_of(line) or "", ())
    movable = [option for option in GENERAL if option not in own]
    general: list[str] = []
    rest: list[str] = []
    words = iter(line)
    for word in words:
        if word == "--":
            rest += [word, *words]
        elif word in movable:
            general += [word, *[value for value in (next(words, None),) if value is not None]]
        elif word.partition("=")[0] in movable:
            general.append(word)
        else:
            rest.append(word)
    return [*general, *rest]


def translated(command: Any, session: Session) -> Any:
    """Replace the codes in the help of a command and of everything below it by their texts."""
    _translate(command, session)
    return command


def _translate_titles(session: Session) -> None:
    """Put the titles of help into the language of the session; imported here, only help needs the room."""
    from typer import rich_utils

    for title, name in TITLES.items():
        setattr(rich_utils, title, session.say(f"cli.title.{name}"))


def _translate(command: Any, session: Session) -> None:
    known = catalogue().codes()
    for thing in (command, *command.params):
        code = getattr(thing, "help", None)
        if isinstance(code, str) and code in known:
            thing.help = with_examples(session.say(code))
    helping = command.get_help_option

    def help_option(context: Any) -> Any:
        option = helping(context)
        if option is not None:
            option.help = session.say("cli.option.help")
        return option

    command.get_help_option = help_option
    for below in getattr(command, "commands", {}).values():
        _translate(below, session)


def with_examples(text: str) -> str:
    """Mark the indented paragraphs of a help text, which are examples, so that their lines stay as they are.

    The lines of all others are joined: the terminal decides where they break.
    """
    parts = re.split(r"\n\n+", text.strip())
    return "\n\n".join(f"\b\n{part}" if part.startswith("  ") else part.replace("\n", " ") for part in parts)


def _said(line: Sequence[str], option: str) -> str | None:
    for index, word in enumerate(line):
        if word == option:
            return line[index + 1] if index + 1 < len(line) else None
        if word.startswith(option + "="):
            return word.partition("=")[2]
    return None


def _misused(error: typer.TyperException, session: Session) -> int:
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "openberth"
    if type(error).__name__ == "NoArgsIsHelpError":
        sys.stderr.write(error.format_message() + "\n")
        return USAGE
    reason = one_line(error.format_message()).rstrip(".")
    sys.stderr.write(f"openberth: {session.say('cli.usage', reason=reason, command=path)}\n")
    return USAGE
