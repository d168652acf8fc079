"""Cursor pages: newest first, asked on after the last id seen, so that rows added meanwhile move nothing."""

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import ConfigDict

from openberth.infra.http.answers import View
from openberth.kernel.errors import Malformed
from openberth.kernel.ids import Id

LIMIT_MAX = 200
LIMIT = 50
CURSOR_LENGTH = 22
NEWEST = Id(int=(1 << 128) - 1)

T = TypeVar("T")
V = TypeVar("V")


class Page(View, Generic[T]):
    """A page of a list. ``next`` is the cursor that asks on, null at the end; a page may hold fewer than asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    items: list[T]
    next: str | None


@dataclass(frozen=True, slots=True)
class Ask:
    """Which page is asked for: rows with ids below ``before``, at most ``limit``."""

    before: Id
    limit: int


def cursor_of(last: Id) -> str:
    """Return the opaque, URL-safe cursor after a row."""
    return base64.urlsafe_b64encode(last.bytes).rstrip(b"=").decode()


def read_cursor(text: str) -> Id:
    """Return the id in a cursor. Raises ``Malformed("request.cursor")``."""
    try:
        return Id(bytes=base64.b64decode(text + "==", altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        raise Malformed("request.cursor") from None


async def asked_page(
    cursor: Annotated[str | None, Query(max_length=CURSOR_LENGTH, description="`next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = LIMIT,
) -> Ask:
    """Read the page that a request asks for (a dependency)."""
    return Ask(NEWEST if cursor is None else read_cursor(cursor), limit)


Asked = Annotated[Ask, Depends(asked_page)]


@dataclass(frozen=True, slots=True)
class Found(Generic[V]):
    """Rows of a page, and the id of the last row looked at when there may be more."""

    rows: Sequence[V]
    more_after: Id | None


def found(rows: Sequence[V], ask: Ask, id_of: Callable[[V], Id]) -> Found[V]:
    """Return the rows of one statement as a page: a full one may have a next."""
    return Found(rows, id_of(rows[-1]) if len(rows) >= ask.limit else None)


def page_of(items: Iterable[T], more_after: Id | None) -> "Page[T]":
    """Return a page of answers."""
    return Page(items=list(items), next=None if more_after is None else cursor_of(more_after))
