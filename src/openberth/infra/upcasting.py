"""Old events in today's shape: when an event's fields change, its version grows and an upcaster tells how to get from
the old body to the new one. Rows in the log are never rewritten; they are lifted as they are read.

A context registers its upcasters where it defines the event::

    UPCASTERS.add("payments.bill_settled", 1, lambda body: {**body, "currency": "CNY"})
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Body: TypeAlias = Mapping[str, Any]
Upcaster: TypeAlias = Callable[[Body], Body]


class Upcasters:
    """Steps from one version of a kind to the next."""

    def __init__(self) -> None:
        self._steps: dict[tuple[str, int], Upcaster] = {}

    def add(self, kind: str, version: int, upcaster: Upcaster) -> None:
        """Register how a body of ``version`` becomes one of ``version + 1``; pure, and once for ever."""
        if (kind, version) in self._steps:
            raise ValueError(f"{kind} version {version} has an upcaster already")
        self._steps[(kind, version)] = upcaster

    def lift(self, kind: str, version: int, body: Body) -> tuple[int, Body]:
        """Return the newest version that can be reached, and the body in it."""
        while (step := self._steps.get((kind, version))) is not None:
            version, body = version + 1, step(body)
        return version, body


UPCASTERS = Upcasters()
