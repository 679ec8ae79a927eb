"""Training: the loop, its state, its history, and what else can happen in it."""

from pellucid.training.callbacks import (
    Call,
    Callback,
    Checkpoint,
    Report,
    Run,
    TimeLimit,
)
from pellucid.training.history import History
from pellucid.training.loop import InterruptedWarning
from pellucid.training.plan import EarlyStopping

__all__ = [
    "Call",
    "Callback",
    "Checkpoint",
    "EarlyStopping",
    "History",
    "InterruptedWarning",
    "Report",
    "Run",
    "TimeLimit",
]
