"""``openberth tariff``: checking and publishing tariff files, prices with their reasons, curves."""

import asyncio
import sys
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from openberth.entrypoints.cli.client import Api, connected, part
from openberth.entrypoints.cli.files import read_text
from openberth.entrypoints.cli.pricing.asking import (
    Marks,
    ask,
    is_file,
    later,
    read_coupon,
    read_length,
    read_moment,
    read_month,
    read_visit,
    read_zone,
)
from openberth.entrypoints.cli.pricing.drawing import svg
from openberth.entrypoints.cli.pricing.showing import (
    csv_of,
    curve_titles,
    show_check,
    show_curve,
    show_quote,
    steps_of,
)
from openberth.entrypoints.cli.pricing.what_if import answer_of, show
from openberth.entrypoints.cli.session import Session
from openberth.entrypoints.cli.tables import print_warning
from openberth.kernel.errors import Refused
from openberth.kernel.time import instant_of, to_iso

if TYPE_CHECKING:
    from openberth.contexts.tariffs import Tariff

app = typer.Typer()


class Energy(StrEnum):
    """What a vehicle runs on."""

    NEW = "new"
    FUEL = "fuel"


FileArgument = Annotated[Path, typer.Argument(help="cli.argument.tariff_file", show_default=False)]
AnyArgument = Annotated[str, typer.Argument(metavar="FILE|CODE", help="cli.argument.tariff_any", show_default=False)]
From = Annotated[str | None, typer.Option("--from", metavar="TIME", help="cli.option.from")]
ZoneOption = Annotated[str | None, typer.Option("--zone", metavar="ZONE", help="cli.option.zone")]
ClassOption = Annotated[str | None, typer.Option("--class", metavar="CODE", help="cli.option.class")]
Colour = Annotated[str | None, typer.Option("--colour", metavar="COLOUR", help="cli.option.colour")]
EnergyOption = Annotated[Energy | None, typer.Option("--energy", help="cli.option.energy", show_default=False)]
Size = Annotated[str | None, typer.Option("--size", metavar="SIZE", help="cli.option.size")]
Seats = Annotated[int | None, typer.Option("--seats", min=1, max=300, metavar="N", help="cli.option.seats")]
Disabled = Annotated[bool, typer.Option("--disabled", help="cli.option.disabled")]
Spaces = Annotated[int, typer.Option("--spaces", min=1, max=100, metavar="N", help="cli.option.spaces")]
Tags = Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="cli.option.tag")]


@app.command("check", help="cli.help.tariff.check")
def check(context: typer.Context, file: FileArgument) -> None:
    """Tell all mistakes of a tariff file, or what it says."""
    from openberth.entrypoints.cli.pricing import offline

    session: Session = context.obj
    show_check(offline.check(_tariff_of(file), session.language), str(file), session)


@app.command("publish", help="cli.help.tariff.publish")
def publish(
    context: typer.Context,
    file: FileArgument,
    begin: Annotated[str | None, typer.Option("--from", metavar="TIME", help="cli.option.valid_from")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="cli.option.valid_until")] = None,
    zone: ZoneOption = None,
) -> None:
    """Publish a tariff file as a new version, or as an event price that ends by itself."""
    text, read = read_text(file), _tariff_of(file)
    in_zone = read_zone(zone, {"zone": read.zone})
    span = {
        name: to_iso(instant_of(read_moment(moment, in_zone)))
        for name, moment in (("valid_from", begin), ("valid_until", until))
        if moment is not None
    }
    asyncio.run(_publish(context.obj, read.code, text, str(file), span))


async def _publish(session: Session, code: str, text: str, name: str, span: Mapping[str, str]) -> None:
    async with connected(session) as api:
        published = await publish_tariff(api, code, text, name=name, span=span)
    words = "cli.tariff.published" if published.get("new", True) else "cli.tariff.unchanged"
    session.out.print(session.say(words, tariff=code, number=published.get("number", "–")))
    for warning in published.get("warnings") or ():
        print_warning(str(warning.get("text")), session)


async def publish_tariff(api: Api, code: str, text: str, *, name: str, span: Mapping[str, str] | None = None) -> Any:
    """Publish one tariff file, from and until instants of ``span``, and return its version."""
    return await api.put(f"/v1/tariffs/{part(code)}", text, name=name, query=span)


@app.command("diff", help="cli.help.tariff.diff")
def diff(
    context: typer.Context,
    tariff: Annotated[str, typer.Argument(metavar="CODE", help="cli.argument.tariff", show_default=False)],
    before: Annotated[str | None, typer.Option("--from", metavar="N", help="cli.option.diff_from")] = None,
    after: Annotated[str | None, typer.Option("--to", metavar="N", help="cli.option.diff_to")] = None,
) -> None:
    """Say what differs between two versions of a tariff."""
    asyncio.run(_diff(context.obj, tariff, before or "", after or ""))


async def _diff(session: Session, tariff: str, before: str, after: str) -> None:
    async with connected(session) as api:
        found = await api.get(f"/v1/tariffs/{part(tariff)}/difference", **{"from": before, "to": after})
    named = {"tariff": tariff, "before": found.get("from_version"), "after": found.get("to_version")}
    differences = found.get("differences") or ()
    session.out.print(session.say("cli.tariff.diff" if differences else "cli.tariff.no_diff", **named))
    for one in differences:
        session.out.print(Text(f"  {one.get('text')}"), soft_wrap=True)


@app.command("quote", help="cli.help.tariff.quote")
def quote(
    context: typer.Context,
    tariff: AnyArgument,
    until: Annotated[str, typer.Option("--to", metavar="TIME", help="cli.option.to")],
    entered: From = None,
    zone: ZoneOption = None,
    vehicle_class: ClassOption = None,
    colour: Colour = None,
    energy: EnergyOption = None,
    size: Size = None,
    seats: Seats = None,
    disabled: Disabled = False,
    spaces: Spaces = 1,
    tag: Tags = None,
    coupon: Annotated[list[str] | None, typer.Option("--coupon", metavar="COUPON", help="cli.option.coupon")] = None,
    visit: Annotated[list[str] | None, typer.Option("--visit", metavar="FROM/TO", help="cli.option.visit")] = None,
) -> None:
    """Explain a price."""
    marks = Marks(vehicle_class, colour, _is_new(energy), size, seats, disabled, spaces, tag or ())
    asyncio.run(_quote(context.obj, tariff, entered, until, zone, marks, coupon or [], visit or []))


async def _quote(
    session: Session, tariff: str, begin: str | None, end: str, zone_name: str | None, marks: Marks,
    coupons: list[str], visits: list[str],
) -> None:  # fmt: skip
    if is_file(tariff):
        from openberth.entrypoints.cli.pricing import offline

        read = _tariff_of(Path(tariff))
        zone = read_zone(zone_name, {"zone": read.zone})
        entered, until = _moments(begin, end, zone)
        value = ask(entered, until, marks, zone)
        value["reliefs"] = _reliefs(coupons, read.currency, entered)
        value["visits"] = [read_visit(each, zone) for each in visits]
        answer = offline.quote(read, value, session.language)
    else:
        async with connected(session) as api:
            document = (await api.get(f"/v1/tariffs/{part(tariff)}"))["document"]
            zone = read_zone(zone_name, document)
            entered, until = _moments(begin, end, zone)
            value = ask(entered, until, marks, zone)
            value["reliefs"] = _reliefs(coupons, document["currency"], entered)
            value["visits"] = [read_visit(each, zone) for each in visits]
            answer = await api.post("/v1/quotes", {**value, "tariff": tariff})
    show_quote(answer, entered, until, session)


@app.command("curve", help="cli.help.tariff.curve")
def curve(
    context: typer.Context,
    tariff: AnyArgument,
    entered: From = None,
    upto: Annotated[str, typer.Option("--upto", metavar="LENGTH", help="cli.option.upto")] = "24h",
    zone: ZoneOption = None,
    vehicle_class: ClassOption = None,
    colour: Colour = None,
    energy: EnergyOption = None,
    size: Size = None,
    seats: Seats = None,
    disabled: Disabled = False,
    spaces: Spaces = 1,
    tag: Tags = None,
    csv: Annotated[str | None, typer.Option("--csv", metavar="FILE|-", help="cli.option.csv")] = None,
    svg: Annotated[Path | None, typer.Option("--svg", metavar="FILE", help="cli.option.svg")] = None,
) -> None:
    """Draw the fee against the length of a stay."""
    marks = Marks(vehicle_class, colour, _is_new(energy), size, seats, disabled, spaces, tag or ())
    session: Session = context.obj
    answer = asyncio.run(_curve(session, tariff, entered, upto, zone, marks))
    _show_curve(session, answer, csv, svg)


async def _curve(
    session: Session, tariff: str, begin: str | None, upto: str, zone_name: str | None, marks: Marks
) -> Any:
    length = read_length(upto)
    if is_file(tariff):
        from openberth.entrypoints.cli.pricing import offline

        read = _tariff_of(Path(tariff))
        zone = read_zone(zone_name, {"zone": read.zone})
        entered = _entered(begin, zone)
        return offline.curve(read, ask(entered, later(entered, length), marks, zone))
    async with connected(session) as api:
        zone = read_zone(zone_name, (await api.get(f"/v1/tariffs/{part(tariff)}"))["document"])
        entered = _entered(begin, zone)
        return await api.post(
            "/v1/tariffs/curve", {**ask(entered, later(entered, length), marks, zone), "tariff": tariff}
        )


@app.command("what-if", help="cli.help.tariff.what_if")
def what_if(
    context: typer.Context,
    file: FileArgument,
    lot: Annotated[str, typer.Option("--lot", metavar="LOT", help="cli.option.lot")],
    month: Annotated[str, typer.Option("--month", metavar="MONTH", help="cli.option.month")],
    replaces: Annotated[str | None, typer.Option("--replaces", metavar="CODE", help="cli.option.replaces")] = None,
) -> None:
    """Price a past month of stays anew."""
    text = read_text(file)
    _tariff_of(file)  # its mistakes are told with the name of the file
    asyncio.run(_what_if(context.obj, lot, {"month": read_month(month), "document": text, "replaces": replaces}))


async def _what_if(session: Session, lot: str, question: Any) -> None:
    async with connected(session, at_work=True) as api:
        answer = await answer_of(api, lot, question, session)
    show(answer, session)


def _show_curve(session: Session, answer: Any, csv: str | None, picture: Path | None) -> None:
    zone = read_zone(answer["zone"], None)
    if csv == "-":
        sys.stdout.write(csv_of(answer))
    else:
        show_curve(answer, zone, session)
    if csv not in (None, "-"):
        _write(session, Path(csv), csv_of(answer))
    if picture is not None:
        _write(session, picture, svg(steps_of(answer), *curve_titles(answer, zone, session)))


def _write(session: Session, path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Refused("cli.file", path=str(path), reason=error.strerror or type(error).__name__) from error
    sys.stderr.write(session.say("cli.curve.written", path=str(path)) + "\n")


def _tariff_of(file: Path) -> "Tariff":
    # Read where it is needed: the room of tariffs brings the database along.
    from openberth.contexts.tariffs import read_tariff

    return read_tariff(read_text(file), name=str(file))


def _entered(begin: str | None, zone: Any) -> datetime:
    if begin is not None:
        return read_moment(begin, zone)
    return datetime.now(zone).replace(second=0, microsecond=0)


def _moments(begin: str | None, end: str, zone: Any) -> tuple[datetime, datetime]:
    entered = _entered(begin, zone)
    return entered, read_moment(end, zone, entered)


def _reliefs(coupons: list[str], currency: str, entered: datetime) -> list[dict[str, Any]]:
    zone: Any = entered.tzinfo
    return [read_coupon(text, number, currency, zone, entered) for number, text in enumerate(coupons, 1)]


def _is_new(energy: Energy | None) -> bool | None:
    return None if energy is None else energy is Energy.NEW
