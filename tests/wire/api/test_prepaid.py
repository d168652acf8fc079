"""Prepaid accounts over the operator API: opened, filled in cash and by a code, spent at the exit, paid out, closed."""

from pathlib import Path

import pytest

from openberth.entrypoints.cli.app import run
from tests.waiting import eventually
from tests.wire.api.house import CAR, OTHER_CAR, TOKEN, House

NOBODY = "00000000-0000-7000-8000-000000000001"


@pytest.fixture
def account(house: House) -> str:
    form = {"lot": "mall", "code": "A-1203", "plates": [CAR]}
    made = house.post("/v1/prepaid", form, key="k-open")
    assert made.status_code == 201
    assert house.post("/v1/prepaid", form, key="k-open").json() == made.json()  # the same request again
    assert (made.json()["plates"], made.json()["balance"]) == (["粤B·**345"], {"minor": 0, "currency": "CNY"})
    return str(made.json()["id"])


def balance(house: House, account: str) -> int:
    found = house.get(f"/v1/prepaid/{account}")
    assert [each for each in house.get("/v1/prepaid", lot="mall")["items"] if each["id"] == account] == [found]
    return int(found["balance"]["minor"])


def top_up(house: House, account: str, minor: int, way: str | None, key: str) -> dict[str, object]:
    form = {"amount": {"minor": minor, "currency": "CNY"}, "way": way}
    answer = house.post(f"/v1/prepaid/{account}/top-ups", form, key=key)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_filled_in_cash_and_by_a_code_a_car_leaves_by_itself(house: House, account: str) -> None:
    for _ in range(2):
        assert top_up(house, account, 1_000, "cash", "k-cash")["receipt"] is not None
    assert balance(house, account) == 1_000
    for _ in range(2):
        asked = top_up(house, account, 2_000, "sandpay", "k-code")
        assert asked["pay_url"]
    [number] = house.channel.orders
    assert house.notify(number, 2_000).status_code == 200
    assert balance(house, account) == 3_000
    house.arrive("in-1", CAR)
    house.pass_minutes(61)
    house.arrive("out-1", CAR)
    assert balance(house, account) == 2_250
    assert eventually(lambda: house.get("/v1/stays", lot="mall", state="closed")["items"] != [])
    moved = house.get(f"/v1/prepaid/{account}/movements")["items"]
    assert [(each["deed"], each["by"]["minor"]) for each in moved] == [
        ("hold.made", -750), ("bill.topped_up", 2_000), ("bill.topped_up", 1_000),
    ]  # fmt: skip
    receipt = house.get("/v1/receipts", lot="mall")["items"][0]
    assert (receipt["method"], receipt["place"]) == ("prepaid", "exit")
    for each in house.get("/v1/receipts", lot="mall")["items"]:  # what was spent, and what was put in
        slip = house.operator.get(f"/v1/receipts/{each['id']}/slip", params={"format": "png"})
        assert (slip.status_code, slip.headers["content-type"]) == (200, "image/png")


def test_what_is_left_is_paid_out_and_the_account_closed(house: House, account: str) -> None:
    top_up(house, account, 1_000, "cash", "k-cash")
    path = f"/v1/prepaid/{account}"
    too_much = {"amount": {"minor": 1_001, "currency": "CNY"}, "reason": "搬家"}
    refused = house.post(path + "/pay-out", too_much, key="k-1")
    assert (refused.status_code, refused.json()["code"]) == (409, "prepaid.too_little")
    for _ in range(2):
        closed = house.post(path + "/close", {"reason": "搬家"}, key="k-2").json()
        assert (closed["state"], closed["plates"]) == ("closed", [])
        out = house.post(path + "/pay-out", {"reason": "搬家"}, key="k-3").json()
        assert [(each["amount"]["minor"], each["state"]) for each in out["refunds"]] == [(1_000, "done")]
    assert balance(house, account) == 0
    refused = house.post(path + "/top-ups", {"amount": {"minor": 1, "currency": "CNY"}}, key="k-4")
    assert (refused.status_code, refused.json()["code"]) == (409, "prepaid.closed")


def test_plates_are_changed_and_mistakes_are_told(house: House, account: str) -> None:
    path = f"/v1/prepaid/{account}"
    form = {"plates": [OTHER_CAR], "holder": None, "spending": "lot", "pays_by_itself": False, "state": "paused"}
    changed = house.operator.put(path, json=form).json()
    assert (changed["plates"], changed["state"], changed["spending"]) == (["粤B·**890"], "paused", "lot")
    kept = house.operator.put(path, json=form | {"plates": None, "state": "active"}).json()
    assert (kept["plates"], kept["state"]) == (["粤B·**890"], "active")
    for wrong, code in (
        ({"plates": ["粤B1"]}, "plate.malformed"),
        ({"plates": [CAR, CAR]}, "prepaid.plates"),
        ({"state": "closed"}, "request.malformed"),
        ({"holder": NOBODY}, "person.not_found"),
    ):
        assert house.operator.put(path, json=form | wrong).json()["code"] == code
    taken = house.post("/v1/prepaid", {"lot": "mall", "code": "A-1204", "plates": [OTHER_CAR]}, key="k-1")
    assert (taken.status_code, taken.json()["code"]) == (409, "prepaid.plate_taken")
    assert house.operator.get(f"/v1/prepaid/{NOBODY}").json()["code"] == "prepaid.not_found"


def test_by_command(house: House, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    token = tmp_path / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    capfd.readouterr()

    def command(*line: str) -> tuple[int, str]:
        where = ("--url", house.url, "--token-file", str(token), "--language", "en")
        return run(["prepaid", *line, "--lot", "mall", *where]), "".join(capfd.readouterr())

    opened = command("open", "A-7", "--plate", CAR, "--plate", OTHER_CAR)
    assert opened == (0, "Account A-7: can spend 0.00, active, plates 粤B·**345 粤B·**890\n")
    assert command("top-up", "A-7", "100.50") == (
        0, "Account A-7: can spend 100.50, active, plates 粤B·**345 粤B·**890\n"
    )  # fmt: skip
    status, told = command("top-up", "A-7", "20", "--way", "sandpay")
    assert (status, "Pay 20.00 before" in told) == (0, True)
    status, told = command("pay-out", "A-7", "--amount", "0.50", "--reason", "moved")
    assert (status, told.splitlines()[0]) == (0, "0.50 goes back (cash): done")
    status, told = command("show", "A-7")
    assert status == 0
    assert ["put in" in told, "paid out" in told, "+100.50" in told, "-0.50" in told] == [True] * 4
    assert "100.00" in command("list")[1]
    assert command("close", "A-7", "--reason", "moved")[0] == 0
    status, told = command("top-up", "A-7", "1")
    assert (status, "is closed" in told) == (1, True)
    assert command("show", "B-1")[0] == 1
