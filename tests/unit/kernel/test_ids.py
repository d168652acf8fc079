"""UUID version 7, checked against the vector that RFC 9562 publishes in appendix A.6."""

from uuid import UUID, uuid4

import pytest

from openberth.kernel.ids import lowest_at, unix_ms_of, uuid7

PUBLISHED = UUID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")


def test_the_published_vector() -> None:
    made = uuid7(0x017F22E279B0, 0xCC3, 0x18C4DC0C0C07398F)
    assert made == PUBLISHED
    assert made.version == 7
    assert made.variant == UUID(int=PUBLISHED.int).variant
    assert unix_ms_of(PUBLISHED) == 1_645_557_742_000  # 2022-02-22T19:22:22Z, as the RFC says


def test_order_follows_time_then_counter_then_chance() -> None:
    made = [uuid7(1, 0, 0), uuid7(1, 0, 1), uuid7(1, 1, 0), uuid7(2, 0, 0), uuid7((1 << 48) - 1, 4095, (1 << 62) - 1)]
    assert made == sorted(made)
    assert [identifier.bytes for identifier in made] == sorted(identifier.bytes for identifier in made)


@pytest.mark.parametrize("unix_ms", [-1, 1 << 48])
def test_milliseconds_must_fit(unix_ms: int) -> None:
    with pytest.raises(ValueError, match="48 bits"):
        uuid7(unix_ms, 0, 0)


def test_wider_numbers_never_touch_version_variant_or_time() -> None:
    made = uuid7(5, 0xFFFFF, (1 << 70) - 1)
    assert made.version == 7
    assert unix_ms_of(made) == 5


def test_only_version_7_carries_its_time() -> None:
    with pytest.raises(ValueError, match="version 7"):
        unix_ms_of(uuid4())


def test_the_lowest_id_of_a_millisecond_bounds_it() -> None:
    assert lowest_at(1000) == uuid7(1000, 0, 0)
    assert uuid7(999, 4095, (1 << 62) - 1) < lowest_at(1000) <= uuid7(1000, 0, 1)
    assert unix_ms_of(lowest_at(1000)) == 1000
