"""What a walk through the description does not meet: feeds, signs, hooks, headers, cursors, keys of requests."""

import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from openberth.contexts.stays.api.errands import Errands
from openberth.infra.database.log import head
from openberth.kernel.authority import system
from openberth.kernel.time import MINUTE_US
from tests.wire.walk.asking import Answer, Asked, Line, absent, operations, own_names
from tests.wire.walk.rows import rows_of, words_of
from tests.wire.walk.test_walk import Sentinels, sentinels_of
from tests.wire.walk.world import DOORMAN, World, arrive


@pytest.fixture(scope="module")
def line(world: World) -> Iterator[Line]:
    line = Line(world.house.url)
    yield line
    line.close()


@pytest.fixture(autouse=True)
def a_minute_later(world: World) -> None:
    """Signs answer an address only so often in a minute."""
    world.house.pass_minutes(2)


@pytest.fixture
def token(world: World) -> str:
    return world.token(world.amber, DOORMAN)


@pytest.fixture
def hidden(world: World) -> Sentinels:
    return sentinels_of(world, world.amber, world.birch)


def json_post(path: str, body: object, **headers: str) -> Asked:
    return Asked("POST", path, json.dumps(body).encode(), "application/json", headers)


# links to receipts


def test_a_link_that_was_made_up_tells_nothing_of_receipts(world: World, line: Line, hidden: Sentinels) -> None:
    """Whose id is known leads as far as whose is not: a link needs its proof."""
    receipts = [lot.names["receipt"][0] for lot in world.birch.lots]
    assert receipts
    for letter in "ra":
        for known in receipts:
            sent = [f"/r/{letter}{made_up(UUID(name))}" for name in (known, absent(known))]
            there, nowhere = (line.ask(Asked("GET", link), None).without(sent) for link in sent)
            assert (there.status, there.code) == (404, "e_receipt.not_found")
            assert there == nowhere
            assert not hidden.found_in(there, "")


def made_up(named: UUID) -> str:
    return base64.urlsafe_b64encode(named.bytes + bytes(16)).rstrip(b"=").decode()


# feeds


def feed(world: World, token: str | None, **query: object) -> ClientConnection:
    address = f"{world.house.url.replace('http', 'ws')}/v1/feed?{urlencode(query)}"
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    return connect(address, additional_headers=headers, proxy=None)


def frames_until(told: ClientConnection, position: int) -> list[dict[str, Any]]:
    """Return the frames up to the one that has told everything up to a position."""
    found: list[dict[str, Any]] = []
    while not found or found[-1]["position"] < position:
        found.append(json.loads(told.recv(5)))
    return found


def newest(world: World) -> int:
    return world.house.database.read_now(head, by=system("test"))


def test_a_feed_from_the_beginning_holds_nothing_of_others(world: World, token: str, hidden: Sentinels) -> None:
    """Positions are those of the one log: they may point at an event of another company, and it is left out."""
    events = rows_of(world.house, world.birch)["event"]
    mine = max(row["position"] for row in rows_of(world.house, world.amber)["event"])
    for after in (0, events[0]["position"] - 1, events[-1]["position"] - 1):
        with feed(world, token, after=after) as told:
            frames = frames_until(told, mine) if after < mine else [json.loads(told.recv(5))]
        text = json.dumps(frames, ensure_ascii=False)
        assert not hidden.found_in(Answer(200, (), text), "")
        assert all(
            event["company"] == world.amber.id
            for frame in frames
            for event in frame.get("events", ())
        )  # fmt: skip


def test_a_feed_of_who_looks_after_one_lot_holds_that_lot(world: World) -> None:
    mine = max(row["position"] for row in rows_of(world.house, world.amber, world.amber.lots[0])["event"])
    with feed(world, world.token(world.amber, f"{DOORMAN}-lot"), after=0) as told:
        frames = frames_until(told, mine)
    lots = {event["lot"] for frame in frames for event in frame.get("events", ())}
    assert lots == {world.amber.lots[0].id}


def test_a_feed_tells_nothing_of_others_while_it_is_live(world: World, token: str) -> None:
    with feed(world, token) as told:
        assert json.loads(told.recv(5))["type"] == "ready"
        arrive(world.house, world.birch, world.birch.lots[1], "in", world.birch.plate(81_000))
        arrive(world.house, world.amber, world.amber.lots[1], "in", world.amber.plate(81_000))
        frames = frames_until(told, newest(world))
    companies = {event["company"] for frame in frames for event in frame.get("events", ())}
    assert companies == {world.amber.id}


def test_a_feed_of_a_lot_elsewhere_is_one_of_no_lot(world: World, token: str) -> None:
    def answer(name: str, seen_by: str, **query: str) -> str:
        with feed(world, seen_by, lot=name, **query) as told:
            frame = json.loads(told.recv(5))
            with pytest.raises(ConnectionClosed) as closed:
                told.recv(5)
        assert closed.value.rcvd is not None
        del frame["trace"]
        return json.dumps([frame, closed.value.rcvd.code], sort_keys=True).replace(name, "<sent>")

    at_one_lot = world.token(world.amber, f"{DOORMAN}-lot")
    for name in world.birch.lots[0].names["lot"]:
        assert answer(name, token) == answer(absent(name), token)
    for name in world.amber.lots[1].names["lot"]:
        assert answer(name, at_one_lot) == answer(absent(name), at_one_lot)


# which company


def test_a_company_that_one_is_nothing_in_does_not_exist(world: World, line: Line, token: str) -> None:
    for name in world.birch.names["company"]:
        first, second = (
            line.ask(Asked("GET", "/v1/lots", headers={"x-openberth-company": sent}), token).without([sent])
            for sent in (name, absent(name))
        )
        assert (first.status, first.code) == (404, "company.not_found")
        assert first == second


# lists


def test_cursors_of_others_open_nothing(world: World, line: Line, token: str, hidden: Sentinels) -> None:
    theirs = world.token(world.birch, DOORMAN)
    looked_at = 0
    for operation in operations(world.house.app, world.house.app.state.permissions):
        described = world.house.app.openapi()["paths"]
        if operation.method != "GET" or "cursor" not in str(described.get(unfilled(operation.path, described), "")):
            continue
        one = operation.filled(own_names(world.birch))
        joint = "&" if "?" in one.target else "?"
        page = json.loads(line.ask(Asked("GET", f"{one.target}{joint}limit=1"), theirs).text)
        if page["next"] is None:
            continue
        mine = operation.filled(own_names(world.amber))
        answer = line.ask(Asked("GET", f"{mine.target}{joint}{urlencode({'cursor': page['next']})}"), token)
        assert answer.status == 200, answer.text
        assert not hidden.found_in(answer, page["next"]), str(operation)
        looked_at += 1
    assert looked_at > 5


def unfilled(path: str, described: dict[str, Any]) -> str:
    """Return the template that a path with ``<kind>`` in it was made from."""
    parts = path.split("/")
    for template in described:
        wanted = template.split("/")
        if len(wanted) == len(parts) and all(
            left == right or left.startswith("{") for left, right in zip(wanted, parts, strict=True)
        ):  # fmt: skip
            return template
    return ""


# keys of requests


def test_a_key_of_somebody_else_is_a_new_key(world: World, line: Line, token: str, hidden: Sentinels) -> None:
    theirs = world.token(world.birch, DOORMAN)
    mine, other = world.amber.lots[0].code, world.birch.lots[0].code
    body = {"state": "open", "reason": "nothing"}
    first = line.ask(json_post(f"/v1/lots/{other}/state", body, **{"idempotency-key": "k"}), theirs)
    assert first.status == 200
    stolen = line.ask(json_post(f"/v1/lots/{other}/state", body, **{"idempotency-key": "k"}), token)
    fresh = line.ask(json_post(f"/v1/lots/{other}/state", body, **{"idempotency-key": "k-2"}), token)
    assert stolen.status == 404
    assert stolen.without([]) == fresh.without([])
    assert not hidden.found_in(stolen, other)
    answer = line.ask(json_post(f"/v1/lots/{mine}/state", body, **{"idempotency-key": "k"}), token)
    assert (answer.status, json.loads(answer.text)["lot"]) == (200, world.amber.lots[0].id)


# signs


def test_a_sign_pays_no_bill_of_another_lot(world: World, line: Line) -> None:
    mine = world.amber.lots[0]
    for bill in (*world.birch.lots[0].names["bill"], *world.amber.lots[1].names["bill"]):
        first, second = (
            line.ask(json_post(f"/c/{mine.names['sign'][0]}/pay", {"bill": sent}), None).without([sent])
            for sent in (bill, absent(bill))
        )
        assert first.status == 404
        assert first == second


def test_nobody_comes_back_to_a_sign_with_a_bill_of_another_lot(world: World, line: Line) -> None:
    """Even proved by our own key: what a browser went for is looked up by what the sign reaches."""
    mine, keys = world.amber.lots[0].names["sign"][0], world.house.database.keys
    for bill in world.birch.lots[0].names["bill"]:
        answers = []
        for meant in (bill, absent(bill)):
            state, kept = Errands(keys).begin(
                sign=mine, bill=UUID(meant), account=UUID(int=1), now=world.house.database.clocks.machine.now()
            )
            came = Asked("GET", f"/c/{mine}/wechat?code=c&state={state}", headers={"cookie": f"payer={kept}"})
            answers.append(line.ask(came, None).without([meant, state]))
        assert answers[0].status == 404
        assert answers[0] == answers[1]
    link = f"a{made_up(UUID(int=7))}"
    home = line.ask(Asked("GET", f"/c/{mine}/payment", headers={"cookie": f"paid={link}", "accept": "text/html"}), None)
    assert home.status == 303


def test_a_sign_knows_no_car_of_another_lot(world: World, line: Line) -> None:
    """A car that stands in another company's lot is asked for like one that was never seen."""
    mine = world.amber.lots[0]
    for plate in world.birch.names["plate"]:
        first, second = (
            line.ask(json_post(f"/c/{mine.names['sign'][0]}/bills", {"plate": sent}), None).without([sent])
            for sent in (plate, "粤B99999")
        )
        assert json.loads(first.text)["bill"]["state"] == "nothing_due"
        assert first == second


def test_a_pass_of_another_lot_opens_nothing(world: World, line: Line) -> None:
    theirs, mine = world.birch.lots[0], world.amber.lots[0]
    lanes = world.house.get(f"/v1/lots/{theirs.id}")["lanes"]
    entry = next(lane for lane in lanes if lane["code"].endswith("in2"))
    given = line.ask(json_post(f"/c/{entry['scan_code']}/enter", {}), None)
    assert given.status == 201, given.text
    token = json.loads(given.text)["pass"]
    for sign in (mine.names["sign"][0], *mine.names["lane_sign"]):
        for way in ("bills", "leave"):
            first, second = (
                line.ask(json_post(f"/c/{sign}/{way}", {"pass": sent}), None).without([sent])
                for sent in (token, absent(token))
            )
            assert first == second, (sign, way)


def test_signs_tell_of_their_own_lot_only(world: World, line: Line) -> None:
    for tenant, other in ((world.amber, world.birch), (world.birch, world.amber)):
        hidden = sentinels_of(world, tenant, other)
        for lot, elsewhere in (tenant.lots, tenant.lots[::-1]):
            neighbour = Sentinels(
                words_of(rows_of(world.house, tenant, elsewhere)),
                words_of(rows_of(world.house, tenant, lot)) | {tenant.code},
            )
            for sign in (*lot.names["sign"], *lot.names["lane_sign"]):
                for accept in ("application/json", "text/html"):
                    answer = line.ask(Asked("GET", f"/c/{sign}", headers={"accept": accept}), None)
                    assert answer.status == 200
                    assert not hidden.found_in(answer, sign)
                    assert not neighbour.found_in(answer, sign)


# pictures


def test_a_link_to_a_picture_is_whole_and_fresh_or_nothing(world: World, line: Line) -> None:
    """Changed, cut, made up or over: one answer, which does not tell that there is such a picture."""
    theirs = world.token(world.birch, DOORMAN)
    made = line.ask(Asked("GET", f"/v1/passages/{world.birch.lots[0].names['passage'][0]}/pictures/0"), theirs)
    url = str(json.loads(made.text)["url"])
    assert line.ask(Asked("GET", url), None).status == 200
    start = url.index("=") + 1
    wrong = [url[:at] + ("B" if url[at] == "A" else "A") + url[at + 1 :] for at in (start, start + 10, len(url) - 9)]
    wrong += [url[:-4], url + "AAAA", url[:start] + "A" * 40, url[:start] + "-", url[:start] + "%00"]
    told = {line.ask(Asked("GET", each), None).without([]) for each in wrong}
    world.house.machine.advance(6 * MINUTE_US)
    told.add(line.ask(Asked("GET", url), None).without([]))
    told.add(line.ask(Asked("GET", url), world.token(world.amber, DOORMAN)).without([]))
    assert [(each.status, each.code) for each in told] == [(404, "picture.not_found")]


# what everybody may ask for


@pytest.mark.parametrize(
    "path", ["/metrics", "/health/live", "/health/ready", "/.well-known/jwks.json", "/v1/openapi.json"]
)
def test_what_is_of_the_house_names_no_company(world: World, line: Line, token: str, path: str) -> None:
    answer = line.ask(Asked("GET", path), token)
    assert answer.status == 200
    for tenant, other in ((world.amber, world.birch), (world.birch, world.amber)):
        assert not sentinels_of(world, tenant, other).found_in(answer, "")


def test_hooks_tell_forgers_nothing(world: World, line: Line) -> None:
    """Whoever cannot sign learns of no order number and of no channel's lots."""
    numbers = [*world.birch.lots[0].names["bill"], "nothing"]
    told = set()
    for number in numbers:
        notice = json_post(world.house.hook, {"number": number, "transaction": "t", "minor": 1})
        told.add(line.ask(notice, None).without([number]))
    assert [each.status for each in told] == [401]
