"""A network that estimates numbers, for scikit-learn."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import column_or_1d

from pellucid.estimators.common import NetworkEstimator, learns_in_parts
from pellucid.layers import Dense


class NeuralNetworkRegressor(RegressorMixin, NetworkEstimator):  # type: ignore[misc]
    """A network for numbers, trained on targets of mean 0 and deviation 1.

    Parameters
    ----------
    layers : tuple of int, int, or list of Layer
        Sizes of the hidden layers, or the layers themselves; the last layer, with an
        output for each target, is added.
    activation : str, Activation, or a list with one for each hidden layer
        For layers given as sizes.
    dropout : float
        Share of the neurons left out behind each hidden layer given as a size, [0, 1).
    loss : Loss or str, optional
        ``"mean_squared_error"`` by default.
    optimizer : Optimizer, Minimizer or str
        Such as ``"adam"``, ``Nesterov(0.01)``, or ``"lbfgs"`` for small tables.
    learning_rate : float or Schedule, optional
        Instead of the optimizer's own.
    batch_size : int, optional
        Rows of a batch; by default all up to 200 rows, else 32.
    epochs : int, optional
        Passes over the data; by default 500 with all rows in one batch, else 20 to 100.
    early_stopping : bool or int
        Whether to stop when the loss of validation data has not fallen for 10 epochs,
        or for so many. The weights of the best epoch stay.
    validation : float
        Share of the rows to hold out for it, where `fit` gets no ``eval_set``.
    preset : str, optional
        ``"tabular"``: layers, optimizer, epochs and the encoding of the columns are
        chosen by the size of the table, see `pellucid.tabular`; a data frame may hold
        texts, dates and gaps.
    ensemble : int, optional
        How many members share one network, 16 for example; with the preset's encoding.
    warm_start : bool
        Whether a further `fit` goes on from the weights of the one before.
    engine : str
        As in `NeuralNetwork.fit`.
    threads : int, optional
        As in `NeuralNetwork.fit`.
    random_state : int, RandomState or None
        Where all random numbers come from; with None they differ each time. NumPy's
        global generator is left alone.
    verbose : bool
        Whether to show a progress bar.

    Attributes
    ----------
    network_ : NeuralNetwork
        The network, to look into; its outputs are standardized targets.
    target_mean_, target_deviation_ : ndarray, shape (targets,)
        Mean and standard deviation that y had, with which outputs become predictions.
    history_ : History
        The course of its training, in standardized units.
    loss_curve_, validation_curve_ : list of float
        The loss after each epoch.
    loss_, n_iter_ : float, int
        The last loss, and how many epochs there were.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of str
        Their names, where X had names.

    Examples
    --------
    >>> import numpy as np
    >>> from pellucid.estimators import NeuralNetworkRegressor
    >>> X = np.linspace(-3, 3, 100).reshape(-1, 1)
    >>> y = 40 + 10 * np.sin(X[:, 0])
    >>> model = NeuralNetworkRegressor((32, 32), learning_rate=0.01, random_state=0)
    >>> model.fit(X, y).score(X, y) > 0.95
    True
    """

    target_mean_: NDArray[Any]
    target_deviation_: NDArray[Any]

    def __init__(
        self,
        layers: Any = (100,),
        *,
        activation: Any = "relu",
        dropout: float = 0.0,
        loss: Any = None,
        optimizer: Any = "adam",
        learning_rate: Any = None,
        batch_size: int | None = None,
        epochs: int | None = None,
        early_stopping: Any = False,
        validation: float = 0.1,
        preset: str | None = None,
        ensemble: int | None = None,
        warm_start: bool = False,
        engine: str = "auto",
        threads: int | None = None,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        super().__init__(
            layers,
            activation=activation,
            dropout=dropout,
            loss=loss,
            optimizer=optimizer,
            learning_rate=learning_rate,
            batch_size=batch_size,
            epochs=epochs,
            early_stopping=early_stopping,
            validation=validation,
            preset=preset,
            ensemble=ensemble,
            warm_start=warm_start,
            engine=engine,
            threads=threads,
            random_state=random_state,
            verbose=verbose,
        )

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, eval_set: Any = None
    ) -> "NeuralNetworkRegressor":
        """Learn from a table.

        Parameters
        ----------
        X : array_like or sparse matrix, shape (n, columns)
            The table; float32 is computed in float32, all else in float64. A sparse
            one is filled up with its zeros.
        y : array_like, shape (n,) or (n, targets)
            Numbers.
        sample_weight : array_like, shape (n,), optional
            How much each row counts.
        eval_set : (X, y) or (X, y, sample_weight), optional
            Data to choose the best epoch by, instead of a share of X.

        Returns
        -------
        NeuralNetworkRegressor
            Itself.

        Raises
        ------
        ValueError
            If the data or an argument cannot be used.
        """
        x, y = self._data_with_targets(X, y, reset=True, numeric=True)
        y = self._checked(y)
        weight = self._weights(x, y, sample_weight)
        if self._by_preset:
            self.target_mean_, self.target_deviation_ = np.zeros(1), np.ones(1)
            self._train_by_preset(x, y, weight, eval_set, 0)
            return self
        self._measure(y, weight)
        targets = self._encoded(y)
        network = self._network(x, Dense(targets.shape[1]), "mean_squared_error")
        self._train(network, x, targets, weight, eval_set)
        return self

    @available_if(learns_in_parts)  # type: ignore[untyped-decorator]
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None
    ) -> "NeuralNetworkRegressor":
        """Pass once over some rows, and keep the optimizer's memory for the next call.

        Mean and deviation of the targets are those of the first call.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.

        Returns
        -------
        NeuralNetworkRegressor
            Itself.
        """
        first = not hasattr(self, "network_")
        x, y = self._data_with_targets(X, y, reset=first, numeric=True)
        y = self._checked(y)
        weight = self._weights(x, y, sample_weight)
        if first:
            self._measure(y, weight)
        targets = self._encoded(y)
        network = (
            self._network(x, Dense(targets.shape[1]), "mean_squared_error")
            if first
            else self.network_
        )
        self.history_ = network.partial_fit(
            x,
            targets,
            batch_size=self.batch_size,
            optimizer=self._rule() if first else None,
            sample_weight=weight,
        )
        self.network_ = network
        self._keep()
        return self

    def _checked(self, y: NDArray[Any]) -> NDArray[Any]:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        self._column = y.ndim == 1
        return y.astype(np.float64)

    def _measure(self, y: NDArray[Any], weight: NDArray[Any] | None) -> None:
        """Keep mean and deviation of the targets."""
        rows = y.reshape(len(y), -1)
        mean = np.average(rows, axis=0, weights=weight)
        spread = np.sqrt(np.average((rows - mean) ** 2, axis=0, weights=weight))
        self.target_mean_ = mean
        self.target_deviation_ = np.where(spread > 0, spread, 1.0)

    def _encoded(self, y: NDArray[Any]) -> NDArray[Any]:
        if self._by_preset:
            return self._checked(y)
        rows = np.asarray(y, dtype=np.float64).reshape(len(y), -1)
        return np.asarray((rows - self.target_mean_) / self.target_deviation_)

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the estimated numbers, in the units of y.

        Parameters
        ----------
        X : array_like or sparse matrix, shape (n, columns)
            A table.

        Returns
        -------
        ndarray, shape (n,) or (n, targets)
        """
        x = self._asked(X)
        answer = self.network_.predict(x, engine=self.engine, threads=self.threads)
        rows: NDArray[Any] = np.asarray(answer).reshape(len(answer), -1)
        rows = rows * self.target_deviation_ + self.target_mean_
        found: NDArray[Any] = rows[:, 0] if self._column else rows
        return found.astype(self.network_.dtype)
