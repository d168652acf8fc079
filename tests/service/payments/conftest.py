import pytest

from openberth.infra.clocks import ManualClock
from openberth.infra.database import Database
from tests.service.stays.street import Street


@pytest.fixture
def street(db: Database, business: ManualClock, machine: ManualClock) -> Street:
    return Street(db, business, machine)
