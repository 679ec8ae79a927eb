"""A network that tells classes apart, for scikit-learn."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import (
    check_classification_targets,
    type_of_target,
    unique_labels,
)
from sklearn.utils.validation import column_or_1d

from pellucid.errors import DataError
from pellucid.estimators.common import NetworkEstimator, learns_in_parts
from pellucid.layers import Dense


class NeuralNetworkClassifier(ClassifierMixin, NetworkEstimator):  # type: ignore[misc]
    """A network for classes: softmax and cross-entropy, or a yes and no per label.

    Parameters
    ----------
    layers : tuple of int, int, or list of Layer
        Sizes of the hidden layers, or the layers themselves; the last layer, with an
        output for each class, is added.
    activation : str, Activation, or a list with one for each hidden layer
        For layers given as sizes.
    dropout : float
        Share of the neurons left out behind each hidden layer given as a size, [0, 1).
    loss : Loss or str, optional
        ``"cross_entropy"`` by default, ``"binary_cross_entropy"`` for several labels.
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
    class_weight : dict or "balanced", optional
        How much each class counts.
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
        The network, to look into.
    history_ : History
        The course of its training.
    classes_ : ndarray
        The classes in the order of the outputs.
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
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from pellucid.estimators import NeuralNetworkClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = make_pipeline(
    ...     StandardScaler(), NeuralNetworkClassifier((16, 16), random_state=0)
    ... )
    >>> model.fit(X, y).score(X, y) > 0.95
    True
    """

    classes_: NDArray[Any]

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
        class_weight: Any = None,
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
        self.class_weight = class_weight

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, eval_set: Any = None
    ) -> "NeuralNetworkClassifier":
        """Learn from a table.

        Parameters
        ----------
        X : array_like or sparse matrix, shape (n, columns)
            The table; float32 is computed in float32, all else in float64. A sparse
            one is filled up with its zeros.
        y : array_like, shape (n,), or (n, labels) of 0 and 1
            Classes, or several labels for each row.
        sample_weight : array_like, shape (n,), optional
            How much each row counts.
        eval_set : (X, y) or (X, y, sample_weight), optional
            Data to choose the best epoch by, instead of a share of X.

        Returns
        -------
        NeuralNetworkClassifier
            Itself.

        Raises
        ------
        ValueError
            If the data or an argument cannot be used.
        """
        x, y = self._data_with_targets(X, y, reset=True, numeric=False)
        y = self._checked(y)
        self.multilabel_ = y.ndim == 2
        self.classes_ = unique_labels(y)
        if len(self.classes_) < 2:
            raise DataError(
                f"y has one class, {self.classes_.tolist()[0]!r}: a classifier needs "
                "two or more classes."
            )
        weight = self._weights(x, y, sample_weight, self.class_weight)
        if self._by_preset:
            count = len(self.classes_)
            self._train_by_preset(x, self._encoded(y), weight, eval_set, count)
            return self
        self._train(self._new(x, y), x, self._encoded(y), weight, eval_set)
        return self

    @available_if(learns_in_parts)  # type: ignore[untyped-decorator]
    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> "NeuralNetworkClassifier":
        """Pass once over some rows, and keep the optimizer's memory for the next call.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.
        classes : array_like, optional
            All classes there will be; needed in the first call.

        Returns
        -------
        NeuralNetworkClassifier
            Itself.
        """
        first = not hasattr(self, "network_")
        x, y = self._data_with_targets(X, y, reset=first, numeric=False)
        y = self._checked(y)
        if first:
            if classes is None:
                raise DataError(
                    "The first partial_fit needs classes=..., all that will come."
                )
            self.multilabel_, self.classes_ = y.ndim == 2, unique_labels(classes)
            network = self._new(x, y)
        else:
            if classes is not None and not np.array_equal(
                unique_labels(classes), self.classes_
            ):
                raise DataError(
                    f"classes={classes!r} is not the same as in the first partial_fit, "
                    f"{self.classes_.tolist()}."
                )
            network = self.network_
        weight = self._weights(x, y, sample_weight, self.class_weight)
        self.history_ = network.partial_fit(
            x,
            self._encoded(y),
            batch_size=self.batch_size,
            optimizer=self._rule() if first else None,
            sample_weight=weight,
        )
        self.network_ = network
        self._keep()
        return self

    def _checked(self, y: NDArray[Any]) -> NDArray[Any]:
        """Return targets of a kind that a classifier learns."""
        check_classification_targets(y)
        kind = type_of_target(y)
        if kind == "multiclass-multioutput":
            raise DataError(
                "y has several columns with more than two classes. A column of 0 and 1 "
                "for each label can be learned, or one estimator for each column: "
                "sklearn.multioutput.MultiOutputClassifier."
            )
        if kind == "multilabel-indicator":
            return _as_array(y)
        column: NDArray[Any] = column_or_1d(y, warn=True)
        return column

    def _new(self, x: NDArray[Any], y: NDArray[Any]) -> Any:
        if self.multilabel_:
            return self._network(x, Dense(y.shape[1]), "binary_cross_entropy")
        return self._network(x, Dense(len(self.classes_)), "cross_entropy")

    def _encoded(self, y: NDArray[Any]) -> NDArray[Any]:
        y = self._checked(y)
        if self.multilabel_:
            return y.astype(np.float64)
        places = np.searchsorted(self.classes_, y)
        places = np.minimum(places, len(self.classes_) - 1)
        strange = self.classes_[places] != y
        if strange.any():
            raise DataError(
                f"y has the class {y[strange].tolist()[0]!r} in row "
                f"{int(strange.argmax())}, which is not among {self.classes_.tolist()}."
            )
        return places

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """Return the probability of each class.

        Parameters
        ----------
        X : array_like or sparse matrix, shape (n, columns)
            A table.

        Returns
        -------
        ndarray, shape (n, classes), or (n, labels) for several labels
        """
        x = self._asked(X)
        network, threads = self.network_, self.threads
        p = network.predict_proba(x, engine=self.engine, threads=threads)
        # A single label has the columns no and yes there, and one column here.
        p = p[:, 1:] if self.multilabel_ and network.blueprint.outputs == 1 else p
        return np.asarray(p)

    def predict_log_proba(self, X: Any) -> NDArray[Any]:
        """Return the logarithms of `predict_proba`.

        Parameters
        ----------
        X : array_like or sparse matrix, shape (n, columns)
            A table.

        Returns
        -------
        ndarray
        """
        with np.errstate(divide="ignore"):
            logarithms: NDArray[Any] = np.log(self.predict_proba(X))
        return logarithms

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the most probable class of each row; for labels, each above 0.5.

        Parameters
        ----------
        X : array_like or sparse matrix, shape (n, columns)
            A table.

        Returns
        -------
        ndarray, shape (n,), or (n, labels)
        """
        x = self._asked(X)
        best = self.network_.predict(x, engine=self.engine, threads=self.threads)
        if self.multilabel_:
            return np.asarray(best).reshape(len(best), -1)
        found: NDArray[Any] = self.classes_[best]
        return found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = not self._by_preset
        return tags


def _as_array(y: Any) -> NDArray[Any]:
    found: NDArray[Any] = y.toarray() if hasattr(y, "toarray") else np.asarray(y)
    return found
