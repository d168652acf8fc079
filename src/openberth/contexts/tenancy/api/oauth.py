"""OAuth 2.0 for integrators: the client credentials grant (RFC 6749 section 4.4), and the keys that verify our tokens.

Errors of the token address have the form of RFC 6749 section 5.2, not that of the rest of the API.
"""

import base64
import binascii
from urllib.parse import parse_qs, unquote_plus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from openberth.contexts.tenancy.api.signing_in import device_of
from openberth.contexts.tenancy.reactions.keys import Keyring
from openberth.contexts.tenancy.reactions.reception import Reception
from openberth.infra.http.auth import ANYBODY, address_of, may
from openberth.infra.http.problems import TooMany
from openberth.kernel.errors import Unknown

TOKEN = "/v1/oauth/token"  # noqa: S105 - an address
KEYS = "/.well-known/jwks.json"
FORM = "application/x-www-form-urlencoded"
FIELDS_MAX = 10
FRESH = {"cache-control": "no-store", "pragma": "no-cache"}


class OAuth:
    """Serves the routes."""

    def __init__(self, reception: Reception, keys: Keyring) -> None:
        self._reception = reception
        self._keys = keys

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route(TOKEN, may(ANYBODY).around(self._token).serve, methods=["POST"]),
            Route(KEYS, self._published, methods=["GET"]),
        ]

    async def _token(self, request: Request) -> Response:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
            return _error("invalid_request")
        try:
            fields = parse_qs((await request.body()).decode("ascii"), max_num_fields=FIELDS_MAX, strict_parsing=True)
        except ValueError:
            return _error("invalid_request")
        if any(len(values) != 1 for values in fields.values()):
            return _error("invalid_request")  # RFC 6749 section 3.2: no parameter twice
        said = {name: values[0] for name, values in fields.items()}
        if said.get("grant_type") != "client_credentials":
            return _error("unsupported_grant_type" if "grant_type" in said else "invalid_request")
        header = request.headers.get("authorization")
        client = _basic(header) if header else (said.get("client_id", ""), said.get("client_secret", ""))
        if client is None or (header and "client_secret" in said):
            return _error("invalid_request" if client else "invalid_client")
        device = device_of(request, address_of(request))
        try:
            tokens = await self._reception.machine(client=client[0], secret=client[1], device=device)
        except Unknown:
            return _error("invalid_client")
        except TooMany as problem:
            answer = _error("temporarily_unavailable", 429)
            answer.headers["retry-after"] = str(problem.retry_after_s)
            return answer
        return JSONResponse(
            {"access_token": tokens.access, "token_type": "Bearer", "expires_in": tokens.expires_in}, headers=FRESH
        )

    async def _published(self, _request: Request) -> Response:
        return JSONResponse(self._keys.published(), headers={"cache-control": "public, max-age=300"})


def _error(code: str, status: int = 400) -> Response:
    if code == "invalid_client":
        return JSONResponse({"error": code}, 401, headers={**FRESH, "www-authenticate": "Basic"})
    return JSONResponse({"error": code}, status, headers=FRESH)


def _basic(header: str) -> tuple[str, str] | None:
    """Return client id and secret of a Basic header; both are form-encoded in it (RFC 6749 section 2.3.1)."""
    scheme, _, coded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client, colon, secret = base64.b64decode(coded.strip(), validate=True).decode("ascii").partition(":")
    except (binascii.Error, ValueError):
        return None
    return (unquote_plus(client), unquote_plus(secret)) if colon else None
