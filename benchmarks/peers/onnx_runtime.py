"""ONNX Runtime: it only predicts."""

from itertools import pairwise

import numpy as np

from peers import Contestant


def model(case):
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(0)
    nodes, numbers, before = [], [], "x"
    for i, (a, b) in enumerate(pairwise(case.sizes)):
        W = (rng.normal(size=(a, b)) * np.sqrt(2 / a)).astype(np.float32)
        numbers.append(numpy_helper.from_array(W, f"W{i}"))
        numbers.append(numpy_helper.from_array(np.zeros(b, np.float32), f"b{i}"))
        nodes.append(helper.make_node("Gemm", [before, f"W{i}", f"b{i}"], [f"z{i}"]))
        last = i == len(case.sizes) - 2
        before = "p" if last else f"a{i}"
        nodes.append(
            helper.make_node("Softmax" if last else "Relu", [f"z{i}"], [before])
        )

    def value(name, columns):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", columns])

    graph = helper.make_graph(
        nodes,
        "classifier",
        [value("x", case.sizes[0])],
        [value("p", case.sizes[-1])],
        numbers,
    )
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


class OnnxRuntime(Contestant):
    title = "ONNX Runtime"
    packages = ("onnxruntime",)
    imports = "import onnxruntime"

    def prediction(self, case):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        if case.rows == 1:
            options.intra_op_num_threads = 1  # the fastest for one row
        ready = onnxruntime.InferenceSession(
            model(case).SerializeToString(), options, ["CPUExecutionProvider"]
        )
        x, _ = case.data()

        def run(calls):
            for _ in range(calls):
                ready.run(None, {"x": x})

        return run
