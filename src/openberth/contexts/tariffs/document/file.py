"""The tariff file: its keys and its checks."""

from collections.abc import Iterable

from openberth.contexts.tariffs.document.checks import flaws_of
from openberth.contexts.tariffs.document.keys import TariffKeys
from openberth.infra.documents import Flaw


class TariffDocument(TariffKeys):
    """A tariff file. Every earlier file of the format keeps its meaning."""

    def flaws(self) -> Iterable[Flaw]:
        """Find what cannot be priced or would not mean what it seems to say."""
        return flaws_of(self)
