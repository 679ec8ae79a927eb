"""One iteration of training, every number of it by name.

A `Step` holds copies, so it stays what it is while the network learns on. Explanations,
pictures and recordings are readers of it.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.blueprint import Blueprint
from pellucid.engines.readable import count_rows, scale_of
from pellucid.errors import UnknownNameError, suggestion
from pellucid.layer import Layer
from pellucid.layout import Layout, Windows
from pellucid.optimizers import Optimizer
from pellucid.program import WATCHED, Program
from pellucid.samples import Samples
from pellucid.symbol import Symbol

if TYPE_CHECKING:
    from pellucid.derivation import Derivation
    from pellucid.why import Asking
    from pellucid.why.answer import Answer

# What every layer has, whatever it keeps.
_OF_EVERY_LAYER = ("input", "output", "d_output")


@dataclass(frozen=True)
class Position:
    """Where training stands before an iteration.

    Parameters
    ----------
    weights : ndarray, shape (layout.size,)
        All numbers of the network: parameters, then running state.
    optimizer : Optimizer
        The rule.
    memory : dict of str to ndarray, shape (parameters,)
        The optimizer's vectors.
    iteration : int
        Updates that the optimizer has made, from 0.
    rate : float
        The learning rate now; NaN for a minimizer's step.
    key, noise : int
        Key of the random numbers, and the iteration whose random numbers are drawn.
    """

    weights: NDArray[Any]
    optimizer: Optimizer
    memory: dict[str, NDArray[Any]]
    iteration: int
    rate: float
    key: int
    noise: int


@dataclass(frozen=True, eq=False)
class LayerStep:
    """What one layer took, gave and kept in a step.

    Parameters
    ----------
    path : str
        Its name, with those of the layers around it: ``"residual_1.dense_1"``.
    layer : Layer
        Its settings.
    input : ndarray, shape (n, ...), or dict of str to such
        What came in.
    output : ndarray, shape (n, ...), or dict of str to such
        What went out.
    d_output : ndarray, shape of the output, or None
        dL/d output: what came back. None where nothing did.
    kept : dict of str to ndarray
        What it kept, by name: ``z``, ``a``...
    weights : dict of str to ndarray
        Its numbers before the update, by slot.
    gradients : dict of str to ndarray
        dL/d those of them that can be trained.
    """

    path: str
    layer: Layer
    input: Any
    output: Any
    d_output: Any
    kept: dict[str, NDArray[Any]]
    weights: dict[str, NDArray[Any]]
    gradients: dict[str, NDArray[Any]]

    @property
    def delta(self) -> Any:
        """dL/dz where the layer keeps a ``z`` and its ``dz``, else dL/d output."""
        return self.kept.get("dz", self.d_output)

    def __repr__(self) -> str:
        kept = ", ".join(f"{name} {a.shape}" for name, a in self.kept.items())
        return f"<{self.path} {self.layer!r}: {kept or 'keeps nothing'}>"


class Step:
    """One full iteration: feedforward, loss, backprop and update, with every number.

    Parameters
    ----------
    blueprint : Blueprint
        What the network computes.
    dtype : dtype
        Its floating-point type.
    data : Samples
        The batch.
    before : Position
        Where training stood.
    program, update_program : Program
        What was computed, from `pellucid.tracing.recording` and `update`.
    decayed, trained : ndarray of bool, shape (parameters,)
        Where decay applies, and where weights may change (None: everywhere).
    written : dict of str to Layer
        Every layer by its path, as the user wrote it.
    classes : ndarray or None
        The classes in the order of the outputs.

    Attributes
    ----------
    values, update_values : dict of int to value
        What every operation gave, by the id of its node.
    scale : float
        What the weighted losses are multiplied by: 1, or one over their weights.
    """

    def __init__(
        self,
        blueprint: Blueprint,
        dtype: Any,
        data: Samples,
        before: Position,
        program: Program,
        update_program: Program,
        decayed: NDArray[np.bool_],
        trained: NDArray[np.bool_] | None,
        written: dict[str, Layer],
        classes: NDArray[Any] | None = None,
    ) -> None:
        self.written = written
        self.blueprint, self.dtype, self.classes = blueprint, np.dtype(dtype), classes
        self.program, self.update_program = program, update_program
        self.before, self.data, self.decayed, self.trained = (
            before,
            data,
            decayed,
            trained,
        )
        self.n = count_rows(data.x)
        total = float(data.weight.sum(dtype=np.float64))
        self.scale = scale_of(blueprint, total)
        # What overflows shows as a number that is not finite, and can be asked about.
        with np.errstate(all="ignore"):
            self.values = program.values(self.given(self.dtype), self.n, self.dtype)
            self.update_values = update_program.values(
                self._given_to_update(), self.n, self.dtype
            )

    # -- what went in ------------------------------------------------------------------

    @property
    def x(self) -> Any:
        """The inputs, shape (n, ...); a mapping of arrays where they have names."""
        return self.data.x

    @property
    def y(self) -> NDArray[Any]:
        """The targets as the loss takes them: numbers, or numbers of classes."""
        return self.data.y

    @property
    def sample_weight(self) -> NDArray[Any]:
        """How much each sample counts, shape (n,)."""
        return self.data.weight

    @property
    def iteration(self) -> int:
        """Updates that the optimizer made before this one, from 0."""
        return self.before.iteration

    @property
    def rate(self) -> float:
        """The learning rate of this step; NaN where a minimizer made it."""
        return self.before.rate

    @property
    def optimizer(self) -> Optimizer:
        """The rule that turned the gradient into new weights."""
        return self.before.optimizer

    @property
    def layout(self) -> Layout:
        """Names of the network's numbers."""
        return self.blueprint.layout

    def given(self, dtype: Any) -> dict[str, Any]:
        """Return what the recording Program is given.

        Parameters
        ----------
        dtype : dtype
            The floating-point type to give it in.

        Returns
        -------
        dict
        """

        def numbers(values: NDArray[Any], name: str) -> NDArray[Any]:
            inputs = self.blueprint.inputs
            kind = (inputs[name] if isinstance(inputs, dict) else inputs).kind
            return values if kind == "integer" else values.astype(dtype, copy=False)

        x, y = self.x, self.y
        weights = self.before.weights.astype(dtype, copy=False)
        return {
            "x": {name: numbers(values, name) for name, values in x.items()}
            if isinstance(x, dict)
            else numbers(x, ""),
            "y": y if y.dtype.kind in "iu" else y.astype(dtype, copy=False),
            "w": Windows(weights, self.layout),
            "weight": self.sample_weight.astype(dtype, copy=False),
            "scale": self.scale,
            "seed": self.before.key,
            "step": self.before.noise,
        }

    def _given_to_update(self) -> dict[str, Any]:
        size = self.layout.parameters.size
        return {
            "w": self.before.weights[:size],
            "g": self.gradients.vector,
            "memory": self.before.memory,
            "t": self.iteration + 1,
            "rate": self.rate,
            "decayed": self.decayed,
            "trained": self.trained,
        }

    # -- what came out -----------------------------------------------------------------

    @property
    def loss(self) -> float:
        """The loss of the batch: the weighted sum or mean of `losses`."""
        return float(self.values[self.program.outputs["loss", ""].id])

    @property
    def losses(self) -> NDArray[Any]:
        """The loss of every sample, shape (n,)."""
        losses: NDArray[Any] = self._watched("losses")
        return losses

    @property
    def output(self) -> NDArray[Any]:
        """The predictions, shape (n, *output_shape)."""
        output: NDArray[Any] = self._watched("output")
        return output

    @cached_property
    def nodes(self) -> dict[str, Symbol]:
        """The node of the recording Program behind each name, as ``dense_1.z``."""
        return {
            name: symbol
            for (vector, name), symbol in self.program.outputs.items()
            if vector == WATCHED
        }

    def _watched(self, name: str) -> Any:
        """Return what is called so, or a mapping where its parts are, or None."""
        if name in self.nodes:
            return self.values[self.nodes[name].id]
        start = f"{name}."
        inside = [each for each in self.nodes if each.startswith(start)]
        return {
            each.removeprefix(start): self._watched(each) for each in inside
        } or None

    @cached_property
    def layers(self) -> dict[str, LayerStep]:
        """What each layer did, by its path, in the order of the forward pass."""
        found: dict[str, LayerStep] = {}
        for path, layer in self.written.items():
            nodes, weights, gradients = self.nodes, self.weights, self.gradients
            found[path] = LayerStep(
                path,
                layer,
                input=self._watched(f"{path}.input"),
                output=self._watched(f"{path}.output"),
                d_output=self._watched(f"{path}.d_output"),
                kept=self._of_layer(path, nodes, self._watched),
                weights=self._of_layer(path, weights, weights.__getitem__),
                gradients=self._of_layer(path, gradients, gradients.__getitem__),
            )
        return found

    def _of_layer(
        self, path: str, names: Iterable[str], read: Callable[[str], Any]
    ) -> dict[str, Any]:
        """Return what stands under ``path.name``, without that of layers inside."""
        start, found = f"{path}.", {}
        for name in names:
            own = name.removeprefix(start)
            if name.startswith(start) and "." not in own and own not in _OF_EVERY_LAYER:
                found[own] = read(name)
        return found

    def __getitem__(self, path: str) -> LayerStep:
        if path not in self.layers:
            raise UnknownNameError(
                f"There is no layer {path!r}. {suggestion(path, self.layers)}"
            )
        return self.layers[path]

    # -- the update --------------------------------------------------------------------

    @cached_property
    def weights(self) -> Windows:
        """All numbers before the update, running state included, by full name."""
        return Windows(self.before.weights, self.layout)

    @cached_property
    def gradients(self) -> Windows:
        """dL/d every parameter, by full name: ``step.gradients["dense_1.W"]``."""
        layout = self.layout.parameters
        vector = np.zeros(layout.size, dtype=self.dtype)
        for name, entry in layout.entries.items():
            symbol = self.program.outputs.get(("g", name))
            if symbol is not None:
                vector[entry.start : entry.stop] = np.ravel(self.values[symbol.id])
        return Windows(vector, layout)

    @cached_property
    def new_weights(self) -> Windows:
        """All numbers after the update, running state included, by full name."""
        size = self.layout.parameters.size
        vector = self.before.weights.copy()
        vector[:size] = self.update_values[self.update_program.outputs["new", "w"].id]
        for name, entry in self.layout.state.entries.items():
            symbol = self.program.outputs.get(("state", name))
            if symbol is not None:
                at = slice(size + entry.start, size + entry.stop)
                vector[at] = np.ravel(self.values[symbol.id])
        return Windows(vector, self.layout)

    @cached_property
    def update(self) -> Windows:
        """What the update adds to every parameter, by full name."""
        size = self.layout.parameters.size
        change = self.new_weights.vector[:size] - self.before.weights[:size]
        return Windows(change, self.layout.parameters)

    @cached_property
    def memory(self) -> dict[str, Windows]:
        """The optimizer's memory before the update: its name, then as the weights."""
        layout = self.layout.parameters
        return {name: Windows(v, layout) for name, v in self.before.memory.items()}

    @cached_property
    def new_memory(self) -> dict[str, Windows]:
        """The optimizer's memory after the update."""
        found = dict(self.memory)
        for name in found:
            symbol = self.update_program.outputs.get(("memory", name))
            if symbol is not None:
                vector = self.update_values[symbol.id]
                found[name] = Windows(vector, self.layout.parameters)
        return found

    def after(self, rate: float | None = None) -> Position:
        """Return where training stands after this step.

        Parameters
        ----------
        rate : float, optional
            The learning rate of the next step; the same by default.

        Returns
        -------
        Position
        """
        return replace(
            self.before,
            weights=self.new_weights.vector,
            memory={name: w.vector for name, w in self.new_memory.items()},
            iteration=self.iteration + 1,
            rate=self.rate if rate is None else rate,
            noise=self.before.noise + 1,
        )

    # -- what each sample did ----------------------------------------------------------

    def sample_gradients(self, name: str) -> NDArray[Any]:
        """Return the gradient of each sample's share of the loss; they sum to dL/dW.

        The share of sample i is ``weight_i * loss_i * scale``. Layers that look at the
        whole batch, such as batch normalization, see all of it in every share.

        Parameters
        ----------
        name : str
            A parameter, such as ``"dense_1.W"``.

        Returns
        -------
        ndarray, shape (n, *shape of the parameter)

        Raises
        ------
        UnknownNameError
            If there is no such parameter.
        """
        known = self.layout.parameters.entries
        if name not in known:
            raise UnknownNameError(
                f"There is no parameter {name!r}. {suggestion(name, known)}"
            )
        found = np.zeros((self.n, *known[name].shape), dtype=self.dtype)
        symbol = self.program.outputs.get(("g", name))
        weights = (v for v in self.program.leaves if v.settings["vector"] == "weight")
        leaf = next(weights, None)
        if symbol is None or leaf is None:
            return found
        alone = np.diag(self.sample_weight)
        with np.errstate(all="ignore"):
            for i in range(self.n):
                found[i] = self.program.again(
                    self.values, {leaf.id: alone[i]}, [symbol.id], self.n, self.dtype
                )[symbol.id]
        return found

    # -- asking ------------------------------------------------------------------------

    def why(self, address: str) -> "Answer":
        """Return where a number of this step comes from.

        Parameters
        ----------
        address : str
            For example ``"dense_2.W[3, 1].grad"``, ``"dense_1.z[0, 2]"``,
            ``"dense_1.delta[0, 2]"``, ``"output[0, 1]"``, ``"loss"``; see
            `pellucid.why.address`.

        Returns
        -------
        Answer
            Formula, the same with the numbers of this step, the result, and its terms,
            each of which can be asked about in turn.

        Raises
        ------
        UnknownNameError
            If nothing in this step has this address.
        """
        return self._asking(address)

    def derivation(self) -> "Derivation":
        """Write out this step as formulas with its numbers in them.

        Returns
        -------
        Derivation

        Raises
        ------
        ConfigurationError
            If there are more numbers than can be printed.
        """
        from pellucid.derivation import derive_step

        return derive_step(self)

    @cached_property
    def _asking(self) -> "Asking":
        from pellucid.why import Asking

        return Asking(self)

    def __repr__(self) -> str:
        rate = "" if math.isnan(self.rate) else f" rate {self.rate:g},"
        return (
            f"<Step {self.iteration + 1}: loss {self.loss:.6g} of {self.n} samples, "
            f"{self.optimizer!r},{rate} layers {', '.join(self.layers)}>"
        )
