"""The measure: the same HTTP server and frame decoder storing the same rows by plain sqlite3 with group commit.

It decides nothing and reads nothing: what it costs is what any honest server of this kind has to pay.
"""

import argparse
import asyncio
import os
import sqlite3
import threading
import time
from collections import deque
from pathlib import Path

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openberth.gateways.cameras import vzenith_http
from openberth.gateways.cameras.family import Answer
from openberth.gateways.cameras.pushes import PlatePush
from openberth.infra.blobs import FolderBlobs, PictureQueue
from openberth.infra.clocks import SystemClock
from openberth.infra.ids import IdSource

# The rows of one admitted car, as the real server writes them (columns counted from its schema at start).
TABLES = ("seen", "vault", "passage", "open_stay", "command", "lane_state", "event", "event", "event")
COUNT = "UPDATE occupancy SET count = count + 1 WHERE lot_id = ? AND area_id = ?"


class Writer:
    """One thread, everything waiting in one commit."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: deque[tuple[bytes, asyncio.Future[None], asyncio.AbstractEventLoop]] = deque()
        self._some = threading.Condition()
        self._ids = IdSource(SystemClock())
        threading.Thread(target=self._run, daemon=True).start()

    async def store(self, key: bytes) -> None:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        with self._some:
            self._waiting.append((key, future, loop))
            self._some.notify()
        await future

    def _run(self) -> None:
        connection = sqlite3.connect(self._path, isolation_level=None, cached_statements=100)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "wal_autocheckpoint=0", "cache_size=-32000"):
            connection.execute(f"PRAGMA {pragma}")
        statements = [_insert(connection, table) for table in TABLES]
        checkpointed = time.monotonic()
        while True:
            with self._some:
                while not self._waiting:
                    self._some.wait()
                batch = list(self._waiting)
                self._waiting.clear()
            connection.execute("BEGIN IMMEDIATE")
            for key, _, _ in batch:
                connection.execute("SAVEPOINT unit")
                for sql, row in statements:
                    connection.execute(sql, (self._ids.new_id().bytes if row[0] is None else key, *row[1:]))
                connection.execute(
                    "UPDATE occupancy SET count = count + 1 WHERE lot_id = ? AND area_id = ?", (key, key)
                )
                connection.execute("RELEASE unit")
            connection.execute("COMMIT")
            if time.monotonic() - checkpointed > 1:
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
                checkpointed = time.monotonic()
            loop = batch[0][2]
            loop.call_soon_threadsafe(_done, [future for _, future, _ in batch])


def _done(futures: "list[asyncio.Future[None]]") -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)


def _insert(connection: sqlite3.Connection, table: str) -> tuple[str, tuple[object, ...]]:
    """Return an insert with values of the sizes that real rows have; unique columns get fresh random ones."""
    columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
    names = ", ".join(column[1] for column in columns)
    marks = []
    values: list[object] = []
    for number, (_, name, kind, *_) in enumerate(columns):
        marks.append("?" if number == 0 or name not in ("open_key", "fingerprint") else "lower(hex(randomblob(32)))")
        if number and name in ("open_key", "fingerprint"):
            continue
        if number == 0:
            values.append(None)
        elif "INT" in kind:
            values.append(1_790_000_000_000_000)
        elif "BLOB" in kind:
            values.append(os.urandom(60 if name == "sealed" else 16))
        elif name == "body":
            values.append('{"passage":"' + "0" * 320 + '"}')
        else:
            values.append("abcdefgh")
    return f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({', '.join(marks)})", tuple(values)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--database", type=Path, required=True)
    parser.add_argument("--pictures", type=Path, required=True)
    given = parser.parse_args()
    writer = Writer(given.database)
    pictures = PictureQueue(FolderBlobs(given.pictures))
    pictures.start()
    ids = IdSource(SystemClock())

    async def plate(request: Request) -> Response:
        push = vzenith_http.decode(await request.body(), request.headers.get("content-type", ""))
        assert isinstance(push, PlatePush)
        passage = ids.new_id()
        await writer.store(passage.bytes)
        kept = [(str(ids.new_id()), picture.jpeg) for picture in push.recognition.pictures]
        await asyncio.wait((asyncio.wrap_future(pictures.put_nowait(kept)),), timeout=0.01)
        return Response(vzenith_http.answered(push, Answer(opens=True)).body, media_type="application/json")

    async def health(_: Request) -> Response:
        return Response()

    app = Starlette(routes=[Route("/devices/vzenith/{secret}", plate, methods=["POST"]), Route("/health", health)])
    config = uvicorn.Config(
        app, host="127.0.0.1", port=given.port, log_level="warning", access_log=False, lifespan="off"
    )
    uvloop.run(uvicorn.Server(config).serve())


if __name__ == "__main__":
    main()
