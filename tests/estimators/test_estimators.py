"""The estimators with scikit-learn's other tools, and what they tell."""

import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the estimators need scikit-learn")

import pandas as pd
from scipy import sparse
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from pellucid import Adam, Cosine, Dense, Dropout, NeuralNetwork, Reshape
from pellucid.errors import ConfigurationError, DataError
from pellucid.estimators import NeuralNetworkClassifier, NeuralNetworkRegressor
from pellucid.estimators.arguments import INSTEAD


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    return StandardScaler().fit_transform(X), y


def test_classes(iris):
    X, y = iris
    model = NeuralNetworkClassifier((16, 8), random_state=0).fit(X, y)
    assert model.score(X, y) > 0.95
    p = model.predict_proba(X)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_array_equal(model.predict(X), p.argmax(axis=1))
    np.testing.assert_allclose(model.predict_log_proba(X), np.log(p))
    assert isinstance(model.network_, NeuralNetwork)
    assert [layer.units for layer in model.network_.layers] == [16, 8, 3]
    assert model.loss_curve_ == list(model.history_.loss)
    assert model.loss_ == model.loss_curve_[-1] < model.loss_curve_[0]
    assert model.n_iter_ == len(model.loss_curve_)


def test_numbers_in_their_own_units():
    X, y = load_diabetes(return_X_y=True)
    quick = NeuralNetworkRegressor((8,), learning_rate=0.01, epochs=30, random_state=0)
    model = clone(quick).fit(X, y)
    assert model.score(X, y) > 0.4
    assert abs(model.predict(X).mean() - y.mean()) < 10
    both = np.column_stack([y, -1000 * y])
    model = quick.fit(X, both)
    assert model.predict(X).shape == (len(y), 2)
    assert model.score(X, both) > 0.4


def test_targets_that_are_all_equal():
    X = np.arange(6.0).reshape(3, 2)
    model = NeuralNetworkRegressor((2,), random_state=0).fit(X, [5.0, 5.0, 5.0])
    np.testing.assert_allclose(model.predict(X), 5.0, atol=0.5)


def test_the_precision_of_the_table(iris):
    X, y = iris
    for dtype in ("float32", "float64"):
        model = NeuralNetworkClassifier((4,), epochs=3, random_state=0)
        model.fit(X.astype(dtype), y)
        assert model.network_.dtype == dtype
        assert model.predict_proba(X.astype(dtype)).dtype == dtype


def test_several_labels(iris):
    X, y = iris
    labels = np.column_stack([y == 0, y > 0]).astype(int)
    model = NeuralNetworkClassifier((8,), random_state=0).fit(X, labels)
    assert model.predict(X).shape == model.predict_proba(X).shape == labels.shape
    assert model.score(X, labels) > 0.95
    with pytest.raises(DataError, match="MultiOutputClassifier"):
        NeuralNetworkClassifier(random_state=0).fit(X, np.column_stack([y, y]))


def test_sparse_tables(iris):
    X, y = iris
    X = np.where(np.abs(X) < 0.3, 0.0, X)
    models = [
        NeuralNetworkClassifier((4,), epochs=5, random_state=0).fit(table, y)
        for table in (X, sparse.csr_matrix(X), sparse.csc_array(X))
    ]
    p = [model.predict_proba(sparse.csr_matrix(X)) for model in models]
    np.testing.assert_array_equal(p[0], p[1])
    np.testing.assert_array_equal(p[0], p[2])


def test_names_of_columns(iris):
    X, y = iris
    table = pd.DataFrame(X, columns=list("abcd"))
    model = NeuralNetworkClassifier((4,), epochs=5, random_state=0).fit(table, y)
    assert model.feature_names_in_.tolist() == list("abcd")
    with pytest.raises(ValueError, match="feature names"):
        model.predict(table[list("badc")])


def test_pipelines_searches_and_calibration():
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    X = X.iloc[:, :4].assign(kind=np.where(X.iloc[:, 5] > 0.1, "high", "low"))
    encode = ColumnTransformer(
        [
            ("numbers", StandardScaler(), X.columns[:4]),
            ("kind", OneHotEncoder(), ["kind"]),
        ]
    )
    quick = NeuralNetworkClassifier((8,), learning_rate=0.01, epochs=8, random_state=0)
    pipeline = make_pipeline(encode, quick)
    assert cross_val_score(pipeline, X, y, cv=3).mean() > 0.8
    grid = {"neuralnetworkclassifier__layers": [(4,), (8, 4)]}
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=2).fit(X, y)
    assert search.best_params_["neuralnetworkclassifier__layers"] in [(4,), (8, 4)]
    calibrated = CalibratedClassifierCV(pipeline, cv=2).fit(X, y)
    assert calibrated.score(X, y) > 0.8
    assert pickle.loads(pickle.dumps(pipeline.fit(X, y))).score(X, y) > 0.8


def test_layers_as_layers_and_activations_one_by_one(iris):
    X, y = iris
    layers = [Reshape((2, 2)), "flatten", Dense(5, "tanh"), Dropout(0.1)]
    model = NeuralNetworkClassifier(layers, epochs=2, random_state=0).fit(X, y)
    assert repr(model.network_.layers[2]) == "Dense(5, 'tanh')"
    model = NeuralNetworkClassifier(
        (5, 4), activation=["tanh", "relu"], dropout=0.2, epochs=2, random_state=0
    ).fit(X, y)
    assert list(map(repr, model.network_.layers)) == [
        *("Dense(5, 'tanh')", "Dropout(0.2)", "Dense(4, 'relu')", "Dropout(0.2)"),
        "Dense(3)",
    ]


def test_a_row_that_counts_twice_is_there_twice(iris):
    X, y = iris
    weight = np.arange(len(y)) % 3
    models = [
        NeuralNetworkClassifier((6,), epochs=50, random_state=0).fit(X, y, weight),
        NeuralNetworkClassifier((6,), epochs=50, random_state=0).fit(
            np.repeat(X, weight, axis=0), np.repeat(y, weight)
        ),
    ]
    p = [model.predict_proba(X) for model in models]
    np.testing.assert_allclose(p[0], p[1], rtol=1e-8)


def test_weights_of_classes(iris):
    X, y = iris
    X, y = X[50:], y[50:]
    shares = [
        (
            NeuralNetworkClassifier((4,), class_weight=how, epochs=60, random_state=0)
            .fit(X[20:], y[20:])
            .predict(X)
            == 1
        ).mean()
        for how in ({1: 0.05, 2: 1.0}, "balanced", {1: 20.0, 2: 1.0})
    ]
    assert shares[0] < shares[1] < shares[2]


def test_validation_data_choose_the_epoch(iris):
    X, y = iris
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    model = NeuralNetworkClassifier((32,), early_stopping=3, epochs=60, random_state=0)
    model.fit(X_train, y_train, eval_set=(X_test, y_test))
    assert len(model.validation_curve_) == model.n_iter_ <= 60
    loss = model.network_.evaluate(X_test, y_test)["loss"]
    np.testing.assert_allclose(loss, min(model.validation_curve_), rtol=1e-6)
    model = NeuralNetworkRegressor((4,), early_stopping=True, epochs=5, random_state=0)
    assert model.fit(X, X[:, 0]).validation_curve_
    with pytest.raises(ConfigurationError, match=r"eval_set as \(X, y\)"):
        model.fit(X, y, eval_set=X)


def test_partial_fit_and_warm_start(iris):
    X, y = iris
    model = NeuralNetworkClassifier((8,), learning_rate=0.01, random_state=0)
    with pytest.raises(DataError, match="needs classes"):
        model.partial_fit(X, y)
    for _ in range(30):
        model.partial_fit(X[::-1], y[::-1], classes=[0, 1, 2])
    assert model.n_iter_ == 30
    assert model.score(X, y) > 0.85
    with pytest.raises(DataError, match="not the same"):
        model.partial_fit(X, y, classes=[0, 1, 2, 3])
    with pytest.raises(DataError, match="class 7 in row 2"):
        model.partial_fit(X[:3], [0, 1, 7])
    model = NeuralNetworkRegressor((8,), epochs=3, warm_start=True, random_state=0)
    first = model.fit(X, y).loss_
    again = model.network_
    assert model.fit(X, y).loss_ < first
    assert model.network_ is again
    with pytest.raises(DataError, match="1 outputs"):
        model.fit(X, X[:, :2])
    model = NeuralNetworkRegressor((8,), learning_rate=0.01, random_state=0)
    for _ in range(20):
        model.partial_fit(X, 100 * X[:, 0])
    assert model.score(X, 100 * X[:, 0]) > 0.5


def test_the_same_seed_gives_the_same_model(iris):
    X, y = iris
    model = NeuralNetworkClassifier((8,), epochs=5, random_state=3)
    one, other = (clone(model).fit(X, y).predict_proba(X) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    state = np.random.RandomState(3)
    assert (clone(model).set_params(random_state=state).fit(X, y).loss_) > 0


def test_every_argument_of_scikit_learn_is_known_or_translated():
    for theirs, ours in (
        (MLPClassifier, NeuralNetworkClassifier),
        (MLPRegressor, NeuralNetworkRegressor),
    ):
        known = ours().get_params()
        for name in theirs().get_params():
            if name in known:
                continue
            assert name in INSTEAD
            with pytest.raises(TypeError, match=f"no argument '{name}': write "):
                ours(**{name: 1})
            with pytest.raises(TypeError, match=f"no argument '{name}': write "):
                ours().set_params(**{name: 1})


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"activation": "logistic"}, "called 'sigmoid' here"),
        ({"optimizer": "sgd"}, r"Nesterov\(0.001, momentum=0.9\)"),
        ({"learning_rate": "adaptive"}, "ReduceOnPlateau"),
        ({"batch_size": "auto"}, "leave it out"),
        ({"learning_rate": "fast"}, "give a number or a schedule"),
        ({"layers": "relu"}, "sizes such as"),
        ({"layers": (3, Dense(2))}, "all layers as sizes or all as layers"),
        ({"layers": [Dense(2)], "dropout": 0.2}, "write them there"),
        ({"activation": ["relu", "tanh"]}, "each of the 1 hidden"),
        ({"dropout": 1.0}, r"dropout in \[0, 1\)"),
        ({"optimizer": "lbfgs", "learning_rate": 0.1}, "leave learning_rate"),
        ({"epochs": 0}, "epochs"),
        ({"validation": 2.0, "early_stopping": True}, "validation"),
    ],
)
def test_arguments_that_cannot_be_used(arguments, told, iris):
    with pytest.raises(ValueError, match=told):
        NeuralNetworkClassifier(**{"random_state": 0} | arguments).fit(*iris)


def test_a_name_that_is_nearly_right():
    with pytest.raises(TypeError, match="Did you mean 'dropout'"):
        NeuralNetworkClassifier(dropuot=0.2)


def test_one_class_only(iris):
    with pytest.raises(DataError, match=r"y has one class, .*1"):
        NeuralNetworkClassifier(random_state=0).fit(iris[0][:3], [1, 1, 1])


def test_optimizers_with_their_settings(iris):
    X, y = iris
    rule = Adam(0.02, decay=0.01)
    model = NeuralNetworkClassifier((8,), optimizer=rule, learning_rate=Cosine(0.01))
    assert model._rule() == Adam(Cosine(0.01), decay=0.01)
    model = NeuralNetworkClassifier((8,), optimizer="lbfgs", random_state=0)
    assert model.fit(X, y).score(X, y) > 0.98


# -- presets ---------------------------------------------------------------------------


def people(n=120):
    r = np.random.default_rng(0)
    age, city = r.normal(40, 12, n), r.integers(0, 4, n)
    age[:5] = np.nan
    return pd.DataFrame(
        {
            "age": age,
            "city": pd.Categorical([f"city {c}" for c in city]),
            "visits": r.integers(0, 2, n),
        }
    ), np.nan_to_num(age, nan=40) / 12 + city + 0.1 * r.normal(size=n)


@pytest.mark.parametrize("more", [{"preset": "tabular"}, {"ensemble": 4}])
def test_presets_take_texts_and_gaps(more):
    X, y = people()
    model = NeuralNetworkRegressor(**more, random_state=0)
    model.fit(X.iloc[:100], y[:100])
    assert model.score(X.iloc[100:], y[100:]) > 0.6
    assert model.feature_names_in_.tolist() == ["age", "city", "visits"]
    classes = np.where(y > y.mean(), "high", "low")
    model = NeuralNetworkClassifier(**more, random_state=0)
    model.fit(X.iloc[:100], classes[:100], eval_set=(X.iloc[100:], classes[100:]))
    assert model.classes_.tolist() == ["high", "low"]
    assert model.score(X.iloc[100:], classes[100:]) > 0.7
    assert model.predict_proba(X).shape == (120, 2)
    seen = X.assign(visits=7)  # a number, though training had only 0 and 1
    assert model.predict(seen).shape == (120,)


def test_presets_take_arrays_and_weights(iris):
    X, y = iris
    model = NeuralNetworkClassifier(preset="tabular", random_state=0)
    weight = np.where(y == 2, 0.0, 1.0)
    model.fit(X, y, sample_weight=weight)
    assert set(model.predict(X)) == {0, 1}
    assert model.trained_.recipe.folds == 5
    assert clone(model).get_params()["preset"] == "tabular"


def test_a_preset_and_own_settings_contradict_each_other(iris):
    with pytest.raises(ConfigurationError, match="epochs=3 and a preset contradict"):
        NeuralNetworkClassifier(preset="tabular", epochs=3, random_state=0).fit(*iris)
    with pytest.raises(ConfigurationError, match="no preset 'fast'"):
        NeuralNetworkClassifier(preset="fast", random_state=0).fit(*iris)
    with pytest.raises(DataError, match="for one target"):
        NeuralNetworkRegressor(preset="tabular", random_state=0).fit(*[iris[0]] * 2)


def test_what_was_given_is_translated_with_its_value():
    with pytest.raises(TypeError, match=r"write layers=\(50,\)\."):
        NeuralNetworkClassifier(hidden_layer_sizes=(50,))
    with pytest.raises(TypeError, match=r"write epochs=7\."):
        NeuralNetworkRegressor().set_params(max_iter=7)


@pytest.mark.parametrize("kind", [NeuralNetworkClassifier, NeuralNetworkRegressor])
def test_a_column_of_texts_is_named_with_what_takes_it(kind):
    frame = pd.DataFrame({"size": [1.0, 2, 3, 4], "city": list("abab")})
    y = [0, 1, 0, 1]
    with pytest.raises(DataError, match=r"columns \['city'\].*preset='tabular'"):
        kind(epochs=1).fit(frame, y)
    fitted = kind(epochs=1).fit(frame[["size"]].assign(city=1.0), y)
    with pytest.raises(DataError, match=r"columns \['city'\].*preset='tabular'"):
        fitted.predict(frame)
