"""What a layer is, and memo, the one channel between a layer and its network."""

import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from types import TracebackType
from typing import Any, ClassVar

import numpy as np

from pellucid import ops
from pellucid.errors import ConfigurationError, PellucidError, SymbolError
from pellucid.layout import Slot
from pellucid.part import Part
from pellucid.source_lines import is_machinery, place
from pellucid.symbol import DTYPE, Symbol, Trace

Shape = tuple[int, ...]


class Layer(Part, abstract=True):
    """One step of a network: its forward and its backward, written once, in NumPy.

    A layer is a frozen record of settings. It keeps nothing between calls: numbers that
    are trained are in `p`, what backward needs from forward goes through `memo`, so the
    same layer can be called, differentiated and recorded without changing anything.

    Parameters
    ----------
    name : str, optional
        Name in the network; ``dense_1``, ``dense_2``... are given otherwise.
    """

    _: KW_ONLY
    name: str | None = None

    # Whether training needs statistics of the batch, and so more than one row.
    batch_statistics: ClassVar[bool] = False
    # Whether it takes images, (n, height, width, channels).
    images: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.name is not None and (
            not isinstance(self.name, str) or not self.name or "." in self.name
        ):
            raise ConfigurationError(
                f"A layer's name is a text without dots, got {self.name!r}."
            )

    def slots(self, shape: Any) -> dict[str, Slot]:
        """Return the numbers that the layer needs.

        Parameters
        ----------
        shape : tuple of int, or mapping of such
            Shape of one sample of the input.

        Returns
        -------
        dict of str to Slot
        """
        return {}

    def forward(self, x: Any, p: Any, memo: Any) -> Any:
        """Return the layer's output.

        Parameters
        ----------
        x : ndarray, shape (n, ...)
            The input, one row a sample.
        p : LayerView
            The layer's numbers: ``p.W``.
        memo : Memo
            Keeps what `backward` needs, and is what a trace shows: ``memo.x = x``.

        Returns
        -------
        ndarray, shape (n, ...)
        """
        raise NotImplementedError(f"{type(self).__name__} has no forward(x, p, memo).")

    def backward(self, da: Any, p: Any, g: Any, memo: Any) -> Any:
        """Write the gradients of the layer's numbers to `g`; return dL/dx.

        Parameters
        ----------
        da : ndarray
            Gradient of the loss with respect to the layer's output.
        p : LayerView
            The layer's numbers.
        g : LayerView
            Takes the gradients: ``g.W = ...``.
        memo : Memo
            What `forward` kept.

        Returns
        -------
        ndarray, shape of the input
        """
        raise NotImplementedError(
            f"{type(self).__name__} has no backward(da, p, g, memo)."
        )

    @property
    def inner(self) -> tuple["Layer", ...]:
        """The layers that this one calls, for containers."""
        return ()

    @property
    def choices(self) -> int | None:
        """For inputs of whole numbers: how many there are, from 0; None for others."""
        return None


def layer_names(layers: tuple[Layer, ...]) -> tuple[str, ...]:
    """Return a name for each layer of a container: its own, or kind and number.

    Parameters
    ----------
    layers : tuple of Layer
        In order.

    Returns
    -------
    tuple of str
        For example ``("dense_1", "dense_2", "output")``.
    """
    explicit = Counter(layer.name for layer in layers if layer.name)
    for name, count in explicit.items():
        if count > 1:
            raise ConfigurationError(f"Two layers have the name {name!r}.")
    counts: dict[str, int] = {}
    names = []
    for layer in layers:
        name = layer.name or ""
        while not name:
            counts[layer.label] = counts.get(layer.label, 0) + 1
            candidate = f"{layer.label}_{counts[layer.label]}"
            name = "" if candidate in explicit else candidate
        names.append(name)
    return tuple(names)


class Noise:
    """The random numbers of one pass: the same for the same seed, iteration and place.

    Parameters
    ----------
    key : int
        Key of the training run, see `pellucid.rng.make_key`.
    step : int
        The iteration, from 0.
    dtype : dtype
        Floating-point type of the numbers.
    trace : Trace, optional
        Where to note the drawing instead.
    """

    def __init__(
        self, key: int, step: int, dtype: Any, trace: Trace | None = None
    ) -> None:
        self.key, self.step, self.dtype, self.trace = key, step, dtype, trace
        self.streams = 0

    def uniform(self, shape: Any) -> Any:
        """Return uniform numbers in [0, 1); layers call it in a fixed order.

        Parameters
        ----------
        shape : tuple
            Shape of the result, such as ``x.shape``.

        Returns
        -------
        ndarray
        """
        stream, self.streams = self.streams, self.streams + 1
        if self.trace is not None:
            return ops.note_uniform(self.trace, stream, shape)
        return ops.uniform(
            self.key, self.step, stream=stream, shape=shape, dtype=self.dtype
        )


@dataclass
class Pass:
    """One pass through a network: what all its memos share.

    Attributes
    ----------
    training : bool
        The mode: training (dropout on, statistics of the batch) or prediction.
    rng : Noise
        Random numbers.
    dtype : dtype
        The network's floating-point type.
    state : LayerView or None
        A fresh copy of the running state, in which layers write.
    outputs, deltas : dict
        What each layer returned, and the gradient of the loss with respect to it, by
        the layer's path.
    trace : Trace or None
        Where Symbols write, when the pass is being written down.
    enter : callable or None
        Called with layer, path and input before a layer runs, while a network is built.
    """

    training: bool
    rng: Noise
    dtype: Any
    state: Any = None
    outputs: dict[str, Any] = field(default_factory=dict)
    deltas: dict[str, Any] = field(default_factory=dict)
    trace: Trace | None = None
    enter: Callable[[Layer, str, Any], None] | None = None


class Memo:
    """What a layer keeps between forward and backward, and its only outside channel.

    Anything can be kept by writing it: ``memo.z = z``. Given by the network:
    ``memo.training`` (the mode), ``memo.rng`` (random numbers), ``memo.dtype``, and
    ``memo.state`` (the running state to be, written as ``memo.state.mean = ...``; the
    state before is read from ``p``). Containers descend with ``memo.forward`` and
    ``memo.backward``.

    Parameters
    ----------
    shared : Pass
        The pass that this memo belongs to.
    path : str
        The layer.
    """

    __slots__ = ("_children", "_path", "_shared", "_values")

    def __init__(self, shared: Pass, path: str = "") -> None:
        object.__setattr__(self, "_shared", shared)
        object.__setattr__(self, "_path", path)
        object.__setattr__(self, "_values", {})
        object.__setattr__(self, "_children", {})

    @property
    def training(self) -> bool:
        """Whether this is training, not prediction."""
        return bool(self._shared.training)

    @property
    def rng(self) -> Noise:
        """Random numbers of this pass."""
        noise: Noise = self._shared.rng
        return noise

    @property
    def dtype(self) -> Any:
        """The network's floating-point type, for ``.astype``."""
        return self._shared.dtype

    @property
    def state(self) -> Any:
        """The layer's running state to be."""
        return self._shared.state[self._path]

    @property
    def values(self) -> Mapping[str, Any]:
        """What the layer kept, by name."""
        values: dict[str, Any] = self._values
        return values

    @property
    def children(self) -> Mapping[str, "Memo"]:
        """The memos of the layers inside, by name."""
        children: dict[str, Memo] = self._children
        return children

    def __getattr__(self, name: str) -> Any:
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(
                f"memo.{name} was not kept: forward writes memo.{name} = ... before "
                "backward reads it."
            ) from None

    def __setattr__(self, name: str, value: Any) -> None:
        if hasattr(type(self), name):
            raise AttributeError(
                f"memo.{name} is given by the network: keep the value by another name."
            )
        self._values[name] = value
        self._name(value, name)

    def _name(self, value: Any, name: str) -> None:
        """Let a Symbol that this layer made be called what the layer calls it."""
        made_here = isinstance(value, Symbol) and value.layer == self._path
        if made_here and not value.label:
            value.label = name

    def __getitem__(self, name: str) -> "Memo":
        children: dict[str, Memo] = self._children
        if name not in children:
            path = f"{self._path}.{name}" if self._path else name
            children[name] = Memo(self._shared, path)
        return children[name]

    def forward(self, name: str, layer: Layer, x: Any, p: Any) -> Any:
        """Call a layer inside this one.

        Parameters
        ----------
        name : str
            The inner layer's name here.
        layer : Layer
            What is called.
        x : ndarray or mapping of ndarray
            Its input.
        p : LayerView
            The numbers of this layer.

        Returns
        -------
        ndarray
        """
        child = self[name]
        with _Inside(child, layer):
            if self._shared.enter is not None:
                self._shared.enter(layer, child._path, x)
            output = layer.forward(x, p[name], child)
            if self._shared.trace is not None:
                _check_output(output)
                output = _own(output, child._path)
        child._name(output, "y")
        self._shared.outputs[child._path] = output
        return output

    def backward(self, name: str, layer: Layer, da: Any, p: Any, g: Any) -> Any:
        """Send a gradient back through a layer inside this one.

        Parameters
        ----------
        name : str
            The inner layer's name here.
        layer : Layer
            What is called.
        da : ndarray
            Gradient of the loss with respect to its output.
        p, g : LayerView
            Numbers of this layer, and where their gradients go.

        Returns
        -------
        ndarray, mapping of ndarray, or None for whole-number inputs
        """
        child = self[name]
        self._shared.deltas[child._path] = da
        with _Inside(child, layer):
            return layer.backward(da, p[name], g[name], child)


class _Inside:
    """Says in which layer an operation is noted, and in which an error happened."""

    __slots__ = ("before", "layer", "path", "trace")

    def __init__(self, memo: Memo, layer: Layer) -> None:
        self.path, self.layer, self.trace = memo._path, layer, memo._shared.trace

    def __enter__(self) -> None:
        if self.trace is not None:
            self.before, self.trace.layer = self.trace.layer, self.path

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        if self.trace is not None:
            self.trace.layer = self.before
        if error is None or getattr(error, "in_layer", None):
            return
        line = "" if self.trace is None else _own_line(where)
        if isinstance(error, PellucidError) and not isinstance(error, SymbolError):
            # What a layer raises on purpose says it all; no line of code is needed.
            last = traceback.extract_tb(where)[-1].filename
            line = line if is_machinery(last) else ""
            told = type(error)(f"Layer {self.path!r} {self.layer!r}: {line}{error}")
        elif self.trace is not None and isinstance(error, Exception):
            told = SymbolError(
                f"Layer {self.path!r} {self.layer!r} cannot be written down: "
                f"{line}{error}"
            )
        else:
            error.in_layer = self.path  # type: ignore[attr-defined]
            error.add_note(f"in layer {self.path!r} {self.layer!r}")
            return
        told.in_layer = self.path  # type: ignore[attr-defined]
        raise told from error


def _check_output(output: Any) -> None:
    """Raise unless a layer returned what the next one can take."""
    if not isinstance(output, Symbol | Mapping):
        raise SymbolError(
            f"forward returned {type(output).__name__}, not an array: end it with "
            "return and the output."
        )


def _own(output: Any, path: str) -> Any:
    """Return an output that a layer only passes on as its own, where that matters."""
    if not isinstance(output, Symbol) or not output.trace.apart:
        return output
    return output if f"{output.layer}.".startswith(f"{path}.") else +output


def _own_line(where: Any) -> str:
    """Return file and line of the layer's own code in a traceback."""
    for frame in reversed(traceback.extract_tb(where)):
        if not is_machinery(frame.filename):
            found = place(frame.filename, frame.lineno or 0)
            return f"{found}\n" if found.endswith("`") else f"{found}: "
    return ""


def sample_shape(x: Any) -> Any:
    """Return the shape of one sample: without the first axis, by name for a mapping.

    Parameters
    ----------
    x : ndarray, Symbol, or mapping of such
        A batch.

    Returns
    -------
    tuple of int, or dict of such
    """
    if isinstance(x, Mapping):
        return {name: sample_shape(value) for name, value in x.items()}
    return tuple(x.shape[1:])


def new_pass(
    *, training: bool, key: int = 1, step: int = 0, dtype: Any = np.float64, **more: Any
) -> Pass:
    """Return a pass with its random numbers.

    Parameters
    ----------
    training : bool
        The mode.
    key : int
        Key of the random numbers.
    step : int
        The iteration, from 0.
    dtype : dtype
        The network's floating-point type.
    **more
        Further attributes of `Pass`.

    Returns
    -------
    Pass
    """
    trace = more.get("trace")
    dtype = DTYPE if trace is not None else np.dtype(dtype)
    return Pass(training, Noise(key, step, dtype, trace), dtype, **more)
