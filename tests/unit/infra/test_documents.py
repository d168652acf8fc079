"""Documents: what a value is depends on its field, and every mistake has its line."""

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from ipaddress import IPv4Network
from typing import Annotated, Literal

import pytest
from pydantic import Field

from openberth.infra.catalogue import LANGUAGES, catalogue
from openberth.infra.documents import (
    Amount,
    Between,
    Code,
    Currency,
    Day,
    Document,
    DocumentError,
    Network,
    Number,
    Part,
    Text,
    Truth,
    Whole,
    Zone,
    plain,
    read_document,
    reading,
)
from openberth.infra.documents.source import MAX_BYTES, read_source
from openberth.kernel.money import MINOR_DIGITS


class Mode(StrEnum):
    ON = "on"
    OFF = "off"


class Thing(Part):
    code: Code
    size: Whole = 1
    source: Text | None = Field(default=None, alias="from")


class Sample(Document):
    sample: Literal["openberth/1"]
    mode: Mode = Mode.ON
    price: Amount = "0"
    share: Number = Decimal(0)
    small: Annotated[Whole, Between(0, 9)] = 0
    flag: Truth = False
    zone: Zone = "UTC"
    currency: Currency = "CNY"
    day: Day | None = None
    things: list[Thing] = Field(default=[], max_length=3)
    networks: list[Network] = Field(default=[])


def read(body: str) -> Sample:
    return read_document("sample: openberth/1\n" + body, Sample, name="sample.yaml")


def mistakes(text: str) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        read_document(text, Sample, name="sample.yaml")
    return str(caught.value).split("\n")


@pytest.mark.parametrize(
    "written", ["0123", "no", "off", "1e3", "0x1f", "1_000", "12:30", "2026-01-01", "粤B12345", "1.50"]
)
def test_plain_scalars_of_text_fields_stay_as_written(written: str) -> None:
    assert read(f"things: [{{code: a, from: {written}}}]").things[0].source == written


def test_values_are_what_their_fields_mean() -> None:
    sample = read(
        "mode: off\nprice: 2.50\nshare: 0.1\nflag: true\nzone: Asia/Shanghai\ncurrency: SGD\nday: 2026-02-28\n"
        "networks: [10.0.0.0/8]\nthings:\n- {code: 0-1, size: 12}\n"
    )
    assert sample.mode is Mode.OFF
    assert sample.price == "2.50"
    assert sample.share == Decimal("0.1")
    assert sample.flag is True
    assert sample.things[0].size == 12
    assert sample.networks == [IPv4Network("10.0.0.0/8")]


def test_quoted_and_plain_amounts_are_the_same() -> None:
    assert read('price: "2.50"').price == read("price: 2.50").price == "2.50"


def test_a_key_with_a_colon_and_no_value_is_nothing() -> None:
    assert read("things:\n- {code: a, from: }\nday:\n").things[0].source is None


def test_json_is_read_the_same_way() -> None:
    text = '{\n\t"sample": "openberth/1",\n\t"price": 2.50,\n\t"things":[{"code":"a","from":"\\ud83d\\ude97"}]}'
    sample = read_document(text, Sample, name="sample.json")
    assert sample.price == "2.50"
    assert sample.things[0].source == "🚗"


def test_plain_data_reads_back() -> None:
    sample = read("price: 2.50\nshare: 0.1\nday: 2026-01-31\nthings: [{code: a, from: x}]\nnetworks: [10.0.0.0/8]")
    data = plain(sample)
    assert data["things"] == [{"code": "a", "size": 1, "from": "x"}]
    assert Sample.model_validate(data) == sample


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("price: -1", ["2: price: document.negative(value=-1)"]),
        ("price: 1e3", ["2: price: document.amount(value=1e3)"]),
        ("price: 1,50", ["2: price: document.amount(value=1,50)"]),
        ("price: [1]", ["2: price: document.amount(value=a list)"]),
        ("share: .5", ["2: share: document.number(value=.5)"]),
        ("flag: yes", ["2: flag: document.truth(value=yes)"]),
        ("flag: 'true'", ["2: flag: document.truth(value=true)"]),
        ("small: 010", ["2: small: document.whole(value=010)"]),
        ("small: '7'", ["2: small: document.whole(value=7)"]),
        ("small: 1.0", ["2: small: document.whole(value=1.0)"]),
        ("small: 10", ["2: small: document.range(value=10, low=0, high=9)"]),
        ("day: 2026-02-30", ["2: day: document.date(value=2026-02-30)"]),
        ("zone: Asia/Shangai", ["2: zone: document.zone_near(value=Asia/Shangai, near=Asia/Shanghai)"]),
        ("zone: ../../etc/passwd", ["2: zone: document.zone(value=../../etc/passwd)"]),
        ("networks: [10.0.0.1/8]", ["2: networks[0]: document.network_host(value=10.0.0.1/8, network=10.0.0.0/8)"]),
        ("networks: [localhost]", ["2: networks[0]: document.network(value=localhost)"]),
        ("mode: of", ["2: mode: document.choice_near(value=of, choices=on, off, near=off)"]),
        ("mode: 7", ["2: mode: document.choice(value=7, choices=on, off)"]),
        ("things:\n- {code: Upper}", ["3: things[0].code: document.code(value=Upper)"]),
        ("things:\n- {code: a}\n- nothing", ["4: things[1]: document.mapping"]),
        ("things:\n- {}", ["3: things[0].code: document.missing(key=code)"]),
        ("things:\n- {code: a, from: ''}", ["3: things[0].from: document.text(value=)"]),
        ("things: {code: a}", ["2: things: document.list"]),
        ("things: [{code: a}, {code: b}, {code: c}, {code: d}]", ["2: things: document.too_long(most=3)"]),
        ("tings: []", ["2: tings: document.unknown_key_near(key=tings, near=things)"]),
        ("things:\n- code: a\n  form: b", ["4: things[0].form: document.unknown_key_near(key=form, near=from)"]),
        ("mode: on\nmode: off", ["3: mode: document.duplicate_key(key=mode, first=2)"]),
        ("things: &t []\nmode: *t", ["3: document.alias"]),
        ("mode: !!python/name:os.system x", ["2: document.tag(tag=tag:yaml.org,2002:python/name:os.system)",
                                              "2: mode: document.choice(value=x, choices=on, off)"]),
        ("---\nmode: on", ["2: document.several"]),
        ("things:\n- {code: a, from: Mall, casual}", ["3: things[0]: document.comma(key=casual)"]),
        ("? [a]\n: b", ["2: document.key"]),
        ("mode: \x07", ["2: document.character"]),
        ("currency: RMB", [f"2: currency: document.currency(value=RMB, known={', '.join(sorted(MINOR_DIGITS))})"]),
    ],
)  # fmt: skip
def test_broken_documents(body: str, expected: list[str]) -> None:
    assert mistakes("sample: openberth/1\n" + body) == [f"sample.yaml:{line}" for line in expected]


def test_all_mistakes_are_told_at_once_in_the_order_of_lines() -> None:
    text = "sample: openberth/1\nprice: x\nprice: 2\nthings:\n- {code: A}\n- {code: b, colour: red}\nnew: 1\n"
    assert mistakes(text) == [
        "sample.yaml:2: price: document.amount(value=x)",
        "sample.yaml:3: price: document.duplicate_key(key=price, first=2)",
        "sample.yaml:5: things[0].code: document.code(value=A)",
        "sample.yaml:6: things[1].colour: document.unknown_key(key=colour, known=code, size, from)",
        f"sample.yaml:7: new: document.unknown_key(key=new, known={', '.join(Sample.model_fields)})",
    ]


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n", "~"])
def test_empty_documents(text: str) -> None:
    assert mistakes(text) == ["sample.yaml:1: document.empty"]


def test_syntax_errors_name_line_and_column() -> None:
    (only,) = mistakes("sample: openberth/1\nthings: [1,\n")
    assert only.startswith("sample.yaml:2: document.syntax(column=1, problem=while parsing a flow ")


def test_what_follows_a_syntax_error_is_not_called_missing() -> None:
    assert len(mistakes("things: [\n")) == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[" * 100_000, "document.deep"),
        ("a: 1\n" * 1 + "#" * MAX_BYTES, "document.large"),
        ("[" + "1," * 300_001 + "]", "document.many"),
        ("a: \ud800", "document.character"),
        ('{"a": "\\ud83d"}', "document.syntax"),
    ],
    ids=["deep", "large", "many", "surrogate", "half-a-pair"],
)
def test_bounds(text: str, code: str) -> None:
    assert [mistake.code for mistake in read_source(text).mistakes] == [code]


def test_only_mistakes_that_are_reported_are_put_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    worded: list[str] = []

    def near(key: str, known: Sequence[str], n: int, cutoff: float) -> list[str]:
        worded.append(key)
        return []

    monkeypatch.setattr(reading, "get_close_matches", near)
    with pytest.raises(DocumentError) as caught:
        read_document("".join(f"k{number}: 1\n" for number in range(5000)), Sample, name="x")
    assert len(worded) <= len(caught.value.mistakes) == 100
    assert int(str(caught.value.params["count"])) >= 5000


def test_a_bomb_of_aliases_does_not_go_off() -> None:
    bomb = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    assert [mistake.code for mistake in read_source(bomb).mistakes] == ["document.alias"]


def test_at_most_a_hundred_mistakes_are_kept_and_all_counted() -> None:
    with pytest.raises(DocumentError) as caught:
        read_document("".join(f"key{n}: 1\n" for n in range(250)), Sample, name="x")
    assert len(caught.value.mistakes) == 100
    assert caught.value.params["count"] == 251


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_report_reads_as_people_write(language: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read("small: 10\ntings: []")
    report = caught.value.report(lambda code, params: catalogue().text(code, language, **params))
    assert (
        report
        == {
            "en": [
                "sample.yaml:2: small: 10 is out of range; it lies between 0 and 9",
                "sample.yaml:3: tings: there is no key tings; is things meant?",
            ],
            "zh": [
                "sample.yaml:2: small: 10 超出范围，应在 0 到 9 之间",
                "sample.yaml:3: tings: 没有名为 tings 的键，是不是 things？",
            ],
        }[language]
    )
