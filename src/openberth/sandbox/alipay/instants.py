"""Instants as Alipay writes them."""

import datetime
import re

from openberth.sandbox.clock import BEIJING, SECOND_US

_WALL = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)


def wall(instant_us: int) -> str:
    """Write an instant as the channel does: ``yyyy-MM-dd HH:mm:ss``, Beijing time."""
    return datetime.datetime.fromtimestamp(instant_us // SECOND_US, BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def wall_ms(instant_us: int) -> str:
    """Write an instant with milliseconds: of all times on the wire only ``gmt_refund`` is written so."""
    return f"{wall(instant_us)}.{instant_us % SECOND_US // 1000:03d}"


def read_wall(text: str) -> int:
    """Read such an instant, without milliseconds, into Unix microseconds. Raises ``ValueError``."""
    if _WALL.fullmatch(text) is None:
        raise ValueError("not yyyy-MM-dd HH:mm:ss")
    try:
        return int(datetime.datetime.fromisoformat(text).replace(tzinfo=BEIJING).timestamp()) * SECOND_US
    except OverflowError as error:
        raise ValueError("not an instant of this age") from error
