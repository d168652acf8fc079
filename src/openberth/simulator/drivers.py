"""A driver: comes, queues, is seen, parks, pays in one of three ways, and leaves, with bounded patience everywhere."""

from collections.abc import Awaitable
from contextlib import suppress

from openberth.simulator.api import LaneView, Refusal, Waiting
from openberth.simulator.books import Crossing, Doing, Fate, Visit
from openberth.simulator.clock import MINUTE_US
from openberth.simulator.devices.vzenith import Shown
from openberth.simulator.devices.vzenith_wire import TRIGGER_SOFTWARE, Reading
from openberth.simulator.guard import Word
from openberth.simulator.plan import Lane
from openberth.simulator.site import Site
from openberth.simulator.wallet import Wallet
from openberth.simulator.web import NoAnswer
from openberth.simulator.world import Place, World, reading_at, true_reading

_QUEUE_MAX = 50  # a longer one is not joined
_PRESENTATIONS = 3
_ROUNDS = 6  # of looking at the phone while standing at an exit
_STORE_S = 60.0
_ASKS = 4  # of the booth by who is inside and stands before a gate: nobody parks again because a server is away
_WALK_US = 3 * MINUTE_US
_INNER_US = MINUTE_US


class Driver:
    """One visit from arrival to departure."""

    def __init__(
        self, visit: Visit, place: Place, world: World, *, method: str, leaves_us: int, goes_inner: bool
    ) -> None:
        self.visit = visit
        self._place = place
        self._world = world
        self._leaves_us = leaves_us
        self._goes_inner = goes_inner
        self._phone = world.phone(visit.number)
        self._wallet = Wallet(visit, world, self._phone, place.guard, scan_code=place.scan_code, method=method)

    async def live(self) -> None:
        """Make the visit; whatever goes wrong is written into it."""
        visit, counters = self.visit, self._world.counters
        try:
            if not await self._come_in():
                return
            counters.inside += 1
            ways = self._place.plan.ways_in(visit.entry.lane.target) if visit.entry and self._goes_inner else []
            way = visit.rng.choice(ways) if ways else None
            if way is not None and not await self._cross(way[0]):
                way = None
            area = way[0].target if way is not None else visit.entry.lane.target if visit.entry else ""
            self._place.ground.park(visit.number, area, visit.rng)
            await self._park()
            self._place.ground.leave(visit.number)
            out = way is None or await self._leave_inner(way[1])
            if out and await self._go_out():
                counters.inside -= 1
                counters.left += 1
        except (NoAnswer, Refusal) as error:
            visit.trouble.append(str(error))
        finally:
            if visit.fate is not Fate.INSIDE:
                self._place.ground.leave(visit.number)
            self._world.books.close(visit)
            await self._phone.close()

    async def _come_in(self) -> bool:
        visit, counters = self.visit, self._world.counters
        site = self._best(self._place.plan.lanes_of("entry"))
        if site.queue >= _QUEUE_MAX:
            counters.balked += 1
            return False
        visit.doing = Doing.QUEUEING
        async with site.turn(visit):
            visit.doing = Doing.AT_LANE
            crossing = Crossing(site.lane)
            reading = reading_at(site, self.visit, self._world)
            opens = await self._patiently(self._is_let_in(site, crossing, reading))
            opens = opens or await self._is_told(site, crossing, site.lane.target)
            if opens and await site.drive_on(crossing, visit.rng):
                visit.entry, visit.fate = crossing, Fate.INSIDE
                counters.admitted += 1
                return True
        counters.refused += 1
        return False

    async def _is_let_in(self, site: Site, crossing: Crossing, reading: Reading) -> bool:
        visit = self.visit
        visit.known_as = reading.text if reading.is_read else ""
        for _ in range(_PRESENTATIONS):
            if not await self._is_useful(site, reading):
                return False
            shown = await self._show(site, crossing, reading)
            if await site.opens(shown):
                return True
            if shown is not None and not shown.delivered:
                came_in = await self._after_the_outage(site, shown, reading)
                if came_in is not None:
                    return came_in
                continue
            ask, waiting = await self._look(site)
            crossing.waited = True
            if ask == "enter":
                visit.known_as, visit.has_pass = await self._phone.enter(site.scan_code), True
                return await self._must_open(site)
            if ask == "identify":
                await self._place.guard.help(site, visit)
                if await site.boom.wait_open(site.waits.open_s):
                    return True
                continue
            word = await self._place.guard.word_on(site, reading)
            if word is Word.REFUSED or (word is Word.UNKNOWN and waiting is None and shown is not None):
                return False
            if word is Word.ADMITTED:
                return await self._must_open(site)
        return False

    async def _after_the_outage(self, site: Site, shown: Shown, reading: Reading) -> bool | None:
        """Wait until the camera has told what it stored; None when the car has to be shown again.

        The server may have had the record although the camera never knew: what it decided then holds. Or the guard has
        read the plate meanwhile and let the car in.
        """
        if not shown.sight.sent_us or not await site.camera.drained(site.waits.online_s):
            return await self._lift(site, reading)
        admitted = await self._place.guard.word_on(site, reading) is Word.ADMITTED
        if admitted or (self.visit.known_as and not reading.is_read):
            return await self._must_open(site)
        return None

    async def _must_open(self, site: Site) -> bool:
        """Wait for a boom that the server has told to open; when it stays down (a broken link), the guard opens.

        The car is not shown to the camera again: it is inside already by the server's books.
        """
        for _ in range(_PRESENTATIONS):
            if await site.boom.wait_open(site.waits.open_s):
                return True
            await self._place.guard.open(site, "admitted, but the barrier stayed down")
        return await site.boom.wait_open(site.waits.open_s)

    async def _cross(self, lane: Lane) -> bool:
        """Drive through an inner lane; False when it stays shut and the car turns back."""
        visit, site = self.visit, self._place.sites[lane.code]
        visit.doing = Doing.PARKED
        await self._world.clock.sleep_until(self._world.clock.now_us() + visit.rng.randint(1, 2) * _INNER_US)
        stored = visit.entry is not None and any(sight.stored for sight in visit.entry.sights)
        if stored or not site.camera.online:
            return False  # an inner lane opens only for a car that the server knows to be inside
        visit.doing = Doing.QUEUEING
        async with site.turn(visit):
            visit.doing = Doing.AT_LANE
            crossing = Crossing(lane)
            reading = true_reading(self.visit)
            shown = await self._show(site, crossing, reading)
            opens = await site.opens(shown) or (shown and not shown.delivered and await self._lift(site, reading))
            opens = opens or await self._is_told(site, crossing, lane.target)
            if opens and await site.drive_on(crossing, visit.rng):
                visit.inner.append(crossing)
                return True
        return False

    async def _leave_inner(self, lane: Lane) -> bool:
        """Drive back out of the inner area; the guard helps when the lane stays shut."""
        visit, site = self.visit, self._place.sites[lane.code]
        await self._be_known()
        visit.doing = Doing.QUEUEING
        async with site.turn(visit):
            visit.doing = Doing.AT_LANE
            crossing = Crossing(lane)
            reading = true_reading(self.visit)
            opens = await self._patiently(self._is_let_back(site, crossing, reading))
            opens = opens or await self._is_told(site, crossing, lane.target)
            if opens and await site.drive_on(crossing, visit.rng):
                visit.inner.append(crossing)
                return True
        visit.doing = Doing.PARKED
        visit.trouble.append("could not leave the inner area")
        return False

    async def _is_let_back(self, site: Site, crossing: Crossing, reading: Reading) -> bool:
        for _ in range(_PRESENTATIONS):
            shown = await self._show(site, crossing, reading)
            if await site.opens(shown) or (shown and not shown.delivered and await self._lift(site, reading)):
                return True
            crossing.waited = True
            await self._place.guard.help(site, self.visit)
            if await site.boom.wait_open(site.waits.open_s):
                return True
        return False

    async def _park(self) -> None:
        visit, clock = self.visit, self._world.clock
        visit.doing = Doing.PARKED
        if self._wallet.pays_in_advance:
            await clock.sleep_until(self._leaves_us - _WALK_US)
            visit.doing = Doing.BUSY
            await self._wallet.prepay()
            visit.doing = Doing.PARKED
        await clock.sleep_until(self._leaves_us)

    async def _go_out(self) -> bool:
        visit, counters = self.visit, self._world.counters
        await self._be_known()
        exits = self._place.plan.lanes_of("exit")
        area = self._visit_area()
        site = self._best([lane for lane in exits if lane.origin == area] or exits)
        visit.doing = Doing.QUEUEING
        async with site.turn(visit):
            visit.doing = Doing.AT_LANE
            crossing = Crossing(site.lane)
            reading = reading_at(site, self.visit, self._world)
            opens = await self._patiently(self._is_let_out(site, crossing, reading))
            opens = opens or await self._is_told(site, crossing, None)
            if opens and await site.drive_on(crossing, visit.rng):
                visit.exit, visit.fate = crossing, Fate.LEFT
                return True
        visit.trouble.append("could not leave")
        visit.doing = Doing.PARKED
        counters.helped += 1
        return False

    async def _is_let_out(self, site: Site, crossing: Crossing, reading: Reading) -> bool:
        for _ in range(_PRESENTATIONS):
            if not await self._is_useful(site, reading):
                return False
            shown = await self._show(site, crossing, reading)
            opens = await site.opens(shown)
            if shown is not None and (shown.sight.stored or not shown.delivered):
                self.visit.left_unpaid = True  # without network nobody is asked for money; what is owed stays a debt
            if shown is None or shown.delivered:
                if opens:
                    return True
            else:
                if opens:
                    return True
                if not shown.sight.sent_us or not await site.camera.drained(site.waits.online_s):
                    return await self._lift(site, reading)
            crossing.waited = True
            if await self._settle(site):
                return True
        await self._place.guard.open(site, "nothing else opens for this car")
        self.visit.left_unpaid = True
        self._world.counters.left_by_hand += 1
        return await site.boom.wait_open(site.waits.open_s)

    async def _settle(self, site: Site) -> bool:
        """Do what the lane's code asks until the boom opens; False when it asks for nothing and stays down."""
        visit, guard = self.visit, self._place.guard
        for _ in range(_ROUNDS):
            ask, waiting = await self._look(site)
            if ask == "pay" and waiting is not None:
                if waiting.bill is not None:
                    self._wallet.note(waiting.bill)
                paid_ns = await self._wallet.pay_here(site, waiting.bill, waiting.channels)
                if await site.boom.wait_open(site.waits.paid_s if paid_ns else site.waits.look_s):
                    if paid_ns:
                        self._world.counters.pay_to_open.add((self._world.clock.machine_ns() - paid_ns) // 1_000)
                    return True
            elif waiting is not None:
                await guard.help(site, visit)
                if await site.boom.wait_open(site.waits.look_s):
                    visit.left_unpaid = True  # a person let it out: what it owes stays a debt
                    return True
            else:
                return await site.boom.wait_open(site.waits.open_s)
        return False

    async def _look(self, site: Site) -> tuple[str, Waiting | None]:
        """Scan the lane's code and return what it asks; a car that came with a pass shows it."""
        visit = self.visit
        view: LaneView | None = None
        if visit.has_pass and site.lane.kind == "exit":
            with suppress(Refusal):  # not this pass, or nobody seen there: look without it
                view = await self._phone.leave(site.scan_code, visit.known_as)
        if view is None:
            view = await self._phone.lane(site.scan_code)
        return (view.waiting.ask if view.waiting else "nothing"), view.waiting

    async def _show(self, site: Site, crossing: Crossing, reading: Reading) -> Shown | None:
        if crossing.sights:  # not the first time: somebody pressed the button
            reading = Reading(
                reading.text, reading.colour, reading.type, reading.confidence, TRIGGER_SOFTWARE, known=reading.known
            )
        return await site.show(crossing, reading)

    async def _is_useful(self, site: Site, reading: Reading) -> bool:
        """Wait for the network where a camera alone would not let this car pass; False when it does not come back."""
        return reading.known or await site.camera.reached(site.waits.online_s)

    async def _lift(self, site: Site, reading: Reading) -> bool:
        """Have the boom lifted on the spot when the camera cannot tell anybody; only for a car that it knows."""
        if not reading.known:
            return False
        site.lift_by_hand()
        return await site.boom.wait_open(site.waits.open_s)

    async def _patiently(self, attempt: Awaitable[bool]) -> bool:
        """Await an attempt to get through a lane; a server that stays away or refuses makes it fail, no more."""
        try:
            return await attempt
        except (NoAnswer, Refusal) as error:
            self.visit.trouble.append(str(error))
            return False

    async def _is_told(self, site: Site, crossing: Crossing, area: str | None) -> bool:
        """Ask at last where the car is by the server's books; when it has passed there, lift the boom on the spot.

        So it is when the server decided to open and no command could reach the gate: nobody parks a car again that has
        paid. ``area`` is where it would be then, None for outside.
        """
        visit = self.visit
        if not visit.known_as or await self._whereabouts(1 if site.lane.kind == "entry" else _ASKS) != area:
            return False
        crossing.waited = True
        visit.left_unpaid = visit.left_unpaid or area is None
        self._world.counters.lifted += 1
        site.lift_by_hand()
        return await site.boom.wait_open(site.waits.open_s)

    async def _whereabouts(self, asks: int) -> str | None:
        """Ask the booth where the car is by the books, again while the server is away."""
        for _ in range(asks - 1):
            with suppress(NoAnswer):
                return await self._place.guard.whereabouts(self.visit)
        return await self._place.guard.whereabouts(self.visit)

    async def _be_known(self) -> None:
        """Wait while a part of the way is still in a camera's store: what happens in order shall be told in order."""
        self.visit.doing = Doing.PARKED
        for crossing in [self.visit.entry, *self.visit.inner]:
            if crossing is not None:
                await self._place.sites[crossing.lane.code].camera.drained(_STORE_S)

    def _visit_area(self) -> str:
        """Return the area in which the car is."""
        crossings = [self.visit.entry, *self.visit.inner]
        last = crossings[-1]
        return last.lane.target if last is not None else ""

    def _best(self, lanes: list[Lane]) -> Site:
        """Choose the lane with the shortest queue; attendants send cars that a dead camera cannot help elsewhere."""
        sites = [self._place.sites[lane.code] for lane in lanes]
        needy = self.visit.car is None
        return min(sites, key=lambda site: (needy and not site.camera.online, site.queue, self.visit.rng.random()))
