import pytest

from openberth.infra.buckets import RateLimiter
from openberth.infra.http.limits import ANYWHERE, AddressRange, Places, limit_key, read_address
from openberth.kernel.errors import Malformed
from openberth.kernel.time import MINUTE_US, SECOND_US, Instant


class HandClock:
    def __init__(self, at: int = 1_800_000_000 * SECOND_US) -> None:
        self.at = at

    def now(self) -> Instant:
        return Instant(self.at)


@pytest.mark.parametrize(
    ("networks", "address", "admitted"),
    [
        (["127.0.0.0/8"], "127.0.0.1", True),
        (["127.0.0.0/8"], "128.0.0.1", False),
        (["127.0.0.0/8"], "::ffff:127.0.0.1", True),
        (["127.0.0.0/8"], "::1", False),
        (["::ffff:10.0.0.0/104"], "10.200.0.1", True),
        (["::ffff:10.0.0.0/104"], "11.0.0.1", False),
        (["10.1.2.3"], "10.1.2.3", True),
        (["10.1.2.3/16"], "10.1.9.9", True),
        (["fd00::/8", "10.0.0.0/8"], "fd12::1", True),
        (["fe80::/10"], "fe80::1%eth0", True),
        (["0.0.0.0/0"], "2001:db8::1", False),
        (["::/0"], "10.0.0.1", False),
        ([], "10.0.0.1", False),
        (["0.0.0.0/0"], "testclient", False),
        (["0.0.0.0/0"], "", False),
    ],
)
def test_a_range_admits_only_what_lies_inside(networks: list[str], address: str, admitted: bool) -> None:
    assert AddressRange.parse(networks).admits(address) is admitted


def test_anywhere_is_every_address_of_both_families() -> None:
    assert ANYWHERE.admits("203.0.113.7")
    assert ANYWHERE.admits("2001:db8::1")
    assert ANYWHERE.admits("::ffff:203.0.113.7")


@pytest.mark.parametrize("text", ["", "10.0.0.0/33", "all", "10.0.0", "1.2.3.4/-1"])
def test_what_is_no_network_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(Malformed, match=r"address_range\.malformed") as refusal:
        AddressRange.parse([text])
    assert refusal.value.params["text"] == text


def test_the_limit_key_is_the_subscriber() -> None:
    assert limit_key("::ffff:10.0.0.1") == limit_key("10.0.0.1") == "10.0.0.1"
    assert limit_key("2001:db8:0:1::1") == limit_key("2001:db8:0:1:ffff::2")
    assert limit_key("2001:db8:0:1::1") != limit_key("2001:db8:0:2::1")
    assert limit_key("x" * 1000) == "x" * 64
    assert read_address("no address") is None


def limiter(clock: HandClock, *, count: int = 3, burst: int | None = None, max_keys: int = 100) -> RateLimiter:
    return RateLimiter(clock, count=count, window_us=MINUTE_US, burst=burst, max_keys=max_keys)


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    clock = HandClock()
    limits = limiter(clock)
    assert [limits.take("a") for _ in range(5)] == [True, True, True, False, False]
    assert limits.retry_after_s("a") == 20
    clock.at += 20 * SECOND_US - 1
    assert not limits.take("a")
    clock.at += 1
    assert limits.take("a")
    assert not limits.take("a")


def test_keys_do_not_disturb_each_other() -> None:
    limits = limiter(HandClock())
    assert [limits.take("a") for _ in range(4)] == [True, True, True, False]
    assert limits.take("b")


def test_the_rate_is_exact_when_the_window_does_not_divide() -> None:
    clock = HandClock()
    limits = limiter(clock, count=7, burst=1)
    start = clock.at
    admitted = 0
    while clock.at < start + 10 * MINUTE_US:
        admitted += limits.take("a")
        clock.at += 1_000_003
    # 70 intervals fit in ten minutes; each may be missed by less than one step of this clock.
    assert 66 <= admitted <= 70


def test_a_burst_may_differ_from_the_count() -> None:
    clock = HandClock()
    limits = limiter(clock, count=60, burst=2)
    assert [limits.take("a") for _ in range(3)] == [True, True, False]
    clock.at += SECOND_US
    assert [limits.take("a") for _ in range(2)] == [True, False]


def test_a_flood_of_keys_neither_grows_nor_frees_a_held_key() -> None:
    clock = HandClock()
    limits = limiter(clock, max_keys=100)
    assert [limits.take("held") for _ in range(4)][-1] is False
    admitted = sum(limits.take(f"flood-{n}") for n in range(10_000))
    assert len(limits) == 100
    assert admitted == 99 + 3  # the free places, and one bucket that all the others share
    assert not limits.take("held")


def test_idle_keys_make_room() -> None:
    clock = HandClock()
    limits = limiter(clock, max_keys=100)
    for n in range(100):
        limits.take(f"old-{n}")
    clock.at += 20 * SECOND_US
    assert all(limits.take(f"new-{n}") for n in range(100))
    assert len(limits) <= 100


def test_a_clock_set_back_holds_nobody_longer_than_a_full_bucket_takes() -> None:
    clock = HandClock()
    limits = limiter(clock)
    assert [limits.take("a") for _ in range(4)][-1] is False
    clock.at -= 3600 * SECOND_US
    assert not limits.take("a")
    assert limits.retry_after_s("a") == 20
    clock.at += 20 * SECOND_US
    assert limits.take("a")


@pytest.mark.parametrize("bad", [{"count": 0}, {"window_us": 0}, {"burst": 0}, {"max_keys": 0}])
def test_senseless_limits_are_a_defect(bad: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        RateLimiter(HandClock(), **({"count": 1, "window_us": 1} | bad))


def test_a_token_given_back_can_be_taken_again() -> None:
    limits = limiter(HandClock())
    assert [limits.take("a") for _ in range(3)] == [True] * 3
    limits.give_back("a")
    assert [limits.take("a") for _ in range(2)] == [True, False]


def test_places_are_bounded_overall_and_for_a_key_and_are_given_back() -> None:
    places = Places(most=3, most_per_key=2)
    assert [places.take("a") for _ in range(3)] == [True, True, False]
    with places.held("b") as held:
        assert held
        with places.held("c") as full:
            assert not full
    assert len(places) == 2
    places.give_back("a")
    assert places.take("c")
    assert places.take("a")
    assert not places.take("b")
