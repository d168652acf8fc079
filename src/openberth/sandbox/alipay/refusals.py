"""Why a request is refused: by the gateway itself (unsigned, as ``error_response``) or by a service behind it (signed).

``code`` is what a client may act on first, ``sub_code`` what tells more. Codes and texts are the published ones.
"""

from enum import Enum
from typing import NamedTuple

SUCCESS = ("10000", "Success")
_MESSAGES = {
    "20000": "Service Currently Unavailable", "20001": "Insufficient Token Permissions",
    "40001": "Missing Required Arguments", "40002": "Invalid Arguments", "40003": "Insufficient Conditions",
    "40004": "Business Failed", "40005": "Call Limited", "40006": "Insufficient Permissions",
}  # fmt: skip


class Reason(NamedTuple):
    """One reason. ``gateway``: the gateway itself refuses, no service has seen the request."""

    code: str
    sub_code: str
    message: str
    gateway: bool = False


class Why(Enum):
    """All reasons."""

    DOWN = Reason("20000", "isp.unknow-error", "系统繁忙", True)
    TOKEN = Reason("20001", "aop.invalid-app-auth-token", "无效的应用授权令牌", True)
    TOKEN_OVER = Reason("20001", "aop.app-auth-token-time-out", "应用授权令牌已过期", True)
    NO_METHOD = Reason("40001", "isv.missing-method", "缺少方法名参数", True)
    NO_SIGNATURE = Reason("40001", "isv.missing-signature", "缺少签名参数", True)
    NO_SIGN_TYPE = Reason("40001", "isv.missing-signature-type", "缺少签名类型参数", True)
    NO_APP = Reason("40001", "isv.missing-app-id", "缺少appId参数", True)
    NO_TIMESTAMP = Reason("40001", "isv.missing-timestamp", "缺少时间戳参数", True)
    NO_VERSION = Reason("40001", "isv.missing-version", "缺少版本参数", True)
    NO_CERT = Reason("40001", "isv.missing-app-cert-sn", "缺少应用公钥证书序列号", True)
    NO_ROOT_CERT = Reason("40001", "isv.missing-alipay-root-cert-sn", "缺少支付宝根证书序列号", True)
    PARAMETER = Reason("40002", "isv.invalid-parameter", "参数无效", True)
    METHOD = Reason("40002", "isv.invalid-method", "不存在的方法名", True)
    FORMAT = Reason("40002", "isv.invalid-format", "无效的数据格式", True)
    JSON = Reason("40002", "isv.illegal-json", "biz_content不是合法的JSON", True)
    SIGN_TYPE = Reason("40002", "isv.invalid-signature-type", "无效的签名类型", True)
    SIGNATURE = Reason("40002", "isv.invalid-signature", "无效签名", True)
    APP = Reason("40002", "isv.invalid-app-id", "无效的appId参数", True)
    TIMESTAMP = Reason("40002", "isv.invalid-timestamp", "非法的时间戳参数", True)
    CHARSET = Reason("40002", "isv.invalid-charset", "字符集错误", True)
    CERT = Reason("40002", "isv.app-cert-not-exist", "应用公钥证书序列号不存在", True)
    ROOT_CERT = Reason("40002", "isv.invalid-alipay-root-cert-sn", "无效的支付宝根证书序列号", True)
    NO_KEY = Reason("40003", "isv.missing-signature-config", "验签出错，未配置对应签名算法的公钥或者证书", True)
    LIMITED = Reason("40005", "isv.app-call-limited", "应用调用次数超限，包含调用频率超限", True)
    PERMISSION = Reason("40006", "isv.insufficient-isv-permissions", "ISV权限不足", True)
    SYSTEM = Reason("20000", "ACQ.SYSTEM_ERROR", "系统错误")
    SYSTEM_FAILED = Reason("40004", "ACQ.SYSTEM_ERROR", "系统错误")
    FIELD = Reason("40004", "ACQ.INVALID_PARAMETER", "参数无效")
    NO_TRADE = Reason("40004", "ACQ.TRADE_NOT_EXIST", "交易不存在")
    PAID = Reason("40004", "ACQ.TRADE_HAS_SUCCESS", "交易已被支付")
    CLOSED = Reason("40004", "ACQ.TRADE_HAS_CLOSE", "交易已经关闭")
    OTHERWISE = Reason("40004", "ACQ.CONTEXT_INCONSISTENT", "交易信息被篡改")
    STATUS = Reason("40004", "ACQ.TRADE_STATUS_ERROR", "交易状态不合法")
    FINISHED = Reason("40004", "ACQ.TRADE_HAS_FINISHED", "交易已完结")
    TOO_MUCH_BACK = Reason("40004", "ACQ.REASON_TRADE_REFUND_FEE_ERR", "退款金额无效")
    OTHER_REFUND = Reason("40004", "ACQ.DISCORDANT_REPEAT_REQUEST", "不一致的请求")
    POOR_SELLER = Reason("40004", "ACQ.SELLER_BALANCE_NOT_ENOUGH", "卖家余额不足")
    CANCEL_TOO_LATE = Reason("40004", "ACQ.CANCEL_TIME_OUT", "超过撤销时间范围，请调用退款接口")
    SELLER = Reason("40004", "ACQ.PARTNER_ERROR", "合作伙伴异常，seller_id与应用不一致")
    FORBIDDEN = Reason("40004", "ACQ.ACCESS_FORBIDDEN", "无权限使用接口")
    BILL_ARGUMENTS = Reason("40004", "INVAILID_ARGUMENTS", "入参不合法")  # spelt so by the real one
    NO_BILL = Reason("40004", "BILL_NOT_EXIST", "账单不存在")


class Refusal(Exception):
    """A refusal on its way to the client; ``detail`` goes behind the message."""

    def __init__(self, why: Why, detail: str = "") -> None:
        super().__init__(why.name, detail)
        self.why = why
        self.detail = detail

    @property
    def node(self) -> dict[str, str]:
        """What the answer says."""
        reason = self.why.value
        message = f"{reason.message}：{self.detail}" if self.detail else reason.message
        return {
            "code": reason.code, "msg": _MESSAGES[reason.code], "sub_code": reason.sub_code, "sub_msg": message,
        }  # fmt: skip
