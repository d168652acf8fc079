"""Answers about a tariff file without a server: the same functions that answer over HTTP, in this process.

Imported only when a file is asked about: the rooms of tariffs bring the database along.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

from pydantic import ValidationError

from openberth.contexts.tariffs.api.forms import AskForm, CurveForm, QuoteForm
from openberth.contexts.tariffs.api.prices import Asked, asked_of, price, walk
from openberth.contexts.tariffs.api.views import check_view
from openberth.contexts.tariffs.model import Calendar, Tariff, calendar_words, end_of
from openberth.contexts.tariffs.telling import warnings_of
from openberth.infra.catalogue import Language
from openberth.infra.http.problems import BadRequest
from openberth.kernel.errors import Refused
from openberth.kernel.time import as_datetime
from openberth.providers.days import LibraryDays

F = TypeVar("F", bound=AskForm)


def check(tariff: Tariff, language: Language) -> dict[str, Any]:
    """Return what a tariff says, as the API answers it."""
    today = datetime.now(UTC).date()
    calendar = _calendar(tariff, today, today + timedelta(days=366))
    return check_view(tariff, warnings_of(tariff, calendar, today), language).model_dump(mode="json")


def quote(tariff: Tariff, value: Mapping[str, Any], language: Language) -> dict[str, Any]:
    """Return the price of a stay, as the API answers it. Raises ``Problem``."""
    form = _form(QuoteForm, value)
    return price(_asked(tariff, form), form, language).model_dump(mode="json")


def curve(tariff: Tariff, value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fee against the length of a stay, as the API answers it. Raises ``Problem``."""
    form = _form(CurveForm, value)
    return walk(_asked(tariff, form), form).model_dump(mode="json")


def _form(form: type[F], value: Mapping[str, Any]) -> F:
    try:
        return form.model_validate(value)
    except ValidationError as error:
        places = [{"place": ".".join(map(str, detail["loc"])), "problem": detail["type"]} for detail in error.errors()]
        raise BadRequest(places) from None


def _asked(tariff: Tariff, form: AskForm) -> Asked:
    # A day before and some after: the tariff's zone may have another date, and the price goes on after the present.
    begins = min([form.entered, *(each.start for each in getattr(form, "visits", ()))])
    first, last = as_datetime(begins).date(), as_datetime(form.until).date()
    calendar = _calendar(tariff, first - timedelta(days=1), last + timedelta(days=32))
    calendars = {} if calendar is None else {tariff.calendar: calendar}
    reliefs = [each.value(tariff.currency) for each in getattr(form, "reliefs", ())]
    return asked_of(form, tariff, None, calendars, reliefs)


def _calendar(tariff: Tariff, first: date, last: date) -> Calendar | None:
    """Return the days that a tariff needs from the library, None when it needs none or the library knows none."""
    if not calendar_words(tariff):
        return None
    try:
        days = LibraryDays().days(tariff.calendar, range(first.year, last.year + 1))
    except Refused:
        return None
    return Calendar(tariff.calendar, days, end_of(days))
