"""The table as a page of the guides."""

from pathlib import Path

from tests.wire.bad.table import TABLE

PAGE = Path(__file__).parents[3] / "docs/guides/bad-inputs.md"
_HEAD = """# Bad inputs, and what each gets

Written by `python -m tests.wire.bad` from the rows that `tests/wire/bad` sends to the real application, byte by byte.
After each of them the database is as it was (but for rows that say that something is taken), nothing is a server error,
and the next request is answered as ever.

A problem is an `application/problem+json` with a stable `code`; of a document the code of its first mistake is shown.
Where no code stands, the answer is a page or that of the protocol below.
"""


def page() -> str:
    """Return the page."""
    parts = [_HEAD]
    for topic, rows in TABLE.items():
        parts.append(f"\n## {topic}\n\n| input | where | status | code | then |\n| --- | --- | --- | --- | --- |\n")
        for row in rows:
            code = f"`{row.code}`" if row.code else ""
            what = row.what.replace("|", "\\|")
            parts.append(f"| {what} | {row.where} | {row.status} | {code} | {row.then} |\n")
    return "".join(parts)
