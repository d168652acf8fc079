"""``openberth sensor``: what looks at the spaces of a lot, the secrets of collectors, and whether its cars add up."""

import asyncio
from typing import Annotated, Any

import typer
from rich.text import Text

from openberth.entrypoints.cli.client import connected, part
from openberth.entrypoints.cli.devices import address_of, last_seen_text
from openberth.entrypoints.cli.session import Session
from openberth.entrypoints.cli.stays import LotArgument
from openberth.entrypoints.cli.tables import plain_table

REPORTS_SHOWN = 10
_STYLES = {"occupied": "red", "free": "green", "unknown": "yellow"}

app = typer.Typer()
SensorArgument = Annotated[str, typer.Argument(help="cli.argument.sensor", show_default=False)]
CollectorArgument = Annotated[str, typer.Argument(help="cli.argument.collector", show_default=False)]


@app.command("list", help="cli.help.sensor.list")
def list_sensors(context: typer.Context, lot: LotArgument) -> None:
    """List the collectors and sensors of a lot."""
    asyncio.run(_list(context.obj, lot))


async def _list(session: Session, lot: str) -> None:
    async with connected(session) as api:
        found = await api.get(f"/v1/lots/{part(lot)}/sensors")
        clock = await api.get("/v1/clock")
    collectors = plain_table(
        (session.say("cli.column.collector"), "left"), (session.say("cli.column.kind"), "left"),
        (session.say("cli.column.sensors"), "right"), (session.say("cli.column.last_seen"), "left"),
    )  # fmt: skip
    for each in found["collectors"]:
        collectors.add_row(
            Text(each["code"], "bold"), each["kind"], str(each["sensors"]), last_seen_text(each, clock, session)
        )
    session.out.print(collectors)
    session.out.print()
    sensors = plain_table(
        (session.say("cli.column.space"), "left"), (session.say("cli.column.state"), "left"),
        (session.say("cli.column.sensor"), "left"), (session.say("cli.column.collector"), "left"),
        (session.say("cli.column.last_seen"), "left"), (session.say("cli.column.wrong"), "left"),
    )  # fmt: skip
    for each in found["sensors"]:
        heard = {"last_seen": each["last_heard"], "online": True}
        sensors.add_row(
            Text(each["space"], "bold"), _state(each, session), each["code"], each["collector"],
            last_seen_text(heard, clock, session), _wrong(each, session),
        )  # fmt: skip
    session.out.print(sensors)


@app.command("show", help="cli.help.sensor.show")
def show(context: typer.Context, lot: LotArgument, sensor: SensorArgument) -> None:
    """Show a sensor and what it said last, as it came."""
    asyncio.run(_show(context.obj, lot, sensor))


async def _show(session: Session, lot: str, sensor: str) -> None:
    async with connected(session) as api:
        found = await api.get(f"/v1/lots/{part(lot)}/sensors")
        reports = await api.get(f"/v1/lots/{part(lot)}/sensors/{part(sensor)}/reports?limit={REPORTS_SHOWN}")
    one = next(each for each in found["sensors"] if each["code"] == sensor)  # the reports would have been refused
    told = (
        ("cli.column.space", one["space"]), ("cli.column.state", _state(one, session)),
        ("cli.column.collector", f"{one['collector']} · {one['name']}"), ("cli.column.confidence", one["confidence"]),
        ("cli.column.battery", one["battery_mv"]), ("cli.column.wrong", _wrong(one, session)),
    )  # fmt: skip
    for code, value in told:
        if value not in (None, ""):
            session.out.print(Text.assemble(f"{session.say(code)}: ", value if isinstance(value, Text) else str(value)))
    for each in reports["items"]:
        words = f"{each['received_at']}  {each['raw']}"
        session.out.print(words, soft_wrap=True, highlight=False, markup=False)


@app.command("credentials", help="cli.help.sensor.credentials")
def credentials(context: typer.Context, lot: LotArgument, collector: CollectorArgument) -> None:
    """Make a new secret for a collector that pushes and print its address once."""
    asyncio.run(_credentials(context.obj, lot, collector))


async def _credentials(session: Session, lot: str, collector: str) -> None:
    async with connected(session) as api:
        made = await api.post(f"/v1/lots/{part(lot)}/collectors/{part(collector)}/credentials", {})
    address = address_of(made, session.url)
    words = f"{session.say('cli.credentials.address')}: {address}"
    session.out.print(words, soft_wrap=True, highlight=False, markup=False)
    typer.echo(session.say("cli.credentials.once", device=collector), err=True)


@app.command("compare", help="cli.help.sensor.compare")
def compare(context: typer.Context, lot: LotArgument) -> None:
    """Show how the cars of each area add up: by lanes, open stays, sensors and loops."""
    asyncio.run(_compare(context.obj, lot))


async def _compare(session: Session, lot: str) -> None:
    async with connected(session) as api:
        found = await api.get(f"/v1/lots/{part(lot)}/occupancy/check")
    names = ("area", "by_lanes", "open_stays", "by_sensors", "by_loops", "apart")
    table = plain_table(*((session.say(f"cli.column.{name}"), "left" if name == "area" else "right") for name in names))
    for each in found["areas"]:
        wrong = "red" if each["alarm"] else "yellow" if each["differs_since"] else ""
        sensed = "-" if each["sensed_occupied"] is None else f"{each['sensed_occupied']} ({each['sensed_unknown']}?)"
        table.add_row(
            Text(each["area"], "bold"), _number(each["counted"]), _number(each["stays"]), sensed,
            _number(each["loops"]), Text(_number(each["apart"]), wrong),
        )  # fmt: skip
    session.out.print(table)
    session.out.print(session.say("cli.sensor.band", band=found["band"], minutes=found["band_s"] // 60))


def _state(sensor: Any, session: Session) -> Text:
    return Text(session.say(f"console.places.space_state.{sensor['state']}"), _STYLES[sensor["state"]])


def _wrong(sensor: Any, session: Session) -> Text:
    words = [session.say(f"cli.sensor.{flag}") for flag in sensor["flags"]]
    words += [session.say("cli.sensor.battery")] if sensor["battery_low"] else []
    words += [str(sensor["fault"])] if sensor["fault"] else []
    words += [session.say("cli.sensor.over_line")] if sensor["over_line"] else []
    return Text(", ".join(words), "yellow")


def _number(value: int | None) -> str:
    return "-" if value is None else str(value)
