"""The simulator's books against the server's: car by car, then lot by lot, then the payment channels; to the fen."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from openberth.simulator.accounts import held_by
from openberth.simulator.api import BooksView, Operator, Refusal, StayView
from openberth.simulator.books import CASH, PREPAID, Books, Crossing, Fate, Visit
from openberth.simulator.clock import MINUTE_US, BusinessClock, instant_text, instant_us
from openberth.simulator.paying import Purse
from openberth.simulator.plan import LotPlan
from openberth.simulator.tariff import Part, stay_fee
from openberth.simulator.web import NoAnswer

_TURNED_BACK = "turned_back"  # why a stay ended whose car was let in and backed out again
_DOUBT_MACHINE_US = 50_000  # how far the two clocks may be apart, and how late a passage is noticed


@dataclass(frozen=True, slots=True)
class Opening:
    """What the server's and the channels' books said before the first car; the latter by method and currency."""

    started_us: int
    lots: dict[str, BooksView]
    channels: Mapping[str, Mapping[str, int]]


class Comparison:
    """Compares until both sides agree or patience ends: notifications and replays may still be on their way."""

    def __init__(
        self, books: Books, plans: Sequence[LotPlan], api: Operator, purse: Purse, clock: BusinessClock
    ) -> None:
        self._books = books
        self._plans = plans
        self._api = api
        self._purse = purse
        self._clock = clock
        self._slack_us = int(_DOUBT_MACHINE_US * clock.speed)

    async def opening(self) -> Opening:
        """Read both books before the town opens."""
        lots = {plan.code: await self._api.books(plan.code) for plan in self._plans}
        return Opening(self._clock.now_us(), lots, await self._purse.totals())

    async def differences(self, opening: Opening, patience_s: float) -> list[str]:
        """Return every difference in words; none means that the books agree."""
        give_up = asyncio.get_running_loop().time() + patience_s
        visits = self._grouped(self._books.visits)
        while True:
            try:
                found = {plate: await self._cars(plate, visits[plate], opening.started_us) for plate in visits}
                words = [word for each in found.values() for word in each] + await self._totals(opening)
                visits = {plate: visits[plate] for plate, each in found.items() if each}
            except NoAnswer as error:  # asking for the next car would be in vain, too
                words = [f"the server's books cannot be read ({error})"]
            if not words or asyncio.get_running_loop().time() > give_up:
                return words
            await asyncio.sleep(0.5)

    def _grouped(self, visits: Iterable[Visit]) -> dict[tuple[str, ...], list[Visit]]:
        """Group visits that the server may hold under the same names; cars without any cannot be asked for."""
        groups: dict[tuple[str, ...], list[Visit]] = {}
        for visit in visits:
            if visit.plates:
                groups.setdefault((visit.lot.code, *visit.plates), []).append(visit)
        return groups

    async def _cars(self, names: tuple[str, ...], visits: list[Visit], started_us: int) -> list[str]:
        lot, *plates = names
        stays: dict[str, StayView] = {}
        try:
            for plate in plates:
                stays |= {stay.id: stay for stay in await self._api.stays(lot, plate)}
            # Earlier runs may have left stays of a permit's car; a camera's clock may lie before the opening.
            stamps = (sight.stamp_us for visit in visits if visit.entry for sight in visit.entry.sights)
            since_us = min([started_us, *stamps]) - self._slack_us
            ours = [stay for stay in stays.values() if instant_us(stay.entered) >= since_us]
        except (Refusal, ValueError) as error:
            return [f"{visits[0].name}: its stays cannot be read ({error})"]
        back = sum(stay.reason == _TURNED_BACK for stay in ours)
        ours = sorted((stay for stay in ours if stay.reason != _TURNED_BACK), key=lambda stay: stay.entered)
        inside = [visit for visit in visits if visit.fate is not Fate.OUTSIDE]
        if len(ours) != len(inside):
            return [f"{visits[0].name} went in {len(inside)} times, the server has {len(ours)} stays"]
        turned = sum(visit.turned_back for visit in visits)
        words = [f"{visits[0].name} turned back {turned} times, the server says {back}"] * (back > turned)
        for visit, stay in zip(inside, ours, strict=True):
            words += [f"{visit.name}: {word}" for word in self._stay(visit, stay)]
        for visit in visits:
            words += [f"{visit.name} paid {visit.paid_minor} without going in"] * (
                visit.fate is Fate.OUTSIDE and visit.paid_minor > 0
            )
        return words

    def _stay(self, visit: Visit, stay: StayView) -> list[str]:
        words = []
        has_left = visit.fate is Fate.LEFT
        if (stay.state == "closed") != has_left:
            words.append(f"has {'left' if has_left else 'not left'}, its stay is {stay.state}")
        entered_us = self._instant(visit, visit.entry, stay.entered, "entry", words)
        begun_us = max([entered_us, *(instant_us(part.entered) for part in stay.segments)])
        left_us = 0
        if has_left and stay.left:
            left_us = self._instant(visit, visit.exit, stay.left, "exit", words, not_before_us=begun_us)
        if visit.account is not None:
            visit.charged_minor = self._charge(visit, stay, entered_us, left_us)
        ours = Counter((payment.method, payment.minor) for payment in visit.payments)
        ours.update([(PREPAID, visit.charged_minor)] * (visit.charged_minor > 0))
        theirs = Counter((receipt.method, receipt.amount.minor) for receipt in stay.receipts)
        if ours != theirs:
            words.append(f"paid {_money(ours)}, the receipts say {_money(theirs)}")
        surplus = sum(receipt.surplus.minor for receipt in stay.receipts if receipt.surplus)
        return words + self._prices(visit, stay, entered_us, left_us, surplus)

    def _charge(self, visit: Visit, stay: StayView, entered_us: int, left_us: int) -> int:
        """Return what the account of a car has paid at the exit: all that was owed by our own price.

        Or nothing, where the driver was asked and paid, or somebody opened by hand: that alone is the server's word.
        """
        if not left_us:
            return 0
        by_hand = sum(payment.minor for payment in visit.payments)
        owed = max(stay_fee(self._parts(visit, stay, entered_us), left_us) - by_hand, 0)
        told = any(receipt.method == PREPAID for receipt in stay.receipts)
        return owed if told or not (visit.payments or visit.left_unpaid) else 0

    def _prices(self, visit: Visit, stay: StayView, entered_us: int, left_us: int, surplus: int) -> list[str]:
        """Check every bill the driver saw, and what was owed at the exit, against our own reading of the tariff."""
        words = []
        if visit.permit is not None and visit.permit.is_free:
            seen = [bill for bill in visit.bills.values() if bill.due_minor] or visit.payments
            return ["has a permit and was asked for money"] if seen else []
        parts = self._parts(visit, stay, entered_us)
        for bill in visit.bills.values():
            if bill.quoted_us is None:
                words.append(f"bill {bill.id} does not say when it was quoted")
                continue
            known = [parts[: 1 + crossed] for crossed in range(bill.inner_told, bill.inner_before + 1)]
            owed = {max(stay_fee(some, bill.quoted_us) - bill.paid_before_minor, 0) for some in known}
            if bill.due_minor not in owed | {one + surplus for one in owed}:
                should = " or ".join(map(str, sorted(owed)))
                words.append(f"was asked for {bill.due_minor} at {instant_text(bill.quoted_us)}, should be {should}")
        return words + (self._at_the_end(visit, stay, parts, left_us, surplus) if left_us else [])

    def _at_the_end(self, visit: Visit, stay: StayView, parts: list[Part], left_us: int, surplus: int) -> list[str]:
        """A car that has left owes nothing, or exactly the debt the server has written down."""
        owed = max(stay_fee(parts, left_us) - (visit.paid_minor - surplus), 0)
        debt = sum(bill.left.minor for bill in stay.bills if bill.left is not None)
        allowed = set() if self._in_grace(visit, parts, left_us, -self._slack_us) else {owed}
        if self._in_grace(visit, parts, left_us, self._slack_us):
            allowed.add(0)
        if not visit.left_unpaid and 0 not in allowed:
            return [f"left owing {owed}"]
        if debt not in allowed:
            return [f"left owing {' or '.join(map(str, sorted(allowed)))}, the server's debt is {debt}"]
        return []

    def _in_grace(self, visit: Visit, parts: list[Part], left_us: int, slack_us: int) -> bool:
        """Whether the last payment covered the price and the exit came before the grace after it ended.

        With a negative ``slack_us`` only what is so by every clock, with a positive one what may be so by some.
        """
        if not visit.payments:
            return False
        last = visit.payments[-1]
        bill = visit.bills.get(last.bill)
        quoted_us = bill.quoted_us if bill and bill.quoted_us else last.at_us
        priced_us = quoted_us if slack_us > 0 else last.at_us - slack_us
        grace_us = visit.lot.tariff_of(visit.lot.lanes_of("entry")[0].target).grace_minutes * MINUTE_US
        # The server counts money when its channel tells it, which may be a moment after it was gone.
        counted_us = max(last.at_us, visit.confirmed_us) if slack_us > 0 else last.at_us
        covered = visit.paid_minor >= stay_fee(parts, priced_us)
        return covered and left_us <= counted_us + grace_us + slack_us

    def _parts(self, visit: Visit, stay: StayView, entered_us: int) -> list[Part]:
        lot = visit.lot
        outer = visit.entry.lane.target if visit.entry else lot.lanes_of("entry")[0].target
        areas = [(outer, entered_us)]
        for index, crossing in enumerate(visit.inner, 1):
            at_us = crossing.sights[0].stamp_us if crossing.sights else crossing.passed_us
            if index < len(stay.segments):
                told_us = instant_us(stay.segments[index].entered)
                at_us = told_us if self._explains(visit, crossing, told_us) else at_us
            at_us = max(at_us, areas[-1][1])  # clocks of cameras differ, but nobody leaves before coming
            areas.append((crossing.lane.target, at_us))
        return [Part(lot.tariff_of(area), from_us) for area, from_us in areas]

    def _instant(
        self, visit: Visit, crossing: Crossing | None, text: str, what: str, words: list[str], not_before_us: int = 0
    ) -> int:
        """Return the server's instant of a crossing; note it as a difference when no camera explains it.

        Clocks of cameras differ, but nobody leaves before coming: then it is the instant before which it cannot be.
        """
        told_us = instant_us(text)
        early = (
            crossing is not None
            and told_us == not_before_us
            and any(sight.stamp_us < not_before_us for sight in crossing.sights)
        )
        if crossing is not None and not early and not self._explains(visit, crossing, told_us):
            seen = ", ".join(instant_text(sight.stamp_us) for sight in crossing.sights) or "nothing"
            words.append(f"its {what} is {text}, the camera said {seen}")
        return told_us

    def _explains(self, visit: Visit, crossing: Crossing, told_us: int) -> bool:
        return crossing.explains(told_us, skew_us=visit.lot.skew_us, slack_us=self._slack_us)

    async def _totals(self, opening: Opening) -> list[str]:
        words = []
        try:
            for plan in self._plans:
                words += self._lot_totals(plan, opening.lots[plan.code], await self._api.books(plan.code))
            channels = await self._purse.totals()
            held = await held_by(self._api, self._books.accounts)
        except Refusal as error:
            return [f"the totals cannot be read ({error})"]
        for account in self._books.accounts:
            ours, theirs = self._books.holds(account), held[account.id]
            if ours != theirs:
                words.append(f"{account.lot.code}: account {account.code} should hold {ours}, it holds {theirs}")
        for method, after in channels.items():
            words += self._channel_totals(method, opening.channels.get(method, {}), after)
        return words

    def _channel_totals(self, method: str, before: Mapping[str, int], after: Mapping[str, int]) -> list[str]:
        ours: dict[str, int] = {}
        for plan in self._plans:
            ours[plan.currency] = ours.get(plan.currency, 0) + self._books.received(plan).get(method, 0)
        sums = [(currency, minor, after.get(currency, 0) - before.get(currency, 0)) for currency, minor in ours.items()]
        return [
            f"drivers paid {minor} {currency} through the channel {method}, it has {theirs}"
            for currency, minor, theirs in sums if theirs != minor
        ]  # fmt: skip

    def _lot_totals(self, plan: LotPlan, before: BooksView, after: BooksView) -> list[str]:
        visits = list(self._books.of_lot(plan))
        left = sum(visit.fate is Fate.LEFT for visit in visits)
        inside = sum(visit.fate is Fate.INSIDE for visit in visits)
        pairs = [
            ("stays closed", left, after.stays_closed - before.stays_closed),
            ("stays open", inside, after.stays_open - before.stays_open),
        ]
        received = self._books.received(plan)
        for method in methods_of(received, after, before):
            sums = [view.received[method].minor if method in view.received else 0 for view in (after, before)]
            pairs.append((f"received by {method}", received.get(method, 0), sums[0] - sums[1]))
        return [
            f"{plan.code}: {name}: ours {ours}, the server's {theirs}" for name, ours, theirs in pairs if ours != theirs
        ]


def methods_of(received: Mapping[str, int], *views: BooksView) -> list[str]:
    """Return every method by which money came in somebody's books, sorted; cash is always one."""
    return sorted({CASH, *received, *(name for view in views for name in view.received)})


def _money(sums: "Counter[tuple[str, int]]") -> str:
    return " + ".join(f"{minor} {method}" for method, minor in sorted(sums.elements())) or "nothing"
