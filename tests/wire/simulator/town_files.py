"""A small lot with every kind of lane, and its tariffs, written to files as a town reads them."""

from pathlib import Path
from typing import Any

import yaml

LOT: dict[str, Any] = {
    "lot": "openberth/1",
    "code": "mall",
    "company": "demo",
    "name": {"zh": "海港城", "en": "Harbour Mall"},
    "zone": "Asia/Shanghai",
    "currency": "CNY",
    "capacity": 400,
    "tariff": "mall",
    "areas": [
        {"code": "ground", "name": {"zh": "地面", "en": "Ground"}, "capacity": 400},
        {"code": "vip", "name": {"zh": "贵宾区", "en": "VIP"}, "capacity": 50, "inside": "ground", "tariff": "vip"},
    ],
    "lanes": [
        {"code": "in-1", "name": {}, "kind": "entry", "to": "ground"},
        {"code": "in-2", "name": {}, "kind": "entry", "to": "ground"},
        {"code": "out-1", "name": {}, "kind": "exit", "from": "ground"},
        {"code": "out-2", "name": {}, "kind": "exit", "from": "ground"},
        {"code": "vip-in", "name": {}, "kind": "inner", "from": "ground", "to": "vip"},
        {"code": "vip-out", "name": {}, "kind": "inner", "from": "vip", "to": "ground"},
    ],
    "devices": [
        *(
            {"code": f"cam-{lane}", "kind": "vzenith_http", "lane": lane, "serial": f"ser-{lane}"}
            for lane in ("in-1", "in-2", "out-1", "out-2", "vip-in", "vip-out")
        ),
        {"code": "bar-in-1", "kind": "barrier_tcp", "lane": "in-1", "serial": "bar-in-1"},
        {"code": "bar-out-1", "kind": "barrier_tcp", "lane": "out-1", "serial": "bar-out-1"},
    ],
    "simulation": {
        "arrivals_per_hour": [60] * 24,
        "stays": [
            {"share": 0.8, "median_minutes": 60, "sigma": 0.6},
            {"share": 0.2, "median_minutes": 12, "sigma": 0.2},
        ],
        "payment": {"prepay": 0.3, "code": 0.5, "cash": 0.2},
        "permit_share": 0.1,
        "unlicensed_share": 0.05,
        "inner_share": 0.2,
    },
}
MALL = {
    "tariff": "openberth/1",
    "code": "mall",
    "company": "demo",
    "name": {"zh": "商场", "en": "Mall"},
    "currency": "CNY",
    "free": {"minutes": 15, "mode": "threshold"},
    "charge": {"unit_minutes": 30, "price": "2.50", "rounding": "up"},
    "caps": [{"kind": "rolling_24h", "amount": "40.00"}],
    "seconds": "truncate",
    "grace_after_payment_minutes": 15,
}
VIP = MALL | {
    "code": "vip",
    "free": {"minutes": 0, "mode": "threshold"},
    "charge": {"unit_minutes": 60, "price": "5.00", "rounding": "up"},
    "caps": [],
}
PERMITS = {
    "permits": "openberth/1",
    "lot": "mall",
    "list": [{"code": f"r-{n}", "plate": f"粤B9{n:04d}", "kind": "resident"} for n in range(20)],
}


def write_files(folder: Path) -> dict[str, tuple[Path, ...]]:
    """Write the files and return their paths as ``TownConfig`` wants them."""
    written = {}
    for name, documents in (("lots", [LOT]), ("tariffs", [MALL, VIP]), ("permits", [PERMITS])):
        paths = []
        for index, document in enumerate(documents):
            path = folder / f"{name}-{index}.yaml"
            path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
            paths.append(path)
        written[name] = tuple(paths)
    return written
