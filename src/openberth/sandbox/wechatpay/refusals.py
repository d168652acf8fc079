"""Why a request is refused: status, code, text, and the number at the end of ``Request-ID`` that tells the real reason.

Numbers beginning with 268 or 270 are published. The published list has none for the reasons below that begin with 900:
those are the stand-in's own, so that nobody takes them for real ones.
"""

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason."""

    status: int
    code: str
    number: int
    message: str


class Why(Enum):
    """All reasons. The code is what a client may act on; the status of some differs between the published pages."""

    SIGNATURE = Reason(401, "SIGN_ERROR", 268443699, "签名错误，请检查后再试")
    PARAMETER = Reason(400, "PARAM_ERROR", 268435461, "参数错误")
    EXTRA = Reason(400, "PARAM_ERROR", 270924358, "传入了接口未定义的参数")
    RANGE = Reason(400, "PARAM_ERROR", 268435464, "参数超出取值范围")
    NO_OPENID = Reason(400, "PARAM_ERROR", 268501013, "openid不能为空")
    NO_SUB = Reason(400, "PARAM_ERROR", 268443704, "缺少子商户号")
    OWN_SUB = Reason(400, "PARAM_ERROR", 268443705, "子商户号不能与服务商商户号相同")
    WRONG_SUB = Reason(400, "INVALID_REQUEST", 268447845, "子商户号与下单时不一致")
    NO_RELATION = Reason(403, "NO_AUTH", 268443701, "服务商与子商户没有受理关系")
    RESTRICTED = Reason(403, "NO_AUTH", 268448010, "商户收款功能被限制")
    UNUSABLE = Reason(403, "ACCOUNT_ERROR", 268443715, "商户号状态异常")
    APPID = Reason(400, "APPID_MCHID_NOT_MATCH", 268445527, "appid与mchid不匹配")
    REENTRY = Reason(400, "INVALID_REQUEST", 268498688, "请求重入时，参数与首次请求时不一致")
    NO_ORDER = Reason(404, "ORDER_NOT_EXIST", 268512771, "订单不存在")
    OTHERS_ORDER = Reason(400, "INVALID_REQUEST", 268447843, "订单不属于该商户")
    ORDER_OVER = Reason(400, "ORDER_CLOSED", 268447914, "订单已关闭或已过期")
    PAID_NOT_OPENED = Reason(403, "ORDERPAID", 268498689, "该订单已支付")
    PAID_NOT_CLOSED = Reason(403, "ORDERPAID", 268449538, "该订单已支付")
    REVERSE_IT = Reason(400, "INVALID_REQUEST", 268449641, "付款码订单请使用撤销接口")
    TOO_OFTEN = Reason(429, "FREQUENCY_LIMITED", 268447840, "频率超限")
    BROKEN = Reason(500, "SYSTEM_ERROR", 900000001, "系统异常，请使用相同参数稍后重新调用")
    BANK = Reason(500, "BANK_ERROR", 900000002, "银行系统异常")
    NOT_FOUND = Reason(404, "RESOURCE_NOT_EXISTS", 900000003, "资源不存在")
    NO_CERTIFICATES = Reason(404, "RESOURCE_NOT_EXISTS", 900000004, "无可用的平台证书，请在商户平台使用微信支付公钥")
    NOT_ENOUGH = Reason(403, "NOT_ENOUGH", 900000005, "基本账户余额不足，请充值后重新发起")
    TOO_MUCH_BACK = Reason(400, "INVALID_REQUEST", 900000006, "申请退款金额大于订单可退金额")
    TOO_MANY_REFUNDS = Reason(403, "RULE_LIMIT", 900000007, "单笔订单最多退款50次")
    NOT_PAID = Reason(400, "INVALID_REQUEST", 900000008, "订单未支付，不能退款")
    TOO_OLD = Reason(400, "INVALID_REQUEST", 900000009, "订单已超过可退款的期限")
    NOT_ABNORMAL = Reason(400, "INVALID_REQUEST", 900000010, "退款单不是异常状态")
    NO_BILL = Reason(400, "NO_STATEMENT_EXIST", 900000011, "账单文件不存在")
    BILL_NOT_READY = Reason(400, "STATEMENT_CREATING", 900000012, "账单生成中，请稍后再试")
    SERIAL = Reason(400, "PARAM_ERROR", 900000013, "请求头Wechatpay-Serial缺失或不是可用的公钥ID/平台证书序列号")
    AUTH_CODE = Reason(400, "AUTH_CODE_INVALID", 900000014, "付款码无效或已失效")
    POOR = Reason(403, "NOTENOUGH", 900000015, "用户余额不足")
    REVERSED = Reason(400, "TRADE_ERROR", 900000016, "订单不能撤销")


class Refusal(Exception):
    """A refusal on its way to the client. ``detail`` goes behind the message; ``field`` is a JSON pointer."""

    def __init__(self, why: Why, detail: str = "", field: str | None = None) -> None:
        super().__init__(why.name, detail)
        self.why = why
        self.detail = detail
        self.field = field

    @property
    def body(self) -> dict[str, object]:
        """The body of the answer."""
        reason = self.why.value
        said: dict[str, object] = {
            "code": reason.code,
            "message": f"{reason.message}：{self.detail}" if self.detail else reason.message,
        }
        if self.field is not None:
            said["detail"] = {"location": "body", "field": self.field, "issue": self.detail}
        return said
