"""A training told on one page of HTML: data, network, course and test."""

from pellucid.report.page import page
from pellucid.report.result import Result
from pellucid.report.scores import Score, scores
from pellucid.report.usage import snippet

__all__ = ["Result", "Score", "page", "scores", "snippet"]
