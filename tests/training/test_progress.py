"""The progress bar of a notebook, before a stand-in for IPython."""

import re
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from pellucid import Dense, GradientDescent, NeuralNetwork, NonFiniteError
from pellucid.training import progress

X = np.random.default_rng(0).normal(size=(8, 2))


class Notebook:
    """What the modules of IPython do for the bar, and what they were asked for."""

    def __init__(self, monkeypatch, kernel=True):
        self.pictures, self.displays = [], 0
        ipython, display = ModuleType("IPython"), ModuleType("IPython.display")
        shell = SimpleNamespace(kernel=object()) if kernel else SimpleNamespace()
        ipython.get_ipython = lambda: shell
        ipython.display, display.display = display, self.display
        monkeypatch.setitem(sys.modules, "IPython", ipython)
        monkeypatch.setitem(sys.modules, "IPython.display", display)

    def display(self, picture, *, raw, display_id):
        assert raw
        assert display_id
        self.displays += 1
        self.pictures.append(picture)
        return SimpleNamespace(update=self.update)

    def update(self, picture, *, raw):
        assert raw
        self.pictures.append(picture)


def fit(**settings):
    net = NeuralNetwork([Dense(1)], loss="mean_squared_error")
    plan = {"epochs": 4, "batch_size": 4} | settings
    return net.fit(X, X[:, 0], **plan)


def test_one_picture_is_shown_and_replaced(monkeypatch):
    monkeypatch.setattr(progress, "PAUSE", 0.0)
    notebook = Notebook(monkeypatch)
    fit(validation=(X, X[:, 0]), metrics=["mae"])
    assert notebook.displays == 1
    assert len(notebook.pictures) > 4
    first, last = notebook.pictures[0], notebook.pictures[-1]
    assert first["text/plain"].startswith(f"epoch 0/4 [{'.' * 24}]")
    assert "left -:--:--" in first["text/plain"]
    words = r"loss \S+  validation \S+  mae \S+  0:00:\d\d left 0:00:00"
    assert re.fullmatch(rf"epoch 4/4 \[#{{24}}\] {words}", last["text/plain"])
    assert '<progress value="8" max="8"></progress> loss ' in last["text/html"]


def test_pictures_are_not_drawn_more_often_than_anybody_can_look(monkeypatch):
    monkeypatch.setattr(progress, "PAUSE", 1e9)
    notebook = Notebook(monkeypatch)
    fit(epochs=50, metrics=["mae"])
    assert len(notebook.pictures) == 2
    assert notebook.pictures[-1]["text/plain"].startswith("epoch 50/50")


def test_names_of_metrics_are_no_markup(monkeypatch):
    def odd(y, y_hat):
        return 1.0

    odd.__name__ = "<b>&"
    notebook = Notebook(monkeypatch)
    fit(metrics=[odd])
    assert "&lt;b&gt;&amp; 1" in notebook.pictures[-1]["text/html"]
    assert "<b>& 1" in notebook.pictures[-1]["text/plain"]


def test_an_error_leaves_the_last_picture(monkeypatch):
    notebook = Notebook(monkeypatch)
    with pytest.raises(NonFiniteError):
        fit(epochs=500, optimizer=GradientDescent(1e10))
    assert notebook.displays == 1
    assert "epoch 500/500" not in notebook.pictures[-1]["text/plain"]


def test_a_notebook_can_be_told_to_show_nothing(monkeypatch):
    notebook = Notebook(monkeypatch)
    fit(progress=False)
    assert notebook.pictures == []


def test_a_shell_without_a_kernel_is_a_terminal(monkeypatch, capsys):
    notebook = Notebook(monkeypatch, kernel=False)
    assert not progress.in_notebook()
    fit(progress=True)
    assert notebook.pictures == []
    assert "epoch 4/4" in capsys.readouterr().err


def test_without_ipython_there_is_no_notebook(monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert not progress.in_notebook()


def test_long_times_have_hours():
    assert progress._clock(3 * 3600 + 62) == "3:01:02"
