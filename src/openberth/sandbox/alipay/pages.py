"""The pages on the payer's phone: small, in Chinese and English, nothing loaded from elsewhere, no script."""

from html import escape

from openberth.sandbox.alipay.bank import PhoneRefused
from openberth.sandbox.alipay.clock import wall
from openberth.sandbox.alipay.fields import yuan
from openberth.sandbox.alipay.records import Trade

BLUE, AMBER, RED = "#1465d8", "#b7791f", "#b42318"

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; base-uri 'none'; "
    "form-action *",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

_PAGE = """<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title_zh} · {title_en}</title>
<style>
:root {{ color-scheme: light dark; --card: #fff; --ink: #1d2530; --soft: #5d6b7a; --line: #e4e9ee; --ground: #eef3fb; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --card: #1b222a; --ink: #eef2f5; --soft: #a3b0bd; --line: #2d3742; --ground: #111; }}
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
.amount {{ margin: 1.1rem 0 .2rem; font-size: 2.6rem; font-weight: 700; font-variant-numeric: tabular-nums; }}
.note {{ margin: 1rem 0 0; padding: .6rem .8rem; border-radius: .6rem; background: #fff4e0; color: #7a4b00;
  font-size: .92rem; }}
dl {{ margin: 1.2rem 0 0; padding-top: 1rem; border-top: 1px solid var(--line); text-align: left; font-size: .92rem; }}
dl div {{ display: flex; justify-content: space-between; gap: 1rem; padding: .2rem 0; }}
dt {{ color: var(--soft); white-space: nowrap; }}
dd {{ margin: 0; text-align: right; overflow-wrap: anywhere; }}
form {{ margin: 1.4rem 0 0; display: grid; gap: .7rem; }}
button, .button {{ width: 100%; padding: .8rem; border: 0; border-radius: .6rem; font: inherit; font-weight: 600;
  cursor: pointer; text-decoration: none; display: block; background: var(--line); color: var(--ink); }}
button.main, .button.main {{ background: #1465d8; color: #fff; }}
button:focus-visible, .button:focus-visible, input:focus-visible {{ outline: 3px solid #1677d2; outline-offset: 2px; }}
.two {{ display: grid; grid-template-columns: 1fr 1fr; gap: .7rem; }}
label {{ display: grid; gap: .4rem; text-align: left; font-size: .92rem; color: var(--soft); }}
input {{ width: 100%; padding: .7rem; border: 1px solid var(--line); border-radius: .6rem; font: inherit;
  background: var(--card); color: var(--ink); }}
footer {{ margin-top: 1.25rem; font-size: .8rem; color: var(--soft); }}
</style>
</head>
<body>
<main>
<div class="mark" aria-hidden="true">{mark}</div>
<h1>{title_zh}<small>{title_en}</small></h1>
{inside}
<footer>模拟支付宝，不涉及真实资金<br>A practice channel, no real money moves</footer>
</main>
</body>
</html>
"""

_BUTTONS = """<form method="post">
<button class="main" name="do" value="pay">确认付款 Pay</button>
<div class="two"><button name="do" value="fail">支付失败 Fail</button>
<button name="do" value="wait">稍后 Later</button></div>
</form>"""
_WAYS = {"create": "小程序 Mini-program", "precreate": "扫码 Code", "wap": "手机网页 Web"}


def trade(of: Trade, note: str, back: str, stale: bool) -> str:
    """The page of a trade as it stands. ``back`` is where the merchant wants the payer afterwards."""
    inside = f'<p class="amount">¥{yuan(of.buyer_paid if of.paid_us is not None else of.total)}</p>'
    if note:
        inside += f'<p class="note" role="status">{escape(note)}</p>'
    facts = [("商品 Item", str(of.body["subject"])), ("收款方 Payee", of.pid), ("方式 Way", _WAYS[of.way])]
    if of.coupon:
        facts.append(("优惠 Coupon", f"-¥{yuan(of.coupon)}"))
    if of.paid_us is not None:
        facts += [("时间 Time", wall(of.paid_us)), ("交易号 Trade", of.trade_no or "")]
    if of.refunded:
        facts.append(("已退款 Refunded", f"¥{yuan(of.refunded)}"))
    inside += _facts(*facts)
    link = f'<p><a class="button main" href="{escape(back)}">返回商家 Back</a></p>' if back else ""
    if of.paid_us is not None and of.status == "TRADE_CLOSED":
        return _page("↩", AMBER, "已全额退款", "Refunded", inside + link)
    if of.paid_us is not None:
        return _page("✓", BLUE, "支付成功", "Paid, thank you", inside + link)
    if of.status == "TRADE_CLOSED" or stale:
        return _page("!", AMBER, "交易已关闭或二维码已失效", "Closed or expired", inside + link)
    return _page("¥", BLUE, "待付款", "Waiting for payment", inside + _BUTTONS + link.replace(" main", ""))


def refused(why: PhoneRefused) -> str:
    """The page of something that cannot be paid."""
    return _page("!", RED, escape(why.chinese), escape(why.english), "")


def broken(sub_code: str, message: str) -> str:
    """The page of a request that the gateway refuses."""
    return _page("!", RED, "调试错误，请回到请求来源地", "The request is refused",
                 _facts(("错误代码 Code", sub_code), ("错误原因 Reason", message)))  # fmt: skip


def scanner() -> str:
    """The page that takes the text of a code in place of a camera."""
    inside = """<form method="get"><label>二维码内容 Text of the code
<input name="qr_code" required autocomplete="off" placeholder="https://qr.alipay.com/bax…"></label>
<button class="main">扫一扫 Scan</button></form>"""
    return _page("扫", BLUE, "扫一扫", "Scan a code", inside)


def _page(mark: str, colour: str, title_zh: str, title_en: str, inside: str) -> str:
    return _PAGE.format(mark=mark, colour=colour, title_zh=title_zh, title_en=title_en, inside=inside)


def _facts(*facts: tuple[str, str]) -> str:
    rows = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts)
    return f"<dl>{rows}</dl>"
