"""The pages that a phone shows after scanning a code: small, in Chinese and English, nothing loaded from elsewhere."""

from datetime import UTC, datetime
from html import escape

from openberth.sandbox.sandpay.store import Order

_SIGNS = {"CNY": "¥", "HKD": "HK$", "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "SGD": "S$"}
_WITHOUT_MINOR = frozenset({"JPY", "KRW", "VND"})

_PAGE = """<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title_zh} · {title_en}</title>
<style>
:root {{ color-scheme: light dark; --card: #fff; --ink: #1d2530; --soft: #5d6b7a; --line: #e4e9ee; --ground: #eef2f5; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --card: #1b222a; --ink: #eef2f5; --soft: #a3b0bd; --line: #2d3742; --ground: #10151a; }}
}}
* {{ box-sizing: border-box; }}
body {{ margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.25rem; background: var(--ground);
  color: var(--ink); font: 17px/1.5 system-ui, "PingFang SC", "Noto Sans SC", "Microsoft YaHei", sans-serif; }}
main {{ width: 100%; max-width: 24rem; padding: 2rem 1.5rem 1.25rem; text-align: center; background: var(--card);
  border-radius: 1.25rem; box-shadow: 0 8px 30px rgb(0 0 0 / .08); }}
.mark {{ width: 4rem; height: 4rem; margin: 0 auto 1rem; border-radius: 50%; display: grid; place-items: center;
  font-size: 2.1rem; color: #fff; background: {colour}; }}
h1 {{ margin: 0; font-size: 1.4rem; }}
h1 small {{ display: block; font-size: .95rem; font-weight: 400; color: var(--soft); }}
.amount {{ margin: 1.1rem 0 .2rem; font-size: 2.4rem; font-weight: 700; font-variant-numeric: tabular-nums; }}
dl {{ margin: 1.2rem 0 0; padding-top: 1rem; border-top: 1px solid var(--line); text-align: left; font-size: .92rem; }}
dl div {{ display: flex; justify-content: space-between; gap: 1rem; padding: .2rem 0; }}
dt {{ color: var(--soft); white-space: nowrap; }}
dd {{ margin: 0; text-align: right; overflow-wrap: anywhere; }}
a.button {{ display: block; margin: 1.2rem 0 0; padding: .8rem; border-radius: .6rem; background: #1677d2; color: #fff;
  font-weight: 600; text-decoration: none; }}
footer {{ margin-top: 1.25rem; font-size: .8rem; color: var(--soft); }}
</style>
</head>
<body>
<main>
<div class="mark" aria-hidden="true">{mark}</div>
<h1>{title_zh}<small>{title_en}</small></h1>
{inside}
<footer>模拟支付，不涉及真实资金<br>Sandbox payment, no real money moves</footer>
</main>
</body>
</html>
"""


def paid(order: Order, back: str = "") -> str:
    """The page of an order that is paid, with a link back to the merchant where one came along."""
    when = "" if order.paid_at is None else datetime.fromtimestamp(order.paid_at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    inside = _amount(order) + _facts(
        ("商品 Item", order.subject),
        ("时间 Time", when),
        ("交易号 Transaction", order.transaction_id or ""),
    )
    if back:
        inside += f'<a class="button" href="{escape(back)}">返回商家 Back to the car park</a>'
    return _page("✓", "#12a150", "支付成功", "Paid, thank you", inside)


def ready(order: Order) -> str:
    """The page of an order that can be paid, for whoever only looks."""
    return _page("¥", "#1677d2", "待支付", "Waiting for payment", _amount(order) + _facts(("商品 Item", order.subject)))


def closed(order: Order) -> str:
    """The page of an order that nobody can pay any more."""
    inside = (
        _amount(order)
        + _facts(("商品 Item", order.subject))
        + "<p>没有扣款，请重新扫码。<br>Nothing was charged. Please scan again.</p>"
    )
    return _page("!", "#b7791f", "订单已关闭", "This order is closed", inside)


def nowhere() -> str:
    """The page of a code that belongs to no order."""
    return _page("?", "#6b7785", "没有这个订单", "There is no such order", "")


def amount_text(minor: int, currency: str) -> str:
    """Return an amount as people read it, e.g. ``¥5.00``."""
    sign = _SIGNS.get(currency, f"{currency} ")
    return f"{sign}{minor}" if currency in _WITHOUT_MINOR else f"{sign}{minor // 100}.{minor % 100:02d}"


def _page(mark: str, colour: str, title_zh: str, title_en: str, inside: str) -> str:
    return _PAGE.format(mark=mark, colour=colour, title_zh=title_zh, title_en=title_en, inside=inside)


def _amount(order: Order) -> str:
    return f'<p class="amount">{escape(amount_text(order.amount_minor, order.currency))}</p>'


def _facts(*facts: tuple[str, str]) -> str:
    rows = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts)
    return f"<dl>{rows}</dl>"
