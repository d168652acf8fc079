"""Routes of signing in and of one's own sessions, password and second factor."""

from dataclasses import replace
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from pydantic import Field

from openberth.contexts.tenancy.model.accounts import Account, Level, check_password
from openberth.contexts.tenancy.model.phone_codes import DIGITS, LIFE_US, NEXT_AFTER_S
from openberth.contexts.tenancy.reactions.door import Door
from openberth.contexts.tenancy.reactions.reception import Reception, Tokens
from openberth.contexts.tenancy.service import accounts, confirming, grants, notices, second_factor, sessions
from openberth.contexts.tenancy.service.confirming import Shown
from openberth.contexts.tenancy.service.sessions import Device
from openberth.infra import one_time
from openberth.infra.database import Database, Reader
from openberth.infra.http.answers import View, When, instant, instant_or_none
from openberth.infra.http.asks import Form
from openberth.infra.http.auth import anybody, bearer, signed_in
from openberth.infra.http.problems import BadRequest
from openberth.infra.passwords import Hashing, is_common
from openberth.kernel.authority import EVERYTHING, Caller
from openberth.kernel.errors import Malformed, Refused, Unknown
from openberth.kernel.ids import Id
from openberth.kernel.persons import MAX_INPUT, InvalidPerson, Phone
from openberth.kernel.time import SECOND_US

SECRET_MAX = 200
BEARER = "Bearer"
Address = Annotated[str | None, Depends(anybody)]
Self = Annotated[Caller, Depends(signed_in)]


class SignInForm(Form):
    """Login and password of a person; when it has a second factor, the code of its authenticator or a recovery code."""

    login: str = Field(min_length=1, max_length=SECRET_MAX)
    password: str = Field(min_length=1, max_length=SECRET_MAX, json_schema_extra={"format": "password"})
    code: str | None = Field(default=None, max_length=40)


class RefreshForm(Form):
    """A refresh token, good for one use."""

    refresh_token: str = Field(min_length=1, max_length=SECRET_MAX)


class WechatForm(Form):
    """Codes that a mini-program got: of ``wx.login``, of the phone number button, or both."""

    login_code: str | None = Field(default=None, min_length=1, max_length=SECRET_MAX)
    phone_code: str | None = Field(default=None, min_length=1, max_length=SECRET_MAX)


class PhoneForm(Form):
    """The phone to which a code goes: a mobile number of the mainland, in any usual spelling."""

    phone: str = Field(min_length=1, max_length=MAX_INPUT, examples=["13800138000"])

    def number(self) -> Phone:
        """Return the number. Raises ``BadRequest`` with the fault, ``Malformed("phone.mainland_only")``."""
        try:
            found = Phone.read(self.phone)
        except InvalidPerson as error:
            raise BadRequest([{"place": "body.phone", "problem": f"person.fault.{error.fault.value}"}]) from None
        if not found.is_mainland:
            raise Malformed("phone.mainland_only")
        return found


class PhoneCodeForm(PhoneForm):
    """A phone, and the code of six digits that was sent to it."""

    code: str = Field(min_length=DIGITS, max_length=DIGITS, pattern="^[0-9]+$", examples=["012345"])


class CodeSentView(View):
    """That a code is under way: for how many seconds it is good, and after how many another may be asked for."""

    good_for_s: int
    next_after_s: int


class SignOutForm(Form):
    """Whether all of one's sessions end."""

    everywhere: bool = False


class PasswordForm(Form):
    """The password until now, and the new one."""

    old: str = Field(min_length=1, max_length=SECRET_MAX)
    new: str = Field(min_length=1, max_length=SECRET_MAX)


class SecondFactorForm(Form):
    """The secret that an authenticator took, the code it shows now, and one's password: a token alone is not enough."""

    password: str = Field(min_length=1, max_length=SECRET_MAX)
    secret: str = Field(min_length=16, max_length=64)
    code: str = Field(min_length=6, max_length=6)


class RecoveryForm(Form):
    """One's password: a token alone is not enough."""

    password: str = Field(min_length=1, max_length=SECRET_MAX)


class TokensView(View):
    """What a sign-in gives. The access token is good for ``expires_in`` seconds, the refresh token for one use."""

    access_token: str
    token_type: str
    expires_in: int
    refresh_token: str | None


class SessionView(View):
    """A sign-in that goes on. ``current`` is the one that asks."""

    id: Id
    how: str
    device: str
    address: str | None
    began_at: When
    used_at: When
    ends_at: When
    current: bool


class SessionsView(View):
    """One's own sessions, newest first."""

    items: list[SessionView]


class OwnGrantView(View):
    """A role that one has, and where."""

    role: str
    level: Level
    node: Id | None
    company: Id | None
    until: When | None


class MeView(View):
    """Who asks, and what it may do where it acts now."""

    account: str
    company: Id | None
    lots: list[Id] | None
    companies: list[Id] | None = Field(description="who acts for a partner: the partner and its companies")
    permissions: list[str]
    grants: list[OwnGrantView]
    unread_notices: int = Field(description="`GET /v1/me/notices` tells them")


class SecretView(View):
    """A fresh secret for an authenticator, not in use before a code of it was shown; ``address`` as a QR code."""

    secret: str
    address: str


class RecoveryCodesView(View):
    """Codes that let in once each without the authenticator. They are shown this once and cannot be asked for again."""

    recovery_codes: list[str]


class SecondFactorView(View):
    """Whether one is asked for a second factor, and how many recovery codes are left."""

    active: bool
    recovery_codes_left: int


class SignInApi:
    """Serves the routes."""

    def __init__(self, database: Database, reception: Reception, door: Door, hashing: Hashing) -> None:
        self._database = database
        self._reception = reception
        self._door = door
        self._hashing = hashing
        self.router = APIRouter(prefix="/v1/auth", tags=["auth"])
        add = self.router.add_api_route
        add("/sign-in", self.sign_in, methods=["POST"])
        add("/refresh", self.refresh, methods=["POST"])
        add("/wechat", self.wechat, methods=["POST"])
        add("/phone/code", self.phone_code, methods=["POST"], status_code=202)
        add("/phone", self.phone, methods=["POST"])
        add("/sign-out", self.sign_out, methods=["POST"], status_code=204)
        add("/me", self.me, methods=["GET"])
        add("/sessions", self.sessions, methods=["GET"])
        add("/sessions/{session}", self.end, methods=["DELETE"], status_code=204)
        add("/password", self.password, methods=["POST"], status_code=204)
        add("/second-factor", self.new_secret, methods=["POST"])
        add("/second-factor", self.second_factor, methods=["PUT"])
        add("/second-factor", self.factor, methods=["GET"])
        add("/second-factor/recovery-codes", self.recovery_codes, methods=["POST"])

    async def sign_in(self, form: SignInForm, request: Request, address: Address) -> TokensView:
        """Sign in with login and password."""
        device = device_of(request, address)
        return tokens_view(
            await self._reception.sign_in(login=form.login, password=form.password, code=form.code, device=device)
        )

    async def refresh(self, form: RefreshForm, address: Address) -> TokensView:
        """Change a refresh token for new tokens; using one a second time ends its whole session."""
        return tokens_view(await self._reception.refresh(token=form.refresh_token, address=address))

    async def wechat(self, form: WechatForm, request: Request, address: Address) -> TokensView:
        """Sign a driver in by the codes of a mini-program; who comes first gets an account."""
        if form.login_code is None and form.phone_code is None:
            raise Unknown("wechat.code")
        device = device_of(request, address)
        return tokens_view(
            await self._reception.driver(login_code=form.login_code, phone_code=form.phone_code, device=device)
        )

    async def phone_code(self, form: PhoneForm, address: Address) -> CodeSentView:
        """Send a code of six digits to a phone; the answer is the same whether the number is anybody's or not."""
        await self._reception.send_code(phone=form.number(), address=address)
        return CodeSentView(good_for_s=LIFE_US // SECOND_US, next_after_s=NEXT_AFTER_S)

    async def phone(self, form: PhoneCodeForm, request: Request, address: Address) -> TokensView:
        """Sign a driver in by the code that was sent to a phone; who comes first gets an account."""
        device = device_of(request, address)
        return tokens_view(await self._reception.phone(phone=form.number(), code=form.code, device=device))

    async def sign_out(self, form: SignOutForm, request: Request, by: Self) -> None:
        """End this session, or all of one's own."""
        account, session = account_of(by), await self._session(request)
        if form.everywhere:
            use_case = partial(sessions.sign_out_everywhere, account=account)
        else:
            use_case = partial(sessions.sign_out, account=account, session=session)
        await self._database.write(use_case, by=own(by))

    async def me(self, by: Self) -> MeView:
        """Tell who one is and what one may do."""
        return await self._database.read(partial(_me, by=by), by=own(by))

    async def sessions(self, request: Request, by: Self) -> SessionsView:
        """Return one's own sessions."""
        current = await self._session(request)
        found = await self._database.read(partial(sessions.open_sessions, account=account_of(by)), by=own(by))
        items = [
            SessionView(
                id=each.id, how=each.how, device=each.device, address=each.address, began_at=instant(each.began_at),
                used_at=instant(each.used_at), ends_at=instant(each.ends_at), current=each.id == current,
            )
            for each in found
        ]  # fmt: skip
        return SessionsView(items=items)

    async def end(self, session: Annotated[Id, Path()], by: Self) -> None:
        """End one of one's own sessions."""
        await self._database.write(partial(sessions.sign_out, account=account_of(by), session=session), by=own(by))

    async def password(self, form: PasswordForm, request: Request, by: Self) -> None:
        """Change one's own password; all other sessions end."""
        account = account_of(by)
        found = await self._confirmed(by, form.old)
        check_password(form.new, login=found.login, is_common=is_common)
        digest = await self._hashing.digest(form.new)
        keep = await self._session(request)
        use_case = partial(accounts.change_password, account=account, password=digest, keep=keep)
        await self._database.write(use_case, by=own(by))

    async def new_secret(self, by: Self) -> SecretView:
        """Make a secret for an authenticator; it comes into use once one of its codes was shown."""
        found = await self._database.read(partial(accounts.account, account=account_of(by)), by=own(by))
        secret = one_time.new_secret()
        return SecretView(secret=secret, address=one_time.address_of(secret, login=found.login or str(found.id)))

    async def second_factor(self, form: SecondFactorForm, by: Self) -> RecoveryCodesView:
        """Ask for one-time codes from now on; the answer holds the recovery codes, once."""
        await self._confirmed(by, form.password)
        recovery = one_time.new_recovery_codes()
        use_case = partial(
            second_factor.set_second_factor, account=account_of(by), secret=form.secret, code=form.code,
            recovery=recovery,
        )  # fmt: skip
        await self._database.write(use_case, by=own(by))
        return RecoveryCodesView(recovery_codes=recovery)

    async def factor(self, by: Self) -> SecondFactorView:
        """Tell whether one is asked for a second factor."""
        return await self._database.read(partial(_factor, account=account_of(by)), by=own(by))

    async def recovery_codes(self, form: RecoveryForm, by: Self) -> RecoveryCodesView:
        """Begin with ten new recovery codes; earlier ones are void."""
        await self._confirmed(by, form.password)
        recovery = one_time.new_recovery_codes()
        use_case = partial(second_factor.renew_recovery_codes, account=account_of(by), recovery=recovery)
        await self._database.write(use_case, by=own(by))
        return RecoveryCodesView(recovery_codes=recovery)

    async def _confirmed(self, by: Caller, password: str) -> Account:
        """Return the account of somebody who knows its password, too. Raises ``Unknown("auth.wrong")``.

        A wrong one counts as a failed sign-in: else whoever has a token could try passwords until one is right.
        """
        await self._reception.count(by.actor.address)
        found = await self._database.read(partial(accounts.account, account=account_of(by)), by=own(by))
        shown = Shown(found.password, await self._hashing.matches(found.password, password))
        if not await self._database.write(partial(confirming.prove, account=found.id, shown=shown), by=own(by)):
            raise Unknown("auth.wrong")
        return found

    async def _session(self, request: Request) -> Id:
        token = bearer(request.headers.get("authorization"))
        session = None if token is None else await self._door.session_of(token)
        if session is None:
            raise Refused("auth.no_session")
        return session


def tokens_view(tokens: Tokens) -> TokensView:
    """Return tokens as they leave."""
    return TokensView(
        access_token=tokens.access, token_type=BEARER, expires_in=tokens.expires_in, refresh_token=tokens.refresh
    )  # fmt: skip


def device_of(request: Request, address: str | None) -> Device:
    """Return what a sign-in came with."""
    words = request.headers.get("user-agent", "")
    return Device("".join(each for each in words if each.isprintable())[:120], address)


def account_of(by: Caller) -> Id:
    """Return the account of a caller. Raises ``Refused("auth.no_session")`` for the operator token."""
    try:
        return Id(by.actor.name)
    except ValueError:
        raise Refused("auth.no_session") from None  # the operator token of this machine


def own(by: Caller) -> Caller:
    """Return the caller as it looks after itself: with no permission, and wherever its account stands."""
    return replace(by, scope=EVERYTHING, permissions=frozenset())


def _factor(reader: Reader, account: Id) -> SecondFactorView:
    found = accounts.account(reader, account=account)
    left = second_factor.recovery_codes_left(reader, account=account)
    return SecondFactorView(active=found.totp is not None, recovery_codes_left=left)


def _me(reader: Reader, by: Caller) -> MeView:
    held = grants.held_by(reader, account=account_of(by)) if _is_account(by) else []
    scope = by.scope
    return MeView(
        account=by.actor.name, company=scope.company, lots=None if scope.lots is None else list(scope.lots),
        companies=None if scope.companies is None else list(scope.companies),
        permissions=sorted(by.permissions or ()),
        unread_notices=notices.unread(reader, account=account_of(by)) if _is_account(by) else 0,
        grants=[
            OwnGrantView(
                role=each.grant.role, level=each.grant.level, node=each.grant.node, company=each.grant.company,
                until=instant_or_none(each.grant.until),
            )
            for each in held
        ],
    )  # fmt: skip


def _is_account(by: Caller) -> bool:
    try:
        Id(by.actor.name)
    except ValueError:
        return False
    return True
