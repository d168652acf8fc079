"""The live feed: everything once, in order, from any position, however often the client comes back."""

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from openberth.infra.database.log import read_after
from openberth.infra.http import feed as feed_module
from openberth.infra.outbox import Subscription, Tail
from openberth.kernel.authority import system
from tests.waiting import PATIENCE_S
from tests.wire.api.house import TOKEN, House

BEARER = {"Authorization": f"Bearer {TOKEN}"}


@contextmanager
def feed(house: House, query: str = "", **options: Any) -> Iterator[ClientConnection]:
    options.setdefault("additional_headers", BEARER)
    url = house.url.replace("http://", "ws://") + "/v1/feed" + query
    with connect(url, proxy=None, open_timeout=PATIENCE_S, close_timeout=2, **options) as websocket:
        yield websocket


def frame(websocket: ClientConnection) -> Any:
    return json.loads(websocket.recv(timeout=PATIENCE_S))


def positions(websocket: ClientConnection, last: int) -> list[int]:
    """Read until a position, and return all positions seen."""
    seen: list[int] = []
    while not seen or seen[-1] < last:
        told = frame(websocket)
        if told["type"] == "events":
            seen += [event["position"] for event in told["events"]]
            assert told["position"] >= seen[-1]
    return seen


def head(house: House) -> int:
    return int(house.get("/v1/events")["position"])


def drive(house: House, cars: int, first: int = 10_000) -> None:
    for number in range(cars):
        house.arrive("in-2", f"粤B{first + number}")
        house.pass_minutes(1)


def test_the_feed_begins_at_the_head_and_goes_on_live(house: House) -> None:
    drive(house, 1)
    before = head(house)
    with feed(house) as websocket:
        assert frame(websocket) == {"type": "ready", "position": before}
        drive(house, 1, first=20_000)
        told = frame(websocket)
        assert [event["position"] for event in told["events"]] == list(range(before + 1, told["position"] + 1))
        assert {"stays.passage_decided", "stays.stay_opened"} <= {event["kind"] for event in told["events"]}


def test_a_client_resumes_without_gaps_or_doubles_while_cars_drive(house: House) -> None:
    driving = threading.Thread(target=drive, args=(house, 40))
    driving.start()
    seen: list[int] = []
    with feed(house, "?after=0") as websocket:
        assert frame(websocket)["position"] == 0
        seen += positions(websocket, 20)
    while driving.is_alive() or seen[-1] < head(house):
        with feed(house, f"?after={seen[-1]}") as websocket:
            seen += positions(websocket, min(seen[-1] + 7, head(house)))
    driving.join()
    assert seen == list(range(1, head(house) + 1))


def test_a_feed_that_lags_reads_the_log_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The live queue drops pages; nothing is missing all the same."""
    kept = iter([True, False, False, True] * 1_000)
    offer = Subscription.offer

    def lossy(self: Subscription, page: Any) -> None:
        if next(kept):
            offer(self, page)

    monkeypatch.setattr(Subscription, "offer", lossy)
    start = head(house)
    with feed(house) as websocket:
        frame(websocket)
        drive(house, 12)
        monkeypatch.undo()
        drive(house, 1, first=90_000)
        assert positions(websocket, head(house)) == list(range(start + 1, head(house) + 1))


def test_a_page_that_comes_live_after_it_was_read_is_told_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tail may be behind the log when a client subscribes: it then hands over what was read already."""
    known = house.database.read_now(partial(read_after, position=0), by=system("test"))
    subscribe = Tail.subscribe

    def behind(self: Tail) -> Subscription:
        subscription = subscribe(self)
        subscription.offer(known[len(known) // 2 :])
        return subscription

    monkeypatch.setattr(Tail, "subscribe", behind)
    with feed(house, "?after=0") as websocket:
        frame(websocket)
        drive(house, 1)
        assert positions(websocket, head(house)) == list(range(1, head(house) + 1))


def test_a_feed_of_one_lot_leaves_the_others_out(house: House) -> None:
    assert house.put_file("/v1/lots/office", "lots/office.yaml").status_code == 201
    with feed(house, "?after=0&lot=mall") as websocket:
        frame(websocket)
        told = frame(websocket)
        assert {event["lot"] for event in told["events"]} == {house.lot["id"]}
        assert told["position"] == head(house)


def test_a_quiet_feed_pings_with_its_position(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "PING_S", 0.05)
    with feed(house) as websocket:
        frame(websocket)
        assert frame(websocket) == {"type": "ping", "position": head(house)}


def test_a_browser_sends_its_token_as_subprotocol_or_first_frame(house: House) -> None:
    offered = [Subprotocol("openberth.v1"), Subprotocol(f"bearer.{TOKEN}")]
    with feed(house, additional_headers={}, subprotocols=offered) as websocket:
        assert websocket.subprotocol == "openberth.v1"
        assert frame(websocket)["type"] == "ready"
    with feed(house, additional_headers={}) as websocket:
        websocket.send(json.dumps({"token": TOKEN}))
        assert frame(websocket)["type"] == "ready"


def test_strangers_see_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {"Authorization": "Bearer " + "x" * 43}
    with pytest.raises(InvalidStatus) as refused, feed(house, additional_headers=wrong):
        pass
    assert refused.value.response.status_code == 401
    for first in ('{"token": "' + "x" * 43 + '"}', "{}", "nonsense", "[]"):
        with feed(house, "?after=0&lot=nowhere", additional_headers={}) as websocket:
            websocket.send(first)
            assert frame(websocket)["code"] == "auth.required"
            with pytest.raises(ConnectionClosed) as closed:
                websocket.recv(timeout=PATIENCE_S)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4401
    monkeypatch.setattr(feed_module, "TOKEN_WITHIN_S", 0.05)
    with feed(house, additional_headers={}) as websocket:
        assert frame(websocket)["code"] == "auth.required"  # who says nothing is not waited for


@pytest.mark.parametrize(
    ("query", "code", "closed_with"),
    [("?after=x", "request.position", 4422), ("?after=-1", "request.position", 4422),
     ("?after=99999999999999999999", "request.position", 4422), ("?lot=nowhere", "lot.not_found", 4404)],
)  # fmt: skip
def test_a_wrong_question_is_answered_before_closing(house: House, query: str, code: str, closed_with: int) -> None:
    with feed(house, query) as websocket:
        told = frame(websocket)
        assert (told["type"], told["code"]) == ("problem", code)
        with pytest.raises(ConnectionClosed) as closed:
            websocket.recv(timeout=PATIENCE_S)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == closed_with


def test_a_token_taken_back_ends_the_feed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "PING_S", 0.05)
    with feed(house) as websocket:
        frame(websocket)
        house.database.write_now(
            lambda unit: unit._session.execute("DELETE FROM operator_token", ()), by=system("test")
        )
        house.machine.advance(10_000_000)
        with pytest.raises(ConnectionClosed) as closed:
            positions(websocket, 10_000)  # pings, until it closes
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4401


def test_feeds_are_bounded(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "FEEDS_MAX", 1)
    with feed(house) as websocket:
        frame(websocket)
        with pytest.raises(InvalidStatus) as refused, feed(house):
            pass
        assert refused.value.response.status_code == 503
        assert refused.value.response.headers["retry-after"] == "10"


def test_strangers_use_up_no_feed_and_few_places(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection counts as a feed only when its token was good; who has not shown one has a small room of its own."""
    monkeypatch.setattr(feed_module, "FEEDS_MAX", 1)
    with ExitStack() as mute:
        for _ in range(feed_module.STRANGERS_PER_ADDRESS - 1):
            mute.enter_context(feed(house, additional_headers={}))
        with feed(house) as websocket:
            assert frame(websocket)["type"] == "ready"
            with feed(house, additional_headers={}) as late:
                late.send(json.dumps({"token": TOKEN}))
                assert frame(late)["code"] == "feed.full"
            mute.enter_context(feed(house, additional_headers={}))
            with pytest.raises(InvalidStatus) as refused, feed(house, additional_headers={}):
                pass
            assert refused.value.response.status_code == 503
    with feed(house) as websocket:
        assert frame(websocket)["type"] == "ready"
