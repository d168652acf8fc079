"""The interfaces under ``/v3``: orders, refunds and keys, for direct merchants and for providers."""

from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.routing import Route

from openberth.sandbox.wechatpay import crypto, fields, views
from openberth.sandbox.wechatpay.bank import Bank
from openberth.sandbox.wechatpay.bills import Bills
from openberth.sandbox.wechatpay.codepay import CodePay
from openberth.sandbox.wechatpay.front import Asked, Front, Handler
from openberth.sandbox.wechatpay.instants import rfc3339
from openberth.sandbox.wechatpay.refunds import Refunds
from openberth.sandbox.wechatpay.refusals import Refusal, Why

WAYS = ("jsapi", "app", "h5", "native")


class Api:
    """The handlers of orders, refunds and keys."""

    def __init__(
        self,
        bank: Bank,
        refunds: Refunds,
        codepay: CodePay,
        ripened: Callable[[], None],
        address: str,
        plain_codes: bool,
    ) -> None:
        self._bank = bank
        self._refunds = refunds
        self._codepay = codepay
        self._ripened = ripened  # called when something may have become due earlier than was known
        self._address = address
        self._plain_codes = plain_codes

    def routes(self, front: Front, bills: Bills) -> list[Route]:
        """Return the routes."""
        serve = front.serve
        made: list[Route] = []
        for partner in (False, True):
            base = "/v3/pay/partner/transactions" if partner else "/v3/pay/transactions"
            number = base + "/out-trade-no/{number}"
            posts: dict[str, Handler] = {f"{base}/{way}": partial(self.open, way=way, partner=partner) for way in WAYS}
            posts |= {
                f"{base}/codepay": partial(self._codepay.pay, partner=partner),
                f"{number}/close": partial(self.close, partner=partner),
                f"{number}/reverse": partial(self._codepay.reverse, partner=partner),
            }
            made += [Route(path, serve(handler), methods=["POST"]) for path, handler in posts.items()]
            made.append(Route(base + "/id/{transaction_id}", serve(self.by_transaction), methods=["GET"]))
            made.append(Route(number, serve(self.by_number), methods=["GET"]))
        refunds = "/v3/refund/domestic/refunds"
        return [
            *made,
            Route(refunds, serve(self.refund), methods=["POST"]),
            Route(refunds + "/{number}", serve(self.refund_state), methods=["GET"]),
            Route(refunds + "/{refund_id}/apply-abnormal-refund", serve(self.another_way), methods=["POST"]),
            Route("/v3/certificates", serve(self.certificates, any_key=True), methods=["GET"]),
            Route("/v3/bill/tradebill", serve(bills.trade), methods=["GET"]),
            Route("/v3/bill/fundflowbill", serve(bills.fund_flow), methods=["GET"]),
            Route("/v3/billdownload/file", serve(bills.download), methods=["GET"]),
            Route("/v3/{rest:path}", serve(_nothing), methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        ]

    def open(self, asked: Asked, *, way: str, partner: bool) -> dict[str, Any]:
        """Open an order."""
        body = fields.read(asked.body, fields.order(way, partner))
        if "identity" in body.get("payer", {}):
            raise Refusal(Why.PARAMETER, "未开通实名支付", "/payer/identity")
        order = self._bank.open(asked.merchant, asked.serial, way, body)
        if way == "native":
            plain = f"{self._address}/?code_url=" if self._plain_codes else ""
            return {"code_url": f"{plain}weixin://wxpay/bizpayurl?pr={order.ticket}"}
        if way == "h5":
            path = "cgi-bin/mmpayweb-bin/checkmweb"
            return {"h5_url": f"{self._address}/{path}?prepay_id={order.ticket}&package={order.created_us % 10**10}"}
        return {"prepay_id": order.ticket}

    def by_number(self, asked: Asked) -> dict[str, Any]:
        """Tell of an order by the merchant's number."""
        payee = self._bank.payee(asked.merchant, asked.query)
        return views.transaction(self._bank.must_find(asked.merchant, asked.path["number"], payee)[1])

    def by_transaction(self, asked: Asked) -> dict[str, Any]:
        """Tell of an order by the channel's number."""
        payee = self._bank.payee(asked.merchant, asked.query)
        return views.transaction(self._bank.by_transaction(asked.merchant, asked.path["transaction_id"], payee)[1])

    def close(self, asked: Asked, *, partner: bool) -> None:
        """Close an order."""
        body = fields.read(asked.body, fields.CLOSE_PARTNER if partner else fields.CLOSE)
        self._bank.close(asked.merchant, asked.path["number"], self._bank.payee(asked.merchant, body))

    def refund(self, asked: Asked) -> dict[str, Any]:
        """Begin a refund."""
        told = views.refund(*self._refunds.ask(asked.merchant, fields.read(asked.body, fields.REFUND)))
        self._ripened()
        return told

    def refund_state(self, asked: Asked) -> dict[str, Any]:
        """Tell of a refund."""
        return views.refund(*self._refunds.find(asked.merchant, asked.path["number"], asked.query.get("sub_mchid")))

    def another_way(self, asked: Asked) -> dict[str, Any]:
        """Send an abnormal refund another way. Encrypted fields need the name of the key they were encrypted with."""
        body = fields.read(asked.body, fields.ABNORMAL_REFUND)
        if not asked.key_named:
            raise Refusal(Why.SERIAL)
        told = views.refund(
            *self._refunds.another_way(asked.merchant, asked.path["refund_id"], body, asked.key)
        )  # fmt: skip
        self._ripened()
        return told

    def certificates(self, asked: Asked) -> dict[str, Any]:
        """Hand over the platform certificates, encrypted. New merchants have none."""
        if asked.query.get("algorithm_type", "RSA") not in ("RSA", "ALL"):
            raise Refusal(Why.NO_CERTIFICATES, "SM2")
        found = [key for key in asked.merchant.platform if key.certificate is not None and asked.merchant.may(key)]
        if not found:
            raise Refusal(Why.NO_CERTIFICATES)
        return {
            "data": [
                {
                    "serial_no": key.id,
                    "effective_time": rfc3339(key.effective_us),
                    "expire_time": rfc3339(key.expire_us),
                    "encrypt_certificate": crypto.seal(
                        asked.merchant.api_key.encode(), (key.certificate or "").encode(), "certificate"
                    ),
                }
                for key in found
            ]
        }


def _nothing(_asked: Asked) -> None:
    raise Refusal(Why.NOT_FOUND, "接口不存在")
