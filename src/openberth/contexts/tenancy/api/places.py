"""Nodes of the tree as routes name them: a level and a code."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from openberth.contexts.tenancy.model.accounts import Level
from openberth.contexts.tenancy.model.organisation import Node
from openberth.contexts.tenancy.service import companies, organisation
from openberth.contexts.tenancy.service.moving import Carrier, Objection
from openberth.infra.database import Reader
from openberth.kernel.errors import Malformed
from openberth.kernel.ids import Id


class LotLike(Protocol):
    """A lot as later contexts know it."""

    @property
    def id(self) -> Id:
        """Its id."""
        ...

    @property
    def company(self) -> Id:
        """Its company."""
        ...

    @property
    def code(self) -> str:
        """Its code, one of its company's."""
        ...

    @property
    def name_zh(self) -> str:
        """Its name in Chinese."""
        ...

    @property
    def name_en(self) -> str:
        """Its name in English."""
        ...


@dataclass(frozen=True, slots=True)
class Lots:
    """What tenancy asks about lots, which it does not know: one by code or id, and all of the caller's scope.

    ``carriers`` do what is right for each context's rows when a lot comes to another company, ``objections`` say what
    is still open in a company that is to be closed.
    """

    named: Callable[[Reader, str], LotLike]
    every: Callable[[Reader], Sequence[LotLike]]
    carriers: Sequence[Carrier] = ()
    objections: Sequence[Objection] = ()


def node_named(reader: Reader, lots: Lots, *, level: Level, name: str | None, company: str | None = None) -> Node:
    """Return the node of a level that a code (or a lot's id) names; ``company`` tells properties apart.

    Raises ``Malformed("grant.node")`` for a code where there is none or none where there must be, and ``NotFound``.
    """
    if (level is Level.PLATFORM) != (name is None):
        raise Malformed("grant.node")
    if name is None:
        return Node.platform()
    if level is Level.PARTNER:
        return Node.of_partner(organisation.partner_by_code(reader, code=name).id)
    if level is Level.COMPANY:
        return Node.of_company(companies.company_by_code(reader, code=name).id)
    if level is Level.PROPERTY:
        found = organisation.property_named(reader, code=name, company=company)
        return Node.of_property(found.company, found.id)
    lot = lots.named(reader, name)
    return Node.of_lot(lot.company, lot.id)
