"""Tariffs: what parking costs, as versioned documents, priced by pure arithmetic and explained line by line.

Words: a *tariff* is one version of a tariff file and never changes; a *segment* is a part of a stay under one tariff or
one right; a *quote* is a price with its lines; a *settlement* says what is still owed after payments; an *event price*
lies over the other versions of its tariff for a while; a *calendar* says what the days of a region are.
Invariants: the lines of a quote add up to its total and its minutes to the stay's minutes; a price never falls as time
goes on; what cannot be priced is an error (``tariff.not_computable``), never 0; no float, one rounding per line.
Events out: ``tariffs.published``, ``event_price_published``, ``draft_saved``, ``draft_dropped``, ``calendar_changed``.
"""

from openberth.contexts.tariffs.document import (
    cap_uses_from_plain,
    cap_uses_to_plain,
    quote_to_plain,
    read_tariff,
    tariff_from_plain,
    tariff_to_plain,
)
from openberth.contexts.tariffs.engine import quote, settlement, single
from openberth.contexts.tariffs.model import (
    Calendar,
    CapUse,
    Line,
    NestedCaps,
    NotComputable,
    Payment,
    Policy,
    Quote,
    Segment,
    Settlement,
    Tariff,
    TariffPublished,
    TariffVersion,
    Terms,
    Vehicle,
    counts_visits,
    free_once_hours,
)
from openberth.contexts.tariffs.service import (
    calendars_for,
    currencies,
    in_force,
    newest,
    numbered,
    publish,
    standings,
    version,
    versions,
)
from openberth.contexts.tariffs.service.carrying import carry_lot

__all__ = [
    "Calendar",
    "CapUse",
    "Line",
    "NestedCaps",
    "NotComputable",
    "Payment",
    "Policy",
    "Quote",
    "Segment",
    "Settlement",
    "Tariff",
    "TariffPublished",
    "TariffVersion",
    "Terms",
    "Vehicle",
    "calendars_for",
    "cap_uses_from_plain",
    "cap_uses_to_plain",
    "carry_lot",
    "counts_visits",
    "currencies",
    "free_once_hours",
    "in_force",
    "newest",
    "numbered",
    "publish",
    "quote",
    "quote_to_plain",
    "read_tariff",
    "settlement",
    "single",
    "standings",
    "tariff_from_plain",
    "tariff_to_plain",
    "version",
    "versions",
]
