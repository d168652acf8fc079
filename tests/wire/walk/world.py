"""Two companies that know nothing of each other, alike in everything but their words: rows of every kind in both.

Most rows come about as they do in real life. Whatever table is still empty then gets a row of made-up words, so that a
table nobody thought of here is walked, too.
"""

import secrets
from datetime import date
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import httpx2
from sqlalchemy import create_engine, text

from openberth.contexts import facility, stays, tenancy
from openberth.contexts.facility import DeviceKind
from openberth.contexts.facility.service.health import Heard
from openberth.contexts.facility.service.presence import write_heard
from openberth.contexts.facility.service.sensing import take_readings
from openberth.contexts.facility.service.strays import Stray, note_strays
from openberth.contexts.facility.service.waiting import Caller as Calling
from openberth.contexts.facility.service.waiting import note_callers
from openberth.contexts.payments.model.ledger import Account, AccountCode, Transfer
from openberth.contexts.payments.model.reconciling import DifferenceKind, Found, RowKind
from openberth.contexts.payments.service import channels, ledger, reconciling
from openberth.contexts.permits.service.white_lists import Camera, note_compared
from openberth.contexts.stays.model.entities import picture_name
from openberth.contexts.stays.recognition import (
    Direction,
    Picture,
    PictureKind,
    PlateColour,
    Recognition,
    Trigger,
)
from openberth.contexts.stays.service.comparing import compare_lot
from openberth.contexts.tenancy.model.accounts import NOBODY
from openberth.contexts.tenancy.model.events import SignInRefused
from openberth.contexts.tenancy.model.permissions import OFFICERS, Role
from openberth.infra import alarms
from openberth.infra.alarms import Trouble
from openberth.infra.database.log import head as log_head
from openberth.kernel.authority import Actor, ActorKind, Caller, Scope, system
from openberth.kernel.money import Money
from openberth.kernel.time import MINUTE_US
from tests.waiting import eventually
from tests.wire.api.house import House
from tests.wire.walk.rows import fill_empty_tables
from tests.wire.walk.tenants import Lot, Tenant

PASSWORD = "plum-otter-canal-92"
JPEG = b"\xff\xd8\xff\xe0" + b"\0" * 32 + b"\xff\xd9"
ABSENT_ID = UUID("01900000-0000-7000-8000-00000000dead")
TENANTS = ("amber", "birch")
TOKEN_HOLDS_US = 5 * MINUTE_US
OFFICER = "officer"  # of the platform, in all of its offices at once
DOORMAN = "everything"  # an own role of a company: every permission there is

LOT = """lot: openberth/1
code: {lot}
company: {company}
name: {{zh: {zh}广场, en: {company} Square}}
zone: Asia/Shanghai
currency: CNY
capacity: 40
tariff: {tariff}
areas:
  - {{code: {lot}-ground, name: {{zh: {zh}地面, en: {company} Ground}}, capacity: 40, spaces: [{space}001-{space}003]}}
booths:
  - {{code: {lot}-booth, name: {{zh: {zh}岗亭, en: {company} Booth}}}}
lanes:
  - {{code: {lot}-in, name: {{zh: {zh}入口, en: {company} Entry}}, kind: entry, to: {lot}-ground, booth: {lot}-booth}}
  - {{code: {lot}-in2, name: {{zh: {zh}西入口, en: {company} West}}, kind: entry, to: {lot}-ground}}
  - {{code: {lot}-out, name: {{zh: {zh}出口, en: {company} Exit}}, kind: exit, from: {lot}-ground}}
  - {{code: {lot}-out2, name: {{zh: {zh}西出口, en: {company} West exit}}, kind: exit, from: {lot}-ground}}
devices:
  - {{code: {lot}-cam-in, kind: vzenith_http, lane: {lot}-in, addresses: [127.0.0.0/8], serial: {lot}-serial-1}}
  - {{code: {lot}-cam-in2, kind: vzenith_http, lane: {lot}-in2, addresses: [127.0.0.0/8], serial: {lot}-serial-2}}
  - {{code: {lot}-cam-out, kind: vzenith_http, lane: {lot}-out, addresses: [127.0.0.0/8], serial: {lot}-serial-3}}
  - {{code: {lot}-cam-out2, kind: vzenith_http, lane: {lot}-out2, addresses: [127.0.0.0/8], serial: {lot}-serial-4}}
  - {{code: {lot}-bar-in, kind: barrier_tcp, lane: {lot}-in, addresses: [127.0.0.0/8], serial: {lot}-serial-5}}
displays:
  screens:
    - {{lane: {lot}-in, maker: kf}}
    - {{lane: {lot}-out, maker: fk}}
collectors:
  - {{code: {lot}-lora, kind: chirpstack_http, addresses: [127.0.0.0/8]}}
sensors:
  - {{code: {lot}-eye, collector: {lot}-lora, id: {lot}-eui, space: {space}001, model: tps110}}
"""
TARIFF = """tariff: openberth/1
code: {tariff}
company: {company}
name: {{zh: {zh}临停, en: {company} casual}}
currency: CNY
free: {{minutes: 15, mode: threshold}}
charge: {{unit_minutes: 30, price: "2.50", rounding: up}}
seconds: truncate
grace_after_payment_minutes: 15
"""
DAYS = """days: openberth/1
calendar: {calendar}
list:
  - {{date: 2026-05-20, kind: holiday, name: {{zh: {zh}节, en: {company} day}}, words: [{company}-fair]}}
"""
PERMITS = """permits: openberth/1
lot: {lot}
list:
  - {{code: {lot}-permit, plate: {plate}, kind: resident}}
"""


class World:
    """The house with both companies in it."""

    def __init__(self, house: House) -> None:
        self.house = house
        self._signed_in = 0
        self._tokens: dict[str, tuple[str, int]] = {}
        self.amber = Tenant("amber", "琥珀", "A", house)
        self.birch = Tenant("birch", "白桦", "B", house)
        for tenant in (self.amber, self.birch):
            _Founder(self, tenant).found()
        self._officer()
        settle(house)
        for tenant in (self.amber, self.birch):
            fill_empty_tables(house, tenant)

    def _officer(self) -> None:
        """Make one person hold what the three officers of the platform hold."""
        form = {"login": OFFICER, "name": "Officer", "password": PASSWORD}
        assert self.house.post("/v1/accounts", form).status_code == 201
        for role in OFFICERS:
            grant = {"account": OFFICER, "role": role, "level": "platform"}
            assert self.house.post("/v1/grants", grant).status_code == 201

    def token(self, tenant: Tenant, name: str) -> str:
        """Return an access token of an account that still holds for a while."""
        login = OFFICER if name == OFFICER else f"{tenant.code}-{name.replace('_', '-')}"
        token, until = self._tokens.get(login, ("", 0))
        if self.house.machine.now() >= until:
            token = self._sign_in(login)
            self._tokens[login] = token, self.house.machine.now() + TOKEN_HOLDS_US
        return token

    def _sign_in(self, login: str) -> str:
        """Sign in; machine time goes on, so that an address may do so as often as it likes."""
        self._signed_in += 1
        if self._signed_in % 18 == 0:
            self.house.machine.advance(MINUTE_US)
        answer = self.house.stranger.post("/v1/auth/sign-in", json={"login": login, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])


def settle(house: House) -> None:
    """Wait until consumers and jobs have done what follows from what happened.

    A consumer stands where it last had something to do: so something is said that the last of them writes down.
    """
    said = SignInRefused(account=NOBODY, reason="unknown", failures=0)
    house.database.write_now(lambda unit: unit.append(said, company=None, lot=None, key=NOBODY), by=system("t"))
    head = house.database.read_now(log_head, by=system("t"))
    engine = create_engine(f"sqlite:///{house.folder / 'openberth.db'}")
    ask = text(
        "SELECT (SELECT count(*) FROM job WHERE state = 'waiting' AND kind = 'stays.what_if')"
        " + (SELECT count(*) FROM consumer WHERE name = 'tenancy.audit' AND position < :head)"
    )

    def done() -> bool:
        with engine.connect() as connection:
            return not connection.execute(ask, {"head": head}).scalar_one()

    try:
        assert eventually(done)
    finally:
        engine.dispose()


class _Founder:
    """Makes a company as its operator does, over the API."""

    def __init__(self, world: World, tenant: Tenant) -> None:
        self._world = world
        self._tenant = tenant
        self._house = world.house

    def found(self) -> None:
        tenant = self._tenant
        tenant.add("tariff", f"{tenant.code}-rate")
        tenant.add("calendar", f"{tenant.code}-cal")
        self._put(f"/v1/tariffs/{tenant.code}-rate", self._text(TARIFF))
        for number in (1, 2):
            self._found_lot(Lot(f"{tenant.code}-lot{number}"))
        self._rules()
        self._organisation()
        self._unknown()
        for lot in tenant.lots:
            self._live(lot)
            self._troubled(lot)
        self._people()

    def _text(self, form: str, lot: str = "", plate: str = "") -> str:
        tenant = self._tenant
        return form.format(
            company=tenant.code, zh=tenant.zh, tariff=f"{tenant.code}-rate", calendar=f"{tenant.code}-cal", lot=lot,
            space=tenant.letter, plate=plate,
        )  # fmt: skip

    def _put(self, path: str, sent: str) -> Any:
        answer = self._house.operator.put(path, content=sent.encode())
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def _post(self, path: str, body: object, by: httpx2.Client | None = None) -> Any:
        key = {"idempotency-key": secrets.token_hex(8)}
        answer = (by or self._house.operator).post(path, json=body, headers=key)
        assert answer.status_code in (200, 201, 202, 204), (path, answer.text)
        return answer.json() if answer.content else None

    def _found_lot(self, lot: Lot) -> None:
        tenant = self._tenant
        lot.id = self._put(f"/v1/lots/{lot.code}", self._text(LOT, lot.code))["lot"]
        shown = self._house.get(f"/v1/lots/{lot.id}")
        tenant.id = tenant.id or str(
            self._house.database.read_now(
                lambda reader: tenancy.company_by_code(reader, code=tenant.code).id, by=system("t")
            )
        )
        if not tenant.lots:
            tenant.add("company", tenant.code, tenant.id)
        tenant.lots.append(lot)
        lot.add("lot", lot.code, lot.id)
        lot.add("sign", shown["scan_code"])
        for lane in shown["lanes"]:
            lot.add("lane_sign", lane["scan_code"])
        lot.add("lane", f"{lot.code}-in")
        lot.add("lane_id", *(lane["id"] for lane in shown["lanes"]))
        lot.add("area", f"{lot.code}-ground")
        lot.add("device", f"{lot.code}-cam-in")
        self._heard(lot, f"{lot.code}-cam-in")
        lot.add("collector", f"{lot.code}-lora")
        lot.add("sensor", f"{lot.code}-eye")
        lot.add("permit", f"{lot.code}-permit")
        self._put(
            f"/v1/lots/{lot.code}/permits", self._text(PERMITS, lot.code, tenant.plate(70_000 + len(tenant.lots)))
        )
        self._post(f"/v1/lots/{lot.code}/devices/{lot.code}-cam-in/credentials", {})
        self._post(f"/v1/lots/{lot.code}/collectors/{lot.code}-lora/credentials", {})

    def _rules(self) -> None:
        tenant = self._tenant
        dearer = self._text(TARIFF).replace("2.50", "3.00")
        self._put(f"/v1/tariffs/{tenant.code}-rate/draft", dearer)
        answer = self._house.operator.put(
            f"/v1/calendars/{tenant.code}-cal/days", params={"company": tenant.code}, content=self._text(DAYS).encode()
        )
        assert answer.status_code == 200, answer.text
        trouble = Trouble("calendar_missing", f"{tenant.code}-cal", {"calendar": f"{tenant.code}-cal", "tariffs": "x"})
        self._house.database.write_now(
            partial(alarms.tell, company=UUID(tenant.id), kinds=("calendar_missing",), troubles=[trouble]),
            by=system("t"),
        )  # fmt: skip

    def _organisation(self) -> None:
        """Put the company under a partner of its own, and give it a property."""
        tenant = self._tenant
        name = {"zh": f"{tenant.zh}集团", "en": f"{tenant.code} Group"}
        tenant.partner = self._post("/v1/partners", {"code": f"{tenant.code}-group", "name": name})["id"]
        moved = {"partner": f"{tenant.code}-group", "reason": f"{tenant.code} was bought"}
        answer = self._house.operator.put(f"/v1/companies/{tenant.code}/partner", json=moved)
        assert answer.status_code == 204, answer.text
        home = {"company": tenant.code, "code": f"{tenant.code}-home", "name": name}
        self._post("/v1/properties", home)
        placed = {"property": f"{tenant.code}-home", "reason": f"{tenant.code} owns it"}
        answer = self._house.operator.put(f"/v1/lots/{tenant.lots[0].code}/property", json=placed)
        assert answer.status_code == 204, answer.text
        tenant.add("partner", f"{tenant.code}-group", tenant.partner)
        tenant.add("property", f"{tenant.code}-home")

    def _troubled(self, lot: Lot) -> None:
        """Let somebody speak in the name of a device of the lot from elsewhere."""
        device = next(each for each in self._house.get(f"/v1/lots/{lot.id}")["devices"])
        stray = Stray(
            UUID(self._tenant.id), UUID(lot.id), lot.code, UUID(device["id"]), device["code"], "192.0.2.77", 1,
            self._house.machine.now(),
        )  # fmt: skip
        self._house.database.write_now(partial(note_strays, strays=[stray]), by=system("t"))
        about: dict[str, Any] = {"company": stray.company, "lot": stray.lot, "kind": "device_stray"}
        told = {"lot": lot.code, "device": device["code"], "address": "192.0.2.78", "times": 1}
        other = {**about, "subject": UUID(self._house.get(f"/v1/lots/{lot.id}")["lanes"][0]["id"])}
        self._house.database.write_now(partial(facility.raise_alarm, **other, params=told), by=system("t"))
        self._house.database.write_now(partial(facility.end_alarm, **other), by=system("t"))
        said = facility.Reading(f"{lot.code}-eui", True, {"said": f"{lot.code} is taken"})
        [collector] = self._house.get(f"/v1/lots/{lot.id}/sensors")["collectors"]
        take = partial(take_readings, collector=UUID(collector["id"]), readings=[said])
        self._house.database.write_now(take, by=system("t"))
        self._house.database.write_now(partial(compare_lot, lot=UUID(lot.id)), by=system("t"))

    def _heard(self, lot: Lot, code: str) -> None:
        """Let a device be heard, so that it can be told something."""
        device = next(each for each in self._house.get(f"/v1/lots/{lot.id}")["devices"] if each["code"] == code)
        lot.add("device_id", device["id"])
        heard = Heard(
            UUID(device["id"]), UUID(self._tenant.id), UUID(lot.id), UUID(int=1), code, self._house.machine.now(),
            "127.0.0.1", None, None,
        )  # fmt: skip
        self._house.database.write_now(partial(write_heard, heard=[heard]), by=system("t"))
        camera = Camera(heard.device, heard.company, heard.lot, lot.code, code)
        self._house.database.write_now(partial(note_compared, camera=camera, found=0, differences=[]), by=system("t"))

    def _unknown(self) -> None:
        """Let a camera call that is nobody's."""
        serial = f"{self._tenant.code}-stranger"
        caller = Calling(DeviceKind.VZENITH_HTTP, serial, "127.0.0.9", 1, self._house.machine.now())
        self._house.database.write_now(partial(note_callers, callers=[caller]), by=system("t"))
        waiting = self._house.get("/v1/devices/waiting")["items"]
        self._tenant.add("waiting", next(each["id"] for each in waiting if each["serial"] == serial))

    def _live(self, lot: Lot) -> None:
        """Let cars come: one leaves, one owes, one stays, one waits with a bill, one is unread, one was never in."""
        tenant, house = self._tenant, self._house
        first = 10 * (1 + tenant.lots.index(lot))
        self.arrive(lot, "in", tenant.plate(first), pictures=(Picture(PictureKind.SCENE, JPEG),))
        self.arrive(lot, "in", tenant.plate(first + 1))
        self.arrive(lot, "in", tenant.plate(first + 2))
        self.arrive(lot, "in", tenant.plate(first + 4))
        house.pass_minutes(61)
        self.arrive(lot, "out", tenant.plate(first))
        waiting = house.get(f"/v1/lots/{lot.code}/lanes/{lot.code}-out")["waiting"]
        cash = {"bill": waiting["bill"]["id"], "received": {"minor": 777_00, "currency": "CNY"}}
        self._post(f"/v1/lots/{lot.code}/lanes/{lot.code}-out/cash", cash)
        assert eventually(lambda: bool(house.get("/v1/stays", lot=lot.code, state="closed")["items"]))
        lot.add("stay", house.get("/v1/stays", lot=lot.code, state="closed")["items"][0]["id"])
        self.arrive(lot, "out2", tenant.plate(first + 4))
        self._post(f"/v1/lots/{lot.code}/lanes/{lot.code}-out2/open", {"reason": f"{tenant.code} fire engine"})
        lot.add("debt", house.get("/v1/debts", lot=lot.code)["items"][0]["id"])
        account = self._post(
            "/v1/prepaid", {"lot": lot.code, "code": f"{lot.code}-a", "plates": [tenant.plate(first + 8)]}
        )
        lot.add("prepaid", account["id"])
        self._post(f"/v1/prepaid/{account['id']}/top-ups", {"amount": {"minor": 100, "currency": "CNY"}, "way": "cash"})
        self.arrive(lot, "out2", tenant.plate(first + 2))
        self.arrive(lot, "in2", None)
        self.arrive(lot, "out", tenant.plate(first + 9))
        self._note(lot)
        tenant.add("plate", tenant.plate(first + 1))
        asked = {"amount_minor": 100, "currency": "CNY", "reason": f"{tenant.code} rain"}
        contract = {
            "level": "lot", "node": lot.code, "kind": "wechatpay", "name": f"{tenant.code} till",
            "params": {"merchant": f"{tenant.code}-merchant"}, "secrets": {"merchant_key": f"{tenant.code} key"},
        }  # fmt: skip
        lot.add("channel", self._post("/v1/channels", contract)["id"])
        self._reconcile(lot)
        self._shifts(lot)
        lot.add("refund", self._post(f"/v1/receipts/{lot.names['receipt'][0]}/refunds", asked)["id"])
        self._post(
            f"/v1/lots/{lot.code}/what-if",
            {"month": "2026-03", "document": self._text(TARIFF).replace("2.50", "4.00")},
        )
        lot.add("what_if", house.get(f"/v1/lots/{lot.code}/what-if")["items"][0]["id"])
        self._post(f"/v1/lots/{lot.code}/lanes/{lot.code}-in/open", {"reason": f"{tenant.code} tow truck"})
        house.machine.advance(6_000_000)

    def _shifts(self, lot: Lot) -> None:
        """Let cash of somebody's shift be handed over, corrected by nobody, and change lie in the safe."""
        code = self._tenant.code
        change = {"kind": "fetched", "amount": {"minor": 500, "currency": "CNY"}, "reference": f"{code}-change"}
        self._post(f"/v1/lots/{lot.code}/safe/moves", change)
        shift = self._post("/v1/shifts", {"lot": lot.code, "opening": {"minor": 500, "currency": "CNY"}})["id"]
        counted = {"counted": {"minor": 100, "currency": "CNY"}, "reason": f"{code} lost it"}
        self._post(f"/v1/shifts/{shift}/hand-over", counted)
        lot.add("shift", shift)

    def _reconcile(self, lot: Lot) -> None:
        """Have the channel tell of money that nobody knows."""
        database, code = self._house.database, self._tenant.code
        contract = UUID(lot.names["channel"][0])
        account = database.read_now(partial(channels.account_by_id, account=contract), by=system("walk"))
        nothing, some = Money(0, "CNY"), Money(100, "CNY")
        strange = Found(DifferenceKind.LONG, RowKind.PAYMENT, f"{code}-order", f"{code}-paid", some, None, None)
        finish = partial(
            reconciling.finish_day, account=account, day=date(2026, 3, 1), found=[strange], row_count=1, paid=some,
            refunded=nothing, fee=nothing,
        )  # fmt: skip
        database.write_now(finish, by=system("walk"))
        for day in self._house.get("/v1/reconciliation")["items"]:
            if day["channel"] == str(contract):
                lot.add("day", day["id"])
                found = self._house.get(f"/v1/reconciliation/{day['id']}")["differences"]
                lot.add("difference", found[0]["id"])
        self._pay_out(lot, contract)

    def _pay_out(self, lot: Lot, contract: UUID) -> None:
        """Have the channel owe something and pay it out."""
        taken = Transfer(
            "receipt.applied", uuid4(), Account(AccountCode.CLEARING, contract), Account(AccountCode.REVENUE),
            Money(300, "CNY"),
        )  # fmt: skip
        place = {"company": UUID(self._tenant.id), "lot": UUID(lot.id)}
        book = partial(ledger.book, **place, transfers=[taken])
        self._house.database.write_now(book, by=system("walk"))
        asked = {"amount_minor": 200, "day": "2026-03-02", "reference": f"{self._tenant.code} bank", "reason": "shop"}
        lot.add("payout", self._post(f"/v1/channels/{contract}/payouts", asked)["id"])

    def _note(self, lot: Lot) -> None:
        """Learn the ids of what happened."""
        house = self._house
        opened = house.get("/v1/stays", lot=lot.code, state="open")["items"]
        lot.names["stay"] = [each["id"] for each in opened[-1:]] + lot.names["stay"]
        passages = house.get("/v1/passages", lot=lot.code)["items"]
        pictured = [each["id"] for each in passages if each["pictures"]]
        lot.add("passage", *pictured, *(each["id"] for each in passages if each["id"] not in pictured))
        for each in pictured:
            house.blobs.put(picture_name(UUID(each), 0), JPEG)
        lot.add("case", *(each["id"] for each in house.get("/v1/exceptions", lot=lot.code)["items"]))
        lot.add("bill", *(each["id"] for each in house.get("/v1/bills", lot=lot.code)["items"]))
        lot.add("receipt", *(each["id"] for each in house.get("/v1/receipts", lot=lot.code)["items"]))

    def arrive(self, lot: Lot, lane: str, plate: str | None, **changes: Any) -> Any:
        return arrive(self._house, self._tenant, lot, lane, plate, **changes)

    def _people(self) -> None:
        """Make an account for every built-in role, and one for every permission there is, at the company and a lot."""
        tenant, post = self._tenant, self._post
        role = {"name": f"{tenant.code} doorman", "permissions": sorted(tenancy.PERMISSIONS)}
        answer = self._house.operator.put(
            f"/v1/roles/{tenant.code}_{DOORMAN}", params={"company": tenant.code}, json=role
        )
        assert answer.status_code == 200, answer.text
        tenant.add("role", f"{tenant.code}_{DOORMAN}")
        company = ("company", tenant.code)
        wanted = [(each.value, each.value, company) for each in Role if each not in OFFICERS]
        wanted += [
            (DOORMAN, f"{tenant.code}_{DOORMAN}", company),
            (f"{DOORMAN}-lot", f"{tenant.code}_{DOORMAN}", ("lot", tenant.lots[0].id)),
            ("partner", Role.COMPANY_MANAGER, ("partner", f"{tenant.code}-group")),
            ("property", Role.LOT_MANAGER, ("property", f"{tenant.code}-home")),
            ("nothing", "", company),
        ]  # fmt: skip
        for name, code, (level, node) in wanted:
            login = f"{tenant.code}-{name.replace('_', '-')}"
            form = {"login": login, "name": f"{tenant.zh}某人", "password": PASSWORD, "company": tenant.code}
            tenant.accounts[name] = post("/v1/accounts", form)["id"]
            if code:
                grant = {"account": login, "role": code, "level": level, "node": node}
                made = post("/v1/grants", grant)["id"]
                if name == "guard":
                    tenant.add("grant", made)
        tenant.add("account", f"{tenant.code}-guard", tenant.accounts["guard"])
        robot = {"login": f"{tenant.code}-robot", "name": "Robot", "kind": "integrator", "company": tenant.code}
        post("/v1/accounts", robot)
        post(f"/v1/accounts/{tenant.code}-robot/secret", {})
        granted = {"account": f"{tenant.code}-robot", "role": "guard", "level": "company", "node": tenant.code}
        post("/v1/grants", granted)
        key = post(f"/v1/accounts/{tenant.code}-robot/api-keys", {"name": tenant.code, "scopes": ["lot.read"]})
        tenant.add("api_key", key["id"])
        tenant.add("integrator", f"{tenant.code}-robot")
        self._known()
        mine = self._house.client({"authorization": f"Bearer {self._world.token(tenant, DOORMAN)}"})
        tenant.add("session", mine.get("/v1/auth/sessions").json()["items"][0]["id"])
        wanted_data = {"level": "company", "node": tenant.code, "reason": f"{tenant.code} leaves"}
        export = self._post("/v1/exports", wanted_data, mine)["id"]
        tenant.add("export", export)
        assert eventually(lambda: mine.get(f"/v1/exports/{export}").json()["state"] == "ready")
        table = self._post("/v1/tables/exports", {"table": "stays", "lang": "en"}, mine)["id"]
        tenant.add("table_export", table)
        assert eventually(lambda: mine.get(f"/v1/tables/exports/{table}").json()["state"] == "ready")

    def _known(self) -> None:
        """Make people known: one with a history, and somebody who was told about a change."""
        tenant, post = self._tenant, self._post
        phone = f"+1202555{ord(tenant.letter):04}"
        made = post("/v1/people", {"name": f"{tenant.zh}住户", "phone": phone, "company": tenant.code})["id"]
        proof = {"evidence": "passport", "reason": f"{tenant.code} came with it"}
        for name in (f"{tenant.zh}住户", f"{tenant.zh}新户"):
            post(f"/v1/people/{made}/reverify", {"name": name} | proof)
        (change,) = self._house.get(f"/v1/people/{made}/changes")["items"]
        post(f"/v1/people/{made}/consents", {"purpose": "phone", "document": "v1", "given": True, "channel": "paper"})
        tenant.add("person", made)
        tenant.add("change", change["id"])
        tenant.add("phone", phone)
        doorman = tenant.accounts[DOORMAN]
        post(f"/v1/people/{doorman}/values", {"phone": phone, "reason": "asked for it"})
        mine = self._house.client({"authorization": f"Bearer {self._world.token(tenant, DOORMAN)}"})
        tenant.add("notice", mine.get("/v1/me/notices").json()["items"][0]["id"])
        bound = self._post("/v1/me/plates", {"plate": tenant.names["plate"][0]}, mine)
        tenant.add("own_plate", bound["id"])
        licence = {"own_plate": bound["id"], "plate": bound["plate"], "reason": f"{tenant.code} showed it"}
        post("/v1/plates/verify", licence)
        held = {"holder": doorman, "spending": "company", "pays_by_itself": True, "state": "active"}
        for lot in tenant.lots:
            answer = self._house.operator.put(f"/v1/prepaid/{lot.names['prepaid'][0]}", json=held)
            assert answer.status_code == 200, answer.text


def arrive(house: House, tenant: Tenant, lot: Lot, lane: str, plate: str | None, **changes: Any) -> Any:
    """Let a camera see a car, as its gateway tells it."""
    shown = house.get(f"/v1/lots/{lot.id}")
    lanes = {each["code"]: each["id"] for each in shown["lanes"]}
    devices = {each["code"]: each["id"] for each in shown["devices"]}
    values: dict[str, Any] = {
        "source_id": str(house.ids.new_id()), "plate_text": plate, "other_plates": (), "colour": PlateColour.BLUE,
        "plate_kind": None, "confidence": 96, "direction": Direction.DOWN, "trigger": Trigger.VIDEO,
        "captured_at": house.business.now(), "offline": False, "opened_by_camera": False, "pictures": (), "flaws": (),
    }  # fmt: skip
    use_case = partial(
        stays.recognise, lot=UUID(lot.id), lane=UUID(lanes[f"{lot.code}-{lane}"]),
        device=UUID(devices[f"{lot.code}-cam-{lane}"]), passage=house.ids.new_id(),
        recognition=Recognition(**(values | changes)),
    )  # fmt: skip
    scope = Scope(UUID(tenant.id), (UUID(lot.id),))
    by = Caller(Actor(ActorKind.DEVICE, f"{lot.code}-cam-{lane}", "127.0.0.1"), scope)
    return house.database.write_now(use_case, by=by)
