"""People, what was changed about them, their consents, what they are told: tables and statements."""

from sqlalchemy import BigInteger, Boolean, Column, Index, bindparam, delete, func, or_, select, update

from openberth.contexts.tenancy.model.notices import KIND_MAX, Notice
from openberth.contexts.tenancy.model.people import Change, Consent, Field, How, Person, Purpose
from openberth.contexts.tenancy.store.accounts import account
from openberth.infra.database.schema import table
from openberth.infra.database.statement import Query, Write, insert_into, one_id
from openberth.infra.database.types import enum_column, id_column, instant_column, json_column, word_column
from openberth.kernel.reasons import REASON_MAX
from openberth.kernel.time import Instant

HISTORY_MAX = 500

person = table(
    "person",
    id_column(primary_key=True),  # of an account's person: the account's id
    id_column("account_id", nullable=True),
    id_column("company_id", nullable=True),
    id_column("name_id", nullable=True),
    id_column("phone_id", nullable=True),
    id_column("identity_id", nullable=True),
    instant_column("verified_at", nullable=True),
    word_column("verified_how", 24, nullable=True),
    instant_column("erased_at", nullable=True),
    instant_column("created_at"),
    word_column("created_by", 100),
    Column("version", BigInteger, nullable=False),
    scope=("company_id", None),
)
Index("uq_person_account", person.c.account_id, unique=True)
Index("ix_person_company", person.c.company_id, person.c.id)
Index("ix_person_name", person.c.name_id)
Index("ix_person_phone", person.c.phone_id)
Index("ix_person_identity", person.c.identity_id)

person_change = table(
    "person_change",
    id_column(primary_key=True),
    id_column("person_id"),
    id_column("company_id", nullable=True),
    enum_column("field", Field),
    id_column("old_id", nullable=True),
    id_column("new_id", nullable=True),
    instant_column("at"),
    word_column("by", 100),
    enum_column("how", How),
    word_column("reason", REASON_MAX, nullable=True),
    word_column("evidence", 24, nullable=True),
    scope=("company_id", None),
)
Index("ix_person_change_person", person_change.c.person_id, person_change.c.id)
Index("ix_person_change_old", person_change.c.old_id)
Index("ix_person_change_new", person_change.c.new_id)

consent = table(
    "consent",
    id_column(primary_key=True),
    id_column("person_id"),
    id_column("company_id", nullable=True),
    enum_column("purpose", Purpose),
    word_column("document", 40),
    Column("given", Boolean, nullable=False),
    instant_column("at"),
    word_column("channel", 24),
    word_column("by", 100),
    scope=("company_id", None),
)
Index("ix_consent_person", consent.c.person_id, consent.c.id)

notice = table(
    "notice",
    id_column(primary_key=True),
    id_column("account_id"),
    word_column("kind", KIND_MAX),
    json_column("params"),
    instant_column("at"),
    instant_column("read_at", nullable=True),
)
Index("ix_notice_account", notice.c.account_id, notice.c.id)

kept_value = table(
    "kept_value",
    id_column("vault_id", primary_key=True),
    id_column("person_id"),
    instant_column("until_at"),
)
Index("ix_kept_value_until", kept_value.c.until_at)

_PERSON = select(*(person.c[name] for name in (
    "id", "account_id", "company_id", "name_id", "phone_id", "identity_id", "verified_at", "verified_how", "erased_at",
    "created_at", "version",
)))  # fmt: skip
INSERT_PERSON = insert_into(person)
PERSON = Query(_PERSON.where(person.c.id == bindparam("person")), Person)
DRIVER = Query(
    _PERSON.where(
        person.c.id == bindparam("person"), person.c.company_id.is_(None), person.c.account_id.is_not(None)
    ),
    Person, everywhere=True,
)  # fmt: skip
PEOPLE = Query(
    _PERSON.where(person.c.id < bindparam("before")).order_by(person.c.id.desc()).limit(bindparam("most")), Person
)
_WITH_PHONE = _PERSON.where(person.c.phone_id == bindparam("value"))
_WITH_IDENTITY = _PERSON.where(person.c.identity_id == bindparam("value"))
FOUND_BY = {
    Field.PHONE: Query(_WITH_PHONE.order_by(person.c.id).limit(100), Person),
    Field.IDENTITY: Query(_WITH_IDENTITY.order_by(person.c.id).limit(100), Person),
}
SAVE_PERSON = Write(
    update(person)
    .where(person.c.id == bindparam("person"), person.c.version == bindparam("seen"))
    .values({
        name: bindparam(f"new_{name}") for name in (
            "name_id", "phone_id", "identity_id", "verified_at", "verified_how", "erased_at",
        )
    } | {"version": person.c.version + 1})
)  # fmt: skip

INSERT_CHANGE = insert_into(person_change)
CHANGES = Query(
    select(*(person_change.c[name] for name in (
        "id", "person_id", "field", "old_id", "new_id", "at", "by", "how", "reason", "evidence",
    )))
    .where(person_change.c.person_id == bindparam("person"))
    .order_by(person_change.c.id.desc())
    .limit(HISTORY_MAX),
    Change,
)  # fmt: skip

# A consent is only ever added to, and triggers refuse anything else.
INSERT_CONSENT = insert_into(consent)
CONSENTS = Query(
    select(*(consent.c[name] for name in (
        "id", "person_id", "purpose", "document", "given", "at", "channel", "by",
    )))
    .where(consent.c.person_id == bindparam("person"))
    .order_by(consent.c.id.desc())
    .limit(HISTORY_MAX),
    Consent,
)  # fmt: skip

INSERT_NOTICE = insert_into(notice)
_NOTICE = select(*notice.c)
NOTICES = Query(
    _NOTICE.where(notice.c.account_id == bindparam("account"), notice.c.id < bindparam("before"))
    .order_by(notice.c.id.desc())
    .limit(bindparam("most")),
    Notice,
)
UNREAD = Query(
    select(func.count()).select_from(notice)
    .where(notice.c.account_id == bindparam("account"), notice.c.read_at.is_(None)),
    int,
)  # fmt: skip
READ_NOTICE = Write(
    update(notice)
    .where(notice.c.id == bindparam("notice"), notice.c.account_id == bindparam("account"), notice.c.read_at.is_(None))
    .values(read_at=bindparam("now"))
)
NOTICE = Query(_NOTICE.where(notice.c.id == bindparam("notice"), notice.c.account_id == bindparam("account")), Notice)
FORGET_NOTICES = Write(delete(notice).where(notice.c.account_id == bindparam("account")))

# The account's own copies: by its phone a driver signs in, and the release before this one reads the name there.
SAVE_NAME = Write(update(account).where(account.c.id == bindparam("account")).values(name_id=bindparam("new_name")))
SAVE_PHONE = Write(update(account).where(account.c.id == bindparam("account")).values(phone_id=bindparam("new_phone")))

# Who else needs a vault row: a value is stored once however many people have it.
_VALUE = bindparam("value", type_=person.c.name_id.type)
NEEDED_BY_PERSON = Query(
    select(person.c.id)
    .where(or_(person.c.name_id == _VALUE, person.c.phone_id == _VALUE, person.c.identity_id == _VALUE))
    .limit(1),
    one_id, everywhere=True,
)  # fmt: skip
NEEDED_BY_CHANGE = Query(
    select(person_change.c.id).where(or_(person_change.c.old_id == _VALUE, person_change.c.new_id == _VALUE)).limit(1),
    one_id, everywhere=True,
)  # fmt: skip
NEEDED_BY_ACCOUNT = Query(
    select(account.c.id)
    .where(or_(account.c.name_id == _VALUE, account.c.phone_id == _VALUE, account.c.openid_id == _VALUE))
    .limit(1),
    one_id, everywhere=True,
)  # fmt: skip
FORGET_CHANGES = Write(
    update(person_change).where(person_change.c.person_id == bindparam("person")).values(old_id=None, new_id=None)
)
FORGET_ACCOUNT = Write(
    update(account)
    .where(account.c.id == bindparam("account"))
    .values(login=None, name_id=None, phone_id=None, openid_id=None, password=None, totp_id=None)
)
OPENID_OF = Query(select(account.c.openid_id).where(account.c.id == bindparam("account")), one_id)

KEEP_VALUE = insert_into(kept_value, once=True)
KEPT_OVER = Query(
    select(kept_value.c.vault_id, kept_value.c.person_id)
    .where(kept_value.c.until_at <= bindparam("now"))
    .order_by(kept_value.c.until_at)
    .limit(100),
    lambda value, person_id: (value, person_id),
)
KEEP_LONGER = Write(
    update(kept_value)
    .where(kept_value.c.vault_id == bindparam("value"))
    .values(until_at=bindparam("new_until"), person_id=bindparam("new_person"))
)
FORGOTTEN_AT = Query(
    select(person.c.erased_at)
    .select_from(kept_value.join(person, person.c.id == kept_value.c.person_id))
    .where(kept_value.c.vault_id == bindparam("value"), person.c.erased_at.is_not(None)),
    lambda erased_at: Instant(int(erased_at)),
    everywhere=True,
)  # fmt: skip
LET_GO = Write(delete(kept_value).where(kept_value.c.vault_id == bindparam("value")))
