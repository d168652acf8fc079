"""Cursor pages: asked on after the last row seen, so that rows added meanwhile move nothing.

History goes newest first and is asked on by id, or by a time of its rows and id, either way; short lists go by code
and are asked on by that.
"""

import base64
import binascii
import struct
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, TypeVar

from fastapi import Depends, Query, Request

from openberth.infra.http.answers import View
from openberth.infra.http.asks import Moment
from openberth.infra.lists import Key, ListAsk, Listed
from openberth.kernel.errors import Malformed
from openberth.kernel.ids import BEYOND_ALL, Id
from openberth.kernel.time import Instant

LIMIT_MAX = 200
LIMIT = 50
CURSOR_MAX = 200

T = TypeVar("T")
V = TypeVar("V")


class Page(View, Generic[T]):
    """A page of a list. ``next`` is the cursor that asks on, null at the end; a page may hold fewer than asked."""

    items: list[T]
    next: str | None


class ListPage(Page[T], Generic[T]):
    """A page of a list that can be filtered. A page may hold fewer than asked, even none, and go on: only a ``next`` of
    null is the end.

    With ``count`` it tells how many there are in all: ``total``, or ``more_than`` where counting stopped; both are null
    when it was not asked, or cannot be told cheaply.
    """

    total: int | None = None
    more_than: int | None = None


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
        return Ask(BEYOND_ALL, limit)
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


_KEY = struct.Struct(">IqQQ")  # which list in which order, instant, id


@dataclass(frozen=True, slots=True)
class AskForList:
    """Which rows of a list are asked for, and what marks its cursors as those of this list in this order."""

    ask: ListAsk
    mark: int

    def page(self, items: Iterable[T], found: Listed[Any]) -> ListPage[T]:
        """Return a page as it leaves."""
        counted = found.counted
        return ListPage(
            items=list(items), next=None if found.more_after is None else key_cursor(self.mark, found.more_after),
            total=None if counted is None else counted.total,
            more_than=None if counted is None else counted.more_than,
        )  # fmt: skip


def key_cursor(mark: int, key: Key) -> str:
    """Return the opaque cursor that goes on after a key."""
    high, low = divmod(key[1].int, 1 << 64)
    return base64.urlsafe_b64encode(_KEY.pack(mark, key[0], high, low)).rstrip(b"=").decode()


def key_of_cursor(mark: int, cursor: str) -> Key:
    """Return the key that a cursor goes on after. Raises ``Malformed("request.cursor")``, also for one of another list
    or order.
    """
    try:
        of, moment, high, low = _KEY.unpack(_unpacked(cursor))
    except struct.error:
        raise Malformed("request.cursor") from None
    if of != mark:
        raise Malformed("request.cursor")
    return Instant(moment), Id(int=high << 64 | low)


async def asked_list(
    request: Request,
    cursor: Cursor = None,
    limit: Limit = LIMIT,
    since: Annotated[Moment | None, Query(description="from this instant on, of what the list is ordered by")] = None,
    until: Annotated[Moment | None, Query(description="before this instant")] = None,
    order: Annotated[Literal["newest", "oldest"], Query()] = "newest",
    count: Annotated[bool, Query(description="tell how many there are, as far as that is cheap")] = False,
) -> AskForList:
    """Read which rows of a list a request asks for (a dependency).

    Raises ``Malformed`` with ``request.cursor`` or ``request.span``.
    """
    if since is not None and until is not None and since >= until:
        raise Malformed("request.span")
    mark = zlib.crc32(f"{request.url.path} {order} {request.query_params.get('by', '')}".encode())
    after = None if cursor is None else key_of_cursor(mark, cursor)
    return AskForList(ListAsk(limit, order == "newest", since, until, after, count), mark)


Asked = Annotated[Ask, Depends(asked_page)]
AskedList = Annotated[AskForList, Depends(asked_list)]
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
