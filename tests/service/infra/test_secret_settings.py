"""Secrets of settings: set to values that stand nowhere else, and looked for wherever something is said."""

import asyncio
import io
import json
import logging
import traceback
from pathlib import Path
from typing import Any, get_args

import pytest
import structlog
from pydantic import BaseModel, SecretStr

from openberth.bootstrap import open_house
from openberth.entrypoints.cli.doctor import look_at_database, look_at_edge, look_at_folder, look_at_keys
from openberth.entrypoints.cli.mistakes import lines_of
from openberth.entrypoints.cli.session import Session
from openberth.entrypoints.web import build_app, describe
from openberth.infra.backup.making import backup
from openberth.infra.clocks import Clocks, SystemClock
from openberth.infra.database import open_database
from openberth.infra.database.migrating import check, migrate
from openberth.infra.keys import KeyRing
from openberth.infra.sealing import RingSealer
from openberth.infra.settings import Settings, load_settings
from openberth.infra.telemetry import metrics_page, setup_logging
from openberth.kernel.authority import system
from openberth.kernel.errors import Problem

SENTINEL = "sentinel-9f2c"
SECRETS: dict[str, Any] = {
    "database": f"postgresql://user:{SENTINEL}@127.0.0.1:1/none",
    "cache": f"redis://user:{SENTINEL}@127.0.0.1:1/0",
    "mqtt": {"broker": f"mqtt://user:{SENTINEL}@127.0.0.1:1"},
    "s3": {"endpoint": "http://127.0.0.1:1", "bucket": "bucket", "access_key": SENTINEL, "secret_key": SENTINEL},
    "wechat": {"appid": "wx1", "secret": SENTINEL, "url": "http://127.0.0.1:1"},
    "sms": {
        "access_key_id": "id-1",
        "access_key_secret": SENTINEL,
        "sign_name": "OpenBerth",
        "template_code": "SMS_1",
        "url": "http://127.0.0.1:1",
    },
}


def secret_fields(model: type[BaseModel], prefix: str = "") -> set[str]:
    found = set()
    for name, each in model.model_fields.items():
        kinds = [each.annotation, *get_args(each.annotation)]
        kinds += [inner for kind in kinds for inner in get_args(kind)]
        if SecretStr in kinds:
            found.add(prefix + name)
        for kind in kinds:
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                found |= secret_fields(kind, f"{prefix}{name}.")
    return found


def test_every_secret_of_the_settings_is_looked_for_here() -> None:
    covered = {name for name, value in SECRETS.items() if isinstance(value, str)}
    covered |= {
        f"{group}.{name}"
        for group, values in SECRETS.items()
        if isinstance(values, dict)
        for name, value in values.items()
        if SENTINEL in str(value)
    }
    assert secret_fields(Settings) == covered


def settings_with(tmp_path: Path, **changes: Any) -> Settings:
    return load_settings(**({"data": tmp_path / "data", "keys": tmp_path / "keys.json"} | SECRETS | changes))


def test_settings_do_not_tell_their_secrets(tmp_path: Path) -> None:
    settings = settings_with(tmp_path)
    assert settings.database_url == SECRETS["database"]
    assert settings.cache_url == SECRETS["cache"]
    said = [repr(settings), str(settings), settings.model_dump_json(), str(settings.model_dump())]
    said += [repr(getattr(settings, name)) for name in SECRETS]
    assert not [each for each in said if SENTINEL in each]


@pytest.mark.parametrize(
    "wrong",
    [
        {"database": [SENTINEL]},
        {"cache": f"ftp://{SENTINEL}"},
        {"cache": SENTINEL},
        {"wechat": SENTINEL},
        {"wechat": {"appid": "", "secret": SENTINEL}},
        {"wechat": {"appid": "x", "secret": SENTINEL, "other": SENTINEL}},
        {"s3": {"endpoint": SENTINEL, "bucket": "bucket", "access_key": SENTINEL, "secret_key": SENTINEL}},
    ],
)
def test_mistakes_about_settings_do_not_quote_them(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(Problem) as found:
        settings_with(tmp_path, **wrong)
    assert SENTINEL not in told(found.value)


def told(error: BaseException) -> str:
    """Return everything an error says, with what it came from."""
    lines = traceback.format_exception(error)
    if isinstance(error, Problem):
        lines += lines_of(error, Session(language="en"))
    # The source of this test stands in tracebacks.
    return "".join(lines).replace("SENTINEL", "")


def addresses() -> list[str]:
    return [
        SECRETS["database"],
        f"mysql://user:{SENTINEL}@127.0.0.1:1/none",
        f"oracle://user:{SENTINEL}@127.0.0.1/none",
        f"postgresql:/user:{SENTINEL}@127.0.0.1/none",
        f"postgresql://user:{SENTINEL}@127.0.0.1:port/none",
        f"{SENTINEL}",
    ]


def opened(url: str) -> None:
    """Open a database and read from it."""
    clocks, keys = Clocks(SystemClock(), SystemClock()), RingSealer(KeyRing.fresh())
    database = open_database(url, clocks, keys, node="t")
    try:
        database.read_now(lambda reader: reader.now, by=system("t"))
        check(url)
    finally:
        database.close()


@pytest.mark.parametrize("number", range(6))
def test_a_database_that_cannot_be_opened_is_told_without_its_password(tmp_path: Path, number: int) -> None:
    url = addresses()[number]
    tries = (
        lambda: migrate(url),
        lambda: check(url),
        lambda: opened(url),
        lambda: backup(database_url=url, data=tmp_path, target=tmp_path / "backup"),
    )
    for attempt in tries:
        with pytest.raises(Problem) as found:
            attempt()
        assert SENTINEL not in told(found.value)


def test_the_doctor_and_a_running_house_tell_no_secret(tmp_path: Path) -> None:
    log = io.StringIO()
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    setup_logging("debug", "json", log)
    try:
        session = Session(language="en")
        unreachable = settings_with(tmp_path)
        said = [
            session.say(finding.code, **finding.params)
            for look in (
                look_at_folder(unreachable), look_at_keys(unreachable, session), look_at_edge(unreachable, session),
                look_at_database(unreachable, session),
            )
            for finding in look
        ]  # fmt: skip
        running = settings_with(tmp_path, database=None)
        said += asyncio.run(heard(running))
    finally:
        structlog.reset_defaults()
        root.handlers[:] = handlers
        root.setLevel(level)
    said.append(log.getvalue())
    assert not [each[:500] for each in said if SENTINEL in each]


async def heard(settings: Settings) -> list[str]:
    """Return what a house says: its description, figures, and how it counts without its cache."""
    async with open_house(settings) as house:
        from openberth.infra.buckets import per_minute

        await house.buckets.take(per_minute("x", 3), "a")
        app = build_app(house)
        return [json.dumps(describe(app)), metrics_page()[0].decode(), repr(house.settings), repr(house.buckets)]
