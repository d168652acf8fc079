"""Statements of prepaid accounts, their plates and what is held."""

from typing import Any

from sqlalchemy import bindparam, delete, func, or_, select, update

from openberth.contexts.payments.model.ledger import AccountCode
from openberth.contexts.payments.model.prepaid import PLATES_MAX, Hold, HoldState, PrepaidAccount
from openberth.contexts.payments.store.tables import ledger_transfer as transfer
from openberth.contexts.payments.store.tables import prepaid_account as account
from openberth.contexts.payments.store.tables import prepaid_hold as hold
from openberth.contexts.payments.store.tables import prepaid_plate as plate
from openberth.contexts.payments.store.tables import receipt
from openberth.infra.database.statement import Query, Write, insert_into, one_id
from openberth.kernel.ids import Id
from openberth.kernel.money import Money
from openberth.kernel.time import Instant

OF_PERSON_MAX = 100
PAID_OUT_MAX = 200  # receipts that one payment out goes back by


def read_account(*columns: Any) -> PrepaidAccount:
    """Return the account of a row."""
    row = dict(zip(account.c.keys(), columns, strict=True))
    currency = row["currency"]
    return PrepaidAccount(
        id=row["id"], company=row["company_id"], lot=row["lot_id"], code=row["code"], holder=row["holder_id"],
        spending=row["spending"], pays_by_itself=row["pays_by_itself"], state=row["state"],
        balance=Money(row["balance_minor"], currency), held=Money(row["held_minor"], currency),
        opened_at=row["opened_at"], version=row["version"],
    )  # fmt: skip


def account_row(found: PrepaidAccount) -> dict[str, Any]:
    """Return the columns of an account."""
    return {
        "id": found.id, "company_id": found.company, "lot_id": found.lot, "code": found.code,
        "holder_id": found.holder, "spending": found.spending, "pays_by_itself": found.pays_by_itself,
        "state": found.state, "balance_minor": found.balance.minor, "held_minor": found.held.minor,
        "currency": found.balance.currency, "opened_at": found.opened_at, "version": found.version,
    }  # fmt: skip


def read_hold(*columns: Any) -> Hold:
    """Return the hold of a row."""
    row = dict(zip(hold.c.keys(), columns, strict=True))
    currency = row["currency"]
    return Hold(
        id=row["id"], company=row["company_id"], lot=row["lot_id"], account=row["account_id"],
        subject_kind=row["subject_kind"], subject_id=row["subject_id"], amount=Money(row["amount_minor"], currency),
        captured=Money(row["captured_minor"], currency), state=row["state"], made_at=row["made_at"],
        lapses_at=row["lapses_at"], version=row["version"],
    )  # fmt: skip


def hold_row(found: Hold) -> dict[str, Any]:
    """Return the columns of a hold."""
    return {
        "id": found.id, "company_id": found.company, "lot_id": found.lot, "account_id": found.account,
        "subject_kind": found.subject_kind, "subject_id": found.subject_id, "amount_minor": found.amount.minor,
        "captured_minor": found.captured.minor, "currency": found.amount.currency, "state": found.state,
        "made_at": found.made_at, "lapses_at": found.lapses_at, "version": found.version,
    }  # fmt: skip


INSERT_ACCOUNT = insert_into(account)
ACCOUNT = Query(select(account).where(account.c.id == bindparam("account")), read_account)
ACCOUNTS_OF_LOT = Query(
    select(account)
    .where(account.c.lot_id == bindparam("lot"), account.c.id < bindparam("before"))
    .order_by(account.c.id.desc())
    .limit(bindparam("limit")),
    read_account,
)
# An account pays at every lot of its company, and its code and plates stand once there: what follows reaches beyond the
# lots of the caller, and never beyond the company that is named.
COMPANYS_ACCOUNT = Query(
    select(account).where(account.c.id == bindparam("account"), account.c.company_id == bindparam("company")),
    read_account, everywhere=True,
)  # fmt: skip
OF_CODE = Query(
    select(account.c.id).where(account.c.company_id == bindparam("company"), account.c.code == bindparam("code")),
    one_id, everywhere=True,
)  # fmt: skip
PAYING = Query(
    select(account)
    .select_from(account.join(plate, plate.c.account_id == account.c.id))
    .where(plate.c.company_id == bindparam("company"), plate.c.plate_id == bindparam("plate")),
    read_account, everywhere=True,
)  # fmt: skip
UPDATE_ACCOUNT = Write(
    update(account)
    .where(
        account.c.id == bindparam("account"), account.c.company_id == bindparam("company"),
        account.c.version == bindparam("old_version"),
    )
    .values(
        holder_id=bindparam("new_holder"), spending=bindparam("new_spending"),
        pays_by_itself=bindparam("new_pays_by_itself"), state=bindparam("new_state"),
        balance_minor=bindparam("new_balance"), held_minor=bindparam("new_held"), version=account.c.version + 1,
    ),
    everywhere=True,
)  # fmt: skip
INSERT_PLATE = insert_into(plate)
PLATES = Query(
    select(plate.c.plate_id).where(plate.c.account_id == bindparam("account")).order_by(plate.c.id).limit(PLATES_MAX),
    one_id, everywhere=True,
)  # fmt: skip
REMOVE_PLATE = Write(
    delete(plate).where(plate.c.account_id == bindparam("account"), plate.c.plate_id == bindparam("plate"))
)
# A person's accounts wherever they are: what it sees of itself, and what it wants forgotten, knows no company.
OF_HOLDER = Query(
    select(account).where(account.c.holder_id == bindparam("holder")).order_by(account.c.id).limit(OF_PERSON_MAX),
    read_account, everywhere=True,
)  # fmt: skip
ANY_OF_PLATE = Query(
    select(plate.c.account_id).where(plate.c.plate_id == bindparam("plate")).limit(1), one_id, everywhere=True
)
INSERT_HOLD = insert_into(hold)
HOLD = Query(select(hold).where(hold.c.id == bindparam("hold")), read_hold)
UPDATE_HOLD = Write(
    update(hold)
    .where(hold.c.id == bindparam("hold"), hold.c.version == bindparam("old_version"))
    .values(state=bindparam("new_state"), captured_minor=bindparam("new_captured"), version=hold.c.version + 1)
)
# The money that is left in a company's accounts, paused and closed ones included.
LEFT_OF_COMPANY = Query(
    select(func.count()).where(
        account.c.company_id == bindparam("company"), or_(account.c.balance_minor > 0, account.c.held_minor > 0)
    ),
    int,
)
HELD_OF_ACCOUNTS = Query(
    select(hold.c.account_id, func.sum(hold.c.amount_minor))
    .where(
        hold.c.account_id >= bindparam("first"), hold.c.account_id <= bindparam("last"),
        hold.c.state == HoldState.HELD,
    )
    .group_by(hold.c.account_id),
    lambda key, minor: (key, int(minor)),
)  # fmt: skip
IN_ORDER = Query(
    select(account).where(account.c.id > bindparam("after")).order_by(account.c.id).limit(bindparam("limit")),
    read_account,
)


class Booked(tuple[Id, str, Id, int, Instant]):
    """A movement as the ledger has it: id, deed, subject, what the balance rose by, when (business time)."""

    __slots__ = ()


def _booked(key: Id, deed: str, subject: Id, debit: AccountCode, amount: int, at: Instant) -> Booked:
    return Booked((key, deed, subject, -amount if debit is AccountCode.PREPAID else amount, at))


# An account's movements are its own wherever they happened: whoever may see it sees them all.
MOVEMENTS = Query(
    select(
        transfer.c.id, transfer.c.deed, transfer.c.subject_id, transfer.c.debit, transfer.c.amount_minor, transfer.c.at
    )
    .where(
        or_(
            (transfer.c.debit_party == bindparam("account")) & (transfer.c.debit == AccountCode.PREPAID),
            (transfer.c.credit_party == bindparam("account")) & (transfer.c.credit == AccountCode.PREPAID),
        ),
        transfer.c.id < bindparam("before"),
    )
    .order_by(transfer.c.id.desc())
    .limit(bindparam("limit")),
    _booked, everywhere=True,
)  # fmt: skip
# What was put in, the newest first: money that is paid out goes back by them.
TOP_UPS = Query(
    select(receipt.c.id)
    .where(
        receipt.c.bill_id.in_(
            select(transfer.c.subject_id).where(
                transfer.c.credit_party == bindparam("account"), transfer.c.credit == AccountCode.PREPAID,
                transfer.c.deed == "bill.topped_up",
            )
        )
    )
    .order_by(receipt.c.id.desc())
    .limit(PAID_OUT_MAX),
    one_id,
)  # fmt: skip
