import re
from dataclasses import replace

import numpy as np
import pytest

import pellucid
from pellucid.data.table import table
from pellucid.layers import Dropout
from pellucid.report.markup import join
from pellucid.report.pictures import Pictures
from pellucid.report.table_examples import chosen, examples
from pellucid.report.table_member import member, without_temperature
from pellucid.report.table_run import some
from pellucid.report.table_scores import judged
from pellucid.report.table_training import network
from pellucid.report.table_use import program
from pellucid.table_training import TableTraining, scores_beside, shown

BOTH = ("table of classes", "table of numbers")
both = pytest.mark.parametrize("name", BOTH)


def seen(html: str) -> str:
    """Return the texts of a page."""
    text = re.sub("<(style|title)>.*?</\\1>", "", html, flags=re.DOTALL)
    text = re.sub("<[^>]*>", " ", text)
    for code, sign in (("&lt;", "<"), ("&gt;", ">"), ("&nbsp;", " "), ("&amp;", "&")):
        text = text.replace(code, sign)
    return re.sub(r"\s+", " ", text)


@both
def test_the_scores_stand_beside_those_of_simpler_models(
    result_of, page_of, name: str
) -> None:
    run, text = result_of(name), seen(page_of(name))
    beside = scores_beside(run)
    assert len(beside) == 3
    for who, found in beside.items():
        label = {"network": "", "constant": "without looking: "}.get(who, f"{who}: ")
        for measure, value in found.items():
            assert f"{label}{shown(measure, value)}" in text, (who, measure)


@both
def test_every_column_is_told_of(result_of, page_of, name: str) -> None:
    run, text = result_of(name), seen(page_of(name))
    for column in run.table.columns:
        assert f"{column.name} {column.kind} " in text
    assert "row an identifier" in text
    assert "300 rows, 6 columns" in text
    assert f"{run.encoder.settings_table().title}" in text


@both
def test_it_warns_of_columns_that_tell_the_same(page_of, name: str) -> None:
    assert re.search(r"age and months \(0\.\d\d\)", seen(page_of(name)))


@both
def test_what_columns_add_leads_from_usual_to_the_answer(
    result_of, page_of, name: str
) -> None:
    run, html = result_of(name), page_of(name)
    tables = re.findall('<table class="adds">(.*?)</table>', html, flags=re.DOTALL)
    assert len(tables) == 2
    for place, inside in zip(chosen(run), tables, strict=True):
        cells = re.findall('<td class="number">([^<]*)</td>', inside)
        usual, *added, answer = (
            float(cell.split("&")[0].replace(",", "").replace("\N{MINUS SIGN}", "-"))
            for cell in cells
        )
        assert usual + sum(added) == pytest.approx(answer, abs=0.04 * abs(answer))
        own = run.answers[place]
        own = 100 * own.max() if run.classes else own
        assert answer == pytest.approx(own, rel=0.01)


@both
def test_the_member_of_a_page_predicts_as_the_network_does(
    result_of, name: str
) -> None:
    run = result_of(name)
    one = member(run.trained)
    assert not any(isinstance(layer, Dropout) for layer in one.layers)
    x = run.encoder.encode(run.tested.take([0]))
    step = one.trace(x, run.table.labels[run.test[:1]])
    np.testing.assert_allclose(step.output, one.feedforward(x), rtol=1e-5, atol=1e-6)
    if len(run.trained.histories) == 1:
        np.testing.assert_allclose(
            one.predict(run.x).reshape(-1), run.network.predict(run.x), rtol=1e-5
        )
    whole = run.network.feedforward(x)
    np.testing.assert_allclose(
        step.output, whole[:, : step.output.shape[1]], rtol=1e-4, atol=1e-5
    )


def test_without_temperature_the_logits_are_as_they_were(result_of) -> None:
    run = result_of("table of classes")
    warmth = run.trained.temperature
    assert warmth != 1.0
    before = without_temperature(run.trained).feedforward(run.x)
    np.testing.assert_allclose(
        before, run.network.feedforward(run.x) * warmth, rtol=1e-4, atol=1e-5
    )
    numbers = result_of("table of numbers").trained
    assert without_temperature(numbers) is numbers.network


@both
def test_the_program_on_the_page_runs(
    result_of, page_of, name: str, tmp_path, monkeypatch, capsys
) -> None:
    run = result_of(name)
    text = program(run)
    assert "network = pellucid.load(&quot;model.pellucid&quot;)" in page_of(name)
    run.network.save(tmp_path / "model.pellucid")
    row = run.tested.take([0, 1])
    lines = [",".join(f'"{c}"' for c in run.encoder.kinds)]
    for place in range(2):
        cells = (row[c].cells()[place] for c in run.encoder.kinds)
        lines.append(",".join("" if c is None else f'"{c}"' for c in cells))
    tmp_path.joinpath("new.csv").write_text("\n".join(lines) + "\n")
    monkeypatch.chdir(tmp_path)
    exec(compile(text, "page", "exec"), {})
    first = capsys.readouterr().out.splitlines()[0]
    said = run.network.predict(run.tested.take([0]))[0]
    if run.classes:
        assert first == said
    else:
        assert float(first) == pytest.approx(said, rel=1e-4)


def test_a_page_says_when_the_network_is_not_worth_it(result_of, page_of) -> None:
    html = page_of("table of numbers")
    worth = re.search('<p class="verdict( is-doubtful)?">(.*?)</p>', html)
    assert worth is not None
    ridge = scores_beside(result_of("table of numbers"))
    loses = ridge["network"]["rmse"] > ridge["ridge regression"]["rmse"]
    assert loses
    assert worth[1] == " is-doubtful"
    assert "NOT beat the linear model" in worth[2]


def test_members_of_an_ensemble_are_told_of_too() -> None:
    recipe = replace(
        pellucid.tabular.recipe_for(90, "classes", ensemble=2), epochs=2, hidden=(8,)
    )
    rows = table(pellucid.data.iris(), "species")
    job = TableTraining(rows, recipe=recipe)
    job.fit()
    run = job.run()
    text = seen(join([network(run).html(), examples(run).html()]))
    assert "One network with 2 members" in text
    assert "The first of 2 members, whose answers are averaged." in text
    assert "output[0, " in text


@both
def test_importance_starts_from_the_score_of_the_test(result_of, name: str) -> None:
    run = result_of(name)
    own = scores_beside(run)["network"]
    assert run.importance.value == pytest.approx(own[run.importance.metric], rel=1e-5)


@both
def test_the_top_says_what_to_know_first(result_of, page_of, name: str) -> None:
    run, html = result_of(name), page_of(name)
    glance = re.search('<ul class="glance">(.*?)</ul>', html, flags=re.DOTALL)
    assert glance is not None
    text = seen(glance[1])
    column = run.importance.columns[run.importance.order[0]]
    assert f"It needs most : {column}" in text
    found = run.diagnosis
    said = f"{len(found)} finding" if len(found) else f"{found.checks} checks"
    assert said in text
    assert ("Its probabilities are off by" in text) is bool(run.classes)


def test_of_a_long_test_some_rows_are_drawn(result_of) -> None:
    run = result_of("table of numbers")
    long = replace(run, test=np.resize(run.test, 20_000), baselines=())
    html = judged(long, Pictures()).html()
    assert "800 of the 20,000 rows of the test" in seen(html)
    assert html.count("<use ") < 1_800


def test_few_rows_are_told_to_say_little(page_of) -> None:
    text = seen(page_of("table of few"))
    assert "A test of 2 rows says little" in text
    assert "more than chance explains" not in text
    assert "Target and prediction of every row of the test." in text
    assert "the median, leaves zero" not in text


def test_many_columns_and_classes_have_room(result_of, page_of) -> None:
    run, html = result_of("table of many"), page_of("table of many")
    assert 'class="confusion many"' in html
    assert "Drawn are 15 of 100 columns." in html
    assert "<summary>What is in 100 columns</summary>" in html
    text = program(run)
    compile(text, "page", "exec")
    assert "row = {" not in text
    assert 'network.predict_proba("new.csv")' in text


def test_some_rows_are_spread_evenly() -> None:
    rows = table({"x": np.arange(10.0) + 0.5, "y": np.arange(10.0)})
    assert some(rows, 4)["x"].values.tolist() == [0.5, 3.5, 6.5, 9.5]
    assert some(rows, 20) is rows
