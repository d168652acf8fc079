"""WeChat Pay APIv3, for merchants of their own and for service providers (wire: pay.weixin.qq.com, facts of 2026-11).

``signing`` proves messages in both directions, ``client`` carries them, ``channel`` speaks for payments, ``statement``
reads the bill of a day, ``payers`` finds out who pays inside WeChat, ``maker`` reads contracts.
"""

from openberth.providers.wechatpay.channel import WechatPay
from openberth.providers.wechatpay.maker import WechatPayMaker

__all__ = ["WechatPay", "WechatPayMaker"]
