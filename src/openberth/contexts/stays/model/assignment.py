"""Which tariff prices a car where it stands, and what the lot's rules mean to the engine. Pure."""

from collections.abc import Iterable
from functools import lru_cache

from openberth.contexts.facility.model import Level, Pricing, TariffRule
from openberth.contexts.tariffs.model import (
    NestedCaps,
    Policy,
    ReliefKind,
    ReliefRules,
    Vehicle,
    VehicleMatch,
)
from openberth.kernel.money import Money

OUTSIDE = "outside"  # the right under which a car was away that came back soon enough to go on with its stay


def assigned(levels: Iterable[Level], right: str | None, vehicle: Vehicle) -> str | None:
    """Return the code of the tariff for a car; ``levels`` go from its area outwards. None: it parks by its right.

    A rule that names permits means cars with one of them, and one that names none cars without; of a level the rules
    come first, in their order, then its tariff, which means every car without a permit.
    """
    for level in levels:
        for rule in level.rules:
            means = right in rule.permits if rule.permits else right is None
            if means and _match(rule).means(vehicle):
                return rule.tariff
        if right is None and level.tariff is not None:
            return level.tariff
    return None


@lru_cache(maxsize=1024)
def policy_of(pricing: Pricing, currency: str) -> Policy:
    """Return what a lot decides as the engine takes it."""
    said = pricing.reliefs
    together = said.together
    order = tuple(ReliefKind(kind) for kind in said.order)
    rest = tuple(kind for kind in ReliefKind if kind not in order)
    return Policy(
        NestedCaps(pricing.nested_caps),
        ReliefRules(
            at_most=said.at_most,
            together=None if together is None else frozenset((ReliefKind(a), ReliefKind(b)) for a, b in together),
            order=order + rest,
            minimum_pay=None if said.minimum_pay is None else Money(said.minimum_pay, currency),
        ),
    )


@lru_cache(maxsize=1024)
def _match(rule: TariffRule) -> VehicleMatch:
    said = rule.vehicles
    return VehicleMatch(
        colours=tuple(said.colours), new_energy=said.new_energy, sizes=said.sizes, seats_from=said.seats_from,
        seats_upto=said.seats_upto, disabled=said.disabled, tags=said.tags,
    )  # fmt: skip
