"""What pricing by a tariff has to know beside the stay itself."""

from collections.abc import Iterator

from openberth.contexts.tariffs.model.tariff import Plan, Tariff


def plans_of(tariff: Tariff) -> Iterator[Plan]:
    """Yield every plan of a tariff, those of its classes too."""
    yield from tariff.plans
    for vehicle_class in tariff.classes:
        yield from vehicle_class.plans


_LONGEST_DAY_HOURS = 26  # a tariff day in which the clock is put back


def free_once_hours(tariff: Tariff) -> int:
    """Return how many hours back the vehicle's last free minutes matter; 0 where they are given every time."""
    return max(
        max(plan.free.once_within_hours or 0, _LONGEST_DAY_HOURS if plan.free.once_a_day else 0)
        for plan in plans_of(tariff)
    )


def counts_visits(tariff: Tariff) -> bool:
    """Tell whether a tariff has caps that hold across the visits of a vehicle."""
    return any(cap.across_visits for plan in plans_of(tariff) for cap in plan.caps)
