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


def tries(seconds, count):
    """Return how long all worked between tries, one thread being half as fast."""
    teams = Teams(2, pace=0.03)
    waits, waited = [], 0.0
    for _ in range(count):
        trying = teams.trying
        teams.worked(2 * seconds if trying else seconds, 1)
        waited += 0.0 if trying else seconds
        if trying:
            waits.append(waited)
            waited = 0.0
    return waits


def test_the_other_team_is_tried_soon_and_then_less_often():
    waits = tries(0.002, 30_000)
    wanted = [min(LATE, SOON * 2**k) for k in range(len(waits))]
    assert waits == pytest.approx(wanted, abs=0.004)


def test_long_steps_are_tried_after_many():
    waits = tries(0.1, 1000)
    assert waits[0] == pytest.approx(FEWEST * 0.1, abs=0.2)
    assert waits[-1] == pytest.approx(LATE, abs=0.2)


def test_one_thread_alone_never_tries_anything():
    teams = Teams(1, pace=0.03)
    work(teams, {1: 0.01}, 3, 20.0)
    assert teams.sizes == [1]
    assert teams.now == teams.best == 1


def test_a_failure_at_the_first_step_leaves_a_pace():
    teams = Teams(2, pace=0.03)
    teams.worked(0.01, 0)
    assert teams.pace == 0.01
