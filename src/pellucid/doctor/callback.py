"""The doctor beside a training."""

import warnings

from pellucid.doctor.examination import examine
from pellucid.doctor.findings import Diagnosis
from pellucid.training.callbacks import Callback, Run


class DoctorWarning(UserWarning):
    """The doctor found in training what makes it pointless to go on."""


class Doctor(Callback):
    """Looks at the data before a training, and at the training every so often.

    After the epochs 1, 2, 4, 8... and at the end, so that it costs little: each look is
    about as much work as a few iterations. What is severe becomes a warning, once.

    Parameters
    ----------
    warn : bool
        Whether to warn of severe findings.

    Attributes
    ----------
    diagnosis : Diagnosis or None
        The latest one; at the end that of the whole training.
    since : dict of str to int
        For each code that was found, the epoch after which it was seen first; 0 is
        before the training.

    Examples
    --------
    >>> import pellucid
    >>> from pellucid import Dense, Doctor, NeuralNetwork
    >>> data = pellucid.data.moons()
    >>> net = NeuralNetwork([Dense(8, "relu"), Dense(2)], loss="cross_entropy")
    >>> doctor = Doctor()
    >>> history = net.fit(data.x, data.y, epochs=20, callbacks=[doctor])
    >>> doctor.diagnosis.ok
    True
    """

    every = "epoch"

    def __init__(self, warn: bool = True) -> None:
        self.warn = warn
        self.diagnosis: Diagnosis | None = None
        self.since: dict[str, int] = {}

    def begin(self, run: Run) -> None:
        self.since = {}
        self._look(run)

    def call(self, run: Run) -> None:
        if run.epoch & (run.epoch - 1) == 0:
            self._look(run)

    def end(self, run: Run) -> None:
        self._look(run)

    def _look(self, run: Run) -> None:
        self.diagnosis = examine(run.network, run.data, validation=run.validation)
        for finding in self.diagnosis:
            known = finding.code in self.since
            self.since.setdefault(finding.code, run.epoch)
            if finding.severity != "severe" or known or not self.warn:
                continue
            if finding.code != "not_finite":  # of which the error tells
                text = f"{finding.sentence} {finding.remedy} ({finding.code})"
                warnings.warn(text, DoctorWarning, stacklevel=2)

    def __repr__(self) -> str:
        return "Doctor()" if self.warn else "Doctor(warn=False)"
