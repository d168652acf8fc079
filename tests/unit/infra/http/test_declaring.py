"""Routes declare one permission each: a start refuses the rest."""

from typing import Annotated

import pytest
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from openberth.infra.http.auth import ANYBODY, SELF, Undeclared, anybody, declarations, may, signed_in
from openberth.infra.http.idempotent import Key
from openberth.kernel.authority import Caller

KNOWN = frozenset(("lot.read", "lot.write"))
LotReader = Annotated[Caller, Depends(may("lot.read"))]


async def declared(by: LotReader, key: Key) -> str:
    return f"{by}{key}"


async def undeclared(key: Key) -> str:
    return str(key)


async def twice(by: LotReader, also: Annotated[Caller, Depends(may("lot.write"))]) -> str:
    return f"{by}{also}"


async def misspelt(by: Annotated[Caller, Depends(may("lots.read"))]) -> str:
    return str(by)


async def own(by: Annotated[Caller, Depends(signed_in)]) -> str:
    return str(by)


async def sign_in(address: Annotated[str | None, Depends(anybody)]) -> str:
    return str(address)


async def plain(_request: Request) -> Response:
    return PlainTextResponse("")


def router(path: str, endpoint: object) -> APIRouter:
    made = APIRouter(prefix="/v1")
    made.add_api_route(path, endpoint, methods=["GET"])  # type: ignore[arg-type]
    return made


def test_a_declared_route_is_listed_with_its_permission() -> None:
    found = [router("/a", declared), router("/b", own), router("/c", sign_in)]
    routes = [route for each in found for route in each.routes]
    routes.append(Route("/v1/d", may("lot.write").before(plain).serve, methods=["POST"]))
    routes.append(Route("/health", plain))
    assert declarations(routes, known=KNOWN) == {
        ("GET", "/v1/a"): "lot.read",
        ("GET", "/v1/b"): SELF,
        ("GET", "/v1/c"): ANYBODY,
        ("POST", "/v1/d"): "lot.write",
    }


@pytest.mark.parametrize("endpoint", [undeclared, twice, misspelt])
def test_a_route_without_exactly_one_known_permission_stops_the_start(endpoint: object) -> None:
    with pytest.raises(Undeclared):
        declarations(router("/a", endpoint).routes, known=KNOWN)


def test_a_plain_route_without_a_permission_stops_the_start() -> None:
    with pytest.raises(Undeclared):
        declarations([Route("/v1/a", plain)], known=KNOWN)
