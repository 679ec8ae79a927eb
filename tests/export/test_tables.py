"""Exports of networks for tables take raw columns, and answer as the network does."""

import datetime as dt
import json
import subprocess
import sys

import numpy as np
import pytest
import tables
from test_c import compiled

from pellucid import ConfigurationError, Dense, Encoder, NeuralNetwork
from pellucid.data import table
from pellucid.encoder import Number, Operation
from pellucid.encoder.encodings import Encoding
from pellucid.encoder.operations import OPERATIONS
from pellucid.export import c, javascript, python_plain
from pellucid.export import onnx as export
from pellucid.readers import ImageReader, Reader

CASES = tables.cases()
ROWS = tables.rows()
every_case = pytest.mark.parametrize("name", CASES)

RUN = """
import json, runpy, sys
try:
    import numpy
except ImportError:
    pass
else:
    sys.exit("NumPy can be imported")
cases, rows = json.load(sys.stdin)
found = []
for path in cases:
    program = runpy.run_path(path)
    found.append([])
    for row in rows:
        try:
            found[-1].append(program["predict"](row))
            if "CLASSES" in program:
                found[-1][-1].append(program["predict_class"](row))
        except ValueError as error:
            found[-1].append(str(error))
print(json.dumps(found))
"""
RUN_NODE = """
import fs from "node:fs";
const [cases, rows] = JSON.parse(fs.readFileSync(0, "utf-8"));
const found = [];
for (const path of cases) {
  const { predict, classes, predictClass } = await import(path);
  found.push(rows.map((row) => {
    try {
      return [...predict(row), ...(classes ? [predictClass(row)] : [])];
    } catch (error) {
      if (error instanceof RangeError) return error.message;
      throw error;
    }
  }));
}
console.log(JSON.stringify(found));
"""


def run(command, given):
    """Return what a program prints for what it is given, both as JSON."""
    ran = subprocess.run(
        command, input=json.dumps(given), capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr[:3000]
    return json.loads(ran.stdout)


def written(folder, source, ending, networks):
    """Write networks as files, and return their paths."""
    paths = []
    for number, net in enumerate(networks):
        path = folder / f"network_{number}{ending}"
        path.write_text(source(net), encoding="utf-8")
        paths.append(str(path))
    return paths


def in_python(folder, networks, rows):
    paths = written(folder, python_plain.source, ".py", networks)
    command = [sys.executable, "-S", "-I", "-W", "error", "-c", RUN]
    return run(command, [paths, rows])


def in_node(node, folder, networks, rows):
    paths = written(folder, javascript.source, ".mjs", networks)
    command = [node, "--input-type=module", "-e", RUN_NODE]
    return run(command, [paths, rows])


def test_plain_python(tmp_path):
    found = in_python(tmp_path, CASES.values(), ROWS)
    for net, answers in zip(CASES.values(), found, strict=True):
        if net.classes is not None:
            assert [each.pop() for each in answers] == labels(net)
        tables.compare(net, answers, ROWS)


def test_javascript(require_tool, tmp_path):
    found = in_node(require_tool("node"), tmp_path, CASES.values(), ROWS)
    for net, answers in zip(CASES.values(), found, strict=True):
        if net.classes is not None:
            assert [each.pop() for each in answers] == labels(net)
        tables.compare(net, answers, ROWS)


@every_case
def test_numpy(name):
    net = CASES[name]
    text = net.source("python", epochs=1)
    program = {"__name__": "a twin"}
    exec(compile(text, name, "exec"), program)
    found = program["predict"](program["Network"](), ROWS)
    tables.compare(net, found, ROWS)
    if net.classes is not None:
        assert program["CLASSES"] == net.classes.tolist()
        assert program["predict_class"](program["Network"](), ROWS) == labels(net)
    encode, _, _ = text[text.index("def encode(") :].partition("\n\n\n")
    for line in encode.splitlines():
        assert len(line) <= 88, line


def labels(net):
    """Return the classes that a network predicts for the rows."""
    return net.predict(tables.encoded(net.reader, ROWS)).tolist()


# -- C ---------------------------------------------------------------------------------


def in_tabs(row):
    """Return the cells of a row as the program of C reads them."""
    return "\t".join("" if cell is None else str(cell) for cell in row.values())


@pytest.mark.parametrize("name", ["normal", "robust", "bag of classes", "no codes"])
def test_c(require_tool, tmp_path, name):
    net = CASES[name]
    program = compiled(
        require_tool("gcc"), tmp_path, {"n": c.source(net)}, "-DPREDICT_MAIN"
    )
    text = "\n".join(map(in_tabs, ROWS))
    ran = subprocess.run([program], input=text, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    found = [
        [float(value) for value in line.split()] for line in ran.stdout.splitlines()
    ]
    tables.compare(net, found, ROWS)
    wrong = [{"smokes": "maybe"}, {"born": "2023-02-29"}, {"born": "1/2/2020"}]
    wrong += [{"born": "2020-01-01T24:00"}, {"paid": "31/13/2020"}, {"double": "1e999"}]
    wrong += [{"double": "1,5"}, {"born": "20-01-01"}, {"flag": 2}, {"born": "2020-1"}]
    for cells in wrong:
        (cell,) = cells.values()
        text = in_tabs(ROWS[0] | cells)
        ran = subprocess.run([program], input=text, capture_output=True, text=True)
        assert ran.returncode == 1, cells
        assert str(cell) in ran.stderr
        assert not ran.stdout


def test_a_row_in_c_is_a_struct_of_its_columns(require_tool, tmp_path):
    net = CASES["likelihood"]
    text = c.source(net, name="judge")
    driver = """
#include "n.c"
#include <stdio.h>
int main(void)
{
    struct judge_columns row = {.double_2 = INFINITY};
    double output[JUDGE_OUTPUTS];
    printf("%d ", judge_row(&row, output));
    printf("%d ", output[0] != output[0]);
    row = (struct judge_columns){.the_size_in_cm = NAN, .double_2 = NAN,
                                 .flag = NAN, .once = NAN};
    printf("%d ", judge_row(&row, output));
    printf("%.17g\\n", output[0]);
    return 0;
}
"""
    (tmp_path / "n.c").write_text(text, encoding="utf-8")
    program = compiled(require_tool("gcc"), tmp_path, {"main": driver})
    ran = subprocess.run([program], capture_output=True, text=True, check=True)
    first, missing, second, value = ran.stdout.split()
    assert (first, missing, second) == ("2", "1", "0")
    tables.compare(net, [[float(value)]], ROWS[-1:])


DRIVER = """
#include "n.c"
#include <stdio.h>
int main(void)
{
    double output[PREDICT_OUTPUTS] = {NAN};
    printf("%s\\n", predict_class(output) ? "a class" : "none");
    while (scanf("%lf", output) == 1) {
        for (int i = 1; i < PREDICT_OUTPUTS; i++)
            if (scanf("%lf", output + i) != 1)
                return 1;
        printf("%s\\n", predict_class(output));
    }
    return 0;
}
"""


def test_a_class_in_c(require_tool, tmp_path):
    net = CASES["bag of classes"]
    (tmp_path / "n.c").write_text(c.source(net), encoding="utf-8")
    program = compiled(require_tool("gcc"), tmp_path, {"main": DRIVER})
    given = " ".join(map(repr, np.ravel(tables.expected(net, ROWS)).tolist()))
    ran = subprocess.run([program], input=given, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == ["none", *labels(net)]


# -- ONNX ------------------------------------------------------------------------------


def columns_for(model, net, rows):
    """Return rows as the columns that a model takes."""
    given = {}
    each_row = [net.reader.table({key: [v] for key, v in row.items()}) for row in rows]
    for place, each in enumerate(model.get_inputs()):
        name = net.reader.used[place].column
        cells = [row[name] for row in rows]
        if "string" in each.type:  # which are to be without spaces around them
            texts = ["" if cell is None else str(cell).strip() for cell in cells]
            given[each.name] = np.array(texts, object)
        else:
            read = [data[name] for data in each_row]
            cells = [np.nan if c.missing[0] else float(c.values[0]) for c in read]
            given[each.name] = np.array(cells)
    return given


@pytest.fixture
def opened(require_package):
    """Return a function that opens a model once the checker has approved."""
    onnx, runtime = require_package("onnx"), require_package("onnxruntime")

    def start(net):
        model = export.model(net)
        onnx.checker.check_model(model, full_check=True)
        options = runtime.SessionOptions()
        options.intra_op_num_threads = 1
        return runtime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    return start


@every_case
def test_onnx(opened, name):
    net = CASES[name]
    model = opened(net)
    given = columns_for(model, net, ROWS)
    found, *chosen = model.run(None, given)
    tables.compare(net, found, ROWS)
    assert [each.tolist() for each in chosen] == [labels(net)] * (
        net.classes is not None
    )
    told = model.get_modelmeta().custom_metadata_map
    assert "link" not in told
    if net.classes is not None:
        assert json.loads(told["classes"]) == net.classes.tolist()
    smokes = next(each for each in given if each == "smokes")
    for wrong in (
        {smokes: np.array(["maybe"], object)},
        {"double": np.array([np.inf])},
    ):
        one = {key: values[:1] for key, values in given.items()} | wrong
        found, *chosen = model.run(None, one)
        assert np.isnan(found).all()
        assert all(each == [""] for each in chosen)


def test_onnx_applies_what_members_of_a_loss_are_for(opened):
    net = tables.members(tables.numbers_only(), 3, "cross_entropy")
    net.reader = None
    x = np.array([[0.5, 1.0, 0.0]])
    (found,) = opened(net).run(None, {"x": x})
    np.testing.assert_allclose(found, net.predict_proba(x), rtol=1e-12)


# -- names that could end a text or a comment ------------------------------------------


def test_hostile_names(require_tool, tmp_path, opened):
    net, rows = tables.hostile()
    (found,) = in_python(tmp_path, [net], rows)
    tables.compare(net, found, rows)
    (found,) = in_node(require_tool("node"), tmp_path, [net], rows)
    tables.compare(net, found, rows)
    program = {"__name__": "a twin"}
    exec(compile(net.source("python", epochs=1), "a twin", "exec"), program)
    tables.compare(net, program["predict"](program["Network"](), rows), rows)
    source = {"n": c.source(net)}
    program = compiled(require_tool("gcc"), tmp_path, source, "-DPREDICT_MAIN")
    lines = ["\t".join("" if v is None else str(v) for v in r.values()) for r in rows]
    lines = [line.replace("\n", " ") for line in lines]
    ran = subprocess.run(
        [program], input="\n".join(lines), capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    model = opened(net)
    (found,) = model.run(None, columns_for(model, net, rows))
    tables.compare(net, found, rows)


# -- cells that cannot be used ---------------------------------------------------------

WRONG = [
    ({"double": "many"}, "double is 'many'; expected a number"),
    ({"double": "inf"}, "double is 'inf'; expected a number"),
    ({"smokes": "maybe"}, "smokes is 'maybe'; expected yes or no"),
    ({"flag": 2}, "flag is 2; expected yes or no"),
    ({"born": "2023-02-29"}, "born is '2023-02-29'; expected a date"),
    ({"born": "1/2/2020"}, "born is '1/2/2020'; expected a date"),
    ({"born": "1.1.20"}, "born is '1.1.20'; expected a date"),
    ({"born": "2020-01-01 25:00"}, "born is '2020-01-01 25:00'; expected a date"),
    ({"paid": "12/31/2020"}, "paid is '12/31/2020'; expected a date"),
]


def test_plain_python_and_javascript_say_what_is_wrong(require_tool, tmp_path):
    net = CASES["robust"]
    rows = [ROWS[0] | cells for cells, _ in WRONG]
    without = {name: cell for name, cell in ROWS[0].items() if name != "smokes"}
    told = [message for _, message in WRONG]
    (found,) = in_python(tmp_path, [net], [*rows, without])
    assert found == [*told, "the row has no 'smokes'; write None where it is not known"]
    (found,) = in_node(require_tool("node"), tmp_path, [net], [*rows, without])
    told = [message.replace("'", '"') for message in told]
    assert found == [*told, 'the row has no "smokes"; write null where it is not known']


def test_cells_may_be_dates_and_numbers_of_python():
    program = {}
    exec(python_plain.source(CASES["robust"]), program)
    encode, row = program["encode"], ROWS[0]
    wanted = encode(row)
    same = {
        "born": dt.date(2000, 2, 29),
        "double": "1e9",
        "smokes": True,
        "flag": "1",
        "row": "Köln\n",
    }
    for name, cell in same.items():
        assert encode(row | {name: cell}) == wanted, name
    assert encode(row | {"born": 951782400}) == wanted
    assert encode(row | {"born": np.datetime64("2000-02-29T00:00:00.5")}) == encode(
        row | {"born": "2000-02-29 00:00:00.5"}
    )
    with pytest.raises(ValueError, match="born is 1e"):
        encode(row | {"born": 1e300})


def test_too_large_a_number_is_refused_as_by_the_network():
    own = Encoder.fit(
        table({"a": [1.0, 2.0, 4.0], "y": [1.5, 2.0, 3.0]}, "y", task="numbers"),
        scaling="standard",
    )
    net = tables.network(own, [Dense(1)])
    program = {}
    exec(python_plain.source(net), program)
    with pytest.raises(ValueError, match="has inf at place 0"):
        program["predict"]({"a": 1e300})
    program = {"__name__": "a twin"}
    exec(net.source("python", epochs=1), program)
    with pytest.raises(ValueError, match="a cell is too large a number"):
        program["encode"]([{"a": 1e300}])


# -- other encoders --------------------------------------------------------------------


class Logarithm(Encoding, abstract=True):
    """An encoding that somebody else wrote."""

    @property
    def kind(self):
        return "number"

    def features(self):
        return (self._number("", Operation("logarithm")),)

    @property
    def said(self):
        return "its logarithm"


def test_an_operation_without_code_is_named_with_its_column(monkeypatch):
    monkeypatch.setitem(OPERATIONS, "logarithm", np.log)
    net = tables.network(Encoder((Logarithm("age"),)), [Dense(1)])
    for kind in ("python", "python-plain", "c", "javascript"):
        with pytest.raises(ConfigurationError, match="'age' is encoded with logarithm"):
            net.source(kind)


def test_what_needs_onnx_operators_is_named_too(require_package, monkeypatch):
    require_package("onnx")
    monkeypatch.setitem(OPERATIONS, "logarithm", np.log)
    net = tables.network(Encoder((Logarithm("age"),)), [Dense(1)])
    with pytest.raises(ConfigurationError, match="'age' is encoded with logarithm"):
        export.model(net)


def test_an_encoder_of_other_columns_is_refused():
    own = Encoder((Number("age", 0.0), Number("size", 1.0)))
    net = NeuralNetwork([Dense(1)], loss="mean_squared_error", input_shape=3)
    net.reader = own
    with pytest.raises(
        ConfigurationError, match=r"makes numbers \(2,\), and the network"
    ):
        net.source("c")


class Doubling(Reader, abstract=True):
    """A reader that somebody else wrote, which changes what goes in."""

    def to_inputs(self, x):
        return 2.0 * np.asarray(x)


@pytest.mark.parametrize("kind", ["python", "python-plain", "c", "javascript"])
def test_a_reader_that_changes_numbers_is_refused(kind):
    net = NeuralNetwork([Dense(1)], loss="mean_squared_error", input_shape=3)
    net.reader = ImageReader(8)
    assert net.source(kind)
    net.reader = Doubling()
    with pytest.raises(
        ConfigurationError, match=r"The Doubling in net\.reader changes"
    ):
        net.source(kind)


def test_settings_are_those_of_the_kind(tmp_path):
    net = CASES["no codes"]
    (path,) = net.export(tmp_path / "judge.c", to="c", name="judge")
    assert "int judge_row(" in path.read_text(encoding="utf-8")
    with pytest.raises(ConfigurationError, match="no setting 'name'"):
        net.export(tmp_path / "x.py", to="python", name="judge")
    with pytest.raises(ConfigurationError, match="no setting 'network'"):
        net.export(tmp_path / "x.c", network="judge")
