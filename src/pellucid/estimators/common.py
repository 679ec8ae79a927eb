"""What the classifier and the regressor share: arguments, data, training."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import (
    _check_sample_weight,
    check_array,
    check_consistent_length,
    check_is_fitted,
    validate_data,
)

from pellucid.activations import Activation
from pellucid.arrays import as_floats, column_names, must_keep_digits
from pellucid.errors import ConfigurationError, DataError
from pellucid.estimators.arguments import ACTIVATIONS, RATES, refuse
from pellucid.estimators.by_preset import (
    columns_of,
    has_texts,
    named,
    text_columns,
    train_by_preset,
)
from pellucid.layer import Layer
from pellucid.layers import Dense, Dropout
from pellucid.minimizers import Minimizer
from pellucid.network import NeuralNetwork
from pellucid.optimizers import Optimizer
from pellucid.training.plan import as_rule

# Up to so many rows, all of them are one batch: then a row with weight 2 and the same
# row twice train the same network, and no order of the rows matters.
WHOLE = 200
WHOLE_EPOCHS = 500

# What a preset decides, with the values that say nothing.
OWN = {
    "layers": (100,),
    "activation": "relu",
    "dropout": 0.0,
    "loss": None,
    "optimizer": "adam",
    "learning_rate": None,
    "batch_size": None,
    "epochs": None,
    "early_stopping": False,
    "warm_start": False,
}


class NetworkEstimator(BaseEstimator):  # type: ignore[misc]
    """A network with the conventions of scikit-learn; see the two estimators.

    Arguments are kept as they are given, and looked at in `fit`.

    Parameters
    ----------
    layers, activation, dropout, loss, optimizer, learning_rate, batch_size, epochs
        As in `NeuralNetworkClassifier`.
    early_stopping, validation, preset, ensemble, warm_start, engine, threads
        As in `NeuralNetworkClassifier`.
    random_state, verbose
        As in `NeuralNetworkClassifier`.
    """

    network_: NeuralNetwork

    def __new__(cls, *_: Any, **named: Any) -> Self:
        """Refuse unknown arguments, those of scikit-learn's MLP with what to write."""
        known = cls._get_param_names()
        unknown = {name: named[name] for name in named.keys() - known}
        if unknown:
            refuse(cls.__name__, unknown, known)
        return super().__new__(cls)  # type: ignore[no-any-return]

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
        self.layers = layers
        self.activation = activation
        self.dropout = dropout
        self.loss = loss
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.epochs = epochs
        self.early_stopping = early_stopping
        self.validation = validation
        self.preset = preset
        self.ensemble = ensemble
        self.warm_start = warm_start
        self.engine = engine
        self.threads = threads
        self.random_state = random_state
        self.verbose = verbose

    def set_params(self, **params: Any) -> "NetworkEstimator":
        """Change arguments.

        Parameters
        ----------
        **params
            By name.

        Returns
        -------
        NetworkEstimator
            Itself.

        Raises
        ------
        TypeError
            If there is no such argument; what stands for one of scikit-learn's MLP is
            named.
        """
        known = self._get_param_names()
        unknown = {
            name: value
            for name, value in params.items()
            if name.partition("__")[0] not in known
        }
        if unknown:
            refuse(type(self).__name__, unknown, known)
        super().set_params(**params)
        return self

    # -- arguments ---------------------------------------------------------------------

    def _hidden(self) -> list[Layer]:
        """Return the layers before the last one."""
        layers = self.layers
        if isinstance(layers, int | np.integer) and not isinstance(layers, bool):
            layers = (layers,)
        if isinstance(layers, str | Layer) or not isinstance(layers, Sequence):
            raise ConfigurationError(
                "Expected layers as sizes such as (100, 50), or as a list of layers "
                f"such as [Dense(100, 'relu'), Dropout(0.2)]; got {layers!r}."
            )
        if not isinstance(self.dropout, int | float) or not 0 <= self.dropout < 1:
            raise ConfigurationError(
                f"Expected dropout in [0, 1), got {self.dropout!r}."
            )
        sizes = [isinstance(each, int | np.integer) for each in layers]
        if all(sizes):
            return self._dense([int(size) for size in layers])
        if any(sizes):
            raise ConfigurationError(
                f"Expected all layers as sizes or all as layers, got {layers!r}."
            )
        if self.dropout or self.activation != "relu":
            raise ConfigurationError(
                "activation and dropout are for layers given as sizes; with a list of "
                "layers write them there: [Dense(100, 'tanh'), Dropout(0.2)]."
            )
        return [Layer.of(layer) for layer in layers]

    def _dense(self, sizes: list[int]) -> list[Layer]:
        activations = self.activation
        if isinstance(activations, str | Activation) or activations is None:
            activations = [activations] * len(sizes)
        if not isinstance(activations, Sequence) or len(activations) != len(sizes):
            raise ConfigurationError(
                f"Expected one activation, or one for each of the {len(sizes)} hidden "
                f"layers, got {self.activation!r}."
            )
        hidden: list[Layer] = []
        for size, activation in zip(sizes, activations, strict=True):
            if isinstance(activation, str) and activation in ACTIVATIONS:
                raise ConfigurationError(
                    f"The activation {activation!r} of scikit-learn's MLP is called "
                    f"{ACTIVATIONS[activation]!r} here."
                )
            hidden.append(Dense(size, activation))
            hidden += [Dropout(self.dropout)] if self.dropout else []
        return hidden

    def _rule(self) -> Optimizer | Minimizer:
        """Return the optimizer with the learning rate that was asked for."""
        if self.optimizer == "sgd":
            raise ConfigurationError(
                "The solver 'sgd' of scikit-learn's MLP is "
                "optimizer=Nesterov(0.001, momentum=0.9) here."
            )
        if isinstance(self.learning_rate, str):
            told = RATES.get(self.learning_rate, "give a number or a schedule")
            raise ConfigurationError(
                "Expected learning_rate as a number or a schedule such as "
                f"Cosine(0.001), got {self.learning_rate!r}: {told}."
            )
        rule = as_rule(self.optimizer)
        if self.learning_rate is None:
            return rule
        if isinstance(rule, Minimizer):
            raise ConfigurationError(
                f"{rule!r} finds the length of its steps itself: leave learning_rate "
                "out."
            )
        return replace(rule, learning_rate=self.learning_rate)

    def _seed(self) -> int:
        if self.random_state is None:
            # Not from the generator that the whole process shares: it stays as it is.
            return int(np.random.default_rng().integers(2**31 - 1))
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _only_for_own_layers(self) -> None:
        """Raise for arguments that a preset decides itself."""
        for name, usual in OWN.items():
            if getattr(self, name) != usual:
                raise ConfigurationError(
                    f"{name}={getattr(self, name)!r} and a preset contradict each "
                    "other: the preset chooses layers, optimizer and epochs. Leave one "
                    "of them out."
                )

    # -- data --------------------------------------------------------------------------

    @property
    def _by_preset(self) -> bool:
        return self.preset is not None or self.ensemble is not None

    def _data(self, X: Any, *, reset: bool) -> Any:
        """Return the table as rows of numbers in its own precision.

        With a preset there may be gaps, and a data frame with texts stays what it is.
        """
        if self._keeps(X):
            validate_data(self, X, reset=reset, skip_check_array=True)
            return X
        return self._whole(self._validated(X, reset=reset, **self._how()), X)

    def _data_with_targets(
        self, X: Any, y: Any, *, reset: bool, numeric: bool
    ) -> tuple[Any, NDArray[Any]]:
        if self._keeps(X):
            check_consistent_length(X, y)
            rows = check_array(y, ensure_2d=False, dtype=None)
            return self._data(X, reset=reset), rows.astype(float) if numeric else rows
        found, targets = self._validated(
            X,
            y,
            reset=reset,
            multi_output=True,
            y_numeric=numeric,
            **self._how(),
        )
        return self._whole(found, X), targets

    def _validated(self, X: Any, *y: Any, **how: Any) -> Any:
        """Return what scikit-learn's own checks make of data; say what texts need."""
        try:
            return validate_data(self, X, *y, **how)
        except ValueError as error:
            texts = text_columns(X)
            if self._by_preset or not texts or "could not convert" not in str(error):
                raise
            raise DataError(
                f"X holds texts or dates in the columns {texts}; a network takes "
                "numbers. Write preset='tabular', which takes a data frame as it is, "
                "or encode them first, for example with OneHotEncoder."
            ) from error

    def _keeps(self, X: Any) -> bool:
        """Return whether X is a data frame with more than numbers, for a preset."""
        return self._by_preset and has_texts(X)

    def _how(self) -> dict[str, Any]:
        """Return what scikit-learn is to look for in X."""
        return {
            "accept_sparse": "csr",
            "dtype": (np.float64, np.float32),
            "ensure_all_finite": "allow-nan" if self._by_preset else False,
        }

    def _whole(self, x: Any, given: Any) -> NDArray[Any]:
        """Return a table with all its zeros; without a preset, refuse gaps by place."""
        whole: NDArray[Any] = x.toarray() if hasattr(x, "toarray") else x
        must_keep_digits(given, whole, "X")
        if self._by_preset:
            return whole
        return as_floats(whole, "X", whole.dtype, column_names(given))

    def _held_out(self, eval_set: Any) -> Any:
        """Return validation data as `NeuralNetwork.fit` takes them."""
        if eval_set is None:
            return self.validation if self.early_stopping else None
        if not isinstance(eval_set, tuple | list) or len(eval_set) not in (2, 3):
            raise ConfigurationError(
                "Expected eval_set as (X, y) or (X, y, sample_weight), got "
                f"{type(eval_set).__name__}."
            )
        X, y, *weight = eval_set
        return (self._data(X, reset=False), self._encoded(np.asarray(y)), *weight)

    def _encoded(self, y: NDArray[Any]) -> NDArray[Any]:
        """Return targets as the network learns them."""
        raise NotImplementedError

    # -- training ----------------------------------------------------------------------

    def _network(self, x: NDArray[Any], output: Layer, loss: str) -> NeuralNetwork:
        """Return the network to train: the one before where that is to go on."""
        if self.warm_start and hasattr(self, "network_"):
            before = self.network_.blueprint
            units = before.output_shape
            if units != (output.units,):  # type: ignore[attr-defined]
                raise DataError(
                    f"With warm_start the data must stay alike: the network has "
                    f"{units[0]} outputs, and y asks for another number."
                )
            return self.network_
        return NeuralNetwork(
            [*self._hidden(), output],
            loss=loss if self.loss is None else self.loss,
            input_shape=x.shape[1],
            seed=self._seed(),
            dtype=x.dtype,
        )

    def _train(
        self,
        network: NeuralNetwork,
        x: NDArray[Any],
        y: NDArray[Any],
        weight: NDArray[Any] | None,
        eval_set: Any,
    ) -> None:
        """Train, and keep what scikit-learn's users look for."""
        rule = self._rule()
        validation = self._held_out(eval_set)
        n = len(x)
        batch_size, epochs = self.batch_size, self.epochs
        if isinstance(batch_size, str):
            raise ConfigurationError(
                f"Expected batch_size as a number of rows, got {batch_size!r}: leave "
                "it out, and the size suits the table."
            )
        if not isinstance(rule, Minimizer):
            usual = 32 if n > WHOLE else n
            batch_size = min(n, batch_size or usual)
            if epochs is None and n <= WHOLE:
                epochs = WHOLE_EPOCHS
        patience = self.early_stopping
        self.history_ = network.fit(
            x,
            y,
            epochs=epochs,
            batch_size=batch_size,
            optimizer=rule,
            sample_weight=weight,
            validation=validation,
            early_stopping=None if patience is False else patience,
            engine=self.engine,
            threads=self.threads,
            progress=bool(self.verbose),
        )
        self.network_ = network
        self._keep()

    def _train_by_preset(
        self,
        X: Any,
        y: NDArray[Any],
        weight: NDArray[Any] | None,
        eval_set: Any,
        classes: int,
    ) -> None:
        """Train with the settings of the preset."""
        self._only_for_own_layers()
        if len(y) < 2:
            raise DataError("There is nothing to learn from one sample, n_samples=1.")
        if y.ndim > 1:
            raise DataError(
                "A preset is for one target; y has several columns. Use "
                "sklearn.multioutput, or layers=... without a preset."
            )
        validation = None
        if eval_set is not None:
            validation = self._held_out(eval_set)[:2]
        self.trained_ = train_by_preset(
            X,
            y,
            weight,
            classes=classes,
            validation=validation,
            preset=self.preset or "tabular",
            ensemble=self.ensemble,
            seed=self._seed(),
            dtype=str(getattr(X, "dtype", "float32")),
            engine=self.engine,
            threads=self.threads,
            progress=bool(self.verbose),
        )
        self.network_ = self.trained_.network
        self.history_ = self.trained_.histories[0]
        self._keep()

    def _keep(self) -> None:
        history = self.history_
        self.loss_curve_ = [float(loss) for loss in history.loss]
        self.loss_ = self.loss_curve_[-1]
        self.validation_curve_ = [float(loss) for loss in history.validation]
        self.n_iter_ = history.epochs

    def _weights(
        self, x: NDArray[Any], y: Any, sample_weight: Any, class_weight: Any = None
    ) -> NDArray[Any] | None:
        """Return how much each row counts; None where all count the same."""
        weight = None
        dtype = getattr(x, "dtype", np.float64)
        if sample_weight is not None:
            weight = _check_sample_weight(
                sample_weight, x, dtype=dtype, ensure_non_negative=True
            )
        if class_weight is not None:
            by_class = compute_sample_weight(class_weight, y).astype(dtype)
            weight = by_class if weight is None else weight * by_class
        return weight

    def _asked(self, X: Any) -> Any:
        """Return rows as the network takes them."""
        check_is_fitted(self)
        x = self._data(X, reset=False)
        if self._by_preset:
            columns = named(x) if hasattr(x, "columns") else columns_of(x)
            return self.network_.reader.encode(columns)  # type: ignore[union-attr]
        return x.astype(self.network_.dtype, copy=False)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = self._by_preset
        return tags


def learns_in_parts(estimator: NetworkEstimator) -> bool:
    """Return whether an estimator has `partial_fit`: not with a preset.

    Parameters
    ----------
    estimator : NetworkEstimator
        The estimator.

    Returns
    -------
    bool
    """
    return not estimator._by_preset
