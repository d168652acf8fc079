"""A busy hour in which every personal value and every secret that OpenBerth knows comes in, through every door."""

import base64
from collections.abc import Iterator
from functools import partial
from uuid import UUID

import httpx2

from openberth.contexts.stays.model.entities import picture_name
from openberth.contexts.stays.recognition import Picture, PictureKind
from openberth.infra import jobs, one_time
from openberth.infra.outbox import Consumer
from openberth.kernel.authority import system
from openberth.kernel.events import Envelope
from openberth.kernel.time import MINUTE_US
from tests.waiting import eventually
from tests.wire.api.house import House

JPEG = b"\xff\xd8\xff\xe0" + b"\0" * 32 + b"\xff\xd9"
PASSWORD = "plum-otter-canal-92"
PERMITS = """permits: openberth/1
lot: mall
list:
  - {{code: r-001, plate: {plate}, kind: resident}}
"""
# The identity number is made up: area of nobody's town, its check digit computed (GB 11643-1999).
PEOPLE = {
    "name of a member of staff": "欧阳晓晴", "name of a resident": "司徒望舒", "new name": "司徒清和",
    "phone": "13912345670", "new phone": "13712345679", "phone of a driver": "13612345678",
    "phone typed as a login": "13512345677",
}  # fmt: skip
PLATES = {
    "plate inside": "粤B7D35X", "plate that left": "粤B6K29P", "plate misread": "粤B5H18Q",
    "plate corrected": "粤B5H18R", "plate of a permit": "粤B9T44W", "plate of a refused car": "粤B4N07Z",
}  # fmt: skip


def identity_number(first: str = "11010119900307") -> str:
    """Return a well-formed identity number: seventeen digits and the check digit of ISO 7064 mod 11-2."""
    digits = (first + "739")[:17]
    total = sum(int(digit) * (2 ** (17 - place) % 11) for place, digit in enumerate(digits))
    return digits + "10X98765432"[total % 11]


class Hour:
    """Lives the hour and remembers each value that must not be found afterwards."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.values: dict[str, str] = {**PEOPLE, **PLATES, "identity number": identity_number(), "password": PASSWORD}

    def live(self) -> None:
        """Let everything happen."""
        self._cars()
        self._staff()
        self._people()
        self._drivers()
        self._machines()
        self._mistakes()

    def keep(self, name: str, value: str) -> str:
        self.values[name] = value
        return value

    def _done(self, answer: httpx2.Response, *, status: tuple[int, ...] = (200, 201, 202, 204)) -> httpx2.Response:
        assert answer.status_code in status, (answer.request.url.path, answer.text)
        return answer

    def _cars(self) -> None:
        house, post = self.house, self.house.post
        permits = PERMITS.format(plate=PLATES["plate of a permit"])
        self._done(house.operator.put("/v1/lots/mall/permits", content=permits.encode()))
        house.arrive("in-1", PLATES["plate of a permit"])
        house.arrive("in-1", PLATES["plate inside"], pictures=(Picture(PictureKind.SCENE, JPEG),))
        house.arrive("in-1", PLATES["plate that left"])
        house.arrive("in-1", PLATES["plate misread"], other_plates=(PLATES["plate corrected"],))
        house.pass_minutes(61)
        house.arrive("out-1", PLATES["plate that left"])
        bill = house.waiting("out-1")["bill"]
        cash = {"bill": bill["id"], "received": {"minor": 99_900, "currency": "CNY"}}
        self._done(post("/v1/lots/mall/lanes/out-1/cash", cash, key="cash-1"))
        house.arrive("out-2", PLATES["plate of a refused car"])
        for passage in house.get("/v1/passages", lot="mall")["items"]:
            for number, _ in enumerate(passage["pictures"]):
                house.blobs.put(picture_name(UUID(passage["id"]), number), JPEG)
        found = house.get("/v1/stays", lot="mall", plate=PLATES["plate misread"])["items"]
        said = f"错认，应为{PLATES['plate corrected']}，车主{PEOPLE['phone']}，证件{self.values['identity number']}"
        plate = {"plate": PLATES["plate corrected"], "reason": said}
        self._done(post(f"/v1/stays/{found[0]['id']}/plate", plate, key="plate-1"))
        self._done(post(f"/v1/stays/{found[0]['id']}/unmask", {"reason": said}))
        self._done(post("/v1/lots/mall/lanes/in-1/open", {"reason": said}, key="open-1"))
        for case in house.get("/v1/exceptions", lot="mall")["items"]:
            post(f"/v1/exceptions/{case['id']}/resolve", {"action": "dismiss", "reason": said})

    def _staff(self) -> None:
        house = self.house
        form = {"login": "desk-1", "name": PEOPLE["name of a member of staff"], "password": PASSWORD}
        self._done(house.post("/v1/accounts", form, key="account-1"))
        signed_in = self._done(house.stranger.post("/v1/auth/sign-in", json={"login": "desk-1", "password": PASSWORD}))
        access = self.keep("access token", signed_in.json()["access_token"])
        self.keep("refresh token", signed_in.json()["refresh_token"])
        desk = house.client({"authorization": f"Bearer {access}"})
        secret = self.keep(
            "secret of an authenticator", self._done(desk.post("/v1/auth/second-factor")).json()["secret"]
        )
        code = one_time.code_at(base64.b32decode(secret), one_time.step_of(house.machine.now()))
        factor = {"secret": secret, "code": code, "password": PASSWORD}
        codes = self._done(desk.put("/v1/auth/second-factor", json=factor)).json()["recovery_codes"]
        for number, recovery in enumerate(codes):
            self.keep(f"recovery code {number}", recovery)
            self.keep(f"recovery code {number} as it is typed", recovery.replace("-", ""))
        again = {"login": "desk-1", "password": PASSWORD, "code": codes[0]}
        self._done(house.stranger.post("/v1/auth/sign-in", json=again))

    def _people(self) -> None:
        post = self.house.post
        person = {
            "name": PEOPLE["name of a resident"], "phone": PEOPLE["phone"],
            "identity": self.values["identity number"],
        }  # fmt: skip
        made = self._done(post("/v1/people", person, key="person-1")).json()["id"]
        proof = {"evidence": "identity_card", "reason": f"{PEOPLE['new phone']} 来电"}
        fields = {"name": PEOPLE["new name"], "phone": PEOPLE["new phone"]}
        self._done(post(f"/v1/people/{made}/reverify", fields | proof, key="reverify-1"))
        self._done(post("/v1/people/find", {"phone": PEOPLE["new phone"]}))
        asked = {"fields": ["name", "phone"], "reason": "asked by itself"}
        self._done(post(f"/v1/people/{made}/unmask", asked))

    def _drivers(self) -> None:
        openid = self.keep("openid", "oXk9fQ3bWm7Zr2LtVnPd")
        codes = {"login_code": openid, "phone_code": PEOPLE["phone of a driver"]}
        self._done(self.house.stranger.post("/v1/auth/wechat", json=codes))

    def _machines(self) -> None:
        house, post = self.house, self.house.post
        for device in ("cam-in-1", "bar-in-1"):
            path = f"/v1/lots/mall/devices/{device}/credentials"
            made = self._done(post(path, {}, key=f"secret-{device}")).json()
            self.keep(f"secret of {device}", made["secret"])
        self._done(post("/v1/accounts", {"login": "robot", "name": "Robot", "kind": "integrator"}))
        self.keep(
            "client secret", self._done(post("/v1/accounts/robot/secret", {}, key="robot-1")).json()["client_secret"]
        )
        contract = {
            "level": "lot", "node": "mall", "kind": "wechatpay", "name": "till", "params": {"merchant": "1900000109"},
            "secrets": {"merchant_key": self.keep("secret of a channel", "Kq7vT2mXw9RzLp4NbYc8")},
        }  # fmt: skip
        self._done(post("/v1/channels", contract, key="channel-1"))
        house.machine.advance(MINUTE_US)

    def _mistakes(self) -> None:
        """Put personal values where they do not belong: what is refused is told without them."""
        house, stranger = self.house, self.house.stranger
        phone, plate, number = PEOPLE["phone"], PLATES["plate inside"], self.values["identity number"]
        typed = {"login": PEOPLE["phone typed as a login"], "password": PASSWORD}
        assert stranger.post("/v1/auth/sign-in", json=typed).status_code == 401
        for client in (house.operator, stranger):
            for path in (f"/v1/stays/{plate}", f"/v1/lots/{plate}", f"/v1/people/{phone}", f"/c/{plate}", f"/{phone}"):
                assert client.get(path, params={"q": number}).status_code in (401, 404, 422)
            for sent in (f'{{"phone": "{phone}"', f'{{"phone": {phone}, "name": ["{plate}"], "{number}": 1}}'):
                answer = client.post("/v1/people", content=sent.encode(), headers={"content-type": "application/json"})
                assert answer.status_code in (400, 401, 422)
        spoilt = PERMITS.format(plate=f"{plate}{plate}")
        assert house.operator.put("/v1/lots/mall/permits", content=spoilt.encode()).status_code in (409, 422)
        house.post("/v1/lots/mall/state", {"state": "open", "reason": phone}, key=f"{phone}")

    def fail(self) -> Iterator[Consumer]:
        """Yield a consumer and begin a job that fail with a message that quotes what they failed on."""

        def fails(*_: object) -> None:
            raise ValueError(f"{PLATES['plate inside']} {PEOPLE['phone']} {self.values['identity number']}")

        async def job_fails(_: jobs.Job) -> None:
            fails()

        def consumed(unit: object, envelope: Envelope) -> None:
            fails(unit, envelope)

        self.house.jobs.handle("test.fails", job_fails)
        ask = partial(jobs.schedule, kind="test.fails", body={})
        self.house.database.write_now(ask, by=system("test"))
        yield Consumer("test.fails", frozenset(("stays.stay_opened",)), consumed)


def settled(house: House) -> None:
    """Wait until the consumers have read what happened."""
    assert eventually(lambda: "plate.corrected" in str(house.get("/v1/audit", deed="plate.corrected")))
