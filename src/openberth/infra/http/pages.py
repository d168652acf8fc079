"""Cursor pages: asked on after the last row seen, so that rows added meanwhile move nothing.

History goes newest first and is asked on by id; short lists go by code and are asked on by that.
"""

import base64
import binascii
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Query

from openberth.infra.http.answers import View
from openberth.kernel.errors import Malformed
from openberth.kernel.ids import Id

LIMIT_MAX = 200
LIMIT = 50
CURSOR_MAX = 200
NEWEST = Id(int=(1 << 128) - 1)

T = TypeVar("T")
V = TypeVar("V")


class Page(View, Generic[T]):
    """A page of a list. ``next`` is the cursor that asks on, null at the end; a page may hold fewer than asked."""

    items: list[T]
    next: str | None


@dataclass(frozen=True, slots=True)
class Ask:
    """Which page of history is asked for: rows with ids below ``before``, at most ``limit``."""

    before: Id
    limit: int


@dataclass(frozen=True, slots=True)
class AskByCode:
    """Which page of a short list is asked for: rows with codes beyond ``after``, at most ``limit``."""

    after: str
    limit: int


Cursor = Annotated[str | None, Query(max_length=CURSOR_MAX, description="`next` of the page before")]
Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX)]


async def asked_page(cursor: Cursor = None, limit: Limit = LIMIT) -> Ask:
    """Read the page of history that a request asks for (a dependency). Raises ``Malformed("request.cursor")``."""
    if cursor is None:
        return Ask(NEWEST, limit)
    try:
        return Ask(Id(bytes=_unpacked(cursor)), limit)
    except ValueError:  # not 16 bytes
        raise Malformed("request.cursor") from None


async def asked_page_by_code(cursor: Cursor = None, limit: Limit = LIMIT) -> AskByCode:
    """Read the page of a short list that a request asks for (a dependency). Raises ``Malformed("request.cursor")``."""
    if cursor is None:
        return AskByCode("", limit)
    try:
        return AskByCode(_unpacked(cursor).decode("ascii"), limit)
    except UnicodeDecodeError:
        raise Malformed("request.cursor") from None


Asked = Annotated[Ask, Depends(asked_page)]
AskedByCode = Annotated[AskByCode, Depends(asked_page_by_code)]


def cursor_of(last: Id | str) -> str:
    """Return the opaque, URL-safe cursor after a row, named by its id or code."""
    packed = last.bytes if isinstance(last, Id) else last.encode("ascii")
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def page_of(items: Iterable[T], more_after: Id | str | None) -> Page[T]:
    """Return a page of answers; ``more_after`` names the last row looked at when there may be more."""
    return Page(items=list(items), next=None if more_after is None else cursor_of(more_after))


def last_of(rows: Sequence[V], limit: int, name: Callable[[V], Id | str]) -> Id | str | None:
    """Return what asks on after the rows of one statement: a full page may have a next one."""
    return name(rows[-1]) if len(rows) >= limit else None


def cut(rows: Iterable[V], ask: AskByCode, name: Callable[[V], str]) -> tuple[list[V], str | None]:
    """Return the page of a short list that is in memory, and what asks on after it."""
    ordered = sorted(rows, key=name)
    start = bisect_right(ordered, ask.after, key=name)
    page = ordered[start : start + ask.limit]
    return page, name(page[-1]) if page and start + ask.limit < len(ordered) else None


def _unpacked(cursor: str) -> bytes:
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("request.cursor") from None
