from dataclasses import replace

import numpy as np
import pytest

import pellucid
from pellucid.table_training import TableTraining
from pellucid.table_tuning import SPACE, Search, Trial, changed, picture


@pytest.fixture(scope="module")
def job():
    wine = pellucid.data.table(pellucid.data.wine(), "cultivar")
    return TableTraining(wine, epochs=2)


def test_the_first_trial_is_the_preset_and_all_are_the_same_again(job) -> None:
    search = Search(job)
    assert search.candidate(0) == replace(job.recipe, folds=0)
    recipes = [search.candidate(k) for k in range(1, 30)]
    assert recipes == [Search(job).candidate(k) for k in range(1, 30)]
    assert len(set(recipes)) == 29


def test_every_setting_of_the_space_is_tried(job) -> None:
    search = Search(job)
    recipes = [search.candidate(k) for k in range(200)]
    assert {len(r.hidden) for r in recipes} == set(SPACE["depth"])
    assert {r.activation for r in recipes} == set(SPACE["activation"])
    assert {r.scaling for r in recipes} == set(SPACE["scaling"])
    assert {r.dropout for r in recipes} >= set(SPACE["dropout"])
    rates = np.array([r.learning_rate for r in recipes]) / job.recipe.learning_rate
    low, high = SPACE["learning_rate"]
    assert low <= rates.min() < 1.2 * low
    assert 0.8 * high < rates.max() <= high
    assert any(r.front_scale == 0 for r in recipes)


def test_the_ends_of_the_space_are_in_it(job) -> None:
    for drawn in (0.0, np.nextafter(1, 0)):
        recipe = changed(job.recipe, dict.fromkeys(SPACE, drawn))
        assert recipe.hidden[0] in (SPACE["width"][0], SPACE["width"][-1])


def test_rows_of_the_test_are_not_looked_at(job) -> None:
    search = Search(job)
    used = {*search.learned.tolist(), *search.judging.tolist()}
    assert used == set(job.learned.tolist())
    assert not used & set(job.judged.tolist())


def test_a_search_goes_on_from_its_trials(job) -> None:
    search = Search(job)
    first, second = search.next(), search.next()
    kept = [Trial.from_dict(trial.to_dict()) for trial in search.trials]
    assert kept == [first, second]
    later = Search(job, kept[:1])
    assert later.next().scores == second.scores
    best = search.best()
    ranked = sorted(search.trials, key=lambda trial: trial.scores["log_loss"])
    assert best == replace(ranked[0].recipe, folds=job.recipe.folds)
    told = str(search.table())
    assert "preset" in told
    assert "log-loss" in told
    assert max(map(len, told.splitlines())) <= 80
    assert picture(search).startswith(b"\x89PNG")
