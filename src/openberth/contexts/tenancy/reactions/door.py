"""Who comes in and what it may do now: by the operator token of this machine, an access token, or a signed request.

A token's signature is verified once and remembered by digest until it ends. What its account may do is read with its
session, kept for seconds, and dropped at once when the log tells of a change.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from openberth.contexts.tenancy.model.accounts import Account, AccountKind, Level
from openberth.contexts.tenancy.model.acting import NOWHERE, Acting, Held, Place, acting
from openberth.contexts.tenancy.model.events import (
    AccountChanged,
    ApiKeyEnded,
    ApiKeyMade,
    GrantGiven,
    GrantTaken,
    LotCame,
    NodeChanged,
    NodeMade,
    RoleChanged,
    SecondFactorRemoved,
    SessionConfirmed,
    SessionEnded,
    SettingChanged,
)
from openberth.contexts.tenancy.model.permissions import OFFICERS, PERMISSIONS, Role
from openberth.contexts.tenancy.model.settings import SECOND_FACTOR
from openberth.contexts.tenancy.reactions.api_keys import KeyBook
from openberth.contexts.tenancy.reactions.keys import Keyring
from openberth.contexts.tenancy.service import companies, tokens
from openberth.contexts.tenancy.service.confirming import use_confirmation
from openberth.contexts.tenancy.service.grants import held_by
from openberth.contexts.tenancy.service.settings import setting_of
from openberth.contexts.tenancy.service.signing_in import standing, usable
from openberth.infra.buckets import Buckets, Taken, per_minute
from openberth.infra.database import Database, Reader
from openberth.infra.http.limits import limit_key
from openberth.infra.http.signatures import SignedRequest
from openberth.infra.http.spending import spend
from openberth.kernel.authority import EVERYTHING, Actor, ActorKind, Caller, Proof, system
from openberth.kernel.errors import NotFound, Refused, Unknown
from openberth.kernel.events import Envelope
from openberth.kernel.ids import Id
from openberth.kernel.time import MINUTE_US, SECOND_US, Instant

KNOWN_US = 5 * SECOND_US
WRONG_TOKENS_PER_MINUTE = 60  # of one address
FRESH_MINUTES = 15
KNOWN_MAX = 10_000
TOKEN_LENGTHS = range(16, 2_001)
COMPANY_NAME_MAX = 40
# They may change what anybody may do: what a role holds, what lies below a node, what is asked of administrators.
OF_EVERYBODY = frozenset((RoleChanged.KIND, NodeMade.KIND, NodeChanged.KIND, LotCame.KIND, SettingChanged.KIND))
OF_ACCOUNTS = frozenset((
    AccountChanged.KIND, SecondFactorRemoved.KIND, GrantGiven.KIND, GrantTaken.KIND, SessionEnded.KIND,
    SessionConfirmed.KIND, ApiKeyMade.KIND, ApiKeyEnded.KIND,
))  # fmt: skip
ADMINISTRATORS = frozenset((*OFFICERS, Role.COMPANY_MANAGER))
# A person who has one of these by a company's own role administers, too, whatever the role is called.
ADMINISTERING = frozenset(("account.write", "grant.write", "role.write", "factor.remove"))

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
    proved_at: Instant | None  # when the session proved who it is, by signing in or confirming; None for machines


@dataclass(frozen=True, slots=True)
class _Who:
    """An account that may come in now, what it holds, and when it proved who it is."""

    account: Account
    held: tuple[Held, ...]
    proved_at: Instant | None


@dataclass(frozen=True, slots=True)
class _Found:
    """What was read of a session: its account, what it holds, and the place that was named."""

    account: Account
    held: tuple[Held, ...]
    place: Place | None
    closed: frozenset[Id]
    lacks_factor: bool
    proved_at: Instant | None


class Door:
    """Lets callers in."""

    def __init__(
        self, database: Database, keys: Keyring, buckets: Buckets, *, second_factor_for_administrators: bool = False,
        wrong_tokens_per_minute: int = WRONG_TOKENS_PER_MINUTE, fresh_minutes: int = FRESH_MINUTES,
    ) -> None:  # fmt: skip
        self._database = database
        self._buckets = buckets
        self._wrong_tokens = per_minute("wrong-token", wrong_tokens_per_minute)
        self._machine = database.clocks.machine
        self._keys = keys
        self._fresh_us = fresh_minutes * MINUTE_US
        self._enforced = second_factor_for_administrators
        self._by = system("auth")
        self._operators: OrderedDict[bytes, tuple[Instant, str | None]] = OrderedDict()
        self._verified: OrderedDict[bytes, _Verified] = OrderedDict()
        self._known: OrderedDict[tuple[Id, str | None], _Known] = OrderedDict()
        self._changes = 0
        self._book = KeyBook(database, buckets)

    def watch(self, events: Sequence[Envelope]) -> None:
        """Look at the log: whoever it tells of is read anew at the next request."""
        for event in events:
            if self.concerns_everybody(event):
                self._known.clear()
                self._book.forget()
                self._changes += 1
            elif event.kind in OF_ACCOUNTS:
                self.forget(event.key)

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
            known = await self._read(session, company, now, _of_session)
        if not isinstance(known.acting, Acting):
            raise known.acting
        who = Actor(known.kind, str(known.account), address)
        proof = Proof.TOKEN if known.proved_at is None or now - known.proved_at >= self._fresh_us else Proof.RECENT
        return Caller(who, known.acting.scope, known.acting.permissions, proof)

    async def signed(
        self, request: SignedRequest, address: str | None, company: str | None = None
    ) -> tuple[Caller, tuple[Taken, ...]]:
        """Return who signed a request, with the permissions of its key, and what is left of the key's quotas.

        The request is used up: it comes once. Raises ``Unknown`` (``signature.…``), ``TooMany``, and as ``caller``.
        """
        try:
            opened, taken = await self._book.verified(request)
        except Unknown:
            await spend(self._buckets, self._wrong_tokens, limit_key(address or ""))
            raise
        key, now = opened.key, self._machine.now()
        known = self._known.get((key.account, company))
        if known is None or not 0 <= now - known.read_at < KNOWN_US:
            known = await self._read(key.account, company, now, _of_account)
        if not isinstance(known.acting, Acting):
            raise known.acting
        who = Actor(known.kind, str(known.account), address)
        permissions = known.acting.permissions & key.scopes
        return Caller(who, known.acting.scope, permissions, Proof.SIGNATURE), taken

    @property
    def fresh_minutes(self) -> int:
        """Return for how many minutes a proof counts as recent."""
        return self._fresh_us // MINUTE_US

    def forget(self, account: Id) -> None:
        """Read an account anew at its next request."""
        self._changes += 1
        self._book.forget(account)
        for key in [key for key, known in self._known.items() if known.account == account]:
            del self._known[key]

    async def confirmed(self, token: str, confirmation: str, *, deed: str, subject: str) -> bool:
        """Use a confirmation up; tell whether it was one of this token's session for this deed and subject."""
        session = await self.session_of(token)
        if session is None:
            return False
        use = partial(use_confirmation, session=session, deed=deed, subject=subject, confirmation=confirmation)
        return await self._database.write(use, by=self._by)

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

    async def _read(
        self, of: Id, company: str | None, now: Instant, who: Callable[[Reader, Id], _Who | None]
    ) -> _Known:
        """Read what a session or an account stands for now."""
        if company is not None and len(company) > COMPANY_NAME_MAX:
            raise NotFound("company.not_found", company=company[:COMPANY_NAME_MAX])
        changes = self._changes
        found = await self._database.read(
            partial(_found, of=of, who=who, place=company, enforced=self._enforced), by=self._by
        )
        if found is None:
            raise Unknown("auth.required")
        kind = ActorKind.PERSON if found.account.kind is AccountKind.PERSON else ActorKind.INTEGRATOR
        known = _Known(now, found.account.id, kind, _acting(found, company), found.proved_at)
        if changes == self._changes:  # otherwise what was read may be older than what the log has told meanwhile
            _remember(self._known, (of, company), known)
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


def _of_session(reader: Reader, session: Id) -> _Who | None:
    now = standing(reader, session=session)
    if now is None:
        return None
    proved_at = now.session.proved_at if now.account.kind is AccountKind.PERSON else None
    return _Who(now.account, now.held, proved_at)


def _of_account(reader: Reader, account: Id) -> _Who | None:
    found = usable(reader, account=account)
    return None if found is None else _Who(found, tuple(held_by(reader, account=account)), None)


def _found(
    reader: Reader, of: Id, who: Callable[[Reader, Id], _Who | None], place: str | None, enforced: bool
) -> _Found | None:
    now = who(reader, of)
    if now is None:
        return None
    named = None if place is None else companies.place_named(reader, name=place)
    concerned = {each.grant.company for each in now.held} | ({named.id} if named is not None else set())
    concerned |= {below for each in now.held if each.grant.level is Level.PARTNER for below in each.places}
    concerned |= set(named.companies or ()) if named is not None else set()
    closed = companies.closed_among(reader, companies=(each for each in concerned if each is not None))
    administering = ADMINISTERING if now.account.kind is AccountKind.PERSON else frozenset[str]()
    lacks = now.account.totp is None and any(_wants_factor(reader, each, enforced, administering) for each in now.held)
    return _Found(now.account, now.held, named, closed, lacks, now.proved_at)


def _wants_factor(reader: Reader, held: Held, enforced: bool, administering: Collection[str]) -> bool:
    """Tell whether a grant makes an administrator of whom a second factor is asked; the file's word is the floor."""
    if held.grant.role not in ADMINISTRATORS and held.permissions.isdisjoint(administering):
        return False
    return enforced or bool(setting_of(reader, SECOND_FACTOR, company=held.grant.company))
