"""A lot that comes to another company, as every context is told of it. Pure."""

from dataclasses import dataclass

from openberth.contexts.tenancy.model.organisation import Company
from openberth.kernel.ids import Id


@dataclass(frozen=True, slots=True)
class LotMove:
    """Which lot moves, by id and code, from which company to which."""

    lot: Id
    code: str
    source: Id
    target: Company
