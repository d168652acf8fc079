"""What facility needs from those above it: which tariffs there are, to warn of one that nobody has published."""

from collections.abc import Mapping
from typing import Protocol

from openberth.infra.database import Reader
from openberth.kernel.ids import Id


class TariffBook(Protocol):
    """Knows what tariffs a company has published."""

    def __call__(self, reader: Reader, *, company: Id) -> Mapping[str, str]:
        """Return the currency of each published tariff by its code."""
        ...
