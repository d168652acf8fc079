"""The small pages behind the codes: one column, nothing loaded from anywhere, in Chinese or English.

There is one script, on the page that hands an order to the WeChat app around it (``bridge``); no other page has any.
"""

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Literal, Protocol
from zoneinfo import ZoneInfo

from starlette.responses import Response

from openberth.contexts.facility import LaneContext, LaneKind, LotSummary
from openberth.contexts.payments import Attempt, AttemptState, PayPlace
from openberth.contexts.payments.model.channels import ChannelKind
from openberth.contexts.stays.api import bridge
from openberth.contexts.stays.api.driver import DriverLane, DriverLot, DriverWaiting
from openberth.contexts.stays.api.e_receipt_views import EReceiptView
from openberth.contexts.stays.api.views import DueView
from openberth.contexts.stays.model.entities import Ask
from openberth.infra.catalogue import Language, text
from openberth.infra.http.answers import MoneyView, NameView
from openberth.kernel.ids import Id
from openberth.kernel.money import Money
from openberth.kernel.plates import Plate
from openberth.kernel.time import as_datetime, from_iso

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": _POLICY,
    # Never which sign or receipt, but whose pages: WeChat refuses an H5 order that comes from nowhere.
    "referrer-policy": "strict-origin",
    "x-content-type-options": "nosniff",
}

_STYLE = """
:root{color-scheme:light dark;--ink:#14213d;--soft:#5c677d;--line:#d9dee7;--paper:#fff;--ground:#f2f4f8;--go:#0b6e4f}
@media(prefers-color-scheme:dark){:root{--ink:#eef1f6;--soft:#a3adbd;--line:#333c4a;--paper:#1b222d;--ground:#11161d;--go:#1f9d74}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);
font:17px/1.5 system-ui,-apple-system,"PingFang SC","Noto Sans CJK SC","Microsoft YaHei",sans-serif}
main{max-width:26rem;margin:0 auto;padding:1rem}
header{display:flex;justify-content:space-between;color:var(--soft);font-size:.85rem;padding:.25rem 0 .75rem}
section{background:var(--paper);border:1px solid var(--line);border-radius:.75rem;padding:1.1rem;margin-bottom:.9rem}
h1{font-size:1.15rem;margin:0 0 .2rem}
p{margin:.4rem 0}
.soft{color:var(--soft);font-size:.9rem}
.big{font-size:2.2rem;font-weight:650;margin:.3rem 0;font-variant-numeric:tabular-nums}
.plate{display:inline-block;border:2px solid currentColor;border-radius:.4rem;padding:.05rem .6rem;font-weight:650;
letter-spacing:.06em}
ul{list-style:none;margin:.6rem 0 0;padding:.6rem 0 0;border-top:1px solid var(--line)}
li{display:flex;justify-content:space-between;gap:1rem;font-size:.92rem;padding:.12rem 0}
li span:last-child{white-space:nowrap;font-variant-numeric:tabular-nums}
form{margin:.9rem 0 0}
[hidden]{display:none}
label{display:block;font-size:.9rem;color:var(--soft);margin-bottom:.25rem}
input{width:100%;font:inherit;padding:.6rem .7rem;border:1px solid var(--line);border-radius:.5rem;
background:var(--ground);color:inherit}
button{width:100%;font:inherit;font-weight:600;padding:.8rem;border:0;border-radius:.6rem;background:var(--go);color:#fff;
margin-top:.6rem}
a.go{display:block;text-align:center;text-decoration:none;font-weight:600;padding:.8rem;border-radius:.6rem;
border:1px solid var(--go);margin-top:.6rem}
img{display:block;width:100%;height:auto;border-radius:.5rem;background:#fff}
button.other{background:none;border:1px solid var(--go);color:inherit}
code{font-size:1.05rem;word-break:break-all}
a{color:inherit}
"""


class Named(Protocol):
    """A lot or a lane with its name in both languages."""

    @property
    def name_zh(self) -> str: ...  # noqa: D102

    @property
    def name_en(self) -> str: ...  # noqa: D102


def name_of(thing: Named) -> NameView:
    """Return a name in both languages."""
    return NameView(zh=thing.name_zh, en=thing.name_en)


def page_response(page: str, status: int = 200, *, pictures: Literal["'self'", "data:"] | None = None) -> Response:
    """Return a page as an answer; ``pictures`` are those of this very server, or of the page itself."""
    headers = HEADERS | {"content-security-policy": f"img-src {pictures}; {_POLICY}"} if pictures else HEADERS
    return Response(page, status, headers, "text/html")


def script_response(page: str) -> Response:
    """Return the page that runs the one script there is."""
    policy = f"script-src '{bridge.DIGEST}'; {_POLICY}"
    return Response(page, 200, HEADERS | {"content-security-policy": policy}, "text/html")


def place_of(code: str) -> str:
    """Return the address of a sign's page."""
    return f"/c/{code}"


def lane_page(
    lane: LaneContext, answer: DriverLane, language: Language, *, has_pass: bool, receipt: str | None = None
) -> str:
    """Return the page of a lane: what the car that waits there has to do. ``receipt`` is where that of the last payment
    by this phone is.
    """
    head = _head(lane.lot_zh if language == "zh" else lane.lot_en, answer.name.zh if language == "zh" else
                 answer.name.en)  # fmt: skip
    waiting, paid = answer.waiting, _receipts([receipt] if receipt else [], language)
    if waiting is None:
        body = _p(text("page.nobody", language))
        if lane.kind is LaneKind.ENTRY:
            body += _p(text("page.nobody_entry", language), "soft")
        return _page(head + _section(body) + paid, language, place_of(lane.scan_code))
    plate = f'<p><span class="plate">{escape(waiting.plate)}</span></p>' if waiting.plate else ""
    todo = _section(plate + _todo(lane, waiting, language, has_pass=has_pass))
    return _page(head + todo + paid, language, place_of(lane.scan_code))


def lot_page(lot: LotSummary, code: str, answer: DriverLot, language: Language, *, receipt: str | None = None) -> str:
    """Return the page of a lot: free spaces, and a form to pay before going to the car; ``receipt`` as at a lane."""
    state = text(f"page.state_{answer.state}", language)
    head = _section(
        f"<h1>{escape(_name(answer.name, language))}</h1>{_p(state, 'soft')}"
        f"{_p(str(answer.free), 'big')}{_p(text('page.free', language), 'soft')}"
    )
    label, button = text("page.plate", language), text("page.ask_price", language)
    form = (
        f'<form method="post" action="/c/{escape(code)}/bills?lang={language}"><label for="plate">{escape(label)}'
        f'</label><input id="plate" name="plate" maxlength="12" autocomplete="off" required>{_button(button)}</form>'
    )
    passed = f'<form method="post" action="/c/{escape(code)}/bills?lang={language}">'
    passed += f"{_button(text('page.ask_price_pass', language))}</form>"
    paid = _receipts([receipt] if receipt else [], language)
    pay = _section(_p(text("page.pay_early", language)) + form + passed)
    return _page(head + paid + pay, language, place_of(code))


def bill_page(
    lot: LotSummary, code: str, due: DueView, plate: Plate, channels: Sequence[ChannelKind], language: Language,
    receipts: Sequence[str] = (),
) -> str:  # fmt: skip
    """Return the page of a bill that is asked for before going to the car; ``receipts`` are where receipts are."""
    parts = f"<h1>{escape(_name(name_of(lot), language))}</h1>"
    parts += f'<p><span class="plate">{escape(plate.masked)}</span></p>{_due(due, language, lot.zone)}'
    if due.due.minor:
        hidden = f'<input type="hidden" name="bill" value="{escape(due.id)}">'
        parts += _pay_form(code, hidden, channels, language)
    else:
        parts += _p(text("page.nothing_due_pass" if plate.is_unlicensed else "page.nothing_due", language))
    return _page(_section(parts) + _receipts(receipts, language), language, place_of(code))


def pass_page(lot: LotSummary, code: str, token: str, language: Language) -> str:
    """Return the page that gives a pass."""
    parts = f"<h1>{escape(_name(name_of(lot), language))}</h1>{_p(text('page.welcome', language))}"
    parts += f"<p><code>{escape(token)}</code></p>{_p(text('page.keep_pass', language), 'soft')}"
    return _page(_section(parts), language, place_of(code))


def receipt_page(e_receipt: EReceiptView, place: str, language: Language) -> str:
    """Return the page of a receipt: its picture, and both files to take along."""
    file = f"{escape(place)}/slip"
    words = f"{text('page.e_receipt', language)} {e_receipt.number}: {_money(e_receipt.amount)}"
    picture = f'<img src="{file}.png?lang={language}" alt="{escape(words)}">'
    files = "".join(
        f'<a class="go" href="{file}.{form}?lang={language}" download="{escape(e_receipt.number)}.{form}">'
        f"{escape(text(f'page.e_receipt_{form}', language))}</a>"
        for form in ("pdf", "png")
    )
    return _page(_section(picture) + _section(files), language, place)


def app_page(
    code: str, amount: MoneyView, fields: Mapping[str, str], following: str, language: Language
) -> str:  # fmt: skip
    """Return the page that gives an order to the WeChat app around it; ``following`` shows what became of it."""
    words = "".join(
        f'<p id="{word}"{"" if word == "opening" else " hidden"}>{escape(text(f"page.app_{word}", language))}</p>'
        for word in ("opening", "cancel", "fail", "elsewhere")
    )
    handed = f'data-fields="{escape(json.dumps(dict(fields)))}" data-next="{escape(following)}"'
    button = f'<button id="again" type="button" hidden>{escape(text("page.pay_by.wechatpay", language))}</button>'
    body = f'<div id="order" {handed}>{_p(_money(amount), "big")}{words}{button}</div>{_home(place_of(code), language)}'
    return _page(_section(body) + f"<script>{bridge.SCRIPT}</script>", language, None)


def not_known_page(word: str, code: str, bill: Id, channels: Sequence[ChannelKind], language: Language) -> str:
    """Return the page for somebody whom WeChat did not name: to try again, or to pay another way.

    ``word`` says why, as far as that helps the reader.
    """
    hidden = f'<input type="hidden" name="bill" value="{bill}">'
    show = (
        f'<form method="post" action="/c/{escape(code)}/pay?lang={language}">{hidden}'
        f'<input type="hidden" name="way" value="code"><button class="other" name="channel" '
        f'value="{ChannelKind.WECHATPAY}">{escape(text("page.show_code", language))}</button></form>'
    )
    body = _p(text(word, language)) + _pay_form(code, hidden, channels, language) + show
    return _page(_section(body), language, place_of(code))


def payment_page(
    code: str, attempt: Attempt, picture: str | None, *, receipt: str, language: Language, again_at: int | None
) -> str:
    """Return the page of a payment as it stands.

    ``picture`` is its code while another phone has to scan it; ``again_at`` counts how often the page looked by itself
    while there is no end, None when it does so no more.
    """
    place = f"{place_of(code)}/payment"
    if attempt.state is AttemptState.PAID:
        word = "page.opening" if attempt.place is PayPlace.EXIT else "page.paid"
        return _page(_section(_p(text(word, language))) + _receipts([receipt], language), language, place)
    body, following = _p(str(attempt.amount), "big"), ""
    if attempt.ended_at is not None:
        word = "page.differs" if attempt.state is AttemptState.DIFFERS else "page.not_paid"
        body += _p(text(word, language)) + _home(place_of(code), language)
    else:
        if picture is None:
            body += _p(text("page.confirming", language))
        else:
            app = text(f"page.app.{attempt.channel}", language)
            body += f'<img src="{picture}" alt="{escape(text("page.code", language))}">'
            body += _p(text("page.code_browser", language)) + _p(text("page.code_other", language, app=app))
        if again_at is None:
            look = escape(text("page.look_again", language))
            body += f'<a class="go" href="{escape(place)}?lang={language}">{look}</a>'
        else:
            following = f'<meta http-equiv="refresh" content="5;url={escape(place)}?lang={language}&amp;n={again_at}">'
        body += _home(place_of(code), language)
    return _page(_section(body), language, place, following)


def problem_page(problem: Mapping[str, Any], place: str | None, language: Language) -> str:
    """Return the page of something that could not be done, and where it leads back to."""
    parts = _p(str(problem["title"]))
    if problem.get("trace"):
        parts += _p(str(problem["trace"]), "soft")
    if place:
        parts += _home(place, language)
    return _page(_section(parts), language, place)


def _todo(lane: LaneContext, waiting: DriverWaiting, language: Language, *, has_pass: bool) -> str:
    action = f"/c/{escape(lane.scan_code)}"
    if waiting.ask is Ask.PAY and waiting.bill is not None:
        due = _due(waiting.bill, language, lane.zone)
        if not waiting.bill.due.minor:
            return due + _p(text("page.opening", language))
        return due + _pay_form(lane.scan_code, "", waiting.channels, language)
    if waiting.ask is Ask.ENTER:
        button = _button(text("page.enter", language))
        said = _p(text("page.unread_entry", language))
        return f'{said}<form method="post" action="{action}/enter?lang={language}">{button}</form>'
    said = _p(text("page.unread_exit" if waiting.ask is Ask.IDENTIFY else "page.booth", language))
    target = f"{action}/leave?lang={language}"
    kept = (
        f'<form method="post" action="{target}">{_button(text("page.use_pass", language))}</form>' if has_pass else ""
    )
    label = escape(text("page.pass", language))
    typed = (
        f'<form method="post" action="{target}"><label for="pass">{label}</label><input id="pass" name="pass" '
        f'maxlength="64" autocomplete="off" required>{_button(text("page.show_pass", language))}</form>'
    )
    return said + kept + typed


def _pay_form(code: str, hidden: str, channels: Sequence[ChannelKind], language: Language) -> str:
    """Return the form that leads to the channel: one button, or one for each kind where the lot has several."""
    if len(channels) < 2:
        buttons = _button(text("page.pay", language))
    else:
        buttons = "".join(
            f'<button name="channel" value="{kind}"{" class=other" if index else ""}>'
            f"{escape(text(f'page.pay_by.{kind}', language))}</button>"
            for index, kind in enumerate(channels)
        )
    return f'<form method="post" action="/c/{escape(code)}/pay?lang={language}">{hidden}{buttons}</form>'


def _due(due: DueView, language: Language, zone: str) -> str:
    lines = "".join(
        f"<li><span>{escape(line.text)}</span><span>{escape(_money(line.amount))}</span></li>" for line in due.lines
    )
    parts = f"{_p(text('page.due', language), 'soft')}{_p(_money(due.due), 'big')}"
    if due.valid_until is not None and due.due.minor:
        until = as_datetime(from_iso(due.valid_until), ZoneInfo(zone)).strftime("%H:%M")
        parts += _p(text("page.valid_until", language, time=until), "soft")
    return parts + (f"<ul>{lines}</ul>" if lines else "")


def _money(amount: MoneyView) -> str:
    return str(Money(amount.minor, amount.currency))


def _name(name: NameView, language: Language) -> str:
    return name.zh if language == "zh" else name.en


def _head(lot: str, lane: str) -> str:
    return f"<header><span>{escape(lot)}</span><span>{escape(lane)}</span></header>"


def _section(inside: str) -> str:
    return f"<section>{inside}</section>"


def _p(words: str, kind: str = "") -> str:
    return f'<p class="{kind}">{escape(words)}</p>' if kind else f"<p>{escape(words)}</p>"


def _button(words: str) -> str:
    return f"<button>{escape(words)}</button>"


def _receipts(places: Sequence[str], language: Language) -> str:
    links = "".join(
        f'<a class="go" href="{escape(place)}?lang={language}">{escape(text("page.e_receipt", language))}</a>'
        for place in places
    )
    return _section(links) if links else ""


def _home(place: str, language: Language) -> str:
    """Return the way back to where it began."""
    address = f"{escape(place)}?lang={language}"
    return f'<a class="go" href="{address}">{escape(text("page.start_again", language))}</a>'


def _page(body: str, language: Language, place: str | None, head: str = "") -> str:
    other, named = ("en", "English") if language == "zh" else ("zh", "中文")
    tag = "zh-CN" if language == "zh" else "en"
    address = f"{escape(place or '')}?lang={other}"
    link = f'<p class="soft"><a href="{address}" lang="{other}">{named}</a></p>' if place else ""
    return (
        f'<!doctype html><html lang="{tag}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">'
        f"{head}"
        f"<title>{escape(text('page.title', language))}</title><style>{_STYLE}</style></head><body><main>{body}"
        f"{link}</main></body></html>"
    )
