"""What the live view makes of answers, events and figures."""

from typing import Any

import pytest

from openberth.entrypoints.cli.top.model import Board, histogram_of, percentile_us
from openberth.entrypoints.cli.top.reading import alarms_of, cases_of, overview_of, passages_of
from openberth.entrypoints.cli.top.takings import Takings
from openberth.kernel.money import Money
from openberth.kernel.time import from_iso
from tests.unit.entrypoints.cli.boards import board, cny, lot, overview, passage

PAGE = """# HELP x_seconds Seconds.
# TYPE x_seconds histogram
x_seconds_bucket{le="0.01"} 90.0
x_seconds_bucket{le="0.05"} 98.0
x_seconds_bucket{le="+Inf"} 100.0
x_seconds_count 100.0
other_seconds_bucket{le="0.01"} 5.0
y_seconds_bucket{le="0.01",route="/a/{b}"} 1.0
y_seconds_bucket{le="+Inf",route="/a/{b}"} 3.0
y_seconds_bucket{le="0.01",route="/c"} 2.0
y_seconds_bucket{le="+Inf",route="/c"} 2.0
"""


def test_an_overview_is_read() -> None:
    read = overview_of(overview())
    (mall,) = read.lots
    assert (mall.code, mall.occupied, mall.capacity, mall.state) == ("mall", 148, 400, "open")
    assert mall.received == Money(124_050, "CNY")
    assert mall.due == Money(500, "CNY")
    assert (mall.devices, mall.silent, mall.without_secret) == (3, ("bar-in-1",), ("new-1",))
    assert read.now == from_iso("2026-11-20T01:30:00Z")
    assert read.cases_open == 1


@pytest.mark.parametrize(
    "answer",
    [None, [], {}, {"lots": None}, {"lots": [1, {}]}, {"lots": [{"lanes": [{"waiting": 3}], "received_today": {}}]},
     {"business_now": "yesterday", "lots": [lot(occupied="many", received_today={"minor": 1.5, "currency": "CNY"})]}],
)  # fmt: skip
def test_a_strange_answer_costs_figures_not_the_view(answer: Any) -> None:
    overview_of(answer)
    passages_of(answer)
    cases_of(answer)
    assert alarms_of(answer) == ()


def test_passages_of_all_lots_are_one_stream_newest_first() -> None:
    seen = Board()
    seen.take_passages("a", passages_of({"items": [passage(1), passage(4)]}))
    seen.take_passages("b", passages_of({"items": [passage(3, lot="b"), passage(2, lot="b")]}))
    assert [each.id for each in seen.stream(3)] == ["0004", "0003", "0002"]
    assert seen.stream(-1) == []
    assert seen.last_at_lane["a", "in-1"].id == "0004"


def test_the_rate_is_that_of_the_last_minute() -> None:
    seen = board(at_s=1_000.0)
    assert seen.passages_per_minute(1_000.5) is None
    event = {"kind": "stays.passage_decided"}
    seen.take_events([event] * 10 + [{"kind": "stays.stay_opened"}], 11, 1_001.0)
    assert seen.passages_per_minute(1_010.0) == 60  # 10 in 10 s
    assert seen.passages_per_minute(1_060.0) == 10
    assert seen.passages_per_minute(1_062.0) == 0
    assert seen.position == 11


def test_age_and_staleness() -> None:
    assert Board().is_stale(5.0)
    assert not board(at_s=10.0).is_stale(13.0)
    assert board(at_s=10.0).is_stale(13.1)
    assert board(at_s=10.0).age_s(12.0) == 2.0


def test_histograms_are_read_and_summed_over_series() -> None:
    assert histogram_of(PAGE, "x_seconds") == [(0.01, 90), (0.05, 98), (float("inf"), 100)]
    assert histogram_of(PAGE, "y_seconds") == [(0.01, 3), (float("inf"), 5)]
    assert histogram_of("rubbish\nx_seconds_bucket{le=", "x_seconds") == []


def test_percentiles() -> None:
    buckets = histogram_of(PAGE, "x_seconds")
    assert percentile_us(buckets, 50) == 10_000
    assert percentile_us(buckets, 95) == 50_000
    assert percentile_us(buckets, 99) == 50_000  # beyond the last bound: at least that
    assert percentile_us([], 99) is None
    assert percentile_us([(0.01, 0), (float("inf"), 0)], 99) is None


class Receipts:
    """Pages of receipts, newest first, two to a page."""

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []
        self.asked = 0

    def add(self, minor: int, method: str, at: str) -> None:
        item = {"id": str(len(self.items)), "amount": cny(minor), "method": method, "received_at": at}
        self.items.insert(0, item)

    async def ask(self, cursor: str) -> Any:
        self.asked += 1
        begin = int(cursor or 0)
        more = begin + 2 < len(self.items)
        return {"items": self.items[begin : begin + 2], "next": str(begin + 2) if more else None}


def run(work: Any) -> Any:
    """Run a coroutine that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waits")


def test_takings_count_every_receipt_of_the_day_once() -> None:
    receipts, takings, now = Receipts(), Takings("Asia/Shanghai"), from_iso("2026-11-20T10:00:00Z")
    receipts.add(999, "cash", "2026-11-19T15:59:59Z")  # before midnight in Shanghai
    for minor in (100, 200, 300):
        receipts.add(minor, "sandpay", "2026-11-19T16:00:00Z")
    receipts.add(50, "cash", "2026-11-20T09:00:00Z")
    assert run(takings.look(receipts.ask, now)) == {"sandpay": Money(600, "CNY"), "cash": Money(50, "CNY")}
    receipts.add(25, "cash", "2026-11-20T09:30:00Z")
    asked = receipts.asked
    assert run(takings.look(receipts.ask, now)) == {"sandpay": Money(600, "CNY"), "cash": Money(75, "CNY")}
    assert receipts.asked == asked + 1  # what is known is not read again
    assert run(takings.look(receipts.ask, from_iso("2026-11-20T16:00:00Z"))) == {}  # a new day


def test_takings_say_nothing_rather_than_something_wrong() -> None:
    receipts, takings, now = Receipts(), Takings("Asia/Shanghai"), from_iso("2026-11-20T10:00:00Z")
    for _ in range(100):
        receipts.add(1, "cash", "2026-11-20T09:00:00Z")
    assert run(takings.look(receipts.ask, now)) is None
    receipts.add(1, "cash", "2026-11-20T09:00:00Z")
    assert run(takings.look(receipts.ask, now)) is None
