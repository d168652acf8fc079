"""What the law makes us keep although somebody wants to be forgotten, and what stands in the way of forgetting. Pure.

PIPL art. 47: where a retention period of law has not ended, everything but storage stops. The years are those of the
texts named; who runs an installation lets counsel look at them (``docs/guides/personal-data.md``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from openberth.contexts.tenancy.model.people import Person
from openberth.kernel.ids import Id
from openberth.kernel.time import DAY_US, Instant

YEAR_US = 366 * DAY_US


@dataclass(frozen=True, slots=True)
class Retention:
    """For how many years rows of a table are kept, and by which text; None years: for ever."""

    years: int | None
    law: str

    def until(self, since: Instant) -> Instant | None:
        """Return the instant until which a row of an instant is kept, None for ever."""
        return None if self.years is None else Instant(since + self.years * YEAR_US)


# Rows that stay when a person goes. They carry ids and amounts; the person's own values are in the vault.
RETAINED: Mapping[str, Retention] = {
    "bill": Retention(10, "税收征收管理法实施细则 art. 29: papers of taxation"),
    "attempt": Retention(10, "税收征收管理法实施细则 art. 29"),
    "receipt": Retention(30, "会计档案管理办法 annex 1: original vouchers"),
    "refund": Retention(30, "会计档案管理办法 annex 1: original vouchers"),
    "ledger_transfer": Retention(30, "会计档案管理办法 annex 1: books"),
    "stay": Retention(3, "电子商务法 art. 31: what was traded, at least three years"),
    "passage": Retention(3, "电子商务法 art. 31"),
    "consent": Retention(None, "个人信息保护法 art. 14, 69: who handles data proves the consent"),
    "audit_entry": Retention(None, "GB/T 22239-2019, 8.1.4.3; ids only"),
    "account_session": Retention(1, "网络安全法 art. 23 (3): logs, see retention.logs_days"),
}
# The one personal value that they need: which car a paid stay was of.
PLATE_OF_PAID_STAY = RETAINED["stay"]


@dataclass(frozen=True, slots=True)
class About:
    """Whom it is about: the person, and the plates (vault ids) that are its own.

    ``since`` are those that it has by having proven them alone: visits that ended before that instant (business time)
    were somebody else's.
    """

    person: Person
    plates: tuple[Id, ...] = ()
    since: Mapping[Id, Instant] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hindrance:
    """Why a person cannot be forgotten now: ``kind`` is a word of the catalogue (``hindrance.<kind>``)."""

    kind: str
    subject: Id
