"""Who acts, and on whose rows: carried by every unit of work from the first row on."""

from dataclasses import dataclass
from enum import StrEnum

from openberth.kernel.ids import Id


class ActorKind(StrEnum):
    """What kind of somebody acts."""

    PERSON = "person"
    INTEGRATOR = "integrator"
    DEVICE = "device"
    CHANNEL = "channel"
    JOB = "job"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who causes a change: its kind, its id or name (never personal data) and the address it came from."""

    kind: ActorKind
    name: str
    address: str | None = None

    @property
    def hand(self) -> str | None:
        """The name of whoever does this by hand: a person, an integrator or a device; None for what goes by itself."""
        return self.name if self.kind in _HANDS else None


_HANDS = frozenset((ActorKind.PERSON, ActorKind.INTEGRATOR, ActorKind.DEVICE))


# More places than this in one scope are too many for a statement: whoever has them names a narrower place.
PLACES_MAX = 512


@dataclass(frozen=True, slots=True)
class Scope:
    """The rows a caller may touch: everything (all None), one company, some lots of one, or several companies.

    Whoever acts for a partner has several: its companies, and the partner itself, whose id stands as the company of the
    rows that belong to it alone. ``company`` is the one company of a scope that has one.
    """

    company: Id | None = None
    lots: tuple[Id, ...] | None = None
    companies: tuple[Id, ...] | None = None

    def __post_init__(self) -> None:
        if self.lots is not None and self.company is None:
            raise ValueError("lots are reached through their company")
        if self.company is not None and self.companies is not None:
            raise ValueError("a scope has one company or several")
        if max(len(self.lots or ()), len(self.companies or ())) > PLACES_MAX:
            raise ValueError("a scope holds at most PLACES_MAX places")

    @property
    def is_everything(self) -> bool:
        """Tell whether no row lies outside."""
        return self.company is None and self.companies is None

    def allows(self, company: Id | None, lot: Id | None) -> bool:
        """Tell whether a row of this company and lot lies inside the scope."""
        if self.companies is not None:
            return company in self.companies
        if self.company is None:
            return True
        if company != self.company:
            return False
        return self.lots is None or lot in self.lots


EVERYTHING = Scope()


class Proof(StrEnum):
    """How a caller has shown who it is.

    The stronger proofs are for deeds that a stolen token must not be enough for.
    """

    CONSTRUCTION = "construction"  # devices, channels, jobs, the system: whoever lets them in has seen to it
    TOKEN = "token"  # noqa: S105 - a bearer token, which whoever holds it may show
    RECENT = "recent"  # a bearer token of a session that proved itself a short while ago
    SIGNATURE = "signature"  # this very request is signed
    OPERATOR = "operator"  # the token of this machine


@dataclass(frozen=True, slots=True)
class Caller:
    """An actor with the scope it acts in and the permissions it has there.

    ``permissions`` are words such as ``lane.open``. None means that it acts by construction: devices, channels, jobs
    and the system do what their code does and nothing else. People and integrators never do.
    """

    actor: Actor
    scope: Scope
    permissions: frozenset[str] | None = None
    proof: Proof = Proof.CONSTRUCTION

    def __post_init__(self) -> None:
        if self.permissions is None and self.actor.kind in (ActorKind.PERSON, ActorKind.INTEGRATOR):
            raise ValueError("people and integrators act by permission")

    def may(self, word: str) -> bool:
        """Tell whether a permission is held."""
        return self.permissions is None or word in self.permissions


def system(name: str) -> Caller:
    """Return the caller of the system's own work, e.g. ``system("consumer.gate")``."""
    return Caller(Actor(ActorKind.SYSTEM, name), EVERYTHING)
