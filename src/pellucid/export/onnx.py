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
from pellucid.export.onnx_graph import IR_VERSION, OPSET, Graph
from pellucid.export.onnx_writer import Writer
from pellucid.layers.inputs import Input
from pellucid.symbol import FLOAT, INTEGER

if TYPE_CHECKING:
    from pellucid.network import NeuralNetwork


def model(network: "NeuralNetwork") -> Any:
    """Return the network as an ONNX model.

    Its inputs are called as in the network, a single one ``x``; images have their
    channels last, (n, height, width, channels), and whole numbers are int64. Its one
    output, ``output``, is what `feedforward` returns. The batch size n is open.
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
    program = tracing.prediction(blueprint)
    given = blueprint.inputs
    inputs = {"": given} if isinstance(given, Input) else given
    graph = Graph()
    names = {name: graph.free(name or "x") for name in inputs}

    windows = network.parameters, network.state
    numbers = {name: each[name] for each in windows for name in each}
    writer = Writer(graph, program, numbers, network.dtype)
    for leaf in program.leaves:
        if leaf.settings["vector"] == "x":
            writer.place(leaf, names[leaf.settings["name"]])
    writer.write()
    graph.layer = ""
    output = writer.last(program.outputs["output", ""])
    if not any(output in node.output for node in graph.nodes):  # an input as it is
        output = graph.call(graph.add("Identity", output), "output")

    def declared(name: str, kind: str, shape: Any) -> Any:
        return helper.make_tensor_value_info(name, writer.element(kind), ["n", *shape])

    integer = {
        name: INTEGER if each.kind == "integer" else FLOAT
        for name, each in inputs.items()
    }
    made = helper.make_graph(
        graph.nodes,
        "pellucid",
        [declared(names[k], integer[k], each.shape) for k, each in inputs.items()],
        [declared(output, FLOAT, blueprint.output_shape)],
        [_tensor(array, name) for name, array in graph.constants.items()],
        doc_string=f"{len(network.layers)} layers, {network.dtype}",
    )
    found = helper.make_model(
        made,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="pellucid",
        producer_version=__version__,
    )
    helper.set_model_props(found, _told(network))
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
    told = {"pellucid": __version__, "loss": loss.label, "dtype": str(network.dtype)}
    if loss.link not in (None, "identity") and blueprint.logits is None:
        told["link"] = str(loss.link)  # what turns the outputs into probabilities
    if network.classes is not None:
        told["classes"] = json.dumps(network.classes.tolist())
    return told
