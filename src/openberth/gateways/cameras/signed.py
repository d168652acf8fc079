"""Devices that sign what they push: their secret stays with them, and what somebody overhears is good for nothing.

The signature is that of every other request (``infra.http.signatures``); its key is named by the device's id, which
stands in the address in place of the secret.
"""

from functools import partial
from uuid import UUID

from starlette.requests import Request

from openberth.contexts.facility import DeviceKind
from openberth.contexts.facility.reactions import DeviceDirectory, DeviceEntry
from openberth.infra import nonces
from openberth.infra.database import Database, Urgency
from openberth.infra.http.signatures import WINDOW_US, SignedRequest, check_claim, read_claim
from openberth.kernel.authority import system
from openberth.kernel.errors import Unknown
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant


class Signers:
    """Finds devices that sign and proves what they push; used on the event loop."""

    def __init__(self, database: Database, directory: DeviceDirectory) -> None:
        self._database = database
        self._directory = directory
        self._by = system("devices")

    def named(self, kind: DeviceKind, word: str) -> DeviceEntry | None:
        """Return the device of a kind that an address names, which has credentials; anything may be asked."""
        device = _id_of(word)
        entry = None if device is None else self._directory.by_id(device)
        return entry if entry is not None and entry.kind is kind and entry.secret is not None else None

    async def check(self, request: Request, device: DeviceEntry, body: bytes) -> None:
        """Let one request of a device in, once. Raises ``Unknown`` (``signature.…``)."""
        path: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
        signed = SignedRequest(
            request.method, path.partition(b"?")[0], request.scope["query_string"], request.headers, body
        )
        claim, now = read_claim(signed), self._database.clocks.machine.now()
        secrets = device.proves(now) if _id_of(claim.key) == device.id else ()
        check_claim(claim, [secret.hex() for secret in secrets], now)
        until = Instant(claim.created + 2 * WINDOW_US)
        use = partial(nonces.use, of=f"device:{device.id}", nonce=claim.nonce, until=until)
        if not await self._database.write(use, by=self._by, urgency=Urgency.LANE):
            raise Unknown("signature.replayed")


def _id_of(word: str) -> Id | None:
    try:
        return Id(hex=word) if len(word) <= len(str(UUID(int=0))) else None
    except ValueError:
        return None
