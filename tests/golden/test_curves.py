"""The curve of every tariff in the library is exact: between its steps any stay costs what the curve says."""

import random
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from openberth.contexts.tariffs.api.forms import CurveForm
from openberth.contexts.tariffs.api.prices import asked_of
from openberth.contexts.tariffs.curve import curve_of, edges_of
from openberth.contexts.tariffs.document import read_tariff
from openberth.contexts.tariffs.engine import single
from openberth.contexts.tariffs.model import Calendar, end_of
from openberth.kernel.time import HOUR_US, MINUTE_US, SECOND_US, as_datetime, from_iso, later
from openberth.providers.days import LibraryDays
from tests.golden.test_examples import TARIFFS

UPTO_US = 30 * HOUR_US
SAMPLES = 30
STEPS = 12


@lru_cache
def calendar(code: str) -> Calendar:
    days = LibraryDays().days(code, [2026])
    return Calendar(code, days, end_of(days))


@pytest.mark.parametrize("file", TARIFFS, ids=lambda file: file.stem)
@pytest.mark.parametrize("entered", ["2026-09-30T06:10:20+08:00", "2026-11-20T19:47:00+08:00"])
def test_any_stay_costs_what_the_curve_says(file: Path, entered: str) -> None:
    tariff = read_tariff(file.read_text(encoding="utf-8"), name=file.name)
    start = from_iso(entered)
    until = later(start, UPTO_US)
    calendars = {tariff.calendar: calendar(tariff.calendar)}
    asked = asked_of(CurveForm.model_validate({"entered": entered, "until": entered}), tariff, None, calendars)
    edges = edges_of(tariff, entered=start, until=until, zone=ZoneInfo(asked.terms.zone))
    curve = curve_of(
        lambda at: single(tariff, entered=start, until=at, terms=asked.terms), entered=start, until=until, edges=edges
    )
    assert curve.complete
    rng = random.Random(file.stem)
    lengths = [rng.randrange(UPTO_US) for _ in range(SAMPLES)]
    lengths += [point.at - start - beside for point in curve.points[1:STEPS] for beside in (1, SECOND_US, MINUTE_US)]
    for length in lengths:
        at = later(start, length)
        if at < start:
            continue
        expected = [point.total for point in curve.points if point.at <= at][-1]
        found = single(tariff, entered=start, until=at, terms=asked.terms).total
        assert found == expected, f"{as_datetime(at)} after {timedelta(microseconds=length)}"
