"""What the composition root decides by itself."""

from types import SimpleNamespace
from typing import Any

import pytest

from openberth.bootstrap import _health


@pytest.mark.parametrize(
    ("waiting", "trouble", "reason"),
    [(0, None, None), (0, "database.commit_failed", "database.commit_failed"), (2_000, None, "queue.full")],
)
def test_a_server_is_ready_when_its_database_works(waiting: int, trouble: str | None, reason: str | None) -> None:
    database: Any = SimpleNamespace(waiting=lambda: {"lane": waiting}, trouble=lambda: trouble)
    pictures: Any = SimpleNamespace(waiting=0)
    report = _health(database, pictures).ready()
    assert report.ok is (reason is None)
    assert [finding.reason for finding in report.findings if finding.name == "database"] == [reason]
