"""The live page under load in a real browser: 500 lanes at 100 passages a second, and how busy the page's thread is.

``python -m tests.bench.console`` after ``make faces``. The server is played here, with its own shapes: the snapshot,
the feed with four events a passage in twenty frames a second, and the answers about what changed. What is measured is
the browser alone: work of the page's thread by Chromium's own counters, long tasks, and frames that came late.
"""

import json
import mimetypes
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, Route, WebSocketRoute

from openberth.infra.http.static import FACES
from tests.faces.browsing import browser

LOTS, LANES_EACH, PASSAGES, SECONDS = 84, 6, 100, 15
VISITS = (
    ("#/live", 0, "all lots, top of the page"), ("#/live", 3_000, "all lots, among their lanes"),
    ("#/live?lot=lot-3", 0, "one lot"), ("#/desk", 0, "desk"),
)  # fmt: skip
ORIGIN = "http://127.0.0.1:8420"
MAY = (
    "lot.read", "passage.read", "picture.read", "case.read", "bill.read", "device.read", "alarm.read", "feed.read",
    "lane.open", "cash.take", "case.resolve", "stay.read",
)  # fmt: skip
WATCH = """() => {
  window.seen = {long: 0, longest: 0, frames: 0, late: 0};
  new PerformanceObserver((list) => { for (const each of list.getEntries()) {
    seen.long++; seen.longest = Math.max(seen.longest, each.duration) } }).observe({entryTypes: ['longtask']});
  let last = performance.now();
  const frame = (now) => { seen.frames++; if (now - last > 50) seen.late++; last = now; requestAnimationFrame(frame) };
  requestAnimationFrame(frame);
}"""
MONEY = {"minor": 500, "currency": "CNY"}


class Town:
    """Plays the server: what stands where, a log with its position, and the answers."""

    def __init__(self) -> None:
        self.position = 1_000
        self.requests = 0
        self.lanes = {f"lane-{lot}-{at}": self._lane(lot, at) for lot in range(LOTS) for at in range(LANES_EACH)}
        self.sockets: list[WebSocketRoute] = []

    def _lane(self, lot: int, at: int) -> dict[str, Any]:
        kind = ("entry", "exit")[at % 2]
        lane: dict[str, Any] = {"id": f"lane-{lot}-{at}", "lot": f"lot-{lot}", "code": f"{kind}-{at}", "kind": kind}
        lane |= {"name": {"zh": f"通道 {at}", "en": f"Lane {at}"}, "passage": None}
        lane["passage"] = self._passage(at == 1 and lot % 9 == 0)
        return lane

    def _passage(self, waiting: bool) -> dict[str, Any]:
        self.position += 1
        word = "waiting" if waiting else "passed"
        return {
            "id": f"passage-{self.position}", "captured_at": _now(), "plate": "粤B·**345", "state": word,
            "action": "hold" if waiting else "open", "reason": "entry.casual", "decision": "casual parking, let in",
            "ask": "pay" if waiting else "nothing", "waiting": waiting, "stay": None, "bill": None,
            "pictures": [f"/v1/passages/{self.position}/pictures/0"],
            "opening": {"id": "c", "kind": "open", "state": "ended", "outcome": "done", "detail": None},
        }  # fmt: skip

    def lot(self, number: int, *, with_lanes: bool) -> dict[str, Any]:
        occupied = 40 + self.position % 50
        area = {"id": "a", "code": "ground", "name": {"zh": "地面", "en": "Ground"}, "inside": None}
        lanes = [each for each in self.lanes.values() if each["lot"] == f"lot-{number}"] if with_lanes else None
        numbers = {"capacity": 100, "occupied": occupied, "free": 100 - occupied}
        return {
            "id": f"lot-{number}", "company": "c", "code": f"lot-{number}", "zone": "Asia/Shanghai", "currency": "CNY",
            "name": {"zh": f"车场 {number}", "en": f"Lot {number}"}, "state": "open", **numbers, "lanes": lanes,
            "areas": [{**area, **numbers}], "exceptions": {"open": 0, "newest": None}, "alarms": 0,
            "money": {"day": "2026-03-02", "billed": MONEY, "received": {"cash": MONEY}, "foreign": []},
            "devices": {"online": 12, "offline": 0, "never_seen": 0},
        }  # fmt: skip

    def view(self, lots: list[dict[str, Any]]) -> dict[str, Any]:
        now = {"business_now": _now(), "machine_now": _now()}
        return {"position": self.position, "money_position": self.position, **now, "lots": lots}

    def pass_cars(self, number: int, beat: int) -> None:
        """Have cars come to lanes, and tell the page in one frame."""
        events: list[dict[str, Any]] = []
        names = list(self.lanes)
        for at in range(number):
            lane = self.lanes[names[(beat * 101 + at * 211) % len(names)]]
            if not lane["passage"]["waiting"]:
                lane["passage"] = self._passage(False)
            told = ("stays.passage_decided", "stays.stay_opened", "facility.command_issued", "facility.command_ended")
            events += [self._event(kind, lane) for kind in told]
        for socket in self.sockets:
            socket.send(json.dumps({"type": "events", "events": events, "position": self.position}))

    def _event(self, kind: str, lane: dict[str, Any]) -> dict[str, Any]:
        self.position += 1
        body = {"lane": lane["id"], "passage": lane["passage"]["id"], "plate": "p", "action": "open", "stay": "s"}
        at = {"occurred_at": _now(), "recorded_at": _now(), "key": lane["id"], "node": "here", "cause": None}
        where = {"lot": lane["lot"], "company": "c", "position": self.position}
        return {"id": "e", "kind": kind, "body": body, **where, **at}

    def answer(self, route: Route) -> None:
        self.requests += 1
        parts = urlsplit(route.request.url)
        asked = {name: values[0].split(",") for name, values in parse_qs(parts.query).items()}
        route.fulfill(json=self._answer(parts.path, asked))

    def _answer(self, path: str, asked: dict[str, list[str]]) -> dict[str, Any]:
        if path.startswith("/v1/auth/refresh"):
            return {"access_token": "t", "expires_in": 900, "refresh_token": "r", "token_type": "bearer"}
        if path == "/v1/auth/me":
            return {
                "account": "a", "companies": None, "company": "c", "grants": [], "lots": None, "unread_notices": 0,
                "permissions": list(MAY),
            }  # fmt: skip
        if path == "/v1/live":
            return self.view([self.lot(number, with_lanes=True) for number in range(LOTS)])
        if path == "/v1/live/lots":
            numbers = [int(name.removeprefix("lot-")) for name in asked["lots"]]
            return self.view([self.lot(number, with_lanes=False) for number in numbers])
        if path == "/v1/live/lanes":
            return {"position": self.position, "lanes": [self.lanes[name] for name in asked["lanes"]]}
        if "/pictures/" in path:
            return {"url": "/console/icon.svg", "expires_at": _now()}
        return {"items": [], "next": None}


def main() -> None:
    """Measure and print."""
    with browser() as chromium:
        for path, down, what in VISITS:
            context = chromium.new_context(viewport={"width": 1440, "height": 900}, service_workers="block")
            context.add_init_script("localStorage.setItem('openberth.refresh', 'r')")
            page, town = context.new_page(), Town()
            _play(page, town)
            page.goto(f"{ORIGIN}/console/{path}")
            page.get_by_test_id("fresh").wait_for()
            page.evaluate("(down) => document.querySelector('main').scrollTo(0, down)", down)
            print(f"{what}: {_measured(page, town)}")
            context.close()


def _play(page: Page, town: Town) -> None:
    def connected(socket: WebSocketRoute) -> None:
        town.sockets.append(socket)
        socket.send(json.dumps({"type": "ready", "position": town.position}))

    page.route("**/v1/**", town.answer)
    page.route("**/console/**", _file)
    page.route_web_socket("**/v1/feed?**", connected)


def _file(route: Route) -> None:
    path = FACES / "console" / (urlsplit(route.request.url).path.removeprefix("/console/") or "index.html")
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    route.fulfill(body=path.read_bytes(), content_type=kind)


def _measured(page: Page, town: Town) -> str:
    counters = page.context.new_cdp_session(page)
    counters.send("Performance.enable")
    beat = _run(page, town, 0, 2)  # what is compiled at first does not count
    page.evaluate(WATCH)
    before, requests, begun = _counters(counters), town.requests, time.monotonic()
    _run(page, town, beat, SECONDS)
    took = time.monotonic() - begun
    after, seen = _counters(counters), page.evaluate("seen")
    used = {name: (after[name] - before[name]) / took * 1000 for name in after}
    parts = ", ".join(f"{name} {value:.0f}" for name, value in used.items())
    return (
        f"ms of the page's thread a second: {parts}; long tasks {seen['long']} (longest {seen['longest']:.0f} ms), "
        f"{seen['frames'] / took:.0f} frames/s, {seen['late']} later than 50 ms; "
        f"{(town.requests - requests) / took:.1f} requests/s"
    )


def _run(page: Page, town: Town, beat: int, seconds: int) -> int:
    until = time.monotonic() + seconds
    step = time.monotonic()
    while step < until:
        town.pass_cars(PASSAGES // 20, beat)
        beat, step = beat + 1, step + 0.05
        page.wait_for_timeout(max(0, (step - time.monotonic()) * 1000))
    return beat


def _counters(session: Any) -> dict[str, float]:
    found = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    return {name: found[f"{name}Duration"] for name in ("Task", "Script", "Layout", "RecalcStyle")}


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime())


if __name__ == "__main__":
    main()
