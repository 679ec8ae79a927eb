"""A derivation: formulas in sections, as LaTeX, Markdown and plain text."""

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SAFE = {"^": r"\^{}", "~": r"\~{}", "<": "$<$", ">": "$>$", "|": "$|$"}
_SAFE |= {"η": r"$\eta$", "σ": r"$\sigma$", "'": "'"}
_SPECIAL = re.compile(r"([&%$#_{}])")


@dataclass(frozen=True)
class Formula:
    """One step: a name, what it is, its shape, and a sentence.

    Parameters
    ----------
    name, right : str
        Left and right side in LaTeX.
    plain : str
        Both sides in plain text.
    shape : str
        Such as ``"(n, 4)"``; empty for a single number.
    sentence : str
        What it means.
    plugged : str
        The right side in LaTeX with numbers in place of names, where there are any.
    value : ndarray or None
        The numbers that come out.
    changes : bool
        Whether the left side gets a new value, in place of being defined.
    """

    name: str
    right: str
    plain: str
    shape: str = ""
    sentence: str = ""
    plugged: str = ""
    value: NDArray[Any] | None = None
    changes: bool = False

    @property
    def latex(self) -> str:
        """The formula in LaTeX, with its numbers where it has any."""
        sign = r"\leftarrow" if self.changes else "="
        if self.value is None:
            return f"{self.name} {sign} {self.right}"
        right = [self.right, *filter(None, [self.plugged]), matrix(self.value)]
        lines = r" \\ &= ".join(right)
        return rf"\begin{{aligned}} {self.name} &{sign} {lines} \end{{aligned}}"


@dataclass(frozen=True)
class Section:
    """A part of a derivation.

    Parameters
    ----------
    title : str
        In plain text.
    about : str
        A sentence on it.
    formulas : tuple of Formula
        Its steps, in order.
    level : int
        1 for a pass, 2 for a layer in it.
    """

    title: str
    about: str = ""
    formulas: tuple[Formula, ...] = ()
    level: int = 1


@dataclass(frozen=True)
class Derivation:
    """How a network computes, errs and learns: the chain rule, step by step.

    Parameters
    ----------
    title : str
        What it is of.
    sections : tuple of Section
        In order.
    """

    title: str
    sections: tuple[Section, ...] = field(default=(), repr=False)

    @property
    def formulas(self) -> list[Formula]:
        """All steps in order."""
        return [formula for section in self.sections for formula in section.formulas]

    def latex(self) -> str:
        """Return a complete LaTeX document.

        Returns
        -------
        str
        """
        wide = any(formula.value is not None for formula in self.formulas)
        page = "margin=15mm, landscape" if wide else "margin=25mm"
        lines = [
            r"\documentclass{article}",
            rf"\usepackage[{page}]{{geometry}}",
            r"\usepackage{amsmath, amssymb}",
            r"\setcounter{MaxMatrixCols}{99}",
            r"\allowdisplaybreaks",
            r"\begin{document}",
            rf"\section*{{{escaped(self.title)}}}",
        ]
        for section in self.sections:
            kind = "section*" if section.level == 1 else "subsection*"
            lines += [rf"\{kind}{{{escaped(section.title)}}}", escaped(section.about)]
            for formula in section.formulas:
                lines.append(escaped(formula.sentence))
                lines += [r"\begin{equation*}", rf"  {_with_shape(formula)}"]
                lines.append(r"\end{equation*}")
        lines.append(r"\end{document}")
        return "\n".join(line for line in lines if line) + "\n"

    def markdown(self) -> str:
        """Return the derivation as Markdown with formulas between dollars.

        Returns
        -------
        str
        """
        lines = [f"# {marked(self.title)}", ""]
        for section in self.sections:
            lines += [f"{'#' * (section.level + 1)} {marked(section.title)}", ""]
            lines += [marked(section.about), ""] if section.about else []
            for formula in section.formulas:
                lines += [marked(formula.sentence), ""] if formula.sentence else []
                lines += [f"$${_with_shape(formula)}$$", ""]
        return "\n".join(lines)

    def _repr_markdown_(self) -> str:
        return self.markdown()

    def __str__(self) -> str:
        lines = [self.title]
        for section in self.sections:
            under = "=" if section.level == 1 else "-"
            lines += ["", section.title, under * len(section.title)]
            lines += [section.about] if section.about else []
            widest = max((len(f.plain) for f in section.formulas), default=0)
            for formula in section.formulas:
                text = f"  {formula.plain:<{min(widest, 60)}}  {formula.shape}"
                lines.append(text.rstrip())
                if formula.sentence:
                    lines.append(f"      {formula.sentence}")
                if formula.value is not None:
                    numbers = np.array2string(formula.value, precision=4)
                    lines += [f"      {line}" for line in numbers.splitlines()]
        return "\n".join(lines)

    __repr__ = __str__


def _with_shape(formula: Formula) -> str:
    if not formula.shape or formula.value is not None:
        return formula.latex
    shape = r" \times ".join(formula.shape.strip("(),").split(", "))
    return rf"{formula.latex} \qquad \in \mathbb{{R}}^{{{shape}}}"


def matrix(value: Any) -> str:
    """Return numbers in LaTeX: one as it is, more as a matrix.

    Parameters
    ----------
    value : array_like
        Rows are those of the batch; more than two axes become two.

    Returns
    -------
    str
    """
    value = np.asarray(value)
    if not value.ndim:
        return _number(value)
    rows = value.reshape(1, -1) if value.ndim == 1 else value.reshape(len(value), -1)
    body = r" \\ ".join(" & ".join(map(_number, row)) for row in rows)
    return rf"\begin{{pmatrix}} {body} \end{{pmatrix}}"


def _number(value: Any) -> str:
    text = f"{float(value):.4g}"
    if "e" in text:
        digits, power = text.split("e")
        return rf"{digits} \cdot 10^{{{int(power)}}}"
    return text.replace("inf", r"\infty").replace("nan", r"\mathrm{nan}")


def escaped(text: str) -> str:
    """Return a sentence with what means something to LaTeX made harmless.

    Parameters
    ----------
    text : str
        Plain text.

    Returns
    -------
    str
    """
    text = text.replace("\\", r"\textbackslash ")
    text = _SPECIAL.sub(r"\\\1", text)
    for sign, safe in _SAFE.items():
        text = text.replace(sign, safe)
    return text


def marked(text: str) -> str:
    """Return a sentence with what means something to Markdown made harmless.

    Parameters
    ----------
    text : str
        Plain text.

    Returns
    -------
    str
    """
    return re.sub(r"([*_$\[\]])", r"\\\1", text)
