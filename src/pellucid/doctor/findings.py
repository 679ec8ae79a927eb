"""What the doctor found: findings, and the diagnosis that lists them."""

import html
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from textwrap import fill
from typing import Any

from pellucid.errors import ConfigurationError, UnknownNameError, suggestion
from pellucid.texttable import show

# From what is good to know to what makes training pointless.
SEVERITIES = ("note", "warning", "severe")
_COLORS = {"note": "#2b7bba", "warning": "#b35c00", "severe": "#b3261e"}
_STYLES = {"note": "blue", "warning": "yellow", "severe": "bold red"}


@dataclass(frozen=True)
class Finding:
    """One thing that the doctor found.

    Parameters
    ----------
    code : str
        Its stable name, such as ``"dead_units"``.
    severity : str
        ``"note"`` (good to know), ``"warning"`` (costs accuracy or time) or
        ``"severe"`` (nothing useful is learned before it is mended).
    sentence : str
        What is the case.
    remedy : str
        What to do, with code to write.
    where : str
        The layer, slot or column; empty where it is about all of it.
    evidence : mapping of str to object
        The numbers that it rests on, by name: plain numbers, texts and lists of them.
    """

    code: str
    severity: str
    sentence: str
    remedy: str
    where: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.severity not in SEVERITIES:
            raise ConfigurationError(
                f"A finding has the severity {self.severity!r}. "
                f"{suggestion(self.severity, SEVERITIES)}"
            )

    @property
    def numbers(self) -> str:
        """The evidence in one line."""
        shown = ((name.replace("_", " "), v) for name, v in self.evidence.items())
        return ", ".join(f"{name} {_shown(value)}" for name, value in shown)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, ready for JSON."""
        return asdict(self) | {"evidence": _plain(dict(self.evidence))}

    def __str__(self) -> str:
        title = " ".join(filter(None, (self.severity, self.code, self._place())))
        lines = [title, _wrapped(self.sentence)]
        if self.evidence:
            lines.append(_wrapped(self.numbers, "measured: "))
        return "\n".join([*lines, _wrapped(self.remedy, "do: ")])

    __repr__ = __str__

    def _place(self) -> str:
        return f"({self.where})" if self.where else ""

    def _repr_html_(self) -> str:
        color, say = _COLORS[self.severity], html.escape
        measured = f"<br><small>{say(self.numbers)}</small>" if self.evidence else ""
        return (
            f'<div style="border-left:4px solid {color};padding:2px 0 2px 12px;'
            f'margin:8px 0"><b>{self.severity}</b> '
            f"<code>{say(self.code)}</code> {say(self._place())}<br>"
            f"{say(self.sentence)}{measured}<br><b>Do:</b> {say(self.remedy)}</div>"
        )


class Diagnosis:
    """What the doctor found, the worst first; prints as text, in a notebook as HTML.

    Parameters
    ----------
    findings : sequence of Finding
        In any order.
    rows : int
        How many rows were looked at.
    checks : int
        How many checks were made.
    skipped : mapping of str to str
        What could not be looked at, and why.

    Attributes
    ----------
    ok : bool
        Whether there is nothing worse than a note.

    Examples
    --------
    >>> import numpy as np
    >>> from pellucid import Dense, NeuralNetwork
    >>> x = 1000 * np.random.default_rng(0).normal(size=(100, 3))
    >>> y = (x[:, 0] > 0).astype(int)
    >>> net = NeuralNetwork([Dense(8, "tanh"), Dense(2)], loss="cross_entropy")
    >>> found = net.diagnose(x, y)
    >>> found.ok, found.codes
    (False, ('unscaled_inputs', 'saturated_units'))
    >>> print(found["unscaled_inputs"][0].sentence)
    The inputs of dense_1 are large, typically ...
    """

    def __init__(
        self,
        findings: list[Finding],
        rows: int,
        checks: int,
        skipped: Mapping[str, str] | None = None,
    ) -> None:
        self.findings = sorted(findings, key=lambda f: -SEVERITIES.index(f.severity))
        self.rows, self.checks, self.skipped = rows, checks, dict(skipped or {})

    @property
    def ok(self) -> bool:
        """Whether there is nothing worse than a note."""
        return all(finding.severity == "note" for finding in self.findings)

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the findings, each once, the worst first."""
        return tuple(dict.fromkeys(finding.code for finding in self.findings))

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __contains__(self, code: object) -> bool:
        return code in self.codes or code in self.findings

    def __getitem__(self, code: str) -> list[Finding]:
        found = [finding for finding in self.findings if finding.code == code]
        if not found:
            raise UnknownNameError(
                f"Nothing of code {code!r} was found; there is {list(self.codes)}."
            )
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, ready for JSON."""
        return {
            "ok": self.ok,
            "findings": [finding.to_dict() for finding in self.findings],
            "rows": self.rows,
            "checks": self.checks,
            "skipped": self.skipped,
        }

    @property
    def summary(self) -> str:
        """What was found, in one line."""
        looked = f"{self.checks} checks on {self.rows:,} rows"
        counts = [(self._count(severity), severity) for severity in SEVERITIES[::-1]]
        found = ", ".join(_several(count, name) for count, name in counts if count)
        return f"{found or 'Nothing found'}: {looked}."

    def _count(self, severity: str) -> int:
        return sum(finding.severity == severity for finding in self.findings)

    @property
    def not_seen(self) -> str:
        """What could not be looked at, in one line; empty if all could."""
        return "; ".join(f"{what} ({why})" for what, why in self.skipped.items())

    def __str__(self) -> str:
        blocks = [self.summary, *map(str, self.findings)]
        if self.skipped:
            blocks.append(fill(f"Not looked at: {self.not_seen}.", 88))
        return "\n\n".join(blocks)

    __repr__ = __str__

    def __rich__(self) -> Any:
        from rich.text import Text

        text = Text(str(self))
        for severity, style in _STYLES.items():
            text.highlight_regex(rf"(?m)^{severity} \w+( \(.*\))?$", style)
        text.highlight_regex(r"(?m)^  (measured:|do:)", "dim")
        return text

    def _repr_html_(self) -> str:
        each = "".join(finding._repr_html_() for finding in self.findings)
        unseen = html.escape(self.not_seen)
        rest = f"<p><small>Not looked at: {unseen}.</small></p>" if unseen else ""
        return f"<div><p>{html.escape(self.summary)}</p>{each}{rest}</div>"


def _several(count: int, name: str) -> str:
    name = f"{name} finding" if name == "severe" else name
    return f"{count} {name}{'s' if count > 1 else ''}"


def _wrapped(text: str, head: str = "") -> str:
    return fill(
        f"{head}{text}",
        88,
        initial_indent="  ",
        subsequent_indent="  " + " " * len(head),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _shown(value: Any) -> str:
    """Return evidence in print: short, since the numbers themselves are kept."""
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, Mapping):
        shown = [f"{key}: {_shown(item)}" for key, item in value.items()]
    elif isinstance(value, list | tuple):
        lists = isinstance(next(iter(value), None), list | tuple)
        shown = [f"({_shown(item)})" if lists else _shown(item) for item in value]
    else:
        return show(value)
    return ", ".join(shown[:6]) + (f" and {len(shown) - 6} more" if shown[6:] else "")


def _plain(value: Any) -> Any:
    """Return evidence without what JSON has no word for."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
