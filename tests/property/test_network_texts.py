"""Whatever comes over the network where a name, a token, a cursor or a file is expected: understood, or refused."""

import asyncio
import base64
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openberth.contexts.facility.document import read_lot
from openberth.contexts.permits.document import read_permits
from openberth.contexts.stays.api.reading import _form_values
from openberth.contexts.tariffs.document import read_tariff
from openberth.contexts.tariffs.document.days import read_days
from openberth.contexts.tenancy.api.oauth import _basic
from openberth.contexts.tenancy.service.audit import read_cursor
from openberth.infra import one_time, signed_tokens
from openberth.infra.catalogue import language_of
from openberth.infra.http.auth import bearer
from openberth.infra.http.limits import AddressRange, limit_key, read_address
from openberth.infra.http.pages import LIMIT, asked_page, asked_page_by_code, cursor_of
from openberth.infra.http.problems import BadRequest
from openberth.infra.http.safety import content_type_of
from openberth.infra.signed_tokens import Claims
from openberth.infra.telemetry import trace_of
from openberth.kernel.errors import Malformed, Refused, Unknown
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant, from_iso

ROOT = Path(__file__).parents[2]
NOW = Instant(1_800_000_000_000_000)
PEM = signed_tokens.make_key("Ed25519")
KEY = signed_tokens.private_key(PEM, "Ed25519")
TOKEN = signed_tokens.sign(
    Claims("account", "session", NOW, Instant(NOW + 600_000_000), "token"), key=KEY, algorithm="Ed25519", kid="k",
    audience="openberth-api",
)  # fmt: skip
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
# Any character but half ones: whatever a header or an address can bring.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=120)
PIECES = st.sampled_from((
    "", " ", "\n", "\n  - ", ": ", "{", "}", "[", "]", "'", '"', "&a ", "*a", "!!str ", "<<: ", "---", "#", "-1", "0",
    "1e9", ".inf", "null", "true", "9" * 40, "2026-02-30", "\t", "\x00", "\u202e", "\ufeff", "粤",
    "x" * 200,
))  # fmt: skip


def read(token: str, **changes: Any) -> Claims:
    said = {"key": KEY, "algorithm": "Ed25519", "audience": "openberth-api", "now": NOW} | changes
    return signed_tokens.read(token, **said)


@given(TEXTS)
def test_any_cursor_is_a_place_in_a_list_or_refused(text: str) -> None:
    for ask in (asked_page, asked_page_by_code):
        with suppress(Malformed):
            asyncio.run(ask(text, LIMIT))
    with suppress(Malformed):
        read_cursor(text)


@given(st.uuids(), st.text(LETTERS, min_size=1, max_size=40))
def test_a_cursor_leads_on_where_it_was_made(identifier: Id, code: str) -> None:
    assert asyncio.run(asked_page(cursor_of(identifier), LIMIT)).before == identifier
    assert asyncio.run(asked_page_by_code(cursor_of(code), LIMIT)).after == code


@given(st.integers(0, len(TOKEN) - 1), st.sampled_from(LETTERS + "."))
def test_a_token_with_another_letter_lets_nobody_in(at: int, letter: str) -> None:
    """But in the last one, of which four bits are none of the signature's (RFC 4648 section 3.5)."""
    if TOKEN[at] == letter or at == len(TOKEN) - 1:
        return
    with pytest.raises(Unknown):
        read(TOKEN[:at] + letter + TOKEN[at + 1 :])


@given(TEXTS, TEXTS, TEXTS)
def test_what_is_no_token_lets_nobody_in(head: str, body: str, signature: str) -> None:
    for token in (f"{head}.{body}.{signature}", head, f"{TOKEN}.{head}", TOKEN[:20] + head):
        if token == TOKEN:
            continue
        signed_tokens.kid_of(token)
        with pytest.raises(Unknown):
            read(token)


@pytest.mark.parametrize("header", [
    {"alg": "none"}, {"alg": "HS256", "kid": "k"}, {"alg": "EdDSA", "kid": "k"}, {"alg": "Ed25519", "crit": ["exp"]},
    {"alg": "Ed25519", "b64": False, "crit": ["b64"]}, {"alg": ["Ed25519"]}, {}, [], None,
    {"alg": "Ed25519", "jku": "https://evil.example/jwks.json"}, {"alg": "Ed25519", "typ": "audit-head+jwt"},
])  # fmt: skip
def test_a_header_that_names_another_way_lets_nobody_in(header: object) -> None:
    """RFC 8725 sections 2.1 and 3.1: what the token says of its own algorithm is not believed."""
    _, body, signature = TOKEN.split(".")
    coded = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    for token in (f"{coded}.{body}.{signature}", f"{coded}.{body}."):
        signed_tokens.kid_of(token)
        with pytest.raises(Unknown):
            read(token)


def test_a_statement_of_another_kind_is_no_access_token() -> None:
    """The same key signs heads of the audit trail: none lets anybody in (RFC 8725 section 3.11)."""
    said = json.dumps({
        "iss": "openberth", "aud": "openberth-api", "sub": "a", "sid": "s", "jti": "j", "iat": NOW // 1_000_000,
        "exp": NOW // 1_000_000 + 600,
    }).encode()  # fmt: skip
    made = signed_tokens.attest(said, key=KEY, algorithm="Ed25519", kid="k", kind="audit-head+jws")
    with pytest.raises(Unknown):
        read(made)
    assert read(TOKEN).account == "account"


@given(TEXTS)
def test_any_header_is_understood_or_passed_over(text: str) -> None:
    found = bearer(text)
    assert found is None or found in text
    client = _basic(text)
    assert client is None or len(client) == 2
    kind, charset = content_type_of(text)
    assert (kind, charset) == (kind.lower(), charset.lower())
    assert language_of(text) in ("zh", "en")
    trace = trace_of(text)
    assert trace is None or (len(trace) == 32 and set(trace) <= set("0123456789abcdef"))
    read_address(text)
    assert len(limit_key(text)) <= 64
    assert AddressRange.parse(["10.0.0.0/8"]).admits(text) is (
        read_address(text) is not None and text.startswith("10.")
    )


@given(st.binary(max_size=200))
def test_any_form_of_a_driver_is_read_or_refused(body: bytes) -> None:
    try:
        values = _form_values(body)
    except BadRequest:
        return
    assert all(isinstance(value, str) for value in values.values())


@given(TEXTS)
def test_any_instant_and_code_is_understood_or_refused(text: str) -> None:
    with suppress(ValueError):
        from_iso(text)
    assert one_time.matching_step("A" * 32, text, now=NOW, after=0) is None or text.isdigit()


READERS: dict[str, tuple[str, Callable[[str], object]]] = {
    "lot": ("lots/office.yaml", lambda text: read_lot(text, name="x")),
    "tariff": ("tariffs/vip.yaml", lambda text: read_tariff(text, name="x")),
    "permits": ("", lambda text: read_permits(text, zone=ZoneInfo("Asia/Shanghai"), name="x")),
    "days": ("", lambda text: read_days(text, name="x")),
    "table of days": ("", lambda text: read_days(text, name="x", table=True)),
}
SMALL = {
    "permits": "permits: openberth/1\nlot: mall\nlist:\n  - {code: r-1, plate: 粤B12345, kind: resident}\n",
    "days": "days: openberth/1\ncalendar: cn\nlist:\n  - {date: 2026-05-20, kind: holiday, name: {zh: 节, en: Day}}\n",
    "table of days": "date,through,kind,name_zh,name_en,words\n2026-05-20,2026-05-21,holiday,节,Day,fair\n",
}  # fmt: skip


@pytest.mark.parametrize("kind", READERS)
@settings(max_examples=60)
@given(data=st.data())
def test_a_sound_file_with_pieces_changed_is_read_or_refused(kind: str, data: st.DataObject) -> None:
    path, reader = READERS[kind]
    text = (ROOT / path).read_text("utf-8") if path else SMALL[kind]
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 40)))
        text = text[:start] + data.draw(PIECES) + text[end:]
    with suppress(Malformed, Refused):  # anything else would be a server error
        reader(text)
