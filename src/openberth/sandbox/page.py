"""The frame of a page on the payer's phone: small, nothing loaded from elsewhere, no script."""

from dataclasses import dataclass
from html import escape

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; base-uri 'none'; "
    "form-action *",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

_PAGE = """<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">{refresh}
<title>{title_zh} · {title_en}</title>
<style>
:root {{ color-scheme: light dark; --card: #fff; --ink: #1d2530; --soft: #5d6b7a; --line: #e4e9ee;
  --ground: {ground}; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --card: #1b222a; --ink: #eef2f5; --soft: #a3b0bd; --line: #2d3742; --ground: #111; }}
}}
* {{ box-sizing: border-box; }}
body {{ margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.25rem; background: var(--ground);
  color: var(--ink); font: 17px/1.5 system-ui, "PingFang SC", "Noto Sans SC", "Microsoft YaHei", sans-serif; }}
main {{ width: 100%; max-width: 24rem; padding: 2rem 1.5rem 1.25rem; text-align: center; background: var(--card);
  border-radius: 1.25rem; box-shadow: 0 8px 30px rgb(0 0 0 / .08); }}
.mark {{ width: 4rem; height: 4rem; margin: 0 auto 1rem; border-radius: 50%; display: grid; place-items: center;
  font-size: 2.1rem; color: #fff; background: {colour}; }}
h1 {{ margin: 0; font-size: 1.4rem; }}
h1 small {{ display: block; font-size: .95rem; font-weight: 400; color: var(--soft); }}
.amount {{ margin: 1.1rem 0 .2rem; font-size: 2.6rem; font-weight: 700; font-variant-numeric: tabular-nums; }}
.note {{ margin: 1rem 0 0; padding: .6rem .8rem; border-radius: .6rem; background: #fff4e0; color: #7a4b00;
  font-size: .92rem; }}
dl {{ margin: 1.2rem 0 0; padding-top: 1rem; border-top: 1px solid var(--line); text-align: left; font-size: .92rem; }}
dl div {{ display: flex; justify-content: space-between; gap: 1rem; padding: .2rem 0; }}
dt {{ color: var(--soft); white-space: nowrap; }}
dd {{ margin: 0; text-align: right; overflow-wrap: anywhere; }}
form {{ margin: 1.4rem 0 0; display: grid; gap: .7rem; }}
button, .button {{ width: 100%; padding: .8rem; border: 0; border-radius: .6rem; font: inherit; font-weight: 600;
  cursor: pointer; text-decoration: none; display: block; background: var(--line); color: var(--ink); }}
button.main, .button.main {{ background: {main}; color: #fff; }}
button:focus-visible, .button:focus-visible, input:focus-visible {{ outline: 3px solid #1677d2; outline-offset: 2px; }}
.two {{ display: grid; grid-template-columns: 1fr 1fr; gap: .7rem; }}
label {{ display: grid; gap: .4rem; text-align: left; font-size: .92rem; color: var(--soft); }}
input {{ width: 100%; padding: .7rem; border: 1px solid var(--line); border-radius: .6rem; font: inherit;
  background: var(--card); color: var(--ink); }}
footer {{ margin-top: 1.25rem; font-size: .8rem; color: var(--soft); }}
</style>
</head>
<body>
<main>
<div class="mark" aria-hidden="true">{mark}</div>
<h1>{title_zh}<small>{title_en}</small></h1>
{inside}
<footer>{channel}，{harmless_zh}<br>{harmless_en}</footer>
</main>
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class Frame:
    """How the pages of a channel look: its name below them with why it does no harm, its colour, the ground they lie on
    by day.
    """

    channel: str
    main: str
    ground: str
    harmless_zh: str = "不涉及真实资金"
    harmless_en: str = "A practice channel, no real money moves"

    def page(
        self, mark: str, colour: str, title_zh: str, title_en: str, inside: str, *, refresh_s: int | None = None
    ) -> str:
        """Return a page: a sign in its colour, a title in Chinese and English, and what stands below it, as HTML.

        ``refresh_s``: it is loaded again by itself.
        """
        return _PAGE.format(
            channel=self.channel, main=self.main, ground=self.ground, mark=mark, colour=colour, title_zh=title_zh,
            title_en=title_en, inside=inside, harmless_zh=self.harmless_zh, harmless_en=self.harmless_en,
            refresh="" if refresh_s is None else f'\n<meta http-equiv="refresh" content="{refresh_s}">',
        )  # fmt: skip


def facts(*pairs: tuple[str, str]) -> str:
    """Return a list of names and values."""
    rows = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in pairs)
    return f"<dl>{rows}</dl>"
