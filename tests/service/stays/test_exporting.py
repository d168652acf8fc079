"""All data of a tenant: nothing of it is missing, nothing of others is in it, and nobody is shown in clear unasked."""

import asyncio
import io
import json
import zipfile
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from openberth.contexts import tenancy
from openberth.contexts.permits.model import PermitKind
from openberth.contexts.tenancy.model.accounts import AccountKind
from openberth.contexts.tenancy.model.exports import NOT_EXPORTED, PERSONAL, WITHHELD, Export, ExportState
from openberth.contexts.tenancy.model.organisation import Node
from openberth.contexts.tenancy.reactions import Exporting, exporting
from openberth.contexts.tenancy.service import accounts, organisation
from openberth.contexts.tenancy.service import exporting as service
from openberth.contexts.tenancy.store import exports as store
from openberth.infra.blobs import FolderBlobs
from openberth.infra.clocks import ManualClock
from openberth.infra.database import Database, Query, Reader
from openberth.infra.database.schema import metadata, vault
from openberth.infra.database.types import IdType
from openberth.infra.jobs import Job, NotYet
from openberth.kernel.authority import EVERYTHING, Actor, ActorKind, Caller, Scope
from openberth.kernel.errors import Denied, NotFound
from openberth.kernel.ids import Id
from tests.service.acting import COMPANY, events, mall, read, write
from tests.service.stays.street import CAR, OTHER_CAR, THIRD_CAR, Street

# Tables that belong to no tenant: to the installation, or to people wherever they act. A new one is a decision.
OF_THE_HOUSE = {
    "account_session", "api_key_use", "client_secret", "consumer", "event_head", "finance_generation", "held_picture",
    "idempotency", "job", "kept_value", "key_holder", "lease", "lock_bucket", "notice", "operator_token",
    "own_plate", "parked_key", "phone_code", "picture_retention", "recovery_code", "refresh_token", "request_nonce",
    "seen", "signing_key", "start_setting", "untold", "vault", "verification", "waiting_device",
}  # fmt: skip


def person(*words: str, name: str = "boss-1", scope: Scope = EVERYTHING) -> Caller:
    return Caller(Actor(ActorKind.PERSON, name), scope, frozenset(("organisation.export", *words)))


BOSS = person()


def ask(db: Database, company: Id, by: Caller = BOSS, *, unmasked: bool = False, reason: str = "audit") -> Export:
    return write(
        db, service.ask_for_export, by=by, node=Node.of_company(company), code="demo", reason=reason, unmasked=unmasked
    )


def work(db: Database, folder: Path, export: Id) -> Exporting:
    """Do the job as often as it says that its time is not over yet."""
    made = Exporting(db, FolderBlobs(folder))
    job = Job(Id(int=1), service.JOB_EXPORT, {"export": str(export)}, 1, None)

    async def run() -> None:
        while True:
            try:
                await Exporting(db, FolderBlobs(folder)).work(job)
            except NotYet:
                continue
            return

    asyncio.run(run())
    return made


def fetched(made: Exporting, export: Id, by: Caller = BOSS) -> dict[str, list[dict[str, Any]]]:
    async def all_of(pieces: AsyncIterator[bytes]) -> bytes:
        return b"".join([piece async for piece in pieces])

    async def run() -> bytes:
        _, pieces = await made.fetch(export=export, by=by)
        return await all_of(pieces)

    found: dict[str, list[dict[str, Any]]] = {}
    with zipfile.ZipFile(io.BytesIO(asyncio.run(run()))) as archive:
        for name in archive.namelist():
            if name == "manifest.json":
                found[name] = [json.loads(archive.read(name))]
            else:
                lines = archive.read(name).decode().splitlines()
                found.setdefault(name.partition("/")[0], []).extend(map(json.loads, lines))
    return found


def lively(street: Street) -> Id:
    """Let all sorts of things happen at a mall, and the same at another company; return that company."""
    db = street.db
    other = write(db, organisation.found_company, code="other", name="别的", name_en="Other").id
    mall(db, other)
    for plate in (CAR, OTHER_CAR):
        street.arrive("in-1", plate)
    street.pass_minutes(61)
    street.permit(THIRD_CAR, PermitKind.RESIDENT)
    street.arrive("out-1", CAR)
    street.pay_cash("out-1")
    write(
        db, accounts.make_account, kind=AccountKind.PERSON, login="desk-1", name="前台一", company=COMPANY,
        password="digest-of-a-password",
    )  # fmt: skip
    return other


def counts(db: Database, company: Id) -> dict[str, int]:
    def query(reader: Reader) -> dict[str, int]:
        found = {}
        for each in store.exported():
            ask_count = select(func.count()).where(each.c[each.info["scope"][0]] == company)
            found[each.name] = reader.all(Query(ask_count, int))[0]
        return {name: count for name, count in found.items() if count}

    return db.read_now(query, by=BOSS)


def test_every_table_is_a_tenants_or_said_to_be_none() -> None:
    unscoped = {each.name for each in metadata.sorted_tables if each.info.get("scope") is None}
    assert unscoped == OF_THE_HOUSE, "a table without a company: is what it holds a tenant's?"
    assert not set(NOT_EXPORTED) - {each.name for each in metadata.sorted_tables}
    assert len(store.exported()) > 30


def test_nothing_is_missing_and_nothing_of_others_is_in_it(
    street: Street, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "PAGE", 3)  # many pages of few rows, whatever their key
    monkeypatch.setattr(exporting, "WORK_S", 0.0)  # a job that is stopped after every part
    other = lively(street)
    asked = ask(street.db, COMPANY)
    expected = counts(street.db, COMPANY)
    made = work(street.db, tmp_path / "blobs", asked.id)
    events_after = counts(street.db, COMPANY)["event"]
    found = fetched(made, asked.id)
    (manifest,) = found.pop("manifest.json")
    assert manifest["companies"] == [str(COMPANY)]
    told = Counter({name: len(rows) for name, rows in found.items()})
    expected["event"] = events_after
    assert told == expected
    assert {"stay", "open_stay", "passage", "bill", "receipt", "permit", "account", "lot", "event"} <= told.keys()
    assert "audit_entry" not in found  # auditors read it, and whoever exports is another officer
    assert str(other) not in json.dumps(found)
    for name, rows in found.items():
        keys = [json.dumps([row[column.name] for column in store.key_of(metadata.tables[name])]) for row in rows]
        assert len(set(keys)) == len(keys), name


@pytest.mark.parametrize("unmasked", [False, True])
def test_personal_values_are_masked_unless_asked_for_with_the_permission(
    street: Street, tmp_path: Path, unmasked: bool
) -> None:
    lively(street)
    by = person("person.unmask") if unmasked else BOSS
    with pytest.raises(Denied, match=r"person\.unmask"):
        ask(street.db, COMPANY, unmasked=True)
    asked = ask(street.db, COMPANY, by, unmasked=unmasked)
    made = work(street.db, tmp_path / "blobs", asked.id)
    at_rest = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert CAR.encode() not in at_rest
    found = fetched(made, asked.id, by)
    text = json.dumps(found, ensure_ascii=False)
    for plate in (CAR, OTHER_CAR, THIRD_CAR):
        assert (plate in text) is unmasked
    assert found["permit"][0]["plate"] == (THIRD_CAR if unmasked else "京A·**888")
    assert found["account"][0]["person_name"] == ("前台一" if unmasked else "前**")
    assert "digest-of-a-password" not in text
    assert not any(WITHHELD & row.keys() for rows in found.values() for row in rows)
    told = events(street.db, "tenancy.export_asked", "tenancy.export_fetched")
    assert [(each.kind, each.body.get("unmasked")) for each in told] == [
        ("tenancy.export_asked", unmasked), ("tenancy.export_fetched", None),
    ]  # fmt: skip


def test_every_column_that_names_a_personal_value_is_known(street: Street) -> None:
    """By what lies in the rows: ids of the vault stand in no other column."""
    lively(street)

    def query(reader: Reader) -> set[tuple[str, str]]:
        sealed = set(reader.all(Query(select(vault.c.id), lambda found: found)))
        assert sealed
        return {
            (each.name, column.name)
            for each in store.exported()
            for column in store.columns_of(each)
            if isinstance(column.type, IdType) and sealed & set(reader.all(Query(select(column), lambda found: found)))
        }

    named = street.db.read_now(query, by=BOSS)
    assert {column for _, column in named} <= PERSONAL.keys()
    assert ("open_stay", "plate_id") in named


def test_a_file_is_fetched_once_by_whoever_asked_for_it(street: Street, tmp_path: Path, machine: ManualClock) -> None:
    lively(street)
    asked = ask(street.db, COMPANY)
    early = Exporting(street.db, FolderBlobs(tmp_path / "blobs"))
    with pytest.raises(NotFound):
        fetched(early, asked.id)
    made = work(street.db, tmp_path / "blobs", asked.id)
    for stranger in (person(name="boss-2"), person(scope=Scope(Id(int=0xC9)))):
        with pytest.raises(NotFound, match=r"export\.not_found"):
            fetched(made, asked.id, stranger)
        with pytest.raises(NotFound, match=r"export\.not_found"):
            read(street.db, service.export, by=stranger, export=asked.id)
    fetched(made, asked.id)
    with pytest.raises(NotFound):
        fetched(made, asked.id)
    assert not [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]
    unfetched = ask(street.db, COMPANY)
    made = work(street.db, tmp_path / "blobs", unfetched.id)
    asyncio.run(made.end(Job(Id(int=1), service.JOB_EXPORT_END, {"export": str(unfetched.id)}, 1, None)))
    assert read(street.db, service.export, by=BOSS, export=unfetched.id).state is ExportState.OVER
    assert not [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]


def test_a_partner_leaves_with_its_companies(street: Street, tmp_path: Path) -> None:
    db = street.db
    partner = write(db, organisation.make_partner, code="north", name="北方", name_en="North")
    for code in ("first", "second"):
        write(db, organisation.found_company, code=code, name=code, name_en=code, partner="north")
    write(db, organisation.found_company, code="third", name="third", name_en="third")
    asked = write(
        db, service.ask_for_export, by=BOSS, node=Node.of_partner(partner.id), code="north", reason="leaves",
        unmasked=False,
    )  # fmt: skip
    found = fetched(work(db, tmp_path / "blobs", asked.id), asked.id)
    assert {row["code"] for row in found["company"]} == {"first", "second"}
    assert [row["code"] for row in found["partner"]] == ["north"]


def test_only_ones_own_scope_leaves(street: Street) -> None:
    theirs = person(scope=Scope(Id(int=0xC9)))
    for node in (Node.of_company(COMPANY), Node.platform()):
        with pytest.raises(Denied, match=r"auth\.out_of_scope"):
            write(
                street.db, service.ask_for_export, by=theirs, node=node, code="demo", reason="x", unmasked=False
            )  # fmt: skip
    assert tenancy.ROLES[tenancy.Role.PLATFORM_ADMINISTRATOR] >= {"organisation.export"}
