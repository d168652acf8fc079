"""The days file: what an operator says of days, as YAML, JSON or CSV. Guide: ``docs/guides/tariff-life.md``."""

import csv
import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from openberth.contexts.tariffs.model import CalendarEdit, DayChange, DayKind, is_own_word
from openberth.infra.documents import (
    Between,
    Code,
    Day,
    Document,
    DocumentError,
    Flaw,
    Mistake,
    Names,
    Part,
    Text,
    Whole,
    flaw,
    read_document,
    schema_text,
    wrong,
)

FORMAT = "openberth/1"
SPAN_MAX = 400
COLUMNS = ("date", "through", "kind", "name_zh", "name_en", "words")


def _own_word(value: str) -> str:
    if not is_own_word(value):
        raise wrong("days.word", value=value)
    return value


OwnWord = Annotated[Text, AfterValidator(_own_word)]


class DayPart(Part):
    """A day, or all days to ``through``; what is not said of it stays as it is."""

    date: Day
    through: Day | None = Field(None, description="the last of several days")
    kind: DayKind | None = Field(None, description="without it, as it was; an unknown day is what its weekday is")
    name: Names | None = None
    words: list[OwnWord] | None = Field(None, max_length=8, description="day words of your own, for bands of tariffs")


class DaysDocument(Document):
    """Days of a calendar."""

    days: Literal["openberth/1"] = Field(description="version of this format")
    calendar: Code | None = None
    complete: list[Annotated[Whole, Between(1990, 2199)]] = Field(
        default=[],
        max_length=20,
        description="years of which every day that is not listed is a workday from Monday to Friday, else a weekend",
    )
    entries: list[DayPart] = Field(alias="list", default=[], max_length=2_000)

    def flaws(self) -> Iterable[Flaw]:
        """Find spans that end before they begin or are too long."""
        for index, entry in enumerate(self.entries):
            if entry.through is None:
                continue
            if entry.through < entry.date:
                yield flaw(("list", index, "through"), "days.order", first=str(entry.date), last=str(entry.through))
            elif entry.through - entry.date > timedelta(days=SPAN_MAX):
                yield flaw(("list", index, "through"), "days.span", most=SPAN_MAX)


def read_days(text: str, *, name: str, table: bool = False) -> tuple[str | None, CalendarEdit]:
    """Read a days file, or with ``table`` a CSV table of it: the calendar it names and what it says.

    Raises ``DocumentError``; lines are those of the file in both forms.
    """
    document = read_document(_as_json(text, name) if table else text, DaysDocument, name=name)
    return document.calendar, edit_of(document)


def edit_of(document: DaysDocument) -> CalendarEdit:
    """Return what a document says of days."""
    changes = tuple(
        DayChange(
            entry.date, entry.through or entry.date, entry.kind, entry.name.zh if entry.name else None,
            entry.name.en if entry.name else None, None if entry.words is None else tuple(entry.words),
        )
        for entry in document.entries
    )  # fmt: skip
    return CalendarEdit(tuple(document.complete), changes)


def days_schema() -> str:
    """Return the JSON Schema of the days file."""
    return schema_text(DaysDocument, title="OpenBerth days file")


def _as_json(text: str, name: str) -> str:
    """Write a table as the JSON document it means, every row on its own line: mistakes keep their lines."""
    rows = list(csv.reader(text.splitlines()))
    header = [cell.strip() for cell in rows[0]] if rows else []
    if "date" not in header or len(set(header)) != len(header) or not set(header) <= set(COLUMNS):
        raise DocumentError(name, [Mistake(1, "", "days.header", {"known": ", ".join(COLUMNS)})])
    lines = []
    for number, row in enumerate(rows[1:], start=2):
        if len(row) > len(header):
            raise DocumentError(name, [Mistake(number, "", "days.cells", {"most": len(header)})])
        lines.append(json.dumps(_entry(dict(zip(header, row, strict=False))), ensure_ascii=False) if any(row) else "")
    filled = [number for number, line in enumerate(lines) if line]
    body = "\n".join(line + ("," if line and number != filled[-1] else "") for number, line in enumerate(lines))
    return f'{{"days": "{FORMAT}", "list": [\n{body}]}}'


def _entry(cells: dict[str, str]) -> dict[str, Any]:
    said = {key: cell.strip() for key, cell in cells.items() if cell.strip()}
    entry: dict[str, Any] = {key: said[key] for key in ("date", "through", "kind") if key in said}
    names = {language: said[f"name_{language}"] for language in ("zh", "en") if f"name_{language}" in said}
    if names:
        # One name is enough in a table: people keep it in their own language.
        other = next(iter(names.values()))
        entry["name"] = {"zh": names.get("zh", other), "en": names.get("en", other)}
    if "words" in said:
        entry["words"] = said["words"].split()
    return entry
