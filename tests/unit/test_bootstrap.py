"""What the composition root decides by itself."""

from types import SimpleNamespace
from typing import Any

import pytest

from openberth.bootstrap.devices import at_home
from openberth.bootstrap.house import health_of
from openberth.infra.settings import Settings


@pytest.mark.parametrize(
    ("waiting", "trouble", "reason"),
    [(0, None, None), (0, "database.commit_failed", "database.commit_failed"), (2_000, None, "queue.full")],
)
def test_a_server_is_ready_when_its_database_works(waiting: int, trouble: str | None, reason: str | None) -> None:
    database: Any = SimpleNamespace(waiting=lambda: {"lane": waiting}, trouble=lambda: trouble)
    pictures: Any = SimpleNamespace(waiting=0)
    report = health_of(database, pictures).ready()
    assert report.ok is (reason is None)
    assert [finding.reason for finding in report.findings if finding.name == "database"] == [reason]


@pytest.mark.parametrize(
    ("settings", "alone"),
    [
        ({}, True),
        ({"public_url": "http://localhost:8420"}, True),
        ({"http": {"host": "10.0.0.5"}}, False),
        ({"http": {"trusted_proxies": ["127.0.0.1"]}}, False),
        ({"public_url": "https://parking.example.com"}, False),
    ],
)
def test_a_server_behind_a_proxy_of_its_machine_is_not_alone_there(settings: dict[str, Any], alone: bool) -> None:
    assert at_home(Settings(**settings)) is alone
