"""The guard of a lot: sees who really stands at a lane, and uses the operator API as the booth does."""

import asyncio
from collections.abc import Callable
from enum import StrEnum

from openberth.simulator.api import BillView, ExceptionView, Operator, PassageView, Refusal, Sum
from openberth.simulator.books import CARD, CASH, Paid, Visit
from openberth.simulator.clock import SECOND_US, BusinessClock, instant_us
from openberth.simulator.counters import Counters
from openberth.simulator.devices.vzenith_wire import Reading
from openberth.simulator.site import Site
from openberth.simulator.till import Till
from openberth.simulator.web import NoAnswer

_NOTE_MINOR = 1_000  # people pay with whole notes of this value and get change
_LOOKS_BEFORE_ACTING = 2
_KNOWN_MAX = 10_000


class Word(StrEnum):
    """What the server decided about a car, as far as a guard can see."""

    ADMITTED = "admitted"
    REFUSED = "refused"
    HELD = "held"
    UNKNOWN = "unknown"


_WORDS = {"open": Word.ADMITTED, "record": Word.ADMITTED, "refuse": Word.REFUSED, "hold": Word.HELD}


class Guard:
    """One person in one booth: one thing at a time."""

    def __init__(
        self,
        lot: str,
        api: Operator,
        sites: dict[str, Site],
        *,
        clock: BusinessClock,
        counters: Counters,
        till: Till,
        left_through: Callable[[str, int], Visit | None] = lambda lane, stamp_us: None,
        poll_s: float = 1.0,
    ) -> None:
        self._lot = lot
        self._api = api
        self._sites = sites
        self._clock = clock
        self._counters = counters
        self._till = till
        self._left_through = left_through  # whose car a stored picture shows, as whoever looks at it sees
        self._slips = 0
        self._poll_s = poll_s
        self._seen: dict[str, int] = {}
        self._hands = asyncio.Lock()

    async def run(self) -> None:
        """Look after open exceptions until cancelled."""
        while True:
            await asyncio.sleep(self._poll_s)
            try:
                async with self._hands:
                    await self._look_around()
                    if self._till.is_due:
                        await self._till.hand_over()
                        await self._till.open()
            except (NoAnswer, Refusal):
                continue  # the server is away or somebody was faster: look again

    async def word_on(self, site: Site, reading: Reading) -> Word:
        """Look up what was decided about the car that stands at a lane."""
        if not reading.is_read:
            return Word.UNKNOWN
        try:
            passages = await self._api.passages(self._lot, site.lane.code, reading.text)
        except Refusal:
            return Word.UNKNOWN
        latest = max(passages, key=_moment, default=None)
        return _WORDS.get(latest.action, Word.UNKNOWN) if latest else Word.UNKNOWN

    async def help(self, site: Site, visit: Visit) -> None:
        """Come to the lane: end its exceptions with what the eyes see, or else open by hand."""
        self._counters.helped += 1
        async with self._hands:
            found = [case for case in await self._api.exceptions(self._lot) if await self._is_about(case, site)]
            for case in found:
                await self._resolve(case, site, visit)
        if not found:
            await self.open(site, "nobody else could help")

    async def open(self, site: Site, reason: str) -> None:
        """Open a lane by hand."""
        async with self._hands:
            try:
                await self._api.open(self._lot, site.lane.code, f"simulator: {reason}")
            except Refusal:
                return  # the driver will see that nothing opens and ask again

    async def take_cash(self, site: Site, visit: Visit) -> bool:
        """Take cash for the bill of the car that waits; tell whether money changed hands."""
        async with self._hands:
            bill = await self._asked(site, visit)
            if bill is None:
                return False
            notes = -(-bill.due.minor // _NOTE_MINOR) * _NOTE_MINOR
            try:
                answer = await self._api.cash(self._lot, site.lane.code, bill.id, Sum(notes, bill.due.currency))
            except Refusal:
                return False
            self._note(visit, Paid(CASH, notes - answer.change.minor, bill.id, self._clock.now_us(), answer.receipt.id))
        return True

    async def take_card(self, site: Site, visit: Visit) -> bool:
        """Have the card terminal take the bill of the car that waits, and tell its slip."""
        async with self._hands:
            bill = await self._asked(site, visit)
            if bill is None:
                return False
            self._slips += 1
            slip = f"{self._clock.now_us() // SECOND_US}{self._slips:05}"
            try:
                receipt = await self._api.card(self._lot, bill.id, bill.due, slip)
            except Refusal:
                return False
            self._note(visit, Paid(CARD, bill.due.minor, bill.id, self._clock.now_us(), receipt.id))
        return True

    async def whereabouts(self, visit: Visit) -> str | None:
        """Return the area in which a car is by the server's books; None when it is in none."""
        stays = await self._api.stays(self._lot, visit.known_as, "open")
        return stays[0].segments[-1].area if stays and stays[0].segments else None

    async def _asked(self, site: Site, visit: Visit) -> BillView | None:
        """Return the bill of the car that waits, as the booth shows it."""
        waiting = (await self._api.lane(self._lot, site.lane.code)).waiting
        if waiting is None or waiting.bill is None or waiting.bill.due.minor <= 0:
            return None
        bill = waiting.bill
        visit.see_bill(bill.id, bill.due.minor, instant_us(bill.quoted_at) if bill.quoted_at else None)
        return bill

    def _note(self, visit: Visit, paid: Paid) -> None:
        if visit.pay(paid):
            self._till.take(paid.method, paid.minor)
            self._counters.paid += 1
            self._counters.paid_minor += paid.minor

    async def _look_around(self) -> None:
        """End what nobody at a lane is waiting for; where a car stands, its driver is first given time to ask."""
        cases = await self._api.exceptions(self._lot)
        self._seen = {case.id: min(self._seen.get(case.id, 0) + 1, _KNOWN_MAX) for case in cases}
        for case in cases:
            site = self._sites.get(case.lane or "")
            visit = site.standing if site and await self._is_about(case, site) else None
            if self._seen[case.id] >= _LOOKS_BEFORE_ACTING * (1 if visit is None else 3):
                await self._resolve(case, site, visit)

    async def _is_about(self, case: ExceptionView, site: Site) -> bool:
        """Tell whether an exception is about the car that stands at a lane now, and not about one before it."""
        if case.lane != site.lane.code or site.standing is None:
            return False
        waiting = (await self._api.lane(self._lot, site.lane.code)).waiting
        return waiting is not None and case.passage in (None, waiting.passage)

    async def _resolve(self, case: ExceptionView, site: Site | None, visit: Visit | None) -> None:
        """Do what fits; when the server refuses that, open or at last dismiss."""
        remedies: list[tuple[str, dict[str, str]]]
        if site is None or visit is None:
            remedies = await self._who_left(case)
        else:
            remedies = [*await self._remedies(case, site, visit), ("open", {})]
        for action, more in [*remedies, ("dismiss", {})]:
            try:
                await self._api.resolve(case.id, action, "simulator: seen with own eyes", **more)
            except Refusal:
                continue
            self._counters.exceptions += 1
            if visit is not None and action == "correct_plate" and site is not None and site.lane.kind == "entry":
                visit.known_as = more["plate"]
            return

    async def _who_left(self, case: ExceptionView) -> list[tuple[str, dict[str, str]]]:
        """Return the stay of a car that left without network, where its camera's clock hid which one it was."""
        if case.kind != "exit_without_entry" or case.lane is None or case.passage is None:
            return []
        told = await self._api.passage(case.passage)
        visit = self._left_through(case.lane, instant_us(told.captured_at)) if told.captured_at else None
        stays = await self._api.stays(self._lot, visit.known_as, "open") if visit is not None else []
        return [("match_stay", {"stay": stays[0].id})] if len(stays) == 1 else []

    async def _remedies(
        self, case: ExceptionView, site: Site, visit: Visit
    ) -> list[tuple[str, dict[str, str]]]:  # fmt: skip
        """Return what would put a case right: the true plate, or the stay the car came in with."""
        true_plate = visit.car.text if visit.car else ""
        correction = [("correct_plate", {"plate": true_plate})] if true_plate else []
        if case.kind == "entered_again" and site.lane.kind != "entry":  # it came in as it was seen: the later entry
            stays = await self._api.stays(self._lot, visit.known_as, "open")
            return [("match_stay", {"stay": stays[0].id})] if stays else []
        if site.lane.kind == "entry" or visit.known_as in ("", true_plate):
            return correction
        stays = await self._api.stays(self._lot, visit.known_as, "open")
        return [("match_stay", {"stay": stays[0].id})] if stays else correction


def _moment(passage: PassageView) -> tuple[int, str]:
    return (instant_us(passage.captured_at) if passage.captured_at else 0, passage.id)
