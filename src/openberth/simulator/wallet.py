"""How a driver pays: in advance at the lot's code, at the lane by its code, or to the guard, in cash or by card."""

import asyncio
from collections.abc import Sequence

from openberth.simulator.api import Asked, BillView, Phone, Refusal
from openberth.simulator.books import Paid, Visit
from openberth.simulator.clock import instant_us
from openberth.simulator.guard import Guard
from openberth.simulator.site import Site
from openberth.simulator.world import World

_OTHER_SHARE = 0.4  # of drivers who pay by another of several channels than the first
_CARD_SHARE = 0.3  # of drivers who pay at the booth
_CONFIRM_S = (0.1, 0.3, 1, 3, 5)  # machine time; codes are limited to 30 requests a minute


class Wallet:
    """The money of one driver and the ways to spend it; every bill and payment goes into the visit."""

    def __init__(self, visit: Visit, world: World, phone: Phone, guard: Guard, *, scan_code: str, method: str) -> None:
        self._visit = visit
        self._world = world
        self._phone = phone
        self._guard = guard
        self._scan_code = scan_code
        self._method = method
        self._taste, self._has_card = visit.rng.random(), visit.rng.random() < _CARD_SHARE

    @property
    def pays_in_advance(self) -> bool:
        """Whether this driver pays before going to the car."""
        return self._method == "prepay" and self._visit.permit is None and self._visit.account is None

    async def prepay(self) -> None:
        """Pay at the lot's code what is owed by now, and wait until the phone says that the money has arrived."""
        visit = self._visit
        try:
            asked = await self._asked_by_now()
            bill = asked.bill
            if bill is None:
                return
            self.note(bill)
            if not await self._pay_order(self._scan_code, bill, asked.channels):
                return
            for wait_s in _CONFIRM_S:
                now = (await self._asked_by_now()).bill
                visit.confirmed_us = self._world.clock.now_us()
                if now is None or now.due.minor < bill.due.minor:
                    return
                await asyncio.sleep(wait_s)
        except Refusal:
            return  # the server does not know the car by this plate: it will pay at the exit

    async def _asked_by_now(self) -> Asked:
        visit = self._visit
        return await self._phone.bill(self._scan_code, plate=visit.known_as, is_pass=visit.has_pass)

    async def pay_here(self, site: Site, bill: BillView | None, channels: Sequence[str]) -> int:
        """Pay at the lane; return the machine time (ns) at which the money was gone, 0 when it is not.

        Nobody pays a bill twice: money that was sent is on its way, however long the channel takes to tell.
        """
        if bill is not None and any(payment.bill == bill.id for payment in self._visit.payments):
            await site.boom.wait_open(site.waits.paid_s)
            return 0
        if self._method == "cash":
            take = self._guard.take_card if self._has_card else self._guard.take_cash
            done = await take(site, self._visit)
        else:
            try:
                done = await self._pay_order(site.scan_code, bill, channels, at_lane=True)
            except Refusal:
                done = False  # settled meanwhile, or run out: look again
        return self._world.clock.machine_ns() if done else 0

    async def _pay_order(
        self, code: str, bill: BillView | None, channels: Sequence[str], *, at_lane: bool = False
    ) -> bool:
        visit, counters = self._visit, self._world.counters
        wanted = None if at_lane or bill is None else bill.id
        order = await self._phone.order(code, wanted, self._choice(channels))
        paid = await self._world.purse.pay(order.pay_url)
        if paid is None:
            return False
        bill_id = bill.id if bill else ""
        if visit.pay(Paid(paid.method, paid.minor, bill_id, self._world.clock.now_us(), order.attempt)):
            counters.paid += 1
            counters.paid_minor += paid.minor
        return True

    def _choice(self, channels: Sequence[str]) -> str | None:
        """Return the channel to pay by; None takes what comes, where nothing is offered that could be chosen."""
        usable = self._world.purse.usable(channels)
        if not usable:
            return None
        others = usable[1:]
        if not others or self._taste >= _OTHER_SHARE:
            return usable[0]
        return others[int(self._taste / _OTHER_SHARE * len(others))]

    def note(self, bill: BillView) -> None:
        """Write down a bill that was shown."""
        self._visit.see_bill(bill.id, bill.due.minor, instant_us(bill.quoted_at) if bill.quoted_at else None)
