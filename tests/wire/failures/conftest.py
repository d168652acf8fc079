import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from openberth.infra.clocks import SystemClock
from openberth.kernel.time import DAY_US, Instant
from tests.service.databases import SqliteFiles
from tests.wire.api.conftest import opened
from tests.wire.failures.shop import Shop, Skewed
from tests.wire.failures.sides import SIDES, Side

_DAYS = itertools.count(40, 10)


@pytest.fixture(scope="session")
def mall(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with the mall of the examples in it."""
    folder = tmp_path_factory.mktemp("mall")
    for house in opened(SqliteFiles(tmp_path_factory.mktemp("template")).url(folder), folder):
        house.open_mall()
    return folder / "openberth.db"


@pytest.fixture(scope="session")
def side_of() -> Iterator[Callable[[str], Side]]:
    """Return a channel's side by its name; each stand-in is started once."""
    started: dict[str, Side] = {}

    def wanted(name: str) -> Side:
        if name not in started:
            started[name] = SIDES[name]()
        return started[name]

    yield wanted
    for side in started.values():
        side.sandbox.close()


@pytest.fixture(params=list(SIDES))
def shop(
    request: pytest.FixtureRequest, tmp_path: Path, mall: Path, side_of: Callable[[str], Side]
) -> Iterator[Shop]:  # fmt: skip
    """A car stands at the exit and owes 7.50; the lot's money goes to one channel."""
    with _opened(tmp_path, mall, [side_of(request.param)]) as made:
        yield made


@pytest.fixture
def alipay_shop(tmp_path: Path, mall: Path, side_of: Callable[[str], Side]) -> Iterator[Shop]:
    """The same with Alipay, for what only Alipay does."""
    with _opened(tmp_path, mall, [side_of("alipay")]) as made:
        yield made


@pytest.fixture
def wechatpay_shop(tmp_path: Path, mall: Path, side_of: Callable[[str], Side]) -> Iterator[Shop]:
    """The same with WeChat Pay, for what only WeChat Pay does."""
    with _opened(tmp_path, mall, [side_of("wechatpay")]) as made:
        yield made


@pytest.fixture
def both(tmp_path: Path, mall: Path, side_of: Callable[[str], Side]) -> Iterator[Shop]:
    """The same with both channels."""
    with _opened(tmp_path, mall, [side_of(name) for name in SIDES]) as made:
        yield made


@pytest.fixture(params=list(SIDES))
def day_shop(
    request: pytest.FixtureRequest, tmp_path: Path, mall: Path, side_of: Callable[[str], Side]
) -> Iterator[Shop]:  # fmt: skip
    """A shop on a day of its own, on which nobody else has paid."""
    with _opened(tmp_path, mall, [side_of(request.param)], days=next(_DAYS)) as made:
        yield made


@contextmanager
def _opened(folder: Path, mall: Path, sides: list[Side], *, days: int = 0) -> Iterator[Shop]:
    (folder / "openberth.db").write_bytes(mall.read_bytes())
    now = Instant(SystemClock().now() + days * DAY_US)
    for side in sides:
        side.reset(now)
    clock = Skewed()
    makers = {side.kind: side.maker(clock) for side in sides}
    for house in opened(f"sqlite:///{folder / 'openberth.db'}", folder, machine_start=now, makers=makers):
        house.look_around()
        made = Shop(house, sides[0], clock, sides)
        for rank, side in enumerate(sides, 1):
            made.contract_with(side, rank)
        made.stand_at_the_exit()
        yield made
