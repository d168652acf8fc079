"""Who a bearer token belongs to and what it may do now: the operator token of this machine, or an access token.

A token's signature is verified once and remembered by digest until it ends. What its account may do is read with its
session, kept for seconds, and dropped at once when the log tells of a change.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from openberth.contexts.tenancy.model.accounts import Account, AccountKind, Level
from openberth.contexts.tenancy.model.acting import NOWHERE, Acting, Held, Place, acting
from openberth.contexts.tenancy.model.events import (
    AccountChanged,
    GrantGiven,
    GrantTaken,
    LotCame,
    NodeChanged,
    NodeMade,
    RoleChanged,
    SecondFactorRemoved,
    SessionEnded,
    SettingChanged,
)
from openberth.contexts.tenancy.model.permissions import OFFICERS, PERMISSIONS, Role
from openberth.contexts.tenancy.model.settings import SECOND_FACTOR
from openberth.contexts.tenancy.reactions.keys import Keyring
from openberth.contexts.tenancy.service import companies, tokens
from openberth.contexts.tenancy.service.settings import setting_of
from openberth.contexts.tenancy.service.signing_in import standing
from openberth.infra.buckets import Buckets, per_minute
from openberth.infra.database import Database, Reader
from openberth.infra.http.limits import limit_key
from openberth.infra.http.spending import spend
from openberth.kernel.authority import EVERYTHING, Actor, ActorKind, Caller, Proof, system
from openberth.kernel.errors import NotFound, Refused, Unknown
from openberth.kernel.events import Envelope
from openberth.kernel.ids import Id
from openberth.kernel.time import SECOND_US, Instant

KNOWN_US = 5 * SECOND_US
WRONG_TOKENS_PER_MINUTE = 60  # of one address
KNOWN_MAX = 10_000
TOKEN_LENGTHS = range(16, 2_001)
COMPANY_NAME_MAX = 40
# They may change what anybody may do: what a role holds, what lies below a node, what is asked of administrators.
OF_ACCOUNTS = frozenset(
    (AccountChanged.KIND, SecondFactorRemoved.KIND, GrantGiven.KIND, GrantTaken.KIND, SessionEnded.KIND)
)
OF_EVERYBODY = frozenset((RoleChanged.KIND, NodeMade.KIND, NodeChanged.KIND, LotCame.KIND, SettingChanged.KIND))
ADMINISTRATORS = frozenset((*OFFICERS, Role.COMPANY_MANAGER))

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class _Verified:
    """A token whose signature was found good."""

    session: Id
    expires_at: Instant


@dataclass(frozen=True, slots=True)
class _Known:
    """What a session stood for when it was read, in one company or partner or in none named."""

    read_at: Instant
    account: Id
    kind: ActorKind
    acting: Acting | Refused | NotFound


@dataclass(frozen=True, slots=True)
class _Found:
    """What was read of a session: its account, what it holds, and the place that was named."""

    account: Account
    held: tuple[Held, ...]
    place: Place | None
    closed: frozenset[Id]
    lacks_factor: bool


class Door:
    """Lets callers in."""

    def __init__(
        self, database: Database, keys: Keyring, buckets: Buckets, *, second_factor_for_administrators: bool = False,
        wrong_tokens_per_minute: int = WRONG_TOKENS_PER_MINUTE,
    ) -> None:  # fmt: skip
        self._database = database
        self._buckets = buckets
        self._wrong_tokens = per_minute("wrong-token", wrong_tokens_per_minute)
        self._machine = database.clocks.machine
        self._keys = keys
        self._enforced = second_factor_for_administrators
        self._by = system("auth")
        self._operators: OrderedDict[bytes, tuple[Instant, str | None]] = OrderedDict()
        self._verified: OrderedDict[bytes, _Verified] = OrderedDict()
        self._known: OrderedDict[tuple[Id, str | None], _Known] = OrderedDict()
        self._changes = 0

    def watch(self, events: Sequence[Envelope]) -> None:
        """Look at the log: whoever it tells of is read anew at the next request."""
        for event in events:
            if self.concerns_everybody(event):
                self._known.clear()
                self._changes += 1
            elif event.kind in OF_ACCOUNTS:
                self._changes += 1
                for key in [key for key, known in self._known.items() if known.account == event.key]:
                    del self._known[key]

    def concerns_everybody(self, event: Envelope) -> bool:
        """Tell whether an event may change what anybody may do."""
        return event.kind in OF_EVERYBODY

    async def caller(self, token: str, address: str | None, company: str | None = None) -> Caller:
        """Return who a token belongs to, in the company or partner that is named, or in the only one there is.

        Raises ``Unknown("auth.required")``, ``TooMany`` for an address with many wrong tokens (a right one passes all
        the same: a display with an old token must not shut out the guard who sits beside it),
        ``NotFound("company.not_found")`` and ``Refused("auth.which_company")``.
        """
        try:
            return await self._caller(token, address, company)
        except Unknown:
            await spend(self._buckets, self._wrong_tokens, limit_key(address or ""))
            raise

    async def _caller(self, token: str, address: str | None, company: str | None) -> Caller:
        if len(token) not in TOKEN_LENGTHS or not token.isascii():
            raise Unknown("auth.required")
        if token.count(".") != 2:
            return await self._operator(token, address)
        session = await self._session_of(token, self._machine.now())
        return await self.of_session(session, address, company)

    async def of_session(self, session: Id, address: str | None, company: str | None = None) -> Caller:
        """Return who a session belongs to and what it may do now; as ``caller``, for who has proved the session."""
        now = self._machine.now()
        known = self._known.get((session, company))
        if known is None or not 0 <= now - known.read_at < KNOWN_US:
            known = await self._read(session, company, now)
        if not isinstance(known.acting, Acting):
            raise known.acting
        who = Actor(known.kind, str(known.account), address)
        return Caller(who, known.acting.scope, known.acting.permissions, Proof.TOKEN)

    async def session_of(self, token: str) -> Id | None:
        """Return the session of an access token, None for the operator token. Raises ``Unknown``."""
        return None if token.count(".") != 2 else await self._session_of(token, self._machine.now())

    async def _session_of(self, token: str, now: Instant) -> Id:
        digest = hashlib.sha256(token.encode()).digest()
        verified = self._verified.get(digest)
        if verified is None:
            claims = await self._keys.verified(token)
            try:
                verified = _Verified(Id(claims.session), claims.expires_at)
            except ValueError:
                raise Unknown("auth.required") from None
            _remember(self._verified, digest, verified)
        if now >= verified.expires_at:
            del self._verified[digest]
            raise Unknown("auth.required")
        return verified.session

    async def _read(self, session: Id, company: str | None, now: Instant) -> _Known:
        if company is not None and len(company) > COMPANY_NAME_MAX:
            raise NotFound("company.not_found", company=company[:COMPANY_NAME_MAX])
        changes = self._changes
        found = await self._database.read(
            partial(_found, session=session, place=company, enforced=self._enforced), by=self._by
        )
        if found is None:
            raise Unknown("auth.required")
        kind = ActorKind.PERSON if found.account.kind is AccountKind.PERSON else ActorKind.INTEGRATOR
        known = _Known(now, found.account.id, kind, _acting(found, company))
        if changes == self._changes:  # otherwise what was read may be older than what the log has told meanwhile
            _remember(self._known, (session, company), known)
        return known

    async def _operator(self, token: str, address: str | None) -> Caller:
        digest = hashlib.sha256(token.encode()).digest()
        now = self._machine.now()
        known = self._operators.get(digest)
        if known is None or not 0 <= now - known[0] < KNOWN_US:
            known = (now, await self._database.read(partial(tokens.operator_of, token=token), by=self._by))
            _remember(self._operators, digest, known)
        if known[1] is None:
            raise Unknown("auth.required")
        # Whoever may read the token's file owns the data and the keys of this machine: it holds every permission.
        return Caller(Actor(ActorKind.PERSON, known[1], address), EVERYTHING, PERMISSIONS, Proof.OPERATOR)


def _remember(cache: OrderedDict[K, V], key: K, value: V) -> None:
    cache[key] = value
    cache.move_to_end(key)
    while len(cache) > KNOWN_MAX:
        cache.popitem(last=False)


def _acting(found: _Found, name: str | None) -> Acting | Refused | NotFound:
    if name is not None and found.place is None:
        return NotFound("company.not_found", company=name)
    try:
        here: Acting | Refused = acting(found.held, at=found.place, closed=found.closed)
    except NotFound:
        # In the words that were sent: the id of a company would tell that there is one.
        return NotFound("company.not_found", company=name)
    except Refused as problem:
        here = problem
    if found.lacks_factor:
        return Acting(NOWHERE, frozenset())  # it may sign in, and do nothing before it has a second factor
    return here


def _found(reader: Reader, session: Id, place: str | None, enforced: bool) -> _Found | None:
    now = standing(reader, session=session)
    if now is None:
        return None
    named = None if place is None else companies.place_named(reader, name=place)
    concerned = {each.grant.company for each in now.held} | ({named.id} if named is not None else set())
    concerned |= {below for each in now.held if each.grant.level is Level.PARTNER for below in each.places}
    concerned |= set(named.companies or ()) if named is not None else set()
    closed = companies.closed_among(reader, companies=(each for each in concerned if each is not None))
    lacks = now.account.totp is None and any(_wants_factor(reader, each, enforced) for each in now.held)
    return _Found(now.account, now.held, named, closed, lacks)


def _wants_factor(reader: Reader, held: Held, enforced: bool) -> bool:
    """Tell whether a grant makes an administrator of whom a second factor is asked; the file's word is the floor."""
    if held.grant.role not in ADMINISTRATORS:
        return False
    return enforced or bool(setting_of(reader, SECOND_FACTOR, company=held.grant.company))
