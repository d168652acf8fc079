"""Errors as RFC 9457 problem documents (``application/problem+json``).

Members: ``type`` (``urn:openberth:problem:CODE``), ``title`` in the language of the request, ``status``, ``code`` for
programs, ``params`` of the text, ``trace``, and ``errors`` with the places where a body or a document is wrong.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from openberth.infra.catalogue import Language, language_of, sentence, text
from openberth.infra.documents import DocumentError
from openberth.infra.telemetry import trace_id
from openberth.kernel.errors import Malformed, NotFound, Overloaded, Param, Problem

MEDIA_TYPE = "application/problem+json"
PLACES_MAX = 50
_TYPE = "urn:openberth:problem:"

log = structlog.get_logger()


class ProblemView(BaseModel):
    """A problem document, for the API description."""

    type: str
    title: str
    status: int
    code: str
    params: dict[str, str | int | bool | None]
    trace: str | None
    errors: list[dict[str, Any]] = []


class BadRequest(Malformed):
    """The request does not have the shape it should. ``places`` name what is wrong, never the values sent."""

    def __init__(self, places: Iterable[Mapping[str, str]] = ()) -> None:
        super().__init__("request.malformed")
        self.places = tuple(places)[:PLACES_MAX]


class TooLarge(Problem):
    """The body is larger than this address takes."""

    status = 413

    def __init__(self, limit: int) -> None:
        super().__init__("request.too_large", limit=limit)


class TooSlow(Problem):
    """The body did not arrive in time."""

    status = 408

    def __init__(self) -> None:
        super().__init__("request.timeout")


class Interrupted(HTTPException):
    """A problem met while a body was being read: frameworks let their own exception through and no other."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.status)
        self.problem = problem


class TooMany(Problem):
    """The caller asks too often; it may come again after ``retry_after_s``. ``code``: of what, where that is told."""

    status = 429

    def __init__(self, retry_after_s: int, code: str = "request.too_many", /, **params: Param) -> None:
        super().__init__(code, **params)
        self.retry_after_s = retry_after_s


class WrongMethod(Problem):
    """The address exists, but not for this method; ``allow`` are those it takes."""

    status = 405

    def __init__(self, allow: Iterable[str] = ()) -> None:
        super().__init__("request.method")
        self.allow = tuple(allow)


class WrongMediaType(Problem):
    """The body is of a kind that this address does not take; ``accepted`` are those it takes."""

    status = 415

    def __init__(self, accepted: Sequence[str] = ("application/json",)) -> None:
        super().__init__("request.media_type", accepted=", ".join(accepted))
        self.accepted = tuple(accepted)


class Encoded(Problem):
    """The body is compressed or otherwise encoded: what it grows to would be anybody's guess."""

    status = 415

    def __init__(self) -> None:
        super().__init__("request.encoding")


class Defect(Problem):
    """Something broke that nobody foresaw; the trace leads to the log, the answer says nothing else."""

    status = 500

    def __init__(self, trace: str) -> None:
        super().__init__("internal.defect", trace=trace)


def language_of_scope(scope: Scope) -> Language:
    """Return the language the caller reads: chosen by the outermost middleware, otherwise by the header."""
    found: Language | None = scope.get("state", {}).get("language")
    if found is not None:
        return found
    return language_of(next((value.decode("latin-1") for name, value in scope["headers"] if name == b"accept-language"),
                            None))  # fmt: skip


def problem_document(problem: Problem, language: Language) -> dict[str, Any]:
    """Return the members of a problem document."""
    document: dict[str, Any] = {
        "type": _TYPE + problem.code,
        "title": sentence(problem.code, language, problem.params),
        "status": problem.status,
        "code": problem.code,
        "params": dict(problem.params),
        "trace": trace_id(),
    }
    places = _places(problem, language)
    if places:
        document["errors"] = places
    return document


def problem_response(problem: Problem, scope: Scope) -> Response:
    """Return the answer that tells a problem; the layers around learn its code from the request's state."""
    scope.setdefault("state", {})["problem"] = problem.code
    headers = {"cache-control": "no-store"}
    if problem.status == 401:
        headers["www-authenticate"] = getattr(problem, "challenge", "Bearer")
    if isinstance(problem, WrongMediaType):  # RFC 9110 section 15.5.16
        headers["accept"] = ", ".join(problem.accepted)
    if isinstance(problem, Encoded):
        headers["accept-encoding"] = "identity"
    if isinstance(problem, WrongMethod) and problem.allow:
        headers["allow"] = ", ".join(problem.allow)
    retry_after_s = getattr(problem, "retry_after_s", None)
    if retry_after_s is not None:
        headers["retry-after"] = str(retry_after_s)
    body = msgspec.json.encode(problem_document(problem, language_of_scope(scope)))
    return Response(body, problem.status, headers, MEDIA_TYPE)


def problem_of(error: Exception) -> Problem:
    """Return what to tell about an exception: itself, or a defect, which is logged here with its trace."""
    if isinstance(error, Interrupted):
        return error.problem
    if isinstance(error, Problem):
        if error.status >= 500 and not isinstance(error, Overloaded):
            log.warning("http.refused", code=error.code)
        return error
    log.exception("http.defect", error=type(error).__name__)
    return Defect(trace_id() or "-")


def install(app: FastAPI) -> None:
    """Answer every anticipated error of an application with a problem document."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)


async def _on_problem(request: Request, error: Exception) -> Response:
    return problem_response(problem_of(error), request.scope)


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError), "registered for this type"
    places = ({"place": _place(detail["loc"]), "problem": str(detail["type"])} for detail in error.errors())
    return problem_response(BadRequest(places), request.scope)


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException), "registered for this type"
    if isinstance(error, Interrupted):
        return problem_response(error.problem, request.scope)
    if error.status_code == WrongMethod.status:
        # The router names the methods of one route; others may take the same address.
        allowed: Callable[[Scope], Iterable[str]] | None = getattr(request.app.state, "allowed", None)
        said = [each.strip() for each in (error.headers or {}).get("Allow", "").split(",") if each.strip()]
        return problem_response(WrongMethod(allowed(request.scope) if allowed else said), request.scope)
    return problem_response(_HTTP.get(error.status_code, BadRequest)(), request.scope)


def _nothing_here() -> NotFound:
    return NotFound("request.not_found")


_HTTP: Mapping[int, Any] = {404: _nothing_here, 415: WrongMediaType}


def _place(path: Sequence[Any]) -> str:
    """Write a place as people do, e.g. ``body.received.minor`` or ``query.limit``."""
    place = ""
    for part in path[:12]:
        place += f"[{part}]" if isinstance(part, int) else f".{str(part)[:60]}" if place else str(part)
    return place


def _places(problem: Problem, language: Language) -> list[dict[str, Any]]:
    if isinstance(problem, BadRequest):
        return [dict(place) for place in problem.places]
    if not isinstance(problem, DocumentError):
        return []
    return [
        {
            "line": mistake.line,
            "place": mistake.path,
            "code": mistake.code,
            "params": dict(mistake.params),
            "text": mistake.text(lambda code, params: text(code, language, **params)),
        }
        for mistake in problem.mistakes
    ]
