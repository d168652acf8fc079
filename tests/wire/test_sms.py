"""Aliyun SMS: the adapter against the stand-in, a process of its own with the real wire."""

import asyncio
import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from openberth.infra.clocks import ManualClock, SystemClock
from openberth.kernel.errors import Overloaded, Problem, Refused
from openberth.kernel.time import HOUR_US, Instant
from openberth.providers.sms import AliyunSms, aliyun
from tests.ports import free_port
from tests.wire.sms_peer import Peer

NUMBERS = itertools.count(13_800_000_000)


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    started = Peer(tmp_path_factory.mktemp("sms"))
    yield started
    started.close()


@pytest.fixture
def peer(process: Peer) -> Peer:
    process.control(reset=True)
    return process


@pytest.fixture
def number() -> str:
    return str(next(NUMBERS))


def send(sms: AliyunSms, number: str, code: str = "012345") -> None:
    async def run() -> None:
        try:
            await sms.send_code(f"+86{number}", code)
        finally:
            await sms.aclose()

    asyncio.run(run())


def said(sms: AliyunSms, number: str) -> Problem:
    with pytest.raises(Problem) as told:
        send(sms, number)
    assert number not in repr(told.value)
    return told.value


def test_a_code_arrives_on_the_phone_and_on_its_page(peer: Peer, number: str) -> None:
    send(peer.sms(), number)
    (text,) = peer.texts(number)
    assert text.startswith("【泊位 停车】")
    assert peer.code(number) == "012345"
    for path in (f"/phones/{number}", "/"):
        page = peer.http.get(path, headers={"accept": "text/html"})
        assert "012345" in page.text
        assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert peer.texts("13900000000") == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"secret": "another"}, "SignatureDoesNotMatch"),
        ({"access_key": "nobody"}, "InvalidAccessKeyId.NotFound"),
        ({"clock": ManualClock(Instant(SystemClock().now() - HOUR_US))}, "InvalidTimeStamp.Expired"),
        ({"sign_name": "别人"}, "isv.SMS_SIGNATURE_ILLEGAL"),
        ({"template": "SMS_1"}, "isv.SMS_TEMPLATE_ILLEGAL"),
    ],
)
def test_what_is_wrong_with_the_settings_is_a_refusal(
    peer: Peer, number: str, changes: dict[str, Any], code: str
) -> None:
    before = peer.control().get(code, 0)
    problem = said(peer.sms(**changes), number)
    assert isinstance(problem, Refused)
    assert problem.code == "sms.refused"
    assert peer.control()[code] == before + 1
    assert peer.texts(number) == []


def test_the_bounds_of_a_number_are_told_apart(peer: Peer, number: str) -> None:
    send(peer.sms(), number)
    assert said(peer.sms(), number).code == "sms.limit"
    peer.control(advance_s=60)
    send(peer.sms(), number)
    assert len(peer.texts(number)) == 2
    assert said(peer.sms(), "12345").code == "sms.number"


@pytest.mark.parametrize("code", ["isv.OUT_OF_SERVICE", "isv.AMOUNT_NOT_ENOUGH", "isv.DAY_LIMIT_CONTROL"])
def test_business_refusals_with_status_200_are_refusals(peer: Peer, number: str, code: str) -> None:
    peer.control(fault={"do": "refuse", "code": code})
    assert said(peer.sms(), number).code == ("sms.limit" if "LIMIT" in code else "sms.refused")


def test_an_answer_that_comes_late_broken_or_not_at_all_leaves_it_open(
    peer: Peer, number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aliyun, "TOTAL_S", 3.5)
    for fault in ({"do": "slow", "seconds": 8}, {"do": "broken"}, {"do": "garbled"}):
        peer.control(fault=fault, advance_s=60)
        problem = said(peer.sms(), number)
        assert isinstance(problem, Overloaded)
        assert (problem.code, problem.retry_after_s) == ("sms.busy", 60)
    assert len(peer.texts(number)) == 2, "the late one and the garbled one were sent"
    nobody = peer.sms(base_url=f"http://127.0.0.1:{free_port()}")
    assert said(nobody, number).code == "sms.busy"


def test_a_request_that_is_sent_twice_is_refused(peer: Peer, number: str) -> None:
    sms = peer.sms()
    request = sms._request({"PhoneNumbers": number, "SignName": "x", "TemplateCode": "y"})
    answers = [
        peer.http.post(f"/?{request.url.query.decode()}", headers=dict(request.headers) | {"content-length": "0"})
        for _ in range(2)
    ]
    assert [each.json()["Code"] for each in answers] == ["isv.SMS_SIGNATURE_ILLEGAL", "SignatureNonceUsed"]
    asyncio.run(sms.aclose())
