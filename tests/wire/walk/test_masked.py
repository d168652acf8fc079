"""Whoever looks at whatever: no plate, name, phone or identity number leaves in clear, but where it is unmasked."""

import json
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text

from openberth.contexts.tenancy import ROLES
from openberth.infra.database import Query, Reader
from openberth.infra.database.log import read_after
from openberth.infra.database.schema import vault
from openberth.infra.vault import Sealed, VaultKind, open_sealed
from openberth.kernel.authority import system
from tests.wire.api.house import TOKEN
from tests.wire.walk.asking import Answer, Line, Operation, operations, own_names
from tests.wire.walk.rehearsing import rehearsed
from tests.wire.walk.world import DOORMAN, World

PERSONAL = (VaultKind.PLATE, VaultKind.NAME, VaultKind.PHONE, VaultKind.IDENTITY, VaultKind.OPENID)
# They show values in clear for a reason; what they may is tested where they are.
IN_CLEAR = ("/unmask", "/v1/me/export")
# They show their own account plates that it calls its own.
OWN_PLATES = ("/v1/me/plates", "/v1/me/stays", "/v1/me/receipts", "/v1/me/debts")
PAGES = ("/c/{sign}", "/c/{lane_sign}")
# Without its first three: what a mask leaves of it is no value, and "+86" or a province stand in many.
KEPT_BY_MASKS = 2


@pytest.fixture(scope="module")
def line(world: World) -> Iterator[Line]:
    line = Line(world.house.url)
    yield line
    line.close()


@pytest.fixture(scope="module")
def personal(world: World) -> set[str]:
    """Return everything personal that the vault holds, as somebody might write it."""
    found = world.house.database.read_now(_in_clear, by=system("walk"))
    spelled = found | {each.removeprefix("+86") for each in found} | {f"{each[:2]}·{each[2:]}" for each in found}
    values = {each for each in spelled if len(each) > KEPT_BY_MASKS}
    assert len(values) > 30
    return values


def _in_clear(reader: Reader) -> set[str]:
    every = Query(vault.select().with_only_columns(vault.c.id, vault.c.kind, vault.c.key_id, vault.c.sealed), Sealed)
    return {open_sealed(reader, row) for row in reader.all(every) if row.kind in PERSONAL}


def leaked(answer: Answer, values: set[str], sent: str) -> list[str]:
    told = f"{answer.text} {answer.headers} {unescaped(answer.text)}"
    return [each for each in values if each in told and each not in sent]


def unescaped(told: str) -> str:
    """Return JSON as people read it, nothing for what is none."""
    try:
        return json.dumps(json.loads(told), ensure_ascii=False)
    except ValueError:
        return ""


def readers(world: World) -> Iterator[tuple[str, str]]:
    yield "operator", TOKEN
    for role in ("nothing", DOORMAN, *(each.value for each in ROLES)):
        if role in world.amber.accounts:
            yield role, world.token(world.amber, role)


def test_nothing_that_is_looked_at_shows_a_personal_value(world: World, line: Line, personal: set[str]) -> None:
    own = own_names(world.amber)
    every = [
        each for each in operations(world.house.app, world.house.app.state.permissions)
        if each.method == "GET" and not each.path.startswith(OWN_PLATES)
    ]  # fmt: skip
    found = []
    answered = 0
    for role, token in readers(world):
        for operation in every:
            answer = line.ask(operation.filled(own), token)
            answered += answer.status == 200
            found += [(role, str(operation), value) for value in leaked(answer, personal, operation.path)]
    assert not found, found
    assert answered > 200


def test_no_answer_to_a_deed_shows_a_personal_value(world: World, line: Line, personal: set[str]) -> None:
    own, token = own_names(world.amber), world.token(world.amber, DOORMAN)
    found = []
    with rehearsed(world.house, world.birch):
        for operation in _deeds(world):
            asked = operation.filled(own)
            world.house.machine.advance(3_000_000)
            body = (asked.body or b"").decode()
            sent = f"{asked.target}{body}{unescaped(body)}"
            found += [(str(operation), value) for value in leaked(line.ask(asked, token), personal, sent)]
    assert not found, found


def _deeds(world: World) -> Iterator[Operation]:
    for each in operations(world.house.app, world.house.app.state.permissions):
        if each.method != "GET" and not each.path.endswith(IN_CLEAR):
            yield each


def test_a_sign_shows_no_personal_value(world: World, line: Line, personal: set[str]) -> None:
    things = world.amber.things()
    for path in PAGES:
        for name in things[path[4:-1]]:
            world.house.pass_minutes(2)
            for accept in ("text/html", "application/json"):
                asked = Operation("GET", f"/c/{name}", "", {}, {}).filled({})
                answer = line.ask(type(asked)(asked.method, asked.target, None, None, {"accept": accept}), None)
                assert answer.status == 200, answer.text
                assert not leaked(answer, personal, "")


def test_neither_log_nor_rows_outside_the_vault_hold_a_personal_value(world: World, personal: set[str]) -> None:
    events = world.house.database.read_now(lambda reader: read_after(reader, position=0), by=system("walk"))
    told = json.dumps([each.body for each in events], default=str, ensure_ascii=False)
    engine = create_engine(f"sqlite:///{world.house.folder / 'openberth.db'}")
    try:
        with engine.connect() as connection:
            tables = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars().all()
            rows = {name: str(connection.execute(text(f"SELECT * FROM {name}")).fetchall()) for name in tables}
    finally:
        engine.dispose()
    assert not [each for each in personal if each in told or each in world.house.log.getvalue()]
    assert not [(name, each) for name, row in rows.items() for each in personal if each in row]
