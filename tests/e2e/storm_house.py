"""The processes of a payments storm: the server, and the stand-ins of WeChat Pay and Alipay with books that survive."""

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from tests.e2e.house import YAML, House, _sent, wechatpay_contract
from tests.ports import free_port
from tests.wire import alipay_peer, wechatpay_peer

MCHID, APPID = "1900000021", wechatpay_peer.APPID
APP, PID = "2021000000000001", "2088000000000101"
WECHATPAY, ALIPAY = "wechatpay", "alipay"
KINDS = (WECHATPAY, ALIPAY)
LOT = "storm"
ENTRIES = 2
FLOAT_FEN = 100_000_000  # what lies on the merchants' accounts before: refunds never fail for want of it
CONTROL_S = 300.0
UNLIMITED = ("ADDRESS", "ACCOUNT", "DEVICE")
TARIFF = """
tariff: openberth/1
code: storm
company: demo
name: {zh: 风暴, en: Storm}
currency: CNY
charge: {unit_minutes: 30, price: "2.53", rounding: up}
grace_after_payment_minutes: 15
"""


@dataclass(frozen=True)
class Book:
    """What a stand-in took and gave back, from its own books: fen by transaction, and by the number of the refund."""

    taken: dict[str, int]
    orders: dict[str, tuple[str, int]]  # of each paid order of ours: the transaction, and the fen that were taken
    refunds: dict[str, int]
    told: dict[str, int]  # how notifications went wrong, by kind


@dataclass
class StormHouse(House):
    """A server on the machine's own time with one lot of many exits, and two channels that can be killed, too."""

    exits: int = 8
    ports: dict[str, int] = field(default_factory=lambda: {kind: free_port() for kind in KINDS})
    stand_ins: dict[str, Any] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        ours = {
            name: value
            for name, value in super().environment().items()
            if not name.startswith(("OPENBERTH_SANDPAY", "OPENBERTH_CLOCK"))
        }
        return ours | {f"OPENBERTH_LIMITS__{name}_PER_MINUTE": "1000000" for name in UNLIMITED}

    def _start_sandpay(self) -> None:
        for kind in KINDS:
            self.begin(kind)

    def begin(self, kind: str) -> Any:
        """Start a stand-in, at the address it always had, with the books it left behind."""
        peer = wechatpay_peer.Sandbox if kind == WECHATPAY else alipay_peer.Sandbox
        self.stand_ins[kind] = peer("--port", str(self.ports[kind]), data=self.folder / kind)
        # What was held back is sent one after the other before the control side answers.
        self.stand_ins[kind].http.timeout = CONTROL_S
        return self.stand_ins[kind]

    def stand_in_url(self, kind: str) -> str:
        return f"http://127.0.0.1:{self.ports[kind]}"

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        for stand_in in self.stand_ins.values():
            stand_in.__exit__()

    def furnish(self) -> None:
        with httpx2.Client(base_url=self.url, headers={"authorization": f"Bearer {self.token}"}, timeout=60) as api:
            _sent(api.put("/v1/tariffs/storm", content=TARIFF.encode(), headers=YAML))
            _sent(api.put(f"/v1/lots/{LOT}", content=lot_file(self.exits).encode(), headers=YAML))
        self.post("/v1/channels", self._wechatpay())
        self.post("/v1/channels", self._alipay())

    def _wechatpay(self) -> dict[str, Any]:
        stand_in = self.stand_ins[WECHATPAY]
        told = stand_in.control("merchants", mchid=MCHID, appids=[APPID])
        stand_in.control(f"accounts/{MCHID}", balance=FLOAT_FEN)
        return wechatpay_contract(told, stand_in.url)

    def _alipay(self) -> dict[str, Any]:
        stand_in = self.stand_ins[ALIPAY]
        told = stand_in.control("apps", app_id=APP, pid=PID)
        stand_in.control(f"accounts/{PID}", balance=FLOAT_FEN)
        return {
            "level": "company", "node": "demo", "kind": ALIPAY, "name": "Alipay", "rank": 20,
            "params": {
                "app_id": APP, "seller_id": PID, "alipay_public_key": told["alipay_public_key"], "url": stand_in.url,
            },
            "secrets": {"private_key": told["private_key"]},
        }  # fmt: skip

    def close_books(self) -> dict[str, Book]:
        """End the stand-ins and read what they hold."""
        for stand_in in self.stand_ins.values():
            stand_in.close()
        return {
            WECHATPAY: _wechatpay_book(self.folder / WECHATPAY / "wechatpay.sqlite3"),
            ALIPAY: _alipay_book(self.folder / ALIPAY / "alipay.sqlite3"),
        }


def lot_file(exits: int) -> str:
    """Return a lot of many exits: every other one has a barrier of its own, the rest the relays of their cameras."""
    lanes = [f"{{code: in-{n}, name: {{zh: 入口, en: Entry}}, kind: entry, to: main}}" for n in range(ENTRIES)]
    lanes += [f"{{code: out-{n}, name: {{zh: 出口, en: Exit}}, kind: exit, from: main}}" for n in range(exits)]
    where = "addresses: [127.0.0.0/8]"
    devices = [f"{{code: cam-in-{n}, kind: vzenith_http, lane: in-{n}, {where}}}" for n in range(ENTRIES)]
    devices += [f"{{code: cam-out-{n}, kind: vzenith_http, lane: out-{n}, {where}}}" for n in range(exits)]
    devices += [
        f"{{code: bar-out-{n}, kind: barrier_tcp, lane: out-{n}, {where}, serial: storm-{n}}}"
        for n in range(0, exits, 2)
    ]
    lines = [*(f"  - {lane}" for lane in lanes), "devices:", *(f"  - {device}" for device in devices)]
    return (
        f"lot: openberth/1\ncode: {LOT}\ncompany: demo\nname: {{zh: 风暴, en: Storm}}\nzone: Asia/Shanghai\n"
        "currency: CNY\ncapacity: 100000\ntariff: storm\nlanes:\n" + "\n".join(lines) + "\n"
    )


def _documents(path: Path, table: str) -> list[tuple[int, dict[str, Any]]]:
    # No two of the stand-ins' tables have the same shape, but all keep their rows as documents.
    row = "rowid" if table in ("callbacks", "notices") else "seq"
    with closing(sqlite3.connect(path)) as books:
        return [(seq, json.loads(doc)) for seq, doc in books.execute(f"SELECT {row}, doc FROM {table}")]


def _wechatpay_book(path: Path) -> Book:
    paid = [order for _, order in _documents(path, "orders") if order.get("paid_us") is not None]
    refunds = [refund for _, refund in _documents(path, "refunds") if refund["status"] == "SUCCESS"]
    return Book(
        taken={order["transaction_id"]: order["total"] for order in paid},
        orders={order["number"]: (order["transaction_id"], order["total"]) for order in paid},
        refunds={refund["number"]: refund["refund"] for refund in refunds},
        told=_mishaps([note for _, note in _documents(path, "callbacks")]),
    )


def _alipay_book(path: Path) -> Book:
    paid = [trade for _, trade in _documents(path, "trades") if trade.get("paid_us") is not None]
    refunds = [refund for _, refund in _documents(path, "refunds") if refund["state"] == "done"]
    return Book(
        taken={trade["trade_no"]: trade["total"] for trade in paid},
        orders={trade["number"]: (trade["trade_no"], trade["total"]) for trade in paid},
        refunds={refund["number"]: refund["amount"] for refund in refunds},
        told=_mishaps([note for _, note in _documents(path, "notices")]),
    )


def _mishaps(notes: list[dict[str, Any]]) -> dict[str, int]:
    hows = [attempt["how"] for note in notes for attempt in note.get("attempts", ())]
    return {
        "notifications": len(notes),
        "dropped": sum(note.get("state") == "dropped" for note in notes),
        "told again": sum(sum(one["how"] == "good" for one in note.get("attempts", ())) > 1 for note in notes),
        "forged": sum(how != "good" for how in hows),
    }
