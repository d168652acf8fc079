"""Use cases and queries of prepaid accounts: opened for people, filled by bills of their own, held and paid out.

Every change of an account holds the lock of its subject, which is taken after every other lock.
"""

from collections.abc import Sequence
from dataclasses import replace

from openberth.contexts import facility, tenancy
from openberth.contexts.payments.model import Bill, BillState, PrepaidChanged, Refund
from openberth.contexts.payments.model import ledger as booking
from openberth.contexts.payments.model import prepaid as rules
from openberth.contexts.payments.model.prepaid import SUBJECT, Hold, HoldState, PrepaidAccount, PrepaidState, Spending
from openberth.contexts.payments.service import ledger
from openberth.contexts.payments.service.bills import bill_by_id, issue_bill, open_bill_of, subject_lock, withdraw_bill
from openberth.contexts.payments.store import PAGE_MAX
from openberth.contexts.payments.store import prepaid as store
from openberth.infra import jobs, vault
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_construction, inner, needs
from openberth.infra.vault import VaultKind
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.events import Event
from openberth.kernel.ids import Id
from openberth.kernel.money import Money
from openberth.kernel.persons import masked_words
from openberth.kernel.plates import Plate
from openberth.kernel.reasons import checked_reason
from openberth.kernel.time import HOUR_US, later

JOB_LET_GO = "payments.let_hold_go"
JOB_WITHDRAW = "payments.withdraw_top_up"
TOP_UP_STANDS_US = HOUR_US
TOP_UP_LINE = "bill.line.top_up"


@needs("prepaid.write")
def open_account(
    unit: Unit, *, lot: Id, code: str, plates: Sequence[Plate], holder: Id | None = None,
    spending: Spending = Spending.COMPANY, pays_by_itself: bool = True,
) -> PrepaidAccount:  # fmt: skip
    """Open an empty account that is kept at a lot, in its currency.

    Raises ``Malformed``: ``prepaid.code``, ``prepaid.plates``; ``Refused``: ``prepaid.code_taken``,
    ``prepaid.plate_taken``; ``NotFound``: ``lot.not_found``, ``person.not_found``.
    """
    where = facility.lot_by_id(unit, lot=lot)
    kept = rules.check_code(code)
    unit.lock(("prepaid", where.company))
    if unit.one(store.OF_CODE, company=where.company, code=kept) is not None:
        raise Refused("prepaid.code_taken", account=kept)
    if holder is not None:
        tenancy.check_person(unit, person=holder)
    nothing = Money(0, where.currency)
    made = PrepaidAccount(
        id=unit.new_id(), company=where.company, lot=lot, code=kept, holder=holder, spending=spending,
        pays_by_itself=pays_by_itself, state=PrepaidState.ACTIVE, balance=nothing, held=nothing, opened_at=unit.now,
    )  # fmt: skip
    unit.run(store.INSERT_ACCOUNT, **store.account_row(made))
    count = _set_plates(unit, made, plates)
    _tell(unit, made, "opened", count)
    return made


@needs("prepaid.write")
def change_account(
    unit: Unit, *, account: Id, plates: Sequence[Plate] | None, holder: Id | None, spending: Spending,
    pays_by_itself: bool, state: PrepaidState,
) -> PrepaidAccount:  # fmt: skip
    """Change an account, without ``plates`` those stay; the same again changes nothing. Raises as ``open_account``
    does, and ``Refused("prepaid.closed")`` for a closed one: closing is ``close_account``, and for good.
    """
    found = account_by_id(unit, account=account)
    unit.lock(("prepaid", found.company), subject_lock(account))
    found = account_by_id(unit, account=account)
    if PrepaidState.CLOSED in (found.state, state):
        raise Refused("prepaid.closed", account=found.code)
    if holder is not None:
        tenancy.check_person(unit, person=holder)
    before = unit.all(store.PLATES, account=account)
    after = replace(found, holder=holder, spending=spending, pays_by_itself=pays_by_itself, state=state)
    count = len(before) if plates is None else _set_plates(unit, found, plates)
    if after != found or before != unit.all(store.PLATES, account=account):
        _save(unit, after)
        _tell(unit, after, "changed", count)
    return account_by_id(unit, account=account)


@needs("prepaid.write")
def close_account(unit: Unit, *, account: Id, reason: str) -> PrepaidAccount:
    """End an account for good: its cars pay for themselves again. What lies in it is paid out, now or later.

    Raises ``Refused("prepaid.money_held")`` while something is held.
    """
    found = account_by_id(unit, account=account)
    unit.lock(("prepaid", found.company), subject_lock(account))
    found = account_by_id(unit, account=account)
    if found.state is PrepaidState.CLOSED:
        return found
    if found.held:
        raise Refused("prepaid.money_held", held=found.held.amount_text)
    _withdraw_open(unit, account)
    after = replace(found, state=PrepaidState.CLOSED)
    _set_plates(unit, found, ())
    _save(unit, after)
    _tell(unit, after, "closed", 0, checked_reason(reason))
    return account_by_id(unit, account=account)


@inner
def let_go_of_holder(unit: Unit, found: PrepaidAccount) -> None:
    """Close an empty account whose holder wants to be forgotten, and forget whose it was. Its lock is held."""
    _withdraw_open(unit, found.id)
    _set_plates(unit, found, ())
    after = replace(found, state=PrepaidState.CLOSED, holder=None)
    _save(unit, after)
    _tell(unit, after, "closed", 0)


@needs("prepaid.fill")
def top_up(unit: Unit, *, account: Id, amount: Money) -> Bill:
    """Have money put into an account, whoever pays. Returns and raises as ``bill_top_up``."""
    return bill_top_up(unit, account=account, amount=amount)


@inner
def bill_top_up(unit: Unit, *, account: Id, amount: Money) -> Bill:
    """Issue the bill by which money is put in; paid, its money is the account's in the same unit.

    One that is open and asks for the same is used again, another one is withdrawn; nobody pays it for an hour, it is
    withdrawn, too. Raises ``NotFound("prepaid.not_found")`` and as the rule ``check_top_up`` does.
    """
    found = account_by_id(unit, account=account)
    standing = open_bill_of(unit, kind=SUBJECT, subject=account)
    locks = () if standing is None else (("bill", standing.id),)
    unit.lock(*locks, subject_lock(account))
    found = account_by_id(unit, account=account)
    most = int(tenancy.setting_of(unit, tenancy.PREPAID_MOST, company=found.company, lot=found.lot))
    rules.check_top_up(found, amount, most_minor=most)
    standing = open_bill_of(unit, kind=SUBJECT, subject=account)
    if standing is not None and standing.due == amount and standing.stands(unit.now):
        return standing
    _withdraw_open(unit, account)
    until = later(unit.now, TOP_UP_STANDS_US)
    bill = issue_bill(
        unit, company=found.company, lot=found.lot, kind=SUBJECT, subject=account, due=amount, tariff_version=None,
        quote={"lines": [{
            "code": TOP_UP_LINE, "params": {"account": masked_words(found.code)}, "minutes": 0,
            "amount": {"minor": amount.minor, "currency": amount.currency},
        }]},
        quoted_at=unit.now, valid_until=until,
    )  # fmt: skip
    jobs.schedule(
        unit, kind=JOB_WITHDRAW, body={"bill": str(bill.id)}, due_at=later(unit.machine_now, TOP_UP_STANDS_US),
        unique_key=bill.id.hex,
    )  # fmt: skip
    return bill


@by_construction
def withdraw_top_up(unit: Unit, *, bill: Id) -> None:
    """Withdraw a bill that nobody paid; money that comes all the same goes back by itself."""
    found = bill_by_id(unit, bill=bill)
    unit.lock(("bill", bill), subject_lock(found.subject_id))
    if bill_by_id(unit, bill=bill).state is BillState.OPEN:
        withdraw_bill(unit, bill=bill, into=BillState.VOID)


@inner
def put_in(unit: Unit, bill: Bill) -> None:
    """Give an account what was paid on a bill that puts money in; called in the unit that settles it."""
    found = _shared(unit, bill.company, bill.subject_id)
    after, told = rules.topped_up(found, bill.due, bill=bill.id)
    _save(unit, after)
    ledger.book(unit, company=bill.company, lot=bill.lot, transfers=booking.topped_up(bill))
    _append(unit, after, bill.lot, (told,))


@inner
def hold(
    unit: Unit, *, company: Id, account: Id, lot: Id, amount: Money, kind: str, subject: Id, lasts_us: int,
    at_once: bool = False,
) -> Hold:  # fmt: skip
    """Keep money of an account for a subject at a lot, for a span of machine time; then it goes back by itself.

    ``at_once``: it is captured in this very unit. Raises ``Refused``: ``prepaid.too_little``, ``prepaid.currency``,
    ``prepaid.not_here``.
    """
    unit.lock(subject_lock(account))
    found = _shared(unit, company, account)
    if not found.pays_at(lot):
        raise Refused("prepaid.not_here", account=found.code)
    made = Hold(
        id=unit.new_id(), company=found.company, lot=lot, account=account, subject_kind=kind, subject_id=subject,
        amount=amount, captured=Money(0, amount.currency), state=HoldState.HELD, made_at=unit.now,
        lapses_at=later(unit.machine_now, lasts_us),
    )  # fmt: skip
    after, told = rules.held(found, amount, hold=made.id)
    unit.run(store.INSERT_HOLD, **store.hold_row(made))
    _save(unit, after)
    ledger.book(unit, company=made.company, lot=lot, transfers=booking.held(made))
    _append(unit, after, lot, (told,))
    if not at_once:
        jobs.schedule(unit, kind=JOB_LET_GO, body={"hold": str(made.id)}, due_at=made.lapses_at, unique_key=made.id.hex)
    return made


@inner
def captured(unit: Unit, found: Hold, amount: Money) -> None:
    """Take what paid out of a hold, and let the rest go back. The receipt is written by who calls."""
    unit.lock(subject_lock(found.account))
    found = hold_by_id(unit, hold=found.id)  # it may have ended before the lock was ours
    account, after, events = rules.captured(_shared(unit, found.company, found.account), found, amount)
    _end_hold(unit, account, after, events)


@by_construction
def let_go(unit: Unit, *, hold: Id) -> None:
    """Let what is held go back to its account; one that has ended changes nothing."""
    found = hold_by_id(unit, hold=hold)
    unit.lock(subject_lock(found.account))
    found = hold_by_id(unit, hold=hold)
    account, after, events = rules.released(_shared(unit, found.company, found.account), found)
    if events:
        _end_hold(unit, account, after, events)


@inner
def came_back(unit: Unit, refund: Refund) -> None:
    """Put back what an account had paid: a refund of it goes nowhere else."""
    assert refund.account is not None, "what an account paid names it"
    unit.lock(subject_lock(refund.account))
    after, told = rules.returned(_shared(unit, refund.company, refund.account), refund.amount, refund=refund.id)
    _save(unit, after)
    _append(unit, after, refund.lot, (told,))


@inner
def take_out(unit: Unit, refund: Refund) -> None:
    """Take money out of the account that a refund's bill had put it in; before the refund is booked."""
    found = account_of_bill(unit, bill_by_id(unit, bill=refund.bill))
    after, told = rules.paid_out(found, refund.amount, refund=refund.id)
    _save(unit, after)
    ledger.book(unit, company=refund.company, lot=refund.lot, transfers=booking.paid_out(refund, found.id))
    _append(unit, after, refund.lot, (told,))


@inner
def put_back(unit: Unit, refund: Refund) -> None:
    """Put back what will never arrive where it was to go; after the refund's end is booked."""
    found = account_of_bill(unit, bill_by_id(unit, bill=refund.bill))
    after, told = rules.put_back(found, refund.amount, refund=refund.id)
    _save(unit, after)
    ledger.book(unit, company=refund.company, lot=refund.lot, transfers=booking.put_back(refund, found.id))
    _append(unit, after, refund.lot, (told,))


@inner
def take_out_after_all(unit: Unit, refund: Refund) -> None:
    """Take out again what had been put back and arrived all the same, as far as the account still has it."""
    found = account_of_bill(unit, bill_by_id(unit, bill=refund.bill))
    part = min(refund.amount, found.balance)
    if part:
        after, told = rules.paid_out(found, part, refund=refund.id)
        _save(unit, after)
        _append(unit, after, refund.lot, (told,))
    transfers = booking.paid_out_after_all(refund, found.id, part)
    ledger.book(unit, company=refund.company, lot=refund.lot, transfers=transfers)


@inner
def account_of_bill(unit: Unit, bill: Bill) -> PrepaidAccount:
    """Return the account that a bill puts money in, and hold its lock."""
    unit.lock(subject_lock(bill.subject_id))
    return _shared(unit, bill.company, bill.subject_id)


def account_by_id(reader: Reader, *, account: Id) -> PrepaidAccount:
    """Return an account that is kept at a lot of the caller. Raises ``NotFound("prepaid.not_found")``."""
    found = reader.one(store.ACCOUNT, account=account)
    if found is None:
        raise NotFound("prepaid.not_found")
    return found


def account_seen(reader: Reader, *, account: Id) -> tuple[PrepaidAccount, list[str | None]]:
    """Return an account with its masked plates (None: erased)."""
    found = account_by_id(reader, account=account)
    return found, plates_shown(reader, found.id)


def plates_shown(reader: Reader, account: Id) -> list[str | None]:
    """Return the masked plates of an account, None for an erased one."""
    texts = [vault.reveal(reader, each) for each in reader.all(store.PLATES, account=account)]
    return [None if text is None else Plate(text).masked for text in texts]


def plates_of(reader: Reader, *, account: Id) -> list[Id]:
    """Return the plates (vault ids) of an account."""
    return reader.all(store.PLATES, account=account)


def accounts_of_lot(reader: Reader, *, lot: Id, before: Id, limit: int) -> list[PrepaidAccount]:
    """Return a page of the accounts that are kept at a lot, newest first."""
    return reader.all(store.ACCOUNTS_OF_LOT, lot=lot, before=before, limit=min(limit, PAGE_MAX))


def is_of(reader: Reader, *, account: Id, company: Id) -> bool:
    """Tell whether an account is a company's."""
    return reader.one(store.COMPANYS_ACCOUNT, account=account, company=company) is not None


def put_in_by(reader: Reader, *, account: Id) -> list[Id]:
    """Return the receipts by which money was put into an account, the newest first, at most 200."""
    return reader.all(store.TOP_UPS, account=account)


def account_of_plate(reader: Reader, *, company: Id, plate: Id) -> PrepaidAccount | None:
    """Return the account that pays for a plate (its id in the vault) at a company's lots."""
    return reader.one(store.PAYING, company=company, plate=plate)


def movements(reader: Reader, *, account: Id, before: Id, limit: int) -> list[store.Booked]:
    """Return a page of an account's movements as the ledger has them, newest first."""
    account_by_id(reader, account=account)
    return reader.all(store.MOVEMENTS, account=account, before=before, limit=min(limit, PAGE_MAX))


def hold_by_id(reader: Reader, *, hold: Id) -> Hold:
    """Return a hold. Raises ``NotFound("prepaid.hold_not_found")``."""
    found = reader.one(store.HOLD, hold=hold)
    if found is None:
        raise NotFound("prepaid.hold_not_found")
    return found


def _shared(reader: Reader, company: Id, account: Id) -> PrepaidAccount:
    """Return an account of a company wherever it is kept: it pays at every lot."""
    found = reader.one(store.COMPANYS_ACCOUNT, account=account, company=company)
    if found is None:
        raise NotFound("prepaid.not_found")
    return found


def _set_plates(unit: Unit, account: PrepaidAccount, plates: Sequence[Plate]) -> int:
    rules.check_plates([each.key for each in plates])
    wanted = [vault.keep(unit, VaultKind.PLATE, each.key) for each in plates]
    before = unit.all(store.PLATES, account=account.id)
    for gone in before:
        if gone not in wanted:
            unit.run(store.REMOVE_PLATE, account=account.id, plate=gone)
    for each, plate in zip(plates, wanted, strict=True):
        if plate in before:
            continue
        if account_of_plate(unit, company=account.company, plate=plate) is not None:
            raise Refused("prepaid.plate_taken", plate=each.masked)
        unit.run(
            store.INSERT_PLATE, id=unit.new_id(), company_id=account.company, lot_id=account.lot,
            account_id=account.id, plate_id=plate,
        )  # fmt: skip
    return len(wanted)


def _withdraw_open(unit: Unit, account: Id) -> None:
    standing = open_bill_of(unit, kind=SUBJECT, subject=account)
    if standing is not None:
        withdraw_bill(unit, bill=standing.id, into=BillState.VOID)


def _end_hold(unit: Unit, account: PrepaidAccount, ended: Hold, events: Sequence[Event]) -> None:
    _save(unit, account)
    unit.save(
        store.UPDATE_HOLD, hold=ended.id, old_version=ended.version, new_state=ended.state,
        new_captured=ended.captured.minor,
    )  # fmt: skip
    ledger.book(unit, company=ended.company, lot=ended.lot, transfers=booking.let_hold_go(ended))
    _append(unit, account, ended.lot, events)


def _save(unit: Unit, after: PrepaidAccount) -> None:
    unit.save(
        store.UPDATE_ACCOUNT, account=after.id, company=after.company, old_version=after.version,
        new_holder=after.holder, new_spending=after.spending, new_pays_by_itself=after.pays_by_itself,
        new_state=after.state, new_balance=after.balance.minor, new_held=after.held.minor,
    )  # fmt: skip


def _tell(unit: Unit, account: PrepaidAccount, what: str, plates: int, reason: str | None = None) -> None:
    told = PrepaidChanged(
        account.id, what, masked_words(account.code), account.holder, account.spending.value, account.pays_by_itself,
        account.state.value, plates, reason,
    )  # fmt: skip
    _append(unit, account, account.lot, (told,))


def _append(unit: Unit, account: PrepaidAccount, lot: Id, events: Sequence[Event]) -> None:
    """Tell what happened, at the lot where it did, in the order of the account."""
    for event in events:
        unit.append(event, company=account.company, lot=lot, key=account.id)
