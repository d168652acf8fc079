"""How the command line shows the sheets of shifts and the lots they are of, and reads the amounts that people type."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from rich.text import Text

from openberth.entrypoints.cli.client import Api, part
from openberth.entrypoints.cli.session import Session
from openberth.entrypoints.cli.tables import plain_table, print_warning
from openberth.kernel.errors import Malformed
from openberth.kernel.money import Money
from openberth.kernel.time import as_datetime, from_iso

HANDED_OVER, COUNTED, OPEN = "handed_over", "counted", "open"
IN_LISTS = "%m-%d %H:%M"


@dataclass(frozen=True, slots=True)
class Place:
    """The lot of a shift: what it is called, its clock and its money."""

    code: str
    names: Mapping[str, str]
    zone: str
    currency: str

    def shown(self, amount: Mapping[str, Any] | None) -> str:
        """Return money as people write it, a dash for none."""
        return "-" if amount is None else Money(amount["minor"], amount["currency"]).amount_text

    def at(self, instant: str | None, form: str = "%Y-%m-%d %H:%M") -> str:
        """Return an instant on the clock of the lot, a dash for none."""
        if instant is None:
            return "-"
        return as_datetime(from_iso(instant)).astimezone(ZoneInfo(self.zone)).strftime(form)


async def place_named(api: Api, lot: str) -> Place:
    """Return a lot as sheets know it. Raises ``Problem``."""
    found = await api.get(f"/v1/lots/{part(lot)}")
    return Place(found["code"], found["name"], found["zone"], found["currency"])


def read_amount(text: str, currency: str) -> dict[str, Any]:
    """Return an amount as it is typed in major units. Raises ``Malformed("cli.shift.amount")``."""
    try:
        amount = Money.of(text, currency)
    except ValueError:
        raise Malformed("cli.shift.amount", amount=text[:40], currency=currency) from None
    return {"minor": amount.minor, "currency": currency}


def read_pieces(texts: Sequence[str], currency: str) -> list[dict[str, int]]:
    """Return pieces as they are typed: denomination x how many. Raises ``Malformed``."""
    found = []
    for text in texts:
        worth, _, many = text.replace("X", "x").replace("×", "x").replace("*", "x").partition("x")
        if not (many.isascii() and many.isdigit()):
            raise Malformed("cli.shift.pieces", pieces=text[:40])
        found.append({"minor": read_amount(worth, currency)["minor"], "pieces": int(many)})
    return found


def who(holder: Mapping[str, Any] | None) -> str:
    """Return somebody as people know them."""
    return "-" if holder is None else str(holder["login"] or holder["name"])


def print_list(session: Session, place: Place, shifts: Sequence[Any], balances: Sequence[Any]) -> None:
    """Print shifts, newest first, and what the safe holds."""
    table = plain_table(
        (session.say("cli.column.shift"), "right"), (session.say("cli.column.holder"), "left"),
        (session.say("cli.column.opened"), "left"), (session.say("cli.column.handed_over"), "left"),
        (session.say("cli.column.counted"), "right"), (session.say("cli.column.variance"), "right"),
        (session.say("cli.column.state"), "left"),
    )  # fmt: skip
    for each in shifts:
        table.add_row(
            Text(str(each["number"]), "bold"), who(each["holder"]), place.at(each["opened_at"], IN_LISTS),
            place.at(each["closed_at"], IN_LISTS), place.shown(each["counted"]), _difference(place, each["variance"]),
            session.say(f"cli.shift.state.{each['state']}"),
        )  # fmt: skip
    session.out.print(table)
    for balance in balances:
        held = session.say("cli.shift.safe", amount=place.shown(balance), currency=balance["currency"])
        session.out.print(held, soft_wrap=True)


def print_sheet(session: Session, place: Place, sheet: Any) -> None:
    """Print a sheet: who and when, how the cash came about, what came otherwise, what is still to be done."""
    kind = "z" if sheet["state"] == HANDED_OVER else "x"
    title = session.say(
        f"cli.shift.title_{kind}", number=sheet["number"], lot=session.name_of(place.names, place.code),
        code=place.code,
    )  # fmt: skip
    session.out.print(Text(title, "bold"), soft_wrap=True)
    _print_facts(session, place, sheet)
    _print_methods(session, place, sheet["methods"])
    _print_slips(session, place, sheet["slips"])
    if sheet["state"] == OPEN and sheet["expected"] is None:
        session.out.print(session.say("cli.shift.blind", lot=place.code), soft_wrap=True)
    if sheet["state"] == COUNTED:
        missing = _difference(place, sheet["variance"])
        print_warning(session.say("cli.shift.wants_reason", variance=missing, lot=place.code), session)


def _print_facts(session: Session, place: Place, sheet: Any) -> None:
    cash: Mapping[str, Any] = next((each for each in sheet["methods"] if each["method"] == "cash"), {})
    over = sheet["state"] == HANDED_OVER
    facts: list[tuple[str, str]] = [
        ("holder", who(sheet["holder"]) + (f"  {sheet['booth']}" if sheet["booth"] else "")),
        ("opened", place.at(sheet["opened_at"])),
    ]
    if over:
        facts.append(("handed_over", f"{place.at(sheet['closed_at'])}  {who(sheet['closed_by'])}"))
    facts.append(("opening", place.shown(sheet["opening"])))
    if sheet["taken_over"]["minor"]:
        facts.append(("taken_over", place.shown(sheet["taken_over"])))
    if sheet["expected"] is not None:
        facts += [("cash_in", _part(place, cash, "taken")), ("cash_out", _part(place, cash, "given"))]
        facts.append(("expected", place.shown(sheet["expected"])))
    if sheet["counted"] is not None:
        facts.append(("counted", place.shown(sheet["counted"])))
        for each in sheet["pieces"] or []:
            facts.append(("", f"{Money(each['minor'], place.currency).amount_text} x {each['pieces']}"))
        for check in sheet["checks"]:
            facts.append(
                (check["kind"], f"{place.shown(check['counted'])}  {who(check['by'])}  {check['reason'] or ''}")
            )
        facts.append(("variance", _difference(place, sheet["variance"])))
    if sheet["reason"]:
        facts.append(("reason", sheet["reason"]))
    if over:
        facts.append(("to_safe", place.shown(sheet["to_safe"])))
    if sheet["next"] is not None:
        onto = session.say("cli.shift.next", number=sheet["next"]["number"], holder=who(sheet["next"]["holder"]))
        facts.append(("passed", f"{place.shown(sheet['passed'])}  {onto}"))
    table = plain_table(("", "left"), ("", "left"))
    table.show_header = False
    for name, value in facts:
        strong = "bold" if name in ("expected", "counted", "variance") else ""
        table.add_row(session.say(f"cli.shift.fact.{name}") if name else "", Text(value.rstrip(), strong))
    session.out.print(table)


def _print_methods(session: Session, place: Place, methods: Sequence[Any]) -> None:
    if not methods:
        session.out.print(session.say("cli.shift.nothing_taken"), soft_wrap=True)
        return
    table = plain_table(
        (session.say("cli.column.method"), "left"), (session.say("cli.column.receipts"), "right"),
        (session.say("cli.column.taken"), "right"), (session.say("cli.column.refunds"), "right"),
        (session.say("cli.column.given"), "right"),
    )  # fmt: skip
    for each in methods:
        table.add_row(
            session.say(f"top.method.{each['method']}"), str(each["count"]), place.shown(each["taken"]),
            str(each["given_count"]), place.shown(each["given"]),
        )  # fmt: skip
    session.out.print(table)


def _print_slips(session: Session, place: Place, slips: Sequence[Any]) -> None:
    if not slips:
        return
    table = plain_table(
        (session.say("cli.column.slip"), "left"), (session.say("cli.column.amount"), "right"),
        (session.say("cli.column.note"), "left"),
    )  # fmt: skip
    for each in slips:
        table.add_row(each["transaction"], place.shown(each["amount"]), each["note"] or "")
    session.out.print(table)


def _part(place: Place, cash: Mapping[str, Any], name: str) -> str:
    return place.shown(cash[name] if cash else {"minor": 0, "currency": place.currency})


def _difference(place: Place, amount: Mapping[str, Any] | None) -> str:
    shown = place.shown(amount)
    return f"+{shown}" if amount is not None and amount["minor"] > 0 else shown
