"""ONNX Runtime: it only predicts."""

from itertools import pairwise

import numpy as np

from peers import Contestant


def model(case):
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(0)
    nodes, numbers = [], []

    def add(kind, *inputs, **attributes):
        """Add a step to the graph, and return the name of what it computes."""
        name = f"{kind}_{len(nodes)}"
        nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def stored(shape, inputs, outputs):
        """Add weights and biases, and return their names."""
        W = (rng.normal(size=shape) * np.sqrt(2 / inputs)).astype(np.float32)
        b = np.zeros(outputs, np.float32)
        names = [f"W_{len(numbers)}", f"b_{len(numbers)}"]
        numbers.extend(map(numpy_helper.from_array, (W, b), names))
        return names

    def dense(before, inputs, outputs):
        return add("Gemm", before, *stored((inputs, outputs), inputs, outputs))

    before, channels = "x", case.image[-1:]
    for each in case.convolutions:
        shape = (each.filters, *channels, each.kernel, each.kernel)
        z = add(
            "Conv",
            before,
            *stored(shape, np.prod(shape[1:]), each.filters),
            strides=[each.stride] * 2,
            pads=[each.padding] * 4,
        )
        before, channels = add("Relu", z), (each.filters,)
        if each.pool:
            before = add("MaxPool", before, kernel_shape=[2, 2], strides=[2, 2])
    if case.image:
        before = add("Flatten", before)
    *hidden, last = pairwise(case.sizes)
    for inputs, outputs in hidden:
        before = add("Relu", dense(before, inputs, outputs))
    probabilities = add("Softmax", dense(before, *last))

    def value(name, *sizes):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *sizes])

    graph = helper.make_graph(
        nodes,
        "classifier",
        [value("x", *case.shape[-1:], *case.shape[:-1])],  # channels first
        [value(probabilities, case.sizes[-1])],
        numbers,
    )
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


class OnnxRuntime(Contestant):
    title = "ONNX Runtime"
    packages = ("onnxruntime",)
    imports = "import onnxruntime"
    threads = 0  # as many as it likes

    def prediction(self, case):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        ready = onnxruntime.InferenceSession(
            model(case).SerializeToString(), options, ["CPUExecutionProvider"]
        )
        x, _ = case.data()
        if case.image:
            x = np.ascontiguousarray(np.moveaxis(x, -1, 1))

        def run(calls):
            for _ in range(calls):
                ready.run(None, {"x": x})

        return run


class OneThread(OnnxRuntime):
    title = "ONNX Runtime, one thread"
    threads = 1
