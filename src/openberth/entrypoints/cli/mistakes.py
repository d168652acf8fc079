"""How mistakes reach a person: one sentence on standard error, what is wrong and what to do; never a traceback."""

import errno
import os
import secrets
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from openberth.entrypoints.cli.session import Session
from openberth.infra.catalogue import catalogue, sentence
from openberth.kernel.errors import Param, Problem

FAILED = 1
USAGE = 2
INTERRUPTED = 130
LINES_MAX = 20
# The machine says no: nothing of ours is broken, and whoever looks after the machine can help.
OF_THE_MACHINE = frozenset(
    {
        errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE,
        errno.ENOMEM,
    }
)  # fmt: skip


class Answered(Problem):
    """A problem that a server told: its code, its own words, and the lines of a document it found fault with."""

    def __init__(
        self, code: str, title: str, params: Mapping[str, Param], status: int, lines: tuple[str, ...] = ()
    ) -> None:
        super().__init__(code, **params)
        self.title = title
        self.status = status
        self.lines = lines


def print_problem(problem: Problem, session: Session) -> int:
    """Print a problem on standard error and return the exit status."""
    for line in lines_of(problem, session):
        sys.stderr.write(line + "\n")
    return FAILED


def lines_of(problem: Problem, session: Session) -> list[str]:
    """Return what to print: one sentence, or ``file:line: …`` for each mistake in a document and the sentence."""
    if isinstance(problem, Answered):
        known = problem.code in catalogue().codes()
        said = sentence(problem.code, session.language, problem.params) if known else problem.title or problem.code
        return [*_some(list(problem.lines), session), f"openberth: {one_line(said)}"]
    # Imported here: only where documents are read is there one with mistakes.
    from openberth.infra.documents import DocumentError

    lines = []
    if isinstance(problem, DocumentError):
        lines = _some(problem.report(lambda code, params: session.say(code, **params)), session)
    return [*lines, f"openberth: {one_line(sentence(problem.code, session.language, problem.params))}"]


def print_defect(error: BaseException, session: Session) -> int:
    """Write a defect to the log, print one line that says where, and return the exit status.

    A full disk, a file that may not be touched and the like are no defects: the line says so and nothing is logged.
    """
    if isinstance(error, OSError) and error.errno in OF_THE_MACHINE:
        reason = f"{error.strerror}: {error.filename}" if error.filename else str(error.strerror)
        sys.stderr.write(f"openberth: {one_line(session.say('cli.machine', reason=reason))}\n")
        return FAILED
    mark = secrets.token_hex(4)
    # Not session.settings again: whatever is broken must not break this line too.
    path = log_defect(error, mark, session)
    sentence = session.say("cli.defect", kind=type(error).__name__, path=str(path) if path else "-", mark=mark)
    sys.stderr.write(f"openberth: {one_line(sentence)}\n")
    return FAILED


def log_defect(error: BaseException, mark: str, session: Session) -> Path | None:
    """Append a defect with its traceback (no values of variables) to the log; None when it cannot be written."""
    told = "".join(traceback.format_exception(error))
    try:
        path = session.log_file()
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8") as file:
            file.write(f"{datetime.now(UTC).isoformat()} defect {mark}\n{told}\n")
    except OSError:
        return None
    return path


def one_line(text: str) -> str:
    """Return a text without line breaks: reasons of libraries may have them."""
    return " ".join(text.split())


def _some(lines: list[str], session: Session) -> list[str]:
    shown = [one_line(line) for line in lines[:LINES_MAX]]
    if len(lines) > LINES_MAX:
        shown.append(session.say("cli.more_lines", count=len(lines) - LINES_MAX))
    return shown
