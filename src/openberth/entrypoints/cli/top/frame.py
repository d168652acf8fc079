"""Draws one frame of the live view: pure, from a board to lines that fit the terminal exactly.

Narrow terminals (80 × 24) get one column, wide ones a second. Old figures are dimmed and their age is said.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from rich.console import Group, RenderableType
from rich.layout import Layout
from rich.padding import Padding
from rich.rule import Rule
from rich.styled import Styled
from rich.table import Table
from rich.text import Text

from openberth.entrypoints.cli.session import Session
from openberth.entrypoints.cli.top.model import Board, Case, Lane, Lot, Overview, Passage, Waiting
from openberth.entrypoints.cli.top.words import (
    age_text,
    bar,
    clock_text,
    fitted,
    milliseconds_text,
    money_text,
)
from openberth.kernel.money import Money

WIDE = 118
SMALLEST = (60, 12)
STATE_STYLES = {"open": "green", "full": "yellow", "closed": "red", "closed_to_all": "red"}
SIGNS = {"open": ("✓", "green"), "hold": ("■", "yellow"), "refuse": ("✗", "red"), "record": ("·", "dim")}
# What became of a car that was held at first.
AFTERWARDS = {"passed": ("✓", "green"), "refused": ("✗", "red"), "gone": ("·", "dim")}
NEARLY_FULL_PERCENT, FULL_PERCENT = 85, 97
BOTTOM_ROWS = 4
PASSAGES_SHOWN, CASES_SHOWN = 12, 12

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class View:
    """What every part of a frame needs."""

    session: Session
    overview: Overview
    width: int

    def say(self, code: str, /, **params: object) -> str:
        """Return a text in the language of the view."""
        return self.session.say(code, **params)

    @property
    def language(self) -> str:
        """The language of the view."""
        return self.session.language

    @property
    def wide(self) -> bool:
        """Whether there is room for a second column."""
        return self.width >= WIDE


def frame(
    board: Board, session: Session, *, width: int, height: int, now_s: float, extra: Sequence[Text] = ()
) -> RenderableType:
    """Return a frame of exactly ``width`` × ``height`` cells; ``extra`` lines stand above the last line."""
    if width < SMALLEST[0] or height < SMALLEST[1]:
        return Text(session.say("top.too_small", width=SMALLEST[0], height=SMALLEST[1]))
    head = _head(board, session, width, now_s)
    keys = Text(" " if board.single else session.say("top.keys"), style="dim", no_wrap=True)
    if board.overview is None:
        trouble = board.trouble or session.say("top.connecting")
        return Group(head, Rule(style="dim"), Padding(Text(trouble), (1, 2)), *extra, keys)
    view = View(session, board.overview, width)
    figures = [*_alarms(board, view), *_figures(board, view, now_s)]
    room = height - 2 - len(figures) - len(extra)
    body = _body(board, view, room)
    if board.is_stale(now_s):
        body = Styled(body, "dim")
    layout = Layout()
    layout.split_column(
        Layout(head, size=1),
        Layout(body, size=room),
        *(Layout(line, size=1) for line in (*figures, *extra, keys)),
    )
    return layout


def natural_height(board: Board, *, width: int) -> int:
    """Return how many lines a frame takes that hides nothing but older passages."""
    overview = board.overview
    if overview is None:
        return SMALLEST[1]
    lanes = sum(len(lot.lanes) for lot in overview.lots)
    cases = min(overview.cases_open, CASES_SHOWN)
    bottom = min(len(board.stream(PASSAGES_SHOWN)), PASSAGES_SHOWN)
    rows = max(lanes, cases) + bottom if width >= WIDE else lanes + max(bottom, cases)
    # One line for the head, one for each of three titles, two of figures, one for the keys; one for alarms.
    fixed = 7 + bool(board.alarms)
    return max(SMALLEST[1], len(overview.lots) + max(rows, lanes + BOTTOM_ROWS) + fixed)


def _head(board: Board, session: Session, width: int, now_s: float) -> Table:
    left = Text.assemble(("OpenBerth", "bold"), " 泊位")
    if board.overview is not None:
        zone = board.overview.lots[0].zone if board.overview.lots else "UTC"
        left.append("  " + clock_text(board.overview.now, zone), "bold")
        if board.speed != 1:
            left.append(f" ×{board.speed}", "dim")
    if width >= WIDE:
        left.append(f"  {board.url}", "dim")
    line = Table.grid(expand=True)
    line.add_column(no_wrap=True)
    line.add_column(no_wrap=True, justify="right")
    line.add_row(left, _freshness(board, session, now_s))
    return line


def _freshness(board: Board, session: Session, now_s: float) -> Text:
    age_s = board.age_s(now_s)
    if age_s is None:
        return Text(f"○ {session.say('top.waiting')}", "yellow")
    if board.is_stale(now_s):
        return Text(f"● {session.say('top.stale', seconds=int(age_s))}", "bold red")
    if board.single:
        return Text(session.say("top.single"), "dim")
    if not board.feed_live:
        return Text(f"● {session.say('top.polled')}", "yellow")
    return Text(f"● {session.say('top.live')}", "green")


def _body(board: Board, view: View, room: int) -> RenderableType:
    """Share the rows: lots first, then lanes, and what happens gets the rest but never less than a few."""
    lots, lanes = view.overview.lots, lanes_by_need(board, view.overview)
    lot_rows = min(len(lots), max(2, room // 3))
    left = room - lot_rows - 1
    lane_rows = max(0, min(len(lanes), left - 2 - BOTTOM_ROWS))
    bottom = left - (lane_rows + 1 if lane_rows else 0)
    layout = Layout()
    parts = [Layout(_section(view, "top.title.lots", _lots(view, lots[:lot_rows]), len(lots) - lot_rows),
                    size=lot_rows + 1)]  # fmt: skip
    lane_part = _section(view, "top.title.lanes", _lanes(board, view, lanes[:lane_rows]), len(lanes) - lane_rows)
    case_rows = max(lane_rows if view.wide and lane_rows else bottom - 1, 0)
    cases_open = view.overview.cases_open
    cases = _section(view, "top.title.cases", _cases(board, view, case_rows), cases_open - case_rows, count=cases_open)
    passages = _section(view, "top.title.passages", _passages(board, view, bottom - 1), 0)
    if view.wide:
        middle = Layout(size=lane_rows + 1)
        middle.split_row(Layout(lane_part, ratio=3), Layout(Padding(cases, (0, 0, 0, 2)), ratio=2))
        parts += [middle, Layout(passages, size=bottom)]
    else:
        if lane_rows:
            parts.append(Layout(lane_part, size=lane_rows + 1))
        last = Layout(size=bottom)
        # With nothing to do for a person, what happens gets the room.
        shares = (11, 9) if cases_open else (3, 1)
        last.split_row(Layout(passages, ratio=shares[0]), Layout(Padding(cases, (0, 0, 0, 2)), ratio=shares[1]))
        parts.append(last)
    layout.split_column(*parts)
    return layout


def _section(view: View, code: str, content: RenderableType, hidden: int, *, count: int | None = None) -> Group:
    title = Text(view.say(code), "bold cyan")
    if count is not None:
        title.append(f" {count}", "bold red" if count else "green")
    if hidden > 0:
        title.append("  " + view.say("top.more", count=hidden), "dim")
    return Group(Rule(title, align="left", style="dim", characters="─"), content)


def _grid(*columns: tuple[str, int | None]) -> Table:
    """Return a table without lines; columns are (justification, fixed width or None to share what is left)."""
    table = Table.grid(padding=(0, 1), expand=True)
    for justify, width in columns:
        table.add_column(
            justify="right" if justify == "right" else "left", width=width, ratio=None if width else 1, no_wrap=True,
            overflow="ellipsis",
        )  # fmt: skip
    return table


def _lots(view: View, lots: Sequence[Lot]) -> Table:
    due_width = 16 if view.wide else 12
    bar_width = max(8, min(view.width // 3, view.width - 64))
    table = _grid(("left", None), ("left", 6), ("left", bar_width), ("right", 9), ("right", 11), ("right", due_width))
    for lot in lots:
        percent = lot.occupied * 100 // lot.capacity if lot.capacity else 0
        style = "red" if percent >= FULL_PERCENT else "yellow" if percent >= NEARLY_FULL_PERCENT else "green"
        name = view.session.name_of(lot.names, lot.code)
        table.add_row(
            Text(name if view.width < 100 else f"{name} ({lot.code})", "bold"),
            Text(view.say(f"top.state.{lot.state}"), STATE_STYLES.get(lot.state, "")),
            Text(bar(lot.occupied, lot.capacity, bar_width), f"{style} on grey19"),
            Text(f"{lot.occupied}/{lot.capacity}"),
            Text(money_text(lot.received) if lot.received is not None else "", "bold"),
            Text(view.say("top.due", amount=money_text(lot.due)) if lot.due else "", "yellow"),
        )
    return table


def lanes_by_need(board: Board, overview: Overview) -> list[tuple[Lot, Lane]]:
    """Return all lanes: where a car waits, where cars have been, where none came yet, as the files order them."""

    def need(pair: tuple[Lot, Lane]) -> int:
        lot, lane = pair
        return 0 if lane.waiting is not None else 1 if (lot.code, lane.code) in board.last_at_lane else 2

    return sorted(((lot, lane) for lot in overview.lots for lane in lot.lanes), key=need)


def _lanes(board: Board, view: View, lanes: Sequence[tuple[Lot, Lane]]) -> Table:
    table = _grid(("left", 17), ("left", 1), ("left", 11), ("left", 8), ("left", None))
    for lot, lane in lanes:
        last = board.last_at_lane.get((lot.code, lane.code))
        if lane.waiting is not None:
            table.add_row(*_waiting_cells(view, f"{lot.code}/{lane.code}", lane.waiting))
        elif last is not None:
            sign, told = _outcome(view, last)
            table.add_row(
                Text(f"{lot.code}/{lane.code}"), sign, Text(last.plate or view.say("top.no_plate")),
                Text(clock_text(last.at, lot.zone), "dim"), told,
            )  # fmt: skip
        else:
            table.add_row(Text(f"{lot.code}/{lane.code}"), Text("·", "dim"), "", "",
                          Text(view.say("top.no_car_yet"), "dim"))  # fmt: skip
    return table


def _waiting_cells(view: View, where: str, waiting: Waiting) -> list[Text]:
    told = view.say(f"top.ask.{waiting.ask}")
    if waiting.due:
        told += f" {money_text(waiting.due)}"
    since = "" if waiting.since is None else age_text(view.overview.now - waiting.since, view.language)
    return [
        Text(where, "yellow"), Text("■", "yellow"), Text(waiting.plate or view.say("top.no_plate"), "bold"),
        Text(since, "yellow"), Text(told, "yellow"),
    ]  # fmt: skip


def _passages(board: Board, view: View, rows: int) -> Table:
    zones = {lot.code: lot.zone for lot in view.overview.lots}
    table = _grid(("left", 8), ("left", 1), ("left", 10), ("left", 17 if view.wide else 14), ("left", None))
    for passage in board.stream(rows):
        table.add_row(*_passage_cells(view, passage, zones.get(passage.lot, "UTC")))
    return table


def _passage_cells(view: View, passage: Passage, zone: str) -> list[Text]:
    sign, told = _outcome(view, passage)
    return [
        Text(clock_text(passage.at, zone), "dim"),
        sign,
        Text(passage.plate or view.say("top.no_plate")),
        Text(f"{passage.lot}/{passage.lane}"),
        told,
    ]


def _outcome(view: View, passage: Passage) -> tuple[Text, Text]:
    """Return the sign and the words for a passage: the decision, or what became of a car that was held."""
    if passage.action == "hold" and passage.state in AFTERWARDS:
        sign, style = AFTERWARDS[passage.state]
        return Text(sign, style), Text(view.say(f"top.afterwards.{passage.state}"), "dim")
    sign, style = SIGNS.get(passage.action, ("?", ""))
    return Text(sign, style), Text(view.say(passage.reason), "yellow" if passage.action == "hold" else "dim")


def _cases(board: Board, view: View, rows: int) -> RenderableType:
    cases = board.open_cases()
    if not cases:
        return Text(view.say("top.no_cases"), "dim")
    table = _grid(("right", 6), ("left", None))
    for case in cases[: max(rows, 0)]:
        table.add_row(
            Text(age_text(view.overview.now - case.raised_at, view.language), "yellow"), _case_text(view, case)
        )
    return table


def _case_text(view: View, case: Case) -> Text:
    where = f"{case.lot}/{case.lane}" if case.lane else case.lot
    return Text.assemble((where, ""), (f" {view.say(f'case.{case.kind}')}", "dim"))


def _alarms(board: Board, view: View) -> list[Text]:
    """Return a line for what is wrong with the company's affairs, none when nothing is."""
    if not board.alarms:
        return []
    title = view.say("top.alarms", count=len(board.alarms))
    return [_line([(f"{title} {board.alarms[0]}", "yellow")], view.width)]


def _figures(board: Board, view: View, now_s: float) -> list[Text]:
    """Return the last lines: how fast it goes, the hardware, and the money of the day."""
    parts: list[tuple[str, str]] = []
    rate = board.passages_per_minute(now_s)
    if rate is not None:
        parts.append((view.say("top.rate", count=rate), ""))
    if board.p99_us is not None:
        parts.append((view.say("top.p99", span=milliseconds_text(board.p99_us)), ""))
    silent = [f"{lot.code}/{code}" for lot in view.overview.lots for code in lot.silent]
    devices = sum(lot.devices for lot in view.overview.lots)
    if silent:
        shown = ", ".join(silent[:3]) + ("…" if len(silent) > 3 else "")
        parts.append((view.say("top.devices_silent", count=devices, silent=len(silent), which=shown), "red"))
    else:
        parts.append((view.say("top.devices_well", count=devices), "green"))
    money = _money_of_the_day(board, view)
    return [*_lines(money, view.width), _line(parts, view.width)]


def _money_of_the_day(board: Board, view: View) -> list[tuple[str, str]]:
    counted = all(lot.code in board.takings for lot in view.overview.lots)
    total: dict[str, Money] = {}
    due: dict[str, Money] = {}
    by_method: dict[tuple[str, str], Money] = {}
    for lot in view.overview.lots:
        if not counted:  # otherwise the line adds up in itself
            _add(total, lot.currency, lot.received)
        _add(due, lot.currency, lot.due)
        for method, amount in board.takings.get(lot.code, {}).items():
            _add(by_method, (method, amount.currency), amount)
            if counted:
                _add(total, amount.currency, amount)
    parts = [(f"{view.say('top.today')} {money_text(amount)}", "bold") for amount in total.values()]
    parts += [(f"{view.say(f'top.method.{method}')} {money_text(amount)}", "")
              for (method, _), amount in sorted(by_method.items())]  # fmt: skip
    return parts + [(view.say("top.due", amount=money_text(amount)), "yellow") for amount in due.values()]


def _add(sums: dict[K, Money], key: K, amount: Money | None) -> None:
    if amount is not None:
        sums[key] = sums[key] + amount if key in sums else amount


def _lines(parts: Sequence[tuple[str, str]], width: int) -> list[Text]:
    """Join parts with a dot between, in as many lines as it takes to cut nothing: money is not left out."""
    lines: list[list[tuple[str, str]]] = [[]]
    for part in parts:
        if lines[-1] and _line([*lines[-1], part], width).cell_len > width:
            lines.append([])
        lines[-1].append(part)
    return [_line(line, width) for line in lines]


def _line(parts: Sequence[tuple[str, str]], width: int) -> Text:
    """Join parts with a dot between; what does not fit is cut at the end."""
    line = Text(no_wrap=True, overflow="ellipsis")
    if not parts:
        return Text(" ")  # rich takes an empty text for no content and draws a placeholder
    for index, (words, style) in enumerate(parts):
        if index:
            line.append(" · ", "dim")
        line.append(fitted(words, width), style)
    return line
