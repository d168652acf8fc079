"""The replay of a decision: its route, and how it is told."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from pydantic import Field

from openberth.contexts import facility, payments
from openberth.contexts.facility import Codes, Command, LotSummary, Strictness
from openberth.contexts.facility.api import CommandView, command_view
from openberth.contexts.payments.api import (
    BillView,
    ReceiptView,
    RefundView,
    bill_view,
    receipt_view,
    refund_view,
)
from openberth.contexts.stays.api.building import case_detail_view, correction_view, passage_view, permit_view
from openberth.contexts.stays.api.views import CaseDetailView, CorrectionView, PassageView, PermitRefView
from openberth.contexts.stays.model.decisions import StillThere
from openberth.contexts.stays.model.entities import Action, Ask, Passage, Retelling, Retold
from openberth.contexts.stays.service.queries import CaseDetail, Corrected, PassageRow
from openberth.contexts.stays.service.replaying import Replay, Step, StepKind, replay_of
from openberth.contexts.tariffs.api import LineView, lines_view
from openberth.infra.catalogue import Language, text
from openberth.infra.database import Database, Reader
from openberth.infra.http.answers import MaskedPlate, MoneyView, View, When, instant, instant_or_none, money
from openberth.infra.http.auth import may
from openberth.infra.http.problems import language_of_scope
from openberth.kernel.authority import Caller
from openberth.kernel.ids import Id
from openberth.kernel.money import Money


class HeardView(View):
    """What a device told: as it was read, with its own time and ours. ``how`` is null for what the decision is about.

    ``opened``: the answer to it opened the gate (null: no gate was told). What was not kept is null.
    """

    how: Retold | None
    device: str | None
    plate: MaskedPlate | None
    plate_kind: str | None
    colour: str
    confidence: int
    trigger: str | None
    direction: str | None
    device_at: When | None
    received_at: When
    opened: bool | None
    flaws: list[str]
    pictures: list[str] = Field(description="addresses of the pictures that are kept of it")


class FactsView(View):
    """What was known when the decision was made; null is what that kind of lane does not ask."""

    lot_state: str | None
    free_spaces: int | None
    full_admits_permits: bool | None
    plate_known: bool
    right: str | None
    inside: bool
    same_car_again: bool | None
    happened: bool = Field(description="the car had passed already")
    camera_opened: bool | None
    paid_by_account: bool | None
    cloned: bool | None = Field(description="its plate was where it could not be as well")
    passback: Strictness | None = Field(description="how strictly one plate was one car for it")
    convoy: bool = Field(description="everybody went through")
    just_left: bool | None = Field(description="it had been let out a moment ago")
    still_there: StillThere | None = Field(description="what said that it had not driven on since")
    neutral: bool | None = Field(description="a person had reset who is believed to be inside")
    doubted: bool | None = Field(description="it had come in while it was inside, and nobody had said what that was")


class PricedByView(View):
    """A version of a tariff, which never changes."""

    tariff: str
    number: int
    id: Id


class AskedView(View):
    """What a car at an exit was found to owe, line by line, and by which versions of tariffs."""

    price: MoneyView
    paid: MoneyView
    due: MoneyView
    versions: list[PricedByView]
    lines: list[LineView]


class DecisionView(View):
    """What was decided and why: the rule that fired as a code, and in words. ``facts`` is null when not kept."""

    action: Action
    rule: str
    words: str
    ask: Ask
    facts: FactsView | None
    permit: PermitRefView | None
    asked: AskedView | None
    stay: Id | None
    bill: Id | None


class StepView(View):
    """Something that happened, with whatever it is about; the other parts are null.

    ``at`` is business time and ``machine_at`` the machine's: the one that is not kept is reckoned from the other.
    ``by`` is who did it (``person:…``, ``device:…``), as far as that is kept.
    """

    kind: StepKind
    words: str
    at: When
    machine_at: When
    by: str | None
    heard: HeardView | None = None
    decision: DecisionView | None = None
    noted: PassageView | None = None
    command: CommandView | None = None
    case: CaseDetailView | None = None
    correction: CorrectionView | None = None
    bill: BillView | None = None
    receipt: ReceiptView | None = None
    refund: RefundView | None = None


class NotKeptView(View):
    """Something that a replay cannot tell, because it was not kept in that time."""

    what: str
    words: str


class ReplayView(View):
    """A passage told again, oldest step first."""

    passage: PassageView
    steps: list[StepView]
    not_kept: list[NotKeptView]


class ReplayApi:
    """Serves the route."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.router = APIRouter(prefix="/v1", tags=["history"])
        self.router.add_api_route("/passages/{passage}/replay", self.replay, methods=["GET"])

    async def replay(
        self, passage: Annotated[Id, Path()], request: Request, by: Annotated[Caller, Depends(may("passage.read"))]
    ) -> ReplayView:
        """Tell a decision again: what came, what was decided and why, what was sent, and what was answered.

        Money is told to `bill.read` and exceptions to `case.read` only, as elsewhere.
        """
        language = language_of_scope(request.scope)
        return await self._database.read(partial(_replay, passage=passage, language=language), by=by)


def _replay(reader: Reader, passage: Id, language: Language) -> ReplayView:
    found = replay_of(reader, passage=passage)
    lot = facility.lot_by_id(reader, lot=found.row.passage.lot_id)
    telling = _Telling(
        found, lot, facility.codes_of(reader, lot=lot.id), language, tells_money=reader.caller.may("bill.read")
    )
    bill = next((step.subject for step in found.steps if isinstance(step.subject, payments.Bill)), None)
    missing = [] if found.row.passage.basis is not None else ["basis", "told_again"]
    return ReplayView(
        passage=passage_view(found.row, lot, telling.codes, language),
        steps=[telling.step(step, bill) for step in found.steps if _may_be_told(reader, step)],
        not_kept=[NotKeptView(what=each, words=text(f"replay.not_kept.{each}", language)) for each in missing],
    )  # fmt: skip


def _may_be_told(reader: Reader, step: Step) -> bool:
    """Tell whether who asks may know of a step."""
    if isinstance(step.subject, (payments.Bill, payments.Receipt, payments.Refund)):
        return reader.caller.may("bill.read")
    return not isinstance(step.subject, CaseDetail) or reader.caller.may("case.read")


class _Telling:
    """Puts the steps of one replay into the words of a language."""

    def __init__(self, replay: Replay, lot: LotSummary, codes: Codes, language: Language, *, tells_money: bool) -> None:
        self.replay, self.lot, self.codes, self.language = replay, lot, codes, language
        self.tells_money = tells_money

    def step(self, step: Step, bill: payments.Bill | None) -> StepView:
        about, part = step.subject, dict[str, Any]()
        match about:
            case PassageRow() if step.kind is StepKind.RECOGNISED:
                part["heard"] = self._heard_first(about)
            case PassageRow() if step.kind is StepKind.DECIDED:
                part["decision"] = self._decision(about.passage, bill)
            case PassageRow() if step.kind is StepKind.DROVE_ON:
                pass
            case PassageRow():
                part["noted"] = passage_view(about, self.lot, self.codes, self.language)
            case Retelling():
                part["heard"] = self._heard_again(about)
            case Command():
                part["command"] = command_view(about, self.codes)
            case CaseDetail():
                part["case"] = case_detail_view(about, self.lot, self.codes, self.language)
            case Corrected():
                part["correction"] = correction_view(about)
            case payments.Bill():
                part["bill"] = bill_view(about, self.language)
            case payments.Receipt():
                part["receipt"] = receipt_view(about)
            case payments.Refund():
                part["refund"] = refund_view(about)
        return StepView(
            kind=step.kind, words=text(f"replay.step.{step.kind}", self.language), at=instant(step.at),
            machine_at=instant(step.machine_at), by=self._named(step.by), **part,
        )  # fmt: skip

    def _heard_first(self, row: PassageRow) -> HeardView:
        found, basis = row.passage, row.passage.basis or {}
        told = basis.get("told", {})
        return HeardView(
            how=None, device=self._device(found.device_id),
            plate=self.replay.plate_read if "plate" in basis or found.basis is not None else row.plate,
            plate_kind=found.plate_kind, colour=found.colour, confidence=found.confidence, trigger=told.get("trigger"),
            direction=told.get("direction"), device_at=instant_or_none(found.device_at),
            received_at=instant(found.received_at), opened=self._was_opened(found), flaws=list(found.flaws),
            pictures=[f"/v1/passages/{found.id}/pictures/{number}" for number in range(found.pictures)],
        )  # fmt: skip

    def _was_opened(self, found: Passage) -> bool | None:
        """Tell whether the answer to the camera was itself the command that opened; None where no gate was told."""
        told = next((each.subject for each in self.replay.steps if each.kind is StepKind.COMMANDED), None)
        if found.device_id is None or not isinstance(told, Command):
            return None
        return told.born_sent and told.device_id == found.device_id

    def _heard_again(self, found: Retelling) -> HeardView:
        plate = None if found.plate_id is None else self.replay.plates[found.plate_id]
        return HeardView(
            how=found.how, device=self._device(found.device_id), plate=plate, plate_kind=None, colour=found.colour,
            confidence=found.confidence, trigger=found.sent_by, direction=found.direction,
            device_at=instant(found.device_at), received_at=instant(found.received_at), opened=found.opened,
            flaws=list(found.flaws), pictures=[],
        )  # fmt: skip

    def _decision(self, found: Passage, bill: payments.Bill | None) -> DecisionView:
        basis = found.basis or {}
        return DecisionView(
            action=found.action, rule=found.reason, words=text(found.reason, self.language), ask=found.ask,
            facts=_facts(basis["facts"]) if "facts" in basis else None, permit=permit_view(self.replay.permit),
            asked=self._asked(basis["price"], bill) if "price" in basis and self.tells_money else None,
            stay=found.stay_id, bill=found.bill_id,
        )  # fmt: skip

    def _asked(self, price: Mapping[str, Any], bill: payments.Bill | None) -> AskedView:
        lines = price.get("lines") or (bill.quote.get("lines", []) if bill is not None else [])
        amounts = {
            name: money(Money(price.get(f"{name}_minor", 0), price["currency"])) for name in ("price", "paid", "due")
        }  # fmt: skip
        versions = [PricedByView.model_validate(each) for each in price.get("versions", [])]
        return AskedView(**amounts, versions=versions, lines=lines_view(lines, self.language))

    def _device(self, device: Id | None) -> str | None:
        return None if device is None else self.codes.devices.get(device, str(device))

    def _named(self, by: str | None) -> str | None:
        kind, _, name = (by or "").partition(":")
        if kind != "device":
            return by
        named = next((code for device, code in self.codes.devices.items() if str(device) == name), name)
        return f"device:{named}"


def _facts(kept: Mapping[str, Any]) -> FactsView:
    """Return the facts of a decision; what was false was left out when they were kept."""
    at_entry, at_exit = "lot_state" in kept, "due_minor" in kept
    return FactsView(
        lot_state=kept.get("lot_state"), free_spaces=kept.get("free_spaces"), right=kept.get("right"),
        plate_known=kept.get("plate_known", False), inside=kept.get("inside", False),
        happened=kept.get("happened", False),
        full_admits_permits=kept.get("full_admits_permits", False) if at_entry else None,
        same_car_again=kept.get("same_car_again", False) if at_entry else None,
        camera_opened=kept.get("camera_opened", False) if at_entry else None,
        paid_by_account=kept.get("paid_by_account", False) if at_exit else None,
        cloned=kept.get("cloned", False) if at_entry or at_exit else None, passback=kept.get("passback"),
        convoy=kept.get("convoy", False), just_left=kept.get("just_left", False) if at_exit else None,
        neutral=kept.get("neutral", False) if at_exit else None, still_there=kept.get("still_there"),
        doubted=kept.get("doubted", False) if at_exit else None,
    )  # fmt: skip
