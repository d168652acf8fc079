"""Published tariffs outside mainland China, the rate strings of Singapore's open data, and vectors of other engines.

Amounts are those of the sources or follow from their rules by hand; none comes from the engine.
"""

import pytest

from openberth.contexts.tariffs.document import read_tariff
from openberth.contexts.tariffs.engine import single
from openberth.contexts.tariffs.model import NotComputable, Terms
from openberth.kernel.time import MINUTE_US, from_iso, later
from tests.unit.contexts.tariffs.cases import FOLDER, fee, moment, quoted, ready, stated


# Singapore statutes S555/S556-2017 and S615-2016 (sso.agc.gov.sg).
@pytest.mark.parametrize(
    ("code", "day", "at", "stay", "vehicle", "expected"),
    [
        ("singapore-central", "Mon", "10:00", "2 h", "", "4.80"),  # 1.20 per half hour on Mondays to Saturdays, 7-17
        ("singapore-central", "Sat", "10:00", "2 h", "", "4.80"),
        ("singapore-central", "Sun", "10:00", "2 h", "", "2.40"),  # otherwise 0.60
        ("singapore-central", "Mon", "18:00", "2 h", "", "2.40"),
        ("singapore-central", "2026-12-25", "10:00", "2 h", "", "2.40"),  # a holiday, although a Friday
        ("singapore-central", "Mon", "10:00", "31 min", "", "1.24"),  # by the minute
        ("singapore-central", "Mon", "10:00", "15 min", "", "0.00"),  # grace of 15 minutes …
        ("singapore-central", "Mon", "10:00", "16 min", "", "0.64"),  # … exceeding it charges from minute 0
        ("singapore-central", "Mon", "22:30", "8 h 30 min", "", "5.00"),  # night 22:30-7:00 at most 5
        ("singapore-central", "Mon", "07:00", "24 h", "", "20.00"),  # 7 a.m. to 7 a.m. at most 20
        ("singapore-central", "Mon", "07:00", "25 h", "", "22.40"),  # the next day begins
        ("singapore-outer", "Mon", "07:00", "24 h", "", "12.00"),
        ("singapore-outer", "Mon", "10:00", "2 h", "size motorcycle", "0.65"),
    ],
)
def test_singapore_statutes(code: str, day: str, at: str, stay: str, vehicle: str, expected: str) -> None:
    assert fee(ready(code), day, at, stay, vehicle) == expected


def test_singapore_coupon_lots_charge_half_hours() -> None:
    assert fee(stated('charge: {unit_minutes: 30, price: "1.20"}'), "Mon", "10:00", "31 min") == "2.40"


# Changi airport.
@pytest.mark.parametrize(
    ("code", "stay", "expected"),
    [
        ("changi-terminals", "10 min", "0.00"),
        ("changi-terminals", "20 min", "1.30"),
        ("changi-terminals", "1 h", "2.60"),
        ("changi-t1-b2", "90 min", "3.90"),
        ("changi-t1-b2", "2 h", "8.90"),
        ("changi-south", "10 h", "21.00"),
        ("changi-south", "24 h", "35.00"),
    ],
)
def test_changi(code: str, stay: str, expected: str) -> None:
    assert fee(ready(code), "Mon", "10:00", stay) == expected


def test_changi_t2_before_the_cap() -> None:
    assert fee(stated('charge: {unit_minutes: 1, price: "0.04"}'), "Mon", "10:00", "24 h") == "57.60"


# Hong Kong: meters $2, proposed $4, per quarter hour; 東城大廈 by the hour and with passes.
@pytest.mark.parametrize(("price", "stay", "expected"), [("2", "15 min", "2.00"), ("2", "2 h", "16.00"),
                                                         ("4", "16 min", "8.00"), ("4", "2 h", "32.00")])  # fmt: skip
def test_hong_kong_meters(price: str, stay: str, expected: str) -> None:
    body = f'charge: {{unit_minutes: 15, price: "{price}"}}'
    assert fee(stated(body, "HKD", "Asia/Hong_Kong"), "Mon", "10:00", stay) == expected


@pytest.mark.parametrize(
    ("day", "at", "stay", "expected"),
    [
        ("Mon", "10:00", "1 h", "35.00"),
        ("Mon", "23:00", "1 h", "24.00"),
        ("Sun", "10:00", "1 h", "31.00"),
        ("Mon", "08:00", "12 h", "180.00"),
        ("Mon", "20:00", "12 h", "90.00"),
    ],
)
def test_hong_kong_tower(day: str, at: str, stay: str, expected: str) -> None:
    assert fee(ready("hong-kong-tower"), day, at, stay) == expected


# Wilson, Westpoint: registered cars 3 h free; coming back within 60 minutes continues the stay.
def test_westpoint() -> None:
    tariff = ready("retail-registered")
    assert fee(tariff, "Mon", "10:00", "3 h", "tag registered") == "0.00"
    assert tariff.reentry_minutes == 60


def per(minutes: int, price: str, more: str = "") -> str:
    return f'charge: {{unit_minutes: {minutes}, price: "{price}"}}\n{more}'


def tiers(*parts: str, more: str = "") -> str:
    return f"charge:\n  tiers: [{', '.join(f'{{{part}}}' for part in parts)}]\n{more}"


# Rate strings as published (LTA, URA) with the fees of gtfoo/sg-carpark-rates, tests/rates.test.ts and fees.test.ts;
# entry at 13:00 unless stated.
RATES: list[tuple[str, str, list[tuple[int, str]]]] = [
    ("$3.03 half hourly (18 Robinson)", per(30, "3.03"), [(60, "6.06")]),
    ("$1.20 per half hour", per(30, "1.20"), [(120, "4.80")]),
    ("$3.90 for 1st hr; $1.95 per sub ½ hr (Ritz-Carlton)",
     tiers("up_to_minutes: 60, flat: 3.90", "unit_minutes: 30, price: 1.95"), [(120, "7.80")]),
    ("$2.18 for 1st hr; $1.64 per sub 30 mins (Techquest)",
     tiers("up_to_minutes: 60, flat: 2.18", "unit_minutes: 30, price: 1.64"), [(120, "5.46"), (90, "3.82")]),
    ("$1.65 per hr (Max. of $6.00 per entry) (Great World City)",
     per(60, "1.65", 'caps: [{kind: stay, amount: "6.00"}]'), [(120, "3.30"), (480, "6.00")]),
    ("$1.65 per hr without the maximum", per(60, "1.65"), [(480, "13.20")]),
    ("$3.30 for 1st 2 hrs; $0.65 for sub. 15 min (Bugis)",
     tiers("up_to_minutes: 120, flat: 3.30", "unit_minutes: 15, price: 0.65"), [(120, "3.30"), (150, "4.60")]),
    ("$5.35 every 4 hrs", per(240, "5.35"), [(120, "5.35"), (300, "10.70")]),
    # What comes after four hours is not published: here the table begins again (repeat_minutes).
    ("$2.60 for 1st hr; $1.30 for the next 3 hrs (Suntec)",
     tiers("up_to_minutes: 60, flat: 2.60", "up_to_minutes: 240, flat: 1.30", more="  repeat_minutes: 240"),
     [(120, "3.90"), (240, "3.90")]),
    # Read as 1.30 for each of the three hours (unit_minutes instead of flat) it agrees with the published fee, too.
    ("$2.60 for 1st hr; $1.30 for the next 3 hrs (Suntec), each",
     tiers("up_to_minutes: 60, flat: 2.60", "unit_minutes: 60, price: 1.30"), [(120, "3.90"), (240, "6.50")]),
    ("$1.96 (with 9% GST) for every 30min (Chinatown Point)",
     per(30, "1.96", "tax: {percent: 9, included: true}"), [(120, "7.84")]),
    ("$3.80 per 4-hourly (Palais Renaissance)", per(240, "3.80"), [(120, "3.80"), (300, "7.60")]),
    ("$0.06 per minute (IKEA Alexandra)", per(1, "0.06"), [(120, "7.20")]),
    ("$0.65 per 15 mins, 10-min grace as a threshold (Changi)",
     per(15, "0.65", "free: {minutes: 10, mode: threshold}"), [(10, "0.00"), (20, "1.30"), (60, "2.60")]),
    ("$2.18 1st hr; $1.64 sub 30, first 20 min free (deduct), cap 20",
     tiers("up_to_minutes: 60, flat: 2.18", "unit_minutes: 30, price: 1.64",
           more='free: {minutes: 20, mode: deduct}\ncaps: [{kind: stay, amount: "20.00"}]'),
     [(80, "2.18"), (720, "20.00")]),
    ("all-day lot at $0.60 per half hour", per(30, "0.60"), [(120, "2.40")]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "minutes", "expected"),
    [
        pytest.param(body, minutes, price, id=f"{text}, {minutes}")
        for text, body, row in RATES
        for minutes, price in row
    ],
)
def test_rate_strings(body: str, minutes: int, expected: str) -> None:
    assert fee(stated(body), "Mon", "13:00", f"{minutes} min") == expected


@pytest.mark.parametrize(
    ("code", "at", "stay", "expected"),
    [
        ("per-entry-evening", "10:00", "2 h", "6.00"),  # LASALLE
        ("per-entry-evening", "18:00", "2 h", "3.00"),
        ("per-entry-evening", "22:00", "2 h", "3.00"),
        ("per-entry-evening", "23:30", "2 h", "6.00"),
        ("per-entry-evening", "03:00", "2 h", "6.00"),
        ("per-entry-night", "13:00", "2 h", "2.40"),  # Balestier
        ("per-entry-night", "23:00", "2 h", "2.00"),
        ("night", "09:00", "2 h", "0.00"),
        ("night", "23:00", "2 h", "5.40"),
        ("singapore-outer", "07:00", "15 h 30 min", "12.00"),  # HDB day, EPS; 18.60 without the cap
        ("singapore-outer", "07:00", "2 h", "2.40"),
    ],
)
def test_rates_by_the_hour_of_the_day(code: str, at: str, stay: str, expected: str) -> None:
    assert fee(ready(code), "Mon", at, stay) == expected


@pytest.mark.parametrize(("bands_by", "expected"), [("entry", "3.00"), ("minute", "6.00")])
def test_lasalle_publishes_the_price_of_the_band_of_the_entry(bands_by: str, expected: str) -> None:
    text = (FOLDER / "per-entry-evening.yaml").read_text("utf-8")
    tariff = read_tariff(text.replace("bands_by: entry\n", f"bands_by: {bands_by}\n"), name="x")
    assert fee(tariff, "Mon", "22:00", "2 h") == expected


def test_a_band_that_states_a_cap_owns_it() -> None:
    """A cap belongs to the band that states it: the day costs 18.60 more than the capped night."""
    body = """
bands:
  - {code: day, hours: "07:00-22:30", charge: {unit_minutes: 1, price: "0.02"}}
  - {code: night, hours: "22:30-07:00", charge: {unit_minutes: 1, price: "0.02"}, cap: "5.00"}
"""
    assert fee(stated(body), "Mon", "22:30", "24 h") == "23.60"


def test_a_night_is_one_window_across_two_dates() -> None:
    """Keyed by the calendar date the cap would hold twice: 1.80 before midnight and 5.00 after it."""
    assert fee(ready("singapore-outer"), "Mon", "22:30", "8 h 30 min") == "5.00"
    assert fee(ready("singapore-outer"), "Mon", "22:30", "5 h") == "5.00"


FRIDAY = """
bands:
  - {code: friday, days: [fri], charge: {flat: "2"}}
  - {code: holiday, days: [holiday], charge: {flat: "3"}}
  - {code: all, charge: {flat: "1"}}
"""


@pytest.mark.parametrize(
    ("day", "expected"), [("Thu", "1.00"), ("Fri", "2.00"), ("2026-10-01", "3.00"), ("2026-10-02", "3.00")]
)
def test_friday_may_be_a_day_of_its_own_and_a_holiday_wins_over_the_weekday(day: str, expected: str) -> None:
    assert fee(stated(FRIDAY, "CNY", "Asia/Shanghai"), day, "10:00", "1 h") == expected


def test_what_cannot_be_priced_is_not_computable_and_never_nothing() -> None:
    tariff = stated(FRIDAY, "CNY", "Asia/Shanghai")
    entered = moment("Thu", "10:00", "Asia/Shanghai")
    with pytest.raises(NotComputable):
        single(tariff, entered=entered, until=later(entered, MINUTE_US), terms=Terms("CNY"))


# agent-parksuit: a decimal engine on windows. Outside 8-22 it charges nothing.
def window(charge: str, cap: str = "", free: str = "", hours: tuple[str, str] = ("08:00", "22:00")) -> str:
    start, end = hours
    return (
        f'bands:\n  - {{code: day, hours: "{start}-{end}", charge: {{unit_minutes: 30, {charge}}}{cap}}}\n'
        f'  - {{code: night, hours: "{end}-{start}", charge: {{free: true}}}}\n{free}'
    )


@pytest.mark.parametrize(
    ("body", "at", "stay", "expected"),
    [
        pytest.param(window("price: 2", ', cap: "6.00"', "free: {minutes: 30, mode: deduct}"), "09:00", "2 h", "6.00",
                     id="AP-1"),
        pytest.param(window("price: 2"), "23:00", "2 h", "0.00", id="AP-2"),
        pytest.param(window("tiers: [{up_to_minutes: 60, price: 2}, {price: 3}]"), "09:00", "2 h", "10.00", id="AP-3"),
        pytest.param(window("price: 2"), "09:00", "65 min", "6.00", id="AP-4"),
    ],
)  # fmt: skip
def test_agent_parksuit(body: str, at: str, stay: str, expected: str) -> None:
    found = quoted(stated(body, "CNY", "Asia/Shanghai"), "Mon", at, stay)
    assert found.total.amount_text == expected
    if at == "23:00":
        assert found.free_minutes == 120


def test_agent_parksuit_a_window_has_its_own_zone() -> None:
    """AP-7: 01:00-02:00 UTC is 9-10 in Shanghai; the tariff's zone decides, not the lot's."""
    tariff = stated(window("price: 2", hours=("08:00", "20:00")), "CNY", "Asia/Shanghai")
    terms = Terms("CNY", zone="UTC")
    entered = from_iso("2026-11-23T01:00:00Z")
    found = single(tariff, entered=entered, until=later(entered, 60 * MINUTE_US), terms=terms)
    assert (found.charged_minutes, found.total.amount_text) == (60, "4.00")
