"""What a network shows of itself: tables, checks, Programs, code."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from numpy.typing import NDArray

from pellucid import tracing
from pellucid.optimizers import Optimizer
from pellucid.program import Programs
from pellucid.texttable import Table

if TYPE_CHECKING:
    from pellucid.derivation import Derivation
    from pellucid.doctor import Diagnosis
    from pellucid.gradient_check import GradientCheck
    from pellucid.network import NeuralNetwork
    from pellucid.trace import Step


class Views:
    """What can be asked of a network to see through it; all of it changes nothing."""

    @property
    def _network(self) -> "NeuralNetwork":
        return cast("NeuralNetwork", self)

    def activations(self, x: Any) -> dict[str, NDArray[Any]]:
        """Return the output of every layer, by its name, in prediction mode.

        Parameters
        ----------
        x : array_like, shape (n, *input_shape)
            Inputs.

        Returns
        -------
        dict of str to ndarray
        """
        batch, _, single = self._network._inputs(x)
        outputs = self._network.engine.forward(self._network.weights, batch)[2].outputs
        order = (path for path in self._network.blueprint.layers if path in outputs)
        return {path: outputs[path][0] if single else outputs[path] for path in order}

    def check_gradients(
        self,
        x: Any,
        y: Any,
        *,
        sample_weight: Any = None,
        mode: str = "train",
        step: float = 1e-6,
        most: int = 200,
    ) -> "GradientCheck":
        """Compare backprop with central differences, ``(L(w + h) - L(w - h)) / 2h``.

        Computed in float64, whatever the network's dtype. They agree where they differ
        by at most 1e-5 of the larger one or of the parameter's whole gradient, and by
        what rounding does to a difference.

        Parameters
        ----------
        x, y : array_like
            Some data.
        sample_weight : array_like, shape (n,), optional
            Weights of the samples.
        mode : str
            ``"train"`` or ``"predict"``.
        step : float
            The step h, relative to the size of the parameter where that is above 1.
        most : int
            So many entries of each parameter are checked, evenly spread.

        Returns
        -------
        GradientCheck
            A table with a row for each parameter; its `ok` says whether all agree.
        """
        from pellucid.gradient_check import check_gradients

        return check_gradients(self._network, x, y, sample_weight, mode, step, most)

    def trace(
        self,
        x: Any,
        y: Any,
        *,
        sample_weight: Any = None,
        optimizer: Any = None,
        learning_rate: float | None = None,
    ) -> "Step":
        """Record one full iteration, every number of it: feedforward to update.

        It is the iteration that training would make next with these samples as its
        batch. The network itself stays as it is.

        Parameters
        ----------
        x : array_like, shape (n, *input_shape)
            Inputs.
        y : array_like
            Targets.
        sample_weight : array_like, shape (n,), optional
            Weights of the samples.
        optimizer : Optimizer or str, optional
            A rule that starts afresh; that of the last training, with all it remembers,
            by default, or Adam where there is none.
        learning_rate : float, optional
            Instead of the rule's own.

        Returns
        -------
        Step
            `layers`, `gradients`, `update` and more hold the numbers;
            ``step.why("dense_1.W[0, 1].grad")`` tells where one comes from.

        Examples
        --------
        >>> from pellucid import Dense, NeuralNetwork
        >>> net = NeuralNetwork([Dense(1, weight_init="ones")], loss="sum_of_squares")
        >>> step = net.trace([[1.0, 2.0]], [[5.0]], optimizer="gradient_descent")
        >>> step["dense_1"].output.tolist(), step.loss
        ([[3.0]], 4.0)
        >>> step.gradients["dense_1.W"].tolist()
        [[-4.0], [-8.0]]
        """
        from pellucid.trace import trace

        return trace(
            self._network,
            x,
            y,
            sample_weight=sample_weight,
            optimizer=optimizer,
            learning_rate=learning_rate,
        )

    def diagnose(
        self, x: Any, y: Any, *, sample_weight: Any = None, validation: Any = None
    ) -> "Diagnosis":
        """Look for what keeps the network from learning, and say what to do.

        In the data, in one iteration on some of the rows, and in the course of the last
        training: gaps, scales, leaks, rare classes, dead and saturated units, vanishing
        gradients, wrong gradients of one's own layers, learning rate, overfitting, and
        the operation that made the first number that is not finite. Changes nothing.

        Parameters
        ----------
        x : array_like, shape (n, *input_shape)
            Inputs; gaps are told, not refused.
        y : array_like
            Targets.
        sample_weight : array_like, shape (n,), optional
            Weights of the samples.
        validation : (x, y), optional
            Data that the network does not learn from, to be compared.

        Returns
        -------
        Diagnosis
            Empty where all is well.

        Examples
        --------
        >>> import numpy as np
        >>> from pellucid import Dense, NeuralNetwork
        >>> x = 1000 * np.random.default_rng(0).normal(size=(100, 2))
        >>> net = NeuralNetwork([Dense(4, "tanh"), Dense(1)], loss="mean_squared_error")
        >>> found = net.diagnose(x, x[:, :1] * x[:, 1:] / 1e6)
        >>> found.ok, found.codes
        (False, ('unscaled_inputs', 'saturated_units'))
        """
        from pellucid.doctor import diagnose

        return diagnose(self._network, x, y, sample_weight, validation)

    def program(self, optimizer: Any = "adam") -> Programs:
        """Return everything the network computes as flat lists of operations.

        Parameters
        ----------
        optimizer : Optimizer or str
            Whose update to show.

        Returns
        -------
        Programs
            ``prediction``, ``evaluation``, ``training`` and ``update``.

        Raises
        ------
        SymbolError
            If a layer does what cannot be followed; the layer and line are named.
        """
        rule = Optimizer.of(optimizer)
        return tracing.programs(
            self._network.blueprint, rule, bool(self._network.frozen)
        )

    def source(self, kind: str, **settings: Any) -> str:
        """Return the network as code that can be read.

        Parameters
        ----------
        kind : str
            ``"python"``: a complete NumPy program that predicts and learns, and proves
            that it does the same. ``"python-plain"``, ``"c"``, ``"javascript"``:
            prediction without any library. ``"latex"``: its mathematics.
            ``"kernels"``: the loops that the compiled engine runs, in order, each with
            the formulas it computes and the layers that asked for them.
        **settings
            Of this kind. For ``"python"``: `optimizer`, `x`, `y`, `epochs`,
            `batch_size` of the training that it repeats. For ``"kernels"``:
            `optimizer`, whose update to show. For ``"python-plain"``, ``"c"`` and
            ``"javascript"``: `name` of the function, and `watch`, to be handed the
            output of every layer. For ``"c"`` also `int8`, whether weights are stored
            in 8 bits, and `x`, typical inputs for that.

        Returns
        -------
        str

        Raises
        ------
        ConfigurationError
            If there is no such kind, or the compiled engine cannot run the network.

        Examples
        --------
        >>> from pellucid import Dense, NeuralNetwork
        >>> net = NeuralNetwork([Dense(1)], loss="sum_of_squares", input_shape=2)
        >>> program = net.source("python", optimizer="gradient_descent")
        >>> "z1 = x @ self.W1 + self.b1" in program
        True
        """
        if kind != "kernels":
            from pellucid.export import source

            return source(self._network, kind, **settings)
        engine, _ = self._network.engines.choose("compiled", "training")
        rule = Optimizer.of(settings.pop("optimizer", "adam"))
        text: str = engine.source(rule, **settings)
        return text

    def derivation(self, optimizer: Any = None) -> "Derivation":
        """Write out feedforward, loss, backpropagation and update as formulas.

        Parameters
        ----------
        optimizer : Optimizer or str, optional
            Whose update to write; that of the last training, or Adam, by default.

        Returns
        -------
        Derivation
            Printed it is plain text; ``.latex()`` is a document, ``.markdown()`` what
            notebooks show.

        Examples
        --------
        >>> from pellucid import Dense, NeuralNetwork
        >>> layers = [Dense(2, "sigmoid"), Dense(1, "sigmoid")]
        >>> net = NeuralNetwork(layers, loss="sum_of_squares", input_shape=2)
        >>> for formula in net.derivation().formulas[7:13]:
        ...     print(formula.plain)
        δ⁽²⁾ = 2 · e ⊙ σ'(z⁽²⁾)
        ∂L/∂W⁽²⁾ = a⁽¹⁾ᵀ δ⁽²⁾
        ∂L/∂b⁽²⁾ = sum over samples of δ⁽²⁾
        δ⁽¹⁾ = (δ⁽²⁾ W⁽²⁾ᵀ) ⊙ σ'(z⁽¹⁾)
        ∂L/∂W⁽¹⁾ = xᵀ δ⁽¹⁾
        ∂L/∂b⁽¹⁾ = sum over samples of δ⁽¹⁾
        """
        from pellucid.derivation import derive

        return derive(self._network, optimizer)

    def export(
        self, path: Path | str, to: str | None = None, **settings: Any
    ) -> list[Path]:
        """Write the network as a program or a file for other software.

        Parameters
        ----------
        path : Path or str
            The file. What exists is replaced.
        to : str, optional
            ``"python"``, ``"python-plain"``, ``"c"``, ``"javascript"``, ``"latex"`` or
            ``"onnx"``; told by the ending of the file by default.
        **settings
            Of this kind, as in `source`.

        Returns
        -------
        list of Path
            What was written; large weights of ``"python"`` go to a file of their own.

        Raises
        ------
        ConfigurationError
            If there is no such kind.
        OSError
            If a file cannot be written.
        """
        from pellucid.export import export

        return export(self._network, path, to, **settings)

    def summary(self, batch_size: int | None = None) -> Table:
        """Return a table of the layers: output shape, parameters, operations.

        Below it stands how much memory the compiled engine takes for intermediate
        results in training; the gradient and what the optimizer remembers come to that,
        each as long as the parameters.

        Parameters
        ----------
        batch_size : int, optional
            Rows of a batch in training; those of the last training, or 32, by default.

        Returns
        -------
        Table

        Examples
        --------
        >>> from pellucid import Dense, NeuralNetwork
        >>> net = NeuralNetwork(
        ...     [Dense(4, "relu"), Dense(3)], loss="cross_entropy", input_shape=2
        ... )
        >>> net.summary()
        input (n, 2), float32; cross_entropy: one of 3 classes for each sample
        layer    kind              output  parameters  operations a row
        -------  ----------------  ------  ----------  ----------------
        dense_1  Dense(4, 'relu')  (n, 4)          12                24
        dense_2  Dense(3)          (n, 3)          15                27
        27 parameters, all trained; 51 operations a row to predict
        training in batches of 32: ...
        """
        from pellucid.summary import summary

        return summary(self._network, batch_size)
