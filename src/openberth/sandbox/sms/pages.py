"""The page that shows what phones received: newest first, loaded again by itself."""

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

from openberth.sandbox.page import Frame
from openberth.sandbox.sms.phones import Message

SHOWN_MAX = 20
REFRESH_S = 3
_FRAME = Frame("模拟短信", "#1677d2", "#eef2f5", "不会发到真实手机", "Practice messages, no real phone receives them")


def received(messages: Sequence[Message], number: str | None) -> str:
    """Return the page of one phone, or of all."""
    shown = "".join(
        f"<dl><div><dt>{escape(each.number)}</dt><dd>{_time(each.at_s)}</dd></div>"
        f"<div><dd>{escape(each.text)}</dd></div></dl>"
        for each in messages[:SHOWN_MAX]
    )
    nothing = '<p class="note">还没有短信 · No messages yet</p>'
    title = (
        ("收到的短信", "Messages received")
        if number is None
        else (f"{escape(number)} 的短信", "Messages of this phone")
    )
    return _FRAME.page("✉", "#1677d2", *title, shown or nothing, refresh_s=REFRESH_S)


def _time(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%H:%M:%S UTC")
