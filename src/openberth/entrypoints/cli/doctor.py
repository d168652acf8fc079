"""``openberth doctor``: what is ill on this machine, in words, and what to do about it.

Looks from the outside in: settings, folders, keys, database, disk, clock, server and ports, then what the server knows
about its devices and exceptions. Nothing is changed.
"""

import asyncio
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import httpx2
import typer
from rich.text import Text

from openberth.bootstrap import clocks_of
from openberth.entrypoints.cli.client import Api, connected, local_trust, local_url
from openberth.entrypoints.cli.demo.place import is_free
from openberth.entrypoints.cli.mistakes import lines_of
from openberth.entrypoints.cli.session import Session
from openberth.entrypoints.cli.top.model import instant_of
from openberth.entrypoints.cli.top.reading import cases_of, overview_of
from openberth.entrypoints.cli.top.words import age_text
from openberth.entrypoints.tls import certificate_ends, context_of
from openberth.infra import alarms, vault
from openberth.infra.clocks import SystemClock
from openberth.infra.database import Reader, open_database
from openberth.infra.database.migrating import check
from openberth.infra.http.limits import is_loopback
from openberth.infra.jobs import given_up
from openberth.infra.keys import KeyRing, load_keys
from openberth.infra.outbox import parked_keys
from openberth.infra.place import place_of
from openberth.infra.sealing import RingSealer
from openberth.infra.settings import Settings
from openberth.kernel.authority import system
from openberth.kernel.errors import Param, Problem
from openberth.kernel.time import MINUTE_US, SECOND_US, Instant, as_datetime

ILL_STATUS = 1
CASE_OLD_US = 10 * MINUTE_US
CLOCK_APART_US = 2 * SECOND_US
FREE_BYTES_LEAST = 1024**3
FREE_PERCENT_LEAST = 5
BUILT_IN_YEAR = 2026
CERTIFICATE_LEFT_DAYS = 14
LISTED = 5
DEVICES_ILL = ("device_", "sensor_", "collector_")  # alarms of what stands at a lane or space: somebody has to go there
PROBE_S = 3.0
SIGNS = {"well": ("✓", "green"), "note": ("·", "yellow"), "ill": ("✗", "bold red")}


class Health(StrEnum):
    """How something is."""

    WELL = "well"
    NOTE = "note"  # worth knowing, nothing to do
    ILL = "ill"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; ``code`` and ``params`` are its text."""

    health: Health
    code: str
    params: dict[str, Param] = field(default_factory=dict)


def doctor(context: typer.Context) -> None:
    """Print every finding; end with status 1 when something is ill."""
    session: Session = context.obj
    ill = 0
    for finding in asyncio.run(_examine(session)):
        sign, style = SIGNS[finding.health]
        ill += finding.health is Health.ILL
        words = Text(session.say(finding.code, **finding.params), "bold" if finding.health is Health.ILL else "")
        session.out.print(Text.assemble((sign, style), " ", words), soft_wrap=True)
    session.out.print()
    session.out.print(Text(session.say("doctor.ill", count=ill) if ill else session.say("doctor.well"),
                           "bold red" if ill else "green"))  # fmt: skip
    raise typer.Exit(ILL_STATUS if ill else 0)


async def _examine(session: Session) -> list[Finding]:
    settings = session.settings()
    findings = [*look_at_folder(settings), *look_at_keys(settings, session), *look_at_edge(settings, session)]
    findings += [*look_at_database(settings, session), *look_at_clock(SystemClock().now())]
    answers, found = await look_at_server(settings)
    findings += found
    if answers:
        try:
            async with connected(session) as api:
                findings += await look_inside(api, session)
        except Problem as problem:
            findings.append(_told(problem, session))
    return findings


def look_at_folder(settings: Settings) -> Iterator[Finding]:
    """Look at the data folder and its disk."""
    data = settings.data
    if not data.is_dir():
        yield Finding(Health.NOTE, "doctor.no_data", {"path": str(data)})
        return
    if not os.access(data, os.R_OK | os.W_OK | os.X_OK):
        yield Finding(Health.ILL, "doctor.data_unwritable", {"path": str(data)})
        return
    yield Finding(Health.WELL, "doctor.data", {"path": str(data)})
    disk = shutil.disk_usage(data)
    yield disk_finding(disk.free, disk.total)


def disk_finding(free: int, total: int) -> Finding:
    """Judge free bytes of a disk."""
    percent = free * 100 // total if total else 0
    ill = free < FREE_BYTES_LEAST or percent < FREE_PERCENT_LEAST
    params: dict[str, Param] = {"free": f"{free // 1024**3}.{free % 1024**3 * 10 // 1024**3}", "percent": percent}
    return Finding(Health.ILL if ill else Health.WELL, "doctor.disk_full" if ill else "doctor.disk", params)


def look_at_keys(settings: Settings, session: Session) -> Iterator[Finding]:
    """Look at the key file: is it there, readable, and readable by its owner only."""
    if not settings.keys.exists() and not settings.data.is_dir():
        yield Finding(Health.NOTE, "doctor.no_keys", {"path": str(settings.keys)})
        return
    try:
        load_keys(settings.keys)
    except Problem as problem:
        yield _told(problem, session)
    else:
        yield Finding(Health.WELL, "doctor.keys", {"path": str(settings.keys)})


def look_at_edge(settings: Settings, session: Session) -> Iterator[Finding]:
    """Look how requests come in: over TLS, from a proxy that ends it, from this machine only, or readable on their way.

    A certificate that cannot be read, or is over soon, is told as well.
    """
    http = settings.http
    where: dict[str, Param] = {"host": http.host, "port": http.port}
    if http.tls is not None:
        try:
            context_of(http.tls)
            ends = certificate_ends(http.tls)
        except Problem as problem:
            yield _told(problem, session)
            return
        left = (as_datetime(ends) - as_datetime(SystemClock().now())).days
        code = "doctor.certificate" if left >= CERTIFICATE_LEFT_DAYS else "doctor.certificate_ends"
        health = Health.WELL if left >= CERTIFICATE_LEFT_DAYS else Health.ILL
        yield Finding(health, code, {"ends": f"{as_datetime(ends):%Y-%m-%d}", "days": left})
    elif is_loopback(http.host):
        yield Finding(Health.WELL, "doctor.loopback", where)
    elif http.trusted_proxies:
        yield Finding(Health.NOTE, "doctor.behind_proxy", {**where, "proxies": ", ".join(http.trusted_proxies)})
    else:
        yield Finding(Health.ILL, "doctor.plain_http", where)


def look_at_database(settings: Settings, session: Session) -> Iterator[Finding]:
    """Look at the revision of the database and at work that was given up."""
    if settings.database is None and not (settings.data / "openberth.db").exists():
        yield Finding(Health.NOTE, "doctor.no_database")
        return
    try:
        yield Finding(Health.WELL, "doctor.database", {"revision": check(settings.database_url)})
        # No sealed value is opened, so any keys will do.
        keys = RingSealer(KeyRing.fresh())
        database = open_database(settings.database_url, clocks_of(settings), keys, node="doctor")
        try:
            parked, failed = database.read_now(_given_up, by=system("doctor"))
            standing = database.read_now(alarms.standing, by=system("doctor"))
            sealed = database.read_now(_sealed, by=system("doctor"))
        finally:
            database.close()
    except Problem as problem:
        yield _told(problem, session)
        return
    yield from _key_findings(settings, sealed)
    yield _work_finding("doctor.parked", "doctor.nothing_parked", parked)
    yield _work_finding("doctor.given_up", "doctor.nothing_given_up", failed)
    for alarm in standing:
        health = Health.ILL if alarm.kind.startswith(DEVICES_ILL) else Health.NOTE
        yield Finding(health, "doctor.alarm", {"words": session.say(alarm.code, **alarm.params)})


def _given_up(reader: Reader) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    return parked_keys(reader), given_up(reader)


def _sealed(reader: Reader) -> dict[str, int]:
    return {key: vault.count_of(reader, key) for key in vault.keys_in_use(reader)}


def _key_findings(settings: Settings, sealed: dict[str, int]) -> Iterator[Finding]:
    """Tell of values whose key is missing, and of those that wait to be sealed anew."""
    try:
        ring = load_keys(settings.keys)
    except Problem:
        return  # told already
    missing = sorted(set(sealed) - set(ring.sealing))
    if missing:
        values = sum(sealed[key] for key in missing)
        yield Finding(Health.ILL, "doctor.keys_missing", {"keys": _listed(missing), "values": values})
    waiting = sum(count for key, count in sealed.items() if key != ring.current and key in ring.sealing)
    if waiting:
        yield Finding(Health.NOTE, "doctor.keys_waiting", {"values": waiting, "key": ring.current})


def _work_finding(ill: str, well: str, found: list[tuple[str, str]]) -> Finding:
    if not found:
        return Finding(Health.WELL, well)
    name, error = found[0]
    return Finding(Health.ILL, ill, {"count": len(found), "name": name, "error": error})


def look_at_clock(now: Instant) -> Iterator[Finding]:
    """Look whether this machine can know what day it is: one without a battery begins in 1970."""
    ill = as_datetime(now).year < BUILT_IN_YEAR
    yield Finding(Health.ILL if ill else Health.WELL, "doctor.clock_lost" if ill else "doctor.clock",
                  {"now": f"{as_datetime(now):%Y-%m-%d %H:%M:%S} UTC"})  # fmt: skip


async def look_at_server(settings: Settings) -> tuple[bool, list[Finding]]:
    """Look whether the server of the data folder answers, and whether its ports are free when it does not run."""
    place = place_of(settings.data)
    if place is None:
        findings = [Finding(Health.NOTE, "doctor.no_server")]
        mqtt = settings.mqtt.port if settings.mqtt.broker is None else 0
        for name, port in (
            ("http", settings.http.port), ("barrier", settings.barrier.port), ("mqtt", mqtt),
            ("sensor", settings.sensor.port),
        ):  # fmt: skip
            if port and not is_free(port):
                findings.append(Finding(Health.ILL, "doctor.port_taken", {"name": name, "port": port}))
        return False, findings
    url = local_url(settings.http.host, place["port"], settings.http.scheme)
    try:
        async with httpx2.AsyncClient(trust_env=False, timeout=PROBE_S, verify=local_trust(settings)) as http:
            report: Any = (await http.get(f"{url}/health/ready")).json()
    except (httpx2.HTTPError, ValueError) as error:
        reason = str(error) or type(error).__name__
        return False, [Finding(Health.ILL, "doctor.server_silent", {"url": url, "pid": place["pid"], "reason": reason})]
    found = [Finding(Health.WELL, "doctor.server", {"url": url, "pid": place["pid"]})]
    found += [
        Finding(Health.ILL, "doctor.check", {"name": part.get("name"), "reason": part.get("reason")})
        for part in report.get("checks", ())
        if not part.get("ok")
    ]
    return True, found


async def look_inside(api: Api, session: Session) -> list[Finding]:
    """Look at clocks, devices and exceptions through the API."""
    findings: list[Finding] = []
    before = SystemClock().now()
    clock = await api.get("/v1/clock")
    theirs = instant_of(clock.get("machine_now"))
    if theirs is not None and not before - CLOCK_APART_US <= theirs <= SystemClock().now() + CLOCK_APART_US:
        findings.append(Finding(Health.ILL, "doctor.clock_apart", {"seconds": abs(theirs - before) // SECOND_US}))
    overview = overview_of(await api.get("/v1/overview"))
    silent = [f"{lot.code}/{device}" for lot in overview.lots for device in lot.silent]
    devices = sum(lot.devices for lot in overview.lots)
    if silent:
        findings.append(Finding(Health.ILL, "doctor.devices_silent",
                                {"count": len(silent), "all": devices, "which": _listed(silent)}))  # fmt: skip
    new = [f"{lot.code}/{device}" for lot in overview.lots for device in lot.without_secret]
    if new:
        findings.append(
            Finding(Health.ILL, "doctor.devices_without_secret", {"count": len(new), "which": _listed(new)})
        )
    if not silent and not new:
        findings.append(Finding(Health.WELL, "doctor.devices", {"count": devices}))
    old: list[str] = []
    for lot in overview.lots:
        for case in cases_of(await api.get("/v1/exceptions", lot=lot.code, state="open", limit="200")):
            age_us = overview.now - case.raised_at
            if age_us > CASE_OLD_US:
                where = f"{case.lot}/{case.lane}" if case.lane else case.lot
                old.append(f"{where} {session.say(f'case.{case.kind}')} ({age_text(age_us, session.language)})")
    findings.append(Finding(Health.ILL, "doctor.cases_old", {"count": len(old), "which": _listed(old)}) if old
                    else Finding(Health.WELL, "doctor.cases", {"count": overview.cases_open}))  # fmt: skip
    return findings


def _listed(names: list[str]) -> str:
    return ", ".join(names[:LISTED]) + (", …" if len(names) > LISTED else "")


def _told(problem: Problem, session: Session) -> Finding:
    """Return a finding that says what a problem says."""
    words = lines_of(problem, session)[-1].removeprefix("openberth: ")
    return Finding(Health.ILL, "doctor.problem", {"words": words})
