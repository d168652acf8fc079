"""The audit chain as values: the published form of an entry, what is kept of words, heads as files, deeds of events."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from openberth.contexts.tenancy.model.audit import (
    FIELDS,
    GENESIS,
    REASON_MAX,
    VALUES_MAX,
    Entry,
    Head,
    canonical,
    head_text,
    kept_reason,
    plain_words,
    sealed,
    values_text,
)
from openberth.contexts.tenancy.model.deeds import COMPANY, DEEDS, LOT, NO_DEEDS, deed_of
from openberth.contexts.tenancy.model.heads import SignedHead, document_of, read_document
from openberth.infra.catalogue import catalogue
from openberth.kernel.authority import Actor, ActorKind
from openberth.kernel.events import Envelope
from openberth.kernel.ids import Id
from openberth.kernel.time import from_iso
from tests.golden.shapes import events_in, models, shape_of

AT = from_iso("2026-11-25T08:00:00Z")
FIRST = Entry(
    number=1, at=AT, actor_kind="person", actor_name="operator", address="192.0.2.7", deed="gate.commanded",
    outcome="done", subject_kind="lane", subject="01900000-0000-7000-8000-000000000001",
    company_id=Id(int=0xC0), lot_id=None, reason="道闸故障", old_values=None, new_values='{"kind":"open"}', cause=None,
    previous=GENESIS, hash="",
)  # fmt: skip


def test_the_canonical_text_is_the_published_one() -> None:
    """As docs/guides/audit.md shows it: who checks an export with a program of their own relies on every byte."""
    text = (
        '["openberth-audit/1",1,1795593600000000,"person","operator","192.0.2.7","gate.commanded","done","lane",'
        '"01900000-0000-7000-8000-000000000001","00000000-0000-0000-0000-0000000000c0",null,'
        '"\\u9053\\u95f8\\u6545\\u969c",null,"{\\"kind\\":\\"open\\"}",null,'
        f'"{GENESIS}"]'
    )
    assert canonical(FIRST) == text.encode()
    assert sealed(FIRST).hash == hashlib.sha256(text.encode()).hexdigest()
    guide = (Path(__file__).parents[4] / "docs" / "guides" / "audit.md").read_text("utf-8")
    assert text in guide
    assert sealed(FIRST).hash in guide
    assert len(FIELDS) == 16


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("放行 粤B12345，车主已付", "放行 粤B·**345，车主已付"),
        ("粤B·12345", "粤B·**345"),
        ("新能源粤BD12345 故障", "新能源粤B·***345 故障"),
        ("电话13812345678催促", "电话138****5678催促"),
        ("身份证11010519491231002X核对", "身份证1101**************核对"),
        ("a\nb\tc\x00d", "a b c d"),
        ("x" * 500, "x" * REASON_MAX),
        ("bill 20261125123456789", "bill 20261125123456789"),
    ],
)
def test_reasons_are_kept_without_what_belongs_to_people(said: str, kept: str) -> None:
    assert kept_reason(said) == kept


def test_words_fit_every_database() -> None:
    assert plain_words("a\x00\ud800b  c", 4) == "a b "
    assert plain_words("01900000-0000-7000-8000-a13912345678", 120) == "01900000-0000-7000-8000-a13912345678"


def test_values_are_sorted_json_and_bounded() -> None:
    assert values_text(None) is None
    assert values_text({"b": Id(int=1), "a": {"y": 1, "x": [1, None]}}) == (
        '{"a":{"x":[1,null],"y":1},"b":"00000000-0000-0000-0000-000000000001"}'
    )
    long = values_text({"text": "x" * VALUES_MAX})
    assert long is not None
    assert set(json.loads(long)) == {"sha256", "characters"}
    with pytest.raises(TypeError):
        values_text({"secret": b"bytes"})


def signed(**changes: Any) -> dict[str, Any]:
    document = document_of(SignedHead(Head(7, "a" * 64, AT), "b" * 16, "c" * 64))
    return document | changes


def test_a_head_comes_back_from_its_file() -> None:
    assert read_document(json.loads(json.dumps(signed()))) == SignedHead(Head(7, "a" * 64, AT), "b" * 16, "c" * 64)
    assert head_text(Head(7, "a" * 64, AT)) == f'["openberth-audit-head/1",7,"{"a" * 64}",{AT}]'


@pytest.mark.parametrize(
    "document",
    [
        None, [], "text", {}, signed(format="other"), signed(method="none"), signed(number="7"), signed(number=True),
        signed(number=-1), signed(number=1 << 63), signed(hash="A" * 64), signed(hash="a" * 63), signed(mac=None),
        signed(key="b" * 17), signed(at="yesterday"), signed(at=5), signed(jws=5), signed(at="2026-11-25T08:00:00"),
    ],
)  # fmt: skip
def test_what_is_no_head_is_refused(document: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - every way of being none
        read_document(document)


# -- events ------------------------------------------------------------------------------------------------------------

EVENTS = events_in(models())


def test_every_kind_of_event_is_a_deed_or_is_said_to_be_none() -> None:
    kinds = {kind for kind, _ in EVENTS}
    assert DEEDS.keys() & NO_DEEDS == set()
    assert kinds - DEEDS.keys() - NO_DEEDS == set(), "say in tenancy/model/deeds.py what the audit trail makes of it"
    assert (DEEDS.keys() | NO_DEEDS) - kinds == set()


def test_deeds_name_fields_that_their_events_have_and_have_texts() -> None:
    newest = {kind: max(version for other, version in EVENTS if other == kind) for kind in DEEDS}
    for kind, rule in DEEDS.items():
        body = shape_of(EVENTS[(kind, newest[kind])])["body"]
        named = {*rule.before.values(), *rule.after.values(), *([rule.reason] if rule.reason else [])}
        named |= {rule.subject} - {LOT, COMPANY}
        assert named <= body.keys(), kind
        assert f"audit.deed.{rule.deed}" in catalogue().codes()
        assert len(rule.deed) <= 60
        assert len(rule.subject_kind) <= 24


def happened(event: str, by: ActorKind, **body: object) -> Envelope:
    return Envelope(
        Id(int=9), 1, event, 1, Id(int=0xC0), Id(int=0x10), Id(int=5), "node", 1, Actor(by, "x"), None, AT, AT, body
    )


def test_a_gate_that_a_person_opened_is_a_deed_and_one_that_a_payment_opened_is_none() -> None:
    body = {"command": "c", "device": "d", "lane": "l", "kind": "open", "passage": None, "reason": "故障"}
    assert deed_of(happened("facility.command_issued", ActorKind.SYSTEM, **body)) is None
    assert deed_of(happened("facility.command_issued", ActorKind.DEVICE, **body)) is None
    deed = deed_of(happened("facility.command_issued", ActorKind.PERSON, **body))
    assert deed is not None
    assert (deed.deed, deed.subject_kind, deed.subject, deed.reason) == ("gate.commanded", "lane", "l", "故障")
    assert deed.after == {"command": "c", "kind": "open", "device": "d", "passage": None}
    assert (deed.company, deed.lot) == (Id(int=0xC0), Id(int=0x10))
    assert deed_of(happened("stays.stay_opened", ActorKind.PERSON)) is None


def test_a_change_tells_before_and_after() -> None:
    deed = deed_of(happened("facility.lot_state_changed", ActorKind.JOB, before="open", after="full", reason="r"))
    assert deed is not None
    assert (deed.before, deed.after, deed.subject) == ({"state": "open"}, {"state": "full"}, str(Id(int=0x10)))
