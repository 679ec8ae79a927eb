"""How many threads work: the choice, and that it changes no bit."""

import pytest

pytest.importorskip("numba", reason="the compiled engine needs Numba")

from pellucid.engines.compiled.teams import FEWEST, LATE, SOON, Teams


def work(teams, seconds, steps, total):
    """Let teams make slices for a total time; return how many seconds each had."""
    had = dict.fromkeys(teams.sizes, 0.0)
    while sum(had.values()) < total:
        size = teams.now
        had[size] += seconds[size] * steps
        teams.worked(seconds[size] * steps, steps)
    return had


@pytest.mark.parametrize("quick", [1, 2, 4])
def test_the_faster_team_works_nearly_all_the_time(quick):
    many = max(2, quick)
    teams = Teams(many, pace=0.03)
    seconds = {1: 0.002, many: 0.003} if quick == 1 else {1: 0.003, many: 0.002}
    had = work(teams, seconds, 10, 100.0)
    assert teams.best == quick
    assert had[quick] > 0.98 * sum(had.values())
    assert min(had.values()) > 0


def test_the_choice_follows_what_changes():
    teams = Teams(2, pace=0.03)
    work(teams, {1: 0.003, 2: 0.002}, 10, 60.0)
    assert teams.best == 2
    work(teams, {1: 0.004, 2: 0.009}, 10, LATE + 1)
    assert teams.best == 1
    work(teams, {1: 0.003, 2: 0.002}, 10, LATE + 1)
    assert teams.best == 2


def tries(seconds, count, of_one):
    """Return how long two worked between tries of one thread, or one between those."""
    teams = Teams(2, pace=0.03)
    paces = {1: of_one * seconds, 2: seconds}
    waits, waited = [], 0.0
    for _ in range(count):
        trying, took = teams.trying, paces[teams.now]
        teams.worked(took, 1)
        waited += 0.0 if trying else took
        if trying:
            waits.append(waited)
            waited = 0.0
    return waits


def test_the_other_team_is_tried_soon_and_then_less_often():
    first, *waits = tries(0.002, 60_000, of_one=0.5)
    assert first == pytest.approx(SOON, abs=0.004)  # then one thread goes on
    wanted = [min(LATE, SOON * 2**k) for k in range(len(waits))]
    assert waits == pytest.approx(wanted, abs=0.004)
    assert len(waits) > 5


def test_all_threads_are_compared_with_one_again_when_they_are_slower():
    teams = Teams(2, pace=0.03)
    assert work(teams, {1: 0.004, 2: 0.002}, 10, 60.0)[1] == pytest.approx(0.04)
    assert work(teams, {1: 0.0044, 2: 0.0022}, 10, 60.0)[1] == 0
    assert 0 < work(teams, {1: 0.005, 2: 0.0025}, 10, 60.0)[1] < 0.2


def test_long_steps_are_tried_after_many():
    first, second, *_ = tries(0.1, 300, of_one=0.5)
    assert first == pytest.approx(FEWEST * 0.1, abs=0.2)
    assert second == pytest.approx(FEWEST * 0.05, abs=0.2)


def test_one_thread_alone_never_tries_anything():
    teams = Teams(1, pace=0.03)
    work(teams, {1: 0.01}, 3, 20.0)
    assert teams.sizes == [1]
    assert teams.now == teams.best == 1


def test_a_failure_at_the_first_step_leaves_a_pace():
    teams = Teams(2, pace=0.03)
    teams.worked(0.01, 0)
    assert teams.pace == 0.01
