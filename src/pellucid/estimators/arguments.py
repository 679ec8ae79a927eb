"""Arguments of scikit-learn's MLP, and what stands for each of them here."""

from typing import Any, NoReturn

from pellucid.errors import suggestion

# None of these is taken: two names for one thing would have to agree.
INSTEAD = {
    "hidden_layer_sizes": "layers={value!r}",
    "solver": "optimizer='adam', 'lbfgs' or Nesterov(0.001, momentum=0.9)",
    "alpha": "optimizer=Adam(l2=alpha / batch_size), as scikit-learn divides it",
    "learning_rate_init": "learning_rate={value!r}",
    "power_t": "optimizer=GradientDescent(InverseScaling(0.001, power=0.5))",
    "max_iter": "epochs={value!r}",
    "shuffle": "NeuralNetwork(...).fit(x, y, shuffle=False); an estimator shuffles",
    "n_iter": "epochs={value!r}",
    "tol": "early_stopping=10: epochs without a lower validation loss",
    "n_iter_no_change": "early_stopping=10: epochs without a lower validation loss",
    "validation_fraction": "validation={value!r}",
    "momentum": "optimizer=Momentum(0.001, momentum={value!r})",
    "nesterovs_momentum": "optimizer=Nesterov(0.001, momentum=0.9)",
    "beta_1": "optimizer=Adam(beta1={value!r})",
    "beta_2": "optimizer=Adam(beta2={value!r})",
    "epsilon": "optimizer=Adam(epsilon={value!r})",
    "max_fun": "epochs={value!r}, with optimizer='lbfgs'",
    "n_jobs": "threads={value!r}",
    "seed": "random_state={value!r}",
    "lr": "learning_rate={value!r}",
}
ACTIVATIONS = {"logistic": "sigmoid"}
RATES = {
    "constant": "leave it out",
    "invscaling": "optimizer=GradientDescent(InverseScaling(0.001))",
    "adaptive": "optimizer=GradientDescent(ReduceOnPlateau(0.001))",
}


def refuse(estimator: str, unknown: dict[str, Any], known: list[str]) -> NoReturn:
    """Raise for arguments that an estimator does not have.

    Parameters
    ----------
    estimator : str
        Its class.
    unknown : dict of str to object
        What came, with its value.
    known : list of str
        What there is.

    Raises
    ------
    TypeError
        With what to write instead of the first.
    """
    name, value = min(unknown.items(), key=lambda item: item[0])
    told = suggestion(name, known)
    if name in INSTEAD:
        told = f"write {INSTEAD[name].format(value=value)}."
    raise TypeError(f"{estimator} has no argument {name!r}: {told}")
