"""The neural network: layers in order, their numbers, feedforward and backprop."""

import copy as copying
import fnmatch
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Never

import numpy as np
from numpy.typing import NDArray

from pellucid import arrays, targets
from pellucid._version import __version__
from pellucid.blueprint import Blueprint, Inputs, build, join_loss
from pellucid.engines import Engines
from pellucid.engines.readable import ReadableEngine, scale_of
from pellucid.errors import (
    INSTEAD,
    ConfigurationError,
    DataError,
    NotBuiltError,
    PickleVersionWarning,
    ShapeError,
    suggestion,
    unknown_argument,
)
from pellucid.layer import Layer, layer_names
from pellucid.layers.inputs import Input
from pellucid.layout import Windows
from pellucid.losses import Loss
from pellucid.metrics import FunctionMetric, Metric, metric_name
from pellucid.readers import Reader
from pellucid.rng import Random, make_key
from pellucid.samples import Samples
from pellucid.views import Views

if TYPE_CHECKING:
    from pellucid.recording import Recording
    from pellucid.training.history import History
    from pellucid.training.rate_search import RateSearch
    from pellucid.training.state import Training


class Gradients(Windows):
    """Gradients by name, ``gradients["dense_1.W"]``, and as one vector.

    Attributes
    ----------
    vector : ndarray, shape (parameters,)
        All of them in the order of the parameters.
    state : Windows
        The running state as training would leave it.
    """

    __slots__ = ("state",)

    state: Windows


class NeuralNetwork(Views):
    """Layers one after the other, a loss, and the numbers that are learned.

    Parameters
    ----------
    layers : sequence of Layer
        In order; activations and other layers without settings may stand as names.
    loss : Loss or str
        What training makes small; it also says what the targets are: numbers
        (``"mean_squared_error"``), one of several classes (``"cross_entropy"``), yes or
        no (``"binary_cross_entropy"``).
    input_shape : int, tuple of int, Input, or mapping of name to such, optional
        Shape of one sample; taken from the first data otherwise.
    seed : int
        Seed of all random numbers: first weights, shuffling, dropout.
    dtype : str
        ``"float32"`` or ``"float64"``.

    Attributes
    ----------
    reader : Reader or None
        How a file becomes inputs, such as `ImageReader` or `Encoder`; kept in model
        files. With an `Encoder` the network takes tables and rows as they are, and its
        predictions are in the units of the targets.
    recording : Recording or None
        Of the last `fit`, if it was asked to ``record``; copies of the network and
        model files go without it.

    Raises
    ------
    ConfigurationError
        If parts do not exist or contradict each other.
    ShapeError
        If shapes do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> from pellucid import Dense, GradientDescent, NeuralNetwork
    >>> x = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
    >>> y = np.array([[0], [1], [1], [0]])
    >>> net = NeuralNetwork(
    ...     [Dense(4, "sigmoid"), Dense(1, "sigmoid")], loss="sum_of_squares", seed=1
    ... )
    >>> history = net.fit(x, y, iterations=1500, optimizer=GradientDescent(1.0))
    >>> net.predict(x).round().tolist()
    [[0.0], [1.0], [1.0], [0.0]]
    """

    def __init__(
        self,
        layers: Sequence[Layer | str],
        *,
        loss: Loss | str | None = None,
        input_shape: Any = None,
        seed: int = 0,
        dtype: Any = "float32",
    ) -> None:
        if isinstance(layers, Layer | str) or not isinstance(layers, Iterable):
            raise ConfigurationError(
                f"Expected a list of layers, got {layers!r}: write [{layers!r}]."
            )
        self.layers: tuple[Layer, ...] = tuple(map(Layer.of, layers))
        if not self.layers:
            raise ConfigurationError("A network needs at least one layer.")
        if loss is None:
            raise ConfigurationError(
                "A network needs a loss: write loss='cross_entropy' for classes, "
                "'binary_cross_entropy' for yes or no in one output, "
                "'mean_squared_error' for numbers, or one of "
                f"{', '.join(sorted(Loss.registered()))}."
            )
        self.loss: Loss = Loss.of(loss)
        make_key(seed)
        self.seed = int(seed)
        self.dtype = _as_dtype(dtype)
        join_loss(self.layers, self.loss)
        layer_names(self.layers)
        self.training: Training | None = None
        self._blueprint: Blueprint | None = None
        self._weights: NDArray[Any] | None = None
        self.reader: Reader | None = None
        self._classes: NDArray[Any] | None = None
        self._frozen: tuple[str, ...] = ()
        self._column: bool | None = None
        self._names: list[str] | None = None
        self._engines: Engines | None = None
        self.recording: Recording | None = None
        if input_shape is not None:
            self.build(input_shape)

    # -- what the network is -----------------------------------------------------------

    def build(self, input_shape: Any) -> "NeuralNetwork":
        """Give the network its input shape and its first weights.

        Parameters
        ----------
        input_shape : int, tuple of int, Input, or mapping of name to such
            Shape of one sample.

        Returns
        -------
        NeuralNetwork
            Itself.
        """
        self._build(_as_input(input_shape))
        return self

    def _build(self, inputs: Inputs) -> None:
        if self._blueprint is not None:
            raise ConfigurationError(
                "The network has its input shape already; make a new one for another."
            )
        blueprint = build(self.layers, self.loss, inputs)
        weights = blueprint.layout.room(self.dtype)
        for name, entry in blueprint.layout.entries.items():
            random = Random(self.seed, "weights", name)
            values = entry.slot.initializer.values(entry.shape, random)
            weights[entry.start : entry.stop] = np.ravel(values)
        self._blueprint, self._weights = blueprint, weights

    @property
    def blueprint(self) -> Blueprint:
        """What the network computes, without its numbers."""
        if self._blueprint is None:
            raise NotBuiltError(
                "The network has no numbers yet, because its input shape is not known: "
                "give input_shape=..., or call fit or feedforward first."
            )
        return self._blueprint

    @property
    def engines(self) -> Engines:
        """What can run the network."""
        if self._engines is None:
            self._engines = Engines(self.blueprint, self.dtype)
        return self._engines

    @property
    def engine(self) -> ReadableEngine:
        """The engine that calls the layers one after the other."""
        return self.engines.readable

    def __getstate__(self) -> dict[str, Any]:
        # Engines hold addresses and locks of this process; a recording may be large.
        own = {"_engines": None, "recording": None, "version": __version__}
        return self.__dict__ | own

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        version = state.pop("version", "an older version")
        if version != __version__:
            warnings.warn(
                f"This network was pickled by pellucid {version}, and this is "
                f"{__version__}: what a pickle holds may change with every version. "
                "Files of net.save(path) can be read by all later ones.",
                PickleVersionWarning,
                stacklevel=2,
            )
        self.__dict__.update(state)

    @property
    def weights(self) -> NDArray[Any]:
        """All numbers as one vector: parameters, then state; assigning copies."""
        if self._weights is None:
            self.blueprint  # noqa: B018 (raises)
        assert self._weights is not None
        return self._weights

    @weights.setter
    def weights(self, values: Any) -> None:
        vector = arrays.as_floats(values, "weights", self.dtype)
        if vector.shape != self.weights.shape:
            raise ShapeError(
                f"The network has {self.weights.size} numbers, shape "
                f"{self.weights.shape}; got {vector.shape}."
            )
        self.make_writable()
        self.weights[...] = vector

    @property
    def parameters(self) -> Windows:
        """What is learned, by name: writable windows on the vector of weights."""
        layout = self.blueprint.layout.parameters
        return Windows(self.weights[: layout.size], layout)

    @property
    def state(self) -> Windows:
        """Running numbers that are not trained, by name."""
        layout = self.blueprint.layout
        return Windows(self.weights[layout.parameters.size :], layout.state)

    @property
    def classes(self) -> NDArray[Any] | None:
        """The classes in the order of the outputs; None for numbers, and before fit."""
        return self._classes

    @classes.setter
    def classes(self, labels: Any) -> None:
        found = arrays.as_array(labels, "classes")
        if not targets.chooses(self.blueprint):
            raise ConfigurationError(
                f"A network with loss={self.loss.label!r} and "
                f"{self.blueprint.outputs} outputs has no classes to choose from."
            )
        count = targets.class_count(self.blueprint)
        if (
            found.ndim != 1
            or found.dtype.kind not in "iubU"
            or len(np.unique(found)) != len(found)
            or len(found) != count
        ):
            raise DataError(
                f"Expected {count} different classes, one for each output; got "
                f"{labels!r}."
            )
        self._classes = found

    def make_writable(self) -> None:
        """Replace a vector that cannot be written (a memory map) by a copy."""
        if not self.weights.flags.writeable:
            self._weights = np.array(self.weights)

    @contextmanager
    def tentatively(self) -> Iterator[None]:
        """Undo what the data have told the network, when they are refused after all.

        Input shape, first weights and classes are taken from the first data.
        """
        names = ("_blueprint", "_weights", "_classes", "_column", "_names")
        before = {name: getattr(self, name) for name in names}
        try:
            yield
        except BaseException:
            vars(self).update(before)
            raise

    # -- feedforward -------------------------------------------------------------------

    def _inputs(self, x: Any) -> tuple[Any, int, bool]:
        if self.reader is not None:
            x = self.reader.to_inputs(x)
        if self._blueprint is not None:
            if self._names is not None:
                arrays.must_have_columns(x, self._names)
            inputs, limits = self._blueprint.inputs, self._blueprint.limits
            return arrays.as_inputs(x, inputs, self.dtype, limits)
        inputs = arrays.infer_inputs(x)
        found = arrays.as_inputs(x, inputs, self.dtype)
        self._build(inputs)  # only from data that can be used
        return found

    def feedforward(self, x: Any) -> NDArray[Any]:
        """Return the network's output: every layer in turn, in prediction mode.

        Parameters
        ----------
        x : array_like, shape (n, *input_shape), or one sample
            Inputs; a mapping of arrays where the network has named inputs.

        Returns
        -------
        ndarray, shape (n, *output_shape)
            Without the first axis for one sample.

        Examples
        --------
        >>> from pellucid import Dense, NeuralNetwork
        >>> net = NeuralNetwork([Dense(2, weight_init="ones")], loss="sum_of_squares")
        >>> net.feedforward([[1.0, 2.0], [3.0, 4.0]])
        array([[3., 3.],
               [7., 7.]], dtype=float32)
        """
        batch, _, single = self._inputs(x)
        output = self.engine.predict(self.weights, batch)
        return output[0] if single else output

    def _probabilities(self, x: Any, engine: str, threads: int | None) -> NDArray[Any]:
        """Return the output with the loss's link where none was written."""
        runs, _ = self.engines.choose(engine, "linked")
        p: NDArray[Any] = runs.probabilities(self.weights, x, threads)
        return p

    def _asked(
        self, x: Any, engine: str, threads: int | None
    ) -> tuple[NDArray[Any], bool]:
        """Return probabilities or numbers of what was handed in, and if it is one."""
        short = engine == "auto" and type(x) is np.ndarray and self._engines is not None
        if short and self._engines is not None and self._weights is not None:
            p = self._engines.at_once(self._weights, x)
            if p is not None:
                return p, x.ndim == len(self._engines.input_shape)
        batch, n, single = self._inputs(x)
        p = self._probabilities(batch, engine, threads)
        if short:
            self.engines.remember(self.weights, x.shape, n)
        return p, single

    def predict_proba(
        self, x: Any, *, engine: str = "auto", threads: int | None = None
    ) -> NDArray[Any]:
        """Return the probability of each class.

        Parameters
        ----------
        x : array_like, shape (n, *input_shape), or one sample
            Inputs.
        engine, threads
            As in `fit`.

        Returns
        -------
        ndarray, shape (n, classes)
            In the order of `classes`; they sum to 1. With several yes-or-no labels
            shape (n, labels): the probability of each yes.

        Raises
        ------
        ConfigurationError
            If the loss is about numbers, or about scores as a hinge loss is.
        """
        if self.loss.task == "numbers":
            raise ConfigurationError(
                f"loss={self.loss.label!r} is about numbers, which have no "
                "probabilities: use predict or feedforward, or train with "
                "loss='cross_entropy'."
            )
        if self.loss.link == "identity":
            raise ConfigurationError(
                f"loss={self.loss.label!r} learns scores, which are no probabilities: "
                "use predict for the classes or feedforward for the scores, or train "
                "with a cross-entropy."
            )
        p, single = self._asked(x, engine, threads)
        if self.loss.task == "labels" and p.shape[1:] == (1,):
            p = np.concatenate([1 - p, p], axis=1)
        return p[0] if single else p

    def predict(
        self, x: Any, *, engine: str = "auto", threads: int | None = None
    ) -> Any:
        """Return predictions in the form of the targets.

        A network that was never trained answers with its first, random weights.

        Parameters
        ----------
        x : array_like, shape (n, *input_shape), or one sample
            Inputs.
        engine, threads
            As in `fit`.

        Returns
        -------
        ndarray
            The most probable class of each sample, shape (n,); 0 or 1 for each of
            several labels, shape (n, labels); or numbers, of shape (n,) if `fit` had
            targets of that shape, else (n, *target_shape): the outputs with the loss's
            link (``"poisson"``: expected counts), or those of them that answer for the
            targets (``"gaussian_likelihood"``: the means).
        """
        p, single = self._asked(x, engine, threads)
        found = self._in_units(self._decide(p))
        if targets.chooses(self.blueprint):
            found = found if self._classes is None else self._classes[found]
        elif self._column is False and found.shape[1:] == (1,):
            found = found[:, 0]
        if not single:
            return found
        return found[0].item() if found[0].ndim == 0 else found[0]

    def _decide(self, p: NDArray[Any]) -> NDArray[Any]:
        """Return class indices, labels or numbers from probabilities or numbers."""
        if self.loss.task == "classes":
            best: NDArray[Any] = p.argmax(axis=1)
            return best
        if self.loss.task == "labels":
            border = 0.0 if self.loss.link == "identity" else 0.5
            yes = (p > border).astype(np.int64)
            return yes[:, 0] if p.shape[1:] == (1,) else yes
        answer: NDArray[Any] = self.loss.answer(p)
        return answer

    def _in_units(self, answers: NDArray[Any]) -> NDArray[Any]:
        """Return answers that are numbers in the units of the targets."""
        if self.reader is None or self.loss.task != "numbers":
            return answers
        return self.reader.to_units(answers)

    # -- backprop ----------------------------------------------------------------------

    def backprop(
        self, x: Any, y: Any, sample_weight: Any = None, mode: str = "train"
    ) -> tuple[float, Gradients]:
        """Return the loss and its gradient with respect to every parameter.

        ``dL/dW`` by the chain rule, from the last layer to the first. Changes nothing.

        Parameters
        ----------
        x : array_like, shape (n, *input_shape)
            Inputs.
        y : array_like
            Targets.
        sample_weight : array_like, shape (n,), optional
            Weights of the samples.
        mode : str
            ``"train"`` (dropout on, statistics of the batch) or ``"predict"``.

        Returns
        -------
        loss : float
            The loss of the batch: the sum over samples or their mean, as the loss says.
        gradients : Gradients
            By name, as one vector (``.vector``), and the new running state
            (``.state``).

        Examples
        --------
        >>> from pellucid import Dense, NeuralNetwork
        >>> net = NeuralNetwork([Dense(1, weight_init="ones")], loss="sum_of_squares")
        >>> loss, gradients = net.backprop([[1.0, 2.0]], [[5.0]])
        >>> loss, gradients["dense_1.W"].tolist()
        (4.0, [[-4.0], [-8.0]])
        """
        if mode not in ("train", "predict"):
            raise ConfigurationError(
                f"Expected mode 'train' or 'predict', got {mode!r}."
            )
        data = self.samples(x, y, several=False)
        if sample_weight is not None:
            data.weight = arrays.as_weights(sample_weight, len(data.y), self.dtype)
        found = self.engine.backprop(
            self.weights,
            data.x,
            data.y,
            data.weight,
            scale_of(self.blueprint, float(data.weight.sum(dtype=np.float64))),
            training=mode == "train",
            key=make_key(self.seed, "noise", self.training.run if self.training else 0),
            step=self.training.step if self.training else 0,
        )
        layout = self.blueprint.layout
        gradients = Gradients(found.gradient, layout.parameters)
        gradients.state = Windows(found.state, layout.state)
        return found.loss, gradients

    def samples(
        self, x: Any, y: Any, learn: bool = False, several: bool = True
    ) -> Samples:
        """Return data as the network takes them.

        Parameters
        ----------
        x, y : array_like
            Inputs and targets.
        learn : bool
            Whether to learn the classes, and the shape of predictions, from them.
        several : bool
            Whether to insist on two different classes when learning them.

        Returns
        -------
        Samples
        """
        if self.reader is not None:
            x = self.reader.to_inputs(x)
        with self.tentatively():
            batch, n, single = self._inputs(x)
            if single:
                shape = ", ".join(map(str, np.shape(x)))
                raise ShapeError(
                    f"x is one sample of shape ({shape}); training takes a row for "
                    "each sample: write [x] and [y]."
                )
            if n == 0:
                raise DataError("x has no rows: there is nothing to learn from.")
            own = given = arrays.as_array(y, "y")
            targets.check_rows(own, n)
            if self.reader is not None and self.loss.task == "numbers":
                given = self.reader.to_targets(own)
            classes = self._classes
            if classes is None:
                classes = targets.learn_classes(own, self.blueprint, several)
            found = targets.as_targets(given, self.blueprint, classes, self.dtype)
        if learn:
            self._classes, self._column = classes, own.ndim > 1
            self._names = arrays.column_names(x) or self._names
        return Samples(batch, found, np.ones(n, dtype=self.dtype), own)

    # -- training ----------------------------------------------------------------------

    def fit(
        self,
        x: Any,
        y: Any,
        *,
        epochs: int | None = None,
        iterations: int | None = None,
        batch_size: int | None = None,
        shuffle: bool = True,
        optimizer: Any = "adam",
        validation: Any = None,
        early_stopping: Any = None,
        callbacks: Any = (),
        metrics: Any = (),
        augment: Any = (),
        sample_weight: Any = None,
        class_weight: Any = None,
        resume: bool = False,
        progress: bool | None = None,
        engine: str = "auto",
        threads: int | None = None,
        record: Any = None,
        **unknown: Never,
    ) -> "History":
        """Learn from data: feedforward, backprop and update, batch after batch.

        A further call goes on from the present weights with a fresh optimizer.

        Parameters
        ----------
        x : array_like, shape (n, *input_shape), or mapping of such
            Inputs: arrays, lists, data frames.
        y : array_like
            Targets: numbers (n,) or (n, outputs); classes as whole numbers, texts or
            one-hot rows.
        epochs, iterations : int, optional
            How often to pass over the data, or how many updates to make. Without
            either, as many epochs as make 3,000 iterations, but 20 to 100; with a
            minimizer until it converges, at most 200 iterations.
        batch_size : int, optional
            Rows of a batch; 32 by default. A minimizer takes all rows at once.
        shuffle : bool
            Whether each epoch has a new order of the rows.
        optimizer : Optimizer, Minimizer or str
            How gradients change weights, such as ``GradientDescent(0.1)``, or
            ``"lbfgs"`` for small data. With ``average=...`` in an optimizer the network
            has averaged weights afterwards, and whenever a callback looks.
        validation : float, (x, y) or (x, y, sample_weight), optional
            Data, or a share of the data, that is not learned from. With them, the
            weights of the epoch with the lowest validation loss are kept, and the
            optimizer's memory of that epoch; without them, the last.
        early_stopping : int, EarlyStopping or True, optional
            After how many epochs without a lower validation loss to stop. Holds out a
            share of 0.1 where no validation is given.
        callbacks : sequence of Callback or callable
            What else happens; a function is called with the run after each epoch.
        metrics : sequence of str, Metric or callable
            Measured after each epoch, on the validation data where there are any.
        augment : sequence of Augmentation or str
            How images are changed before training sees them, others in every epoch,
            such as ``[Shift(0.1), Flip()]``; validation data stay as they are.
        sample_weight : array_like, shape (n,), optional
            How much each sample counts.
        class_weight : mapping or "balanced", optional
            How much each class counts.
        resume : bool
            Go on with an interrupted training: the end is the same in every bit.
        progress : bool, optional
            Whether to show a progress bar; by default in a notebook, and where standard
            error is a terminal.
        engine : str
            ``"compiled"``, ``"readable"`` (NumPy, layer by layer), or ``"auto"``: the
            compiled one wherever it can run the network. ``history.engine`` says which
            one ran, and why.
        threads : int, optional
            How many threads the compiled engine may use; by default as many as there is
            work for and the machine allows. The result is the same in every bit.
        record : bool, int or Recording, optional
            Whether to keep the course of the training, so that every iteration of it
            can be looked at: ``net.recording``. A number k keeps the state before every
            k-th iteration; the others are computed again when they are asked for.
        unknown : Never
            Nothing else is taken; the error says what stands for arguments of
            elsewhere, such as ``lr``.

        Returns
        -------
        History

        Raises
        ------
        DataError
            If the data cannot be learned from.
        NonFiniteError
            If a loss or gradient overflows; the network keeps the last finite weights.

        Examples
        --------
        >>> import pellucid
        >>> data = pellucid.data.iris()
        >>> net = pellucid.NeuralNetwork(
        ...     [pellucid.Dense(16, "relu"), pellucid.Dense(3)], loss="cross_entropy"
        ... )
        >>> history = net.fit(data.x, data.y, epochs=30, validation=0.2)
        >>> history.epochs, len(history.validation)
        (30, 30)
        """
        from pellucid.recording import as_recording
        from pellucid.training.fit import fit

        if unknown:
            raise unknown_argument(NeuralNetwork.fit, next(iter(unknown)), INSTEAD)
        return fit(
            self,
            x,
            y,
            epochs=epochs,
            iterations=iterations,
            batch_size=batch_size,
            shuffle=shuffle,
            optimizer=optimizer,
            validation=validation,
            early_stopping=early_stopping,
            callbacks=callbacks,
            metrics=metrics,
            augment=augment,
            sample_weight=sample_weight,
            class_weight=class_weight,
            resume=resume,
            progress=progress,
            engine=engine,
            threads=threads,
            recording=as_recording(record, self.recording if resume else None),
        )

    def partial_fit(
        self,
        x: Any,
        y: Any,
        *,
        batch_size: int | None = None,
        optimizer: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
    ) -> "History":
        """Pass once over some data, and keep the optimizer's memory for the next call.

        Parameters
        ----------
        x, y, batch_size, sample_weight, class_weight
            As in `fit`.
        optimizer : Optimizer or str, optional
            Adam at the first call, then the one before; another one starts afresh.

        Returns
        -------
        History
            Of all calls so far.
        """
        from pellucid.training.fit import partial_fit

        return partial_fit(
            self,
            x,
            y,
            batch_size=batch_size,
            optimizer=optimizer,
            sample_weight=sample_weight,
            class_weight=class_weight,
        )

    def find_learning_rate(
        self,
        x: Any,
        y: Any,
        *,
        optimizer: Any = "adam",
        lowest: float = 1e-6,
        highest: float = 10.0,
        iterations: int = 200,
        batch_size: int | None = None,
        sample_weight: Any = None,
        class_weight: Any = None,
    ) -> "RateSearch":
        """Try learning rates from small to large, and suggest one.

        A copy of the network is trained while the rate grows by the same factor at
        every iteration, until the loss grows as well. A tenth of the rate at which the
        loss is lowest is fast, and safely below those that break the training. The
        network itself stays as it is. Source: Smith, WACV 2017; a tenth as in fastai.

        Parameters
        ----------
        x, y, batch_size, sample_weight, class_weight
            As in `fit`.
        optimizer : Optimizer or str
            With which rule; its own learning rate does not matter.
        lowest, highest : float
            First and last rate to try.
        iterations : int
            In how many iterations, at least 20.

        Returns
        -------
        RateSearch
            With `suggestion` and the reason, `why`; ``plots.learning_rates`` draws it.

        Examples
        --------
        >>> import pellucid
        >>> data = pellucid.data.moons()
        >>> net = pellucid.NeuralNetwork(
        ...     [pellucid.Dense(16, "tanh"), pellucid.Dense(2)], loss="cross_entropy"
        ... )
        >>> found = net.find_learning_rate(data.x, data.y)
        >>> 0.001 < found.suggestion < 1
        True
        """
        from pellucid.training.rate_search import find_learning_rate

        return find_learning_rate(
            self,
            x,
            y,
            optimizer=optimizer,
            lowest=lowest,
            highest=highest,
            iterations=iterations,
            batch_size=batch_size,
            sample_weight=sample_weight,
            class_weight=class_weight,
        )

    @property
    def history(self) -> "History | None":
        """The course of the last training; None before."""
        return self.training.history if self.training else None

    def mean_loss(
        self, data: Samples, engine: str = "auto", threads: int | None = None
    ) -> float:
        """Return the loss of data in prediction mode, as `History.loss` defines it.

        Parameters
        ----------
        data : Samples
            From `samples`.
        engine, threads
            As in `fit`.

        Returns
        -------
        float
        """
        runs, _ = self.engines.choose(engine, "evaluation")
        each = runs.losses(self.weights, data.x, data.y, threads).astype(np.float64)
        total = float((each * data.weight).sum())
        weight = float(data.weight.sum(dtype=np.float64))
        return total * scale_of(self.blueprint, weight)

    def measure(
        self,
        metric: Metric,
        data: Samples,
        engine: str = "auto",
        threads: int | None = None,
    ) -> float:
        """Return a metric of data.

        Parameters
        ----------
        metric : Metric
            What to measure.
        data : Samples
            From `samples`.
        engine, threads
            As in `fit`.

        Returns
        -------
        float
        """
        if isinstance(metric, FunctionMetric):
            return metric.value(
                data.own_y,
                self.predict(data.x, engine=engine, threads=threads),
                data.weight,
            )
        p = self._probabilities(data.x, engine, threads)
        y = data.y
        if self.loss.task == "labels" and metric.uses == "classes":
            # A share such as 0.3 counts as the label that is nearer.
            y = (y > 0.5).astype(np.int64)
            y = y[:, 0] if y.shape[1:] == (1,) else y
        if metric.uses == "numbers" and self.reader is not None:
            # Not back from what the network is taught: a reader may keep answers
            # within the range of its rows, but never the truth.
            y = np.asarray(data.own_y, np.float64).reshape(y.shape)
        decided = metric.uses in ("classes", "numbers")
        answers = self._in_units(self._decide(p)) if decided else p
        return metric.value(y, answers, data.weight)

    def evaluate(
        self,
        x: Any,
        y: Any,
        *,
        metrics: Any = None,
        sample_weight: Any = None,
        engine: str = "auto",
        threads: int | None = None,
    ) -> dict[str, float]:
        """Return the loss and metrics of data, in prediction mode.

        Parameters
        ----------
        x, y : array_like
            Data.
        metrics : sequence, optional
            As in `fit`; accuracy, or RMSE and R2 for numbers, by default.
        sample_weight : array_like, shape (n,), optional
            Weights of the samples.
        engine, threads
            As in `fit`.

        Returns
        -------
        dict of str to float
            ``"loss"`` and the metrics by name.
        """
        from pellucid.training.plan import as_metrics, must_suit

        if metrics is None:
            metrics = ["rmse", "r2"] if self.loss.task == "numbers" else ["accuracy"]
        data = self.samples(x, y, several=False)
        if sample_weight is not None:
            data.weight = arrays.as_weights(sample_weight, len(data.y), self.dtype)
        measures = as_metrics(metrics, self.loss)
        must_suit(measures, self.blueprint)
        found = {"loss": self.mean_loss(data, engine, threads)}
        for metric in measures:
            found[metric_name(metric)] = self.measure(metric, data, engine, threads)
        return found

    # -- freezing ----------------------------------------------------------------------

    def freeze(self, *patterns: str) -> "NeuralNetwork":
        """Keep parameters from being trained.

        Parameters
        ----------
        *patterns : str
            Names of parameters or layers, with * and ?: ``"dense_1"``, ``"*.b"``.

        Returns
        -------
        NeuralNetwork
            Itself.

        Raises
        ------
        ConfigurationError
            If a pattern fits no parameter.
        """
        for pattern in patterns:
            if not any(_fits(name, pattern) for name in self.parameters):
                raise ConfigurationError(
                    f"No parameter is called {pattern!r}. "
                    f"{suggestion(pattern, [*self.blueprint.layers, *self.parameters])}"
                )
        self._frozen = tuple(dict.fromkeys((*self._frozen, *patterns)))
        return self

    def unfreeze(self, *patterns: str) -> "NeuralNetwork":
        """Let parameters be trained again.

        Parameters
        ----------
        *patterns : str
            As they were frozen; all, if none is named.

        Returns
        -------
        NeuralNetwork
            Itself.
        """
        unknown = [pattern for pattern in patterns if pattern not in self._frozen]
        if unknown:
            raise ConfigurationError(
                f"{unknown[0]!r} was not frozen; frozen are {list(self._frozen)}."
            )
        kept = (p for p in self._frozen if patterns and p not in patterns)
        self._frozen = tuple(kept)
        return self

    @property
    def frozen(self) -> tuple[str, ...]:
        """Names of the parameters that are not trained."""
        patterns = self._frozen
        return tuple(n for n in self.parameters if any(_fits(n, p) for p in patterns))

    def trained_mask(self) -> NDArray[np.bool_] | None:
        """Return where weights may change; None means everywhere."""
        frozen = self.frozen
        if not frozen:
            return None
        layout = self.blueprint.layout.parameters
        return layout.mask(lambda name, slot: name not in frozen)

    def __repr__(self) -> str:
        layers = ", ".join(map(repr, self.layers))
        return f"NeuralNetwork([{layers}], loss={self.loss.label!r})"

    # -- keeping -----------------------------------------------------------------------

    def copy(self, dtype: Any = None) -> "NeuralNetwork":
        """Return an independent copy, training included.

        Parameters
        ----------
        dtype : str, optional
            Another floating-point type; the copy then starts its training afresh.

        Returns
        -------
        NeuralNetwork
        """
        other = copying.deepcopy(self)
        if dtype is not None and _as_dtype(dtype) != self.dtype:
            other.dtype, other.training = _as_dtype(dtype), None
            if other._weights is not None:
                other._weights = other._weights.astype(other.dtype)
        return other

    def save(self, path: str | Path, *, checkpoint: bool = False) -> None:
        """Write the network to a file, all or nothing.

        Parameters
        ----------
        path : str or Path
            Where, usually ``NAME.pellucid``. An old file is replaced only when the new
            one is complete.
        checkpoint : bool
            Whether to write everything that continues the training as well: the
            optimizer's memory and the position in the data.
        """
        from pellucid.files import save

        save(self, path, checkpoint=checkpoint)


def _fits(name: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(name, pattern) or fnmatch.fnmatchcase(
        name, f"{pattern}.*"
    )


def _as_dtype(given: Any) -> np.dtype[Any]:
    dtype: np.dtype[Any] | None = None
    if given is not None:
        with suppress(TypeError):
            dtype = np.dtype(given)
    if dtype is None or dtype not in (np.dtype("float32"), np.dtype("float64")):
        raise ConfigurationError(
            f"Expected dtype 'float32' or 'float64', got {given!r}."
        )
    return dtype


def _as_input(given: Any) -> Inputs:
    if isinstance(given, Input):
        return given
    if isinstance(given, Mapping):
        if not given:
            raise ConfigurationError("A mapping of inputs needs at least one.")
        found: dict[str, Input] = {}
        for name, value in given.items():
            shape = _as_input(value)
            if not isinstance(name, str) or not isinstance(shape, Input):
                raise ConfigurationError(
                    "A mapping of inputs has a text as each name and a shape as each "
                    f"value; got {name!r}: {value!r}."
                )
            found[name] = shape
        return found
    if isinstance(given, int | np.integer | tuple | list):
        return Input(given)
    raise ConfigurationError(
        f"Expected input_shape as a number, a tuple such as (8, 8), or a mapping of "
        f"names to such; got {given!r}."
    )
