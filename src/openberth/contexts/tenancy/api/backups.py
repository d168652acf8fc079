"""Routes of backups: whoever makes one says so, and the trail then knows which keys old ones need; looking at them."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from openberth.contexts.tenancy.service import starts, vault_keys
from openberth.infra.database import Database, Unit
from openberth.infra.http.answers import View, When, instant
from openberth.infra.http.asks import Code, Form, Words
from openberth.infra.http.auth import may
from openberth.infra.http.idempotent import Key, answered, once
from openberth.kernel.authority import Caller

KeyName = Annotated[str, Field(pattern="^[0-9a-f]{8}$")]


class BackupForm(Form):
    """A backup that was made: its name, the ids of the keys it needs, and the revision of the database in it."""

    name: Words = Field(min_length=1, max_length=120)
    keys: list[KeyName] = Field(max_length=100)
    revision: Code


class BackupView(View):
    """A backup that was noted: when, its name, and the ids of the sealing keys that it needs."""

    at: When
    name: str
    keys: list[str]


class BackupsView(View):
    """The newest 500 backups that are known, newest first. They are of the whole installation, and told there only."""

    items: list[BackupView]


class BackupsApi:
    """Serves the routes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.router = APIRouter(prefix="/v1/backups", tags=["backups"])
        self.router.add_api_route("", self.backups, methods=["GET"])
        self.router.add_api_route("", self.note, methods=["POST"], status_code=204)

    async def backups(self, by: Annotated[Caller, Depends(may("system.read"))]) -> BackupsView:
        """Return the backups that are known."""
        found = await self._database.read(vault_keys.backups, by=by)
        return BackupsView(
            items=[BackupView(at=instant(each.at), name=each.name, keys=list(each.keys)) for each in found]
        )

    async def note(self, form: BackupForm, by: Annotated[Caller, Depends(may("backup.write"))], key: Key) -> Response:
        """Write down that a backup was made."""

        def effect(unit: Unit) -> None:
            starts.note_backup(unit, name=form.name, keys=tuple(form.keys), revision=form.revision)

        return answered(await self._database.write(once(key, effect, status=204), by=by))
