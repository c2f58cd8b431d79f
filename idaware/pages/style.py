"""What every page of ours looks like: one stylesheet, the mark, the pictograms. All inline, nothing fetched.

Colours are custom properties, written once for light and once for dark; a test measures their contrast (WCAG
2.2, 1.4.3: 4.5 to 1 for text). Meaning is never in a colour alone: a tone comes with a pictogram and a word.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from markupsafe import Markup

Tone: TypeAlias = Literal["plain", "ask", "good", "warn", "bad"]
"""The mood of a card: neutral, a question to the person, a success, a caution, a refusal."""


def compact(css: str) -> str:
    """``css`` with each line's indentation and end taken off: it is readable here and short on the wire."""
    return "".join(line.strip() for line in css.splitlines())


_COLOURS: Final = """
:root{
  color-scheme:light dark;
  --bg:#f3f5f7;--card:#fff;--sunk:#f6f8f9;--text:#181c22;--muted:#545c69;--line:#dbe0e6;
  --accent:#0a5c6b;--on-accent:#fff;--accent-soft:#e2f1f3;
  --good:#17693a;--good-soft:#e3f4e9;--warn:#744600;--warn-soft:#fdf1d8;--bad:#a1262b;--bad-soft:#fcebea;
  --shadow:0 1px 2px #10182014,0 8px 28px #1018200f
}
@media (prefers-color-scheme:dark){:root{
  --bg:#0e1216;--card:#171c22;--sunk:#1e242b;--text:#e9ecf0;--muted:#a7b0bd;--line:#303843;
  --accent:#74cbd6;--on-accent:#04262b;--accent-soft:#12333a;
  --good:#7fd8a0;--good-soft:#14301f;--warn:#f1c777;--warn-soft:#342810;--bad:#ff9f99;--bad-soft:#3a1a1b;
  --shadow:0 1px 2px #0006,0 8px 28px #0004
}}
"""

_FRAME: Final = """
*,::before,::after{box-sizing:border-box}
html{
  font:100%/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
  background:var(--bg);color:var(--text);-webkit-text-size-adjust:100%
}
body{
  margin:0;padding:0 1rem;min-height:100vh;
  display:flex;flex-direction:column;align-items:center;overflow-wrap:anywhere
}
.brand,main,.foot{width:100%;max-width:42rem}
.wide .brand,.wide main,.wide .foot{max-width:72rem}
.brand{
  display:flex;align-items:center;gap:.6rem;padding:1.4rem .25rem 1.1rem;
  font-weight:650;letter-spacing:-.01em
}
.brand svg{flex:none;width:1.65rem;height:1.65rem;color:var(--accent)}
main{flex:1 0 auto}
.foot{
  display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;padding:1.25rem .25rem 1.75rem;
  font-size:.8125rem;color:var(--muted)
}
.card{
  background:var(--card);border:1px solid var(--line);border-radius:.9rem;box-shadow:var(--shadow);
  padding:clamp(1.15rem,4.5vw,2.1rem);margin:0 0 1.1rem
}
.card>:last-child{margin-bottom:0}
.eyebrow{
  display:flex;align-items:center;gap:.65rem;margin:0 0 .85rem;
  font-size:.875rem;font-weight:600;color:var(--muted)
}
.badge{
  display:grid;place-items:center;flex:none;width:2.35rem;height:2.35rem;border-radius:50%;
  background:var(--sunk);color:var(--muted)
}
.badge svg{width:1.25rem;height:1.25rem}
.ask .badge{background:var(--accent-soft);color:var(--accent)}
.good .badge{background:var(--good-soft);color:var(--good)}
.warn .badge{background:var(--warn-soft);color:var(--warn)}
.bad .badge{background:var(--bad-soft);color:var(--bad)}
"""

_TEXT: Final = """
h1{
  font-size:clamp(1.4rem,1.15rem + 1.3vw,1.8rem);line-height:1.22;letter-spacing:-.018em;font-weight:680;
  margin:0 0 .55rem;text-wrap:balance
}
.card ul:not([class]){padding-left:1.3rem}
.card ul:not([class]) li{margin-bottom:.35rem}
h2{font-size:1.0625rem;line-height:1.35;letter-spacing:-.008em;font-weight:650;margin:1.75rem 0 .55rem}
p{margin:0 0 .9rem}
.lead{font-size:1.0625rem}
.muted,small{color:var(--muted)}
small{font-size:.8125rem}
code,.mono{
  font-family:ui-monospace,"SF Mono","Cascadia Mono",Menlo,Consolas,"Liberation Mono",monospace;font-size:.9em
}
bdi{unicode-bidi:isolate}
a{color:var(--accent);text-underline-offset:.18em;text-decoration-thickness:.08em}
a:hover{text-decoration-thickness:.16em}
:focus-visible{outline:3px solid var(--accent);outline-offset:3px;border-radius:.25rem}
"""

_PARTS: Final = """
.actions{display:flex;flex-wrap:wrap;gap:.65rem;margin:1.35rem 0;padding:0;list-style:none}
.actions form{margin:0}
.button,button{
  display:inline-flex;align-items:center;justify-content:center;min-height:2.75rem;padding:.5rem 1.1rem;
  font:inherit;font-size:.9375rem;font-weight:600;line-height:1.3;text-align:center;text-decoration:none;cursor:pointer;
  border:1px solid var(--accent);border-radius:.6rem;background:var(--accent);color:var(--on-accent);
  transition:filter .12s
}
.button:hover,button:hover{filter:brightness(1.08)}
.button.quiet,button.quiet{background:transparent;color:var(--accent);border-color:var(--line)}
.button.quiet:hover,button.quiet:hover{filter:none;background:var(--sunk)}
.button:focus-visible,button:focus-visible{border-radius:.6rem}
.notice{
  margin:1.1rem 0;padding:.85rem 1rem;border:1px solid var(--line);border-left:.3rem solid var(--muted);
  border-radius:.55rem;background:var(--sunk)
}
.notice>:last-child{margin-bottom:0}
.notice h2{margin:0 0 .3rem;font-size:.9375rem;font-weight:650}
.notice.ask{border-left-color:var(--accent)}
.notice.good{border-left-color:var(--good);background:var(--good-soft)}
.notice.warn{border-left-color:var(--warn);background:var(--warn-soft)}
.notice.bad{border-left-color:var(--bad);background:var(--bad-soft)}
.notice blockquote{margin:0}
.notice blockquote p{margin:0}
.facts{margin:1.4rem 0;border-top:1px solid var(--line)}
.facts>div{
  display:grid;grid-template-columns:minmax(7.5rem,10rem) 1fr;gap:.1rem 1rem;padding:.6rem 0;
  align-items:baseline;border-bottom:1px solid var(--line)
}
.facts>div:last-child{border-bottom:0;padding-bottom:0}
.facts dt{color:var(--muted);font-size:.9375rem}
.facts dd{margin:0;min-width:0}
.facts dd small,td small{display:block}
.facts .chips+small{margin-top:.4rem}
.chips{display:flex;flex-wrap:wrap;gap:.4rem;margin:0;padding:0;list-style:none}
.chips li{
  padding:.1rem .6rem;border:1px solid var(--line);border-radius:1rem;background:var(--sunk);font-size:.875rem
}
table{width:100%;border-collapse:collapse;font-size:.9375rem}
th{
  padding:.45rem .75rem .45rem 0;text-align:left;font-size:.8125rem;font-weight:600;color:var(--muted);
  border-bottom:1px solid var(--line)
}
td{padding:.6rem .75rem .6rem 0;vertical-align:top;border-bottom:1px solid var(--line)}
tbody tr:last-child td{border-bottom:0}
th:last-child,td:last-child{padding-right:0}
.verdict{display:inline-flex;align-items:baseline;gap:.35rem;font-weight:600;overflow-wrap:normal}
.verdict svg{flex:none;width:1rem;height:1rem;transform:translateY(.15rem)}
.verdict.good{color:var(--good)}
.verdict.warn{color:var(--warn)}
.verdict.bad{color:var(--bad)}
label{display:block;margin:0 0 .3rem;font-weight:600}
input,select,textarea{
  width:100%;min-height:2.75rem;padding:.5rem .75rem;font:inherit;color:inherit;background:var(--card);
  border:1px solid var(--muted);border-radius:.55rem
}
input[type=checkbox],input[type=radio]{width:1.1rem;height:1.1rem;min-height:0;accent-color:var(--accent)}
"""

_MEDIA: Final = """
@media (max-width:34rem){
  .stack,.stack tbody,.stack tr,.stack td{display:block}
  .stack thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
  .stack tr{padding:.6rem 0;border-bottom:1px solid var(--line)}
  .stack tbody tr:last-child{border-bottom:0}
  .stack td{padding:.1rem 0;border:0}
  .stack td[data-label]::before{content:attr(data-label) " ";color:var(--muted);font-size:.8125rem}
}
@media (max-width:30rem){
  .facts>div{grid-template-columns:1fr}
  .actions>*,.actions .button,.actions button{width:100%}
}
@media (prefers-reduced-motion:reduce){*,::before,::after{transition:none!important;animation:none!important}}
@media (prefers-contrast:more){:root{--line:var(--muted)}}
@media print{
  :root{
    --bg:#fff;--card:#fff;--sunk:#fff;--text:#000;--muted:#333;--line:#999;--accent:#000;--accent-soft:#fff;
    --good:#000;--good-soft:#fff;--warn:#000;--warn-soft:#fff;--bad:#000;--bad-soft:#fff;--shadow:none
  }
  body{padding:0}
  .actions{display:none}
  .card{border:0;padding:0}
  a{color:inherit}
  .facts>div,tr,.notice{break-inside:avoid}
}
"""

BASE_CSS: Final = compact(_COLOURS + _FRAME + _TEXT + _PARTS + _MEDIA)
"""The stylesheet of all pages. Classes for other pages to use:

``card``, ``notice``, ``verdict`` (each with a tone: ``ask``, ``good``, ``warn``, ``bad``), ``eyebrow``,
``badge``, ``lead``, ``muted``, ``actions``, ``button`` (``quiet``), ``facts`` (a ``dl`` of ``div``),
``chips``, ``stack`` (a table whose rows become blocks in a narrow window); on ``body``: ``wide``.
"""


def _icon(paths: str) -> Markup:
    return Markup(  # noqa: S704 - constants of this module only
        '<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" '
        f'stroke-linejoin="round" aria-hidden="true" focusable="false">{paths}</svg>'
    )


MARK: Final = _icon(
    '<path d="M12 2.5 4 5.5v6c0 4.9 3.3 8.4 8 10 4.7-1.6 8-5.1 8-10v-6z"/><circle cx="12" cy="10.5" r="2"/>'
    '<path d="M12 12.5V16"/>'
)
"""The shield with a keyhole beside the brand."""

ICONS: Final[dict[str, Markup]] = {
    "lock": _icon('<rect x="5" y="11" width="14" height="9" rx="2"/><path d="M8 11V7.5a4 4 0 0 1 8 0V11"/>'),
    "person": _icon('<circle cx="12" cy="8" r="4"/><path d="M4.5 20.5a7.5 7.5 0 0 1 15 0"/>'),
    "clock": _icon('<circle cx="12" cy="12" r="9"/><path d="M12 7v5.2l3.2 2"/>'),
    "check": _icon('<path d="m4.5 12.5 5 5 10-11"/>'),
    "cross": _icon('<path d="m6 6 12 12M18 6 6 18"/>'),
    "up": _icon('<path d="M12 20V5m-6 6 6-6 6 6"/>'),
    "alert": _icon('<path d="M12 3.5 2.5 20h19z"/><path d="M12 10v4.2m0 2.8v.1"/>'),
    "leave": _icon('<path d="M14 4H6a2 2 0 0 0-2 2v12a2 2 0 0 0 2 2h8"/><path d="M10 12h11m-4-4 4 4-4 4"/>'),
    "enter": _icon('<path d="M10 4h8a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2h-8"/><path d="M3 12h11m-4-4 4 4-4 4"/>'),
}
"""Pictograms by name; decorative (``aria-hidden``), so each stands beside a word."""
