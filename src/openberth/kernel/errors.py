"""Errors that a person or a program can act on.

A ``Problem`` carries a stable code for programs and parameters for the text; the text itself comes from the one
zh/en catalogue. Edges turn it into an RFC 9457 problem document. Anything else that escapes is a defect.
"""

from collections.abc import Mapping
from typing import TypeAlias

Param: TypeAlias = str | int | bool | None


class Problem(Exception):
    """Something anticipated went wrong. ``code`` is stable, e.g. ``lot.not_found``; ``status`` is an HTTP status."""

    status = 409

    def __init__(self, code: str, /, **params: Param) -> None:
        super().__init__(code)
        self.code = code
        self.params: Mapping[str, Param] = params

    def __str__(self) -> str:
        inside = ", ".join(f"{name}={value}" for name, value in self.params.items())
        return f"{self.code}({inside})" if inside else self.code


class Malformed(Problem):
    """What was sent cannot be understood: wrong syntax or types."""

    status = 422


class Denied(Problem):
    """The caller is known and may not do this."""

    status = 403


class Unknown(Problem):
    """The caller has not proved who it is."""

    status = 401


class NotFound(Problem):
    """There is no such thing, or none that the caller may see."""

    status = 404


class Refused(Problem):
    """The request is well-formed, but the state of things does not allow it."""

    status = 409


class Overloaded(Problem):
    """A queue is at its bound; try again after ``retry_after_s`` seconds."""

    status = 503

    def __init__(self, code: str, /, *, retry_after_s: int = 1, **params: Param) -> None:
        super().__init__(code, **params)
        self.retry_after_s = retry_after_s
