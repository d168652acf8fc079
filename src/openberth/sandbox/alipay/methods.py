"""The methods of the gateway, one handler each."""

from typing import Any

from openberth.sandbox.alipay import views
from openberth.sandbox.alipay.bank import Bank
from openberth.sandbox.alipay.bills import Bills
from openberth.sandbox.alipay.gateway import PAGE, Asked, Handler
from openberth.sandbox.alipay.records import Trade
from openberth.sandbox.alipay.refunds import Refunds


class Methods:
    """The handlers of trades, refunds and bills."""

    def __init__(self, bank: Bank, refunds: Refunds, bills: Bills, address: str, plain_codes: bool) -> None:
        self._bank = bank
        self._refunds = refunds
        self._bills = bills
        self._address = address
        self._plain_codes = plain_codes

    def handlers(self) -> dict[str, Handler]:
        """Return them by method."""
        return {
            "alipay.trade.create": self.create,
            "alipay.trade.precreate": self.precreate,
            PAGE: self.wap,
            "alipay.trade.query": self.query,
            "alipay.trade.close": self.close,
            "alipay.trade.cancel": lambda asked: self._refunds.cancel(asked.party, asked.content),
            "alipay.trade.refund": lambda asked: self._refunds.ask(asked.party, asked.content),
            "alipay.trade.fastpay.refund.query": lambda asked: self._refunds.query(asked.party, asked.content),
            "alipay.data.dataservice.bill.downloadurl.query": lambda asked: self._bills.link(
                asked.party, asked.content
            ),
        }

    def create(self, asked: Asked) -> dict[str, Any]:
        """Make a trade for a mini-program: known at once."""
        trade = self._open(asked, "create")
        return {"out_trade_no": trade.number, "trade_no": trade.trade_no}

    def precreate(self, asked: Asked) -> dict[str, Any]:
        """Make a code: a trade only when somebody scans it."""
        trade = self._open(asked, "precreate")
        plain = f"{self._address}/?qr_code=" if self._plain_codes else ""
        return {"out_trade_no": trade.number, "qr_code": f"{plain}https://qr.alipay.com/{trade.ticket}"}

    def wap(self, asked: Asked) -> str:
        """Send a browser to the page: a trade only when somebody signs in there."""
        return f"{self._address}/pay/{self._open(asked, 'wap').page}"

    def _open(self, asked: Asked, way: str) -> Trade:
        given = asked.parameters
        return self._bank.open(
            asked.party, way, asked.content, given.get("notify_url", ""), given.get("return_url", "")
        )  # fmt: skip

    def query(self, asked: Asked) -> dict[str, Any]:
        """Tell of a trade."""
        self._refunds.ripen()
        _, trade = self._bank.find(asked.party, asked.content)
        return views.trade(trade, self._bank.apps[trade.app])

    def close(self, asked: Asked) -> dict[str, Any]:
        """Close a trade."""
        trade = self._bank.close(asked.party, asked.content)
        return {"out_trade_no": trade.number, "trade_no": trade.trade_no}
