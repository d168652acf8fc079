"""Drafts: what a tariff may become. One row per code, saved under its version, so that nobody overwrites another."""

from openberth.contexts.tariffs.document import read_tariff
from openberth.contexts.tariffs.model import Draft, DraftDropped, DraftSaved, Tariff, TariffVersion
from openberth.contexts.tariffs.service.publishing import publish
from openberth.contexts.tariffs.store import drafts as store
from openberth.contexts.tariffs.store import versions as version_store
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import needs
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant

NAME_MAX = 100


def draft(reader: Reader, *, company: Id, code: str) -> Draft | None:
    """Return the draft of a tariff, None when there is none."""
    return reader.one(store.DRAFT, company=company, draft_code=code)


def drafts(reader: Reader, *, company: Id) -> list[Draft]:
    """Return a company's drafts by code."""
    return reader.all(store.DRAFTS, company=company)


@needs("tariff.write")
def save_draft(
    unit: Unit, *, company: Id, tariff: Tariff, text: str, expected: int | None = None
) -> tuple[Draft, bool]:
    """Write a draft down; ``text`` is the document that ``tariff`` was read from.

    ``expected`` is the version of the draft that was changed, 0 for none; None takes whatever is there. The same text
    again changes nothing. Returns the draft and whether it is a new one. Raises ``Refused("draft.changed")`` when
    somebody else has changed it meanwhile.
    """
    unit.lock(("tariffs", company))
    before = draft(unit, company=company, code=tariff.code)
    _check_version(before, tariff.code, expected)
    if before is not None and before.text == text:
        return before, False
    newest = unit.one(version_store.NEWEST, company=company, code=tariff.code)
    actor = unit.caller.actor
    saved = Draft(
        company, tariff.code, 1 if before is None else before.version + 1, newest.number if newest else 0, unit.now,
        f"{actor.kind.value}:{actor.name}"[:NAME_MAX], text,
    )  # fmt: skip
    if before is None:
        unit.run(
            store.INSERT_DRAFT, company_id=company, code=saved.code, version=saved.version, based_on=saved.based_on,
            changed_at=saved.changed_at, changed_by=saved.changed_by, text=text,
        )  # fmt: skip
    else:
        unit.save(
            store.UPDATE_DRAFT, company=company, draft_code=saved.code, old_version=before.version, new_text=text,
            new_base=saved.based_on, now=unit.now, by=saved.changed_by,
        )  # fmt: skip
    unit.append(DraftSaved(saved.code, saved.version), company=company, lot=None, key=company)
    return saved, before is None


@needs("tariff.write")
def drop_draft(unit: Unit, *, company: Id, code: str, expected: int | None = None) -> None:
    """Give a draft up. Raises ``NotFound("draft.not_found")`` and ``Refused("draft.changed")``."""
    unit.lock(("tariffs", company))
    _drop(unit, _found(unit, company, code, expected), None)


@needs("tariff.publish")
def publish_draft(
    unit: Unit,
    *,
    company: Id,
    code: str,
    expected: int | None = None,
    valid_from: Instant | None = None,
    valid_until: Instant | None = None,
) -> tuple[TariffVersion, bool]:
    """Publish a draft, which is then no draft any more. Raises as ``drop_draft``, ``read_tariff`` and ``publish``."""
    unit.lock(("tariffs", company))
    found = _found(unit, company, code, expected)
    tariff = read_tariff(found.text, name=code)
    version, new = publish(unit, company=company, tariff=tariff, valid_from=valid_from, valid_until=valid_until)
    _drop(unit, found, version.number)
    return version, new


def _found(unit: Unit, company: Id, code: str, expected: int | None) -> Draft:
    found = draft(unit, company=company, code=code)
    if found is None:
        raise NotFound("draft.not_found", tariff=code)
    _check_version(found, code, expected)
    return found


def _drop(unit: Unit, found: Draft, number: int | None) -> None:
    unit.save(store.DELETE_DRAFT, company=found.company, draft_code=found.code, old_version=found.version)
    unit.append(DraftDropped(found.code, number), company=found.company, lot=None, key=found.company)


def _check_version(found: Draft | None, code: str, expected: int | None) -> None:
    there = found.version if found else 0
    if expected is not None and expected != there:
        raise Refused("draft.changed", tariff=code, expected=expected, found=there)
