"""``openberth serve`` and ``openberth simulate``."""

from typing import Annotated, Any

import typer

from openberth.entrypoints.cli.client import local_url
from openberth.entrypoints.cli.files import Examples, find_examples
from openberth.entrypoints.cli.session import Session
from openberth.infra.place import TOKEN_FILE, place_of
from openberth.infra.settings import Settings
from openberth.kernel.errors import Refused

HELP = ("--help", "-h")


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="cli.option.host")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="cli.option.port")] = None,
    barrier_port: Annotated[int | None, typer.Option(min=0, max=65_535, help="cli.option.barrier_port")] = None,
    mqtt_port: Annotated[int | None, typer.Option(min=0, max=65_535, help="cli.option.mqtt_port")] = None,
    sensor_port: Annotated[int | None, typer.Option(min=0, max=65_535, help="cli.option.sensor_port")] = None,
    database: Annotated[str | None, typer.Option(help="cli.option.database")] = None,
    public_url: Annotated[str | None, typer.Option(help="cli.option.public_url")] = None,
    log_level: Annotated[str | None, typer.Option(help="cli.option.log_level")] = None,
    log_format: Annotated[str | None, typer.Option(help="cli.option.log_format")] = None,
) -> None:
    """Run the server until it is told to stop."""
    session: Session = context.obj
    groups: dict[str, dict[str, Any]] = {
        "http": {"host": host, "port": port},
        "barrier": {"host": host, "port": barrier_port},
        "mqtt": {"host": host, "port": mqtt_port},
        "sensor": {"host": host, "port": sensor_port},
        "log": {"level": log_level, "format": log_format},
    }
    said: dict[str, Any] = {"database": database, "public_url": public_url}
    for name, group in groups.items():
        said[name] = {key: value for key, value in group.items() if value is not None} or None
    settings = session.settings(**said)
    # Imported here: a mistake in the settings is told before the whole program is loaded.
    from openberth.entrypoints import server

    server.run(settings)


def simulate(context: typer.Context) -> None:
    """Hand the line to the simulator, with what it needs to reach the server of this data folder."""
    # Imported here: the simulator is a program of its own.
    from openberth.simulator import cli as simulator

    session: Session = context.obj
    line = simulator.spread(context.args)
    if any(word in HELP for word in line):
        # The simulator knows neither this house nor its languages: what its options mean here is said before them.
        session.out.print(session.say("cli.help.simulate"), soft_wrap=True, markup=False)
        line = ["--help"]
    else:
        for option, said in (("--url", session.url), ("--token-file", session.token_file)):
            line += [] if said is None else [option, str(said)]  # they stood before the command
        line += missing_options(line, session.settings())
    simulator.app(line, prog_name="openberth simulate")


def missing_options(line: list[str], settings: Settings) -> list[str]:
    """Return the options that a line for the simulator lacks: the local server and the examples of the checkout."""
    given = {word.partition("=")[0] for word in line}
    place = place_of(settings.data)
    added: list[str] = []
    if "--url" not in given:
        if place is None:
            raise Refused("cli.no_server", data=str(settings.data))
        added += ["--url", local_url(settings.http.host, place["port"], settings.http.scheme)]
        if "--barrier-port" not in given:
            added += ["--barrier-port", str(place["barrier_port"])]
    if "--token-file" not in given:
        added += ["--token-file", str(settings.data / TOKEN_FILE)]
    if "--sandpay" not in given and settings.sandpay is not None:
        added += ["--sandpay", settings.sandpay.url]
    if "--lots" not in given or "--tariffs" not in given:
        added += _example_options(find_examples(), given)
    return added


def _example_options(examples: Examples, given: set[str]) -> list[str]:
    options: list[str] = []
    for option, paths in (
        ("--lots", examples.lots), ("--tariffs", examples.tariffs), ("--permits", examples.permits),
    ):  # fmt: skip
        if option not in given:
            options += [word for path in paths for word in (option, str(path))]
    return options
