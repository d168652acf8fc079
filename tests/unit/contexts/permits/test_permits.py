"""Permit lists: days in the lot's zone, one permit per plate at a time, and messages without plates."""

from zoneinfo import ZoneInfo

import pytest

from openberth.contexts.permits.document import read_permits
from openberth.contexts.permits.model import Permit, PermitKind, diff
from openberth.infra.documents import DocumentError
from openberth.kernel.plates import Plate
from openberth.kernel.time import Instant, Period, from_iso, later

SHANGHAI = ZoneInfo("Asia/Shanghai")
LIST = """\
permits: openberth/1
lot: community
list:
  - {code: r-001, plate: 粤B12345, kind: resident, from: 2026-01-01, until: 2027-01-01}
  - {code: f-001, plate: 粤B·D12345, kind: free}
  - {code: x-001, plate: 湘A88888, kind: blocked}
"""


def test_a_list_is_what_its_file_says() -> None:
    lot, permits = read_permits(LIST, zone=SHANGHAI, name="x")
    assert lot == "community"
    assert permits == (
        Permit(
            "r-001", Plate.read("粤B12345"), PermitKind.RESIDENT,
            Period(from_iso("2025-12-31T16:00:00Z"), from_iso("2026-12-31T16:00:00Z")),
        ),
        Permit("f-001", Plate.read("粤BD12345"), PermitKind.FREE, Period(Instant(0))),
        Permit("x-001", Plate.read("湘A88888"), PermitKind.BLOCKED, Period(Instant(0))),
    )  # fmt: skip
    assert [permit.kind.admits for permit in permits] == [True, True, False]


def test_a_permit_holds_from_its_first_day_to_the_start_of_its_last() -> None:
    _, (permit, *_) = read_permits(LIST, zone=SHANGHAI, name="x")
    end = from_iso("2026-12-31T16:00:00Z")
    assert permit.holds_at(from_iso("2025-12-31T16:00:00Z"))
    assert permit.holds_at(later(end, -1))
    assert not permit.holds_at(end)


def test_a_plate_does_not_show_when_a_permit_is_printed() -> None:
    _, permits = read_permits(LIST, zone=SHANGHAI, name="x")
    assert "12345" not in repr(permits)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("粤B12345", "粤B1234", "4: list[0].plate: plate.fault.length"),
        ("粤B12345", "粤BO2345", "4: list[0].plate: plate.fault.letter_i_o"),
        ("粤B12345", "B12345", "4: list[0].plate: plate.fault.province"),
        ("粤B12345", "[粤B12345]", "4: list[0].plate: plate.fault.shape"),
        ("粤B12345", "'@12345678'", "4: list[0].plate: plate.fault.character"),
        ("kind: resident", "kind: guest",
         "4: list[0].kind: document.choice(value=guest, choices=resident, monthly, internal, free, blocked)"),
        ("until: 2027-01-01", "until: 2026-01-01",
         "4: list[0].until: permits.dates(first=2026-01-01, last=2026-01-01)"),
        ("from: 2026-01-01", "from: 2026-13-01", "4: list[0].from: document.date(value=2026-13-01)"),
        ("f-001", "r-001", "5: list[1].code: permits.code_twice(value=r-001)"),
        ("粤B·D12345", "粤b 12345", "5: list[1].plate: permits.plate_twice(other=r-001)"),
        ("list:", "lists:", ("1: list: document.missing(key=list)\n"
         "x.yaml:3: lists: document.unknown_key_near(key=lists, near=list)")),
    ],
)  # fmt: skip
def test_broken_lists(old: str, new: str, expected: str) -> None:
    assert old in LIST
    with pytest.raises(DocumentError) as caught:
        read_permits(LIST.replace(old, new), zone=SHANGHAI, name="x.yaml")
    assert str(caught.value) == f"x.yaml:{expected}"


@pytest.mark.parametrize("dates", ["from: 2027-01-01", "until: 2026-01-01"])
def test_a_plate_may_have_one_permit_after_the_other(dates: str) -> None:
    text = LIST + f"  - {{code: r-002, plate: 粤B12345, kind: resident, {dates}}}\n"
    assert len(read_permits(text, zone=SHANGHAI, name="x")[1]) == 4


def test_a_permit_without_dates_overlaps_every_other() -> None:
    text = LIST + "  - {code: r-002, plate: 粤B12345, kind: free}\n"
    with pytest.raises(DocumentError) as caught:
        read_permits(text, zone=SHANGHAI, name="x.yaml")
    assert str(caught.value) == "x.yaml:7: list[3].plate: permits.plate_twice(other=r-001)"


def test_applying_a_list() -> None:
    _, old = read_permits(LIST, zone=SHANGHAI, name="x")
    _, new = read_permits(
        LIST.replace("kind: free", "kind: internal").replace("x-001", "x-002"), zone=SHANGHAI, name="x"
    )
    found = diff(old, new)
    assert [permit.code for permit in found.added] == ["x-002"]
    assert [(permit.code, permit.kind) for permit in found.changed] == [("f-001", PermitKind.INTERNAL)]
    assert [permit.code for permit in found.retired] == ["x-001"]
    assert not diff(new, new)
