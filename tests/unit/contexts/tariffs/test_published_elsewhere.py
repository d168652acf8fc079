"""Published tariffs of other places that the library does not hold, each said in a document without new code.

The documents follow the notices; what stays cost is worked out by hand from them.
"""

from dataclasses import dataclass

import pytest

from openberth.contexts.tariffs.engine import single
from openberth.contexts.tariffs.model import Terms
from openberth.kernel.time import HOUR_US, MINUTE_US, later
from tests.unit.contexts.tariffs.cases import fee, minutes_of, moment, stated


@dataclass(frozen=True)
class Notice:
    """A tariff, and stays with their prices."""

    currency: str
    zone: str
    body: str
    stays: tuple[tuple[str, str, str, str], ...]


NOTICES = {
    # Graded by the hours of the stay within the day; the night by whole nights; the clock stands still outside a band.
    "guangzhou street": Notice("CNY", "Asia/Shanghai", """
free: {minutes: 10, counts: chargeable}
bands:
  - code: day
    hours: "08:00-20:00"
    counting: band
    charge:
      unit_minutes: 30
      tiers: [{up_to_minutes: 120, price: "4.00"}, {up_to_minutes: 240, price: "6.00"}, {price: "8.00"}]
  - {code: night, hours: "20:00-08:00", charge: {unit_minutes: 720, price: "10.00"}}
""", (("Mon", "10:00", "10 min", "0.00"), ("Mon", "10:00", "2 h 5 min", "22.00"),
      ("Mon", "19:30", "1 h 30 min", "14.00"))),
    "chengdu hospital": Notice("CNY", "Asia/Shanghai", """
free: {minutes: 30}
charge: {unit_minutes: 60, tiers: [{up_to_minutes: 120, price: "3.00"}, {price: "2.00"}], repeat_minutes: 1440}
caps: [{kind: rolling_24h, amount: "24.00"}]
""", (("Mon", "10:00", "30 min", "0.00"), ("Mon", "10:00", "31 min", "3.00"), ("Mon", "10:00", "3 h 20 min", "10.00"),
      ("Mon", "10:00", "25 h 1 min", "30.00"))),
    # A coin lot: a maximum for the day and one for the night, each as often as it comes.
    "tokyo day and night": Notice("JPY", "Asia/Tokyo", """
bands:
  - {code: day, hours: "08:00-20:00", charge: {unit_minutes: 30, price: "200"}, cap: "1200"}
  - {code: night, hours: "20:00-08:00", charge: {unit_minutes: 60, price: "100"}, cap: "400"}
""", (("Mon", "09:00", "1 h", "400"), ("Mon", "09:00", "11 h", "1200"), ("Mon", "09:00", "23 h", "1600"),
      ("Mon", "19:50", "20 min", "300"))),
    # The same with a maximum for 24 hours from the entry, and units that run over 20:00.
    "tokyo 24 hours": Notice("JPY", "Asia/Tokyo", """
bands:
  - {code: day, hours: "08:00-20:00", counting: stay, charge: {unit_minutes: 20, price: "200"}}
  - {code: night, hours: "20:00-08:00", counting: stay, charge: {unit_minutes: 60, price: "100"}, cap: "300"}
caps: [{kind: rolling_24h, amount: "1000"}]
""", (("Mon", "19:00", "1 h", "600"), ("Mon", "19:00", "12 h", "900"), ("Mon", "19:00", "15 h", "1000"))),
    "munich garage": Notice("EUR", "Europe/Berlin", """
charge: {unit_minutes: 60, price: "3.50"}
caps: [{kind: rolling_24h, amount: "28.00"}]
tax: {percent: 19}
""", (("Mon", "10:00", "1 h 1 min", "7.00"), ("Mon", "10:00", "9 h", "28.00"), ("Mon", "10:00", "25 h", "31.50"))),
    # By the minute on controlled hours with a least amount; two hours at most, which enforcement holds, not the price.
    "london council": Notice("GBP", "Europe/London", """
bands:
  - code: controlled
    days: [mon, tue, wed, thu, fri, sat]
    hours: "08:30-18:30"
    charge: {unit_minutes: 1, price: "0.06"}
  - {code: other, days: [mon, tue, wed, thu, fri, sat], hours: "18:30-08:30", charge: {free: true}}
  - {code: sunday, days: [sun], charge: {free: true}}
minimum: "1.00"
""", (("Mon", "18:00", "1 h", "1.80"), ("Mon", "18:20", "1 h", "1.00"), ("Sun", "10:00", "1 h", "0.00"))),
    "melbourne early bird": Notice("AUD", "Australia/Melbourne", """
beyond_calendar: weekday
plans:
  - code: early
    when: {enter: "06:00-09:30", leave: "15:00-23:00", same_day: true, days: [workday]}
    charge: {flat: "17.00"}
  - {code: evening, when: {enter: "17:00-24:00", days: [workday], max_stay_minutes: 720}, charge: {flat: "15.00"}}
  - {code: weekend, when: {days: [weekend]}, charge: {unit_minutes: 1440, price: "12.00"}}
  - code: casual
    charge:
      ladder:
        - {up_to_minutes: 60, total: "10.00"}
        - {up_to_minutes: 120, total: "25.00"}
        - {up_to_minutes: 180, total: "45.00"}
        - {up_to_minutes: 1440, total: "65.00"}
      repeat_minutes: 1440
""", (("Mon", "09:00", "8 h 20 min", "17.00"), ("Mon", "09:00", "5 h", "65.00"),
      ("Mon", "18:00", "3 h 20 min", "15.00"), ("Sat", "10:00", "3 h 20 min", "12.00"),
      ("Mon", "09:00", "25 h", "75.00"))),
    # Parking tax of 18.375 percent on top; an evening price.
    "new york": Notice("USD", "America/New_York", """
plans:
  - {code: early, when: {enter: "05:00-10:00", max_stay_minutes: 720}, charge: {flat: "20.00"}}
  - {code: evening, when: {enter: "17:00-04:00", leave: "17:00-06:00"}, charge: {flat: "16.00"}}
  - code: hours
    charge:
      ladder: [{up_to_minutes: 30, total: "12"}, {up_to_minutes: 60, total: "18"}, {up_to_minutes: 1440, total: "40"}]
      repeat_minutes: 1440
tax: {percent: "18.375", included: false}
""", (("Mon", "08:00", "10 h", "23.68"), ("Mon", "18:00", "5 h", "18.94"), ("Mon", "11:00", "1 h 1 min", "47.35"))),
    "shanghai twelve hours": Notice("CNY", "Asia/Shanghai", """
free: {minutes: 15}
charge: {unit_minutes: 30, price: "5.00"}
caps: [{kind: rolling, hours: 12, amount: "50.00"}]
""", (("Mon", "10:00", "6 h", "50.00"), ("Mon", "10:00", "13 h", "60.00"))),
    "week of days": Notice("CNY", "Asia/Shanghai", """
charge: {unit_minutes: 60, price: "5.00"}
caps: [{kind: rolling_24h, amount: "40.00"}, {kind: rolling, hours: 168, amount: "200.00"}]
""", (("Mon", "10:00", "144 h", "200.00"), ("Mon", "10:00", "169 h 1 min", "210.00"))),
    "airport, long stay": Notice("CNY", "Asia/Shanghai", """
charge: {unit_minutes: 60, price: "6.00"}
caps: [{kind: rolling_24h, amounts: ["60.00", "50.00", "30.00"]}]
""", (("Mon", "10:00", "11 h", "60.00"), ("Mon", "10:00", "72 h", "140.00"), ("Mon", "10:00", "73 h 1 min", "152.00"))),
    # Half price from 19:00; the hour that was begun before runs on at its price.
    "half price in the evening": Notice("CNY", "Asia/Shanghai", """
bands:
  - {code: day, hours: "07:00-19:00", counting: stay, charge: {unit_minutes: 60, price: "8.00"}}
  - {code: evening, hours: "19:00-07:00", counting: stay, charge: {unit_minutes: 60, price: "4.00"}}
""", (("Mon", "18:30", "1 h", "8.00"), ("Mon", "18:30", "1 h 1 min", "12.00"))),
}  # fmt: skip


@pytest.mark.parametrize(("name", "stay"), [(name, stay) for name, notice in NOTICES.items() for stay in notice.stays])
def test_it_costs_what_the_notice_says(name: str, stay: tuple[str, str, str, str]) -> None:
    notice = NOTICES[name]
    day, at, long, expected = stay
    assert fee(stated(notice.body, notice.currency, notice.zone), day, at, long) == expected


def test_the_first_fifteen_minutes_are_free_once() -> None:
    body = 'free: {minutes: 15, once_within_hours: 24}\ncharge: {unit_minutes: 60, price: "6.00"}'
    of = stated(body, "CNY", "Asia/Shanghai")
    entered = moment("Mon", "10:00", "Asia/Shanghai")
    until = later(entered, minutes_of("15 min") * MINUTE_US)
    fresh, again = (
        single(of, entered=entered, until=until, terms=Terms("CNY", free_used_at=used)).total.amount_text
        for used in (None, later(entered, -HOUR_US))
    )
    assert (fresh, again) == ("0.00", "6.00")
