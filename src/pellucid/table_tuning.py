"""The search for a recipe that suits a table: random settings, judged by rows apart.

Of the rows to learn from a fifth judges. The first trial is the preset, every other one
changes each of its settings at random, as `SPACE` says; trial k of a seed is always
the same. A trial trains one network on the other rows, as `pellucid.tabular.train`
does. The rows of the test are never looked at.

Source: Bergstra and Bengio, "Random search for hyper-parameter optimization", 2012.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import tabular
from pellucid.data.splits import split_indices
from pellucid.rng import Random
from pellucid.table_training import MEANINGS, TableTraining, answers_of, measured
from pellucid.tabular import Recipe
from pellucid.texttable import Table as TextTable
from pellucid.training import Callback

JUDGES = 0.2
# Factors of the preset's numbers, evenly spread on a logarithmic scale; or choices.
SPACE: dict[str, Any] = {
    "depth": (1, 2, 3, 4),
    "width": (32, 64, 128, 256, 512),
    "activation": ("selu", "mish", "relu", "silu"),
    "learning_rate": (0.2, 5.0),
    "decay": (0.03, 10.0),
    "dropout": (0.0, 0.05, 0.1, 0.15, 0.25, 0.4),
    "batch_size": (0.5, 1, 2),
    "front_scale": (0, 1),
    "scaling": ("adaptive", "robust", "standard", "normal"),
}
JUDGED_BY = {"classes": "log_loss", "numbers": "rmse"}


@dataclass(frozen=True)
class Trial:
    """One recipe, and how good the network was that it made.

    Parameters
    ----------
    number : int
        Which trial, from 0.
    recipe : Recipe
        The settings.
    scores : dict of str to float
        Of the rows that judge.
    seconds : float
        How long it took.
    """

    number: int
    recipe: Recipe
    scores: dict[str, float]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Trial":
        """Return the trial that `to_dict` made `values` of."""
        recipe = values["recipe"] | {"hidden": tuple(values["recipe"]["hidden"])}
        return cls(**(values | {"recipe": Recipe(**recipe)}))


class Search:
    """A search for a recipe.

    Parameters
    ----------
    job : TableTraining
        Knows the table, the rows of the test and the preset's recipe.
    trials : sequence of Trial
        Those made before.

    Attributes
    ----------
    trials : list of Trial
        All so far.
    """

    def __init__(self, job: TableTraining, trials: Sequence[Trial] = ()) -> None:
        self.job, self.trials = job, list(trials)
        self.start = replace(job.recipe, folds=0)
        table, rows = job.table, job.learned
        assert table.y is not None
        by: Any = table.y[rows] if table.classes else len(rows)
        learned, judging = split_indices(by, JUDGES, job.seed)
        self.learned = rows[np.sort(learned)]
        self.judging = rows[np.sort(judging)]

    def candidate(self, number: int) -> Recipe:
        """Return the recipe of a trial.

        Parameters
        ----------
        number : int
            Which; 0 is the preset.

        Returns
        -------
        Recipe
        """
        if number == 0:
            return self.start
        random = Random(self.job.seed, f"trial {number}")
        drawn = dict(zip(SPACE, random.uniform((len(SPACE),)).tolist(), strict=True))
        return changed(self.start, drawn)

    def next(
        self, callbacks: Sequence[Callback] = (), *, threads: int | None = None
    ) -> Trial | None:
        """Make the next trial.

        Parameters
        ----------
        callbacks : sequence of Callback
            What else happens.
        threads : int, optional
            How many threads may be used.

        Returns
        -------
        Trial or None
            None if Ctrl-C ended it; it is then not counted.
        """
        job, number = self.job, len(self.trials)
        recipe, began = self.candidate(number), time.monotonic()
        trained = tabular.train(
            job.table,
            rows=self.learned,
            recipe=recipe,
            seed=job.seed,
            callbacks=callbacks,
            threads=threads,
            progress=False,
        )
        if any(history.interrupted for history in trained.histories):
            return None
        scores = self._scores(trained.network)
        trial = Trial(number, recipe, scores, round(time.monotonic() - began, 2))
        self.trials.append(trial)
        return trial

    def _scores(self, network: Any) -> dict[str, float]:
        table, rows = self.job.table, self.judging
        assert table.y is not None
        weight = np.ones(len(table)) if table.weight is None else table.weight
        x = network.reader.encode(table, rows=rows, unseen="ignore")
        return measured(
            self.job.task, table.y[rows], answers_of(network, x), weight[rows]
        )

    @property
    def measure(self) -> str:
        """What trials are compared by; less is better."""
        return JUDGED_BY[self.job.task]

    @property
    def ranked(self) -> list[Trial]:
        """The trials, the best first."""
        return sorted(self.trials, key=lambda t: (t.scores[self.measure], t.number))

    def best(self) -> Recipe:
        """Return the best recipe, with as many networks as the preset trains."""
        return replace(self.ranked[0].recipe, folds=self.job.recipe.folds)

    @property
    def seconds(self) -> float:
        """How long all trials took together."""
        return sum(trial.seconds for trial in self.trials)

    def table(self, most: int = 10) -> TextTable:
        """Return the best trials as a table that fits into 80 columns.

        Parameters
        ----------
        most : int
            How many.

        Returns
        -------
        Table
        """
        header = ("trial", MEANINGS[self.measure][0], *SETTINGS)
        rows = [
            (
                "preset" if trial.number == 0 else str(trial.number),
                f"{trial.scores[self.measure]:.4g}",
                *shown(trial.recipe),
            )
            for trial in self.ranked[:most]
        ]
        return TextTable(header, rows)


SETTINGS = ("layers", "rate", "decay", "dropout", "batch", "scaling", "front")


def shown(recipe: Recipe) -> tuple[str, ...]:
    """Return the settings that a search changes, as texts.

    Parameters
    ----------
    recipe : Recipe
        Of a trial.

    Returns
    -------
    tuple of str
        In the order of `SETTINGS`; the last is whether there is a front scale.
    """
    return (
        f"{len(recipe.hidden)}x{recipe.hidden[0]} {recipe.activation}",
        f"{recipe.learning_rate:.2g}",
        f"{recipe.decay:.2g}",
        f"{recipe.dropout:g}",
        str(recipe.batch_size),
        recipe.scaling,
        "yes" if recipe.front_scale else "no",
    )


def changed(recipe: Recipe, drawn: dict[str, float]) -> Recipe:
    """Return a recipe with other settings.

    Parameters
    ----------
    recipe : Recipe
        To begin with.
    drawn : dict of str to float
        From 0 to 1 for each name of `SPACE`.

    Returns
    -------
    Recipe
    """

    def choice(name: str) -> Any:
        options = SPACE[name]
        return options[min(int(drawn[name] * len(options)), len(options) - 1)]

    def factor(name: str) -> float:
        low, high = SPACE[name]
        return float(low * math.exp(drawn[name] * math.log(high / low)))

    return replace(
        recipe,
        hidden=(choice("width"),) * choice("depth"),
        activation=choice("activation"),
        learning_rate=recipe.learning_rate * factor("learning_rate"),
        decay=recipe.decay * factor("decay"),
        dropout=choice("dropout"),
        batch_size=max(8, int(recipe.batch_size * choice("batch_size"))),
        front_scale=recipe.front_scale * choice("front_scale"),
        scaling=choice("scaling"),
    )


def picture(search: Search) -> bytes:
    """Return a picture of all trials: how good they were, by trial and by setting.

    Parameters
    ----------
    search : Search
        With trials.

    Returns
    -------
    bytes
        PNG.
    """
    import io

    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    trials = search.trials
    scores = np.array([trial.scores[search.measure] for trial in trials])
    settings: dict[str, tuple[NDArray[Any], bool]] = {
        "trial": (np.arange(len(trials)), False),
        "learning rate": (np.array([t.recipe.learning_rate for t in trials]), True),
        "weight decay": (np.array([t.recipe.decay for t in trials]), True),
        "dropout": (np.array([t.recipe.dropout for t in trials]), False),
        "neurons of a layer": (np.array([t.recipe.hidden[0] for t in trials]), True),
        "hidden layers": (np.array([len(t.recipe.hidden) for t in trials]), False),
    }
    figure = Figure(figsize=(10, 5.6), layout="constrained")
    FigureCanvasAgg(figure)
    best = int(np.argmin(scores))
    # A few failures would leave no room for the others: they stand at the upper edge.
    bottom, upper = float(scores.min()), float(np.quantile(scores, 0.9))
    room = 0.08 * (upper - bottom) or 0.01 * abs(upper) or 1.0
    failed = scores > upper + 2 * room
    heights = np.where(failed, upper + 2 * room, scores)
    for place, (name, (values, logarithmic)) in enumerate(settings.items()):
        axes = figure.add_subplot(2, 3, place + 1)
        if logarithmic:
            _logarithmic(axes, values)
        if name == "trial":
            low = np.minimum.accumulate(heights)
            axes.step(values, low, where="post", color="0.6", label="best so far")
        axes.plot(values[~failed], heights[~failed], "o", color="tab:blue", alpha=0.6)
        axes.plot(values[failed], heights[failed], "^", color="tab:blue", alpha=0.6)
        axes.plot(values[:1], heights[:1], "s", color="black", label="preset")
        (star,) = axes.plot(values[best], heights[best], "*", label="the best")
        star.set(color="tab:red", markersize=14)
        axes.set_ylim(bottom - room, upper + 2.5 * room)
        axes.set_xlabel(name)
        axes.spines[["top", "right"]].set_visible(False)
        if place % 3 == 0:
            axes.set_ylabel(f"{MEANINGS[search.measure][0]}, less is better")
        if name == "trial":
            axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
            axes.legend(frameon=False, fontsize="small")
        if name == "hidden layers":
            axes.set_xticks(SPACE["depth"])
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=110)
    return content.getvalue()


def _logarithmic(axes: Any, values: NDArray[Any]) -> None:
    """Make an axis logarithmic, with a few plain numbers on it."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    whole = bool((values == np.floor(values)).all())
    places = np.unique(values)
    if not whole and len(places) > 1:
        places = np.geomspace(places[0], places[-1], 4)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(places.tolist()))
    form = "{:g}" if whole else "{:.2g}"
    axes.xaxis.set_major_formatter(FuncFormatter(lambda at, _: form.format(at)))
    axes.xaxis.set_minor_locator(NullLocator())
