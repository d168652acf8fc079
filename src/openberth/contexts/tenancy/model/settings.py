"""Settings that inherit downward: which there are, which values they take, and which one holds at a node. Pure.

The value of the nearest node holds, from the lot upward; a locked one above wins over all below it, whose values are
kept and hold again when the lock is taken away. A setting is declared here, and only when something reads it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from openberth.contexts.tenancy.model.accounts import Level
from openberth.kernel.errors import Malformed, NotFound
from openberth.kernel.ids import Id

Value = int | bool | str
DOWNWARD = (Level.PLATFORM, Level.PARTNER, Level.COMPANY, Level.PROPERTY, Level.LOT)
_TO_COMPANY = DOWNWARD[:3]


@dataclass(frozen=True, slots=True)
class Key:
    """A setting: its word, the value that holds where nobody set one, its bounds, and the levels that may set it.

    The default's type is the setting's type. Its text stands in the catalogue as ``setting.key.<code>``.
    """

    code: str
    default: Value
    levels: tuple[Level, ...]
    least: int = 0
    most: int = 1
    words: tuple[str, ...] = ()

    def checked(self, value: object) -> Value:
        """Return a value that the setting takes.

        Raises ``Malformed``: ``setting.truth``, ``setting.number``, ``setting.word``.
        """
        if self.words:
            if not isinstance(value, str) or value not in self.words:
                raise Malformed("setting.word", key=self.code, words=", ".join(self.words))
            return value
        if isinstance(self.default, bool):
            if not isinstance(value, bool):
                raise Malformed("setting.truth", key=self.code)
            return value
        if isinstance(value, bool) or not isinstance(value, int) or not self.least <= value <= self.most:
            raise Malformed("setting.number", key=self.code, least=self.least, most=self.most)
        return value


PICTURES_DAYS = Key("retention.pictures_days", 60, DOWNWARD, 1, 3_650)
# 184 days are half a year of any kind: the Cybersecurity Law of China, article 21 (3), asks for logs of six months.
LOGS_DAYS = Key("retention.logs_days", 184, (Level.PLATFORM,), 184, 3_650)
SECOND_FACTOR = Key("accounts.second_factor", False, _TO_COMPANY)
# How many plates one account may call its own.
OWN_PLATES_MOST = Key("accounts.plates_most", 5, (Level.PLATFORM,), 1, 50)

# Three years are the limitation of claims: Civil Code of China, article 188.
DEBT_DAYS = Key("debts.limitation_days", 1_095, DOWNWARD, 30, 3_650)

# What a car that comes again is asked for what it left unpaid: paid with the stay, told where it asks, or nothing.
ASK, TELL, IGNORE = "ask", "tell", "ignore"
DEBT_AT_EXIT = Key("debts.at_exit", TELL, DOWNWARD, words=(ASK, TELL, IGNORE))

# The minutes to leave in after paying, by the place where the payer stood; fixed for a payment when it comes.
AS_THE_TARIFF_SAYS = -1
GRACE_MINUTES: Mapping[str, Key] = {
    place: Key(f"grace.{place}_minutes", AS_THE_TARIFF_SAYS, DOWNWARD, AS_THE_TARIFF_SAYS, 1_440)
    for place in ("prepay", "exit", "cash")
}

# Whether cash is taken by people with an open shift only, and from which difference (in minor units of the lot's
# currency) they have to say why a count is not what it should be.
SHIFTS_REQUIRED = Key("shifts.required", False, DOWNWARD)
SHIFT_REASON_FROM = Key("shifts.variance_reason_from", 100, DOWNWARD, 1, 10**9)

# What one prepaid account may hold, in minor units. 5 000 yuan are the limit of a card with a name: Measures for
# single-purpose prepaid cards (Ministry of Commerce of China, order 9 of 2012), article 18.
PREPAID_MOST = Key("prepaid.balance_most", 500_000, DOWNWARD, 0, 100_000_000)

KEYS: Mapping[str, Key] = {
    key.code: key
    for key in (
        PICTURES_DAYS, LOGS_DAYS, SECOND_FACTOR, DEBT_DAYS, DEBT_AT_EXIT, *GRACE_MINUTES.values(), SHIFTS_REQUIRED,
        SHIFT_REASON_FROM, PREPAID_MOST, OWN_PLATES_MOST,
    )
}  # fmt: skip


def key_of(code: str) -> Key:
    """Return the setting of a word. Raises ``NotFound("setting.unknown")``."""
    found = KEYS.get(code)
    if found is None:
        raise NotFound("setting.unknown", key=code[:60])
    return found


@dataclass(frozen=True, slots=True)
class Said:
    """What was set at one node for one setting."""

    node: Id
    key: str
    level: Level
    value: Value
    locked: bool
    version: int


@dataclass(frozen=True, slots=True)
class Effective:
    """What holds at a node: the value, the level that it comes from (None: the default), the level that locks it.

    ``own`` is what was set at the node itself; it is overruled when a lock above gives another level's value.
    """

    key: Key
    value: Value
    source: Level | None
    locked_by: Level | None
    own: Said | None

    @property
    def is_overruled(self) -> bool:
        """Tell whether a lock above makes what was set here of no effect."""
        return self.own is not None and self.locked_by is not None and self.own.level is not self.locked_by


def effective(key: Key, at: Level, said: Sequence[Said]) -> Effective:
    """Return what holds at a level, of what was said for the setting there and at the nodes above."""
    downward = sorted((each for each in said if each.key == key.code), key=lambda each: DOWNWARD.index(each.level))
    own = next((each for each in downward if each.level is at), None)
    lock = next((each for each in downward if each.locked), None)
    holds = lock or (downward[-1] if downward else None)
    if holds is None:
        return Effective(key, key.default, None, None, own)
    return Effective(key, holds.value, holds.level, None if lock is None else lock.level, own)
