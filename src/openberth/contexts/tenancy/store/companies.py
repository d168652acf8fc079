"""Companies: their table and statements."""

from sqlalchemy import Index, bindparam, select

from openberth.infra.database.schema import table
from openberth.infra.database.statement import Query, insert_into
from openberth.infra.database.types import id_column, instant_column, word_column

company = table(
    "company",
    id_column(primary_key=True),
    word_column("code", 40),
    word_column("name", 120),
    instant_column("created_at"),
    scope=("id", None),
)
Index("uq_company_code", company.c.code, unique=True)

INSERT_COMPANY = insert_into(company, once=True)
COMPANY_BY_CODE = Query(
    select(company.c.id, company.c.code, company.c.name).where(company.c.code == bindparam("code")),
    lambda company_id, code, name: (company_id, code, name),
)
COMPANIES = Query(
    select(company.c.id, company.c.code, company.c.name).order_by(company.c.code).limit(1_000),
    lambda company_id, code, name: (company_id, code, name),
)
