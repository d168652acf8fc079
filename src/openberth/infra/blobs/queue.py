"""The writer of pictures: bounded, in threads of its own, so that a slow disk delays no lane."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import NamedTuple

import structlog

from openberth.infra.blobs.naming import Blobs
from openberth.infra.telemetry import counter, gauge
from openberth.kernel.errors import Overloaded, Problem

log = structlog.get_logger()

MAX_WAITING = 2_000
MAX_WAITING_BYTES = 256 * 1024 * 1024
FLUSH_EVERY_S = 0.1  # a power cut loses at most the pictures of this span and of the sync itself

_PICTURES = counter("openberth_pictures_total", "Pictures by what became of them.", ("outcome",))
_WAITING_BYTES = gauge("openberth_pictures_waiting_bytes", "Bytes of pictures that wait to be written.")


class _Set(NamedTuple):
    """Pictures that came together and are answered for together."""

    pictures: Sequence[tuple[str, bytes]]
    forgotten: Sequence[str]  # names whose pictures are taken away again
    done: "Future[None]"
    size: int

    @property
    def number(self) -> int:
        return len(self.pictures) + len(self.forgotten)


class PictureQueue:
    """Takes pictures without waiting and writes them in their order; syncing has a thread of its own.

    Nothing is lost silently: pictures beyond the bounds, those that cannot be stored, and those left at the end fail
    their future and are counted as ``dropped`` or ``failed``.
    """

    def __init__(
        self, blobs: Blobs, *, max_waiting: int = MAX_WAITING, max_waiting_bytes: int = MAX_WAITING_BYTES
    ) -> None:
        self._blobs = blobs
        self._max_waiting = max_waiting
        self._max_bytes = max_waiting_bytes
        self._waiting: deque[_Set] = deque()
        self._held = 0  # pictures taken and not yet done with, those in work included
        self._held_bytes = 0
        self._closing = False
        self._changed = threading.Condition()
        self._unflushed = False
        self._written = threading.Event()  # everything that will ever be written is
        self._writer = threading.Thread(target=self._write_all, name="pictures", daemon=True)
        self._flusher = threading.Thread(target=self._flush_all, name="pictures-sync", daemon=True)

    def start(self) -> None:
        """Start the threads."""
        self._writer.start()
        self._flusher.start()

    def put_nowait(self, pictures: Sequence[tuple[str, bytes]]) -> "Future[None]":
        """Take the pictures of one passage, (name, bytes) each, and return at once.

        The future (``asyncio.wrap_future`` makes it awaitable) ends when all are stored, or fails with the first that
        ``Blobs.put`` raised, or with ``Overloaded("pictures.full")`` or ``Overloaded("pictures.closed")``.
        """
        return self._take(_Set(pictures, (), Future(), sum(len(data) for _, data in pictures)))

    def forget(self, names: Sequence[str]) -> "Future[None]":
        """Take pictures away again, after everything put before: they turned out to belong to no passage."""
        return self._take(_Set((), names, Future(), 0))

    def _take(self, wanted: _Set) -> "Future[None]":
        with self._changed:
            refusal = self._refusal(wanted)
            if refusal is None:
                self._waiting.append(wanted)
                self._hold(wanted.number, wanted.size)
                self._changed.notify()
        if refusal is not None:
            _PICTURES.labels("dropped").inc(wanted.number)
            wanted.done.set_exception(refusal)
        return wanted.done

    def close(self, timeout_s: float = 10.0) -> bool:
        """Take no more, write what waits, at most for ``timeout_s``; return whether everything was written."""
        until = time.monotonic() + timeout_s
        with self._changed:
            self._closing = True
            self._changed.notify()
        for thread in (self._writer, self._flusher):
            if thread.ident is not None:
                thread.join(max(0.0, until - time.monotonic()))
        with self._changed:
            left = list(self._waiting)
            self._waiting.clear()
            for one in left:
                self._hold(-one.number, -one.size)
        for one in left:
            _PICTURES.labels("dropped").inc(one.number)
            if one.done.set_running_or_notify_cancel():
                one.done.set_exception(Overloaded("pictures.closed"))
        return not left and not self._writer.is_alive()

    @property
    def waiting(self) -> int:
        """Return the number of pictures taken and not yet stored."""
        return self._held

    def _refusal(self, wanted: _Set) -> Overloaded | None:
        if self._closing:
            return Overloaded("pictures.closed")
        if self._held + wanted.number > self._max_waiting or self._held_bytes + wanted.size > self._max_bytes:
            return Overloaded("pictures.full")
        return None

    def _hold(self, pictures: int, size: int) -> None:
        self._held += pictures
        self._held_bytes += size
        _WAITING_BYTES.set(self._held_bytes)

    # -- writing -------------------------------------------------------------------------------------------------

    def _write_all(self) -> None:
        while (wanted := self._next()) is not None:
            self._write(wanted)
        self._written.set()

    def _next(self) -> _Set | None:
        with self._changed:
            while not self._waiting:
                if self._closing:
                    return None
                self._changed.wait()
            return self._waiting.popleft()

    def _write(self, wanted: _Set) -> None:
        failed: Exception | None = None
        if not wanted.done.set_running_or_notify_cancel():
            _PICTURES.labels("cancelled").inc(wanted.number)
        else:
            for name in wanted.forgotten:
                failed = self._did("forgotten", partial(self._blobs.delete, name)) or failed
            for name, data in wanted.pictures:
                failed = self._did("stored", partial(self._blobs.put, name, data)) or failed
            self._unflushed = True
            if failed is None:
                wanted.done.set_result(None)
            else:
                wanted.done.set_exception(failed)
        with self._changed:
            self._hold(-wanted.number, -wanted.size)

    def _did(self, outcome: str, work: Callable[[], None]) -> Exception | None:
        try:
            work()
        except Exception as error:  # whatever a store does, the next picture still gets its turn
            _PICTURES.labels("failed").inc()
            self._report(error)
            return error
        _PICTURES.labels(outcome).inc()
        return None

    # -- syncing -------------------------------------------------------------------------------------------------

    def _flush_all(self) -> None:
        while not self._written.wait(FLUSH_EVERY_S):
            self._flush()
        self._flush()

    def _flush(self) -> None:
        if not self._unflushed:
            return
        self._unflushed = False  # before the flush: what is written meanwhile waits for the next one
        try:
            self._blobs.flush()
        except Exception as error:
            # The files are there, only not yet safe from a power cut; the flush after the next picture tries again.
            _PICTURES.labels("flush_failed").inc()
            self._report(error)

    def _report(self, error: Exception) -> None:
        log.warning("picture not stored", error=str(error) if isinstance(error, Problem) else type(error).__name__)
