"""Carries a change of the sealing keys through: permission and trail first, then the file, then every process."""

import asyncio
from functools import partial
from pathlib import Path

from openberth.contexts.tenancy.service import vault_keys as service
from openberth.infra.database import Database
from openberth.infra.key_keeping import KeyKeeper
from openberth.infra.keys import Cipher, retire_key, rotate_keys
from openberth.infra.permitting import require_whole
from openberth.kernel.authority import Caller
from openberth.kernel.errors import Refused


class VaultKeys:
    """Changes the key file of this process's installation."""

    def __init__(self, database: Database, keeper: KeyKeeper, *, cipher: Cipher = Cipher.AES) -> None:
        self._database = database
        self._keeper = keeper
        self._cipher = cipher

    async def rotate(self, *, cipher: Cipher | None, by: Caller) -> str:
        """Add a new key, of the set algorithm when none is named, and return its id.

        It seals once every process holds it; what lies under older keys is sealed anew afterwards. Raises ``Denied``
        and what the key file says (``vault.key_…``).
        """
        path, chosen = self._path(), cipher or self._cipher
        key = self._keeper.sealer.ring.unused_id()
        await self._database.write(partial(service.begin_rotation, key=key, cipher=chosen), by=by)
        made_at = self._database.clocks.machine.now()
        try:
            await asyncio.to_thread(rotate_keys, path, chosen, key_id=key, made_at=made_at)
        except Refused as problem:
            await self._failed("vault_key.made", key, problem, by)
            raise
        await self._keeper.look()
        return key

    async def retire(self, *, key: str, despite_backups: bool, by: Caller) -> Path:
        """Move a key that nothing needs into a file of its own and return that file. Raises ``Denied``, ``Refused``."""
        require_whole(by)
        path, sealer = self._path(), self._keeper.sealer
        if key not in sealer.ring.sealing:
            raise Refused("vault.key_not_there", key=key)
        use_case = partial(
            service.begin_retirement, key=key, sealing=sealer.current, despite_backups=despite_backups
        )  # fmt: skip
        await self._database.write(use_case, by=by)
        try:
            retired = await asyncio.to_thread(retire_key, path, key)
        except Refused as problem:
            await self._failed("vault_key.retired", key, problem, by)
            raise
        await self._keeper.look()
        return retired

    def _path(self) -> Path:
        path = self._keeper.sealer.path
        if path is None:
            raise Refused("vault.no_file")
        return path

    async def _failed(self, deed: str, key: str, problem: Refused, by: Caller) -> None:
        await self._database.write(partial(service.failed, deed=deed, key=key, reason=problem.code), by=by)
