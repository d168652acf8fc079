"""Routes of keys: those that seal personal values, and those that sign access tokens."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import Field
from starlette.responses import Response

from openberth.contexts.tenancy.reactions.keys import Keyring
from openberth.contexts.tenancy.reactions.vault_keys import VaultKeys
from openberth.contexts.tenancy.service import vault_keys
from openberth.contexts.tenancy.service.vault_keys import Need, Standing
from openberth.infra.database import Database
from openberth.infra.http.answers import View, When, instant, instant_or_none
from openberth.infra.http.asks import Form
from openberth.infra.http.auth import may
from openberth.infra.http.idempotent import Key
from openberth.infra.key_keeping import KeyKeeper
from openberth.infra.keys import Cipher, KeyRing
from openberth.kernel.authority import Caller
from openberth.kernel.ids import Id

Rotating = Annotated[Caller, Depends(may("key.rotate"))]
KeyId = Annotated[str, Path(pattern="^[0-9a-f]{8}$", description="id of a sealing key, 8 hexadecimal digits")]


class VaultRotationForm(Form):
    """How the new key seals; without it as the settings say."""

    algorithm: Cipher | None = None


class RetirementForm(Form):
    """Whether the key goes although backups need it, as far as they are known."""

    despite_backups: bool = Field(default=False, strict=True)


class BackupNeedView(View):
    """How many backups that are known need a key, and of when the newest is."""

    count: int
    newest: When | None


class VaultKeyView(View):
    """A sealing key. ``here``: this process has it; ``seals``: new values are sealed with it."""

    id: str
    algorithm: Cipher | None
    made_at: When | None
    here: bool
    seals: bool
    values: int
    answers: int
    backups: BackupNeedView


class HolderView(View):
    """A process of a cluster, the keys it holds and the one it seals with."""

    process: str
    holds: list[str]
    seals: str
    seen_at: When


class VaultKeysView(View):
    """The sealing keys, oldest first. ``wanted`` seals once every process holds it; until then ``seals`` does."""

    wanted: str
    seals: str
    waiting: int
    items: list[VaultKeyView]
    holders: list[HolderView]


class TokenKeyView(View):
    """A key for access tokens: published now, signing from ``signs_from``, forgotten after ``published_until``."""

    id: Id
    algorithm: str
    made_at: When
    signs_from: When
    published_until: When | None


class KeysView(View):
    """Every key that this installation has, and no secret of it."""

    vault: VaultKeysView
    tokens: list[TokenKeyView]


class VaultKeyMadeView(View):
    """A new sealing key."""

    id: str
    algorithm: Cipher


class RetiredView(View):
    """Where the retired key lies now, on the machine of the server."""

    id: str
    file: str


class KeysApi:
    """Serves the routes."""

    def __init__(self, database: Database, tokens: Keyring, keeper: KeyKeeper, *, cipher: Cipher) -> None:
        self._database = database
        self._tokens = tokens
        self._keeper = keeper
        self._vault = VaultKeys(database, keeper, cipher=cipher)
        self.router = APIRouter(prefix="/v1/keys", tags=["keys"])
        add = self.router.add_api_route
        add("", self.keys, methods=["GET"])
        add("/rotate", self.rotate, methods=["POST"], status_code=204)
        add("/vault/rotate", self.rotate_vault, methods=["POST"], status_code=201)
        add("/vault/{sealing_key}/retire", self.retire, methods=["POST"])

    async def keys(self, by: Rotating) -> KeysView:
        """Return how the keys stand."""
        ring = self._keeper.sealer.ring
        found = await self._database.read(partial(vault_keys.standing, known=tuple(ring.sealing)), by=by)
        tokens = [
            TokenKeyView(
                id=each.id, algorithm=each.algorithm, made_at=instant(each.made_at),
                signs_from=instant(each.signs_from), published_until=instant_or_none(each.published_until),
            )
            for each in self._tokens.keys
        ]  # fmt: skip
        return KeysView(vault=_vault_view(ring, self._keeper.sealer.current, found), tokens=tokens)

    async def rotate(self, by: Rotating, key: Key) -> Response:
        """Sign access tokens with a new key soon; nobody is signed out."""
        del key  # a key more does no harm
        await self._tokens.rotate(by=by)
        return Response(status_code=204)

    async def rotate_vault(self, form: VaultRotationForm, by: Rotating, key: Key) -> VaultKeyMadeView:
        """Seal personal values with a new key soon; what lies under older ones is sealed anew meanwhile."""
        del key  # a key more does no harm
        made = await self._vault.rotate(cipher=form.algorithm, by=by)
        return VaultKeyMadeView(id=made, algorithm=self._keeper.sealer.ring.sealing[made].cipher)

    async def retire(self, sealing_key: KeyId, form: RetirementForm, by: Rotating, key: Key) -> RetiredView:
        """Move an old key that nothing needs out of the key file into one of its own."""
        del key  # a key that is gone is not there a second time
        file = await self._vault.retire(key=sealing_key, despite_backups=form.despite_backups, by=by)
        return RetiredView(id=sealing_key, file=str(file))


def _vault_view(ring: KeyRing, seals: str, found: Standing) -> VaultKeysView:
    items = [_key_view(ring, seals, key, need) for key, need in found.needs.items()]
    holders = [
        HolderView(process=each.process, holds=list(each.holds), seals=each.seals, seen_at=instant(each.seen_at))
        for each in found.holders
    ]
    waiting = sum(each.values for each in items if each.id != ring.current)
    return VaultKeysView(wanted=ring.current, seals=seals, waiting=waiting, items=items, holders=holders)


def _key_view(ring: KeyRing, seals: str, key: str, need: Need) -> VaultKeyView:
    held = ring.sealing.get(key)
    made_at = None if held is None else instant_or_none(held.made_at)
    return VaultKeyView(
        id=key, algorithm=None if held is None else held.cipher, made_at=made_at, here=held is not None,
        seals=key == seals, values=need.rows, answers=need.answers,
        backups=BackupNeedView(count=need.backups, newest=instant_or_none(need.newest_backup)),
    )  # fmt: skip
