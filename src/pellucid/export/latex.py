"""The mathematics of a network as a LaTeX document."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pellucid.network import NeuralNetwork


def source(network: "NeuralNetwork", *, optimizer: Any = None) -> str:
    """Return the derivation of a network as a document, see `pellucid.derivation`.

    Parameters
    ----------
    network : NeuralNetwork
        Built.
    optimizer : Optimizer or str, optional
        Whose update to write.

    Returns
    -------
    str
    """
    return network.derivation(optimizer).latex()
