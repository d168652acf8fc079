"""The signing keys as a process holds them: read now and then, asked at every token, made anew before they grow old."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

from openberth.contexts.tenancy.model.events import SigningKeyMade
from openberth.contexts.tenancy.service import keys as service
from openberth.contexts.tenancy.service.keys import TOKEN_US
from openberth.contexts.tenancy.store.sessions import Session, SigningKey
from openberth.infra import signed_tokens
from openberth.infra.database import Database, Reader, Urgency
from openberth.infra.ids import IdSource
from openberth.infra.signed_tokens import Algorithm, Claims, Key
from openberth.kernel.authority import Caller, system
from openberth.kernel.errors import Unknown
from openberth.kernel.events import Envelope
from openberth.kernel.time import SECOND_US, Instant

AUDIENCE = "openberth-api"
READ_AGAIN_S = 60.0
UNKNOWN_EVERY_US = 5 * SECOND_US  # a stranger's key ids do not make us read more often than this


class Keyring:
    """Signs and verifies access tokens."""

    def __init__(self, database: Database, *, algorithm: Algorithm = "Ed25519") -> None:
        self._database = database
        self._machine = database.clocks.machine
        self._ids = IdSource(self._machine)
        self._algorithm: Algorithm = algorithm
        self._by = system("keys")
        self._keys: list[SigningKey] = []
        self._public: dict[str, tuple[Key, Algorithm]] = {}
        self._private: tuple[str, Key, Algorithm] | None = None
        self._read_at = Instant(0)

    async def start(self) -> None:
        """Make the first key when there is none, and read them all."""
        await self._ensure()
        await self.read()

    async def run(self) -> None:
        """Keep the keys fresh until cancelled."""
        while True:
            await asyncio.sleep(READ_AGAIN_S)
            await self._ensure()
            await self.read()

    def watch(self, events: Sequence[Envelope]) -> None:
        """Look at the log: a key that was made is read before the next token."""
        if any(event.kind == SigningKeyMade.KIND for event in events):
            self._read_at = Instant(0)

    async def read(self) -> None:
        """Read the keys and the private part of the one that signs."""
        self._keys, signing = await self._database.read(_keys, by=self._by)
        self._public = {str(key.id): _public(key) for key in self._keys}
        self._read_at = self._machine.now()
        if signing is not None:
            key, pem = signing
            algorithm = _algorithm(key)
            self._private = (str(key.id), signed_tokens.private_key(pem, algorithm), algorithm)

    async def rotate(self, *, by: Caller) -> None:
        """Begin with a new key. Raises ``Denied``."""
        await self._database.write(partial(service.rotate, **await self._fresh()), by=by)
        await self.read()

    @property
    def keys(self) -> Sequence[SigningKey]:
        """Return the keys as they were read last, oldest first."""
        return self._keys

    def published(self) -> dict[str, Any]:
        """Return the key set (RFC 7517 section 5) by which others verify our tokens."""
        return {"keys": [key.public for key in self._keys]}

    async def issue(self, session: Session) -> tuple[str, int]:
        """Return an access token of a session and how many seconds it is good for."""
        now = self._machine.now()
        if now - self._read_at > READ_AGAIN_S * SECOND_US or self._private is None:
            await self.read()
        assert self._private is not None, "start made a key"
        kid, key, algorithm = self._private
        expires = Instant(min(now + TOKEN_US, session.ends_at))
        claims = Claims(str(session.account), str(session.id), now, expires, self._ids.new_id().hex)
        token = signed_tokens.sign(claims, key=key, algorithm=algorithm, kid=kid, audience=AUDIENCE)
        return token, (expires - now) // SECOND_US

    async def verified(self, token: str) -> Claims:
        """Return what a token says. Raises ``Unknown("auth.required")``."""
        kid = signed_tokens.kid_of(token)
        if kid is None:
            raise Unknown("auth.required")
        now = self._machine.now()
        if kid not in self._public and now - self._read_at > UNKNOWN_EVERY_US:
            await self.read()
        found = self._public.get(kid)
        if found is None:
            raise Unknown("auth.required")
        return signed_tokens.read(token, key=found[0], algorithm=found[1], audience=AUDIENCE, now=now)

    async def _ensure(self) -> None:
        found = await self._database.read(service.published, by=self._by)
        now = self._machine.now()
        last = found[-1] if found else None
        if last is None or last.algorithm != self._algorithm or now - last.made_at >= service.ROTATED_AFTER_US:
            use_case = partial(service.ensure_key, **await self._fresh())
            await self._database.write(use_case, by=self._by, urgency=Urgency.BACKGROUND)

    async def _fresh(self) -> dict[str, Any]:
        key, algorithm = self._ids.new_id(), self._algorithm
        private = await asyncio.to_thread(signed_tokens.make_key, algorithm)
        public = signed_tokens.public_jwk(private, algorithm, str(key))
        return {"key": key, "algorithm": algorithm, "private": private, "public": public}


def _keys(reader: Reader) -> tuple[list[SigningKey], tuple[SigningKey, str] | None]:
    found = service.published(reader)
    signing = service.signing(found, reader.machine_now)
    return found, None if signing is None else (signing, service.private_of(reader, signing))


def _public(key: SigningKey) -> tuple[Key, Algorithm]:
    return signed_tokens.public_key(key.public), _algorithm(key)


def _algorithm(key: SigningKey) -> Algorithm:
    return "RS256" if key.algorithm == "RS256" else "Ed25519"
