"""The pages on the payer's phone, in Chinese and English."""

from html import escape

from openberth.sandbox.alipay.bank import PhoneRefused
from openberth.sandbox.alipay.fields import yuan
from openberth.sandbox.alipay.instants import wall
from openberth.sandbox.alipay.records import Trade
from openberth.sandbox.page import Frame, facts

BLUE, AMBER, RED = "#1465d8", "#b7791f", "#b42318"

_FRAME = Frame("模拟支付宝", BLUE, "#eef3fb")

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
    told = [("商品 Item", str(of.body["subject"])), ("收款方 Payee", of.pid), ("方式 Way", _WAYS[of.way])]
    if of.coupon:
        told.append(("优惠 Coupon", f"-¥{yuan(of.coupon)}"))
    if of.paid_us is not None:
        told += [("时间 Time", wall(of.paid_us)), ("交易号 Trade", of.trade_no or "")]
    if of.refunded:
        told.append(("已退款 Refunded", f"¥{yuan(of.refunded)}"))
    inside += facts(*told)
    link = f'<p><a class="button main" href="{escape(back)}">返回商家 Back</a></p>' if back else ""
    if of.paid_us is not None and of.status == "TRADE_CLOSED":
        return _FRAME.page("↩", AMBER, "已全额退款", "Refunded", inside + link)
    if of.paid_us is not None:
        return _FRAME.page("✓", BLUE, "支付成功", "Paid, thank you", inside + link)
    if of.status == "TRADE_CLOSED" or stale:
        return _FRAME.page("!", AMBER, "交易已关闭或二维码已失效", "Closed or expired", inside + link)
    return _FRAME.page("¥", BLUE, "待付款", "Waiting for payment", inside + _BUTTONS + link.replace(" main", ""))


def refused(why: PhoneRefused) -> str:
    """The page of something that cannot be paid."""
    return _FRAME.page("!", RED, escape(why.chinese), escape(why.english), "")


def broken(sub_code: str, message: str) -> str:
    """The page of a request that the gateway refuses."""
    return _FRAME.page("!", RED, "调试错误，请回到请求来源地", "The request is refused",
                 facts(("错误代码 Code", sub_code), ("错误原因 Reason", message)))  # fmt: skip


def scanner() -> str:
    """The page that takes the text of a code in place of a camera."""
    inside = """<form method="get"><label>二维码内容 Text of the code
<input name="qr_code" required autocomplete="off" placeholder="https://qr.alipay.com/bax…"></label>
<button class="main">扫一扫 Scan</button></form>"""
    return _FRAME.page("扫", BLUE, "扫一扫", "Scan a code", inside)
