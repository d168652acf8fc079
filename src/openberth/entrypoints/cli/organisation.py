"""``openberth organisation``: partners, companies, properties, and where each lot belongs.

A node is written with its level: ``partner:north``, ``company:demo``, ``property:garden``, ``lot:mall``.
"""

import asyncio
import os
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer
from rich.text import Text
from rich.tree import Tree

from openberth.entrypoints.cli.client import Api, connected, part
from openberth.entrypoints.cli.session import Session
from openberth.entrypoints.cli.tables import plain_table
from openberth.kernel.errors import Malformed, Refused

app = typer.Typer()

PLURAL = {"partner": "partners", "company": "companies", "property": "properties"}
POLL_S = 0.3
NodeArgument = Annotated[str, typer.Argument(help="cli.argument.node", show_default=False)]
NameOption = Annotated[str, typer.Option("--name", help="cli.option.name_zh")]
NameEnOption = Annotated[str, typer.Option("--name-en", help="cli.option.name_en")]
ReasonOption = Annotated[str, typer.Option("--reason", help="cli.option.node_reason")]


@app.command("tree", help="cli.help.organisation.tree")
def tree(context: typer.Context) -> None:
    """Show everything as a tree."""
    asyncio.run(_tree(context.obj))


async def _tree(session: Session) -> None:
    found = await _organisation(session)
    root = Tree(Text(session.say("cli.level.platform"), "bold"))
    partners = {each["id"]: root.add(_label(session, "partner", each)) for each in found["partners"]}
    companies = {
        each["id"]: partners.get(each["partner"], root).add(_label(session, "company", each))
        for each in found["companies"]
    }
    properties = {
        each["id"]: companies[each["company"]].add(_label(session, "property", each))
        for each in found["properties"] if each["company"] in companies
    }  # fmt: skip
    for each in found["lots"]:
        place = properties.get(each["property"]) or companies.get(each["company"]) or root
        place.add(_label(session, "lot", each))
    session.out.print(root)


def _label(session: Session, level: str, node: Any) -> Text:
    name = node["name_zh"] if session.language == "zh" else node["name_en"]
    label = Text.assemble((f"{level}:{node['code']}", "bold"), f"  {name}")
    if node.get("state") == "closed":
        label.append(f"  {session.say('cli.node.closed')}", "red")
    return label


@app.command("list", help="cli.help.organisation.list")
def list_nodes(context: typer.Context) -> None:
    """List partners, companies and properties."""
    asyncio.run(_list(context.obj))


async def _list(session: Session) -> None:
    found = await _organisation(session)
    codes = {each["id"]: f"{level}:{each['code']}" for level, plural in PLURAL.items() for each in found[plural]}
    table = plain_table(
        (session.say("cli.column.code"), "left"), (session.say("cli.column.name"), "left"),
        (session.say("cli.column.under"), "left"), (session.say("cli.column.state"), "left"),
    )  # fmt: skip
    for level, plural in PLURAL.items():
        for each in found[plural]:
            above = each.get("company") if level == "property" else each.get("partner")
            table.add_row(
                Text(f"{level}:{each['code']}", "bold"), each["name_zh" if session.language == "zh" else "name_en"],
                codes.get(above or "", ""), session.say(f"cli.node.{each['state']}"),
            )  # fmt: skip
    session.out.print(table)


@app.command("add", help="cli.help.organisation.add")
def add(
    context: typer.Context,
    node: NodeArgument,
    name: Annotated[str | None, typer.Option("--name", help="cli.option.name_zh")] = None,
    name_en: Annotated[str | None, typer.Option("--name-en", help="cli.option.name_en")] = None,
    under: Annotated[str | None, typer.Option("--under", help="cli.option.under")] = None,
) -> None:
    """Make a partner, a company (of a partner), or a property of a company."""
    level, code = node_of(node, *PLURAL)
    body: dict[str, Any] = {"code": code, "name": {"zh": name or code, "en": name_en or name or code}}
    if under is not None:
        above, of = node_of(under, "partner" if level == "company" else "company")
        body[above] = of
    asyncio.run(_ask(context.obj, "POST", f"/v1/{PLURAL[level]}", body, node))


@app.command("rename", help="cli.help.organisation.rename")
def rename(
    context: typer.Context,
    node: NodeArgument,
    name: NameOption,
    name_en: NameEnOption,
    reason: Annotated[str | None, typer.Option("--reason", help="cli.option.node_reason")] = None,
) -> None:
    """Give a node other names; its code stays."""
    level, code = node_of(node, *PLURAL)
    body = {"name": {"zh": name, "en": name_en}, "reason": reason}
    asyncio.run(_ask(context.obj, "PUT", f"/v1/{PLURAL[level]}/{part(code)}", body, node))


@app.command("move", help="cli.help.organisation.move")
def move(
    context: typer.Context,
    node: NodeArgument,
    to: Annotated[str, typer.Option("--to", help="cli.option.move_to")],
    reason: ReasonOption,
) -> None:
    """Hang a company under a partner (or none), give a lot to a company, or put it into a property (or out)."""
    level, code = node_of(node, "company", "lot")
    if level == "company":
        partner = None if to == "platform" else node_of(to, "partner")[1]
        path, body = f"/v1/companies/{part(code)}/partner", {"partner": partner, "reason": reason}
    elif to == "none":
        path, body = f"/v1/lots/{part(code)}/property", {"property": None, "reason": reason}
    else:
        above, of = node_of(to, "company", "property")
        path, body = f"/v1/lots/{part(code)}/{above}", {above: of, "reason": reason}
    asyncio.run(_ask(context.obj, "PUT", path, body, node))


@app.command("close", help="cli.help.organisation.close")
def close(context: typer.Context, node: NodeArgument, reason: ReasonOption) -> None:
    """Close a node for ever, once nothing below it is open."""
    level, code = node_of(node, *PLURAL)
    asyncio.run(_ask(context.obj, "POST", f"/v1/{PLURAL[level]}/{part(code)}/close", {"reason": reason}, node))


@app.command("export", help="cli.help.organisation.export")
def export(
    context: typer.Context,
    node: NodeArgument,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="cli.option.tenant_out")],
    reason: ReasonOption,
    unmasked: Annotated[bool, typer.Option("--unmasked", help="cli.option.tenant_unmasked")] = False,
) -> None:
    """Write all data of a company or partner into a new file."""
    level, code = node_of(node, "partner", "company")
    body = {"level": level, "node": code, "reason": reason, "unmasked": unmasked}
    session: Session = context.obj
    with _new_file(out) as file:
        try:
            asyncio.run(_export(session, body, file))
        except BaseException:
            out.unlink(missing_ok=True)
            raise
    typer.echo(session.say("cli.export.written", path=str(out)), err=True)


async def _export(session: Session, body: dict[str, Any], file: BinaryIO) -> None:
    async with connected(session, at_work=True) as api:
        asked = await api.post("/v1/exports", body)
        await _until_ready(api, asked["id"])
        async for piece in api.pieces(f"/v1/exports/{asked['id']}/file"):
            file.write(piece)


async def _until_ready(api: Api, export: str) -> None:
    while True:
        state = (await api.get(f"/v1/exports/{export}"))["state"]
        if state == "ready":
            return
        if state != "waiting":
            raise Refused("cli.export.failed")
        await asyncio.sleep(POLL_S)


def _new_file(path: Path) -> BinaryIO:
    """Open a file that is not there yet, for its owner only: it holds what belongs to people."""
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except OSError as error:
        raise Refused("cli.export.file", path=str(path), reason=str(error.strerror)) from error


async def _organisation(session: Session) -> Any:
    async with connected(session) as api:
        return await api.get("/v1/organisation")


async def _ask(session: Session, method: str, path: str, body: dict[str, Any], node: str) -> None:
    async with connected(session) as api:
        await api.ask(method, path, json=body)
    typer.echo(session.say("cli.organisation.done", node=node), err=True)


def node_of(text: str, *levels: str) -> tuple[str, str]:
    """Return level and code of a node that is one of some levels. Raises ``Malformed("cli.organisation.node")``."""
    level, _, code = text.partition(":")
    if level not in levels or not code:
        raise Malformed("cli.organisation.node", node=text, levels=", ".join(f"{each}:…" for each in levels))
    return level, code
