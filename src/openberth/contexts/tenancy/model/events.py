"""What happens to accounts and to the organisation, as events: ids and words only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from openberth.kernel.ids import Id


@dataclass(frozen=True, slots=True)
class AccountMade:
    """An account was made."""

    KIND: ClassVar[str] = "tenancy.account_made"
    VERSION: ClassVar[int] = 1
    account: Id
    kind: str


@dataclass(frozen=True, slots=True)
class AccountChanged:
    """An account was changed. ``what``: password, totp, recovery_codes, locked, unlocked, closed, secret."""

    KIND: ClassVar[str] = "tenancy.account_changed"
    VERSION: ClassVar[int] = 1
    account: Id
    what: str


@dataclass(frozen=True, slots=True)
class SecondFactorRemoved:
    """Somebody else took the second factor from an account, for whoever had lost it."""

    KIND: ClassVar[str] = "tenancy.second_factor_removed"
    VERSION: ClassVar[int] = 1
    account: Id
    reason: str


@dataclass(frozen=True, slots=True)
class RecoveryCodeUsed:
    """A recovery code let somebody in; ``codes_left`` are still good."""

    KIND: ClassVar[str] = "tenancy.recovery_code_used"
    VERSION: ClassVar[int] = 1
    account: Id
    codes_left: int


@dataclass(frozen=True, slots=True)
class GrantGiven:
    """A role was given to an account at a node."""

    KIND: ClassVar[str] = "tenancy.grant_given"
    VERSION: ClassVar[int] = 1
    account: Id
    grant: Id
    role: str
    level: str
    node: Id | None


@dataclass(frozen=True, slots=True)
class GrantTaken:
    """A role was taken back from an account."""

    KIND: ClassVar[str] = "tenancy.grant_taken"
    VERSION: ClassVar[int] = 1
    account: Id
    grant: Id
    role: str


@dataclass(frozen=True, slots=True)
class RoleChanged:
    """A company's own role has other permissions from now on; none when it was dropped."""

    KIND: ClassVar[str] = "tenancy.role_changed"
    VERSION: ClassVar[int] = 1
    role: str
    added: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session began. ``how``: password, wechat, secret."""

    KIND: ClassVar[str] = "tenancy.signed_in"
    VERSION: ClassVar[int] = 1
    account: Id
    session: Id
    how: str


@dataclass(frozen=True, slots=True)
class SignInRefused:
    """Somebody failed to sign in. ``reason``: password, code, waiting, state, unknown or phone_code (the last two of
    ``NOBODY``).
    """

    KIND: ClassVar[str] = "tenancy.sign_in_refused"
    VERSION: ClassVar[int] = 1
    account: Id
    reason: str
    failures: int


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """A session ended. ``reason``: signed_out, ended_by_other, reuse, account."""

    KIND: ClassVar[str] = "tenancy.session_ended"
    VERSION: ClassVar[int] = 1
    account: Id
    session: Id
    reason: str


@dataclass(frozen=True, slots=True)
class SessionConfirmed:
    """Somebody who is signed in proved itself once more. ``how``: password, code."""

    KIND: ClassVar[str] = "tenancy.session_confirmed"
    VERSION: ClassVar[int] = 1
    account: Id
    session: Id
    how: str


@dataclass(frozen=True, slots=True)
class ApiKeyMade:
    """A key by which a machine signs its requests was made, with what it may be used for."""

    KIND: ClassVar[str] = "tenancy.api_key_made"
    VERSION: ClassVar[int] = 1
    account: Id
    key: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ApiKeyEnded:
    """A key of a machine holds no longer."""

    KIND: ClassVar[str] = "tenancy.api_key_ended"
    VERSION: ClassVar[int] = 1
    account: Id
    key: str


@dataclass(frozen=True, slots=True)
class SigningKeyMade:
    """A key for access tokens was made; it signs after it has been published for a while."""

    KIND: ClassVar[str] = "tenancy.signing_key_made"
    VERSION: ClassVar[int] = 1
    key: Id
    algorithm: str


@dataclass(frozen=True, slots=True)
class NodeMade:
    """A partner, company or property was made (``level``)."""

    KIND: ClassVar[str] = "tenancy.node_made"
    VERSION: ClassVar[int] = 1
    level: str
    node: Id
    code: str


@dataclass(frozen=True, slots=True)
class NodeChanged:
    """A node of the organisation changed. ``what``: renamed, moved, placed, closed.

    Who a place is may decide who may do what: whoever remembers that looks again.
    """

    KIND: ClassVar[str] = "tenancy.node_changed"
    VERSION: ClassVar[int] = 1
    level: str
    node: Id
    what: str
    before: Mapping[str, str]
    after: Mapping[str, str]
    reason: str | None


@dataclass(frozen=True, slots=True)
class LotLeft:
    """A lot went to another company (``company``); told to the one that it left."""

    KIND: ClassVar[str] = "tenancy.lot_left"
    VERSION: ClassVar[int] = 1
    lot: Id
    company: Id
    reason: str


@dataclass(frozen=True, slots=True)
class LotCame:
    """A lot came from another company (``company``); told to the one that it came to."""

    KIND: ClassVar[str] = "tenancy.lot_came"
    VERSION: ClassVar[int] = 1
    lot: Id
    company: Id
    reason: str


@dataclass(frozen=True, slots=True)
class SettingChanged:
    """A setting was set, locked, unlocked or cleared at a node; what was not set is empty."""

    KIND: ClassVar[str] = "tenancy.setting_changed"
    VERSION: ClassVar[int] = 1
    key: str
    level: str
    node: Id
    before: Mapping[str, str]
    after: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ExportAsked:
    """Somebody asked for all data of a company or partner."""

    KIND: ClassVar[str] = "tenancy.export_asked"
    VERSION: ClassVar[int] = 1
    export: Id
    level: str
    node: Id
    unmasked: bool
    reason: str


@dataclass(frozen=True, slots=True)
class ExportFetched:
    """The data of a tenant left, to whoever had asked for it."""

    KIND: ClassVar[str] = "tenancy.export_fetched"
    VERSION: ClassVar[int] = 1
    export: Id
    lines: int
