import pytest

from openberth.infra.clocks import ManualClock
from openberth.infra.database import Database
from tests.service.insight.accountant import Accountant
from tests.service.stays.street import Street


@pytest.fixture
def street(db: Database, business: ManualClock, machine: ManualClock) -> Street:
    return Street(db, business, machine)


@pytest.fixture
def accountant(street: Street) -> Accountant:
    return Accountant(street)
