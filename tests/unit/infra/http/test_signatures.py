"""Signed requests, byte for byte: the vector of the guide, the standard's own vector, and what is refused."""

import base64
import hashlib
import hmac
import json
from pathlib import Path

import pytest

from openberth.infra.http.signatures import (
    WINDOW_US,
    Claim,
    SignedRequest,
    base_of,
    claims_to_be_signed,
    digest_of,
    mac_of,
    read_claim,
    signed_headers,
)
from openberth.kernel.errors import Unknown
from openberth.kernel.time import SECOND_US, Instant

VECTOR = json.loads((Path(__file__).parents[3] / "vectors" / "request-signature.json").read_text())
GUIDE = (Path(__file__).parents[4] / "docs" / "guides" / "integrators.md").read_text()


def request_of(headers: dict[str, str], **changes: object) -> SignedRequest:
    values: dict[str, object] = {
        "method": VECTOR["method"], "path": VECTOR["path"].encode(), "query": VECTOR["query"].encode(),
        "headers": headers, "body": VECTOR["body"].encode(),
    }  # fmt: skip
    return SignedRequest(**(values | changes))  # type: ignore[arg-type]


def test_the_mac_is_that_of_the_standard() -> None:
    # RFC 9421 appendix B.2.5, with the shared secret of B.1.5, which there is base64.
    secret = base64.b64decode(
        "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ=="
    )
    base = (
        b'"date": Tue, 20 Apr 2021 02:07:55 GMT\n"@authority": example.com\n"content-type": application/json\n'
        b'"@signature-params": ("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"'
    )
    expected = "pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8="
    assert base64.b64encode(hmac.digest(secret, base, "sha256")).decode() == expected
    assert mac_of("ascii secret", base) == hmac.digest(b"ascii secret", base, "sha256")


def test_the_digest_is_that_of_the_standard() -> None:
    # RFC 9530 appendix B.1, as sha-256.
    assert digest_of(b'{"hello": "world"}\n') == "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"
    assert digest_of(b"") == "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"


def test_the_worked_example_of_the_guide_byte_for_byte() -> None:
    headers = signed_headers(
        method=VECTOR["method"], path=VECTOR["path"], query=VECTOR["query"], body=VECTOR["body"].encode(),
        key=VECTOR["key"], secret=VECTOR["secret"], created=Instant(VECTOR["created"] * SECOND_US),
        nonce=VECTOR["nonce"],
    )  # fmt: skip
    assert headers == VECTOR["headers"]
    claim = read_claim(request_of(VECTOR["headers"]))
    assert claim.base.decode() == VECTOR["base"]
    # Made anew here with nothing of ours, as a client would.
    digest = base64.b64encode(hashlib.sha256(VECTOR["body"].encode()).digest()).decode()
    lines = [
        f'"@method": {VECTOR["method"]}', f'"@path": {VECTOR["path"]}', f'"@query": ?{VECTOR["query"]}',
        f'"content-digest": sha-256=:{digest}:',
        '"@signature-params": ' + VECTOR["headers"]["signature-input"].partition("=")[2],
    ]  # fmt: skip
    assert "\n".join(lines) == VECTOR["base"]
    mac = hmac.new(VECTOR["secret"].encode(), VECTOR["base"].encode(), hashlib.sha256).digest()
    assert VECTOR["headers"]["signature"] == f"sig=:{base64.b64encode(mac).decode()}:"
    assert claim.is_signed_with(VECTOR["secret"])
    for text in (VECTOR["base"], *VECTOR["headers"].values(), VECTOR["body"], VECTOR["secret"]):
        assert text in GUIDE


def test_a_request_is_timely_for_five_minutes_around_its_instant() -> None:
    claim = read_claim(request_of(VECTOR["headers"]))
    assert claim.created == VECTOR["created"] * SECOND_US
    at = [claim.created + shift for shift in (-WINDOW_US - 1, -WINDOW_US, 0, WINDOW_US, WINDOW_US + 1)]
    assert [claim.is_timely(Instant(each)) for each in at] == [False, True, True, True, False]


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "PUT"},
        {"path": b"/v1/lots/mall/lanes/in-2/open"},
        {"query": b"a=2"},
        {"query": b""},
    ],
)
def test_what_is_covered_cannot_be_changed(changes: dict[str, object]) -> None:
    assert not read_claim(request_of(VECTOR["headers"], **changes)).is_signed_with(VECTOR["secret"])


def test_another_body_another_secret_and_another_mac_are_none() -> None:
    with pytest.raises(Unknown, match=r"signature\.digest"):
        read_claim(request_of(VECTOR["headers"], body=b"{}"))
    other = VECTOR["headers"] | {"content-digest": digest_of(b"{}")}
    assert not read_claim(request_of(other, body=b"{}")).is_signed_with(VECTOR["secret"])
    claim: Claim = read_claim(request_of(VECTOR["headers"]))
    assert not claim.is_signed_with(VECTOR["secret"] + "x")
    assert VECTOR["secret"] not in repr(claim)


INPUT = VECTOR["headers"]["signature-input"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("signature-input", ""),
        ("signature-input", "x" * 2_000),
        ("signature-input", INPUT.replace('"@query" ', "")),
        ("signature-input", INPUT.replace('"@method" "@path"', '"@path" "@method"')),
        ("signature-input", INPUT.replace(";created=", ";made=")),
        ("signature-input", INPUT + ";created=1"),
        ("signature-input", INPUT + ';alg="none"'),
        ("signature-input", INPUT + ';alg="rsa-pss-sha512"'),
        ("signature-input", INPUT + ";expires=99"),
        ("signature-input", INPUT + ', other=("@method");created=1'),
        ("signature-input", INPUT.replace(VECTOR["nonce"], "short")),
        ("signature-input", INPUT.replace(VECTOR["nonce"], "n" * 65)),
        ("signature-input", INPUT.replace(VECTOR["nonce"], VECTOR["nonce"] + "\n")),
        ("signature-input", INPUT.replace(f"created={VECTOR['created']}", 'created="soon"')),
        ("signature-input", INPUT.replace(str(VECTOR["created"]), "9" * 13)),
        ("signature", ""),
        ("signature", "other=:AAAA:"),
        ("signature", "sig=AAAA"),
        ("signature", "sig=:====:"),
        ("signature", "sig=:A:"),
    ],
)
def test_fields_of_another_form_are_refused(field: str, value: str) -> None:
    with pytest.raises(Unknown, match=r"signature\.malformed"):
        read_claim(request_of(VECTOR["headers"] | {field: value}))


def test_the_company_that_is_named_is_covered_always() -> None:
    made = signed_headers(
        method="GET", path="/v1/lots", key="obk_x", secret="s", created=Instant(0), nonce="n" * 16, company="north"
    )  # fmt: skip
    plain = signed_headers(method="GET", path="/v1/lots", key="obk_x", secret="s", created=Instant(0), nonce="n" * 16)

    def claim(headers: dict[str, str]) -> Claim:
        return read_claim(SignedRequest("GET", b"/v1/lots", b"", headers, b""))

    assert claim(made).is_signed_with("s")
    assert not claim(made | {"x-openberth-company": "south"}).is_signed_with("s")
    without = {name: value for name, value in made.items() if name != "x-openberth-company"}
    for smuggled in (plain | {"x-openberth-company": "south"}, without):
        with pytest.raises(Unknown, match=r"signature\.malformed"):
            claim(smuggled)


def test_the_algorithm_may_be_named() -> None:
    parameters = INPUT.partition("=")[2] + ';alg="hmac-sha256"'
    base = base_of(VECTOR["method"], VECTOR["path"].encode(), VECTOR["query"].encode(),
                   VECTOR["headers"]["content-digest"], parameters)  # fmt: skip
    mac = base64.b64encode(mac_of(VECTOR["secret"], base)).decode()
    headers = VECTOR["headers"] | {"signature-input": f"sig={parameters}", "signature": f"sig=:{mac}:"}
    assert read_claim(request_of(headers)).is_signed_with(VECTOR["secret"])


def test_half_a_signature_claims_to_be_one() -> None:
    assert claims_to_be_signed({"signature": ""})
    assert claims_to_be_signed({"signature-input": ""})
    assert not claims_to_be_signed({"content-digest": ""})
