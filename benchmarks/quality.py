"""How good models are on tables: pellucid's beside scikit-learn's, on the same splits.

    python benchmarks/quality.py [OUT.json] [--only TABLE ...] [--models NAME ...]
                                 [--seeds N]

Three quarters of the rows to learn from, a quarter to judge by, stratified for classes;
the split's seed is also the model's. Everything a model needs (scaling, one-hot codes,
filled gaps) is learned from the training rows. Results go into a file that a further
call adds to, and from it tables go into results/README.md and the project's README.
"""

import argparse
import json
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import readme
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import accuracy_score, log_loss, r2_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from tables import TABLES

import report
from pellucid.estimators import NeuralNetworkClassifier, NeuralNetworkRegressor

RESULTS = Path(__file__).parent / "results" / "quality.json"


def as_frame(x):
    """Return rows as a data frame with named columns."""
    if isinstance(x, pd.DataFrame):
        return x
    return pd.DataFrame(x, columns=[f"x{i}" for i in range(x.shape[1])])


def prepared(x, model):
    """Return a model behind filled gaps, scaled numbers and one-hot codes."""
    texts = x.select_dtypes("category").columns.tolist()
    numbers = [name for name in x.columns if name not in texts]
    filled = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    codes = make_pipeline(
        SimpleImputer(strategy="constant", fill_value="missing"),
        OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    )
    encode = ColumnTransformer([("numbers", filled, numbers), ("texts", codes, texts)])
    return make_pipeline(encode, model)


def scaled(model):
    """Return a regressor that learns a standardized target."""
    return TransformedTargetRegressor(model, transformer=StandardScaler())


def linear(x, task, _):
    if task == "classes":
        return prepared(x, LogisticRegression(max_iter=5000))
    return prepared(x, RidgeCV(np.logspace(-3, 3, 13)))


def sklearn_mlp(x, task, seed):
    if task == "classes":
        return prepared(x, MLPClassifier(random_state=seed))
    return prepared(x, scaled(MLPRegressor(random_state=seed)))


def forest(x, task, seed):
    kind = RandomForestClassifier if task == "classes" else RandomForestRegressor
    return prepared(x, kind(random_state=seed))


def boosting(_, task, seed):
    kind = (
        HistGradientBoostingClassifier
        if task == "classes"
        else HistGradientBoostingRegressor
    )
    return kind(random_state=seed, categorical_features="from_dtype")


def default(x, task, seed):
    if task == "classes":
        return prepared(x, NeuralNetworkClassifier(random_state=seed))
    return prepared(x, NeuralNetworkRegressor(random_state=seed))


def preset(_, task, seed, **more):
    kind = NeuralNetworkClassifier if task == "classes" else NeuralNetworkRegressor
    return kind(preset="tabular", random_state=seed, **more)


def ensemble(x, task, seed):
    return preset(x, task, seed, ensemble=16)


MODELS = {
    "linear": linear,
    "sklearn_mlp": sklearn_mlp,
    "random_forest": forest,
    "boosting": boosting,
    "default": default,
    "preset": preset,
    "ensemble": ensemble,
}


def judged(name, model_name, seed):
    """Return scores of one model on one split of one table."""
    rows, task = TABLES[name]
    x, y = rows()
    x = as_frame(x)
    classes = task == "classes"
    x_train, x_test, y_train, y_test = train_test_split(
        x, y, test_size=0.25, random_state=seed, stratify=y if classes else None
    )
    model = MODELS[model_name](x_train, task, seed)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(x_train, y_train)
        found = {"seconds": time.perf_counter() - start}
        if classes:
            p = model.predict_proba(x_test)
            found["accuracy"] = accuracy_score(y_test, model.predict(x_test))
            found["log_loss"] = log_loss(y_test, p, labels=model.classes_)
            found["over_confidence"] = float(p.max(axis=1).mean() - found["accuracy"])
        else:
            found["r2"] = r2_score(y_test, model.predict(x_test))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", nargs="?", type=Path, default=RESULTS)
    parser.add_argument("--only", nargs="+", choices=TABLES, default=list(TABLES))
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--seeds", type=int, default=5)
    asked = parser.parse_args()
    found = json.loads(asked.out.read_text("utf-8")) if asked.out.exists() else {}
    for name in asked.only:
        for model_name in asked.models:
            runs = [judged(name, model_name, seed) for seed in range(asked.seeds)]
            found.setdefault(name, {})[model_name] = runs
            told = {
                key: f"{np.mean([run[key] for run in runs]):.4f}" for key in runs[0]
            }
            print(f"{name:14} {model_name:14} {told}", flush=True)
            asked.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if asked.out == RESULTS:
        words = report.text(report.read(RESULTS.parent))
        (RESULTS.parent / "README.md").write_text(words, encoding="utf-8")
        readme.write()


if __name__ == "__main__":
    main()
