"""A fake OpenBerth with a fake payment channel: just enough of the contracts for a town to live, in memory.

It can be told to make mistakes (``cheats``), to drop answers and to be away for a while, so that tests see whether the
simulator notices and copes. Written from the pages in docs/; it shares no code with the server or the simulator.
"""

import asyncio
import base64
import itertools
import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.wire.simulator.fake_barrier import FakeBarrierServer
from tests.wire.simulator.fake_http import FakeHttp, Reply, Request

START = datetime(2026, 11, 20, 0, 0, tzinfo=UTC)  # 08:00 in Shanghai
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Stay:
    id: str
    plate: str
    entered: datetime
    left: datetime | None = None
    areas: list[tuple[str, datetime]] = field(default_factory=list)
    bills: list[dict[str, Any]] = field(default_factory=list)
    receipts: list[dict[str, Any]] = field(default_factory=list)

    @property
    def paid(self) -> int:
        return sum(receipt["amount"]["minor"] for receipt in self.receipts)


@dataclass
class Lane:
    code: str
    kind: str
    target: str
    barrier: str | None
    scan_code: str
    opens: asyncio.Queue[float] = field(default_factory=asyncio.Queue)
    waiting: dict[str, Any] | None = None
    stay: Stay | None = None


def cny(minor: int) -> dict[str, Any]:
    return {"minor": minor, "currency": "CNY"}


class FakeOpenBerth:
    def __init__(self, lot: dict[str, Any], *, speed: int = 600, permits: frozenset[str] = frozenset()) -> None:
        self.lot = lot
        self.code = lot["code"]
        self.speed = speed
        self.permits = permits
        self.cheats: set[str] = set()
        self.unstorable = 0  # answer so many records with 503
        self.http = FakeHttp(self._answer)
        self.stays: list[Stay] = []
        self.records: list[dict[str, Any]] = []  # every plate result, repeats too
        self.inputs: list[tuple[str, int, int]] = []
        self.exceptions: list[dict[str, Any]] = []
        self.passages: list[dict[str, Any]] = []
        self.orders: dict[str, dict[str, Any]] = {}
        self.channel_minor = 0
        self._begun = time.monotonic()
        self._ids = itertools.count(1)
        self._answers: dict[tuple[str, int, int], dict[str, Any]] = {}
        self._keys: dict[str, Reply] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        devices = {device["lane"]: device for device in lot["devices"] if device["kind"] == "barrier_tcp"}
        self.lanes = {
            lane["code"]: Lane(
                lane["code"],
                lane["kind"],
                lane.get("to", ""),
                devices[lane["code"]]["serial"] if lane["code"] in devices else None,
                f"lane{index:06d}",
            )
            for index, lane in enumerate(lot["lanes"])
        }
        self.by_code = {lane.scan_code: lane for lane in self.lanes.values()}
        self.cameras = {f"sec-{d['code']}": d for d in lot["devices"] if d["kind"] == "vzenith_http"}
        secrets = {d["serial"]: d["code"].encode().ljust(32, b"!") for d in devices.values()}
        self.barriers = FakeBarrierServer(secrets)

    @property
    def url(self) -> str:
        return self.http.url

    def now(self) -> datetime:
        return START + timedelta(seconds=(time.monotonic() - self._begun) * self.speed)

    async def open(self) -> None:
        await self.http.open()
        await self.barriers.open()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.barriers.close()
        await self.http.close()

    async def restart(self, away_s: float) -> None:
        await self.barriers.close()
        await self.http.close()
        await asyncio.sleep(away_s)
        await self.open()

    # -- requests

    async def _answer(self, request: Request) -> Reply | None:
        for pattern, method in _ROUTES:
            name, _, path = pattern.partition(" ")
            match = re.fullmatch(path, request.path) if request.method == name else None
            if match:
                key = request.headers.get("idempotency-key", "")
                if key and key in self._keys:
                    return self._keys[key]
                reply: Reply | None = await getattr(self, method)(request, *match.groups())
                if key and reply is not None:
                    self._keys[key] = reply
                return reply
        return Reply(404, {"code": "not_found"})

    async def clock(self, request: Request) -> Reply:
        assert request.headers["authorization"] == "Bearer token"
        return Reply(200, {"business_now": self.now().isoformat(), "machine_now": "", "speed": self.speed})

    async def lot_view(self, request: Request, code: str) -> Reply:
        lanes = [{"code": lane.code, "scan_code": lane.scan_code} for lane in self.lanes.values()]
        return Reply(200, {"code": code, "scan_code": "lot0000001", "lanes": lanes})

    async def credentials(self, request: Request, lot: str, device: str) -> Reply:
        if f"sec-{device}" in self.cameras:
            path = f"/devices/vzenith/sec-{device}"
            return Reply(201, {"kind": "vzenith_http", "secret": f"sec-{device}", "path": path})
        return Reply(201, {"kind": "barrier_tcp", "secret": device.encode().ljust(32, b"!").hex(), "path": None})

    async def camera(self, request: Request, secret: str, path: str) -> Reply | None:
        device = self.cameras[secret]
        lane = self.lanes[device["lane"]]
        if request.headers["content-type"].startswith("multipart/form-data"):
            assert device["serial"].encode() in request.body
            return await self._comet(lane)
        body = request.json()
        if "AlarmGioIn" in body:
            trigger = body["AlarmGioIn"]["result"]["TriggerResult"]
            self.inputs.append((lane.code, trigger["source"], trigger["value"]))
            return Reply(200, {"Response_AlarmInfoPlate": {"info": "wait"}})
        if self.unstorable:
            self.unstorable -= 1
            return Reply(503, None, (("Retry-After", "0"),))
        alarm = body["AlarmInfoPlate"]
        assert alarm["serialno"] == device["serial"]
        return Reply(200, self._recognised(lane, alarm["serialno"], alarm["result"]["PlateResult"]))

    async def _comet(self, lane: Lane) -> Reply:
        try:
            async with asyncio.timeout(0.5):
                while await lane.opens.get() < time.monotonic() - 1:
                    pass  # nobody listened while it lived
        except TimeoutError:
            return Reply(200, {"Response_AlarmInfoPlate": {"info": "wait"}})
        return Reply(200, {"Response_AlarmInfoPlate": {"info": "ok", "is_pay": "true"}})

    # -- lanes

    def _recognised(self, lane: Lane, serial: str, result: dict[str, Any]) -> dict[str, Any]:
        assert base64.b64decode(result["imageFile"]).startswith(b"\xff\xd8")
        self.records.append(result)
        stamp = result["timeStamp"]["Timeval"]
        key = (serial, result["plateid"], stamp["sec"])
        if key not in self._answers:
            at = EPOCH + timedelta(seconds=stamp["sec"], microseconds=stamp["usec"])
            opens = self._decide(lane, result, at)
            answer: dict[str, Any] = {"info": "ok" if opens else "wait", "content": "retransfer_stop"}
            if result["isoffline"]:
                answer["ContinuePushOffline"] = {"plateid": result["plateid"], "continue": 1}
            self._answers[key] = {"Response_AlarmInfoPlate": answer}
        return self._answers[key]

    def _decide(self, lane: Lane, result: dict[str, Any], at: datetime) -> bool:
        plate = "" if result["license"] == "_无_" else result["license"]
        happened = bool(result["isoffline"]) or result["gioouts"][0]["ctrltype"] == 2
        if result["triggerType"] == 66:
            lane.waiting = None
            return False
        if not happened and abs(at - self.now()) > timedelta(seconds=120):
            at = self.now()
        near = [p for p in self.passages if (p["lane"], p["plate"]) == (lane.code, plate)]
        near = [p for p in near if abs(at - p["at"]) <= timedelta(seconds=10)]
        if near and (plate or not happened):
            return bool(near[-1]["action"] == "open" and lane.barrier is None)
        action = {"entry": self._enter, "exit": self._leave, "inner": self._cross}[lane.kind](lane, plate, at, happened)
        passage = {"id": f"p{next(self._ids)}", "lane": lane.code, "plate": plate, "at": at, "action": action}
        self.passages.append(passage)
        if lane.waiting is not None:
            lane.waiting["passage"] = passage["id"]
        if action == "hold" and lane.waiting and lane.waiting["ask"] in ("identify", "nothing"):
            self._raise("held", lane)
        if action == "open" and lane.barrier:
            self._open(lane)
        return action == "open" and lane.barrier is None

    def _enter(self, lane: Lane, plate: str, at: datetime, happened: bool) -> str:
        lane.waiting = None
        if not happened and sum(stay.left is None for stay in self.stays) >= self.lot["capacity"]:
            return "refuse"
        if not plate and not happened:
            lane.waiting = {"ask": "enter", "at": at}
            return "hold"
        self._admit(lane, plate, at)
        return "record" if happened else "open"

    def _admit(self, lane: Lane, plate: str, at: datetime) -> None:
        if self._inside(plate) is None:
            self.stays.append(Stay(f"s{next(self._ids)}", plate, at, areas=[(lane.target, at)]))
            if "double_stay" in self.cheats:
                self.cheats.discard("double_stay")
                self.stays.append(Stay(f"s{next(self._ids)}", plate, at, areas=[(lane.target, at)]))

    def _cross(self, lane: Lane, plate: str, at: datetime, happened: bool) -> str:
        stay = self._inside(plate)
        if stay is None:
            lane.waiting = {"ask": "nothing", "at": at}
            return "hold"
        stay.areas.append((lane.target, max(at, stay.areas[-1][1])))
        return "record" if happened else "open"

    def _leave(self, lane: Lane, plate: str, at: datetime, happened: bool) -> str:
        stay = self._inside(plate)
        lane.waiting = None
        if stay is None:
            lane.waiting = {"ask": "nothing" if plate else "identify", "at": at}
            return "hold"
        return self._leave_with(lane, stay, at, happened)

    def _leave_with(self, lane: Lane, stay: Stay, at: datetime, happened: bool = False) -> str:
        bill = self._bill(stay, at)
        if bill["due"]["minor"] > 0 and not happened:
            lane.stay = stay
            passage = lane.waiting["passage"] if lane.waiting else ""
            lane.waiting = {"ask": "pay", "bill": bill, "at": at, "passage": passage}
            return "hold"
        lane.waiting = None
        stay.left = at
        return "record" if happened else "open"

    def _open(self, lane: Lane) -> None:
        if lane.barrier is None:
            lane.opens.put_nowait(time.monotonic())
        elif lane.barrier in self.barriers.links:
            self.barriers.links[lane.barrier].command(1)

    def _inside(self, plate: str) -> Stay | None:
        return next((stay for stay in self.stays if stay.plate == plate and stay.left is None), None) if plate else None

    def _raise(self, kind: str, lane: Lane) -> None:
        passage = lane.waiting["passage"] if lane.waiting else None
        one = {"id": f"e{next(self._ids)}", "kind": kind, "lane": lane.code, "passage": passage, "state": "open"}
        self.exceptions.append(one)

    # -- money

    def _price(self, stay: Stay, until: datetime) -> int:
        """Minutes by tariff: 15 free as a threshold, 2.50 a begun half hour, 40.00 a day; inner areas 5.00 an hour."""
        if stay.plate in self.permits:
            return 0
        total = 0
        end = (until - stay.entered) // timedelta(minutes=1)
        marks = [(area, (at - stay.entered) // timedelta(minutes=1)) for area, at in stay.areas]
        for inner in (False, True):
            own = first = 0
            for index, (area, begin) in enumerate(marks):
                stop = marks[index + 1][1] if index + 1 < len(marks) else end
                if (area == "vip") == inner and stop > begin:
                    first = begin if not own else first
                    own += stop - begin
            if inner:
                total += -(-own // 60) * 500
            elif own > 15:
                days, rest = divmod(own, 1440)
                total += days * 4000 + min(-(-rest // 30) * 250, 4000)
        return total + (50 if "dear" in self.cheats else 0)

    def _bill(self, stay: Stay, at: datetime) -> dict[str, Any]:
        grace = [receipt["at"] for receipt in stay.receipts if at <= receipt["at"] + timedelta(minutes=15)]
        due = 0 if grace else max(self._price(stay, at) - stay.paid, 0)
        bill = {"id": f"b{next(self._ids)}", "due": cny(due), "lines": [], "quoted_at": at.isoformat()}
        stay.bills.append(bill)
        return bill

    def _settle(self, bill_id: str, method: str, minor: int) -> dict[str, Any]:
        stay = next(stay for stay in self.stays if any(bill["id"] == bill_id for bill in stay.bills))
        receipt = {
            "id": f"r{next(self._ids)}",
            "method": method,
            "amount": cny(minor),
            "bill": bill_id,
            "at": self.now(),
        }
        lanes = [one for one in self.lanes.values() if one.waiting and one.waiting.get("bill", {}).get("id") == bill_id]
        if "lose_receipt" in self.cheats and lanes:
            self.cheats.discard("lose_receipt")
        else:
            stay.receipts.append(receipt)
        for lane in lanes:
            stay.left = lane.waiting["at"] if lane.waiting else None
            lane.waiting = None
            self._open(lane)
        return {key: value for key, value in receipt.items() if key != "at"}

    async def pay_page(self, request: Request, number: str) -> Reply:
        order = self.orders[number]
        if order["state"] == "open":
            order |= {"state": "paid", "paid_minor": order["amount_minor"]}
            self.channel_minor += order["amount_minor"]
            task = asyncio.create_task(self._notify(order))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return Reply(200, order)

    async def _notify(self, order: dict[str, Any]) -> None:
        await asyncio.sleep(0.005)
        self._settle(order["bill"], "sandpay", order["amount_minor"])

    async def totals(self, request: Request) -> Reply:
        return Reply(200, {"paid_minor": {"CNY": self.channel_minor}, "orders_paid": 0})

    # -- codes

    async def scan(self, request: Request, code: str) -> Reply:
        return self._lane_view(self.by_code[code])

    def _lane_view(self, lane: Lane) -> Reply:
        waiting = {key: value for key, value in (lane.waiting or {}).items() if key != "at"}
        return Reply(200, {"kind": "lane", "lane": lane.code, "waiting": waiting or None})

    async def enter(self, request: Request, code: str) -> Reply:
        lane = self.by_code[code]
        if not lane.waiting or lane.waiting["ask"] != "enter":
            return Reply(409, {"code": "lane.nobody_waiting"})
        token = f"pass{next(self._ids):08d}"
        self._admit(lane, token, lane.waiting["at"])
        lane.waiting = None
        self._open(lane)
        return Reply(201, {"pass": token, "passage": "p"})

    async def leave(self, request: Request, code: str) -> Reply:
        lane, stay = self.by_code[code], self._inside(request.json()["pass"])
        if stay is None:
            return Reply(404, {"code": "stay.not_found"})
        asked = lane.waiting["ask"] if lane.waiting else ""
        if lane.waiting and asked != "pay" and self._leave_with(lane, stay, lane.waiting["at"]) == "open":
            self._open(lane)
        return self._lane_view(lane)

    async def bill(self, request: Request, code: str) -> Reply:
        body = request.json()
        stay = self._inside(body.get("plate") or body.get("pass"))
        return Reply(200, {"bill": self._bill(stay, self.now())}) if stay else Reply(404, {"code": "stay.not_found"})

    async def pay(self, request: Request, code: str) -> Reply:
        if code in self.by_code:
            waiting = self.by_code[code].waiting
            if not waiting or "bill" not in waiting:
                return Reply(409, {"code": "lane.nobody_waiting"})
            bill = waiting["bill"]
        else:
            wanted = request.json()["bill"]
            bill = next(bill for stay in self.stays for bill in stay.bills if bill["id"] == wanted)
        number = f"o{next(self._ids)}"
        minor = bill["due"]["minor"]
        self.orders[number] = {"out_trade_no": number, "state": "open", "amount_minor": minor, "bill": bill["id"]}
        return Reply(201, {"attempt": number, "pay_url": f"{self.url}/channel/{number}", "due": bill["due"]})

    # -- operator

    async def lane_view(self, request: Request, lot: str, lane: str) -> Reply:
        return self._lane_view(self.lanes[lane])

    async def open_lane(self, request: Request, lot: str, lane: str) -> Reply:
        found = self.lanes[lane]
        if found.waiting and found.kind == "exit" and found.stay and found.stay.left is None:
            found.stay.left = found.waiting["at"]
        found.waiting = None
        self._open(found)
        return Reply(200, {})

    async def cash(self, request: Request, lot: str, lane: str) -> Reply:
        body, waiting = request.json(), self.lanes[lane].waiting
        if not waiting or waiting.get("bill", {}).get("id") != body["bill"]:
            return Reply(409, {"code": "bill.settled"})
        due = waiting["bill"]["due"]["minor"]
        receipt = self._settle(body["bill"], "cash", due)
        return Reply(200, {"receipt": receipt, "change": cny(body["received"]["minor"] - due)})

    async def offline(self, request: Request, bill: str) -> Reply:
        body = request.json()
        waiting = [lane.waiting for lane in self.lanes.values() if lane.waiting]
        if not any(one.get("bill", {}).get("id") == bill for one in waiting) or body["method"] != "pos":
            return Reply(409, {"code": "bill.settled"})
        return Reply(200, {"receipt": self._settle(bill, "pos", body["amount"]["minor"])})

    async def stay_list(self, request: Request) -> Reply:
        found = [stay for stay in self.stays if stay.plate == request.query["plate"]]
        if state := request.query.get("state"):
            found = [stay for stay in found if (stay.left is None) == (state == "open")]
        return Reply(200, {"items": [self._stay_view(stay) for stay in found], "next": None})

    def _stay_view(self, stay: Stay) -> dict[str, Any]:
        segments = [{"area": area, "entered": at.isoformat()} for area, at in stay.areas]
        receipts = [{key: value for key, value in one.items() if key != "at"} for one in stay.receipts]
        return {
            "id": stay.id,
            "state": "open" if stay.left is None else "closed",
            "entered": stay.entered.isoformat(),
            "left": stay.left.isoformat() if stay.left else None,
            "segments": segments,
            "bills": [bill | {"left": cny(self._left(stay, bill))} for bill in stay.bills],
            "receipts": receipts,
        }

    @staticmethod
    def _left(stay: Stay, bill: dict[str, Any]) -> int:
        paid = any(receipt["bill"] == bill["id"] for receipt in stay.receipts)
        return 0 if paid or bill is not stay.bills[-1] else bill["due"]["minor"]

    async def passage_list(self, request: Request) -> Reply:
        query = request.query
        found = [p for p in self.passages if p["lane"] == query["lane"] and p["plate"] == query["plate"]]
        items = [{"id": p["id"], "captured_at": p["at"].isoformat(), "action": p["action"]} for p in found]
        return Reply(200, {"items": items, "next": None})

    async def exception_list(self, request: Request) -> Reply:
        items = [one for one in self.exceptions if one["state"] == "open"]
        return Reply(200, {"items": items, "next": None})

    async def resolve(self, request: Request, exception: str) -> Reply:
        found = next(one for one in self.exceptions if one["id"] == exception)
        body, lane = request.json(), self.lanes[found["lane"]]
        stay = None
        if body["action"] == "match_stay":
            stay = next((one for one in self.stays if one.id == body["stay"]), None)
        elif body["action"] == "correct_plate":
            stay = self._inside(body["plate"])
        if body["action"] in ("match_stay", "correct_plate"):
            if stay is None or lane.waiting is None:
                return Reply(409, {"code": "exception.no_stay"})
            if lane.kind == "inner":
                stay.areas.append((lane.target, lane.waiting["at"]))
                lane.waiting = None
                self._open(lane)
            elif self._leave_with(lane, stay, lane.waiting["at"]) == "open":
                self._open(lane)
        elif body["action"] == "open":
            await self.open_lane(request, "", lane.code)
        found["state"] = "resolved"
        return Reply(200, {})

    async def books(self, request: Request) -> Reply:
        received: dict[str, int] = {}
        for receipt in (receipt for stay in self.stays for receipt in stay.receipts):
            received[receipt["method"]] = received.get(receipt["method"], 0) + receipt["amount"]["minor"]
        closed = sum(stay.left is not None for stay in self.stays)
        return Reply(
            200,
            {
                "passages_in": 0,
                "passages_out": 0,
                "stays_open": len(self.stays) - closed,
                "stays_closed": closed,
                "billed": cny(0),
                "received": {method: cny(minor) for method, minor in received.items()},
                "due": cny(0),
                "surplus": cny(0),
            },
        )


_ROUTES = [
    ("GET /v1/clock", "clock"),
    ("GET /v1/lots/([^/]+)", "lot_view"),
    ("POST /v1/lots/([^/]+)/devices/([^/]+)/credentials", "credentials"),
    ("GET /v1/lots/([^/]+)/lanes/([^/]+)", "lane_view"),
    ("POST /v1/lots/([^/]+)/lanes/([^/]+)/open", "open_lane"),
    ("POST /v1/lots/([^/]+)/lanes/([^/]+)/cash", "cash"),
    ("POST /v1/bills/([^/]+)/offline", "offline"),
    ("GET /v1/stays", "stay_list"),
    ("GET /v1/passages", "passage_list"),
    ("GET /v1/exceptions", "exception_list"),
    ("POST /v1/exceptions/([^/]+)/resolve", "resolve"),
    ("GET /v1/books", "books"),
    ("POST /devices/vzenith/([^/]+)(/.*)?", "camera"),
    ("GET /c/([^/]+)", "scan"),
    ("POST /c/([^/]+)/enter", "enter"),
    ("POST /c/([^/]+)/leave", "leave"),
    ("POST /c/([^/]+)/bills", "bill"),
    ("POST /c/([^/]+)/pay", "pay"),
    ("GET /channel/([^/]+)", "pay_page"),
    ("GET /control/totals", "totals"),
]
