"""Carries a sign-in through: what is slow (Argon2id, a provider) happens before the unit that begins the session."""

import secrets
from dataclasses import dataclass
from functools import partial

from openberth.contexts.tenancy.model import phone_codes as codes
from openberth.contexts.tenancy.ports import Texting, Vouching
from openberth.contexts.tenancy.reactions.keys import Keyring
from openberth.contexts.tenancy.service import phone_codes, sessions, signing_in
from openberth.contexts.tenancy.service.keys import TOKEN_US
from openberth.contexts.tenancy.service.sessions import Device, digest_of
from openberth.contexts.tenancy.service.signing_in import Outcome
from openberth.infra.buckets import Buckets, Rate, per_minute
from openberth.infra.database import Database
from openberth.infra.http.limits import limit_key
from openberth.infra.http.problems import TooMany
from openberth.infra.http.spending import spend
from openberth.infra.passwords import Hashing
from openberth.kernel.authority import EVERYTHING, Actor, ActorKind, Caller
from openberth.kernel.errors import Overloaded, Refused, Unknown
from openberth.kernel.persons import Phone
from openberth.kernel.time import HOUR_US, SECOND_US

SIGN_INS = per_minute("sign-in", 20)  # tries of one address to prove who somebody is
CODES = Rate("phone-code", 20, HOUR_US, 20)  # codes that one address has sent; many phones may stand behind it
SECRET_BYTES = 32
CODES_PER_DAY = 5_000  # messages cost money


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a sign-in gives: an access token with its seconds, and a refresh token that is good for one use."""

    access: str
    expires_in: int
    refresh: str | None


class Reception:
    """Takes sign-ins in."""

    def __init__(
        self,
        database: Database,
        keys: Keyring,
        hashing: Hashing,
        buckets: Buckets,
        vouching: Vouching | None = None,
        texting: Texting | None = None,
        codes_per_day: int = CODES_PER_DAY,
    ) -> None:
        self._database = database
        self._buckets = buckets
        self._keys = keys
        self._hashing = hashing
        self._vouching = vouching
        self._texting = texting
        self._codes_per_day = codes_per_day

    async def sign_in(self, *, login: str, password: str, code: str | None, device: Device) -> Tokens:
        """Sign a person in. Raises ``Unknown`` (``auth.wrong``, ``auth.code_needed``) and ``TooMany``.

        A login that nobody has, and an account that waits, get the answer of a wrong password after the same work.
        """
        await self.count(device.address)
        by = _by(device.address)
        found = await self._database.read(partial(signing_in.candidate, login=login), by=by)
        digest = None if found is None else found.password
        matches = await self._hashing.matches(digest, password)
        refresh = secrets.token_urlsafe(SECRET_BYTES)
        outcome = await self._database.write(
            partial(
                signing_in.sign_in, account=None if found is None else found.id, digest=digest,
                matches=matches, code=code, device=device, refresh=digest_of(refresh),
            ),
            by=by,
        )  # fmt: skip
        return await self._tokens(outcome, refresh)

    async def machine(self, *, client: str, secret: str, device: Device) -> Tokens:
        """Let an integrator in by its client secret (RFC 6749 section 4.4). Raises ``Unknown("auth.wrong")``."""
        await self.count(device.address)
        use_case = partial(
            signing_in.sign_in_machine, secret=digest_of(secret), client=client, device=device, life_us=TOKEN_US
        )
        return await self._tokens(await self._database.write(use_case, by=_by(device.address)), None)

    async def driver(self, *, login_code: str | None, phone_code: str | None, device: Device) -> Tokens:
        """Sign a driver in by the codes of a mini-program. Raises what the provider says, as a ``Problem``."""
        await self.count(device.address)
        if self._vouching is None:
            raise Refused("wechat.not_configured")
        openid = None if login_code is None else await self._vouching.openid_of(login_code)
        phone = None if phone_code is None else await self._vouching.phone_of(phone_code)
        refresh = secrets.token_urlsafe(SECRET_BYTES)
        use_case = partial(
            signing_in.sign_in_driver, openid=openid, phone=phone, device=device, refresh=digest_of(refresh)
        )
        return await self._tokens(await self._database.write(use_case, by=_by(device.address)), refresh)

    async def known_to_wechat(self, login_code: str) -> tuple[str, str]:
        """Return the mini-program and the openid behind a login code: who pays there, signed in or not."""
        if self._vouching is None:
            raise Refused("wechat.not_configured")
        app, _, openid = (await self._vouching.openid_of(login_code)).partition(":")
        return app, openid

    async def send_code(self, *, phone: Phone, address: str | None) -> None:
        """Send a code to a phone, whether its number is anybody's or not.

        Raises ``TooMany`` for an address or a number, ``Overloaded("sms.spent")`` for the day, and what the ``Texting``
        raises.
        """
        if self._texting is None:
            raise Refused("sms.not_configured")
        await spend(self._buckets, CODES, limit_key(address or ""))
        code = f"{secrets.randbelow(10**codes.DIGITS):0{codes.DIGITS}d}"
        use_case = partial(phone_codes.begin, phone=phone.text, code=code, most_per_day=self._codes_per_day)
        begun = await self._database.write(use_case, by=_by(address))
        if begun.spent:
            raise Overloaded("sms.spent", retry_after_s=HOUR_US // SECOND_US)
        if begun.code is None:
            raise TooMany(begun.wait_s, "sms.wait", seconds=begun.wait_s)
        try:
            await self._texting.send_code(phone.text, code)
        except Refused:
            await self._database.write(partial(phone_codes.take_back, code=begun.code), by=_by(address))
            raise

    async def phone(self, *, phone: Phone, code: str, device: Device) -> Tokens:
        """Sign a driver in by the code that was sent to a phone. Raises ``Unknown``: ``phone.code_wrong``."""
        await self.count(device.address)
        if self._texting is None:
            raise Refused("sms.not_configured")
        refresh = secrets.token_urlsafe(SECRET_BYTES)
        use_case = partial(phone_codes.sign_in, phone=phone.text, code=code, device=device, refresh=digest_of(refresh))
        return await self._tokens(await self._database.write(use_case, by=_by(device.address)), refresh)

    async def refresh(self, *, token: str, address: str | None) -> Tokens:
        """Change a refresh token for new tokens. Raises ``Unknown`` (``auth.refresh``, ``auth.reused``)."""
        following = secrets.token_urlsafe(SECRET_BYTES)
        use_case = partial(sessions.refresh, token=digest_of(token), following=digest_of(following), address=address)
        found = await self._database.write(use_case, by=_by(address))
        if found.session is None:
            raise Unknown("auth.reused" if found.reused else "auth.refresh")
        return Tokens(*await self._keys.issue(found.session), following)

    async def _tokens(self, outcome: Outcome, refresh: str | None) -> Tokens:
        if outcome.session is not None:
            return Tokens(*await self._keys.issue(outcome.session), refresh)
        if outcome.refused == phone_codes.WRONG_CODE:
            raise Unknown("phone.code_wrong")
        raise Unknown("auth.code_needed" if outcome.refused == "code_needed" else "auth.wrong")

    async def count(self, address: str | None) -> None:
        """Count a try to prove who one is. Raises ``TooMany`` for an address that tries too often."""
        await spend(self._buckets, SIGN_INS, limit_key(address or ""))


def _by(address: str | None) -> Caller:
    return Caller(Actor(ActorKind.SYSTEM, "sign-in", address), EVERYTHING)
