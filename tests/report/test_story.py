from dataclasses import replace

import pytest

from pellucid.losses import Loss
from pellucid.optimizers import Adam, GradientDescent
from pellucid.report import scores, story
from pellucid.training import History


def test_all_sentences_can_be_shown_by_any_terminal(result_of) -> None:
    for name in ("breast_cancer", "digits", "diabetes", "moons", "sine"):
        result = result_of(name)
        told = [
            *story.description(result),
            *story.data(result),
            *story.division(result),
            *story.network(result),
            *story.training(result),
            *story.verdict(result, scores(result)),
        ]
        told.append(
            story.mistakes(result) if result.classes else story.farthest(result)
        )
        assert " ".join(told).isascii()
        assert all(text.endswith((".", "?")) for text in told)


def test_the_data_are_told_with_their_counts(result_of) -> None:
    told = " ".join(story.data(result_of("breast_cancer")))
    assert "569 rows with 30 columns: mean radius," in told
    assert "and 26 more" in told
    assert "malignant (212), benign (357)" in told
    assert "1,000 rows with 1 column: x0." in story.data(result_of("sine"))[0]
    assert "a number from 25 to 346" in story.data(result_of("diabetes"))[1]


def test_who_sees_which_rows(result_of) -> None:
    told = story.division(result_of("breast_cancer"))[0]
    assert "these 142 while it learns" in told
    assert "Of the other 427 it learns from 342; 85 are for validation" in told


def test_the_network_is_told_from_its_layers(result_of) -> None:
    told = " ".join(story.network(result_of("breast_cancer")))
    assert "Two hidden layers of 128 neurons each (relu)" in told
    assert "silences 40 % of the neurons" in told
    assert "2 outputs, one for each class" in told
    assert "21,250 numbers to learn" in told
    tutorial = " ".join(story.network(result_of("xor")))
    assert "One hidden layer of 4 neurons (sigmoid)" in tutorial
    assert "16 numbers to learn" in tutorial
    assert "Dropout" not in tutorial


def test_the_plan() -> None:
    entropy, squares = Loss.of("cross_entropy"), Loss.of("sum_of_squares")
    batches = story.plan(300, 32, entropy, Adam(), validated=True)
    assert "passes once over the 300 rows, 32 at a time" in batches
    assert "Adam takes a small step" in batches
    assert "lowest validation loss is kept" in batches
    whole = story.plan(4, 4, squares, GradientDescent(), validated=False)
    assert "Every iteration takes all 4 rows" in whole
    assert "gradient descent takes a small step" in whole
    assert "kept" not in whole


def history(loss: list[float], validation: list[float], best: int) -> History:
    count = len(loss)
    return (
        History(loss=loss, validation=validation, iterations=loss * 2, best_epoch=best)
        if count
        else History()
    )


def test_overfitting_is_told_of_where_it_is(result_of) -> None:
    result = result_of("breast_cancer")
    over = history([3.0, 2.0, 1.6, 1.3, 1.0], [2.0, 1.0, 1.2, 1.3, 1.5], 2)
    told = story.training(replace(result, history=over))
    assert told[0].startswith("5 epochs, 10 iterations. The validation loss was lowest")
    assert "after epoch 2, 1:" in told[0]
    assert told[1].endswith(
        "rose to 1.5: the network began to learn its rows by "
        "heart. That is overfitting."
    )
    both_fall = history([3.0, 2.0, 1.0], [2.0, 1.0, 0.5], 3)
    assert len(story.training(replace(result, history=both_fall))) == 1
    by_chance = history([3.0, 2.0, 1.0], [2.0, 1.0, 1.5], 2)
    assert len(story.training(replace(result, history=by_chance))) == 1
    both_rise = history([3.0, 2.0, 2.2, 2.3, 2.5], [2.0, 1.0, 1.2, 1.3, 1.5], 2)
    assert len(story.training(replace(result, history=both_rise))) == 1


def test_a_training_that_was_interrupted_says_so(result_of) -> None:
    result = result_of("breast_cancer")
    told = story.training(replace(result, history=History(interrupted=True)))
    assert told[0].startswith("Ctrl-C ended the training")
    assert told[1] == "Not one epoch was complete."


def test_the_verdict_compares_with_no_network(result_of) -> None:
    result = result_of("breast_cancer")
    told, chance = story.verdict(result, scores(result))
    assert f"got {result.right} right" in told
    assert 'Always answering "benign" would get 89 right: 62.7 %' in told
    assert "95 % interval" in chance
    (numbers,) = story.verdict(result_of("diabetes"), scores(result_of("diabetes")))
    assert "off by" in numbers
    assert "mean progression" in numbers


@pytest.mark.parametrize(
    ("guesses", "told"),
    [
        ([0, 0, 1, 1], "Every row of the test was right."),
        (
            [1, 1, 1, 1],
            'The most frequent mistake: 2 rows of "upper" were taken for "lower".',
        ),
        (
            [1, 0, 1, 1],
            'The only mistake: 1 row of "upper" was taken for "lower".',
        ),
        ([1, 0, 0, 1], "2 rows were wrong, each in another way."),
    ],
)
def test_mistakes(result_of, guesses: list[int], told: str) -> None:
    result = result_of("moons")
    order = result.test[result.y.argsort(kind="stable")]
    few = replace(result, test=order[[0, 1, -2, -1]])
    assert few.y.tolist() == [0, 0, 1, 1]
    few.__dict__["y_hat"] = guesses  # in the place of what the network says
    assert story.mistakes(few) == told


@pytest.mark.parametrize(
    ("total", "told"),
    [
        (0, []),
        (1, [1]),
        (2, [1, 2]),
        (7, [1, 2, 5, 7]),
        (200, [1, 2, 5, 10, 20, 50, 100, 200]),
        (1000, [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]),
    ],
)
def test_milestones(total: int, told: list[int]) -> None:
    assert story.milestones(total) == told


def test_the_losses_that_the_tutorials_show() -> None:
    assert story.losses_shown(1500) == [1, 2, 10, 100, 500, 1000, 1500]
    assert story.losses_shown(50) == [1, 2, 10, 50]
    assert story.losses_shown(0) == []


def test_what_the_tutorial_network_learned(result_of) -> None:
    assert story.learned(result_of("xor")).endswith(
        "After 1,500 iterations its outputs are 0.010, 0.972, 0.972 and 0.033, where "
        "they should be 0, 1, 1 and 0."
    )
