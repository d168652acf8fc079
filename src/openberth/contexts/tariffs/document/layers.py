"""Where each part of a plan stands: a class says what is different for it and takes the rest from the tariff's plans.

A *layer* is a body with its path; the first layer that says a part decides. What a class takes over has its prices,
caps and minimum multiplied by the class's factor; what it says itself stands as written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from openberth.contexts.tariffs.document.parts import Body, ClassPart, PlanHead, PlanPart
from openberth.infra.documents import Path

PARTS = tuple(Body.model_fields)
CHARGED = ("charge", "bands")  # two ways to say one thing: a class that says either replaces both


@dataclass(frozen=True, slots=True)
class Layer:
    """A body, where it stands, and what its amounts are multiplied by."""

    body: Body
    path: Path
    factor: Fraction = Fraction(1)


@dataclass(frozen=True, slots=True)
class Stated:
    """A part that some layer says."""

    value: Any
    path: Path
    factor: Fraction


@dataclass(frozen=True, slots=True)
class PlanLayers:
    """One plan: its layers, and its head unless it is the body of the tariff itself."""

    layers: tuple[Layer, ...]
    head: PlanHead | None = None

    def find(self, *names: str) -> Stated | None:
        """Return the part of one of these names that the first layer says which says any."""
        for layer in self.layers:
            for name in names:
                value = getattr(layer.body, name)
                if value is not None:
                    return Stated(value, (*layer.path, name), layer.factor)
        return None

    @property
    def path(self) -> Path:
        """Return where the plan stands that the layers change."""
        return self.layers[-1].path


def says(body: Body) -> list[str]:
    """Return the names of the parts that a body says itself."""
    return [name for name in PARTS if getattr(body, name) is not None]


def plans_of(body: Body, plans: Sequence[PlanPart] | None, path: Path = ()) -> list[PlanLayers]:
    """Return the plans of a tariff or of a class with plans of its own."""
    if plans is None:
        return [PlanLayers((Layer(body, path),))]
    return [PlanLayers((Layer(plan, (*path, "plans", index)),), plan) for index, plan in enumerate(plans)]


def class_plans(part: ClassPart, index: int, base: Sequence[PlanLayers]) -> list[PlanLayers]:
    """Return the plans of a class: its own, or those of the tariff with what the class says differently."""
    path: Path = ("classes", index)
    if part.plans is not None:
        return plans_of(part, part.plans, path)
    factor = Fraction(1) if part.factor is None else Fraction(part.factor)
    own = Layer(part, path)
    return [
        PlanLayers((own, *(Layer(layer.body, layer.path, factor) for layer in plan.layers)), plan.head) for plan in base
    ]
