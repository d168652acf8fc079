"""The tables of tariffs: versions never change, drafts and days of calendars do."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer

from openberth.contexts.tariffs.model import DayKind
from openberth.infra.database.schema import table
from openberth.infra.database.types import enum_column, id_column, instant_column, json_column, word_column

CODE_LENGTH = 40

tariff_version = table(
    "tariff_version",
    id_column(primary_key=True),
    id_column("company_id"),
    word_column("code", CODE_LENGTH),
    Column("number", Integer, nullable=False),
    instant_column("valid_from"),
    instant_column("published_at"),
    json_column("document"),
    instant_column("valid_until", nullable=True),
    scope=("company_id", None),
)
Index(
    "uq_tariff_version_number", tariff_version.c.company_id, tariff_version.c.code, tariff_version.c.number, unique=True
)

tariff_draft = table(
    "tariff_draft",
    id_column("company_id", primary_key=True),
    word_column("code", CODE_LENGTH, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("based_on", Integer, nullable=False),
    instant_column("changed_at"),
    word_column("changed_by", 100),
    json_column("text"),
    scope=("company_id", None),
)

# ``edition`` is new with every change of a day: what was read under it stays right for ever.
calendar = table(
    "calendar",
    id_column("company_id", primary_key=True),
    word_column("code", CODE_LENGTH, primary_key=True),
    id_column("edition"),
    instant_column("changed_at"),
    scope=("company_id", None),
)

# ``own``: a person said it, so that seeding leaves it alone.
calendar_day = table(
    "calendar_day",
    id_column("company_id", primary_key=True),
    word_column("calendar", CODE_LENGTH, primary_key=True),
    word_column("day", 10, primary_key=True),
    enum_column("kind", DayKind),
    word_column("name_zh", 80),
    word_column("name_en", 80),
    json_column("words"),
    Column("own", Boolean, nullable=False),
    scope=("company_id", None),
)
