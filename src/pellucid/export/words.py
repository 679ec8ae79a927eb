"""The words of layers: what their own code calls the values that it computes.

While a network is written down, `Words` listens to Python returning from functions. A
local variable that holds a Symbol gives it its name, and a function of Symbols that
returns one is a function that a program or a formula can call, too. So
``e = np.exp(-np.abs(z))`` within ``sigmoid(z)`` stays just that, in any layer that
anybody writes.
"""

import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from pellucid.activations import Activation
from pellucid.layer import Layer
from pellucid.losses import Loss
from pellucid.optimizers import Optimizer
from pellucid.part import Part
from pellucid.source_lines import is_machinery
from pellucid.symbol import Symbol, Trace

# Methods that are the network's own steps, no functions that these steps call.
_STEPS: set[tuple[type[Part], str]] = {(Layer, "forward"), (Layer, "backward")}
_STEPS |= {(Optimizer, "step"), (Optimizer, "update")}


@dataclass(frozen=True)
class Call:
    """A function of Symbols that was called, and what it returned.

    Parameters
    ----------
    name : str
        What it is called in print: ``"sigmoid"``, or ``"gelu_slope"`` for a method.
    parameters : dict of str to Symbol
        What it was given, by the name in its own code.
    result : Symbol
        What it returned.
    locals : dict of int to str
        What its code calls the values in it, by their id.
    owner : Part or None
        The activation, loss or layer, for a method.
    method : str
        Name of the method or function.
    meaning : str
        The first line of its documentation, or that of its activation or loss.
    """

    name: str
    parameters: dict[str, Symbol]
    result: Symbol
    locals: dict[int, str]
    owner: Part | None
    method: str
    meaning: str = ""

    @property
    def mathematics(self) -> bool:
        """Whether it is a function that people know by its name, such as softmax."""
        return self.owner is None or (
            isinstance(self.owner, Activation) and self.method in ("value", "slope")
        )


@dataclass
class Words:
    """What was heard while a network was written down.

    Attributes
    ----------
    names : dict of int to (str, str)
        Layer and name of a value, by its id.
    calls : dict of int to list of Call
        The calls that returned a value, by its id, the innermost first.
    flows : dict of int to (str, str)
        Layer and name of the gradients that go from layer to layer, by their id; they
        are names for what has no other.
    """

    names: dict[int, tuple[str, str]] = field(default_factory=dict)
    calls: dict[int, list[Call]] = field(default_factory=dict)
    flows: dict[int, tuple[str, str]] = field(default_factory=dict)

    @contextmanager
    def listening(self, trace: Trace) -> Iterator[None]:
        """Listen to what happens inside.

        Parameters
        ----------
        trace : Trace
            In which the Symbols are noted.

        Yields
        ------
        None
        """

        def heard(frame: FrameType, event: str, result: Any) -> None:
            if event == "return" and not is_machinery(frame.f_code.co_filename):
                self._returned(frame, result, trace)

        before: Any = sys.getprofile()
        sys.setprofile(heard)
        try:
            yield
        finally:
            sys.setprofile(before if callable(before) else None)
            if before is not None and not callable(before):  # that of cProfile
                before.enable()

    def _returned(self, frame: FrameType, result: Any, trace: Trace) -> None:
        code, values = frame.f_code, dict(frame.f_locals)
        given = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        owner = values.get("self")
        owner = owner if isinstance(owner, Part) else None
        symbols = {k: v for k, v in values.items() if isinstance(v, Symbol)}
        own = {v.id: k for k, v in symbols.items() if k not in given}
        for name in set(given) & set(symbols):  # x = ..., where x was a parameter
            value = symbols[name]
            if isinstance(owner, Optimizer) and value.operation.group != "leaf":
                own[value.id] = name
        step = (isinstance(owner, kind) and code.co_name == m for kind, m in _STEPS)
        if any(step):
            for number, name in own.items():
                self.names.setdefault(number, (trace.layer, name))
            return
        taken = {k: v for k, v in symbols.items() if k in given}
        if isinstance(result, Symbol) and taken and not code.co_name.startswith("<"):
            if result.id in {v.id for v in taken.values()}:
                return
            name, meaning = _name(owner, code.co_name), _meaning(owner, frame)
            call = Call(name, taken, result, own, owner, code.co_name, meaning)
            known = self.calls.setdefault(result.id, [])
            known.append(call)
            inner = known[0].locals
            inner.update((k, v) for k, v in own.items() if k not in inner)


def _name(owner: Part | None, method: str) -> str:
    if owner is None:
        return method.strip("_")
    label = getattr(owner, "of_activation", owner).label
    if method == "value" and isinstance(owner, Activation | Loss):
        return str(label)
    return f"{label}_{method.strip('_')}"


def _meaning(owner: Part | None, frame: FrameType) -> str:
    """Return in a line what a function computes, from its own documentation."""
    method = frame.f_code.co_name
    if owner is None:
        documented = frame.f_globals.get(method)
    elif method == "value":
        documented = getattr(owner, "of_activation", type(owner))
    elif method == "slope":
        return f"Return the slope of {_name(owner, 'value')}."
    else:
        documented = getattr(type(owner), method, None)
    text = inspect.getdoc(documented) or ""
    return text.partition("\n\n")[0].replace("``", "").replace("\n", " ")


def is_logit(call: Call) -> bool:
    """Return whether a loss looks at logits, where its code says ``y_hat``.

    Parameters
    ----------
    call : Call
        A function of a loss.

    Returns
    -------
    bool
    """
    return getattr(call.owner, "link", None) not in (None, "identity")
