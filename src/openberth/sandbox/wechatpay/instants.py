"""Instants as WeChat Pay writes them."""

import datetime
import re

from openberth.sandbox.clock import BEIJING, SECOND_US

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)")


def rfc3339(instant_us: int) -> str:
    """Write an instant as the channel does: whole seconds, Beijing time."""
    return datetime.datetime.fromtimestamp(instant_us // SECOND_US, BEIJING).isoformat()


def read_rfc3339(text: str) -> int:
    """Read such an instant into Unix microseconds. Raises ``ValueError``."""
    if _RFC3339.fullmatch(text) is None:
        raise ValueError("not yyyy-MM-DDTHH:mm:ss+TIMEZONE")
    try:
        return int(datetime.datetime.fromisoformat(text).timestamp()) * SECOND_US
    except OverflowError as error:
        raise ValueError("not an instant of this age") from error
