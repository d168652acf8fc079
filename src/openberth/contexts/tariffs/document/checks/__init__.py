"""What must hold of a tariff document beyond the shape of its parts.

First what is priced must be clear (``plans.shape``): nothing else can be said of a document that has no price. Then
every body by itself (``bodies``), and every plan with what its class takes over (``bands``, ``plans``).
"""

from collections.abc import Iterable, Iterator, Sequence

from openberth.contexts.tariffs.document.checks.amounts import amount_flaws, factored
from openberth.contexts.tariffs.document.checks.bands import band_flaws
from openberth.contexts.tariffs.document.checks.bodies import body_flaws
from openberth.contexts.tariffs.document.checks.classes import class_flaws
from openberth.contexts.tariffs.document.checks.plans import plan_flaws, shape
from openberth.contexts.tariffs.document.checks.work import fraction_flaws, work_flaws
from openberth.contexts.tariffs.document.keys import TariffKeys
from openberth.contexts.tariffs.document.layers import PlanLayers, class_plans, plans_of
from openberth.contexts.tariffs.document.parts import Body
from openberth.infra.documents import Flaw, Path


def flaws_of(document: TariffKeys) -> Iterable[Flaw]:
    """Return the flaws of a document; what several classes take over is reported once."""
    found: dict[tuple[Path, str], Flaw] = {}
    for flaw in list(shape(document)) or _all(document):
        found.setdefault((flaw.path, flaw.code), flaw)
    return list(found.values())


def _all(document: TariffKeys) -> Iterator[Flaw]:
    charged = [one for path, body in _bodies(document) for one in body_flaws(body, path, document.currency)]
    yield from charged
    yield from amount_flaws(document)
    yield from plan_flaws(document.plans, document.choose, ("plans",))
    yield from class_flaws(document.classes)
    base = plans_of(document, document.plans)
    yield from _of_plans(base, document.currency, sound=not charged)
    for index, part in enumerate(document.classes):
        plans = class_plans(part, index, base)
        yield from _of_plans(plans, document.currency, sound=not charged)
        yield from plan_flaws(part.plans, part.choose or document.choose, ("classes", index, "plans"))
        if not charged:
            yield from factored(part, index, base, document.currency)


def _of_plans(plans: Sequence[PlanLayers], currency: str, *, sound: bool) -> Iterator[Flaw]:
    for plan in plans:
        yield from band_flaws(plan)
        if sound:  # prices that are wrong by themselves cannot be worked out
            yield from fraction_flaws(plan, currency)
    yield from work_flaws(plans)


def _bodies(document: TariffKeys) -> Iterator[tuple[Path, Body]]:
    yield (), document
    for index, plan in enumerate(document.plans or ()):
        yield ("plans", index), plan
    for index, part in enumerate(document.classes):
        yield ("classes", index), part
        for number, plan in enumerate(part.plans or ()):
            yield ("classes", index, "plans", number), plan
