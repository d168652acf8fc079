"""Who is outside of the house and how it reaches them: payment channels, WeChat, short messages."""

import secrets
from contextlib import AsyncExitStack
from functools import partial

from openberth.contexts import payments
from openberth.contexts.payments.model.channels import ChannelKind
from openberth.contexts.payments.ports import ChannelMaker
from openberth.infra.database import Database
from openberth.infra.settings import Settings
from openberth.kernel.authority import system
from openberth.kernel.errors import Refused
from openberth.kernel.time import Clock
from openberth.providers.alipay import AlipayMaker
from openberth.providers.sandpay import SandpayMaker
from openberth.providers.sms import AliyunSms
from openberth.providers.wechat import Wechat
from openberth.providers.wechatpay import WechatPayMaker


def channel_makers(settings: Settings, machine: Clock) -> dict[ChannelKind, ChannelMaker]:
    """Return who makes the channels of each kind: the only place that names the adapters."""
    nonces = partial(secrets.token_hex, 16)
    return {
        ChannelKind.SANDPAY: SandpayMaker(machine, nonces),
        ChannelKind.WECHATPAY: WechatPayMaker(machine, nonces),
        ChannelKind.ALIPAY: AlipayMaker(machine),
    }


def settle_sandpay(settings: Settings, database: Database) -> None:
    """Keep the platform's contract with the sandbox channel as the settings say."""
    sandpay = settings.sandpay
    if sandpay is None:
        return
    try:
        merchant_key, channel_key = sandpay.private_key_file.read_text(), sandpay.public_key_file.read_text()
    except OSError as error:
        raise Refused("channel.key_unreadable", path=str(error.filename), reason=str(error.strerror)) from error
    keep = partial(
        payments.ensure_platform_account, kind=ChannelKind.SANDPAY, name="settings",
        params={"url": sandpay.url, "merchant": sandpay.merchant, "channel_key": channel_key},
        secrets={"merchant_key": merchant_key},
    )  # fmt: skip
    database.write_now(keep, by=system("settings"))


def vouching(settings: Settings, machine: Clock, stack: AsyncExitStack) -> Wechat | None:
    """Return who vouches for people of the mini-program, where the settings name an app."""
    wechat = settings.wechat
    if wechat is None:
        return None
    made = Wechat(
        base_url=wechat.url, appid=wechat.appid, secret=wechat.secret.get_secret_value(), clock=machine
    )  # fmt: skip
    stack.push_async_callback(made.aclose)
    return made


def texting(settings: Settings, machine: Clock, stack: AsyncExitStack) -> AliyunSms | None:
    """Return who sends short messages, where the settings name a gateway."""
    sms = settings.sms
    if sms is None:
        return None
    made = AliyunSms(
        base_url=sms.url, access_key=sms.access_key_id, secret=sms.access_key_secret.get_secret_value(),
        sign_name=sms.sign_name, template=sms.template_code, clock=machine,
    )  # fmt: skip
    stack.push_async_callback(made.aclose)
    return made
