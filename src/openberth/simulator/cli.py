"""The command line: run a town against a server and end with status 0 only when the books agree."""

import asyncio
import json
import random
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from openberth.simulator.api import Refusal
from openberth.simulator.boom import BoomTiming
from openberth.simulator.counters import Counters, Latencies
from openberth.simulator.faults import FAULTS, Faults
from openberth.simulator.plan import PlanError
from openberth.simulator.run import Report, TownConfig, run_town
from openberth.simulator.tariff import TariffUnknown
from openberth.simulator.web import NoAnswer

_SHOWN = (
    ("arrived", "admitted", "refused", "balked", "inside", "left"),
    ("paid", "paid_minor", "helped", "exceptions", "retransmissions", "replayed"),
)
_DIFFERENCES_SHOWN = 50
_FILE_OPTIONS = ("--lots", "--tariffs", "--permits")
_FAULT_HELP = "; ".join(f"{name} (default {rate:g}): {text}" for name, (rate, text) in FAULTS.items())

app = typer.Typer(add_completion=False)


@app.command()
def simulate(
    url: Annotated[str, typer.Option(help="The server, e.g. http://127.0.0.1:8420.")],
    token_file: Annotated[Path, typer.Option(help="File with the operator token.")],
    lots: Annotated[list[Path], typer.Option(help="Lot files; may be repeated.")],
    tariffs: Annotated[list[Path], typer.Option(help="Tariff files; may be repeated.")],
    permits: Annotated[list[Path] | None, typer.Option(help="Permit files; may be repeated.")] = None,
    sandpay: Annotated[str | None, typer.Option(help="The payment sandbox, whose totals are compared too.")] = None,
    wechatpay: Annotated[
        str | None, typer.Option(help="The stand-in for WeChat Pay: drivers pay there, and its totals are compared.")
    ] = None,
    alipay: Annotated[
        str | None, typer.Option(help="The stand-in for Alipay: drivers pay there, and its totals are compared.")
    ] = None,
    accounts: Annotated[int, typer.Option(min=0, max=100, help="Prepaid accounts that are opened at each lot.")] = 0,
    opening: Annotated[
        int | None, typer.Option("--float", min=0, help="Guards work in shifts with this float, in minor units.")
    ] = None,
    barrier_port: Annotated[int, typer.Option(help="Where barrier controllers dial.")] = 8421,
    sensor_port: Annotated[int, typer.Option(help="Where collectors of sensors dial.")] = 8423,
    hours: Annotated[float, typer.Option(min=0, help="Business hours to run.")] = 24.0,
    minutes: Annotated[float | None, typer.Option(min=0, help="Machine minutes to run, instead of --hours.")] = None,
    load: Annotated[float, typer.Option(min=0, help="Multiplies the arrivals of the lot files.")] = 1.0,
    seed: Annotated[int | None, typer.Option(help="Makes choices repeatable; printed at the end.")] = None,
    cars: Annotated[int, typer.Option(min=1, help="At most this many cars.")] = 100_000,
    boom_ms: Annotated[
        int | None, typer.Option(min=1, help="Machine time of one movement of a boom; else as the clock's speed asks.")
    ] = None,
    picture_bytes: Annotated[int, typer.Option(min=0, max=2_000_000, help="Make scene pictures this big.")] = 0,
    settle: Annotated[float, typer.Option(min=0, help="Machine seconds for the books to agree at the end.")] = 20.0,
    fault: Annotated[list[str] | None, typer.Option(help=f"NAME or NAME=RATE. {_FAULT_HELP}.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Let virtual cars come, pay and go, and compare the books at the end.

    Ctrl-C closes the town early: those under way finish, and the books are compared as they are.
    """
    console = Console(stderr=as_json)
    try:
        faults = Faults.parse(fault or ())
        config = TownConfig(
            url=url,
            token=token_file.read_text(encoding="utf-8").strip(),
            lots=tuple(lots),
            tariffs=tuple(tariffs),
            permits=tuple(permits or ()),
            sandpay_url=sandpay,
            wechatpay_url=wechatpay,
            alipay_url=alipay,
            accounts=accounts,
            float_minor=opening,
            barrier_port=barrier_port,
            sensor_port=sensor_port,
            hours=hours,
            minutes=minutes,
            load=load,
            seed=random.randrange(1 << 31) if seed is None else seed,
            cars=cars,
            timing=None if boom_ms is None else BoomTiming(move_s=boom_ms / 1000, drive_s=boom_ms / 2500),
            picture_bytes=picture_bytes,
            settle_s=settle,
        )
        report = asyncio.run(_watched(config, faults, console))
    except (ValueError, OSError, NoAnswer, Refusal, PlanError, TariffUnknown) as error:
        console.print(f"[red]The town cannot be run:[/] {escape(str(error))}")
        raise typer.Exit(2) from error
    if as_json:
        sys.stdout.write(json.dumps(report.to_json(), ensure_ascii=False) + "\n")
    else:
        _print(report, console)
    raise typer.Exit(0 if report.balanced else 1)


async def _watched(config: TownConfig, faults: Faults, console: Console) -> Report:
    counters, closing = Counters(), asyncio.Event()
    running = asyncio.create_task(run_town(config, counters=counters, faults=faults, closing=closing))
    loop = asyncio.get_running_loop()

    def asked() -> None:
        """Close the doors; whoever asks once more is not waited for."""
        loop.remove_signal_handler(signal.SIGINT)
        console.print("[yellow]no more cars come; the books are compared when those under way have finished[/]")
        closing.set()

    loop.add_signal_handler(signal.SIGINT, asked)
    if not console.is_terminal:
        return await running
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        while not running.done():
            live.update(counters_table(counters))
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(running), 0.5)
    return await running


def counters_table(counters: Counters) -> Table:
    """Return the live numbers as a table for a terminal."""
    table = Table(title="town", show_header=False)
    for names in _SHOWN:
        table.add_row(*(f"{name.replace('_', ' ')} [bold]{getattr(counters, name)}[/]" for name in names))
    table.add_row("recognition → answer", *_latency_cells(counters.answer))
    table.add_row("payment → boom open", *_latency_cells(counters.pay_to_open))
    return table


def _latency_cells(latencies: Latencies) -> list[str]:
    return [f"p{percent} [bold]{latencies.percentile_us(percent) / 1000:.1f}[/] ms" for percent in (50, 95, 99)]


def _print(report: Report, console: Console) -> None:
    console.print(f"seed {report.seed}, faults {report.faults}")
    console.print(
        f"{report.cars} cars came, {report.left} left, {report.inside} are inside; received {report.received}"
    )
    for trouble in report.troubles[:_DIFFERENCES_SHOWN]:
        console.print(f"[yellow]trouble[/] {escape(trouble)}")
    for difference in report.differences[:_DIFFERENCES_SHOWN]:
        console.print(f"[red]difference[/] {escape(difference)}")
    if len(report.differences) > _DIFFERENCES_SHOWN:
        console.print(f"and {len(report.differences) - _DIFFERENCES_SHOWN} more differences")
    console.print("[green]the books agree[/]" if report.balanced else "[red]the books do not agree[/]")


def spread(arguments: Sequence[str]) -> list[str]:
    """Repeat the option before each of several files: ``--lots lots/*.yaml`` as the shell spells it out."""
    result: list[str] = []
    option = ""
    for argument in arguments:
        if argument.startswith("-"):
            option = argument if argument in _FILE_OPTIONS else ""
            result += [argument] * (not option)
        else:
            result += [option, argument] if option else [argument]
    return result


def main() -> None:
    """Run the command line."""
    app(spread(sys.argv[1:]))
