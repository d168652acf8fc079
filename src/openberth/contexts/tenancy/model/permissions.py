"""The one list of permissions, and the roles that are built in.

A permission is a word ``<thing>.<deed>``; its text stands in the catalogue as ``permission.<thing>.<deed>``. Routes and
use cases name the word (``may``, ``needs``); a word that is not in this list stops the start.
"""

from dataclasses import dataclass
from enum import StrEnum

# Deeds that change nothing. Unmasking and exporting take a reason and are written down, but change nothing either.
READING_DEEDS = frozenset(("read", "export", "unmask"))


class Role(StrEnum):
    """The roles that are built in. Their texts stand in the catalogue as ``role.<code>``."""

    PLATFORM_ADMINISTRATOR = "platform_administrator"
    SECURITY_ADMINISTRATOR = "security_administrator"
    AUDITOR = "auditor"
    COMPANY_MANAGER = "company_manager"
    FINANCE = "finance"
    LOT_MANAGER = "lot_manager"
    GUARD = "guard"
    MAINTENANCE = "maintenance"
    MERCHANT = "merchant"
    RESIDENT = "resident"
    DRIVER = "driver"


# System administrator, security administrator and auditor of graded protection (GB/T 22239-2019, 8.1.5): three officers
# who watch one another, so no deed that changes anything is in the hands of two of them.
OFFICERS = (Role.PLATFORM_ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR, Role.AUDITOR)

_LOOKING = frozenset((
    "lot.read", "device.read", "passage.read", "picture.read", "stay.read", "case.read", "tariff.read", "bill.read",
    "permit.read", "alarm.read", "feed.read", "system.read", "setting.read", "organisation.read", "person.read",
    "channel.read", "shift.read", "prepaid.read", "finance.read",
))  # fmt: skip
_RUNNING_A_LOT = frozenset((
    "lot.write", "occupancy.write", "device.credentials", "device.command", "lane.open", "lane.display",
    "plate.correct", "case.resolve", "cash.take", "permit.write", "tariff.write", "person.write",
    "debt.dispute", "shift.run", "shift.confirm", "safe.write",
    "prepaid.write", "prepaid.fill",
))  # fmt: skip
_RUNNING_A_COMPANY = _RUNNING_A_LOT | {
    "tariff.publish", "calendar.write", "refund.write", "channel.write", "reconciliation.write", "payout.write",
    "debt.waive", "setting.write", "consent.write", "property.write", "plate.verify",
}  # fmt: skip
_PEOPLE_OF_A_COMPANY = frozenset(("account.read", "account.write", "role.read", "integrator.read", "integrator.write"))
_GRANTING = frozenset(("role.write", "grant.write", "account.lock", "session.end", "factor.remove"))
_PLATFORM = frozenset(
    ("organisation.write", "organisation.export", "backup.write", "person.reverify", "person.erase", "finance.rebuild")
)
_SECURITY = frozenset(("key.rotate", "plate.unmask", "person.unmask"))
_AUDITING = frozenset(("audit.read", "audit.export"))
_DATA_SUBJECTS = frozenset(("person.export",))
# Of whoever scans the code of a sign, signed in or not.
DRIVING = frozenset(("sign.use",))

# What a stolen token must not be enough for: their routes ask for a fresh proof (``may(..., fresh=True)``).
SENSITIVE = frozenset(
    ("lane.open", "refund.write", "debt.waive", "shift.confirm", "safe.write", "payout.write", "plate.verify")
)

PERMISSIONS: frozenset[str] = frozenset().union(
    _LOOKING, _RUNNING_A_COMPANY, _PEOPLE_OF_A_COMPANY, _GRANTING, _PLATFORM, _SECURITY, _AUDITING, _DATA_SUBJECTS,
    DRIVING,
)  # fmt: skip

ROLES: dict[Role, frozenset[str]] = {
    Role.PLATFORM_ADMINISTRATOR: _LOOKING | _RUNNING_A_COMPANY | _PEOPLE_OF_A_COMPANY | _PLATFORM | _DATA_SUBJECTS,
    Role.SECURITY_ADMINISTRATOR: _GRANTING | _SECURITY | {
        "account.read", "role.read", "integrator.read", "organisation.read", "system.read", "alarm.read", "feed.read",
    },
    Role.AUDITOR: _LOOKING | _AUDITING | {"account.read", "role.read", "integrator.read"},
    Role.COMPANY_MANAGER: (
        _LOOKING | _RUNNING_A_COMPANY | _PEOPLE_OF_A_COMPANY | _GRANTING | _DATA_SUBJECTS
        | {"person.reverify", "person.unmask", "plate.unmask"}
    ),
    Role.FINANCE: (_LOOKING - {"picture.read"}) | {
        "refund.write", "reconciliation.write", "payout.write", "debt.waive", "debt.dispute", "shift.confirm",
        "safe.write",
    },
    Role.LOT_MANAGER: _LOOKING | _RUNNING_A_LOT | {"plate.unmask"},
    Role.GUARD: (
        _LOOKING
        - {"setting.read", "organisation.read", "person.read", "channel.read", "shift.read", "finance.read"}
    ) | {
        "lane.open", "lane.display", "plate.correct", "case.resolve", "cash.take", "shift.run", "prepaid.fill",
    },
    Role.MAINTENANCE: frozenset((
        "lot.read", "device.read", "device.credentials", "device.command", "alarm.read", "feed.read", "system.read",
    )),
    Role.MERCHANT: DRIVING,
    Role.RESIDENT: DRIVING,
    Role.DRIVER: DRIVING,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class OwnRole:
    """A role that a company made: a set of permissions that its maker has. ``version`` tells its states apart."""

    code: str
    name: str
    permissions: frozenset[str]
    version: int


def changes_something(word: str) -> bool:
    """Tell whether a permission lets its holder change anything."""
    return word.partition(".")[2] not in READING_DEEDS
