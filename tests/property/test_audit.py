"""The audit chain under generated tampering: whatever is changed, put in, taken out or swapped is found and named."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from openberth.contexts.tenancy.model.audit import (
    FINDINGS_MAX,
    GENESIS,
    Entry,
    Fault,
    Finding,
    Head,
    Walk,
    hash_of,
    sealed,
)
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant

WORDS = st.text(max_size=4)
IDS = st.one_of(st.none(), st.integers(0, 3).map(lambda number: Id(int=number)))
PLAIN = Entry(0, Instant(0), "person", "a", None, "x", "done", "lot", "l", None, None, None, None, None, None, "", "")
ENTRIES = st.builds(
    lambda at, deed, lot, reason: replace(PLAIN, at=Instant(at), deed=deed, lot_id=lot, reason=reason),
    st.integers(0, 9), WORDS, IDS, st.none() | WORDS,
)  # fmt: skip
NAMES = [each.name for each in fields(Entry) if each.name != "mac"]


def chained(entries: Sequence[Entry]) -> list[Entry]:
    """Number entries and chain them."""
    chain: list[Entry] = []
    for number, entry in enumerate(entries, start=1):
        previous = chain[-1].hash if chain else GENESIS
        chain.append(sealed(replace(entry, number=number, previous=previous)))
    return chain


CHAINS = st.lists(ENTRIES, min_size=1, max_size=6).map(chained)


def walked(chain: Sequence[Entry | int], *heads: Head) -> Walk:
    walk = Walk(heads)
    for found in chain:
        walk.step(found)
    walk.finish()
    return walk


def head_of(chain: Sequence[Entry]) -> Head:
    return Head(chain[-1].number, chain[-1].hash, Instant(0))


@given(CHAINS)
def test_a_chain_that_nobody_touched_is_intact(chain: list[Entry]) -> None:
    walk = walked(chain, *(head_of(chain[:size]) for size in range(1, len(chain) + 1)))
    assert (walk.findings, walk.faults, walk.entries, walk.hash) == ([], 0, len(chain), chain[-1].hash)


@given(CHAINS, st.data())
def test_every_changed_value_is_found_where_it_is(chain: list[Entry], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(chain) - 1))
    name = data.draw(st.sampled_from([name for name in NAMES if name != "number"]))
    values: st.SearchStrategy[Any] = st.one_of(st.none(), st.integers(0, 9), WORDS, st.binary(max_size=4))
    value = data.draw(values)
    assume(value != getattr(chain[place], name))
    changed = replace(chain[place], **{name: value})
    walk = walked([*chain[:place], changed, *chain[place + 1 :]])
    assert Finding(Fault.CHANGED, place + 1, place + 1) in walk.findings


@given(CHAINS, st.data())
def test_what_is_hashed_anew_breaks_with_what_follows(chain: list[Entry], data: st.DataObject) -> None:
    assume(len(chain) > 1)
    place = data.draw(st.integers(0, len(chain) - 2))
    changed = sealed(replace(chain[place], deed=chain[place].deed + "x"))
    walk = walked([*chain[:place], changed, *chain[place + 1 :]])
    assert walk.findings == [Finding(Fault.BROKEN, place + 2, place + 2)]


@given(CHAINS, st.data())
def test_a_rewritten_history_is_found_by_any_head_after_it(chain: list[Entry], data: st.DataObject) -> None:
    """Whoever owns the database hashes everything anew: only what was carried away shows it."""
    place = data.draw(st.integers(0, len(chain) - 1))
    forged = chained([*chain[:place], replace(chain[place], subject=chain[place].subject + "x"), *chain[place + 1 :]])
    assert walked(forged).faults == 0
    known = data.draw(st.integers(place + 1, len(chain)))
    assert walked(forged, head_of(chain[:known])).findings == [Finding(Fault.REWRITTEN, known, known)]


@given(CHAINS, st.data())
def test_missing_entries_are_named(chain: list[Entry], data: st.DataObject) -> None:
    first = data.draw(st.integers(1, len(chain)))
    last = data.draw(st.integers(first, len(chain)))
    left = chain[: first - 1] + chain[last:]
    walk = walked(left, head_of(chain))
    fault = Fault.CUT if last == len(chain) else Fault.GAP
    assert walk.findings == [Finding(fault, first, last)]
    if fault is Fault.CUT:
        assert walked(left).faults == 0  # without a head nobody can know


@given(CHAINS, st.data())
def test_swapped_and_inserted_entries_are_found(chain: list[Entry], data: st.DataObject) -> None:
    assume(len(chain) > 1)
    one, other = sorted(data.draw(st.sets(st.integers(0, len(chain) - 1), min_size=2, max_size=2)))
    swapped = list(chain)
    swapped[one], swapped[other] = chain[other], chain[one]
    assert walked(swapped).faults
    renumbered = list(chain)  # contents swapped under their old numbers, hashed anew
    for place, source in ((one, other), (other, one)):
        renumbered[place] = sealed(replace(chain[source], number=place + 1, previous=chain[place].previous))
    assume(hash_of(renumbered[one]) != chain[one].hash)
    assert walked(renumbered, head_of(chain)).faults
    inserted = sealed(replace(chain[one], number=one + 2, previous=chain[one].hash))
    moved = [sealed(replace(entry, number=entry.number + 1)) for entry in chain[one + 1 :]]
    findings = walked([*chain[: one + 1], inserted, *moved]).findings
    assert any(found.fault is Fault.BROKEN and found.first == one + 3 for found in findings)


@given(CHAINS, st.data())
def test_one_that_cannot_be_read_is_named_and_the_walk_goes_on(chain: list[Entry], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(chain) - 1))
    walk = walked([*chain[:place], place + 1, *chain[place + 1 :]])
    assert walk.findings == [Finding(Fault.UNREADABLE, place + 1, place + 1)]


def test_numbers_twice_and_below_the_first_are_out_of_order() -> None:
    chain = chained([PLAIN] * 3)
    assert walked([chain[0], chain[1], chain[1], chain[2]]).findings == [Finding(Fault.ORDER, 2, 2)]
    odd = sealed(replace(PLAIN, number=0, previous=GENESIS))
    assert Finding(Fault.ORDER, 0, 0) in walked([odd, *chain]).findings


def test_a_walk_keeps_a_bounded_list() -> None:
    walk = Walk()
    for number in range(1, 5 * FINDINGS_MAX):
        walk.step(number)
    assert (len(walk.findings), walk.faults, walk.entries) == (FINDINGS_MAX, 5 * FINDINGS_MAX - 1, 5 * FINDINGS_MAX - 1)
