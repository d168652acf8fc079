"""Settings that inherit downward: which one holds, what a lock does, and who may set what where."""

from dataclasses import dataclass

import pytest

from openberth.contexts import tenancy
from openberth.contexts.tenancy.model.organisation import Node
from openberth.contexts.tenancy.model.settings import KEYS, Effective
from openberth.contexts.tenancy.service import organisation, settings
from openberth.infra.database import Database, Unit
from openberth.kernel.authority import Actor, ActorKind, Caller, Scope
from openberth.kernel.errors import Denied, Malformed, NotFound, Refused
from openberth.kernel.ids import Id
from tests.service.acting import SYSTEM, events, read, write

LOT, OTHER_LOT = Id(int=0x10), Id(int=0x11)
PICTURES = tenancy.PICTURES_DAYS.code


@dataclass(frozen=True)
class Tree:
    partner: Id
    company: Id
    property: Id

    def nodes(self) -> dict[str, Node]:
        return {
            "platform": Node.platform(),
            "partner": Node.of_partner(self.partner),
            "company": Node.of_company(self.company),
            "property": Node.of_property(self.company, self.property),
            "lot": Node.of_lot(self.company, LOT),
        }


def tree(db: Database) -> Tree:
    def make(unit: Unit) -> Tree:
        partner = organisation.make_partner(unit, code="north", name="北方", name_en="North")
        company = organisation.found_company(unit, code="demo", name="演示", name_en="Demo", partner="north")
        home = organisation.make_property(unit, company="demo", code="garden", name="花园", name_en="Garden")
        organisation.place_lot(unit, company=company.id, lot=LOT, into=home)
        return Tree(partner.id, company.id, home.id)

    return db.write_now(make, by=SYSTEM)


def holds(db: Database, node: Node, key: str = PICTURES) -> Effective:
    return next(each for each in read(db, settings.settings_at, node=node) if each.key.code == key)


def test_the_nearest_value_holds_from_the_lot_upward(db: Database) -> None:
    made = tree(db)
    nodes = made.nodes()
    assert holds(db, nodes["lot"]).value == 60
    assert holds(db, nodes["lot"]).source is None
    for days, level in enumerate(nodes, start=100):
        found = write(db, settings.set_setting, node=nodes[level], key=PICTURES, value=days)
        assert (found.value, found.source) == (days, level)
        assert read(db, tenancy.setting_of, key=tenancy.PICTURES_DAYS, company=made.company, lot=LOT) == days
    others = Node.of_lot(made.company, OTHER_LOT)  # in no property
    assert holds(db, others).value == 102
    assert read(db, tenancy.setting_of, key=tenancy.PICTURES_DAYS, company=made.partner) == 101
    assert read(db, tenancy.setting_of, key=tenancy.PICTURES_DAYS) == 100
    write(db, settings.clear_setting, node=nodes["lot"], key=PICTURES)
    assert (holds(db, nodes["lot"]).value, holds(db, nodes["lot"]).source) == (103, "property")


def test_a_lock_above_wins_at_once_and_keeps_what_was_set_below(db: Database) -> None:
    nodes = tree(db).nodes()
    write(db, settings.set_setting, node=nodes["lot"], key=PICTURES, value=30)
    write(db, settings.set_setting, node=nodes["company"], key=PICTURES, value=90)
    write(db, settings.set_setting, node=nodes["partner"], key=PICTURES, value=45, locked=True)
    for level in ("company", "property", "lot"):
        found = holds(db, nodes[level])
        assert (found.value, found.source, found.locked_by) == (45, "partner", "partner")
        with pytest.raises(Refused, match=r"setting\.locked_by_partner"):
            write(db, settings.set_setting, node=nodes[level], key=PICTURES, value=31)
        with pytest.raises(Refused, match=r"setting\.locked_by_partner"):
            write(db, settings.clear_setting, node=nodes[level], key=PICTURES)
    kept = holds(db, nodes["lot"])
    assert kept.own is not None
    assert (kept.own.value, kept.is_overruled) == (30, True)
    write(db, settings.set_setting, node=nodes["platform"], key=PICTURES, value=None, locked=True)  # what holds there
    assert (holds(db, nodes["lot"]).value, holds(db, nodes["lot"]).locked_by) == (60, "platform")
    with pytest.raises(Refused, match=r"setting\.locked_by_platform"):
        write(db, settings.set_setting, node=nodes["partner"], key=PICTURES, value=45, locked=False)
    write(db, settings.set_setting, node=nodes["platform"], key=PICTURES, value=None, locked=False)
    write(db, settings.set_setting, node=nodes["partner"], key=PICTURES, value=None, locked=False)
    assert (holds(db, nodes["lot"]).value, holds(db, nodes["lot"]).is_overruled) == (30, False)


@pytest.mark.parametrize(
    ("key", "level", "value", "problem"),
    [
        (PICTURES, "lot", 0, "setting.number"),
        (PICTURES, "lot", 3_651, "setting.number"),
        (PICTURES, "lot", True, "setting.number"),
        (PICTURES, "lot", "60", "setting.number"),
        ("retention.logs_days", "platform", 183, "setting.number"),
        ("retention.logs_days", "company", 200, "setting.level"),
        ("accounts.second_factor", "lot", True, "setting.level"),
        ("accounts.second_factor", "company", 1, "setting.truth"),
        ("retention.plates", "platform", 1, "setting.unknown"),
    ],
)
def test_what_a_setting_does_not_take_is_refused(
    db: Database, key: str, level: str, value: object, problem: str
) -> None:
    with pytest.raises((Malformed, NotFound)) as refused:
        write(db, settings.set_setting, node=tree(db).nodes()[level], key=key, value=value)
    assert refused.value.code == problem


def test_settings_are_set_inside_ones_scope_only(db: Database) -> None:
    made = tree(db)
    nodes = made.nodes()

    def by(scope: Scope) -> Caller:
        return Caller(Actor(ActorKind.PERSON, "boss"), scope, frozenset(("setting.read", "setting.write")))

    reach = {
        "partner": (by(Scope(companies=(made.partner, made.company))), {"partner", "company", "property", "lot"}),
        "company": (by(Scope(made.company)), {"company", "property", "lot"}),
        "lot": (by(Scope(made.company, (LOT,))), {"lot"}),
        "other lot": (by(Scope(made.company, (OTHER_LOT,))), set()),
    }
    for caller, levels in reach.values():
        for level, node in nodes.items():
            if level in levels:
                write(db, settings.set_setting, by=caller, node=node, key=PICTURES, value=77)
                assert read(db, settings.settings_at, by=caller, node=node)
            else:
                with pytest.raises(Denied, match=r"auth\.out_of_scope"):
                    write(db, settings.set_setting, by=caller, node=node, key=PICTURES, value=78)
                with pytest.raises(NotFound, match=r"setting\.node"):
                    read(db, settings.settings_at, by=caller, node=node)
    reader = Caller(Actor(ActorKind.PERSON, "eye"), Scope(made.company), frozenset(("setting.read",)))
    with pytest.raises(Denied, match=r"setting\.write"):
        write(db, settings.set_setting, by=reader, node=nodes["company"], key=PICTURES, value=78)


def test_a_change_is_told_with_before_and_after_and_no_change_is_not(db: Database) -> None:
    node = tree(db).nodes()["company"]
    write(db, settings.set_setting, node=node, key=PICTURES, value=70)
    write(db, settings.set_setting, node=node, key=PICTURES, value=70)
    write(db, settings.set_setting, node=node, key=PICTURES, value=71, locked=True)
    write(db, settings.clear_setting, node=node, key=PICTURES)
    write(db, settings.clear_setting, node=node, key=PICTURES)
    told = events(db, "tenancy.setting_changed")
    assert [(each.body["before"], each.body["after"]) for each in told] == [
        ({}, {"value": "70", "locked": "false"}),
        ({"value": "70", "locked": "false"}, {"value": "71", "locked": "true"}),
        ({"value": "71", "locked": "true"}, {}),
    ]
    assert {each.company for each in told} == {node.company}


def test_every_setting_has_bounds_that_its_default_keeps() -> None:
    for key in KEYS.values():
        assert key.checked(key.default) == key.default
        assert key.levels
