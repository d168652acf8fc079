"""Use cases and queries of tariffs: publishing, drafts, calendars."""

from openberth.contexts.tariffs.service.calendars import (
    CalendarView,
    calendar,
    calendars,
    calendars_for,
    days_of,
    needed_calendars,
    seed,
    set_days,
    tell_alarms,
)
from openberth.contexts.tariffs.service.drafts import draft, drafts, drop_draft, publish_draft, save_draft
from openberth.contexts.tariffs.service.publishing import (
    currencies,
    in_force,
    newest,
    numbered,
    publish,
    standings,
    version,
    versions,
    versions_of,
)

__all__ = [
    "CalendarView",
    "calendar",
    "calendars",
    "calendars_for",
    "currencies",
    "days_of",
    "draft",
    "drafts",
    "drop_draft",
    "in_force",
    "needed_calendars",
    "newest",
    "numbered",
    "publish",
    "publish_draft",
    "save_draft",
    "seed",
    "set_days",
    "standings",
    "tell_alarms",
    "version",
    "versions",
    "versions_of",
]
