"""What tenancy does outside a unit: letting callers in, signing tokens, carrying a sign-in through, the audit trail."""

from collections.abc import Sequence
from dataclasses import dataclass

from openberth.contexts.tenancy.ports import Texting, Vouching
from openberth.contexts.tenancy.reactions.audit import Refusals, audit_consumer
from openberth.contexts.tenancy.reactions.door import FRESH_MINUTES, WRONG_TOKENS_PER_MINUTE, Door
from openberth.contexts.tenancy.reactions.exporting import Exporting
from openberth.contexts.tenancy.reactions.heads import HeadKeeper
from openberth.contexts.tenancy.reactions.keys import Keyring
from openberth.contexts.tenancy.reactions.reception import CODES_PER_DAY, Reception
from openberth.contexts.tenancy.reactions.retention import drop_old_events
from openberth.contexts.tenancy.reactions.starts import note_start
from openberth.infra.buckets import Buckets, MemoryBuckets
from openberth.infra.database import Database
from openberth.infra.passwords import Hashing
from openberth.infra.signed_tokens import Algorithm
from openberth.kernel.events import Envelope

__all__ = [
    "Door", "Entrance", "Exporting", "HeadKeeper", "Keyring", "Reception", "Refusals", "audit_consumer",
    "drop_old_events", "note_start",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entrance:
    """Everything at the entrance of a process: the keys, who lets callers in, who takes sign-ins."""

    keys: Keyring
    door: Door
    reception: Reception
    hashing: Hashing

    @classmethod
    def of(
        cls,
        database: Database,
        *,
        hashing: Hashing,
        buckets: Buckets | None = None,
        algorithm: Algorithm = "Ed25519",
        second_factor_for_administrators: bool = False,
        wrong_tokens_per_minute: int = WRONG_TOKENS_PER_MINUTE,
        fresh_minutes: int = FRESH_MINUTES,
        vouching: Vouching | None = None,
        texting: Texting | None = None,
        codes_per_day: int = CODES_PER_DAY,
    ) -> "Entrance":
        """Put an entrance together; ``buckets`` are of this process alone unless some are given."""
        kept = buckets or MemoryBuckets(database.clocks.machine)
        keys = Keyring(database, algorithm=algorithm)
        door = Door(
            database, keys, kept, second_factor_for_administrators=second_factor_for_administrators,
            wrong_tokens_per_minute=wrong_tokens_per_minute, fresh_minutes=fresh_minutes,
        )  # fmt: skip
        reception = Reception(database, keys, hashing, kept, vouching, texting, codes_per_day)
        return cls(keys, door, reception, hashing)

    def watch(self, events: Sequence[Envelope]) -> None:
        """Look at the log: what changes who may do what counts at once."""
        self.door.watch(events)
        self.keys.watch(events)
