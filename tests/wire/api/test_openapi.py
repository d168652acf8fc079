"""The API description, and requests made from it: whatever is sent, the answer is one that the description promises."""

import collections
from typing import Any

import hypothesis
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis import GenerationMode
from schemathesis.checks import (
    allow_header_conformance,
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from openberth.entrypoints.web import describe
from tests.wire.api.house import CAR, OTHER_CAR, TOKEN, House

# POSTs for their bodies alone
READING = ("/v1/quotes", "/v1/tariffs/check", "/v1/tariffs/curve", "/v1/people/find", "/v1/lots/{code}/check")
NEVER_AGAIN = ("/unmask", "/export")  # a value in clear is not remembered: asked again, it is written down again
THE_SAME = ("/v1/me/plates/{own_plate}/bill", "/v1/me/bills/{bill}/pay")  # again: the same bill, the same order
SELF = "/v1/auth/"  # tokens are of one use by themselves
EXAMPLES = 3  # of each operation, mode and aim
SHARES = 4  # tests among which the operations are dealt out: workers share them
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
    response_headers_conformance, allow_header_conformance,
]  # fmt: skip
# Every header that an answer under /v1 may have.
LEAVING = frozenset((
    "allow", "accept", "cache-control", "connection", "content-length", "content-security-policy", "content-type",
    "cross-origin-opener-policy", "cross-origin-resource-policy", "date", "permissions-policy", "ratelimit",
    "ratelimit-policy", "referrer-policy", "retry-after", "server", "vary", "www-authenticate",
    "x-content-type-options", "x-frame-options", "x-trace-id", "content-disposition", "etag",
))  # fmt: skip
# Who else sends each request: one in each share.
OTHERS = ("guard", "finance", "driver", None)
PASSWORD = "plum-otter-canal-92"


def test_the_description_is_for_operators_and_complete(house: House) -> None:
    described = house.get("/v1/openapi.json")
    operations = [operation for item in described["paths"].values() for operation in item.values()]
    assert len(operations) >= 28
    assert described["security"] == [{"operator": []}, {"signature": []}]
    for operation in operations:
        assert "default" in operation["responses"]
        assert operation["description"] or operation["summary"]
    unsafe = [
        item["post"]
        for path, item in described["paths"].items()
        if "post" in item and path not in (*READING, *THE_SAME) and not path.startswith(SELF)
        and not path.endswith(NEVER_AGAIN)
    ]  # fmt: skip
    for operation in unsafe:
        assert "idempotency-key" in {each["name"] for each in operation["parameters"]}


def aims(house: House) -> list[dict[str, dict[str, Any]]]:
    """Return values for parameters: none, and ones that exist, so that requests get past the look-up."""
    stay = house.get("/v1/stays", lot="mall")["items"][0]["id"]
    passage = house.get("/v1/passages", lot="mall")["items"][0]["id"]
    case = house.get("/v1/exceptions", lot="mall")["items"][0]["id"]
    real = {"lot": "mall", "lane": "out-1", "device": "cam-in-1", "stay": stay, "passage": passage, "case": case,
            "code": "mall"}  # fmt: skip
    return [{"path": {}, "query": {}}, {"path": real, "query": {"lot": "mall"}}]


def session_of(token: str | None) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    if token is not None:
        session.headers["authorization"] = f"Bearer {token}"
    return session


def signed_in(house: House, role: str) -> str:
    """Return an access token of somebody with a role in the mall's company."""
    form = {"login": f"desk-{role}", "name": "Desk", "password": PASSWORD, "company": "demo"}
    assert house.post("/v1/accounts", form).status_code == 201
    grant = {"account": form["login"], "role": role, "level": "company", "node": "demo"}
    assert house.post("/v1/grants", grant).status_code == 201
    told = house.stranger.post("/v1/auth/sign-in", json={"login": form["login"], "password": PASSWORD})
    return str(told.json()["access_token"])


@pytest.mark.parametrize("share", range(SHARES))
def test_no_request_from_the_description_breaks_anything(house: House, share: int) -> None:
    house.arrive("in-1", CAR)
    house.pass_minutes(61)
    house.arrive("out-1", CAR)
    house.arrive("in-2", None)
    house.arrive("out-2", OTHER_CAR)
    schema = schemathesis.openapi.from_dict(describe(house.app))
    other = OTHERS[share]
    sessions = session_of(TOKEN), session_of(None if other is None else signed_in(house, other))
    statuses: collections.Counter[int] = collections.Counter()
    for found in list(schema.get_all_operations())[share::SHARES]:
        operation: Any = found.ok()  # type: ignore[union-attr]
        for aim in aims(house):
            path = {each.name: aim["path"][each.name] for each in operation.path_parameters if each.name in aim["path"]}
            query = {each.name: aim["query"][each.name] for each in operation.query if each.name in aim["query"]}
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                if mode is GenerationMode.NEGATIVE and (path or query):
                    continue
                check(operation, mode, path, query, house, sessions, statuses)
    for session in sessions:
        session.close()
    assert sum(count for status, count in statuses.items() if status >= 500) == 0
    assert sum(count for status, count in statuses.items() if status < 300) > 15, statuses  # it gets through, too
    assert statuses[422] > 15, statuses


def check(
    operation: Any, mode: GenerationMode, path: dict[str, Any], query: dict[str, Any], house: House,
    sessions: tuple[requests.Session, ...], statuses: "collections.Counter[int]",
) -> None:  # fmt: skip
    strategy = operation.as_strategy(mode, path_parameters=path or None, query=query or None)

    @hypothesis.settings(
        max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @hypothesis.given(case=strategy)
    def requested(case: Any) -> None:
        for session in sessions:
            answer = case.call(base_url=house.url, session=session)
            statuses[answer.status_code] += 1
            case.validate_response(answer, checks=CHECKS)
            assert {name.lower() for name in answer.headers} <= LEAVING

    requested()
