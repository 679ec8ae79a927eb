"""scikit-learn: `MLPClassifier.fit` without penalty and without early stopping."""

import warnings

import numpy as np

from peers import Contestant


def classifier(case, epochs):
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier(
        case.sizes[1:-1],
        alpha=0.0,
        batch_size=getattr(case, "batch", "auto"),
        max_iter=epochs,
        shuffle=False,
        random_state=0,
        tol=0.0,
        n_iter_no_change=10**9,
    )


class ScikitLearn(Contestant):
    title = "scikit-learn"
    packages = ("scikit-learn",)
    imports = "from sklearn.neural_network import MLPClassifier"

    def training(self, case):
        x, y = case.data()

        def run(blocks):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that it has not converged
                classifier(case, blocks * case.block).fit(x, y)

        return run

    def prediction(self, case):
        x, _ = case.data()
        few = np.resize(np.arange(case.sizes[-1]), 64)
        net = classifier(case, 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            net.fit(np.resize(x[:64], (64, case.sizes[0])), few)

        def run(calls):
            for _ in range(calls):
                net.predict_proba(x)

        return run
