"""Electronic receipts: by permission for operators, by a link for who paid, and for nobody else."""

import io
import re

import httpx2
import pytest
from PIL import Image
from pypdf import PdfReader

from tests.waiting import PATIENCE_S, eventually
from tests.wire.api.house import CAR, House

NOWHERE = "01900000-0000-7000-8000-000000000000"
BROWSER = {"accept": "text/html,application/xhtml+xml,application/json;q=0.5,*/*;q=0.8", "accept-language": "zh-CN"}
DAY_MINUTES = 1_440


@pytest.fixture
def waiting(house: House) -> House:
    """A car waits at an exit to pay 7.50."""
    house.arrive("in-1", CAR)
    house.pass_minutes(61)
    house.arrive("out-1", CAR)
    return house


def paid(house: House) -> None:
    """Have the bill of the car at the exit paid, by the order that was made already, if any."""
    if not house.channel.orders:
        assert house.stranger.post(house.code("out-1") + "/pay").status_code == 201
    [number] = house.channel.orders
    assert house.notify(number, 750).status_code == 200
    assert eventually(lambda: house.waiting("out-1") is None)


def receipt_of(house: House) -> str:
    return str(house.get("/v1/receipts", lot="mall")["items"][0]["id"])


def words_of(answer: httpx2.Response) -> str:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    return "".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.content)).pages)


def local(house: House, address: str) -> str:
    assert address.startswith("http://")
    return "/" + address.split("/", 3)[3]


def test_a_receipt_comes_as_pdf_and_as_a_picture_in_both_languages(waiting: House) -> None:
    paid(waiting)
    address = f"/v1/receipts/{receipt_of(waiting)}/slip"
    chinese = waiting.operator.get(address, params={"lang": "zh"})
    told = words_of(chinese)
    for each in ("停车费电子收据", "7.50 CNY", "粤B·**345", "沙盒支付", "t-1", "费用合计", "税务发票", "Asia/Shanghai"):
        assert each in told, told
    assert CAR[-5:] not in told
    assert re.fullmatch(r'inline; filename="R\d{6}-[0-9A-F]{16}\.pdf"', chinese.headers["content-disposition"])
    english = words_of(waiting.operator.get(address, params={"lang": "en"}))
    assert "Electronic parking receipt" in english
    assert "no tax invoice" in english
    picture = waiting.operator.get(address, params={"format": "png", "lang": "zh"})
    assert picture.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(picture.content)).width > 900
    same = {"if-none-match": f'"x", {chinese.headers["etag"]}'}
    again = waiting.operator.get(address, params={"lang": "zh"}, headers=same)
    assert (again.status_code, again.content) == (304, b"")
    assert waiting.operator.get(address, params={"lang": "en"}, headers=same).status_code == 200


def test_what_is_no_receipt_and_no_form(waiting: House) -> None:
    paid(waiting)
    nothing = waiting.operator.get(f"/v1/receipts/{NOWHERE}/slip")
    assert (nothing.status_code, nothing.json()["code"]) == (404, "receipt.not_found")
    assert waiting.operator.get(f"/v1/receipts/{NOWHERE}/link").json()["code"] == "receipt.not_found"
    for wrong in ({"format": "gif"}, {"lang": "fr"}):
        refused = waiting.operator.get(f"/v1/receipts/{receipt_of(waiting)}/slip", params=wrong)
        assert (refused.status_code, refused.json()["code"]) == (422, "request.malformed")
        assert next(iter(wrong)) in refused.text
    assert waiting.stranger.get(f"/v1/receipts/{receipt_of(waiting)}/slip").status_code == 401


def test_who_paid_has_a_link_that_needs_no_account(waiting: House) -> None:
    """It is there when the order is made, and leads to the receipt once the money is."""
    order = waiting.stranger.post(waiting.code("out-1") + "/pay").json()
    link = local(waiting, order["receipt"])
    assert link.startswith("/r/a")
    early = waiting.stranger.get(link)
    assert (early.status_code, early.json()["code"]) == (404, "e_receipt.not_paid")
    assert "尚未收到" in waiting.stranger.get(link, headers=BROWSER).text
    paid(waiting)
    told = waiting.stranger.get(link, headers={"accept-language": "zh"}).json()
    assert (told["amount"], told["plate"], told["left"]["minor"]) == (
        {"minor": 750, "currency": "CNY"}, "粤B·**345", 0,
    )  # fmt: skip
    assert sum(line["amount"]["minor"] for line in told["lines"]) == told["total"]["minor"] == 750
    assert "left_at" not in told
    page = waiting.stranger.get(link, headers=BROWSER)
    assert "img-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
    [picture] = re.findall(r'<img src="([^"]+)"', page.text)
    files = re.findall(r'<a class="go" href="([^"]+)"', page.text)
    for address, kind in ((picture, "image/png"), (files[0], "application/pdf"), (files[1], "image/png")):
        answer = waiting.stranger.get(address)
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
        assert answer.headers["referrer-policy"] == "no-referrer"
    assert "停车费电子收据" in words_of(waiting.stranger.get(files[0]))
    wrong = waiting.stranger.get(link + "/slip.gif")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "e_receipt.format")


def test_an_operator_hands_out_the_same_receipt(waiting: House) -> None:
    paid(waiting)
    receipt = receipt_of(waiting)
    told = waiting.get(f"/v1/receipts/{receipt}/link")
    link = local(waiting, told["url"])
    answer = waiting.stranger.get(link + "/slip.pdf", params={"lang": "zh"})
    ours = waiting.operator.get(f"/v1/receipts/{receipt}/slip", params={"lang": "zh"})
    assert (answer.content, answer.headers["etag"]) == (ours.content, ours.headers["etag"])
    waiting.pass_minutes(365 * DAY_MINUTES)
    assert waiting.stranger.get(link).status_code == 200
    waiting.pass_minutes(DAY_MINUTES)
    over = waiting.stranger.get(link)
    assert (over.status_code, over.json()["code"]) == (404, "e_receipt.not_found")


def test_a_browser_finds_the_receipt_of_its_payment_on_the_page_of_the_sign(waiting: House) -> None:
    with httpx2.Client(base_url=waiting.url, headers=BROWSER, trust_env=False, timeout=PATIENCE_S) as phone:
        sent = phone.post(waiting.code("out-1") + "/pay")
        assert sent.status_code == 303
        assert "paid=" in sent.headers["set-cookie"]
        assert "电子收据" not in phone.get(waiting.code("out-1")).text  # nothing has come yet
        paid(waiting)
        for code in (waiting.code("out-1"), waiting.code()):
            [link] = re.findall(r'<a class="go" href="http://[^/]+(/r/[^"]+)"', phone.get(code).text)
            assert phone.get(link).status_code == 200
        assert "电子收据" not in waiting.stranger.get(waiting.code("out-1"), headers=BROWSER).text


def test_who_holds_a_pass_finds_its_receipts_and_who_knows_a_plate_none(house: House) -> None:
    house.arrive("in-1", CAR)
    house.arrive("in-2", None)
    token = house.stranger.post(house.code("in-2") + "/enter").json()["pass"]
    house.pass_minutes(61)
    asked = house.stranger.post(house.code() + "/bills", json={"pass": token}).json()
    assert asked["receipts"] == []
    order = house.stranger.post(house.code() + "/pay", json={"bill": asked["bill"]["id"]})
    assert order.status_code == 201
    [number] = house.channel.orders
    assert house.notify(number, 750).status_code == 200
    again = house.stranger.post(house.code() + "/bills", json={"pass": token}).json()
    [link] = again["receipts"]
    told = house.stranger.get(local(house, link)).json()
    assert told["plate"].endswith(token[-3:])
    assert token not in str(told)
    assert house.stranger.post(house.code() + "/bills", json={"plate": CAR}).json()["receipts"] == []


def test_what_went_back_stands_across_the_paper(waiting: House) -> None:
    waiting.post(
        "/v1/lots/mall/lanes/out-1/cash",
        {"bill": waiting.waiting("out-1")["bill"]["id"], "received": {"minor": 1_000, "currency": "CNY"}},
    )
    receipt = receipt_of(waiting)
    address = f"/v1/receipts/{receipt}/slip?lang=zh"
    before = waiting.operator.get(address)
    assert "现金" in words_of(before)
    for amount, said in ((250, "其中已退款 2.50 CNY"), (500, "已全额退款")):
        asked = {"amount_minor": amount, "currency": "CNY", "reason": "投诉"}
        assert waiting.post(f"/v1/receipts/{receipt}/refunds", asked, key=str(amount)).status_code == 201
        after = waiting.operator.get(address)
        assert said in words_of(after)
        assert after.headers["etag"] != before.headers["etag"]
    assert "已退款" in words_of(waiting.operator.get(address)).replace("已全额退款", "")


def test_links_that_are_none_are_told_alike_and_soon_not_at_all(waiting: House) -> None:
    paid(waiting)
    good = local(waiting, waiting.get(f"/v1/receipts/{receipt_of(waiting)}/link")["url"])
    for wrong in (good[:-1], good[:-1] + ("A" if good[-1] != "A" else "B"), "/r/x", "/r/" + "r" * 300):
        answer = waiting.stranger.get(wrong)
        assert (answer.status_code, answer.json()["code"]) == (404, "e_receipt.not_found")
        assert waiting.stranger.get(wrong + "/slip.png").status_code == 404
    answers = [waiting.stranger.get("/r/rAAAA").status_code for _ in range(20)]
    assert answers[-1] == 429
    assert waiting.stranger.get(good).status_code == 200  # a stranger at one address keeps no payer out
    assert waiting.stranger.delete(good).status_code == 405
