"""Those who take part: each trains and predicts with one library, in its own way."""

from importlib import import_module


class Contestant:
    """One library, or one way to use it.

    A contestant imports its library only when it prepares, so that one which is missing
    is a gap in the results and nothing else.
    """

    title = ""  # for tables
    packages = ()  # distributions that users install
    imports = ""  # what a program that trains with it imports
    alone = False  # whether it wants a process of its own

    def prepare(self, case):
        """Return a function that makes so many blocks of a case, from first weights.

        Parameters
        ----------
        case : Training or Prediction
            What to do. A block of a training is ``case.block`` epochs, one of a
            prediction is one call.

        Returns
        -------
        callable of int
        """
        return getattr(self, case.kind)(case)


_WHERE = {
    "pellucid": "pellucid_fit:Pellucid",
    "pellucid_inner": "pellucid_fit:Inner",
    "pellucid_shuffled": "pellucid_fit:Shuffled",
    "pellucid_readable": "pellucid_fit:Readable",
    "tutorial": "tutorial:Tutorial",
    "pytorch": "pytorch:PyTorch",
    "pytorch_fused": "pytorch:Fused",
    "pytorch_one_thread": "pytorch:OneThread",
    "pytorch_channels_last": "pytorch:ChannelsLast",
    "pytorch_compile": "pytorch:Compiled",
    "jax": "jax_scan:Jax",
    "keras": "keras_jax:Keras",
    "scikit_learn": "scikit_learn:ScikitLearn",
    "onnx_runtime": "onnx_runtime:OnnxRuntime",
    "onnx_runtime_one_thread": "onnx_runtime:OneThread",
}


def contestant(name):
    """Return a contestant by name."""
    module, _, found = _WHERE[name].partition(":")
    return getattr(import_module(f"peers.{module}"), found)()
