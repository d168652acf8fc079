"""Throw-away accounts of a demo: one per role, with passwords made for this run and printed once."""

from openberth.entrypoints.cli.accounts import generated, make_person
from openberth.entrypoints.cli.api_keys import give
from openberth.entrypoints.cli.client import Api
from openberth.entrypoints.cli.session import Session
from openberth.entrypoints.cli.tables import plain_table

COMPANY = "demo"
# Who may see and do everything at the car parks; whoever looks at a demo begins as this one.
MANAGER = "company_manager"
# Role -> where it is given. Residents and drivers sign in with their phones and have no password.
ROLES = {
    "platform_administrator": "platform",
    "security_administrator": "platform",
    "auditor": "platform",
    "company_manager": "company",
    "finance": "company",
    "lot_manager": "lot",
    "guard": "lot",
    "maintenance": "lot",
    "merchant": "lot",
}


async def make_people(api: Api, lot: str, session: Session) -> tuple[str, str]:
    """Make the accounts and print how to sign in with them. Returns login and password of the manager."""
    manager = ("", "")
    table = plain_table(
        (session.say("cli.column.login"), "left"), (session.say("cli.column.password"), "left"),
        (session.say("cli.column.role"), "left"),
    )  # fmt: skip
    for role, level in ROLES.items():
        login, password = role.replace("_", "-"), generated()
        at = {"platform": "platform", "company": f"company:{COMPANY}", "lot": f"lot:{lot}"}[level]
        company = None if level == "platform" else COMPANY
        await make_person(api, login, name=session.say(f"role.{role}"), company=company, password=password)
        await give(api, login, role, at)
        table.add_row(login, password, session.say(f"role.{role}"))
        if role == MANAGER:
            manager = (login, password)
    session.out.print(session.say("demo.people"))
    session.out.print(table)
    return manager
