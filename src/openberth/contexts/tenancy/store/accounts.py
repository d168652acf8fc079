"""Accounts, grants and own roles: tables and statements."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, bindparam, delete, or_, select, update

from openberth.contexts.tenancy.model.accounts import Account, AccountKind, AccountState, Failures, Grant, Level, Who
from openberth.infra.database.schema import table
from openberth.infra.database.statement import Query, Write, insert_into, one_id
from openberth.infra.database.types import enum_column, id_column, instant_column, json_column, word_column
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant

account = table(
    "account",
    id_column(primary_key=True),
    id_column("company_id", nullable=True),
    enum_column("kind", AccountKind),
    word_column("login", 60, nullable=True),
    id_column("name_id", nullable=True),
    id_column("phone_id", nullable=True),
    id_column("openid_id", nullable=True),
    enum_column("state", AccountState),
    word_column("password", 200, nullable=True),
    id_column("totp_id", nullable=True),
    Column("totp_step", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False),
    instant_column("failed_at", nullable=True),
    instant_column("wait_until", nullable=True),
    instant_column("created_at"),
    word_column("created_by", 100),
    Column("version", BigInteger, nullable=False),
    instant_column("changed_at", nullable=True),  # null: nobody decided anything since it was made
    scope=("company_id", None),
)
Index("uq_account_login", account.c.login, unique=True)
Index("uq_account_phone", account.c.phone_id, unique=True)
Index("uq_account_openid", account.c.openid_id, unique=True)
Index("ix_account_company", account.c.company_id, account.c.id)

account_grant = table(
    "account_grant",
    id_column(primary_key=True),
    id_column("account_id"),
    word_column("role", 40),
    enum_column("level", Level),
    id_column("node", nullable=True),
    id_column("company_id", nullable=True),
    word_column("granted_by", 100),
    instant_column("granted_at"),
    instant_column("until_at", nullable=True),
    scope=("company_id", None),
)
Index("ix_account_grant_account", account_grant.c.account_id)
Index("ix_account_grant_role", account_grant.c.company_id, account_grant.c.role)

own_role = table(
    "own_role",
    id_column(primary_key=True),
    id_column("company_id"),
    word_column("code", 40),
    word_column("name", 80),
    json_column("permissions"),
    Column("version", BigInteger, nullable=False),
    scope=("company_id", None),
)
Index("uq_own_role_code", own_role.c.company_id, own_role.c.code, unique=True)

client_secret = table(
    "client_secret",
    word_column("digest", 64, primary_key=True),
    id_column("account_id"),
    instant_column("created_at"),
    instant_column("until_at", nullable=True),
)
Index("ix_client_secret_account", client_secret.c.account_id)


def _account(
    found: Id, kind: AccountKind, company: Id | None, login: str | None, name: Id | None, state: AccountState,
    password: str | None, totp: Id | None, totp_step: int, failures: int, failed_at: Instant | None,
    wait_until: Instant | None, created_at: Instant, version: int, changed_at: Instant | None,
) -> Account:  # fmt: skip
    return Account(
        found, kind, company, login, name, state, password, totp, totp_step,
        Failures(failures, failed_at, wait_until), created_at, version, changed_at or created_at,
    )  # fmt: skip


_ACCOUNT = select(*(account.c[name] for name in (
    "id", "kind", "company_id", "login", "name_id", "state", "password", "totp_id", "totp_step", "failures",
    "failed_at", "wait_until", "created_at", "version", "changed_at",
)))  # fmt: skip
INSERT_ACCOUNT = insert_into(account)
ACCOUNT_BY_ID = Query(_ACCOUNT.where(account.c.id == bindparam("account")), _account)
ACCOUNT_BY_LOGIN = Query(_ACCOUNT.where(account.c.login == bindparam("login")), _account)
LOGIN_TAKEN = Query(select(account.c.id).where(account.c.login == bindparam("login")), one_id, everywhere=True)
ACCOUNT_BY_PHONE = Query(_ACCOUNT.where(account.c.phone_id == bindparam("phone")), _account)
ACCOUNT_BY_OPENID = Query(_ACCOUNT.where(account.c.openid_id == bindparam("openid")), _account)
# Of rules, not of lists: whose number it is decides, and never leaves.
PHONE_TAKEN = Query(select(account.c.id).where(account.c.phone_id == bindparam("phone")), one_id, everywhere=True)
PHONE_OF = Query(select(account.c.phone_id).where(account.c.id == bindparam("account")), one_id)
_WHO = {
    Who.STAFF: (account.c.kind == AccountKind.PERSON, account.c.login.is_not(None)),
    Who.DRIVERS: (account.c.kind == AccountKind.PERSON, account.c.login.is_(None)),
    Who.INTEGRATORS: (account.c.kind == AccountKind.INTEGRATOR,),
    Who.BOXES: (account.c.kind == AccountKind.BOX,),
}
_PAGES = {
    (who, by_state): Query(
        _ACCOUNT.where(
            account.c.id < bindparam("before"), *(_WHO[who] if who else ()),
            *((account.c.state == bindparam("state"),) if by_state else ()),
        )
        .order_by(account.c.id.desc())
        .limit(bindparam("most")),
        _account,
    )
    for who in (None, *Who)
    for by_state in (False, True)
}  # fmt: skip


def accounts_page(who: Who | None, state: AccountState | None) -> tuple[Query[Account], dict[str, AccountState]]:
    """Return the query for a page of accounts, newest first, of these people and in this state, and its filter."""
    return _PAGES[who, state is not None], {} if state is None else {"state": state}


ACTIVE_ACCOUNTS_OF = Query(
    select(account.c.id).where(account.c.company_id == bindparam("company"), account.c.state == bindparam("state")),
    one_id,
)
# Login and kind never change; every save checks that nobody was faster.
SAVE_ACCOUNT = Write(
    update(account)
    .where(account.c.id == bindparam("account"), account.c.version == bindparam("seen"))
    .values({
        name: bindparam(f"new_{name}") for name in (
            "state", "password", "totp_id", "totp_step", "failures", "failed_at", "wait_until", "changed_at",
        )
    } | {"version": account.c.version + 1})
)  # fmt: skip
BIND_OPENID = Write(update(account).where(account.c.id == bindparam("account")).values(openid_id=bindparam("openid")))

_GRANT = select(*(account_grant.c[name] for name in (
    "id", "account_id", "role", "level", "node", "company_id", "granted_by", "granted_at", "until_at",
)))  # fmt: skip
INSERT_GRANT = insert_into(account_grant)
GRANTS_OF = Query(
    _GRANT.where(account_grant.c.account_id == bindparam("account")).order_by(account_grant.c.id).limit(200), Grant
)
# Of rules about whom an account is, not of lists: somebody of a company may be an officer of the platform.
ALL_GRANTS_OF = Query(GRANTS_OF.clause, Grant, everywhere=True)
# At a node that goes or closes: whoever holds them.
GRANTS_AT = Query(
    _GRANT.where(account_grant.c.node == bindparam("node"), account_grant.c.level == bindparam("level")), Grant
)
GRANT_BY_ID = Query(_GRANT.where(account_grant.c.id == bindparam("grant_id")), Grant)
GRANTS_OF_ROLE = Query(
    _GRANT.where(account_grant.c.company_id == bindparam("company"), account_grant.c.role == bindparam("role")).limit(
        1
    ),
    Grant,
)
DELETE_GRANT = Write(delete(account_grant).where(account_grant.c.id == bindparam("grant_id")))


def _role(found: Id, company: Id, code: str, name: str, permissions: list[str], version: int) -> Mapping[str, Any]:
    return {
        "id": found,
        "company": company,
        "code": code,
        "name": name,
        "permissions": frozenset(permissions),
        "version": version,
    }


_ROLE = select(
    own_role.c.id, own_role.c.company_id, own_role.c.code, own_role.c.name, own_role.c.permissions, own_role.c.version
)
INSERT_ROLE = insert_into(own_role)
ROLES_OF = Query(_ROLE.where(own_role.c.company_id == bindparam("company")).order_by(own_role.c.code).limit(200), _role)
ROLE_BY_CODE = Query(
    _ROLE.where(own_role.c.company_id == bindparam("company"), own_role.c.code == bindparam("code")), _role
)
ANY_ROLE_BY_CODE = Query(ROLE_BY_CODE.clause, _role, everywhere=True)
SAVE_ROLE = Write(
    update(own_role)
    .where(own_role.c.id == bindparam("role_id"), own_role.c.version == bindparam("seen"))
    .values(name=bindparam("new_name"), permissions=bindparam("new_permissions"), version=own_role.c.version + 1)
)
DELETE_ROLE = Write(
    delete(own_role).where(own_role.c.id == bindparam("role_id"), own_role.c.version == bindparam("seen"))
)

INSERT_SECRET = insert_into(client_secret)
SECRET_OWNER = Query(
    select(client_secret.c.account_id).where(
        client_secret.c.digest == bindparam("digest"),
        or_(client_secret.c.until_at.is_(None), client_secret.c.until_at > bindparam("now")),
    ),
    lambda owner: owner,
)
END_SECRETS = Write(
    update(client_secret)
    .where(client_secret.c.account_id == bindparam("account"), client_secret.c.digest != bindparam("kept"),
           or_(client_secret.c.until_at.is_(None), client_secret.c.until_at > bindparam("until")))
    .values(until_at=bindparam("until"))
)  # fmt: skip
