"""How figures become words: money, ages, clock times, bars. Pure; widths count terminal cells, not characters."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rich.cells import cell_len, set_cell_size

from openberth.infra.catalogue import text
from openberth.kernel.money import Money
from openberth.kernel.time import DAY_US, HOUR_US, MINUTE_US, SECOND_US, Instant, as_datetime

EIGHTHS = " ▏▎▍▌▋▊▉█"
ELLIPSIS = "…"


def money_text(money: Money) -> str:
    """Write money for people: ``¥1,240.50`` or ``1,240.50 HKD``."""
    whole, point, rest = money.amount_text.lstrip("-").partition(".")
    amount = f"{int(whole):,}{point}{rest}"
    sign = "-" if money.minor < 0 else ""
    return f"{sign}¥{amount}" if money.currency == "CNY" else f"{sign}{amount} {money.currency}"


def age_text(us: int, language: str) -> str:
    """Write a span in its largest unit: ``12 s``, ``4 min``, ``3 h``, ``2 d``."""
    us = max(us, 0)
    for unit_us, code in ((DAY_US, "day"), (HOUR_US, "hour"), (MINUTE_US, "minute")):
        if us >= unit_us:
            return text(f"top.span.{code}", language, count=us // unit_us)
    return text("top.span.second", language, count=us // SECOND_US)


def clock_text(instant: Instant, zone: str) -> str:
    """Write the wall-clock time of an instant in a zone: ``07:42:31``."""
    try:
        return as_datetime(instant, ZoneInfo(zone)).strftime("%H:%M:%S")
    except (ZoneInfoNotFoundError, ValueError):
        return as_datetime(instant).strftime("%H:%M:%SZ")


def milliseconds_text(us: int) -> str:
    """Write a short span: ``0.8 ms``, ``12 ms``."""
    return f"{us // 1000}.{us % 1000 // 100} ms" if us < 10_000 else f"{us // 1000} ms"


def bar(part: int, whole: int, width: int) -> str:
    """Draw how much of a whole is taken, to an eighth of a cell; what exceeds the whole fills it."""
    if whole <= 0 or width <= 0:
        return " " * max(width, 0)
    eighths = min(max(part, 0), whole) * width * 8 // whole
    if part > 0:
        eighths = max(eighths, 1)  # a single car is seen
    full, rest = divmod(eighths, 8)
    drawn = EIGHTHS[8] * full + (EIGHTHS[rest] if rest else "")
    return drawn.ljust(width)


def fitted(words: str, width: int) -> str:
    """Cut a text to a width in cells, with an ellipsis where something is missing."""
    if cell_len(words) <= width:
        return words
    return set_cell_size(words, max(width - 1, 0)).rstrip() + ELLIPSIS if width > 0 else ""
