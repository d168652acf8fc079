"""The pages on the payer's phone, in Chinese and English."""

from collections.abc import Sequence
from html import escape

from openberth.sandbox.page import Frame, facts
from openberth.sandbox.wechatpay.bank import OPEN, PhoneRefused
from openberth.sandbox.wechatpay.instants import rfc3339
from openberth.sandbox.wechatpay.records import TRADE_TYPES, Order

_FRAME = Frame("模拟微信支付", "#07834a", "#ededed")

_BUTTONS = """<form method="post">
<button class="main" name="do" value="pay">立即支付 Pay</button>
<div class="two"><button name="do" value="fail">支付失败 Fail</button>
<button name="do" value="wait">稍后 Later</button></div>
</form>"""


def order(of: Order, note: str, back: str, expired: bool) -> str:
    """The page of an order as it stands. ``back`` is where the merchant wants the payer afterwards."""
    inside = f'<p class="amount">{money(of.payer_total if of.paid_us is not None else of.total)}</p>'
    if note:
        inside += f'<p class="note" role="status">{escape(note)}</p>'
    told = [("商品 Item", of.description), ("商户 Merchant", of.payee), ("方式 Way", TRADE_TYPES[of.way])]
    if of.coupon:
        told.append(("优惠 Coupon", f"-{money(of.coupon)}"))
    if of.paid_us is not None:
        told += [
            ("时间 Time", rfc3339(of.paid_us).replace("T", " ").removesuffix("+08:00")),
            ("交易单号 Transaction", of.transaction_id or ""),
        ]
    inside += facts(*told)
    link = f'<p><a class="button main" href="{escape(back)}">返回商家 Back</a></p>' if back else ""
    if of.paid_us is not None:
        title = ("↩", "#b7791f", "已退款", "Refunded") if of.state in ("REFUND", "REVOKED") else (
            "✓", "#07834a", "支付成功", "Paid, thank you")  # fmt: skip
        return _FRAME.page(*title, inside + link)
    if of.state not in OPEN or expired:
        return _FRAME.page("!", "#b7791f", "订单已关闭或已过期", "Closed or expired", inside + link)
    return _FRAME.page("¥", "#07834a", "待支付", "Waiting for payment", inside + _BUTTONS)


def refused(why: PhoneRefused) -> str:
    """The page of something that cannot be paid."""
    return _FRAME.page("!", "#b42318", escape(why.chinese), escape(why.english), "")


def who(asked: Sequence[tuple[str, str]], openid: str) -> str:
    """The page that asks a browser who its person is, before it goes back to whoever sent it."""
    kept = "".join(f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in asked)
    inside = f"""<form method="get">{kept}<label>我的 openid My openid
<input name="openid" required autocomplete="off" maxlength="128" value="{escape(openid)}"></label>
<button class="main">继续 Go on</button>
<button name="preview" value="1">页面预览 As a preview</button></form>"""
    return _FRAME.page("微", "#07834a", "你是谁？", "Who are you?", inside)


def scanner() -> str:
    """The page that takes the text of a code in place of a camera."""
    inside = """<form method="get"><label>二维码内容 Text of the code
<input name="code_url" required autocomplete="off" placeholder="weixin://wxpay/bizpayurl?pr=…"></label>
<button class="main">扫一扫 Scan</button></form>"""
    return _FRAME.page("扫", "#07834a", "扫一扫", "Scan a code", inside)


def money(fen: int) -> str:
    """Return an amount as people read it, e.g. ``¥5.00``."""
    return f"¥{fen // 100}.{fen % 100:02d}"
