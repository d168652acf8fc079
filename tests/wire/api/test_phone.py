"""Drivers sign in by their phones: through the stand-in's real wire, and what those get who may not."""

from pathlib import Path

import httpx2
import pytest

from openberth.kernel.time import MINUTE_US
from tests.wire.api.house import FakeTexting, House
from tests.wire.sms_peer import Peer

NUMBER = "13800138000"


def ask(house: House, phone: str = NUMBER) -> httpx2.Response:
    return house.stranger.post("/v1/auth/phone/code", json={"phone": phone})


def come(house: House, code: str, phone: str = NUMBER) -> httpx2.Response:
    return house.stranger.post("/v1/auth/phone", json={"phone": phone, "code": code})


def test_a_driver_signs_in_by_the_code_on_its_phone(house: House, tmp_path: Path) -> None:
    peer = Peer(tmp_path)
    try:
        house.entrance.reception._texting = peer.sms()
        asked = ask(house, "+86 138-0013-8000")
        assert (asked.status_code, asked.json()) == (202, {"good_for_s": 300, "next_after_s": 60})
        tokens = come(house, peer.code(NUMBER))
        assert tokens.status_code == 200
        driver = house.client({"authorization": f"Bearer {tokens.json()['access_token']}"})
        assert driver.get("/v1/me/person").json()["phone"] == "138****8000"
        assert driver.get("/v1/me/notices").json()["items"] == []
        by_wechat = house.stranger.post("/v1/auth/wechat", json={"phone_code": NUMBER}).json()
        same = house.client({"authorization": f"Bearer {by_wechat['access_token']}"})
        assert same.get("/v1/auth/me").json()["account"] == driver.get("/v1/auth/me").json()["account"]
        assert NUMBER not in house.log.getvalue()
    finally:
        peer.close()


def test_strangers_learn_nothing_about_a_number(house: House) -> None:
    assert isinstance(house.texting, FakeTexting)
    known = ask(house)
    assert come(house, house.texting.codes[NUMBER]).status_code == 200
    house.machine.advance(MINUTE_US)
    unknown = "13900139000"
    assert ask(house).json() == ask(house, unknown).json() == known.json()
    right = house.texting.codes[unknown]
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    answers = [come(house, wrong), come(house, wrong, unknown), come(house, wrong, "13700137000")]
    assert {(each.status_code, each.json()["code"]) for each in answers} == {(401, "phone.code_wrong")}
    assert len({each.json()["title"] for each in answers}) == 1


def test_what_one_is_told_to_do(house: House) -> None:
    ask(house)
    again = ask(house)
    assert (again.status_code, again.json()["code"], again.headers["retry-after"]) == (429, "sms.wait", "60")
    assert "60 seconds" in again.json()["title"]
    assert ask(house, "19900000000").json()["code"] == "sms.number"
    assert ask(house, "19900000000").json()["code"] == "sms.number", "what reached nobody does not count"
    assert ask(house, "+12025550100").json()["code"] == "phone.mainland_only"
    malformed = ask(house, "1380013").json()
    assert malformed["errors"] == [{"place": "body.phone", "problem": "person.fault.country"}]
    assert come(house, "12345x").json()["code"] == "request.malformed"
    house.entrance.reception._texting = None
    for refused in (ask(house), come(house, "000000")):
        assert (refused.status_code, refused.json()["code"]) == (409, "sms.not_configured")


@pytest.mark.parametrize(("phones", "refused_from", "code"), [(21, 20, "request.too_many")])
def test_an_address_has_so_many_codes_sent_an_hour(house: House, phones: int, refused_from: int, code: str) -> None:
    answers = [ask(house, f"138{each:08d}") for each in range(phones)]
    assert [each.status_code for each in answers] == [202] * refused_from + [429] * (phones - refused_from)
    assert answers[-1].json()["code"] == code
