"""The audit trail over HTTP: what people did and what they were refused, page by page, and the head."""

import asyncio
import json
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import KeySet
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from openberth.contexts import tenancy
from openberth.kernel.authority import system
from openberth.kernel.time import from_iso
from tests.service.tenancy.trail import faults, write_deeds
from tests.waiting import eventually
from tests.wire.api.house import CAR, House
from tests.wire.api.test_accounts import client, give, make


def trail(house: House, **asked: Any) -> list[dict[str, Any]]:
    return list(house.get("/v1/audit", **asked)["items"])


def test_a_gate_opened_by_hand_is_told_with_its_reason(house: House) -> None:
    answer = house.post("/v1/lots/mall/lanes/in-1/open", {"reason": f"故障，{CAR} 已付"}, key="k1")
    assert answer.status_code == 200
    assert eventually(lambda: trail(house, deed="gate.commanded") != [])
    (entry,) = trail(house, deed="gate.commanded")
    assert (entry["actor"]["name"], entry["actor"]["address"]) == ("operator", "127.0.0.1")
    assert (entry["subject"], entry["outcome"]) == ({"kind": "lane", "id": house.lanes["in-1"]["id"]}, "done")
    assert entry["reason"] == "故障，粤B·**345 已付"
    assert entry["after"]["kind"] == "open"
    assert entry["text"] == "A gate was commanded by hand"
    assert CAR not in str(trail(house))
    assert trail(house, subject=house.lanes["in-1"]["id"], deed="gate.commanded") == [entry]
    assert faults(house.database) == []


def flushed(house: House) -> list[dict[str, Any]]:
    asyncio.run(house.refusals.flush())
    return trail(house, outcome="refused")


def test_what_people_are_refused_is_told_by_template(house: House) -> None:
    for _ in range(2):
        house.stranger.get("/v1/stays/plate-of-somebody")
    house.post("/v1/lots/mall/lanes/in-1/cash", {"bill": None}, key="k1")  # malformed: no refusal
    house.post("/v1/lots/mall/state", {"state": "open", "reason": "x"}, key="same")
    conflict = house.post("/v1/lots/mall/state", {"state": "full", "reason": "y"}, key="same")
    assert conflict.status_code == 409
    house.stranger.get("/c/AAAAAAAAAA")  # drivers' codes are no deeds of people
    by_code = {entry["reason"]: entry for entry in flushed(house)}
    assert set(by_code) == {"auth.required", conflict.json()["code"]}
    unknown, refused = by_code["auth.required"], by_code[conflict.json()["code"]]
    assert unknown["actor"] == {"kind": "nobody", "name": "-", "address": "127.0.0.1"}
    assert (unknown["subject"]["id"], unknown["after"]) == ("GET unmatched", {"status": 401, "times": 2})
    assert (refused["actor"]["name"], refused["subject"]["id"]) == ("operator", "POST /v1/lots/{lot}/state")
    assert "plate-of-somebody" not in str(by_code)


def test_pages_go_on_where_they_ended(house: House) -> None:
    write_deeds(house.database, 5)
    numbers: list[int] = []
    cursor: dict[str, Any] = {}
    while True:
        page = house.get("/v1/audit", limit=2, deed="account.closed", **cursor)
        numbers += [entry["number"] for entry in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert numbers == sorted(numbers, reverse=True)
    assert len(numbers) == 5
    for wrong in ("%%%", "YWJj", "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM"):
        answer = house.operator.get("/v1/audit", params={"cursor": wrong})
        assert (answer.status_code, answer.json()["code"]) == (422, "request.cursor")
    assert house.operator.get("/v1/audit", params={"since": "yesterday"}).status_code == 422


def test_the_head_is_the_one_that_the_command_line_believes(house: House) -> None:
    write_deeds(house.database, 2)
    document = house.get("/v1/audit/head")
    signed = tenancy.read_document(document)
    checked = house.database.read_now(lambda reader: tenancy.check_head(reader, signed=signed), by=system("test"))
    assert checked == signed.head
    assert tenancy.document_of(signed) == document


def test_others_check_a_head_with_the_published_keys(house: House) -> None:
    document = house.get("/v1/audit/head")
    published = house.stranger.get("/.well-known/jwks.json").json()
    found = jws.deserialize_compact(document["jws"], KeySet.import_key_set(published), algorithms=["Ed25519"])
    assert found.headers()["typ"] == "openberth-audit-head"
    assert json.loads(found.payload) == [
        "openberth-audit-head/1", document["number"], document["hash"], from_iso(document["at"]),
    ]  # fmt: skip
    as_token = house.client({"authorization": f"Bearer {document['jws']}"})
    assert as_token.get("/v1/clock").status_code == 401  # it lets nobody in


def test_who_may_not_follow_the_log_is_noted_too(house: House) -> None:
    feed, token = house.url.replace("http://", "ws://") + "/v1/feed", {"authorization": "Bearer not-of-anybody-known"}
    with pytest.raises(InvalidStatus), connect(feed, additional_headers=token):
        pass
    (entry,) = flushed(house)
    assert (entry["subject"]["id"], entry["reason"], entry["after"]) == (
        "FEED /v1/feed", "auth.required", {"status": 401, "times": 1},
    )  # fmt: skip


def test_what_a_use_case_refuses_deep_inside_is_noted(house: House) -> None:
    make(house, "chief")
    give(house, "chief", "security_administrator", "platform", None)
    make(house, "root")
    give(house, "root", "platform_administrator", "platform", None)
    answer = client(house, "root").post("/v1/accounts/chief/password", json={"password": "walnut-bridge-77"})
    assert (answer.status_code, answer.json()["code"]) == (403, "account.outranks")

    def noted() -> list[dict[str, Any]]:  # right after the answer has gone
        return [each for each in flushed(house) if each["reason"] == "account.outranks"]

    assert eventually(lambda: noted() != [])
    (refused,) = noted()
    assert refused["subject"]["id"] == "POST /v1/accounts/{account}/password"
    assert refused["actor"]["kind"] == "person"
