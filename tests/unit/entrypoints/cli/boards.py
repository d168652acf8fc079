"""Answers of the API as the live view gets them."""

from typing import Any

from openberth.entrypoints.cli.top.model import Board
from openberth.entrypoints.cli.top.reading import cases_of, overview_of, passages_of

NOW = "2026-11-20T01:30:00.000000Z"  # 09:30 in Shanghai


def cny(minor: int) -> dict[str, Any]:
    return {"minor": minor, "currency": "CNY"}


def lane(code: str, kind: str, waiting: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"code": code, "name": {"zh": f"{code}道", "en": f"Lane {code}"}, "kind": kind, "waiting": waiting}


def waiting(minor: int = 500) -> dict[str, Any]:
    return {
        "plate": "粤B·**911", "ask": "pay", "since": "2026-11-20T01:29:48.000000Z", "bill": {"due": cny(minor)},
    }  # fmt: skip


def lot(code: str = "mall", **changes: Any) -> dict[str, Any]:
    return {
        "id": f"id-{code}", "code": code, "name": {"zh": "海港城", "en": "Harbour Mall"}, "zone": "Asia/Shanghai",
        "currency": "CNY", "state": "open", "capacity": 400, "occupied": 148,
        "lanes": [lane("in-1", "entry"), lane("out-1", "exit", waiting())],
        "devices": [
            {"code": "cam-in-1", "online": True, "has_credentials": True},
            {"code": "bar-in-1", "online": False, "has_credentials": True},
            {"code": "new-1", "online": False, "has_credentials": False},
        ],
        "received_today": cny(124_050), "exceptions_open": 1, **changes,
    }  # fmt: skip


def overview(*lots: dict[str, Any]) -> dict[str, Any]:
    return {"business_now": NOW, "machine_now": NOW, "lots": list(lots or (lot(),))}


def passage(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"{number:04d}", "captured_at": "2026-11-20T01:29:30.000000Z", "lot": "mall", "lane": "in-1",
        "plate": "粤B·**345", "action": "open", "reason": "entry.casual", "state": "passed", **changes,
    }  # fmt: skip


def case(**changes: Any) -> dict[str, Any]:
    return {
        "id": "c1", "lot": "mall", "lane": "out-1", "kind": "plate_unread", "raised_at": "2026-11-20T01:26:00.000000Z",
        **changes,
    }  # fmt: skip


def board(at_s: float = 100.0, *lots: dict[str, Any]) -> Board:
    result = Board(url="http://127.0.0.1:8420", speed=60)
    result.take_overview(overview_of(overview(*lots)), at_s)
    result.feed_began(at_s)
    result.take_passages("mall", passages_of({"items": [passage(number) for number in range(1, 6)]}))
    result.cases["mall"] = cases_of({"items": [case()]})
    return result
