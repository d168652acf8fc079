"""The life of a tariff: drafts, published versions, and the event that tells of one."""

from dataclasses import dataclass
from typing import ClassVar

from openberth.contexts.tariffs.model.tariff import Tariff
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant


@dataclass(frozen=True, slots=True)
class TariffPublished:
    """A company published a version of a tariff."""

    KIND: ClassVar[str] = "tariffs.published"
    VERSION: ClassVar[int] = 1

    tariff: Id
    code: str
    version_id: Id
    version_number: int


@dataclass(frozen=True, slots=True)
class TariffVersion:
    """A published version: in force from ``valid_from`` (business time) until a later one is.

    With ``valid_until`` it is an event price: it lies over the others and they come back by themselves.
    """

    id: Id
    company: Id
    code: str
    number: int
    valid_from: Instant
    published_at: Instant
    tariff: Tariff
    valid_until: Instant | None = None
