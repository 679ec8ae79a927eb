"""Answers in a notebook: the terms of each can be opened, down to data and weights."""

from html import escape
from typing import TYPE_CHECKING

from pellucid.why.expressions import ADDITIVE
from pellucid.why.formulas import digits
from pellucid.why.text import check, result, where
from pellucid.why.words import rules

if TYPE_CHECKING:
    from pellucid.why.answer import Answer, Term

# How many answers a page holds, how deep they lie in each other, and how many terms of
# one are listed; what lies further is named, so that it can be asked about.
ANSWERS, DEPTH, LISTED = 160, 5, 12

# The colours are those around it, so that it is right on light and on dark grounds.
_STYLE = """<style>
.pellucid-why{font-size:.95em;line-height:1.5;max-width:60em}
.pellucid-why code{background:none;color:inherit;font-family:ui-monospace,monospace}
.pellucid-why details{margin:.1em 0 .1em .3em;padding-left:.8em;
border-left:2px solid rgba(128,128,128,.35)}
.pellucid-why summary{cursor:pointer}
.pellucid-why summary:focus-visible{outline:2px solid currentColor}
.pellucid-why p{margin:.2em 0;opacity:.8}
.pellucid-why table{border-collapse:collapse;margin:.3em 0}
.pellucid-why td{padding:0 .4em 0 0;text-align:left;vertical-align:top;
background:none;border:0;overflow-wrap:anywhere}
.pellucid-why td:first-child{white-space:nowrap}
.pellucid-why .wrong{font-weight:bold;opacity:1}
</style>"""


def as_html(answer: "Answer") -> str:
    """Return an answer as HTML without scripts; its terms are answers inside it.

    Parameters
    ----------
    answer : Answer
        The answer.

    Returns
    -------
    str
    """
    room = [ANSWERS]
    inner = _body(answer, DEPTH, room, top=True)
    head = f"<code><b>{escape(answer.symbol)}</b> = {result(answer)}</code>"
    return f'{_STYLE}<div class="pellucid-why">{head}{inner}</div>'


def _body(answer: "Answer", depth: int, room: list[int], top: bool = False) -> str:
    """Return all of an answer but its first line."""
    told = [f"<p>{escape(answer.words)}</p>"]
    if top:
        told += [
            f"<p>{escape(rule)}</p>" for rule in rules(answer._asking.step, answer)
        ]
    if answer.terms:
        rows = [(escape(answer._short_name()), escape(answer.formula))]
        if not answer.expression.is_leaf:
            rows += [("", escape(answer.numbers)), ("", f"<b>{result(answer)}</b>")]
        cells = "".join(
            f"<tr><td><code>{left}</code></td><td><code>= {right}</code></td></tr>"
            for left, right in rows
        )
        told.append(f"<table>{cells}</table>")
        told += [f"<p>where <code>{escape(line)}</code></p>" for line in where(answer)]
    if top and answer.difference is not None:
        wrong = "" if answer.difference.agrees else ' class="wrong"'
        told.append(f"<p{wrong}>check: {escape(check(answer))}</p>")
    return "".join(told) + _terms(answer, depth, room)


def _terms(answer: "Answer", depth: int, room: list[int]) -> str:
    """Return the terms, the largest first, each to be opened while there is room."""
    ranked = sorted(answer.terms, key=lambda term: -abs(term.value))
    asked = [term for term in ranked if term.address or not term.is_leaf]
    # Those of one level come before those inside them, however few have room.
    room[0] -= min(len(asked), LISTED)
    told = [_term(term, depth, room) for term in asked[:LISTED]]
    if len(asked) > LISTED:
        rest = sum(term.value for term in asked[LISTED:])
        adds = answer.expression.operation in ADDITIVE
        together = f": {digits(rest)} together" if adds else ""
        more = f"{len(asked) - LISTED:,} further terms, in <code>.terms</code>"
        told.append(f"<p>{more}{together}</p>")
    return "".join(told)


def _term(term: "Term", depth: int, room: list[int]) -> str:
    """Return a term that opens: its own answer, or the names in its formula."""
    head = f"<code>{escape(term.symbol)} = {digits(term.value)}</code>"
    if term.address:
        inner = _named(term.why(), depth, room)
    else:
        named = term.named()
        room[0] -= len(named)
        inner = "".join(_term(each, depth, room) for each in named[:LISTED])
    return f"<details><summary>{head}</summary>{inner}</details>"


def _named(answer: "Answer", depth: int, room: list[int]) -> str:
    """Return all of an answer inside another one, or how to ask for it."""
    if answer.terms and (not depth or room[0] <= 0):
        asked = escape(f"step.why({answer.address!r})")
        return f"<p>ask further: <code>{asked}</code></p>"
    return _body(answer, depth - 1, room)
