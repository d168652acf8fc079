"""How the addresses without a token answer: a browser reads a problem as a page, too."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import Response

from openberth.contexts.stays.api import pages
from openberth.contexts.stays.api.reading import language_of, wants_page
from openberth.contexts.stays.api.signs import read_code
from openberth.infra.http.problems import TooMany, problem_document, problem_of
from openberth.kernel.errors import Problem

Serve: TypeAlias = Callable[[Request], Awaitable[Response]]


async def served(serve: Serve, request: Request) -> Response:
    """Answer a request."""
    try:
        return await serve(request)
    except Problem as problem:
        if not wants_page(request):
            raise
        told = problem_document(problem_of(problem), language_of(request))
        page = pages.page_response(pages.problem_page(told, _place(request), language_of(request)), problem.status)
        if isinstance(problem, TooMany):
            page.headers["retry-after"] = str(problem.retry_after_s)
        return page


def _place(request: Request) -> str | None:
    """Return the address that a page may lead back to: that of the sign, or of the receipt; None for what is none."""
    if "code" in request.path_params:
        code = read_code(str(request.path_params["code"]))
        return None if code is None else pages.place_of(code)
    return request.url.path
