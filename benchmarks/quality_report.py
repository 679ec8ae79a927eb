"""Words and tables about how good models are on tables, from results/quality.json."""

from statistics import mean

from tables import FRESH, TABLES

TITLES = {
    "linear": "linear",
    "sklearn_mlp": "scikit-learn's MLP",
    "random_forest": "random forest",
    "boosting": "boosting",
    "default": "default",
    "preset": "preset",
    "ensemble": "ensemble",
}
OURS = ("default", "preset", "ensemble")
WORDS = """\
Means of {seeds} splits into three quarters to learn from and a quarter to judge by, the
same for all. The linear model is logistic or ridge regression, boosting is
`HistGradientBoosting`; what scikit-learn's models do not do themselves (scaled inputs
and targets, one-hot codes, filled gaps) is done for them. pellucid's own: the
estimators by default, with `preset="tabular"`, and with `ensemble=16` besides. Tables
in italics were invented before any result on them was seen, and nothing was changed to
do better on them."""
RANKS = """\
Mean ranks over the tables, 1 is the best of the seven; by accuracy and R2, and by
log-loss."""
TO_REACH = """\
What the preset was to reach, from a study of the recipe on the same tables before it
was built."""

# Of the preset: by accuracy or R2, by log-loss; whom to beat, and by how much at least.
TARGETS = {
    "iris": (0.95, None, {}),
    "wine": (0.97, None, {}),
    "breast_cancer": (0.96, 0.14, {"linear": -0.01}),
    "digits": (0.982, 0.15, {"sklearn_mlp": 0.0}),
    "diabetes": (0.36, None, {"random_forest": 0.0}),
    "friedman1": (0.945, None, {"boosting": 0.0, "sklearn_mlp": 0.0}),
    "spirals": (0.98, None, {"boosting": -0.01}),
    "heavy": (0.85, None, {"sklearn_mlp": 0.2}),
    "categories": (0.69, 0.6, {"sklearn_mlp": 0.015}),
}


def sections(found):
    """Return texts and tables, in order.

    Parameters
    ----------
    found : dict of str to dict of str to list of dict
        Runs by table and model, as `quality.py` writes them.
    """
    # A table counts once all models are measured on it.
    whole = {name: found[name] for name in TABLES if _is_whole(found.get(name, {}))}
    seeds = min(len(runs) for models in whole.values() for runs in models.values())
    return [
        WORDS.format(seeds=seeds),
        "By accuracy, and R2 of tables with numbers to predict:",
        _values(whole, _primary),
        "By log-loss:",
        _values(_classes(whole), lambda name, model: "log_loss", best=min),
        "By how much the mean of the highest probabilities exceeds the accuracy:",
        _values(_classes(whole), lambda name, model: "over_confidence", _calm),
        RANKS,
        _ranks(whole),
        TO_REACH,
        _targets(whole),
        _against(whole, "sklearn_mlp"),
    ]


def short(found):
    """Return the preset beside the models it is compared with most, in one table.

    Parameters
    ----------
    found : dict of str to dict of str to list of dict
        As for `sections`.
    """
    whole = {name: found[name] for name in TABLES if _is_whole(found.get(name, {}))}
    shown = ("linear", "sklearn_mlp", "boosting", "preset")
    rows = []
    for name, models in whole.items():
        values = [_mean(models[model], _primary(name)) for model in shown]
        what = "accuracy" if TABLES[name][1] == "classes" else "R2"
        rows.append([f"{name}, {what}", *(f"{value:.3f}" for value in values)])
    for what, tables, key, sign in (
        ("accuracy or R2", whole, _primary, 1),
        ("log-loss", _classes(whole), lambda name: "log_loss", -1),
    ):
        each = dict(zip(TITLES, _mean_ranks(tables, key, sign), strict=True))
        told = [f"{each[model]:.1f}" for model in shown]
        rows.append([f"mean rank of {len(TITLES)} models, {what}", *told])
    return _table(["table", *(TITLES[model] for model in shown)], rows)


def _is_whole(models):
    return models.keys() >= TITLES.keys()


def _classes(whole):
    return {k: v for k, v in whole.items() if TABLES[k][1] == "classes"}


def _primary(name, _=None):
    return "accuracy" if TABLES[name][1] == "classes" else "r2"


def _mean(runs, key):
    return mean(run[key] for run in runs)


def _calm(values):
    return min(values, key=abs)


def _table(columns, rows):
    lines = [columns, ["---", *["---:"] * (len(columns) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _values(whole, key, best=max):
    """Return the table of a figure; the best of each row is bold."""
    rows = []
    for name, models in whole.items():
        values = [_mean(models[model], key(name, model)) for model in TITLES]
        texts, most = [f"{value:.3f}" for value in values], f"{best(values):.3f}"
        texts = [f"**{text}**" if text == most else text for text in texts]
        rows.append([f"*{name}*" if name in FRESH else name, *texts])
    return _table(["table", *TITLES.values()], rows)


def ranks(values):
    """Return the rank of each value, 1 for the largest; equal ones share theirs."""
    return [
        1 + sum(other > value for other in values) + (values.count(value) - 1) / 2
        for value in values
    ]


def _mean_ranks(whole, key, sign):
    each = [
        ranks([sign * _mean(models[model], key(name)) for model in TITLES])
        for name, models in whole.items()
    ]
    return [mean(column) for column in zip(*each, strict=True)]


def _ranks(whole):
    some = {k: v for k, v in whole.items() if k not in FRESH}
    fresh = {k: v for k, v in whole.items() if k in FRESH}
    rows = []
    for title, tables in (
        ("all tables", whole),
        ("of the study", some),
        ("fresh ones", fresh),
    ):
        if tables:
            found = _mean_ranks(tables, _primary, 1)
            rows.append([f"{title}, accuracy or R2", *(f"{r:.2f}" for r in found)])
        if _classes(tables):
            found = _mean_ranks(_classes(tables), lambda name: "log_loss", -1)
            rows.append([f"{title}, log-loss", *(f"{r:.2f}" for r in found)])
    return _table(["mean rank", *TITLES.values()], rows)


def _targets(whole):
    rows = []
    for name, (least, log_loss, beaten) in TARGETS.items():
        if name not in whole:
            continue
        models = whole[name]
        value = _mean(models["preset"], _primary(name))
        # At the digits that are shown: less is one test row.
        asked = [(f"{value:.3f}", f"at least {least}", round(value, 3) >= least)]
        if log_loss:
            loss = _mean(models["preset"], "log_loss")
            asked.append(
                (f"{loss:.3f}", f"log-loss at most {log_loss}", loss <= log_loss)
            )
        for other, margin in beaten.items():
            theirs = _mean(models[other], _primary(name))
            how = f"{theirs:.3f} of {TITLES[other]}"
            how += f" {'+' if margin > 0 else '-'} {abs(margin)}" if margin else ""
            asked.append((f"{value:.3f}", how, value >= theirs + margin))
        rows += [
            [name, has, what, "yes" if reached else "**no**"]
            for has, what, reached in asked
        ]
    return _table(["table", "preset", "to reach", "reached"], rows)


def _against(whole, other):
    """Say on how many tables the preset is ahead, and where it is behind."""
    margins = {"accuracy": 0.01, "r2": 0.02}
    differences = {
        name: _mean(models["preset"], _primary(name))
        - _mean(models[other], _primary(name))
        for name, models in whole.items()
    }
    ahead = sum(value > 0 for value in differences.values())
    behind = {
        name: value
        for name, value in differences.items()
        if value < -margins[_primary(name)]
    }
    told = ", ".join(f"{name} by {-value:.3f}" for name, value in behind.items())
    return (
        f"The preset is ahead of {TITLES[other]} on {ahead} of {len(whole)} tables. "
        f"Behind it by more than 0.01 of accuracy or 0.02 of R2: {told or 'on none'}."
    )
