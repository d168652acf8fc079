"""Every kind and version of event has its golden file, and none has changed since."""

from collections.abc import Mapping
from dataclasses import dataclass, make_dataclass
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from openberth.infra.upcasting import UPCASTERS, Upcasters
from openberth.kernel.ids import Id
from openberth.kernel.money import Money
from tests.golden.shapes import FOLDER, complaints, events_in, file_of, models, shape_of, stored, text_of

EVENTS = events_in(models())
ADVICE = "see tests/golden/shapes.py; new ones are added by: python -m tests.golden.update"


def test_events_are_as_their_golden_files_say() -> None:
    assert len(EVENTS) > 10  # the search itself works
    assert complaints(EVENTS, stored(), UPCASTERS) == [], ADVICE


def test_files_are_named_after_what_they_hold() -> None:
    for key, shape in stored().items():
        assert file_of(key).read_text("utf-8") == text_of(shape)
    assert len(stored()) == len(list(FOLDER.iterdir()))


def test_kinds_begin_with_their_context() -> None:
    for (kind, version), event in EVENTS.items():
        assert kind.split(".")[0] == event.__module__.split(".")[2]
        assert version >= 1
        assert len(kind) <= 60


def event(version: int = 1, kind: str = "test.seen", **fields: Any) -> type:
    made = make_dataclass(f"Seen{version}", list(fields.items()), frozen=True)
    made.KIND, made.VERSION = kind, version  # type: ignore[attr-defined]
    return made


def judged(events: list[type], golden: list[type], upcasters: Upcasters | None = None) -> list[str]:
    held = {(each.KIND, each.VERSION): shape_of(each) for each in golden}  # type: ignore[attr-defined]
    return complaints(events_in([SimpleNamespace(**{e.__name__: e for e in events})]), held, upcasters or Upcasters())


def test_the_check_sees_what_is_wrong() -> None:
    first, other = event(car=Id), event(car=Id, colour=str)
    assert judged([first], [first]) == []
    assert judged([first], []) == ["test.seen v1 has no golden file: add it"]
    assert judged([other], [first]) == ["test.seen v1 has changed its fields: give it version 2 and an upcaster"]
    assert judged([event(car=str)], [first]) == judged([other], [first])
    assert judged([event(car=Id | None)], [first]) == judged([other], [first])
    assert judged([], [first]) == ["test.seen v1 is in no model: the log of a running system may still hold it"]


def test_an_older_version_needs_a_way_up() -> None:
    first, second, third = event(car=Id), event(2, car=Id, colour=str), event(3, car=Id, paint=str)
    golden = [first, second, third]
    missing = "test.seen v1 cannot be lifted to version 3: complete its upcasters"
    upcasters = Upcasters()
    upcasters.add("test.seen", 2, lambda body: {"car": body["car"], "paint": body["colour"]})
    assert judged([third], golden, upcasters) == [missing]
    upcasters.add("test.seen", 1, lambda body: {**body, "colour": "unknown"})
    assert judged([third], golden, upcasters) == []
    wrong = Upcasters()
    wrong.add("test.seen", 1, lambda body: body)
    wrong.add("test.seen", 2, lambda body: {"car": body["car"], "paint": body.get("colour")})
    assert judged([third], golden, wrong) == []
    idle = Upcasters()
    idle.add("test.seen", 1, lambda body: {"car": body["car"]})
    idle.add("test.seen", 2, lambda body: body)
    assert len(judged([third], golden, idle)) == 2


def test_a_shape_shows_every_sort_of_field() -> None:
    @dataclass(frozen=True)
    class Inside:
        amount: int

    shape = shape_of(
        event(one=Id | None, words=tuple[str, ...], numbers=Mapping[str, int], inside=Inside, price=Money, sure=bool)
    )
    assert shape["fields"] == {
        "one": "id or nothing",
        "words": ["list", "text"],
        "numbers": ["map", "integer"],
        "inside": {"amount": "integer"},
        "price": {"minor": "integer", "currency": "text"},
        "sure": "truth",
    }
    assert shape["body"]["words"] == ["text 2"]


@pytest.mark.parametrize("kind", [float, bytes, object, Any, int | str, dict[int, str], tuple[int, str]])
def test_what_an_event_may_not_hold(kind: Any) -> None:
    with pytest.raises(TypeError, match="plain values"):
        shape_of(event(value=kind))


def test_two_classes_of_one_kind_are_a_mistake() -> None:
    class Elsewhere:
        Other: ClassVar[type] = event(car=str)

    with pytest.raises(ValueError, match=r"test\.seen"):
        events_in([SimpleNamespace(a=event(car=Id)), Elsewhere])
