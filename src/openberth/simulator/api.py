"""The two faces OpenBerth shows to people, as requests: the codes a driver scans, and the operator API.

Shapes of the answers stand here once; unknown fields are ignored, a missing or wrong one is ``NoAnswer`` (no usable
answer). Requests are repeated with patience while the server is away; every unsafe one carries one ``Idempotency-Key``
for all its tries.
"""

import asyncio
import time
import uuid
from fractions import Fraction
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from openberth.simulator.web import Address, Answer, NoAnswer, WebConnection

T = TypeVar("T")

_NAP_FIRST_S, _NAP_MOST_S = 0.2, 2.0
_PAGE = 200


class Refusal(Exception):
    """The server understood and said no (4xx). ``code`` is the stable word of its problem document."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code


class Sum(msgspec.Struct, frozen=True):
    """Money as the API writes it."""

    minor: int
    currency: str = "CNY"


class BillView(msgspec.Struct, frozen=True):
    """What a driver is asked for. ``quoted_at`` is the instant up to which it is priced."""

    id: str
    due: Sum
    quoted_at: str | None = None
    valid_until: str | None = None
    state: str | None = None
    left: Sum | None = None  # what may still be paid; in the history of a stay


class Waiting(msgspec.Struct, frozen=True):
    """The car that stands at a lane, and what it is asked for."""

    passage: str
    plate: str | None = None
    ask: str = "nothing"  # pay | enter | identify | nothing
    bill: BillView | None = None
    channels: tuple[str, ...] = ()  # by which it can be paid, the usual one first


class LaneView(msgspec.Struct, frozen=True):
    """A lane as a driver or a guard sees it."""

    waiting: Waiting | None = None


class PayOrder(msgspec.Struct, frozen=True):
    """Where to pay."""

    attempt: str
    pay_url: str
    due: Sum


class Asked(msgspec.Struct, frozen=True):
    """What is owed before going to the car, and by which channels it can be paid."""

    bill: BillView | None = None
    channels: tuple[str, ...] = ()


class Receipt(msgspec.Struct, frozen=True):
    """Money that came, as the server counts it."""

    id: str
    method: str
    amount: Sum
    surplus: Sum | None = None


class CashAnswer(msgspec.Struct, frozen=True):
    """What the booth answers to cash."""

    receipt: Receipt
    change: Sum


class SlipAnswer(msgspec.Struct, frozen=True):
    """What the server answers to the slip of a card terminal."""

    receipt: Receipt


class Segment(msgspec.Struct, frozen=True):
    """A piece of a stay in one area."""

    area: str
    entered: str
    left: str | None = None


class StayView(msgspec.Struct, frozen=True):
    """A stay with its money."""

    id: str
    state: str
    entered: str
    left: str | None = None
    reason: str | None = None  # why it ended
    segments: list[Segment] = []
    bills: list[BillView] = []
    receipts: list[Receipt] = []


class PassageView(msgspec.Struct, frozen=True):
    """One car at one lane, as the server decided it."""

    id: str
    captured_at: str | None = None
    action: str = ""  # open | hold | refuse | record


class ExceptionView(msgspec.Struct, frozen=True):
    """Something a person must look at."""

    id: str
    kind: str = ""
    lane: str | None = None
    passage: str | None = None


class BooksView(msgspec.Struct, frozen=True):
    """The server's totals of a lot."""

    passages_in: int
    passages_out: int
    stays_open: int
    stays_closed: int
    billed: Sum
    received: dict[str, Sum]
    due: Sum
    surplus: Sum


class LaneEntry(msgspec.Struct, frozen=True):
    """A lane in the description of a lot."""

    code: str
    scan_code: str


class LotView(msgspec.Struct, frozen=True):
    """A lot with the codes on its signs."""

    code: str
    scan_code: str
    lanes: list[LaneEntry]


class ClockView(msgspec.Struct, frozen=True):
    """Business time."""

    business_now: str
    speed: Any

    @property
    def exact_speed(self) -> Fraction:
        """The speed as an exact number, however it was written."""
        return Fraction(str(self.speed))


class Credentials(msgspec.Struct, frozen=True):
    """A device's secret."""

    kind: str
    secret: str
    path: str | None = None
    address: str = ""


class CollectorCredentials(msgspec.Struct, frozen=True):
    """Where a collector of sensors pushes to."""

    path: str


def shaped(kind: type[T], value: object) -> T:
    """Give decoded JSON its type; raise ``NoAnswer`` when it has another shape."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise NoAnswer(f"{kind.__name__}: {error}") from error


class Client:
    """Somebody who talks to one HTTP server and does not give up at once (``patience_s``, machine time)."""

    def __init__(
        self, url: str, *, source: str | None = None, token: str | None = None, patience_s: float = 20
    ) -> None:
        self._link = WebConnection(Address.of(url), source=source)
        self._headers = [("Accept", "application/json")]
        if token:
            self._headers.append(("Authorization", f"Bearer {token}"))
        self._patience_s = patience_s

    async def get(self, target: str) -> Any:
        """Ask for something."""
        return await self._call("GET", target, b"", ())

    async def post(self, target: str, value: object = None) -> Any:
        """Have something done, once, however often it must be asked for."""
        body = b"{}" if value is None else msgspec.json.encode(value)
        return await self._call("POST", target, body, (("Idempotency-Key", uuid.uuid4().hex),))

    async def close(self) -> None:
        """Hang up."""
        await self._link.close()

    async def _call(self, method: str, target: str, body: bytes, extra: tuple[tuple[str, str], ...]) -> Any:
        give_up = time.monotonic() + self._patience_s
        nap_s = _NAP_FIRST_S
        while True:
            try:
                answer = await self._link.ask(method, target, body, headers=[*self._headers, *extra])
                if answer.status < 300:
                    return answer.json() if answer.body else None
                if answer.status != 429 and answer.status < 500:
                    raise Refusal(answer.status, _code(answer))
                trouble = f"{method} {target.split('?')[0]}: {answer.status}"
                wait_s = answer.retry_after_s(nap_s, 5.0)
            except NoAnswer as error:
                trouble, wait_s = str(error), nap_s
            if time.monotonic() + wait_s > give_up:
                raise NoAnswer(trouble)
            await asyncio.sleep(wait_s)
            nap_s = min(2 * nap_s, _NAP_MOST_S)


def _code(answer: Answer) -> str:
    try:
        problem = answer.json()
    except NoAnswer:
        return ""
    return str(problem.get("code", "")) if isinstance(problem, dict) else ""


class Phone:
    """A driver's phone: needs no token, scans codes."""

    def __init__(self, url: str, *, source: str | None = None, patience_s: float = 20) -> None:
        self._client = Client(url, source=source, patience_s=patience_s)

    async def lane(self, code: str) -> LaneView:
        """Scan a lane's code."""
        return shaped(LaneView, await self._client.get(f"/c/{code}"))

    async def enter(self, code: str) -> str:
        """Ask for a pass at an entry; it is the plate of this stay. Asked again, the claim says that it is us."""
        return str((await self._client.post(f"/c/{code}/enter", {"claim": uuid.uuid4().hex}))["pass"])

    async def leave(self, code: str, passport: str) -> LaneView:
        """Say with which pass the car at this exit came."""
        return shaped(LaneView, await self._client.post(f"/c/{code}/leave", {"pass": passport}))

    async def bill(self, code: str, *, plate: str, is_pass: bool) -> Asked:
        """Ask at a lot's code what a stay owes by now; no bill for nothing."""
        answer = await self._client.post(f"/c/{code}/bills", {"pass" if is_pass else "plate": plate})
        asked = shaped(Asked, answer)
        return asked if asked.bill is not None and asked.bill.due.minor > 0 else Asked()

    async def order(self, code: str, bill: str | None = None, channel: str | None = None) -> PayOrder:
        """Ask where to pay: at a lane for the car that waits there, at a lot for a bill."""
        wanted = {name: value for name, value in (("bill", bill), ("channel", channel)) if value}
        return shaped(PayOrder, await self._client.post(f"/c/{code}/pay", wanted or None))

    async def close(self) -> None:
        """Put the phone away."""
        await self._client.close()


class Operator:
    """The operator API with a token."""

    def __init__(self, url: str, token: str, *, patience_s: float = 30) -> None:
        self._who = url, token, patience_s
        self.client = Client(url, token=token, patience_s=patience_s)

    def another(self) -> "Operator":
        """Return one with a connection of its own: on one, requests wait for each other."""
        url, token, patience_s = self._who
        return Operator(url, token, patience_s=patience_s)

    async def clock(self) -> ClockView:
        """Return what the server's business clock says."""
        return shaped(ClockView, await self.client.get("/v1/clock"))

    async def lot(self, lot: str) -> LotView:
        """Return a lot with the codes on its signs."""
        return shaped(LotView, await self.client.get(f"/v1/lots/{lot}"))

    async def credentials(self, lot: str, device: str) -> Credentials:
        """Make a new secret for a device."""
        return shaped(Credentials, await self.client.post(f"/v1/lots/{lot}/devices/{device}/credentials"))

    async def collector_path(self, lot: str, collector: str) -> str:
        """Make a new secret for a collector of sensors; returns the path that it pushes to."""
        answer = await self.client.post(f"/v1/lots/{lot}/collectors/{collector}/credentials")
        return shaped(CollectorCredentials, answer).path

    async def lane(self, lot: str, lane: str) -> LaneView:
        """Return who waits at a lane."""
        return shaped(LaneView, await self.client.get(f"/v1/lots/{lot}/lanes/{lane}"))

    async def open(self, lot: str, lane: str, reason: str) -> None:
        """Open a lane by hand."""
        await self.client.post(f"/v1/lots/{lot}/lanes/{lane}/open", {"reason": reason})

    async def cash(self, lot: str, lane: str, bill: str, received: Sum) -> CashAnswer:
        """Take cash at the booth."""
        value = {"bill": bill, "received": received}
        return shaped(CashAnswer, await self.client.post(f"/v1/lots/{lot}/lanes/{lane}/cash", value))

    async def card(self, lot: str, bill: str, amount: Sum, slip: str) -> Receipt:
        """Tell what the booth's card terminal took, by the number of its slip."""
        value = {"method": "pos", "amount": amount, "terminal": f"{lot}-1", "reference": slip}
        return shaped(SlipAnswer, await self.client.post(f"/v1/bills/{bill}/offline", value)).receipt

    async def stays(self, lot: str, plate: str, state: str | None = None) -> list[StayView]:
        """Return the stays of a plate, with all their details."""
        query = {"lot": lot, "plate": plate, "limit": str(_PAGE)} | ({"state": state} if state else {})
        items = await self.items("/v1/stays", query)
        whole = [item if "receipts" in item else await self.client.get(f"/v1/stays/{item['id']}") for item in items]
        return [shaped(StayView, item) for item in whole]

    async def passages(self, lot: str, lane: str, plate: str) -> list[PassageView]:
        """Return the passages of a plate at a lane."""
        query = {"lot": lot, "lane": lane, "plate": plate, "limit": str(_PAGE)}
        return [shaped(PassageView, item) for item in await self.items("/v1/passages", query)]

    async def passage(self, passage: str) -> PassageView:
        """Return a passage."""
        return shaped(PassageView, await self.client.get(f"/v1/passages/{quote(passage)}"))

    async def exceptions(self, lot: str) -> list[ExceptionView]:
        """Return what waits for a person."""
        query = {"lot": lot, "state": "open", "limit": str(_PAGE)}
        return [shaped(ExceptionView, item) for item in await self.items("/v1/exceptions", query)]

    async def resolve(self, exception: str, action: str, reason: str, **more: str) -> None:
        """End an exception."""
        value = {"action": action, "reason": reason, **more}
        await self.client.post(f"/v1/exceptions/{quote(exception)}/resolve", value)

    async def books(self, lot: str) -> BooksView:
        """Return the server's totals of a lot."""
        return shaped(BooksView, await self.client.get(f"/v1/books?{urlencode({'lot': lot})}"))

    async def close(self) -> None:
        """Hang up."""
        await self.client.close()

    async def items(self, path: str, query: dict[str, str]) -> list[dict[str, Any]]:
        """Return all of a list."""
        items: list[dict[str, Any]] = []
        cursor: str | None = None
        for _ in range(1_000):
            page = await self.client.get(f"{path}?{urlencode(query | ({'cursor': cursor} if cursor else {}))}")
            if not isinstance(page, dict) or not isinstance(page.get("items"), list):
                raise NoAnswer(f"{path}: not a page")
            items += page["items"]
            cursor = page.get("next")
            if not cursor:
                break
        return items
