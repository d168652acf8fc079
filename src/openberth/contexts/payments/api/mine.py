"""What the holder of prepaid accounts, who is signed in, asks for. Guide: ``docs/guides/drivers.md``."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from openberth.contexts import facility
from openberth.contexts.payments.api.money import BillView, bill_view
from openberth.contexts.payments.api.prepaid import MovementView, movements_page
from openberth.contexts.payments.model import Bill
from openberth.contexts.payments.model.prepaid import PrepaidAccount, PrepaidState, Spending
from openberth.contexts.payments.service import mine, prepaid
from openberth.contexts.tenancy.api import Self, account_of, own
from openberth.infra.catalogue import Language
from openberth.infra.database import Database, Reader, Unit
from openberth.infra.http.answers import MaskedPlate, MoneyView, NameView, View, When, instant, money
from openberth.infra.http.asks import Form, MoneyForm
from openberth.infra.http.idempotent import Key, answered, once
from openberth.infra.http.pages import Ask, Asked, Page
from openberth.infra.http.problems import language_of_scope
from openberth.kernel.ids import Id

PrepaidPath = Annotated[Id, Path()]


class OwnLotView(View):
    """A lot as its drivers know it. ``scan_code`` is that of its sign: ``/c/{scan_code}``."""

    id: Id
    code: str
    name: NameView
    zone: str
    currency: str
    scan_code: str


class OwnBillView(BillView):
    """A bill of one's own, and where. ``replaced_by`` is the bill that took this one's place, when this one is
    superseded: money for this one is counted there.
    """

    lot: OwnLotView
    replaced_by: Id | None


class OwnPrepaidView(View):
    """A prepaid account of one's own, kept at ``lot``. It can spend ``balance``; ``held`` is kept for something that is
    under way. Plates are masked, null for an erased one: cars of a household are not all of one person.
    """

    id: Id
    lot: OwnLotView
    code: str
    spending: Spending
    pays_by_itself: bool
    state: PrepaidState
    balance: MoneyView
    held: MoneyView
    plates: list[MaskedPlate | None]
    opened_at: When


class OwnPrepaidListView(View):
    """One's own prepaid accounts, the oldest first."""

    items: list[OwnPrepaidView]


class OwnTopUpForm(Form):
    """What is put in; its bill is paid by ``POST /v1/me/bills/{bill}/pay``."""

    amount: MoneyForm


class MyPrepaidApi:
    """Serves the routes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.router = APIRouter(prefix="/v1/me/prepaid", tags=["mine"])
        add = self.router.add_api_route
        add("", self.prepaid, methods=["GET"])
        add("/{prepaid}/movements", self.movements, methods=["GET"])
        add("/{prepaid}/top-ups", self.top_up, methods=["POST"], status_code=201, response_model=OwnBillView)

    async def prepaid(self, by: Self) -> OwnPrepaidListView:
        """Return one's own prepaid accounts."""
        return await self._database.read(partial(_accounts, holder=account_of(by)), by=own(by))

    async def movements(self, prepaid: PrepaidPath, ask: Asked, by: Self) -> Page[MovementView]:
        """Return what moved the balance of an account of one's own, newest first."""
        return await self._database.read(
            partial(_movements, holder=account_of(by), prepaid=prepaid, ask=ask), by=own(by)
        )

    async def top_up(self, prepaid: PrepaidPath, form: OwnTopUpForm, request: Request, by: Self, key: Key) -> Response:
        """Make the bill by which money is put in. Paid, its money is the account's at once; unpaid it goes away after
        an hour.
        """
        account, amount, language = account_of(by), form.amount.value(), language_of_scope(request.scope)

        def effect(unit: Unit) -> OwnBillView:
            bill = mine.fill_own(unit, account=account, prepaid=prepaid, amount=amount)
            return own_bill_view(unit, bill, language)

        return answered(await self._database.write(once(key, effect, status=201), by=own(by)))


def own_lot_view(lot: facility.LotSummary) -> OwnLotView:
    """Return a lot as its drivers know it."""
    return OwnLotView(
        id=lot.id, code=lot.code, name=NameView(zh=lot.name_zh, en=lot.name_en), zone=lot.zone, currency=lot.currency,
        scan_code=lot.scan_code,
    )  # fmt: skip


def own_bill_view(reader: Reader, bill: Bill, language: Language, *, replaced_by: Id | None = None) -> OwnBillView:
    """Return a bill as whoever owes it sees it."""
    lot = own_lot_view(facility.lot_by_id(reader, lot=bill.lot))
    return OwnBillView(**dict(bill_view(bill, language)), lot=lot, replaced_by=replaced_by)


def _accounts(reader: Reader, holder: Id) -> OwnPrepaidListView:
    return OwnPrepaidListView(items=[_view(reader, each) for each in mine.prepaid_of_holder(reader, holder=holder)])


def _view(reader: Reader, account: PrepaidAccount) -> OwnPrepaidView:
    return OwnPrepaidView(
        id=account.id, lot=own_lot_view(facility.lot_by_id(reader, lot=account.lot)), code=account.code,
        spending=account.spending, pays_by_itself=account.pays_by_itself, state=account.state,
        balance=money(account.balance), held=money(account.held), plates=prepaid.plates_shown(reader, account.id),
        opened_at=instant(account.opened_at),
    )  # fmt: skip


def _movements(reader: Reader, holder: Id, prepaid: Id, ask: Ask) -> Page[MovementView]:
    mine.held_prepaid(reader, holder=holder, prepaid=prepaid)
    return movements_page(reader, prepaid=prepaid, ask=ask)
