"""The event log over HTTP: pages from a position, and a WebSocket that goes on live from there.

Frames of the feed are JSON texts: ``{"type":"ready","position"}`` once, ``{"type":"events","events":[…],"position"}``,
``{"type":"ping","position"}`` while nothing happens, ``{"type":"problem", …}`` before it closes with a code of 4000 and
more. Everything up to ``position`` has been told: whoever comes back with ``?after=POSITION`` misses nothing and sees
nothing twice.

The token comes with the ``Authorization`` header, as subprotocol ``bearer.TOKEN`` beside ``openberth.v1`` (a browser
cannot send headers), or as first frame ``{"token": …}`` within five seconds.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import Any

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from openberth.infra.database import Database, Reader
from openberth.infra.database import log as event_log
from openberth.infra.http.auth import FEED, Declared, Door, address_of, bearer, may
from openberth.infra.http.limits import Places, limit_key
from openberth.infra.http.problems import language_of_scope, problem_document, problem_response
from openberth.infra.http.refusals import STATUSES, refusal_of
from openberth.infra.outbox import Subscription, Tail
from openberth.infra.refusals import Refusal
from openberth.infra.telemetry import gauge
from openberth.kernel.authority import Caller
from openberth.kernel.errors import Denied, Malformed, NotFound, Overloaded, Problem, Refused, Unknown
from openberth.kernel.events import Envelope
from openberth.kernel.ids import Id
from openberth.kernel.time import to_iso

SUBPROTOCOL = "openberth.v1"
BEARER_SUBPROTOCOL = "bearer."
FEEDS_MAX = 200
STRANGERS_MAX = 50  # who has not shown a token yet, overall and of one address
STRANGERS_PER_ADDRESS = 8
TOKEN_WITHIN_S = 5.0
PING_S = 15.0
SEND_WITHIN_S = 10.0
POSITION_MAX = (1 << 63) - 1
REFUSED_CODE = 4000  # plus the status of the problem: 4401, 4404, 4422

FindLot = Callable[[Reader, str], Id]

_OPEN = gauge("openberth_feeds_open", "WebSocket feeds that are open.")


def plain_event(event: Envelope) -> dict[str, Any]:
    """Return an event as it leaves. Its body holds ids and plain values only; the actor's address stays here."""
    return {
        "position": event.position,
        "id": str(event.id),
        "kind": event.kind,
        "version": event.version,
        "company": None if event.company is None else str(event.company),
        "lot": None if event.lot is None else str(event.lot),
        "key": str(event.key),
        "node": event.node,
        "actor": {"kind": event.actor.kind.value, "name": event.actor.name},
        "cause": None if event.cause is None else str(event.cause),
        "occurred_at": to_iso(event.occurred_at),
        "recorded_at": to_iso(event.recorded_at),
        "body": dict(event.body),
    }


class Feed:
    """Serves ``/v1/feed``.

    Who has not shown a token yet counts against a small bound of its own, so that strangers use up no operator's feed.
    """

    def __init__(
        self, database: Database, tail: Tail, door: Door, find_lot: FindLot,
        note: Callable[[Refusal], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self._database = database
        self._tail = tail
        self._door = door
        self._find_lot = find_lot
        self._note = note
        self._strangers = Places(most=STRANGERS_MAX, most_per_key=STRANGERS_PER_ADDRESS)
        self._open = 0
        self.declared: Declared[WebSocket, None] = Declared(may("feed.read"), self.serve)

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one connection until either side ends it."""
        try:
            with ExitStack() as held:
                token = await self._admit(websocket, held)
                if token is not None:
                    await self._tell(websocket, token)
        except (WebSocketDisconnect, TimeoutError):
            with suppress(RuntimeError, OSError):  # it has gone, or does not read
                await websocket.close(1013)

    async def _admit(self, websocket: WebSocket, held: ExitStack) -> str | None:
        """Find out who it is, then let it hold one of the feeds; None for who was turned away."""
        offered = websocket.scope.get("subprotocols", [])
        address = address_of(websocket)
        token = bearer(websocket.headers.get("authorization")) or _token_among(offered)
        with self._strangers.held(limit_key(address or "")) as has_place:
            try:
                if not has_place:
                    raise Overloaded("feed.full", most=STRANGERS_MAX, retry_after_s=10)
                if token is not None:
                    await self._caller(token, websocket)
                    held.enter_context(self._one_more())
            except Problem as problem:
                await websocket.send_denial_response(problem_response(problem, websocket.scope))
                return None
            await websocket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
            if token is not None:
                return token
            try:
                token = await _first_frame(websocket)
                await self._caller(token, websocket)
                held.enter_context(self._one_more())
            except Problem as problem:
                await _turn_away(websocket, problem)
                return None
        return token

    async def _caller(self, token: str, websocket: WebSocket) -> Caller:
        """Return whom a token belongs to. Raises ``Unknown``, and ``Denied`` for who may not see the log."""
        by: Caller | None = None
        try:
            by = await self._door.caller(token, address_of(websocket), websocket.query_params.get("company"))
            self.declared.may.check(by)
        except Problem as problem:
            if problem.status in STATUSES:  # what the layer around the other routes sees, a socket keeps to itself
                told = {"method": "FEED", "route": FEED, "code": problem.code}
                self._note(refusal_of(websocket, by, status=problem.status, **told))
            raise
        return by

    @contextmanager
    def _one_more(self) -> Iterator[None]:
        if self._open >= FEEDS_MAX:
            raise Overloaded("feed.full", most=FEEDS_MAX, retry_after_s=10)
        self._open += 1
        _OPEN.set(self._open)
        try:
            yield
        finally:
            self._open -= 1
            _OPEN.set(self._open)

    async def _tell(self, websocket: WebSocket, token: str) -> None:
        try:
            by = await self._caller(token, websocket)
            after, lot = await self._asked(websocket, by)
        except Problem as problem:
            await _turn_away(websocket, problem)
            return
        view = _View(self._database, self._tail, websocket, by, after, lot, self._door.concerns_everybody)
        await self._until_gone(websocket, view, token)

    async def _asked(self, websocket: WebSocket, by: Caller) -> tuple[int, Id | None]:
        text = websocket.query_params.get("after")
        code = websocket.query_params.get("lot")
        lot = await self._database.read(partial(_lot_of, find=self._find_lot, code=code), by=by)
        if text is None:
            return await self._database.read(event_log.head, by=by), lot
        if not (text.isascii() and text.isdigit()) or len(text) > 19 or int(text) > POSITION_MAX:
            raise Malformed("request.position")
        return int(text), lot

    async def _until_gone(self, websocket: WebSocket, view: "_View", token: str) -> None:
        telling = asyncio.create_task(view.tell(partial(self._caller, token, websocket)))
        listening = asyncio.create_task(_drain(websocket))
        try:
            await asyncio.wait({telling, listening}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (telling, listening):
                task.cancel()
            outcomes = await asyncio.gather(telling, listening, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome


class _View:
    """What one client has seen of the log, and how it gets the rest."""

    def __init__(
        self, database: Database, tail: Tail, websocket: WebSocket, by: Caller, after: int, lot: Id | None,
        concerns_everybody: Callable[[Envelope], bool],
    ) -> None:  # fmt: skip
        self._database = database
        self._tail = tail
        self._websocket = websocket
        self._by = by
        self._position = after
        self._lot = lot
        self._concerns_everybody = concerns_everybody

    async def tell(self, ask_again: Callable[[], Awaitable[Caller]]) -> None:
        """Tell everything after the position, then what happens, until the token or the permission is taken back."""
        await _send(self._websocket, {"type": "ready", "position": self._position})
        while True:
            # Subscribed before reading, so that nothing falls between the last page and the first live event.
            live = self._tail.subscribe()
            try:
                self._by = await ask_again()
                await self._catch_up()
                while await self._follow(live, ask_again):
                    self._by = await ask_again()
            except (Unknown, Denied, NotFound, Refused) as problem:
                await self._websocket.close(REFUSED_CODE + problem.status, problem.code)
                return
            finally:
                self._tail.unsubscribe(live)

    async def _catch_up(self) -> None:
        while True:
            page, head = await self._database.read(partial(_page, position=self._position), by=self._by)
            await self._hand_over(page)
            if len(page) < event_log.PAGE_MAX:
                # Positions of others up to here have been looked at, too.
                self._position = max(self._position, head)
                return

    async def _follow(self, live: Subscription, ask_again: Callable[[], Awaitable[Caller]]) -> bool:
        """Hand over live events; True when it is time to ask who is listening, False when the log must be read again.

        It is asked after a quiet while, after as long a busy one, and at once when something happened to the listener.
        """
        loop = asyncio.get_running_loop()
        ask_at = loop.time() + PING_S
        while not live.lagging:
            try:
                async with asyncio.timeout_at(ask_at):
                    page = await live.next()
            except TimeoutError:
                await _send(self._websocket, {"type": "ping", "position": self._position})
                return True
            new = [event for event in page if (event.position or 0) > self._position]
            if new and new[0].position != self._position + 1:
                return False
            if any(str(event.key) == self._by.actor.name or self._concerns_everybody(event) for event in new):
                self._by = await ask_again()
            await self._hand_over(new)
            if loop.time() >= ask_at:
                return True
        return False

    async def _hand_over(self, page: Sequence[Envelope]) -> None:
        if not page:
            return
        last = page[-1].position
        assert last is not None, "the log is read by position"
        scope = self._by.scope
        told = [
            plain_event(event)
            for event in page
            if scope.allows(event.company, event.lot) and (self._lot is None or event.lot == self._lot)
        ]
        self._position = last
        if told:
            await _send(self._websocket, {"type": "events", "events": told, "position": last})


def _page(reader: Reader, position: int) -> tuple[list[Envelope], int]:
    head = event_log.head(reader)  # first, so that the page holds everything up to it
    return event_log.read_after(reader, position=position, limit=event_log.PAGE_MAX), head


def _lot_of(reader: Reader, find: FindLot, code: str | None) -> Id | None:
    return None if code is None else find(reader, code)


def _token_among(offered: Sequence[str]) -> str | None:
    for protocol in offered:
        if protocol.startswith(BEARER_SUBPROTOCOL):
            return protocol[len(BEARER_SUBPROTOCOL) :]
    return None


async def _first_frame(websocket: WebSocket) -> str:
    try:
        async with asyncio.timeout(TOKEN_WITHIN_S):
            message = await websocket.receive()
    except TimeoutError:
        raise Unknown("auth.required") from None
    if message["type"] != "websocket.receive":
        raise WebSocketDisconnect(message.get("code", 1006))
    try:
        frame = msgspec.json.decode(message.get("text") or message.get("bytes") or b"")
    except msgspec.DecodeError:
        raise Unknown("auth.required") from None
    token = frame.get("token") if isinstance(frame, dict) else None
    if not isinstance(token, str):
        raise Unknown("auth.required")
    return token


async def _turn_away(websocket: WebSocket, problem: Problem) -> None:
    await _send(websocket, {**problem_document(problem, language_of_scope(websocket.scope)), "type": "problem"})
    await websocket.close(REFUSED_CODE + problem.status, problem.code)


async def _drain(websocket: WebSocket) -> None:
    """Take what the client sends, which means nothing, until it goes."""
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass


async def _send(websocket: WebSocket, frame: dict[str, Any]) -> None:
    async with asyncio.timeout(SEND_WITHIN_S):
        await websocket.send_text(msgspec.json.encode(frame).decode())
