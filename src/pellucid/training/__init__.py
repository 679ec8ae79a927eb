"""Training: the loop, its state, its history, and what else can happen in it."""

from pellucid.training.callbacks import (
    Call,
    Callback,
    Checkpoint,
    CheckpointWarning,
    RecordWeights,
    Report,
    Run,
    TimeLimit,
)
from pellucid.training.history import GradientWarning, History
from pellucid.training.loop import InterruptedWarning
from pellucid.training.plan import EarlyStopping
from pellucid.training.rate_search import RateSearch
from pellucid.training.recorder import RecordingWarning

__all__ = [
    "Call",
    "Callback",
    "Checkpoint",
    "CheckpointWarning",
    "EarlyStopping",
    "GradientWarning",
    "History",
    "InterruptedWarning",
    "RateSearch",
    "RecordWeights",
    "RecordingWarning",
    "Report",
    "Run",
    "TimeLimit",
]
