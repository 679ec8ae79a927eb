"""Checks of the course of a training: its losses, its gradients, its steps."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.doctor import thresholds
from pellucid.doctor.case import Case, Check
from pellucid.doctor.findings import Finding
from pellucid.minimizers import Minimizer
from pellucid.step import Step
from pellucid.training.history import gradient_spike

# Into so many parts the course is divided, each with its mean loss.
PARTS = 20


def rate_too_high(case: Case) -> Iterator[Finding]:
    """Yield a finding if the loss rises, or jumps up again and again.

    Parameters
    ----------
    case : Case
        What to look at.

    Yields
    ------
    Finding
    """
    course, rate = _course(case), _rate(case)
    if course is None or rate is None:
        return
    (start, scatter), end = _first_loss(case, course), float(course[-1])
    longest, slot = (0.0, "") if case.step is None else longest_step(case.step)
    measured: dict[str, Any] = {
        "first loss": start,
        "last loss": end,
        "lowest": float(course.min()),
        "learning rate": rate,
    }
    if longest:
        measured["step relative to weights"] = longest
    remedy = (
        f"Take a smaller learning rate, a tenth to begin with ({rate / 10:.3g} instead "
        f"of {rate:.3g}), or ask: net.find_learning_rate(x, y).suggestion."
    )
    much = max((thresholds.RISEN - 1) * abs(start), thresholds.CHANCE * scatter)
    if end - start > much:
        yield Finding(
            "rate_too_high",
            "severe",
            f"The loss rose in training, from {start:.3g} to {end:.3g}: the steps are "
            "so long that they lead uphill.",
            remedy,
            "",
            measured,
        )
        return
    lowest = np.minimum.accumulate(course)[:-1]
    above, size = course[1:] - lowest, np.abs(lowest)  # some losses go below 0
    jumps = (above > (thresholds.JUMP - 1) * size) & (
        above > thresholds.JUMP_OF_START * abs(start)
    )
    share = float(jumps.mean())
    if share >= thresholds.JUMPS:
        yield Finding(
            "rate_too_high",
            "warning",
            f"The loss jumps: in {share:.0%} of the training it was more than "
            f"{thresholds.JUMP:g} times as high as before.",
            remedy,
            "",
            measured | {"share of jumps": share},
        )
    elif longest > thresholds.LONG_STEP and end > start / 2:
        yield Finding(
            "rate_too_high",
            "warning",
            f"One step changes {slot} by {longest:.2g} times its own length, and the "
            "loss has not fallen to half.",
            remedy,
            slot,
            measured,
        )


def rate_too_low(case: Case) -> Iterator[Finding]:
    """Yield a finding if the loss falls all the time, but hardly falls.

    Parameters
    ----------
    case : Case
        What to look at.

    Yields
    ------
    Finding
    """
    course, rate = _course(case), _rate(case)
    if case.history is None or course is None or rate is None:
        return
    start, end = float(course[0]), float(course[-1])
    fall = (start - end) / abs(start) if start else 0.0
    if not 0 < fall < thresholds.HARDLY:
        return
    steadily = -float(np.corrcoef(np.arange(len(course)), course)[0, 1])
    if steadily < thresholds.STEADILY:
        return
    measured: dict[str, Any] = {
        "first loss": start,
        "last loss": end,
        "correlation with time": -steadily,
        "learning rate": rate,
    }
    if case.step is not None:
        measured["step relative to weights"] = longest_step(case.step)[0]
    yield Finding(
        "rate_too_low",
        "warning",
        f"In {len(case.history.iterations):,} iterations the loss fell steadily, but "
        f"only by {fall:.1%}: the steps are too short to get anywhere.",
        f"Take a larger learning rate, ten times to begin with ({rate * 10:.3g} instead"
        f" of {rate:.3g}), or ask: net.find_learning_rate(x, y).suggestion.",
        "",
        measured,
    )


def gradient_spikes(case: Case) -> Iterator[Finding]:
    """Yield a finding if the gradient of an epoch was a thousand times the usual one.

    Parameters
    ----------
    case : Case
        What to look at.

    Yields
    ------
    Finding
    """
    norms = case.history.gradient_norm if case.history else []
    found = gradient_spike(norms)
    if found is None:
        return
    epoch, usual = found
    yield Finding(
        "gradient_spikes",
        "warning",
        f"In epoch {epoch + 1} the gradient was {norms[epoch] / usual:,.0f} "
        "times as long as in the epochs before.",
        "Cut such gradients, optimizer=Adam(clip_norm=1.0), and look for rows "
        "with values out of all proportion.",
        "",
        {
            "epoch": epoch + 1,
            "gradient": float(norms[epoch]),
            "usual": usual,
        },
    )


def overfitting(case: Case) -> Iterator[Finding]:
    """Yield a finding if the validation loss rises while the training loss falls.

    Parameters
    ----------
    case : Case
        What to look at.

    Yields
    ------
    Finding
    """
    history = case.history
    if history is None or len(history.validation) < thresholds.FEWEST_EPOCHS:
        return
    held = np.array(history.validation)
    loss = np.array(history.loss[-len(held) :])
    best = int(held.argmin())
    end, lowest = float(np.mean(held[-3:])), float(held[best])
    risen = end - lowest
    fallen = max(0.0, float(held[0]) - lowest)
    if risen <= thresholds.WORSE * lowest or risen <= thresholds.WORSE_OF_FALL * fallen:
        return
    if loss[-1] > thresholds.LEARNED_ON * loss[best]:
        return
    yield Finding(
        "overfitting",
        "note" if history.best_epoch else "warning",
        f"Since epoch {best + 1} the training loss went on falling, from "
        f"{loss[best]:.3g} to {loss[-1]:.3g}, while the validation loss rose from "
        f"{lowest:.3g} to {end:.3g}: the network learned its rows by heart. It has "
        f"kept the weights of epoch {history.best_epoch or best + 1}.",
        "Stop in time, net.fit(..., early_stopping=10); use more rows, fewer units, "
        "Dropout(0.3) between layers, or optimizer=AdamW(decay=0.01).",
        "",
        {
            "best epoch": best + 1,
            "epochs": len(held),
            "validation at best": lowest,
            "validation at end": end,
            "loss at best": float(loss[best]),
            "loss at end": float(loss[-1]),
        },
    )


def nothing_learned(case: Case) -> Iterator[Finding]:
    """Yield a finding if a trained network is no better than one fixed answer.

    Parameters
    ----------
    case : Case
        What to look at.

    Yields
    ------
    Finding
    """
    history, course = case.history, _course(case)
    if history is None or course is None:
        return
    fixed = fixed_answer_loss(case)
    if not np.isfinite(fixed) or fixed <= 0:
        return
    held = min(history.validation, default=np.nan)
    last = float(course[-1])
    if case.network.loss.reduction == "sum":  # of a batch: not comparable
        last = held = np.nan
    now = mean_loss(case)
    measured = {"loss": now, "loss of a fixed answer": fixed}
    by_heart = last < thresholds.BY_HEART * fixed
    if by_heart and held >= thresholds.NOTHING_LEARNED * fixed:
        yield Finding(
            "learned_by_heart",
            "warning",
            f"The network knows its own rows (loss {last:.3g}), but on validation rows "
            f"it was never better than one fixed answer ({held:.3g}, which has "
            f"{fixed:.3g}): as if targets had nothing to do with inputs.",
            "Look whether rows of x and y belong together: print a few side by side. "
            "If one of them was sorted or shuffled alone, the targets belong to other "
            "rows.",
            "",
            measured | {"training loss": last, "lowest validation loss": held},
        )
    elif now >= thresholds.NOTHING_LEARNED * fixed:
        if any(True for check in (rate_too_high, rate_too_low) for _ in check(case)):
            return  # that is why, and says what to do
        yield Finding(
            "nothing_learned",
            "warning",
            f"After {len(history.iterations):,} iterations the loss is {now:.3g}. "
            f"Always giving the same answer, the best one, has {fixed:.3g}: nothing "
            "was learned.",
            "Look first whether rows of x and y belong together (sorted or shuffled "
            "alone?) and whether inputs are scaled; then try a learning rate ten times "
            "larger and ten times smaller, and more units.",
            "",
            measured,
        )


# Every check of the course, in the order of the report.
CHECKS: tuple[Check, ...] = (
    rate_too_high,
    rate_too_low,
    gradient_spikes,
    overfitting,
    nothing_learned,
)


def parts(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean loss of each part of the course.

    Parameters
    ----------
    losses : ndarray, shape (iterations,)
        One for each iteration, at least as many as parts.

    Returns
    -------
    ndarray, shape (parts,)
    """
    return np.array([part.mean() for part in np.array_split(losses, PARTS)])


def longest_step(step: Step) -> tuple[float, str]:
    """Return the longest step relative to the weights that it changes, and which.

    Parameters
    ----------
    step : Step
        A traced step.

    Returns
    -------
    ratio : float
        0 where nothing can be compared.
    slot : str
    """
    ratios = {"": 0.0}
    for name, entry in step.layout.parameters.entries.items():
        length = float(np.linalg.norm(step.weights[name]))
        if entry.slot.role == "weight" and length:
            ratios[name] = float(np.linalg.norm(step.update[name])) / length
    slot = max(ratios, key=ratios.__getitem__)
    return ratios[slot], slot


def fixed_answer_loss(case: Case) -> float:
    """Return the mean loss of always giving the same answer, the best of a few.

    Parameters
    ----------
    case : Case
        What to look at.

    Returns
    -------
    float
        Infinite where no answer can be tried.
    """
    loss, y = case.network.loss, case.some.y
    shape = case.network.blueprint.output_shape
    lowest = np.inf
    for answer in _answers(case, y):
        if answer.shape == shape:
            out = np.broadcast_to(answer, (len(y), *shape)).astype(np.float64)
            exact = y if y.dtype.kind in "iu" else y.astype(np.float64)
            with np.errstate(all="ignore"):
                lowest = min(lowest, float(np.mean(loss.value(out, exact))))
    return lowest


def _answers(case: Case, y: NDArray[Any]) -> Iterator[NDArray[np.float64]]:
    """Yield fixed outputs: shares of classes, means and medians, as the link asks."""
    loss = case.network.loss
    if loss.task == "classes":
        share = np.bincount(y, minlength=case.network.blueprint.answers) / len(y)
        certain = (share == share.max()) * 2.0 - 1.0
        yield certain if loss.link == "identity" else np.log(np.maximum(share, 1e-9))
        return
    mean = y.mean(axis=0, dtype=np.float64)
    for center in (mean, np.median(y, axis=0).astype(np.float64)):
        if loss.link == "sigmoid":
            inside = np.clip(center, 1e-9, 1 - 1e-9)
            yield np.log(inside / (1 - inside))
        elif loss.link == "exp":
            yield np.log(np.maximum(center, 1e-9))
        elif loss.task == "labels":
            yield np.sign(center - 0.5)
        else:
            yield center


def mean_loss(case: Case) -> float:
    """Return the mean loss of a row of the data now, in prediction mode.

    Parameters
    ----------
    case : Case
        What to look at.

    Returns
    -------
    float
    """
    network, data = case.network, case.some
    each = network.engine.losses(network.weights, data.x, data.y)
    return float(np.mean(each, dtype=np.float64))


def _course(case: Case) -> NDArray[np.float64] | None:
    """Return the mean loss of each part of the course, if it is long enough.

    Of epochs, where there are enough: every epoch sees the same rows.
    """
    history = case.history
    if history is None or len(history.iterations) < thresholds.FEWEST_ITERATIONS:
        return None
    enough = len(history.loss) >= PARTS
    return parts(np.array(history.loss if enough else history.iterations))


def _first_loss(case: Case, course: NDArray[np.float64]) -> tuple[float, float]:
    """Return the loss before anything was learned, and how far chance moves it."""
    if case.history is None or case.network.loss.reduction == "sum":
        return float(course[0]), 0.0  # a batch adds up fewer rows than an epoch
    losses = case.history.iterations[: max(5, len(case.history.iterations) // PARTS)]
    return float(np.mean(losses[:5])), float(np.std(losses)) / math.sqrt(5)


def _rate(case: Case) -> float | None:
    """Return the usual learning rate of the training; None for a minimizer."""
    training = case.network.training
    if case.history is None or training is None or not case.history.learning_rate:
        return None
    if isinstance(training.optimizer, Minimizer):
        return None
    return float(np.median(case.history.learning_rate))
