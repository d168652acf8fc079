"""Who there is in a walk: companies, their lots, and what their things are called."""

from dataclasses import dataclass, field

from tests.wire.api.house import House


@dataclass
class Lot:
    """A lot with what happened there: names of things by their kind; each kind has the names that reach it."""

    code: str
    id: str = ""
    names: dict[str, list[str]] = field(default_factory=dict)

    def add(self, kind: str, *names: object) -> None:
        self.names.setdefault(kind, []).extend(str(name) for name in names)


@dataclass
class Tenant:
    """A company, its two lots and its accounts."""

    code: str
    zh: str
    letter: str
    house: House
    id: str = ""
    partner: str = ""  # whose id stands as the company of what belongs to the partner alone
    lots: list[Lot] = field(default_factory=list)
    names: dict[str, list[str]] = field(default_factory=dict)
    accounts: dict[str, str] = field(default_factory=dict)  # ids by the code of the role, or of what it is for

    def add(self, kind: str, *names: object) -> None:
        self.names.setdefault(kind, []).extend(str(name) for name in names)

    def things(self, lot: int = 0) -> dict[str, list[str]]:
        """Return the names of everything that a person of one lot has to do with, by kind."""
        return {**self.names, **self.lots[lot].names}

    def plate(self, number: int) -> str:
        return f"粤{self.letter}{number:05}"
