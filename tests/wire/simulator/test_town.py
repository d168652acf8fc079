"""Whole towns against the fake server: books that agree, books that must not, faults and a restart in the middle."""

import asyncio
import copy
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from openberth.simulator import Counters, Faults, Report, TownConfig, run_town
from openberth.simulator.boom import BoomTiming
from tests.waiting import PATIENCE_S, until
from tests.wire.simulator.fake_openberth import FakeOpenBerth
from tests.wire.simulator.town_files import LOT, PERMITS, write_files

FAST = BoomTiming(move_s=0.004, hold_s=0.05, drive_s=0.002)


def fake(speed: int = 1200, **changes: Any) -> FakeOpenBerth:
    permits = frozenset(entry["plate"] for entry in PERMITS["list"])  # type: ignore[index]
    return FakeOpenBerth(copy.deepcopy(LOT) | changes, speed=speed, permits=permits)


async def live(
    server: FakeOpenBerth,
    folder: Path,
    *,
    counters: Counters,
    closing: asyncio.Event,
    settle_s: float = PATIENCE_S,
    faults: tuple[str, ...] = (),
    **config: Any,
) -> Report:
    await server.open()
    try:
        plan = TownConfig(
            url=server.url,
            token="token",
            sandpay_url=server.url,
            barrier_port=server.barriers.port,
            hours=None,
            timing=FAST,
            guard_poll_s=0.2,
            settle_s=settle_s,
            drain_s=2 * PATIENCE_S,
            **{**write_files(folder), **config},
        )
        return await run_town(plan, counters=counters, faults=Faults.parse(faults), closing=closing)
    finally:
        await server.close()


async def until_enough(
    enough: Callable[[Counters], bool], server: FakeOpenBerth, folder: Path, *,
    meanwhile: Callable[[], Awaitable[None]] | None = None, **more: Any,
) -> Report:  # fmt: skip
    """Live until there was enough of what a test looks for: how many cars come so far in what time is the machine's
    matter.
    """
    closing, counters = asyncio.Event(), Counters()
    town = asyncio.create_task(live(server, folder, counters=counters, closing=closing, **more))
    if meanwhile is not None:
        await meanwhile()
    await until(lambda: town.done() or enough(counters), 3 * PATIENCE_S)
    closing.set()
    return await town


def test_a_quiet_day_balances_to_the_fen(tmp_path: Path) -> None:
    server = fake()
    methods = {"sandpay", "cash", "pos"}

    def enough(counters: Counters) -> bool:
        return (
            counters.left >= 10 and counters.answer.count > 100 and counters.pay_to_open.count > 10
            and {receipt["method"] for stay in server.stays for receipt in stay.receipts} >= methods
            and {lane for lane, _, _ in server.inputs} >= {"in-2", "out-2", "vip-in", "vip-out"}
            and any(len(stay.areas) == 3 for stay in server.stays)
            and any(stay.plate.startswith("pass") and stay.left for stay in server.stays)
        )  # fmt: skip

    report = asyncio.run(until_enough(enough, server, tmp_path))
    assert report.differences == []
    assert report.troubles == []
    assert report.left >= 10
    assert report.inside > 0
    assert set(report.received["mall"]) == methods
    assert sum(report.received["mall"].values()) == sum(stay.paid for stay in server.stays) > 0
    counters = report.counters
    assert counters["arrived"] == counters["admitted"] + counters["refused"] + counters["balked"]
    assert counters["recognition_to_answer"]["count"] > 100
    assert counters["payment_to_open"]["count"] > 10
    assert counters["stray_opens"] == 0
    assert {lane for lane, _, _ in server.inputs} == {"in-2", "out-2", "vip-in", "vip-out"}
    assert any(len(stay.areas) == 3 for stay in server.stays)
    assert any(stay.plate.startswith("pass") and stay.left for stay in server.stays)


def test_a_town_without_end_is_closed_when_somebody_has_seen_enough(tmp_path: Path) -> None:
    async def scenario() -> Report:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: pytest.fail(str(context)))
        return await until_enough(lambda counters: counters.left >= 5, fake(), tmp_path)

    report = asyncio.run(scenario())
    assert report.balanced
    assert report.cars == report.counters["arrived"]
    assert {(line.lot, line.what) for line in report.lines} >= {("mall", "left"), ("mall", "cash")}
    assert all(line.agrees for line in report.lines)


@pytest.mark.parametrize(
    ("cheat", "words"),
    [
        ("lose_receipt", "the receipts say"),
        ("double_stay", "the server has 2 stays"),
        ("dear", "should be"),
    ],
)
def test_a_server_that_cheats_is_caught(tmp_path: Path, cheat: str, words: str) -> None:
    server = fake()
    server.cheats.add(cheat)

    def enough(counters: Counters) -> bool:
        return counters.left >= 5 and counters.paid >= 5 and "lose_receipt" not in server.cheats

    report = asyncio.run(until_enough(enough, server, tmp_path, seed=3, settle_s=0.5))
    assert not report.balanced
    assert any(words in difference for difference in report.differences)


def test_a_full_lot_sends_cars_away(tmp_path: Path) -> None:
    report = asyncio.run(until_enough(lambda counters: counters.refused > 10, fake(capacity=5), tmp_path))
    assert report.differences == []
    assert report.counters["refused"] > 10


def test_devices_that_fail_in_every_way_still_balance(tmp_path: Path) -> None:
    server = fake(speed=900)
    names = ("lost-ack=0.1", "duplicate=0.2", "misread=0.1", "unread=0.05", "clock-skew=0.4", "barrier-cut=0.05")
    happens = ("lost_answers", "retransmissions", "duplicates", "misread", "unread", "exceptions")
    report = asyncio.run(
        until_enough(
            lambda counters: counters.left >= 10 and all(getattr(counters, name) > 0 for name in happens), server,
            tmp_path, faults=(*names, "retransmit-forever=0.5"),
        )
    )  # fmt: skip
    assert report.differences == []
    for name in happens:
        assert report.counters[name] > 0, name
    assert len(server.records) > len({record["plateid"] for record in server.records})


def test_cameras_that_lose_the_network_replay_what_they_saw(tmp_path: Path) -> None:
    server = fake(speed=1800)

    def opened_alone() -> bool:
        return any(record["isoffline"] and record["gioouts"][0]["ctrltype"] == 2 for record in server.records)

    report = asyncio.run(
        until_enough(
            lambda counters: counters.replayed > 5 and opened_alone(), server, tmp_path, faults=("offline=1",), seed=5
        )
    )
    assert report.differences == []
    assert report.counters["replayed"] == report.counters["stored_offline"] > 5
    assert opened_alone()


def test_a_server_killed_in_the_middle_is_waited_for(tmp_path: Path) -> None:
    server = fake(speed=900)

    async def killed() -> None:
        await until(lambda: len(server.stays) > 10)
        await server.restart(away_s=1.5)

    report = asyncio.run(
        until_enough(
            lambda counters: counters.retransmissions > 0 and counters.barrier_links > 2, server, tmp_path,
            meanwhile=killed,
        )
    )  # fmt: skip
    assert report.differences == []
    assert report.counters["retransmissions"] > 0
    assert report.counters["barrier_links"] > 2
