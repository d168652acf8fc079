"""Notices as they were published, each said in a document; what stays cost is worked out by hand from their texts.

Sources are named at each. Where a notice is silent, the field that decides stands in the comment.
"""

import pytest

from openberth.contexts.tariffs.engine import single
from openberth.contexts.tariffs.model import Terms
from openberth.kernel.time import HOUR_US, MINUTE_US, later
from tests.unit.contexts.tariffs.cases import fee, moment, stated
from tests.unit.contexts.tariffs.test_published_elsewhere import Notice

NOTICES = {
    # Qianshan scenic area, 2024-05-29: day 1 per half hour (large 1.5), night 0.5 per hour (large 1), up to half an
    # hour free, longer is charged from the beginning; "a whole day of 24 hours costs 10 hours of the day's price".
    "qianshan": Notice("CNY", "Asia/Shanghai", """
free: {minutes: 30}
bands:
  - {code: day, hours: "07:00-19:00", charge: {unit_minutes: 30, price: "1.00"}}
  - {code: night, hours: "19:00-07:00", charge: {unit_minutes: 60, price: "0.50"}}
caps: [{kind: rolling_24h, amount: "20.00"}]
classes:
  - code: large
    match: {sizes: [large]}
    bands:
      - {code: day, hours: "07:00-19:00", charge: {unit_minutes: 30, price: "1.50"}}
      - {code: night, hours: "19:00-07:00", charge: {unit_minutes: 60, price: "1.00"}}
    caps: [{kind: rolling_24h, amount: "30.00"}]
""", (("Mon", "10:00", "30 min", "0.00"), ("Mon", "10:00", "31 min", "2.00"), ("Mon", "18:00", "3 h", "3.00"),
      ("Mon", "07:00", "24 h", "20.00"), ("Mon", "07:00", "25 h", "22.00"))),
    # A county of Hunan, zuomama.com 274680: up to 9 seats 1.5 h free, over 1.5 up to 2 h 5 a visit, further hours 1,
    # at most 20 in 24 h; 9 seats and more 6, 2, 30; new energy 3 h free, up to 4 h 2.50, then 1 an hour, at most 10.
    "hunan county": Notice("CNY", "Asia/Shanghai", """
charge:
  tiers: [{up_to_minutes: 90, flat: "0"}, {up_to_minutes: 120, flat: "5.00"}, {unit_minutes: 60, price: "1.00"}]
caps: [{kind: rolling_24h, amount: "20.00"}]
classes:
  - code: green
    match: {new_energy: true}
    charge:
      tiers: [{up_to_minutes: 180, flat: "0"}, {up_to_minutes: 240, flat: "2.50"}, {unit_minutes: 60, price: "1.00"}]
    caps: [{kind: rolling_24h, amount: "10.00"}]
""", (("Mon", "10:00", "90 min", "0.00"), ("Mon", "10:00", "91 min", "5.00"), ("Mon", "10:00", "2 h 1 min", "6.00"),
      ("Mon", "10:00", "5 h", "8.00"), ("Mon", "10:00", "23 h", "20.00"))),
    # Suizhou, class 1, from 2021-01-01: 30 min free, first hour 3, then 2 an hour, "at most 20 accumulated a day".
    "suizhou": Notice("CNY", "Asia/Shanghai", """
free: {minutes: 30}
charge: {unit_minutes: 60, tiers: [{up_to_minutes: 60, price: "3.00"}, {price: "2.00"}]}
caps: [{kind: day, amount: "20.00", across_visits: true}]
""", (("Mon", "10:00", "30 min", "0.00"), ("Mon", "10:00", "3 h 5 min", "9.00"), ("Mon", "08:00", "12 h", "20.00"))),
    # Qinzhou, class 1: 8-22; up to 1 h 2.5, the second hour 3, each further hour 5, at most 30 a day; 30 min free,
    # longer "the time before is counted, too"; new energy half; disabled 2 h free.
    "qinzhou": Notice("CNY", "Asia/Shanghai", """
free: {minutes: 30, counts: chargeable}
bands:
  - code: day
    hours: "08:00-22:00"
    charge: {unit_minutes: 60, tiers: [{up_to_minutes: 60, price: "2.50"}, {up_to_minutes: 120, price: "3.00"},
                                       {price: "5.00"}]}
    cap: "30.00"
  - {code: night, hours: "22:00-08:00", charge: {free: true}}
classes:
  - {code: disabled, match: {disabled: true}, free: {minutes: 120, mode: deduct, counts: chargeable}}
  - {code: green, match: {new_energy: true}, factor: "0.5"}
""", (("Mon", "10:00", "30 min", "0.00"), ("Mon", "10:00", "31 min", "2.50"), ("Mon", "10:00", "3 h", "10.50"),
      ("Mon", "08:00", "14 h", "30.00"), ("Mon", "21:00", "12 h", "5.00"))),
    # Zhengzhou, off-street class 1: 7-21 first hour 4, second and third 1 each, from the fourth 3; night 10 a visit.
    "zhengzhou": Notice("CNY", "Asia/Shanghai", """
bands:
  - code: day
    hours: "07:00-21:00"
    charge: {unit_minutes: 60, tiers: [{up_to_minutes: 60, price: "4.00"}, {up_to_minutes: 180, price: "1.00"},
                                       {price: "3.00"}]}
  - {code: night, hours: "21:00-07:00", charge: {flat: "10.00"}}
""", (("Mon", "10:00", "1 h", "4.00"), ("Mon", "10:00", "5 h", "12.00"), ("Mon", "20:00", "12 h", "18.00"))),
    # Changsha on-street: free 2-8; otherwise 2 an hour begun, what is over 6 hours without a break at half.
    "changsha": Notice("CNY", "Asia/Shanghai", """
bands:
  - {code: free, hours: "02:00-08:00", charge: {free: true}}
  - code: charged
    hours: "08:00-02:00"
    charge: {unit_minutes: 60, price: "2.00", tiers: [{up_to_minutes: 360, percent: 100}, {percent: 50}]}
""", (("Mon", "08:00", "6 h", "12.00"), ("Mon", "08:00", "8 h", "14.00"), ("Tue", "01:00", "8 h", "4.00"))),
    # Shenzhen, vehicles with a green plate: the first two hours free, once a day.
    "once a day": Notice("CNY", "Asia/Shanghai", """
free: {minutes: 120, mode: deduct, once_a_day: true}
charge: {unit_minutes: 30, price: "3.00"}
""", (("Mon", "10:00", "2 h", "0.00"), ("Mon", "10:00", "2 h 1 min", "3.00"))),
    # Idaho Falls airport, hourly lot: 30 min free, each further 20 min 1.50, at most 15 a day. Daily maxima of airports
    # count from the entry: rolling_24h.
    "idaho falls hourly": Notice("USD", "America/Boise", """
free: {minutes: 30, mode: deduct}
charge: {unit_minutes: 20, price: "1.50"}
caps: [{kind: rolling_24h, amount: "15.00"}]
""", (("Mon", "10:00", "30 min", "0.00"), ("Mon", "10:00", "51 min", "3.00"), ("Mon", "10:00", "30 h", "30.00"))),
    # The same airport, long term: 30 min free, 2 an hour, at most 42 a week.
    "idaho falls long": Notice("USD", "America/Boise", """
free: {minutes: 30, mode: deduct}
charge: {unit_minutes: 60, price: "2.00"}
caps: [{kind: rolling, hours: 168, amount: "42.00"}]
""", (("Mon", "10:00", "90 min", "2.00"), ("Mon", "10:00", "100 h", "42.00"), ("Mon", "10:00", "170 h", "46.00"))),
    # Stoke-on-Trent, John Street multi-storey: 20 min free; 1.40 an hour to 3 h, 4 h 4.40; all day 4, 6 or 5 by the
    # hour of coming; evenings by the hour of coming until 7; Sundays 3.
    "stoke": Notice("GBP", "Europe/London", """
beyond_calendar: weekday
plans:
  - {code: sunday, when: {days: [sun], same_day: true}, charge: {flat: "3.00"}}
  - {code: before-0730, when: {enter: "05:00-07:30", same_day: true}, charge: {flat: "4.00"}}
  - {code: before-0930, when: {enter: "07:30-09:30", same_day: true}, charge: {flat: "6.00"}}
  - {code: after-0930, when: {enter: "09:30-16:00", same_day: true}, charge: {flat: "5.00"}}
  - {code: after-16, when: {enter: "16:00-07:00", leave: "16:00-07:00", max_stay_minutes: 900}, charge: {flat: "4.50"}}
  - {code: after-17, when: {enter: "17:00-07:00", leave: "17:00-07:00", max_stay_minutes: 840}, charge: {flat: "4.00"}}
  - {code: after-18, when: {enter: "18:00-07:00", leave: "18:00-07:00", max_stay_minutes: 780}, charge: {flat: "3.50"}}
  - {code: after-19, when: {enter: "19:00-07:00", leave: "19:00-07:00", max_stay_minutes: 720}, charge: {flat: "3.00"}}
  - code: hours
    charge:
      ladder:
        - {up_to_minutes: 20, total: "0"}
        - {up_to_minutes: 60, total: "1.40"}
        - {up_to_minutes: 120, total: "2.80"}
        - {up_to_minutes: 180, total: "4.20"}
        - {up_to_minutes: 240, total: "4.40"}
        - {up_to_minutes: 1440, total: "10.00"}
      repeat_minutes: 1440
""", (("Mon", "10:00", "20 min", "0.00"), ("Mon", "10:00", "2 h", "2.80"), ("Mon", "10:00", "8 h", "5.00"),
      ("Mon", "08:00", "8 h", "6.00"), ("Mon", "07:00", "8 h", "4.00"), ("Mon", "16:30", "14 h", "4.50"),
      ("Mon", "18:10", "10 h", "3.50"), ("Mon", "20:00", "10 h", "3.00"), ("Sun", "10:00", "8 h", "3.00"))),
    # St George's hospital, London: 2.50 an hour to 8 h, over 8 h 25; free between 22 and 6.
    "st george's": Notice("GBP", "Europe/London", """
bands:
  - code: day
    hours: "06:00-22:00"
    charge:
      tiers: [{up_to_minutes: 480, unit_minutes: 60, price: "2.50"}, {flat: "5.00"}]
  - {code: night, hours: "22:00-06:00", charge: {free: true}}
""", (("Mon", "10:00", "61 min", "5.00"), ("Mon", "10:00", "8 h", "20.00"), ("Mon", "10:00", "9 h", "25.00"),
      ("Mon", "21:00", "4 h", "2.50"))),
    # Manchester on-street, zone 2: 8-20 every day, 1.45, 2.90, 4.30, 5.80 by half hours up to two; bank holidays free.
    "manchester": Notice("GBP", "Europe/London", """
calendar: gb
beyond_calendar: weekday
bands:
  - code: charged
    days: [all]
    hours: "08:00-20:00"
    charge:
      ladder: [{up_to_minutes: 30, total: "1.45"}, {up_to_minutes: 60, total: "2.90"},
               {up_to_minutes: 90, total: "4.30"}, {total: "5.80"}]
  - {code: night, days: [all], hours: "20:00-08:00", charge: {free: true}}
  - {code: bank-holiday, days: [holiday], charge: {free: true}}
""", (("Mon", "10:00", "30 min", "1.45"), ("Sun", "10:00", "90 min", "4.30"), ("Mon", "19:30", "2 h", "1.45"))),
    # Parkhaus Zweibrücken: half an hour 0.50; at most 3 until 13:00, from 13:00 and in the night 19:30-7:00.
    "zweibruecken": Notice("EUR", "Europe/Berlin", """
bands:
  - {code: morning, hours: "07:00-13:00", charge: {unit_minutes: 30, price: "0.50"}, cap: "3.00"}
  - {code: afternoon, hours: "13:00-19:30", charge: {unit_minutes: 30, price: "0.50"}, cap: "3.00"}
  - {code: night, hours: "19:30-07:00", charge: {unit_minutes: 30, price: "0.50"}, cap: "3.00"}
""", (("Mon", "08:00", "5 h", "3.00"), ("Mon", "08:00", "6 h", "4.00"), ("Mon", "07:00", "24 h", "9.00"))),
    # Japan, "once only": 300 in 30 min, at most 1000 in the first 24 h (parkincode.appbatake.com: 48 h cost 15400).
    "japan, once": Notice("JPY", "Asia/Tokyo", """
charge: {unit_minutes: 30, price: "300"}
caps: [{kind: rolling_24h, amount: "1000", times: 1}]
""", (("Mon", "10:00", "24 h", "1000"), ("Mon", "10:00", "48 h", "15400"))),
    # Japan, "on the day": 200 in 20 min, at most 800 until midnight, again (the same page: 22:00 to 8:00 cost 1600).
    "japan, day": Notice("JPY", "Asia/Tokyo", """
charge: {unit_minutes: 20, price: "200"}
caps: [{kind: day, amount: "800"}]
""", (("Mon", "22:00", "10 h", "1600"), ("Mon", "10:00", "10 h", "800"))),
    # Japan (coyabadance.org 3159): 100 in 10 min, at most 2000 on the day; 22:00 to 8:00 are 1200 and 2000.
    "japan, two days": Notice("JPY", "Asia/Tokyo", """
charge: {unit_minutes: 10, price: "100"}
caps: [{kind: day, amount: "2000"}]
""", (("Mon", "22:00", "10 h", "3200"), ("Mon", "10:00", "3 h", "1800"))),
    # Putrajaya, precinct 2: 15 min grace; Mon-Fri 8-18 1 an hour, at most 4 a day; Sat, Sun and holidays 1 an entry.
    "putrajaya": Notice("MYR", "Asia/Kuala_Lumpur", """
calendar: my
beyond_calendar: weekday
free: {minutes: 15}
bands:
  - {code: day, days: [workday], hours: "08:00-18:00", charge: {unit_minutes: 60, price: "1.00"}, cap: "4.00"}
  - {code: night, days: [workday], hours: "18:00-08:00", charge: {free: true}}
  - {code: off, days: [weekend], charge: {flat: "1.00"}}
""", (("Mon", "09:00", "15 min", "0.00"), ("Mon", "09:00", "2 h 1 min", "3.00"), ("Mon", "09:00", "8 h", "4.00"),
      ("Sat", "09:00", "8 h", "1.00"), ("Mon", "19:00", "3 h", "0.00"))),
    # SOHO KL: Mon-Fri first 2 h 2, then 2 an hour, at most 12 a day; Sat and Sun 1 an hour, at most 5.
    "soho kl": Notice("MYR", "Asia/Kuala_Lumpur", """
bands:
  - code: week
    days: [mon, tue, wed, thu, fri]
    charge: {tiers: [{up_to_minutes: 120, flat: "2.00"}, {unit_minutes: 60, price: "2.00"}]}
  - {code: end, days: [sat, sun], charge: {unit_minutes: 60, price: "1.00"}}
caps: [{kind: day, amount: "12.00", bands: [week]}, {kind: day, amount: "5.00", bands: [end]}]
""", (("Mon", "10:00", "2 h", "2.00"), ("Mon", "10:00", "3 h 1 min", "6.00"), ("Mon", "08:00", "12 h", "12.00"),
      ("Sat", "10:00", "9 h", "5.00"))),
    # Lancaster PA, "5 after 5": 5 flat on Fri, Sat and Sun from 17 to 5; who leaves after 5 pays hours for all of it.
    # The day begins at 5, so that the small hours are the evening's. Hours: 3 each, at most 18 in 24 h.
    "lancaster": Notice("USD", "America/New_York", """
day_starts: "05:00"
choose: first
plans:
  - code: five-after-five
    when: {enter: "17:00-05:00", leave: "17:00-05:00", days: [fri, sat, sun], same_day: true}
    charge: {flat: "5.00"}
  - {code: hours, charge: {unit_minutes: 60, price: "3.00"}, caps: [{kind: rolling_24h, amount: "18.00"}]}
""", (("Fri", "18:00", "8 h", "5.00"), ("Sat", "01:00", "3 h", "5.00"), ("Fri", "18:00", "12 h", "18.00"),
      ("Mon", "18:00", "2 h", "6.00"))),
    # Reading PA (BARTA): first hour 2, each begun further hour 1, at most 14 a day.
    "barta": Notice("USD", "America/New_York", """
charge: {tiers: [{up_to_minutes: 60, flat: "2.00"}, {unit_minutes: 60, price: "1.00"}]}
caps: [{kind: rolling_24h, amount: "14.00"}]
""", (("Mon", "10:00", "1 h", "2.00"), ("Mon", "10:00", "4 h 1 min", "6.00"), ("Mon", "10:00", "20 h", "14.00"))),
    # Singapore, S615-2016: from 1800 to 2000 kg 2.40 a half hour by day; motorcycles 0.65 by day and 0.65 by night.
    "singapore heavy": Notice("SGD", "Asia/Singapore", """
bands:
  - {code: day, days: [mon, tue, wed, thu, fri, sat], hours: "07:00-17:00", charge: {unit_minutes: 30, price: "2.40"}}
  - {code: evening, days: [mon, tue, wed, thu, fri, sat], hours: "17:00-07:00",
     charge: {unit_minutes: 30, price: "1.20"}}
  - {code: sunday, days: [sun], charge: {unit_minutes: 30, price: "1.20"}}
classes:
  - code: motorcycle
    match: {sizes: [motorcycle]}
    bands:
      - {code: by-day, hours: "07:00-22:30", charge: {flat: "0.65"}}
      - {code: by-night, hours: "22:30-07:00", charge: {flat: "0.65"}}
""", (("Mon", "10:00", "61 min", "7.20"), ("Mon", "16:30", "1 h", "3.60"), ("Sun", "10:00", "1 h", "2.40"))),
    # A mall in Singapore (the usual wording): after 5 pm 2.50 an entry; Fri, Sat and eves of public holidays 3.50; by
    # day 1.30 the first hour, 0.65 each further 30 min.
    "singapore eves": Notice("SGD", "Asia/Singapore", """
calendar: sg
bands:
  - code: day
    days: [mon, tue, wed, thu, fri, sat, sun, eve, holiday]
    hours: "05:00-17:00"
    charge: {tiers: [{up_to_minutes: 60, flat: "1.30"}, {unit_minutes: 30, price: "0.65"}]}
  - {code: evening, days: [mon, tue, wed, thu, sun, holiday], hours: "17:00-05:00", charge: {flat: "2.50"}}
  - {code: late, days: [fri, sat, eve], hours: "17:00-05:00", charge: {flat: "3.50"}}
""", (("Mon", "10:00", "61 min", "1.95"), ("Mon", "18:00", "3 h", "2.50"), ("Fri", "18:00", "3 h", "3.50"),
      ("2026-12-24", "18:00", "3 h", "3.50"), ("2026-12-23", "18:00", "3 h", "2.50"),
      ("2026-12-25", "18:00", "3 h", "2.50"))),
    # Link, Hong Kong (carcarpark.com 469): 27 an hour, Sat, Sun and holidays 29; the most for 12 hours, from the entry
    # until midnight of the day, 135 (145); for 24 hours 200 (210).
    "link": Notice("HKD", "Asia/Hong_Kong", """
beyond_calendar: weekday
bands:
  - {code: work, days: [workday], counting: stay, charge: {unit_minutes: 60, price: "27.00"}}
  - {code: off, days: [weekend], counting: stay, charge: {unit_minutes: 60, price: "29.00"}}
caps:
  - {kind: rolling, hours: 12, amount: "135.00", bands: [work], ends_with_day: true}
  - {kind: rolling, hours: 12, amount: "145.00", bands: [off], ends_with_day: true}
  - {kind: rolling_24h, amount: "200.00"}
""", (("Mon", "10:00", "3 h", "81.00"), ("Mon", "10:00", "12 h", "135.00"), ("Mon", "10:00", "13 h", "162.00"),
      ("Mon", "21:00", "5 h", "135.00"), ("Mon", "14:00", "16 h", "200.00"), ("Sat", "10:00", "12 h", "145.00"))),
    # Kerry, Castle Peak Bay, Hong Kong: Mon-Thu 10 an hour, 18-22 20 an hour; Fri 10, 18-22 40; weekends 20 and 40;
    # day 8-18 at most 40 (60), night 22-8 at most 30 (40).
    "castle peak bay": Notice("HKD", "Asia/Hong_Kong", """
beyond_calendar: weekday
day_starts: "08:00"
bands:
  - {code: day, days: [mon, tue, wed, thu, fri], hours: "08:00-18:00",
     charge: {unit_minutes: 60, price: "10"}, cap: "40"}
  - {code: evening, days: [mon, tue, wed, thu], hours: "18:00-22:00", charge: {unit_minutes: 60, price: "20"}}
  - {code: friday, days: [fri], hours: "18:00-22:00", charge: {unit_minutes: 60, price: "40"}}
  - {code: night, days: [mon, tue, wed, thu, fri], hours: "22:00-08:00",
     charge: {unit_minutes: 60, price: "10"}, cap: "30"}
  - {code: day-off, days: [sat, sun, holiday], hours: "08:00-18:00",
     charge: {unit_minutes: 60, price: "20"}, cap: "60"}
  - {code: evening-off, days: [sat, sun, holiday], hours: "18:00-22:00", charge: {unit_minutes: 60, price: "40"}}
  - {code: night-off, days: [sat, sun, holiday], hours: "22:00-08:00",
     charge: {unit_minutes: 60, price: "20"}, cap: "40"}
""", (("Mon", "08:00", "10 h", "40.00"), ("Mon", "17:00", "3 h", "50.00"), ("Fri", "18:00", "14 h", "190.00"),
      ("Sat", "09:00", "24 h", "280.00"))),
    # Chibi hospital 2024: an hour free, then 1.50 an hour (60 to 120 minutes are one hour), at most 20 in 24 h; new
    # energy nine tenths.
    "chibi": Notice("CNY", "Asia/Shanghai", """
free: {minutes: 60, mode: deduct}
charge: {unit_minutes: 60, price: "1.50"}
caps: [{kind: rolling_24h, amount: "20.00"}]
classes: [{code: green, match: {new_energy: true}, factor: "0.9"}]
""", (("Mon", "10:00", "2 h", "1.50"), ("Mon", "10:00", "2 h 1 min", "3.00"), ("Mon", "10:00", "20 h", "20.00"))),
    # Xiangyang central hospital, south: 30 min free; within 4 h 5 an hour, then 10 an hour, at most 60 in 24 h, which
    # begin anew; new energy 4 h free, the 5th and 6th hour at half, then the full price.
    "xiangyang": Notice("CNY", "Asia/Shanghai", """
free: {minutes: 30}
charge: {unit_minutes: 60, tiers: [{up_to_minutes: 240, price: "5.00"}, {price: "10.00"}]}
caps: [{kind: rolling_24h, amount: "60.00"}]
cycle: {kind: rolling, hours: 24, free_again: true}
classes:
  - code: green
    match: {new_energy: true}
    charge:
      unit_minutes: 60
      price: "10.00"
      tiers: [{up_to_minutes: 240, percent: 0}, {up_to_minutes: 360, percent: 50}, {percent: 100}]
""", (("Mon", "10:00", "30 min", "0.00"), ("Mon", "10:00", "4 h", "20.00"), ("Mon", "10:00", "6 h", "40.00"),
      ("Mon", "10:00", "24 h", "60.00"), ("Mon", "10:00", "25 h", "65.00"))),
    # Zhongshan Boai hospital: an hour free, then 1 per 15 min, at most 60 in 24 h; motorcycles 1 per 12 h, at most 2.
    "boai": Notice("CNY", "Asia/Shanghai", """
free: {minutes: 60, mode: deduct}
charge: {unit_minutes: 15, price: "1.00"}
caps: [{kind: rolling_24h, amount: "60.00"}]
classes:
  - {code: motorcycle, match: {sizes: [motorcycle]}, free: {minutes: 0}, charge: {unit_minutes: 720, price: "1.00"},
     caps: [{kind: rolling_24h, amount: "2.00"}]}
""", (("Mon", "10:00", "1 h", "0.00"), ("Mon", "10:00", "2 h 30 min", "6.00"), ("Mon", "10:00", "24 h", "60.00"))),
    # Jeju, public lots: 30 min free, up to an hour 1000, then 500 per 15 min, at most 10000 a day.
    "jeju": Notice("KRW", "Asia/Seoul", """
charge:
  ladder: [{up_to_minutes: 30, total: "0"}, {up_to_minutes: 60, total: "1000"}, {unit_minutes: 15, price: "500"}]
caps: [{kind: day, amount: "10000"}]
""", (("Mon", "10:00", "30 min", "0"), ("Mon", "10:00", "31 min", "1000"), ("Mon", "10:00", "90 min", "2000"),
      ("Mon", "08:00", "12 h", "10000"))),
    # Cheongju airport: less than 10 min free; 500 for each begun half hour, after 10 hours 10000 for 24 hours.
    "cheongju": Notice("KRW", "Asia/Seoul", """
free: {minutes: 9}
charge: {unit_minutes: 30, price: "500"}
caps: [{kind: rolling_24h, amount: "10000"}]
""", (("Mon", "10:00", "9 min", "0"), ("Mon", "10:00", "10 min", "500"), ("Mon", "10:00", "1 h", "1000"),
      ("Mon", "10:00", "11 h", "10000"), ("Mon", "10:00", "25 h", "11000"))),
    # Chemnitz, on-street: 0.50 for the first 40 minutes and for each begun 20 minutes after; an hour 1.00, two 2.50.
    "chemnitz": Notice("EUR", "Europe/Berlin", """
charge: {tiers: [{up_to_minutes: 40, flat: "0.50"}, {unit_minutes: 20, price: "0.50"}]}
""", (("Mon", "10:00", "40 min", "0.50"), ("Mon", "10:00", "1 h", "1.00"), ("Mon", "10:00", "2 h", "2.50"))),
    # Singen, Stadthalle: 40 min at least 1, each begun 20 min 0.50, day 10; evening 18-2 4 flat for who comes then.
    "singen": Notice("EUR", "Europe/Berlin", """
plans:
  - {code: evening, when: {enter: "18:00-02:00", leave: "18:00-02:00", max_stay_minutes: 480}, charge: {flat: "4.00"}}
  - code: hours
    charge: {tiers: [{up_to_minutes: 40, flat: "1.00"}, {unit_minutes: 20, price: "0.50"}]}
    caps: [{kind: rolling_24h, amount: "10.00"}]
""", (("Mon", "10:00", "5 min", "1.00"), ("Mon", "10:00", "61 min", "2.00"), ("Mon", "10:00", "8 h", "10.00"),
      ("Mon", "18:30", "5 h", "4.00"), ("Mon", "18:30", "30 min", "1.00"), ("Mon", "18:30", "8 h", "10.00"))),
    # New York, meters in zone M1 since 2023-10-16: 5.50 the first hour, 9.00 the second; two hours 14.50; Sundays free.
    "new york meters": Notice("USD", "America/New_York", """
bands:
  - {code: week, days: [mon, tue, wed, thu, fri, sat], hours: "07:00-22:00",
     charge: {unit_minutes: 60, tiers: [{up_to_minutes: 60, price: "5.50"}, {price: "9.00"}]}}
  - {code: night, days: [mon, tue, wed, thu, fri, sat], hours: "22:00-07:00", charge: {free: true}}
  - {code: sunday, days: [sun], charge: {free: true}}
""", (("Mon", "10:00", "1 h", "5.50"), ("Mon", "10:00", "2 h", "14.50"), ("Sun", "10:00", "2 h", "0.00"))),
    # Gatwick, drop-off, 2025: 7 for up to 10 minutes, then 1 a minute to 20 minutes, at most 25.
    "drop-off": Notice("GBP", "Europe/London", """
charge: {tiers: [{up_to_minutes: 10, flat: "7.00"}, {unit_minutes: 1, price: "1.00"}]}
caps: [{kind: stay, amount: "25.00"}]
""", (("Mon", "10:00", "10 min", "7.00"), ("Mon", "10:00", "15 min", "12.00"), ("Mon", "10:00", "2 h", "25.00"))),
    # Amsterdam centre: Mon-Sat 9-24, Sun 12-24, by the minute; tickets for the day 9-19 and the evening 19-24 are caps.
    "amsterdam": Notice("EUR", "Europe/Amsterdam", """
bands:
  - {code: day, days: [mon, tue, wed, thu, fri, sat], hours: "09:00-19:00",
     charge: {unit_minutes: 1, price: "0.125"}, cap: "45.00"}
  - {code: evening, days: [mon, tue, wed, thu, fri, sat], hours: "19:00-00:00",
     charge: {unit_minutes: 1, price: "0.125"}, cap: "30.00"}
  - {code: night, days: [mon, tue, wed, thu, fri, sat], hours: "00:00-09:00", charge: {free: true}}
  - {code: sunday, days: [sun], hours: "12:00-00:00", charge: {unit_minutes: 1, price: "0.125"}}
  - {code: sunday-morning, days: [sun], hours: "00:00-12:00", charge: {free: true}}
""", (("Mon", "10:00", "10 min", "1.25"), ("Mon", "09:00", "10 h", "45.00"), ("Mon", "18:00", "6 h", "37.50"),
      ("Sun", "11:00", "2 h", "7.50"))),
}  # fmt: skip


@pytest.mark.parametrize(("name", "stay"), [(name, stay) for name, notice in NOTICES.items() for stay in notice.stays])
def test_it_costs_what_the_notice_says(name: str, stay: tuple[str, str, str, str]) -> None:
    notice = NOTICES[name]
    day, at, long, expected = stay
    assert fee(stated(notice.body, notice.currency, notice.zone), day, at, long) == expected


@pytest.mark.parametrize(
    ("name", "stay", "vehicle", "expected"),
    [
        ("qianshan", "31 min", "size large", "3.00"),
        ("hunan county", "3 h 1 min", "new_energy", "2.50"),
        ("hunan county", "24 h", "new_energy", "10.00"),
        ("qinzhou", "3 h", "new_energy", "5.25"),
        ("qinzhou", "2 h", "disabled", "0.00"),
        ("chibi", "2 h 1 min", "new_energy", "2.70"),
        ("xiangyang", "4 h", "new_energy", "0.00"),
        ("xiangyang", "7 h", "new_energy", "20.00"),
        ("boai", "3 h", "size motorcycle", "1.00"),
        ("singapore heavy", "14 h", "size motorcycle", "1.30"),
    ],
)
def test_vehicles_of_a_notice(name: str, stay: str, vehicle: str, expected: str) -> None:
    notice = NOTICES[name]
    assert fee(stated(notice.body, notice.currency, notice.zone), "Mon", "10:00", stay, vehicle) == expected


def test_green_cars_have_their_two_hours_once_a_day() -> None:
    notice = NOTICES["once a day"]
    of = stated(notice.body, notice.currency, notice.zone)
    entered = moment("Mon", "10:00", "Asia/Shanghai")
    prices = [
        single(of, entered=entered, until=later(entered, 60 * MINUTE_US), terms=Terms("CNY", free_used_at=used))
        for used in (None, later(entered, -9 * HOUR_US), later(entered, -11 * HOUR_US))
    ]
    assert [price.total.amount_text for price in prices] == ["0.00", "6.00", "0.00"]
