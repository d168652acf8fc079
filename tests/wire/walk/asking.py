"""Every operation of the application, found in the application itself, and how its parameters are filled.

A parameter that names a thing is filled with names of that kind of thing: one's own, somebody else's, or one that
names nothing. Which names mean which kind stands in ``KINDS``; a required parameter that nobody can fill is an error,
so a new route is walked or fails the walk.
"""

import http.client
import json
import re
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import FastAPI
from starlette.routing import BaseRoute, Route, WebSocketRoute

from openberth.infra.http.auth import ANYBODY
from tests.waiting import PATIENCE_S
from tests.wire.walk.tenants import Tenant
from tests.wire.walk.world import ABSENT_ID, DAYS, LOT, PASSWORD, PERMITS, TARIFF

SENSITIVE = re.compile(
    r"/open\b|/convoy\b|/refunds\b|/resolve\b|/waive\b|/pay-out\b|/me/e"
    r"|/close\b|/confirm\b|/correct\b|/safe/moves\b|/payouts\b|/withdraw\b|/plates/verify\b"
)  # they are refused without a key of the request
UUID_LIKE = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
# Headers that differ between any two answers, or tell of the asker's own haste.
OF_THE_MOMENT = frozenset(("date", "x-trace-id", "ratelimit", "ratelimit-policy", "retry-after", "ratelimit-remaining"))

# What a parameter of this name is the name of.
KINDS = {
    name: name
    for name in (
        "lot", "lane", "device", "area", "stay", "passage", "case", "what_if", "account", "grant", "role", "session",
        "calendar", "company", "bill", "tariff", "plate", "receipt", "refund", "partner", "property", "export",
        "table_export",
        "person", "change", "notice", "day", "difference", "api_key", "debt", "payout", "shift", "prepaid",
        "own_plate", "waiting", "collector", "sensor",
    )
} | {"replaces": "tariff", "actor": "account", "subject": "account"}  # fmt: skip
# The same, where a name means different things at different addresses.
KINDS_AT = {
    ("/v1/lots/{code}", "code"): "lot",
    ("/v1/accounts/{account}/secret", "account"): "integrator",
    ("/v1/channels/{account}", "account"): "channel",
    ("/v1/channels/{account}/state", "account"): "channel",
    ("/v1/channels/{account}/balance", "account"): "channel",
    ("/v1/channels/{account}/payouts", "account"): "channel",
    ("/v1/accounts/{account}/api-keys", "account"): "integrator",
    ("/v1/accounts/{account}/api-keys/{api_key}", "account"): "integrator",
    ("/v1/tariffs/{code}", "code"): "tariff",
    ("/v1/partners", "code"): "new code",
    ("/v1/companies", "code"): "new code",
    ("/v1/properties", "code"): "new code",
    ("/v1/lots/{lot}/permits/{code}", "code"): "permit",
    ("/v1/prepaid", "code"): "new code",
    ("/v1/devices/{device}/history", "device"): "device_id",
    ("/v1/devices/{device}/commands", "device"): "device_id",
    ("/v1/devices/{device}/white-list", "device"): "device_id",
    ("/v1/devices/{device}/white-list/compare", "device"): "device_id",
    ("/v1/live/lots", "lots"): "lot",
    ("/v1/live/lanes", "lanes"): "lane_id",
}
# Values of required parameters that name nothing.
PLAIN: Mapping[str, Any] = {
    "sealing_key": "00000000",
    "number": 1,
    "currency": "CNY",
    "reason": "because",
    "name": "somebody",
    "password": PASSWORD,
    "zh": "名",
    "en": "Name",
    "key": "retention.pictures_days",
    "document": "v1",
    "from": "2026-03-01",
    "to": "2026-03-31",
}
PLAIN_AT = {("/v1/passages/{passage}/pictures/{number}", "number"): 0}

# Bodies for which the description alone does not tell what makes sense; ``<kind>`` is the name of a thing.
BODIES: Mapping[tuple[str, str], Any] = {
    ("POST", "/v1/lots/{lot}/occupancy"): {"area": "<area>", "adjustment": 1, "reason": "counted"},
    ("POST", "/v1/lots/{lot}/lanes/{lane}/display"): {"text": "This way, please", "seconds": 30, "aloud": False},
    ("POST", "/v1/lots/{lot}/lanes/{lane}/cash"): {"bill": "<bill>", "received": {"minor": 100, "currency": "CNY"}},
    ("POST", "/v1/bills/{bill}/offline"): {
        "method": "other", "amount": {"minor": 100, "currency": "CNY"}, "reference": "walk-1", "note": "because",
    },
    ("POST", "/v1/refunds/{refund}/made"): {"reference": "walk-1"},
    ("POST", "/v1/shifts"): {"lot": "<lot>"},
    ("POST", "/v1/shifts/{shift}/hand-over"): {"counted": {"minor": 0, "currency": "CNY"}},
    ("POST", "/v1/shifts/{shift}/close"): {"counted": {"minor": 0, "currency": "CNY"}},
    ("POST", "/v1/shifts/{shift}/correct"): {"counted": {"minor": 0, "currency": "CNY"}, "reason": "because"},
    ("POST", "/v1/lots/{lot}/safe/moves"): {
        "kind": "fetched", "amount": {"minor": 100, "currency": "CNY"}, "reference": "walk-1",
    },
    ("POST", "/v1/exceptions/{case}/resolve"): {"action": "dismiss", "reason": "seen", "stay": "<stay>"},
    ("POST", "/v1/lots/{lot}/passback-resets"): {"rights": ["casual"], "reason": "barrier was up"},
    ("POST", "/v1/lots/{lot}/lanes/{lane}/convoy"): {"minutes": 5, "reason": "wedding"},
    ("POST", "/v1/stays/{stay}/plate"): {"plate": "<new plate>", "reason": "misread"},
    ("POST", "/v1/quotes"): {"tariff": "<tariff>", "entered": "2026-03-02T02:00:00Z", "until": "2026-03-02T03:00:00Z"},
    ("POST", "/v1/tariffs/curve"): {
        "tariff": "<tariff>", "entered": "2026-03-02T02:00:00Z", "until": "2026-03-02T03:00:00Z",
    },
    ("POST", "/v1/lots/{lot}/what-if"): {"month": "2026-03", "tariff": "<tariff>", "number": 1},
    ("POST", "/v1/accounts"): {
        "login": "<new login>", "name": "somebody", "password": PASSWORD, "company": "<company>",
    },
    ("POST", "/v1/people"): {"name": "somebody", "company": "<company>"},
    ("POST", "/v1/people/find"): {"phone": "<phone>"},
    ("POST", "/v1/people/{person}/values"): {"name": "somebody", "reason": "asked"},
    ("POST", "/v1/people/{person}/reverify"): {"phone": "+12025550100", "evidence": "passport", "reason": "asked"},
    ("POST", "/v1/me/person"): {"name": "somebody"},
    ("POST", "/v1/me/plates"): {"plate": "<new plate>"},
    ("POST", "/v1/me/plates/{own_plate}/verify"): {"lane_code": "<public sign>"},
    ("POST", "/v1/me/plates/{own_plate}/bill"): {"lot_code": "<public lot>"},
    ("POST", "/v1/me/bills/{bill}/pay"): {},
    ("POST", "/v1/me/debts/{debt}/dispute"): {"reason": "because"},
    ("POST", "/v1/me/prepaid/{prepaid}/top-ups"): {"amount": {"minor": 100, "currency": "CNY"}},
    ("POST", "/v1/plates/verify"): {"own_plate": "<own_plate>", "plate": "<plate>", "reason": "because"},
    ("POST", "/v1/grants"): {"account": "<account>", "role": "<role>", "level": "lot", "node": "<lot>"},
    ("POST", "/v1/channels/{account}/payouts"): {"amount_minor": 1, "day": "2026-03-02", "reference": "<new login>"},
    ("POST", "/v1/exports"): {"level": "company", "node": "<company>", "reason": "because"},
    ("POST", "/v1/tables/exports"): {"table": "stays", "filters": {"lot": ["<lot>"], "plate": "<plate>"}},
    ("PUT", "/v1/settings/{key}"): {"level": "lot", "node": "<lot>", "value": 30},
    ("PUT", "/v1/roles/{role}"): {"name": "somebody", "permissions": ["lot.read"]},
    ("POST", "/v1/calendars/{calendar}/seed"): {"years": [2026]},
    ("POST", "/v1/devices/{device}/commands"): {"kind": "restart", "reason": "it hangs"},
    ("POST", "/v1/devices/waiting/{waiting}/approve"): {"lot": "<lot>", "lane": "<lane>", "code": "new-camera"},
    ("PUT", "/v1/lots/{lot}/devices/{device}/endpoint"): {"endpoint": None},
    ("POST", "/v1/lots/{lot}/devices/{device}/login"): {"user": "admin", "password": "a-password"},
    ("POST", "/v1/prepaid"): {"lot": "<lot>", "code": "<new code>", "plates": ["<new plate>"]},
    ("PUT", "/v1/prepaid/{prepaid}"): {
        "plates": ["<new plate>"], "holder": None, "spending": "company", "pays_by_itself": True, "state": "active",
    },
    ("POST", "/v1/prepaid/{prepaid}/top-ups"): {"amount": {"minor": 100, "currency": "CNY"}, "way": None},
    ("POST", "/v1/prepaid/{prepaid}/pay-out"): {"amount": {"minor": 100, "currency": "CNY"}, "reason": "asked"},
    ("POST", "/v1/auth/confirm"): {"password": PASSWORD},
    ("POST", "/v1/accounts/{account}/api-keys"): {"name": "somebody", "scopes": ["lot.read"]},
    ("POST", "/v1/auth/password"): {"old": PASSWORD, "new": "walnut-bridge-77"},
    ("POST", "/v1/backups"): {"name": "night.tar", "keys": ["0a0b0c0d"], "revision": "0018"},
    ("POST", "/v1/auth/second-factor/recovery-codes"): {"password": PASSWORD},
    ("PUT", "/v1/auth/second-factor"): {"password": PASSWORD, "secret": "A" * 32, "code": "000000"},
}  # fmt: skip
DOCUMENTS: Mapping[tuple[str, str], str] = {
    ("PUT", "/v1/lots/{code}"): LOT,
    ("POST", "/v1/lots/{code}/check"): LOT,
    ("PUT", "/v1/tariffs/{code}"): TARIFF,
    ("PUT", "/v1/tariffs/{code}/draft"): TARIFF,
    ("POST", "/v1/tariffs/check"): TARIFF,
    ("PUT", "/v1/calendars/{calendar}/days"): DAYS,
    ("PUT", "/v1/lots/{lot}/permits"): PERMITS,
}  # fmt: skip
QUERIES: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("GET", "/v1/calendars/{calendar}"): {"company": "<company>"},
    ("PUT", "/v1/calendars/{calendar}/days"): {"company": "<company>"},
    ("POST", "/v1/calendars/{calendar}/seed"): {"company": "<company>"},
    ("GET", "/v1/roles"): {"company": "<company>"},
    ("GET", "/v1/settings"): {"level": "company", "node": "<company>"},
    ("DELETE", "/v1/settings/{key}"): {"level": "lot", "node": "<lot>"},
}  # fmt: skip
# Of a document, what its placeholders name.
_OF_DOCUMENTS = {"plate": "new plate", "zh": "", "space": ""}
_PLACEHOLDER = re.compile(r"<([a-z_ ]+)>")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as far as anybody could tell it from another one."""

    status: int
    headers: tuple[tuple[str, str], ...]
    text: str

    @property
    def code(self) -> str:
        try:
            return str(json.loads(self.text)["code"])
        except (ValueError, KeyError, TypeError):
            return ""

    def without(self, sent: Sequence[str], known: Collection[str] = ()) -> "Answer":
        """Return the answer without what was sent, its trace, and the ids and versions that were made for it."""
        told = re.sub(r'"trace":"[0-9a-f]+"', '"trace":""', self.text)
        told = re.sub(r'"version":"[0-9a-f]{16}"', '"version":""', told)  # of a lot, made of all that its file says
        told = UUID_LIKE.sub(lambda found: found[0] if found[0] in {*known, *sent} else "<new>", told)
        for value in sorted(set(sent), key=len, reverse=True):
            told = told.replace(value, "<sent>")
        return Answer(self.status, self.headers, told)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that is ready to go."""

    method: str
    target: str
    body: bytes | None = None
    media_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Line:
    """One connection to the house, kept open."""

    def __init__(self, url: str) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self._connection = http.client.HTTPConnection(host, int(port), timeout=PATIENCE_S)
        self.count = 0

    def ask(self, asked: Asked, token: str | None) -> Answer:
        headers = dict(asked.headers)
        if asked.method == "POST" and SENSITIVE.search(asked.target):
            headers.setdefault("idempotency-key", secrets.token_hex(8))
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        if asked.media_type is not None:
            headers["content-type"] = asked.media_type
        self.count += 1
        self._connection.request(asked.method, asked.target, asked.body, headers)
        answer = self._connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
        kept = sorted((name.lower(), value) for name, value in answer.getheaders())
        return Answer(answer.status, tuple(each for each in kept if each[0] not in OF_THE_MOMENT), text)

    def close(self) -> None:
        self._connection.close()


@dataclass(frozen=True, slots=True)
class Operation:
    """A method at an address: what it asks for, and a request with ``<kind>`` where names of things go."""

    method: str
    path: str
    word: str
    query: Mapping[str, str]
    optional: Mapping[str, str]  # further parameters of the query that name things
    body: Any = None
    document: str | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def kinds(self) -> list[str]:
        """Return the kinds of things that it names."""
        return sorted(set(_PLACEHOLDER.findall(f"{self.path}{json.dumps([self.query, self.body])}{self.document}")))

    def filled(self, names: Mapping[str, str], more: Mapping[str, str] | None = None) -> Asked:
        """Return the request with names of things by their kind; ``more`` are optional parameters."""

        def put(text: str, safe: bool = False) -> str:
            return _PLACEHOLDER.sub(lambda found: quote(names[found[1]], safe="") if safe else names[found[1]], text)

        target = put(self.path, safe=True)
        query = {name: put(value) for name, value in self.query.items()} | dict(more or {})
        target += "?" + urlencode(query) if query else ""
        if self.document is not None:
            return Asked(self.method, target, put(self.document).encode(), "application/yaml")
        if self.body is not None:
            sent = _with_leaves(self.body, put)
            return Asked(self.method, target, json.dumps(sent).encode(), "application/json")
        return Asked(self.method, target)

    def spoiled(self, names: Mapping[str, str], word: str) -> Iterator[Asked]:
        """Return the request with a word in each place of a text, one at a time."""
        for kind in self.kinds:
            yield self.filled({**names, kind: word})
        for parameter in self.optional:
            yield self.filled(names, {parameter: word})
        for number, leaf in enumerate(leaves := _leaves(self.body)):
            if not _PLACEHOLDER.search(leaf):
                left = iter(range(len(leaves)))
                changed = _with_leaves(self.body, lambda text: "<word>" if next(left) == number else text)  # noqa: B023
                yield replace(self, body=changed).filled({**names, "word": word})


def _leaves(body: Any) -> list[str]:
    found: list[str] = []

    def note(text: str) -> str:
        found.append(text)
        return text

    _with_leaves(body, note)
    return found


def _with_leaves(body: Any, put: Callable[[str], str]) -> Any:
    """Return a body with every text in it put differently."""
    if isinstance(body, str):
        return put(body)
    if isinstance(body, Mapping):
        return {name: _with_leaves(value, put) for name, value in body.items()}
    if isinstance(body, list):
        return [_with_leaves(value, put) for value in body]
    return body


def absent(name: str) -> str:
    """Return a name of the same shape that names nothing."""
    if UUID_LIKE.fullmatch(name):
        return str(ABSENT_ID)
    if name[:1] == "粤":
        return "粤Z" + "".join("9" if each.isdigit() else each for each in name[2:])
    if name[:1] == "+":
        return name[:-4] + "0000"
    return re.sub("[A-Z]", "Q", re.sub("[a-z]", "q", name))


def own_names(tenant: Tenant, lot: int = 0) -> dict[str, str]:
    """Return a name of everything that somebody may look at, and words for new things."""
    things = {kind: names[0] for kind, names in tenant.things(lot).items() if names}
    new = {"new plate": tenant.plate(99_001), "new login": f"{tenant.code}-newcomer", "new code": f"{tenant.code}-new"}
    # They stand in the street: everybody is told what they stand for.
    new |= {"public sign": things["lane_sign"], "public lot": things["sign"]}
    return things | new


def operations(app: FastAPI, words: Mapping[tuple[str, str], str]) -> Iterator[Operation]:
    """Return every operation of the description; those that anybody may ask for are walked by hand."""
    described = app.openapi()
    for path, item in described["paths"].items():
        for method, operation in item.items():
            word = words[(method.upper(), path)]
            if word != ANYBODY:
                yield _operation(method.upper(), path, word, operation, described["components"]["schemas"])


def plain_routes(app: FastAPI) -> set[str]:
    """Return the paths of all routes that the description does not hold."""
    found: set[str] = set()
    for route in app.router.routes:
        if isinstance(route, (Route, WebSocketRoute)):
            found.add(route.path)
        else:
            assert isinstance(route, BaseRoute)
    return found


def _operation(method: str, path: str, word: str, told: Mapping[str, Any], schemas: Mapping[str, Any]) -> Operation:
    key = (method, path)
    filled, query, optional = path, dict(QUERIES.get(key, {})), {}
    for each in told.get("parameters", []):
        name, where = each["name"], each["in"]
        kind = _kind(path, name)
        if where == "path":
            value = f"<{kind}>" if kind else str(_plain(path, name, each["schema"]))
            filled = filled.replace(f"{{{name}}}", value)
        elif where == "query" and name not in query:
            if each.get("required"):
                query[name] = f"<{kind}>" if kind else str(_plain(path, name, each["schema"]))
            elif kind:
                optional[name] = f"<{kind}>"
    document = DOCUMENTS.get(key)
    body = None
    content = told.get("requestBody", {}).get("content", {})
    if document is not None:
        document = _marked(document)
    elif key in BODIES:
        body = BODIES[key]
    elif "application/json" in content:
        body = _example(path, content["application/json"]["schema"], schemas)
    elif content:
        raise AssertionError(f"{method} {path}: what is sent there? Teach the walk (DOCUMENTS)")
    return Operation(method, filled, word, query, optional, body, document)


def _kind(path: str, name: str) -> str | None:
    for (start, known), kind in KINDS_AT.items():
        if name == known and path.startswith(start):
            return kind
    return KINDS.get(name)


def _plain(path: str, name: str, schema: Mapping[str, Any]) -> Any:
    if (path, name) in PLAIN_AT:
        return PLAIN_AT[(path, name)]
    if name in PLAIN:
        return PLAIN[name]
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "integer":
        return schema.get("minimum", 1)
    if schema.get("type") == "boolean":
        return True
    if schema.get("format") == "date-time":
        return "2026-03-02T02:00:00Z"
    raise AssertionError(f"{path}: nobody knows what {name} names. Teach the walk (KINDS, PLAIN)")


def _example(path: str, schema: Mapping[str, Any], schemas: Mapping[str, Any], name: str = "") -> Any:
    """Return a body of the required fields, and of those optional ones that name things."""
    if "$ref" in schema:
        return _example(path, schemas[schema["$ref"].rpartition("/")[2]], schemas, name)
    if schema.get("type") == "object" or "properties" in schema:
        required = schema.get("required", [])
        return {
            field: _example(path, part, schemas, field)
            for field, part in schema.get("properties", {}).items()
            if field in required or _kind(path, field)
        }
    kind = _kind(path, name)
    if kind:
        return f"<{kind}>"
    if "anyOf" in schema:
        return _example(path, schema["anyOf"][0], schemas, name)
    if schema.get("type") == "array":
        return [_example(path, schema["items"], schemas, name)] if schema.get("minItems") else []
    return _plain(path, name, schema)


def _marked(document: str) -> str:
    """Turn the placeholders of a template into those of the walk."""
    values = {
        name: f"<{_OF_DOCUMENTS.get(name, name)}>" if _OF_DOCUMENTS.get(name, name) else "Q"
        for name in ("lot", "company", "tariff", "calendar", "plate", "zh", "space")
    }
    return document.format(**values)
