"""ACS3-HMAC-SHA256: the worked example of the published documents, signed by ours and proved by the stand-in's."""

from collections.abc import Mapping

import pytest

from openberth.providers.sms.signing import EMPTY_BODY, authorization, canonical_query
from openberth.sandbox.sms.signing import Call, Refusal, fields_of, prove

# The example of "V3 request structure and signature", with the key it names.
KEY, SECRET = "YourAccessKeyId", "YourAccessKeySecret"
QUERY = "ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai"
HEADERS = {
    "host": "ecs.cn-shanghai.aliyuncs.com", "x-acs-action": "RunInstances", "x-acs-date": "2023-10-26T10:22:32Z",
    "x-acs-version": "2014-05-26", "x-acs-content-sha256": EMPTY_BODY,
    "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
}  # fmt: skip
SIGNED_AT_S = 1_698_315_752
SIGNATURE = "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"


def signed(query: str = QUERY, **more: str) -> str:
    return authorization(access_key=KEY, secret=SECRET, method="POST", query=query, headers={**HEADERS, **more})


def proved(query: str = QUERY, now_s: int = SIGNED_AT_S, headers: Mapping[str, str] = HEADERS) -> str:
    given = {"authorization": signed(), **HEADERS, **headers}
    return prove(Call("POST", "/", query, given, b""), {KEY: SECRET}, now_s)


def test_the_published_example_is_signed_as_published() -> None:
    parameters = {"RegionId": "cn-shanghai", "ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"}
    assert canonical_query(parameters) == QUERY
    assert signed().endswith(f"Signature={SIGNATURE}")


def test_the_stand_in_proves_it_and_every_change_breaks_it() -> None:
    assert proved() == HEADERS["x-acs-signature-nonce"]
    assert proved(now_s=SIGNED_AT_S + 900)
    wrong: dict[str, dict[str, str]] = {
        "SignatureDoesNotMatch": {"x-acs-action": "RunInstance"},
        "MissingAuthorization": {"authorization": "ACS3-HMAC-SHA256 Credential=x"},
        "InvalidAccessKeyId.NotFound": {"authorization": signed().replace(KEY, "nobody")},
    }
    for code, headers in wrong.items():
        with pytest.raises(Refusal, match=code):
            proved(headers=headers)
    with pytest.raises(Refusal, match="SignatureDoesNotMatch"):
        proved(QUERY.replace("shanghai", "beijing"))
    with pytest.raises(Refusal, match="SignatureDoesNotMatch"):
        proved(headers={"x-acs-security-token": "not signed"})
    with pytest.raises(Refusal, match="Expired"):
        proved(now_s=SIGNED_AT_S + 901)


def test_texts_that_are_easily_encoded_wrongly_agree() -> None:
    query = canonical_query({"SignName": "泊位 +*~/&=", "TemplateParam": '{"code":"012345"}'})
    assert query == "SignName=%E6%B3%8A%E4%BD%8D%20%2B%2A~%2F%26%3D&TemplateParam=%7B%22code%22%3A%22012345%22%7D"
    assert fields_of(query) == {"SignName": "泊位 +*~/&=", "TemplateParam": '{"code":"012345"}'}
    assert proved(query, headers={"authorization": signed(query)})
    more = {"accept": "application/json"}
    assert proved(query, headers=more | {"authorization": signed(query, **more)})
