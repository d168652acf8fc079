"""Yuan as Alipay writes them, and its wall times. No number here ever is a float."""

import re
from datetime import datetime
from decimal import Decimal

from openberth.kernel.money import Money
from openberth.kernel.time import BEIJING, Instant, as_datetime, instant_of

CURRENCY = "CNY"
_WALL = "%Y-%m-%d %H:%M:%S"
FEN = Decimal("0.01")
_YUAN = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,6})?", re.ASCII)


def yuan(text: str) -> Money:
    """Read an amount in yuan. Raises ``ValueError``, also for parts of a fen."""
    if _YUAN.fullmatch(text) is None:
        raise ValueError("not an amount in yuan")
    exact = Decimal(text)
    if exact != exact.quantize(FEN):
        raise ValueError("less than a fen")
    return Money(int(exact.scaleb(2)), CURRENCY)


def beijing(text: str) -> Instant:
    """Read ``yyyy-MM-dd HH:mm:ss``, Beijing time, perhaps with parts of a second. Raises ``ValueError``."""
    return instant_of(datetime.strptime(text.partition(".")[0], _WALL).replace(tzinfo=BEIJING))


def wall_text(at: Instant) -> str:
    """Return an instant as Alipay writes it: Beijing time, whole seconds, those that have begun."""
    return as_datetime(at).astimezone(BEIJING).strftime(_WALL)
