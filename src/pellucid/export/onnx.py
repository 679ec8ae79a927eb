"""The network as an ONNX model, which many programs and devices can run.

It is written from the prediction Program, so that every layer has it, also one that
somebody else wrote: well-known groups of operations become operators such as Gemm, Conv
and BatchNormalization, and what is left is written operation by operation.
"""

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid import tracing
from pellucid._version import __version__
from pellucid.errors import ConfigurationError
from pellucid.export import encoder_onnx
from pellucid.export.encoder_code import encoder_of, units_of
from pellucid.export.encoder_onnx import DOUBLE, STRING, Rows
from pellucid.export.encoder_words import outcome
from pellucid.export.layer_words import border
from pellucid.export.onnx_graph import IR_VERSION, OPSET, Graph
from pellucid.export.onnx_writer import Writer
from pellucid.layers.inputs import Input
from pellucid.program import Program
from pellucid.symbol import FLOAT

if TYPE_CHECKING:
    from pellucid.network import NeuralNetwork


def model(network: "NeuralNetwork") -> Any:
    """Return the network as an ONNX model.

    Its inputs are called as in the network, a single one ``x``; images have their
    channels last, (n, height, width, channels), and whole numbers are int64. Its one
    output, ``output``, is what `feedforward` returns, and what the loss makes of it
    where that has no name in the metadata. The batch size n is open.

    A network whose reader is an `Encoder` takes a tensor of shape (n,) for each column
    instead: texts, numbers (float64), and dates in seconds since 1970 (UTC). ``output``
    is what `predict_proba` gives, or the predicted numbers in their own unit; where it
    chooses between classes, a second output, ``label``, is what `predict` gives. Where
    a cell cannot be used (an infinity, a boolean that is another word), the output is
    NaN, and the label an empty text or the smallest whole number.

    Metadata say the loss, the classes, and which link turns logits into probabilities.
    Float64 networks use only operators for which ONNX Runtime has float64 kernels.

    Parameters
    ----------
    network : NeuralNetwork
        Built, trained or not.

    Returns
    -------
    onnx.ModelProto

    Raises
    ------
    ConfigurationError
        If the package ``onnx`` is missing, or a layer does in prediction mode what ONNX
        has no operator for; the layer is named.
    """
    helper = _onnx().helper
    blueprint = network.blueprint
    encoder, units = encoder_of(network), units_of(network)
    program = _program(network, encoder is not None)
    given = blueprint.inputs
    inputs = {"": given} if isinstance(given, Input) else given
    graph = Graph()
    if encoder is None:
        names = {name: graph.free(name or "x") for name in inputs}
    else:
        rows = Rows(graph, encoder)
        names = _as_taken(rows.write(), inputs, graph, network.dtype)

    windows = network.parameters, network.state
    numbers = {name: each[name] for each in windows for name in each}
    writer = Writer(graph, program, numbers, network.dtype)
    for leaf in program.leaves:
        if leaf.settings["vector"] == "x":
            writer.place(leaf, names[leaf.settings["name"]])
    writer.write()
    graph.layer = ""
    output = writer.last(program.outputs["output", ""])
    if encoder is not None:
        output = rows.answer(output, network.dtype == np.float32, units)
    as_it_came = not any(output in node.output for node in graph.nodes)
    if as_it_came:
        output = graph.add("Identity", output)
    if as_it_came or encoder is not None:
        output = graph.call(output, "output")

    def declared(name: str, element: int, shape: Any) -> Any:
        return helper.make_tensor_value_info(name, element, ["n", *shape])

    if encoder is None:
        taken = [
            declared(names[name], writer.element(each.kind), each.shape)
            for name, each in inputs.items()
        ]
    else:
        taken = [
            declared(name, STRING if texts else DOUBLE, ())
            for name, texts in rows.given.items()
        ]
    shape = program.outputs["output", ""].shape[1:]
    number = writer.element(FLOAT) if units is None else DOUBLE
    answers = [declared(output, number, shape)]
    if encoder is not None and network.classes is not None:
        single = network.dtype == np.float32
        limit = border(network)
        chosen = rows.label(output, single, network.classes, limit)
        _, element = encoder_onnx.labels_of(network.classes)
        answers.append(declared(graph.call(chosen, "label"), element, ()))
    made = helper.make_graph(
        graph.nodes,
        "pellucid",
        taken,
        answers,
        [_tensor(array, name) for name, array in graph.constants.items()],
        doc_string=f"{len(network.layers)} layers, {network.dtype}",
    )
    versions = [("", OPSET)]
    if any(node.domain for node in graph.nodes):
        versions.append(("ai.onnx.ml", encoder_onnx.OPSET))
    found = helper.make_model(
        made,
        opset_imports=[helper.make_opsetid(*each) for each in versions],
        ir_version=IR_VERSION,
        producer_name="pellucid",
        producer_version=__version__,
    )
    helper.set_model_props(found, _told(network))
    return found


def _program(network: "NeuralNetwork", table: bool) -> Program:
    """Return what is written: a link that a name cannot tell is written, too."""
    if table and outcome(network) is not None:
        return tracing.answers(network.blueprint)
    if table or network.loss.link is None:
        return tracing.probabilities(network.blueprint)
    return tracing.prediction(network.blueprint)


def _as_taken(
    made: dict[str, str], inputs: Any, graph: Graph, dtype: Any
) -> dict[str, str]:
    """Return encoded values under the names and in the type of the network's inputs."""
    whole = list(inputs) == [""]
    found = {"" if whole else name: value for name, value in made.items()}
    if dtype == np.float64:
        for name, each in inputs.items():
            if each.kind != "integer":
                found[name] = graph.add("Cast", found[name], to=DOUBLE)
    return found


def files(network: "NeuralNetwork", name: str) -> dict[str, str | bytes]:
    """Return the ONNX file of a network, which `net.export("model.onnx")` writes.

    Parameters
    ----------
    network : NeuralNetwork
        Built, trained or not.
    name : str
        Name of the file.

    Returns
    -------
    dict of str to bytes
        The one file.

    Raises
    ------
    ConfigurationError
        As `model`.
    """
    return {name: model(network).SerializeToString()}


def _onnx() -> Any:
    try:
        import onnx
        import onnx.helper
        import onnx.numpy_helper
    except ImportError:
        raise ConfigurationError(
            "ONNX models need the package onnx: pip install 'pellucid[onnx]'."
        ) from None
    return onnx


def _tensor(array: Any, name: str) -> Any:
    return _onnx().numpy_helper.from_array(np.array(array, order="C"), name)


def _told(network: "NeuralNetwork") -> dict[str, str]:
    """Return what a reader of the model wants to know besides."""
    blueprint, loss = network.blueprint, network.loss
    told = {
        "pellucid": __version__,
        "loss": loss.label,
        "loss_settings": json.dumps(loss.config()),
        "dtype": str(network.dtype),
    }
    linked = encoder_of(network) is not None or blueprint.logits is not None
    if loss.link not in (None, "identity") and not linked:
        told["link"] = str(loss.link)  # what turns the outputs into probabilities
    if network.classes is not None:
        told["classes"] = json.dumps(network.classes.tolist())
    return told
