"""Arguments of scikit-learn's MLP, and what stands for each of them here."""

from typing import NoReturn

from pellucid.errors import suggestion

# None of these is taken: two names for one thing would have to agree.
INSTEAD = {
    "hidden_layer_sizes": "layers=(100,)",
    "solver": "optimizer='adam', 'lbfgs' or Nesterov(0.001, momentum=0.9)",
    "alpha": "optimizer=Adam(l2=alpha / batch_size), as scikit-learn divides it",
    "learning_rate_init": "learning_rate=0.001",
    "power_t": "optimizer=GradientDescent(InverseScaling(0.001, power=0.5))",
    "max_iter": "epochs=200",
    "shuffle": "NeuralNetwork(...).fit(x, y, shuffle=False); an estimator shuffles",
    "n_iter": "epochs=200",
    "tol": "early_stopping=10: epochs without a lower validation loss",
    "n_iter_no_change": "early_stopping=10: epochs without a lower validation loss",
    "validation_fraction": "validation=0.1",
    "momentum": "optimizer=Momentum(0.001, momentum=0.9)",
    "nesterovs_momentum": "optimizer=Nesterov(0.001, momentum=0.9)",
    "beta_1": "optimizer=Adam(beta1=0.9)",
    "beta_2": "optimizer=Adam(beta2=0.999)",
    "epsilon": "optimizer=Adam(epsilon=1e-8)",
    "max_fun": "epochs=200, with optimizer='lbfgs'",
    "n_jobs": "threads=1",
    "seed": "random_state=0",
    "lr": "learning_rate=0.001",
}
ACTIVATIONS = {"logistic": "sigmoid"}
RATES = {
    "constant": "leave it out",
    "invscaling": "optimizer=GradientDescent(InverseScaling(0.001))",
    "adaptive": "optimizer=GradientDescent(ReduceOnPlateau(0.001))",
}


def refuse(estimator: str, unknown: list[str], known: list[str]) -> NoReturn:
    """Raise for arguments that an estimator does not have.

    Parameters
    ----------
    estimator : str
        Its class.
    unknown, known : list of str
        What came, and what there is.

    Raises
    ------
    TypeError
        With what to write instead of the first.
    """
    name = unknown[0]
    told = f"write {INSTEAD[name]}." if name in INSTEAD else suggestion(name, known)
    raise TypeError(f"{estimator} has no argument {name!r}: {told}")
