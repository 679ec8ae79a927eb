"""What a network shows of itself: tables, checks, Programs, code."""

from typing import TYPE_CHECKING, Any, cast

from numpy.typing import NDArray

from pellucid import tracing
from pellucid.errors import ConfigurationError, suggestion
from pellucid.optimizers import Optimizer
from pellucid.program import Programs
from pellucid.texttable import Table

if TYPE_CHECKING:
    from pellucid.gradient_check import GradientCheck
    from pellucid.network import NeuralNetwork


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

    def source(self, kind: str, *, optimizer: Any = "adam") -> str:
        """Return the network as code that can be read.

        Parameters
        ----------
        kind : str
            ``"kernels"``: the loops that the compiled engine runs, in order, each with
            the formulas it computes and the layers that asked for them.
        optimizer : Optimizer or str
            Whose update to show.

        Returns
        -------
        str

        Raises
        ------
        ConfigurationError
            If there is no such kind, or the compiled engine cannot run the network.
        """
        if kind != "kernels":
            raise ConfigurationError(
                f"There is no source of kind {kind!r}. {suggestion(kind, ['kernels'])}"
            )
        engine, _ = self._network.engines.choose("compiled", "training")
        text: str = engine.source(Optimizer.of(optimizer))
        return text

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
