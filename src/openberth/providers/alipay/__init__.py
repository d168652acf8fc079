"""Alipay by its gateway v2, for merchants of their own and for service providers (wire: opendocs.alipay.com, 2026-11).

``signing`` proves messages in both directions, ``envelope`` finds what of an answer is signed, ``client`` carries
requests, ``channel`` speaks for payments, ``notices`` reads what is told, ``statement`` the bill of a day, ``maker``
contracts. Amounts are yuan texts on this wire and whole fen as soon as they are read (``amounts``).
"""

from openberth.providers.alipay.channel import Alipay
from openberth.providers.alipay.maker import AlipayMaker

__all__ = ["Alipay", "AlipayMaker"]
