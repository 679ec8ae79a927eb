"""An ONNX graph while it is written: nodes, constants, and names that are free."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

OPSET = 18
IR_VERSION = 8  # the oldest that has this opset, so that older programs read it, too


class Graph:
    """Nodes in order, the constants they use, and the names that are taken.

    Attributes
    ----------
    layer : str
        Path of the layer whose operations are being written; it names the nodes.
    nodes : list of onnx.NodeProto
        In order.
    constants : dict of str to ndarray
        By name.
    """

    def __init__(self) -> None:
        self.layer = ""
        self.nodes: list[Any] = []
        self.constants: dict[str, NDArray[Any]] = {}
        self._known: dict[Any, str] = {}
        self._taken: set[str] = set()

    def free(self, name: str) -> str:
        """Take a name, with a number behind it if it is taken already.

        Parameters
        ----------
        name : str
            The name that is wished for.

        Returns
        -------
        str
        """
        found, number = name, 1
        while found in self._taken:
            number += 1
            found = f"{name}_{number}"
        self._taken.add(found)
        return found

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node of one output.

        Parameters
        ----------
        operator : str
            Its type, such as ``"Gemm"``.
        *inputs : str
            Names of values; an empty one leaves an optional input out.
        **attributes
            Those of the operator.

        Returns
        -------
        str
            The name of its output.
        """
        from onnx import helper

        name = self.free(f"{self.layer}/{operator}" if self.layer else operator)
        self.nodes.append(
            helper.make_node(operator, list(inputs), [name], name=name, **attributes)
        )
        return name

    def call(self, value: str, name: str) -> str:
        """Give the output of the newest node another name.

        Parameters
        ----------
        value : str
            Its name so far; a value of an older node keeps it.
        name : str
            The name that is wished for.

        Returns
        -------
        str
            Its name from now on.
        """
        if not self.nodes or self.nodes[-1].output[0] != value:
            return value
        self.nodes[-1].output[0] = self.free(name)
        return str(self.nodes[-1].output[0])

    def constant(self, array: Any, name: str = "") -> str:
        """Keep a constant; equal ones of one name are kept once.

        Parameters
        ----------
        array : array_like
            The numbers.
        name : str
            The name that is wished for; numbers are called by their value.

        Returns
        -------
        str
            Its name.
        """
        array = np.ascontiguousarray(array) if np.ndim(array) else np.asarray(array)
        name = name or ",".join(map(str, array.ravel()[:8].tolist()))
        key = name, array.dtype.str, array.shape, array.tobytes()
        if key not in self._known:
            self._known[key] = self.free(name)
            self.constants[self._known[key]] = array
        return self._known[key]

    def integers(self, *numbers: int) -> str:
        """Keep whole numbers such as axes, a shape, or where a slice starts.

        Parameters
        ----------
        *numbers : int
            The numbers, one axis of them.

        Returns
        -------
        str
            The name of the constant.
        """
        return self.constant(np.array(numbers, np.int64))
