"""A walk through every route as somebody who should not see what is there: nothing leaks, not even that it exists."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from openberth.contexts.tenancy import ROLES
from tests.wire.walk.asking import Answer, Asked, Line, Operation, absent, operations, own_names, plain_routes
from tests.wire.walk.rehearsing import rehearsed
from tests.wire.walk.rows import rows_of, words_of
from tests.wire.walk.tenants import Tenant
from tests.wire.walk.world import DOORMAN, OFFICER, TENANTS, World

# Routes outside of the description; ``test_signs_and_feeds.py`` walks them by hand.
BY_HAND = {
    "/c/{code}", "/c/{code}/pay", "/c/{code}/enter", "/c/{code}/leave", "/c/{code}/bills", "/c/{code}/wechat",
    "/c/{code}/payment", "/hooks/{channel}/{account}",
    "/r/{link}", "/r/{link}/slip.{format}",
    "/v1/oauth/token", "/.well-known/jwks.json", "/metrics", "/health/live", "/health/ready", "/v1/openapi.json",
    "/v1/feed",
    # Pages hold no data: tests/unit/infra/http/test_static.py.
    "/console", "/console/{path:path}", "/app", "/app/{path:path}",
}  # fmt: skip
# What a request of one's own may be refused for, but for what things are like (409): that is past shape and look-up.
OWN_REFUSALS = {
    "PUT /v1/auth/second-factor": {"totp.wrong"},
    "POST /v1/channels": {"channel.setting"},
    "PUT /v1/channels/<channel>": {"channel.setting"},
    # The tree above companies is the platform's, and a partner is nothing to those of its companies.
    # What is no visit, bill, debt or account of one's own is not there.
    "GET /v1/me/bills/<bill>": {"bill.not_found"},
    "POST /v1/me/bills/<bill>/pay": {"bill.not_found"},
    "POST /v1/me/debts/<debt>/dispute": {"debt.not_found"},
    "POST /v1/plates/verify": {"own_plate.self"},  # nobody verifies a plate of its own
    "POST /v1/partners": {"auth.out_of_scope"},
    "PUT /v1/partners/<partner>": {"partner.not_found"},
    "POST /v1/partners/<partner>/close": {"partner.not_found"},
    "POST /v1/companies": {"auth.out_of_scope"},
    "PUT /v1/companies/<company>/partner": {"auth.out_of_scope"},
    "POST /v1/auth/second-factor/recovery-codes": {"totp.none"},
    "DELETE /v1/roles/<role>": {"role.in_use"},
    "POST /v1/lots/<lot>/lanes/<lane>/cash": {"cash.too_little"},
    "GET /v1/my/shifts/<shift>": {"shift.not_found"},  # what is somebody else's is not there
    "POST /v1/shifts/<shift>/hand-over": {"shift.not_found"},
    # Both companies use the network that it calls from: it waits for the platform.
    "POST /v1/devices/waiting/<waiting>/approve": {"device.not_waiting"},
    "POST /v1/devices/waiting/<waiting>/refuse": {"device.not_waiting"},
    "POST /v1/calendars/<calendar>/seed": {"calendar.region"},
    "POST /v1/companies/<company>/close": {"auth.out_of_scope"},
    "PUT /v1/lots/<lot>/company": {"auth.out_of_scope"},
    "GET /v1/exports/<export>/file": {"export.not_found"},  # handed over once, and what lay there does not come back
    "POST /v1/keys/rotate": {"auth.out_of_scope"},  # the keys are those of the installation
    "POST /v1/finance/rebuild": {"auth.out_of_scope"},  # so are the rollups
    "GET /v1/finance/rebuild": {"auth.out_of_scope"},
    "GET /v1/audit/head": {"auth.out_of_scope"},  # of the chain of all
    "GET /v1/keys": {"auth.out_of_scope"},
    "POST /v1/backups": {"auth.out_of_scope"},
    "POST /v1/keys/vault/rotate": {"auth.out_of_scope"},
    "POST /v1/keys/vault/00000000/retire": {"auth.out_of_scope"},
}
CONFLICT = 409
STRANGE = (None, "x" * 43, "a.b.c")  # tokens of nobody
EVERYDAY = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z|[a-z_.]+")  # instants, and words of our own


class Sentinels:
    """Words that only the rows of somebody else hold."""

    def __init__(self, theirs: set[str], mine: set[str]) -> None:
        self._words = sorted(word for word in theirs - mine if not EVERYDAY.fullmatch(word) or word in TENANTS)
        self._looked_at: set[str] = set()
        assert len(self._words) > 100

    def found_in(self, answer: Answer, sent: str) -> list[str]:
        told = f"{answer.text} {answer.headers}"
        if told in self._looked_at:
            return []
        self._looked_at.add(told)
        return [word for word in self._words if word in told and word not in sent]


@pytest.fixture(scope="module")
def line(world: World) -> Iterator[Line]:
    line = Line(world.house.url)
    yield line
    line.close()


@pytest.fixture(scope="module")
def walked(world: World) -> list[Operation]:
    found = list(operations(world.house.app, world.house.app.state.permissions))
    assert len(found) > 60
    return found


def ask(world: World, line: Line, asked: Asked, token: str | None) -> Answer:
    """Ask; where passwords are tried, machine time goes on, so that the address is not slowed down."""
    if asked.target.startswith(("/v1/auth/password", "/v1/auth/second-factor")):
        world.house.machine.advance(3_000_000)
    answer = line.ask(asked, token)
    assert answer.status < 500, (asked, answer.text)
    assert token in STRANGE or answer.code != "auth.required", (asked, answer.text)
    return answer


def sentinels_of(world: World, mine: Tenant, theirs: Tenant) -> Sentinels:
    return Sentinels(words_of(rows_of(world.house, theirs)), words_of(rows_of(world.house, mine)))


def variations(
    operation: Operation, own: Mapping[str, str], foreign: Mapping[str, list[str]]
) -> Iterator[tuple[Asked, Asked, list[str]]]:
    """Return pairs of requests that differ in one thing: there is one of this name elsewhere, or there is none.

    The third value is what was sent in the place.
    """
    kinds = [kind for kind in operation.kinds if kind in foreign]
    for kind in kinds:
        for name in foreign[kind]:
            yield _pair(operation, own, {kind: name})
    if len(kinds) > 1:
        yield _pair(operation, own, {kind: foreign[kind][0] for kind in kinds})
    for parameter, place in operation.optional.items():
        for name in foreign.get(place.strip("<>"), ()):
            there = operation.filled(own, {parameter: name})
            nowhere = operation.filled(own, {parameter: absent(name)})
            yield there, nowhere, [name, absent(name)]


def _pair(operation: Operation, own: Mapping[str, str], named: Mapping[str, str]) -> tuple[Asked, Asked, list[str]]:
    nothing = {kind: absent(name) for kind, name in named.items()}
    sent = [*named.values(), *nothing.values()]
    return operation.filled({**own, **named}), operation.filled({**own, **nothing}), sent


def test_every_route_is_walked(world: World) -> None:
    assert plain_routes(world.house.app) == BY_HAND


def test_whoever_may_everything_reaches_everything_of_its_own(
    world: World, line: Line, walked: list[Operation]
) -> None:
    """So a refusal in the other walks is one of what they ask for, and not of how they ask."""
    own, token = own_names(world.amber), world.token(world.amber, DOORMAN)
    hidden = sentinels_of(world, world.amber, world.birch)
    stuck = []
    with rehearsed(world.house, world.birch):
        for operation in walked:
            asked = operation.filled(own)
            answer = ask(world, line, asked, token)
            assert not hidden.found_in(answer, asked.target), (str(operation), answer.text)
            if answer.status < 300 or answer.status == CONFLICT:
                continue
            if answer.code not in OWN_REFUSALS.get(str(operation), set()):
                stuck.append((str(operation), answer.status, answer.text[:300]))
    assert not stuck, "\n".join(map(str, stuck))


HOSTILE = (
    "' OR '1'='1' --", "x'); DROP TABLE lot; --", "<script>alert(1)</script>", "../../../etc/passwd", "a\x00b",
    "a\r\nSet-Cookie: b=c", "\u202egnp.exe", "a\x1b[2Jb", "{{7*7}}${jndi:ldap://x}%s%n", "\U0001f697" * 200,
)  # fmt: skip


@pytest.mark.parametrize("word", HOSTILE, ids=range(len(HOSTILE)))
def test_words_that_mean_something_elsewhere_mean_nothing_here(
    world: World, line: Line, walked: list[Operation], word: str
) -> None:
    """In every text of every request: refused as what it is, or kept as the characters that it is."""
    own, token = own_names(world.amber), world.token(world.amber, DOORMAN)
    hidden = sentinels_of(world, world.amber, world.birch)
    count = 0
    with rehearsed(world.house, world.birch):
        for operation in walked:
            for asked in operation.spoiled(own, word):
                answer = ask(world, line, asked, token)
                told = dict(answer.headers)
                assert "set-cookie" not in told
                assert told.get("content-type", "application/json").startswith("application/"), (asked, answer)
                assert not hidden.found_in(answer, asked.target), (asked, answer.text)
                sent, spoiled = (asked.body or b""), json.dumps(word).encode()
                is_kept = spoiled in sent and b'"password": ' + spoiled not in sent and "password" not in asked.target
                if is_kept and not word.isprintable():
                    assert answer.status >= 400, asked  # nobody's terminal is spoken to by what is kept
                count += 1
    assert count > 150


@pytest.mark.parametrize("who", [DOORMAN, "partner", "property", OFFICER])
def test_things_of_another_company_do_not_exist(world: World, line: Line, walked: list[Operation], who: str) -> None:
    """For whoever may everything in a company, looks after its partner or a property, or came from the platform."""
    own, token = own_names(world.amber), world.token(world.amber, who)
    hidden = sentinels_of(world, world.amber, world.birch)
    place = {"x-openberth-company": world.amber.code} if who == OFFICER else {}
    assert alike(world, line, walked, own, world.birch.things(), token, hidden, place) > 150


def test_things_of_another_lot_do_not_exist(world: World, line: Line, walked: list[Operation]) -> None:
    """For whoever may do everything, but at one lot only."""
    mine, other = world.amber.lots
    own, token = own_names(world.amber), world.token(world.amber, f"{DOORMAN}-lot")
    everything = rows_of(world.house, world.amber)
    theirs = rows_of(world.house, world.amber, other)
    shared = {
        name: [row for row in rows if row not in theirs.get(name, [])] for name, rows in everything.items()
    }  # fmt: skip
    hidden = Sentinels(words_of(theirs), words_of(shared) | {mine.code})
    assert alike(world, line, walked, own, other.names, token, hidden) > 80


def alike(
    world: World, line: Line, walked: list[Operation], own: Mapping[str, str], foreign: Mapping[str, list[str]],
    token: str, hidden: Sentinels, place: Mapping[str, str] | None = None,
) -> int:  # fmt: skip
    """Ask for what is there and for what is not, and tell how often; the answers must be the same."""
    count = 0
    leaks: list[tuple[object, ...]] = []
    known = words_of(rows_of(world.house, world.amber)) | words_of(rows_of(world.house, world.birch))
    with rehearsed(world.house, world.birch):
        for operation in walked:
            if operation.method == "GET":
                mine = replace(operation.filled(own), headers=place or {})
                answer = ask(world, line, mine, token)
                if found := hidden.found_in(answer, mine.target):
                    leaks.append((str(operation), found, answer.text))
            for there, nowhere, sent in variations(operation, own, foreign):
                asked_for = [replace(asked, headers={**asked.headers, **(place or {})}) for asked in (there, nowhere)]
                answers = [ask(world, line, asked, token) for asked in asked_for]
                first, second = (answer.without(sent, known) for answer in answers)
                if first != second:
                    leaks.append((str(operation), there, first, second))
                leaks += [
                    (str(operation), there, found, answer.text)
                    for answer in answers
                    if (found := hidden.found_in(answer, f"{there} {sent}"))
                ]
                count += 1
    assert not leaks, "\n".join(map(str, leaks))
    return count


@pytest.mark.parametrize("role", [*ROLES, "nothing"])
def test_a_refusal_for_want_of_a_permission_says_nothing_else(
    world: World, line: Line, walked: list[Operation], role: str
) -> None:
    tenant = world.birch
    if role not in tenant.accounts:
        pytest.skip("officers of the platform see every company")
    token = world.token(tenant, role)
    own, held = own_names(tenant), ROLES.get(role, frozenset())  # type: ignore[call-overload]
    missing = {kind: absent(name) for kind, name in own.items()}
    for operation in walked:
        if operation.word in held or operation.word == "self":
            continue
        first, second = (
            ask(world, line, operation.filled(names), token).without([*own.values(), *missing.values()])
            for names in (own, missing)
        )
        assert (first.status, first.code) == (403, "auth.denied"), (str(operation), first)
        assert first == second, str(operation)


def test_nobody_learns_nothing(world: World, line: Line, walked: list[Operation]) -> None:
    own = own_names(world.birch)
    missing = {kind: absent(name) for kind, name in own.items()}
    told: set[Answer] = set()
    for operation in walked:
        for names in (own, missing):
            asked = operation.filled(names)
            for token in STRANGE:
                answer = ask(world, line, asked, token)
                told.add(answer.without([]))
    told.add(ask(world, line, Asked("GET", "/v1/no/such/thing"), None).without([]))
    assert [(each.status, each.code) for each in told] == [(401, "auth.required")]
