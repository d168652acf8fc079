"""The barrier server and the simulator's controller, which share no code, on a real socket."""

import asyncio
from uuid import UUID

from openberth.gateways.barriers import (
    BarrierCommand,
    BarrierDevice,
    BarrierServer,
    BarrierStatus,
    CommandOutcome,
    CommandReport,
    Operation,
)
from openberth.infra.http.limits import AddressRange
from openberth.kernel.ids import Id
from openberth.kernel.time import SECOND_US, Instant
from openberth.simulator.boom import Boom, BoomTiming
from openberth.simulator.counters import Counters
from openberth.simulator.devices.barrier import BarrierController, Redial
from tests.waiting import until

SECRET = bytes(range(32))
DEVICE = UUID(int=1)


class MachineClock:
    def now(self) -> Instant:
        return Instant(int(asyncio.get_running_loop().time() * SECOND_US))


class House:
    """Directory and observer in one."""

    def __init__(self) -> None:
        self.statuses: list[BarrierStatus] = []
        self.reports: list[CommandReport] = []
        self.links: list[str] = []

    async def find(self, serial: str) -> BarrierDevice | None:
        return BarrierDevice(DEVICE, SECRET, AddressRange.parse(["127.0.0.0/8"])) if serial == "mall-bar" else None

    async def on_connected(self, device_id: Id, address: str) -> None:
        self.links.append("up")

    async def on_status(self, device_id: Id, status: BarrierStatus) -> None:
        self.statuses.append(status)

    async def on_result(self, device_id: Id, report: CommandReport) -> None:
        self.reports.append(report)

    async def on_disconnected(self, device_id: Id, reason: str) -> None:
        self.links.append(reason)

    async def outcome(self, number: int) -> tuple[CommandOutcome, str]:
        def ends() -> list[tuple[CommandOutcome, str]]:
            return [
                (each.outcome, each.reason)
                for each in self.reports
                if each.command_id == UUID(int=number) and each.outcome is not CommandOutcome.ACCEPTED
            ]

        await until(ends)
        return ends()[0]


def test_both_sides_understand_each_other() -> None:
    async def scene() -> None:
        house = House()
        clock = MachineClock()
        server = BarrierServer(directory=house, observer=house, clock=clock, heartbeat_s=2)
        host, port = await server.start("127.0.0.1", 0)
        boom = Boom(BoomTiming(move_s=0.02, hold_s=5, drive_s=0.01))
        controller = BarrierController(
            serial="mall-bar",
            secret=SECRET,
            host=host,
            port=port,
            boom=boom,
            counters=Counters(),
            redial=Redial(0.05, 0.1),
        )
        running = asyncio.create_task(controller.run())

        def send(number: int, operation: Operation) -> bool:
            life_end = Instant(clock.now() + 60 * SECOND_US)
            return server.send(DEVICE, BarrierCommand(UUID(int=number), operation, life_end))

        async def linked(times: int) -> None:
            await until(lambda: house.links.count("up") >= times and server.is_connected(DEVICE))

        try:
            await linked(1)
            boom.car_arrives()
            done = CommandOutcome.DONE
            assert send(1, Operation.OPEN)
            assert (await house.outcome(1))[0] is done
            await boom.drive_through()
            assert send(2, Operation.LOCK_OPEN)
            assert (await house.outcome(2))[0] is done
            assert send(3, Operation.CLOSE)
            assert await house.outcome(3) == (CommandOutcome.REJECTED, "locked")
            assert send(4, Operation.UNLOCK)
            assert (await house.outcome(4))[0] is done
            assert send(5, Operation.CLOSE)
            assert (await house.outcome(5))[0] is done
            assert send(6, Operation.STOP)
            assert await house.outcome(6) == (done, "result")
            assert house.statuses[-1].passes == 1
            told = len(house.statuses)
            await until(lambda: len(house.statuses) >= told + 3)  # three heartbeats: both sides keep the connection
            assert house.links == ["up"]
            controller.cut()
            await linked(2)
            assert send(7, Operation.OPEN)
            assert (await house.outcome(7))[0] is done
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await server.stop()
        assert not any(report.late for report in house.reports)
        assert set(server.counts) <= {"connected", "welcomed", "sent", "ended.closed", "ended.lost", "ended.stopped"}

    asyncio.run(scene())
