"""Networks as ES modules, run by Node."""

import json
import subprocess

import numpy as np
import pytest
import twins
import wild

from pellucid.errors import ConfigurationError
from pellucid.export import javascript

RUN = """
import { readFileSync } from "node:fs";
// JSON has no infinities, which activations of the largest numbers are.
const plain = (values) => Array.from(values, (value) => String(value));
const cases = JSON.parse(readFileSync(0, "utf8"));
const found = [];
for (const [file, x] of cases) {
  const { predict } = await import(file);
  const layers = [];
  const watch = (layer, values) => layers.push([layer, plain(values)]);
  try {
    found.push([plain(predict(x, watch)), layers]);
  } catch (error) {
    found.push(`${error.name}: ${error.message}`);
  }
}
console.log(JSON.stringify(found));
"""


def plainly(x):
    """Return one sample as JSON values."""
    if isinstance(x, dict):
        return {name: np.asarray(values).tolist() for name, values in x.items()}
    return np.asarray(x).tolist()


def run_all(node, folder, cases, **settings):
    """Return output and layers, or the error, of each network and sample in turn."""
    given, files = [], {}
    for network, x in cases:
        if id(network) not in files:
            path = folder / f"network{len(files)}.mjs"
            text = javascript.source(network, **{"watch": True} | settings)
            path.write_text(text, encoding="utf-8")
            files[id(network)] = path.as_uri()
        given.append([files[id(network)], plainly(x)])
    script = folder / "run.mjs"
    script.write_text(RUN, encoding="utf-8")
    ran = subprocess.run(
        [node, str(script)],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr[:3000]
    return json.loads(ran.stdout)


def as_floats(texts):
    """Return what JavaScript wrote as numbers."""
    return [float(text.replace("Infinity", "inf")) for text in texts]


def compare_all(node, folder, cases):
    """Run each network on its sample, compare every layer."""
    for (network, x), found in zip(cases, run_all(node, folder, cases), strict=True):
        assert not isinstance(found, str), found
        output, layers = found
        each = [(path, as_floats(values)) for path, values in layers]
        twins.compare(network, x, as_floats(output), each)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_layer_activation_and_whole_network(require_tool, tmp_path, dtype):
    networks = [twins.every_layer(dtype), twins.every_activation(dtype)]
    networks += [twins.whole(name, dtype) for name in twins.WHOLE]
    cases = [(net, twins.row(twins.samples(net), 1)) for net in networks]
    compare_all(require_tool("node"), tmp_path, cases)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_largest_and_smallest_numbers(require_tool, tmp_path, dtype):
    network, rows = twins.extremes(dtype)
    compare_all(require_tool("node"), tmp_path, [(network, row) for row in rows])


def test_random_formulas(require_tool, tmp_path):
    networks = [wild.wild(seed) for seed in range(40)]
    cases = [(net, twins.row(twins.samples(net), 1)) for net in networks]
    compare_all(require_tool("node"), tmp_path, cases)


def test_names_that_mean_something_else(require_tool, tmp_path):
    network = twins.awkward()
    x = twins.row(twins.samples(network), 1)
    compare_all(require_tool("node"), tmp_path, [(network, x)])


def test_wrong_inputs_are_refused(require_tool, tmp_path):
    table, mixed = twins.whole("mlp", "float32"), twins.whole("mixed", "float32")
    good = {"x-1": [1, 2, 3], "the float": [0, 4]}
    cases = [
        (table, [1, 2, 3]),
        (table, [1, 2, None, 4, 5]),
        (mixed, good | {"the float": [0, 5]}),
        (mixed, good | {"the float": [0.5, 1]}),
        (mixed, {"x-1": [1, 2, 3]}),
        (mixed, good),
    ]
    found = run_all(require_tool("node"), tmp_path, cases)
    assert "expected 5 numbers for x, got 3" in found[0]
    assert "x has null at place 2; expected a number" in found[1]
    assert "the float has 5 at place 1; expected a whole number from 0 to 4" in found[2]
    assert "the float has 0.5 at place 0" in found[3]
    assert "expected 2 numbers for the float, got undefined" in found[4]
    assert not isinstance(found[5], str)


def test_classes_are_exported_and_weights_keep_their_type():
    network = twins.whole("mlp", "float64")
    network.classes = ["low", 'a "quote"', "é"]
    text = javascript.source(network, name="judge")
    assert 'export const classes = ["low", "a \\"quote\\"", "é"];' in text
    assert "export function judge(given) {" in text
    assert "new Float64Array(" in text
    assert "new Float32Array(" in javascript.source(twins.whole("mlp", "float32"))


def test_a_name_that_javascript_cannot_have_is_refused():
    network = twins.whole("mlp", "float32")
    for name in ("a b", "class", ""):
        with pytest.raises(ConfigurationError, match="cannot be the name"):
            javascript.source(network, name=name)
