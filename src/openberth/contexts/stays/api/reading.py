"""How a phone asks: as a browser or a program, in which language, with which form."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from openberth.infra.catalogue import LANGUAGES, Language
from openberth.infra.http.asks import Form
from openberth.infra.http.problems import BadRequest, WrongMediaType, language_of_scope

PASS_COOKIE = "pass"  # noqa: S105 - a name
PAID_COOKIE = "paid"

_DECODER = msgspec.json.Decoder(float_hook=Decimal)  # what a form holds may be money
_FORM = "application/x-www-form-urlencoded"

F = TypeVar("F", bound=Form)


def wants_page(request: Request) -> bool:
    """Tell whether a browser asks: it names HTML, and JSON not before it."""
    accept = request.headers.get("accept", "")
    page, data = accept.find("text/html"), accept.find("application/json")
    return page >= 0 and not 0 <= data < page


def keep(request: Request, response: Response, name: str, value: str, seconds: int) -> None:
    """Have the phone keep something, for the pages behind signs and nobody else."""
    response.set_cookie(
        name, value, max_age=seconds, path="/c/", httponly=True, samesite="lax", secure=request.url.scheme == "https"
    )


def language_of(request: Request) -> Language:
    """Return the language of the page: what the reader chose on it, otherwise what the browser asks for."""
    chosen = request.query_params.get("lang")
    return next((language for language in LANGUAGES if language == chosen), language_of_scope(request.scope))


async def read_form(request: Request, form: type[F], *, cookies: bool = False) -> F:
    """Read a body sent by a page's form or as JSON. Raises ``BadRequest`` and ``WrongMediaType``.

    With ``cookies`` a form that says nothing about the pass takes the one this phone keeps.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    values: Any
    if kind == _FORM:
        values = _form_values(await request.body())
        if cookies and not values and PASS_COOKIE in request.cookies:
            values = {PASS_COOKIE: request.cookies[PASS_COOKIE]}
    elif kind in ("", "application/json"):
        try:
            values = _DECODER.decode(await request.body() or b"{}")
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            raise BadRequest([{"place": "body", "problem": "json_invalid"}]) from None
    else:
        raise WrongMediaType((_FORM, "application/json"))
    try:
        return form.model_validate(values)
    except ValidationError as error:
        places = [
            {"place": ".".join(("body", *map(str, detail["loc"])))[:120], "problem": detail["type"]}
            for detail in error.errors(include_url=False, include_input=False, include_context=False)
        ]
        raise BadRequest(places) from None


def _form_values(body: bytes) -> Mapping[str, str]:
    try:
        return dict(parse_qsl(body.decode("utf-8"), max_num_fields=20))
    except ValueError:
        raise BadRequest([{"place": "body", "problem": "form_invalid"}]) from None
