"""The tree of the organisation: partner → company → property (where there is one) → lot. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from openberth.contexts.tenancy.model.accounts import Level
from openberth.kernel.errors import Malformed
from openberth.kernel.ids import Id

CODE_MAX, NAME_MAX = 40, 120
# The whole platform is no row; where a node is asked for, this stands for it.
PLATFORM = Id(int=0)
NODES_MAX = 5  # on the way down to a lot: platform, partner, company, property, lot
# Sorts before every node there is and holds nothing: fills the places that a shorter way does not need.
_NO_NODE = Id(int=1)


class NodeState(StrEnum):
    """Whether anything new happens at a node. A closed one stays readable and never opens again."""

    ACTIVE = "active"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Partner:
    """Who has several companies run. ``name`` is Chinese."""

    id: Id
    code: str
    name: str
    name_en: str
    state: NodeState
    version: int


@dataclass(frozen=True, slots=True)
class Company:
    """A company that runs lots, of a partner or its own. ``name`` is Chinese."""

    id: Id
    code: str
    name: str
    name_en: str
    partner: Id | None
    state: NodeState
    version: int


@dataclass(frozen=True, slots=True)
class Property:
    """A unit of a company that has some of its lots, such as a residential community."""

    id: Id
    company: Id
    code: str
    name: str
    name_en: str
    state: NodeState
    version: int


@dataclass(frozen=True, slots=True)
class Node:
    """A place in the tree by level and id, with the company and lot that its rows carry.

    A partner stands as the company of the rows that belong to it alone; the whole platform has neither.
    """

    level: Level
    id: Id
    company: Id | None
    lot: Id | None = None

    @classmethod
    def platform(cls) -> "Node":
        """Return the whole platform."""
        return cls(Level.PLATFORM, PLATFORM, None)

    @classmethod
    def of_partner(cls, partner: Id) -> "Node":
        """Return a partner as a node."""
        return cls(Level.PARTNER, partner, partner)

    @classmethod
    def of_company(cls, company: Id) -> "Node":
        """Return a company as a node."""
        return cls(Level.COMPANY, company, company)

    @classmethod
    def of_property(cls, company: Id, property_unit: Id) -> "Node":
        """Return a property as a node."""
        return cls(Level.PROPERTY, property_unit, company)

    @classmethod
    def of_lot(cls, company: Id, lot: Id) -> "Node":
        """Return a lot as a node."""
        return cls(Level.LOT, lot, company, lot)


def places_on(way: Sequence[Id]) -> dict[str, Id]:
    """Return the nodes of a way as ``node_0`` … ``node_4``: a statement has a fixed number of parameters."""
    nodes = [*way, *[_NO_NODE] * NODES_MAX]
    return {f"node_{index}": nodes[index] for index in range(NODES_MAX)}


def check_code(code: str) -> str:
    """Return the code of a new node. Raises ``Malformed("organisation.code")``."""
    fits = 1 <= len(code) <= CODE_MAX and code.isascii() and code[0].isalnum()
    if not fits or not all(each.isalnum() or each in "-_" for each in code):
        raise Malformed("organisation.code", most=CODE_MAX)
    return code


def check_name(name: str) -> str:
    """Return a name as it is kept. Raises ``Malformed("organisation.name")``."""
    kept = name.strip()
    if not 1 <= len(kept) <= NAME_MAX or not kept.isprintable():
        raise Malformed("organisation.name", most=NAME_MAX)
    return kept
