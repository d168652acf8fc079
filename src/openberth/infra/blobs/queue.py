"""The writer of pictures: bounded, in a thread of its own, so that a slow disk delays no lane."""

import threading
import time
from collections import deque
from concurrent.futures import Future
from typing import NamedTuple

import structlog

from openberth.infra.blobs.naming import Blobs
from openberth.infra.telemetry import counter, gauge
from openberth.kernel.errors import Overloaded, Problem

log = structlog.get_logger()

MAX_WAITING = 2_000
MAX_WAITING_BYTES = 256 * 1024 * 1024
FLUSH_EVERY_S = 1.0  # a power cut loses at most the pictures of this span

_PICTURES = counter("openberth_pictures_total", "Pictures by what became of them.", ("outcome",))
_WAITING_BYTES = gauge("openberth_pictures_waiting_bytes", "Bytes of pictures that wait to be written.")


class _Picture(NamedTuple):
    name: str
    data: bytes | None  # None: take the picture of this name away again
    done: "Future[None]"

    @property
    def size(self) -> int:
        return 0 if self.data is None else len(self.data)


class PictureQueue:
    """Takes pictures without waiting and writes them one after the other.

    Nothing is lost silently: a picture beyond the bounds, one that cannot be stored, and those left at the end fail
    their future and are counted as ``dropped`` or ``failed``.
    """

    def __init__(
        self, blobs: Blobs, *, max_waiting: int = MAX_WAITING, max_waiting_bytes: int = MAX_WAITING_BYTES
    ) -> None:
        self._blobs = blobs
        self._max_waiting = max_waiting
        self._max_bytes = max_waiting_bytes
        self._waiting: deque[_Picture] = deque()
        self._held = 0  # pictures taken and not yet done with, the one in work included
        self._held_bytes = 0
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="pictures", daemon=True)

    def start(self) -> None:
        """Start the writing thread."""
        self._thread.start()

    def put_nowait(self, name: str, data: bytes) -> "Future[None]":
        """Take a picture and return at once.

        The future (``asyncio.wrap_future`` makes it awaitable) ends when the picture is stored, or fails with what
        ``Blobs.put`` raises, or with ``Overloaded("pictures.full")`` or ``Overloaded("pictures.closed")``.
        """
        return self._take(_Picture(name, data, Future()))

    def forget(self, name: str) -> "Future[None]":
        """Take a picture away again, after everything put before: it turned out to belong to no passage."""
        return self._take(_Picture(name, None, Future()))

    def _take(self, picture: _Picture) -> "Future[None]":
        with self._changed:
            refusal = self._refusal(picture.size)
            if refusal is None:
                self._waiting.append(picture)
                self._hold(1, picture.size)
                self._changed.notify()
        if refusal is not None:
            _PICTURES.labels("dropped").inc()
            picture.done.set_exception(refusal)
        return picture.done

    def close(self, timeout_s: float = 10.0) -> bool:
        """Take no more, write what waits, at most for ``timeout_s``; return whether everything was written."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        with self._changed:
            left = list(self._waiting)
            self._waiting.clear()
            for picture in left:
                self._hold(-1, -picture.size)
        for picture in left:
            _PICTURES.labels("dropped").inc()
            if picture.done.set_running_or_notify_cancel():
                picture.done.set_exception(Overloaded("pictures.closed"))
        return not left and not self._thread.is_alive()

    @property
    def waiting(self) -> int:
        """Return the number of pictures taken and not yet stored."""
        return self._held

    def _refusal(self, size: int) -> Overloaded | None:
        if self._closing:
            return Overloaded("pictures.closed")
        if self._held >= self._max_waiting or self._held_bytes + size > self._max_bytes:
            return Overloaded("pictures.full")
        return None

    def _hold(self, pictures: int, size: int) -> None:
        self._held += pictures
        self._held_bytes += size
        _WAITING_BYTES.set(self._held_bytes)

    def _run(self) -> None:
        unflushed_since: float | None = None
        while True:
            wait = None if unflushed_since is None else max(0.0, unflushed_since + FLUSH_EVERY_S - time.monotonic())
            picture = self._next(wait)
            if picture is not None:
                self._write(picture)
                if unflushed_since is None:
                    unflushed_since = time.monotonic()
            if unflushed_since is not None and time.monotonic() >= unflushed_since + FLUSH_EVERY_S:
                self._flush()
                unflushed_since = None
            if picture is None and self._closing:
                self._flush()
                return

    def _next(self, wait_s: float | None) -> _Picture | None:
        with self._changed:
            if not self._waiting and not self._closing:
                self._changed.wait(wait_s)
            return self._waiting.popleft() if self._waiting else None

    def _write(self, picture: _Picture) -> None:
        outcome = "cancelled"
        if picture.done.set_running_or_notify_cancel():
            try:
                if picture.data is None:
                    self._blobs.delete(picture.name)
                else:
                    self._blobs.put(picture.name, picture.data)
            except Exception as error:  # whatever a store does, the next picture still gets its turn
                outcome = "failed"
                self._report(error)
                picture.done.set_exception(error)
            else:
                outcome = "forgotten" if picture.data is None else "stored"
                picture.done.set_result(None)
        _PICTURES.labels(outcome).inc()
        with self._changed:
            self._hold(-1, -picture.size)

    def _flush(self) -> None:
        try:
            self._blobs.flush()
        except (
            Exception
        ) as error:  # the files are there, only not yet safe from a power cut; the next flush tries again
            _PICTURES.labels("flush_failed").inc()
            self._report(error)

    def _report(self, error: Exception) -> None:
        log.warning("picture not stored", error=str(error) if isinstance(error, Problem) else type(error).__name__)
