from openberth.simulator.counters import Counters, Latencies


def test_percentiles_by_nearest_rank() -> None:
    latencies = Latencies()
    assert latencies.percentile_us(99) == 0
    for us in range(1, 201):
        latencies.add(us)
    assert (latencies.percentile_us(50), latencies.percentile_us(99), latencies.percentile_us(100)) == (100, 198, 200)


def test_the_oldest_samples_make_room() -> None:
    latencies = Latencies()
    for us in range(20_010):
        latencies.add(us)
    assert len(latencies.samples) == 20_000
    assert latencies.count == 20_010
    assert min(latencies.samples) == 10


def test_a_snapshot_holds_every_number() -> None:
    counters = Counters(arrived=3, queues={"mall/in": 2})
    counters.answer.add(7)
    snapshot = counters.snapshot()
    assert snapshot["arrived"] == 3
    assert snapshot["queues"] == {"mall/in": 2}
    assert snapshot["recognition_to_answer"]["p50_us"] == 7
