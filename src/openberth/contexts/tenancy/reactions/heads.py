"""Carries the head of the audit trail away every day: a file in a folder that lies outside of data and database."""

import asyncio
import json
import os
from functools import partial
from pathlib import Path

import structlog

from openberth.contexts.tenancy.model.heads import FILE_PREFIX, document_of
from openberth.contexts.tenancy.service import audit
from openberth.infra import alarms
from openberth.infra.alarms import Trouble
from openberth.infra.database import Database, Unit, Urgency
from openberth.kernel.authority import system
from openberth.kernel.time import as_datetime

LOOK_S = 600.0
KIND = "audit_head"

log = structlog.get_logger()


class HeadKeeper:
    """Writes one head a day (UTC) into a folder; a file that is there is never written again."""

    def __init__(self, database: Database, folder: Path, *, node: str) -> None:
        self._database = database
        self._folder = folder
        self._node = node
        self._by = system("audit")

    async def run(self) -> None:
        """Look whether today's head is there until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Write today's head unless it is there; an alarm stands as long as it cannot be written."""
        day = as_datetime(self._database.clocks.machine.now()).date().isoformat()
        path = self._folder / f"{FILE_PREFIX}{day}.json"
        try:
            if not await asyncio.to_thread(path.exists):
                signed = await self._database.read(audit.head, by=self._by)
                text = json.dumps(document_of(signed), indent=2) + "\n"
                await asyncio.to_thread(_write, path, text)
                log.info("audit.head_written", number=signed.head.number)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            log.error("audit.head_unwritable", path=str(path), reason=reason)
            told = partial(_stand, node=self._node, path=str(self._folder), reason=reason)
        else:
            told = partial(_over, node=self._node)
        await self._database.write(told, by=self._by, urgency=Urgency.BACKGROUND)


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("x", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _stand(unit: Unit, *, node: str, path: str, reason: str) -> None:
    params = {"node": node, "path": path, "reason": reason}
    alarms.stand(unit, company=alarms.PLATFORM, trouble=Trouble(KIND, node, params))


def _over(unit: Unit, *, node: str) -> None:
    alarms.over(unit, company=alarms.PLATFORM, kind=KIND, subject=node)
