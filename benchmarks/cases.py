"""What is measured: networks, data, who takes part, and the ratios to reach.

Nobody shuffles, so that all see the same batches in the same order; all data lie in
memory as float32 (classes as whole numbers) before the clock starts.
"""

from dataclasses import dataclass, field

import numpy as np

PYTORCH = ("pytorch", "pytorch_fused", "pytorch_one_thread", "pytorch_compile")
FRAMEWORKS = (*PYTORCH, "jax", "keras")


@dataclass(frozen=True)
class Training:
    """Training of a network, measured in seconds an iteration.

    Between its layers stands ReLU, behind them softmax cross-entropy, and Adam updates.
    The truth table instead has sigmoids without biases, the sum of squares, and
    gradient descent with a learning rate of 1, as in the tutorials.
    """

    name: str
    sizes: tuple[int, ...]
    batch: int
    rows: int
    block: int  # epochs of which every run is a multiple
    contestants: tuple[str, ...]
    targets: dict[str, float] = field(default_factory=dict)
    kind = "training"

    @property
    def column(self):
        """Its name in tables with a column for each case."""
        return f"{self.name}<br>batch {self.batch}"

    @property
    def truth_table(self):
        return self.rows == 4

    @property
    def iterations(self):
        """Iterations of a block."""
        return self.block * (self.rows // self.batch)

    @property
    def operations(self):
        """Additions and multiplications of the matrix products of an iteration.

        Forward, gradient of the weights and, but for the first layer, of the inputs.
        """
        products = [a * b for a, b in zip(self.sizes, self.sizes[1:], strict=False)]
        return 2 * self.batch * (3 * sum(products) - products[0])

    def data(self):
        """Inputs and targets, shapes (rows, inputs) and (rows,), or (4, 1)."""
        if self.truth_table:
            x = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], np.float32)
            return x, np.array([[0], [1], [1], [0]], np.float32)
        rng = np.random.default_rng(0)
        x = rng.normal(size=(self.rows, self.sizes[0])).astype(np.float32)
        return x, rng.integers(0, self.sizes[-1], self.rows)


@dataclass(frozen=True)
class Prediction:
    """Probabilities of a classifier, measured in seconds a call."""

    name: str
    sizes: tuple[int, ...]
    rows: int
    contestants: tuple[str, ...]
    targets: dict[str, float] = field(default_factory=dict)
    kind = "prediction"
    iterations = 1
    block = 1
    truth_table = False

    @property
    def column(self):
        return self.name

    @property
    def operations(self):
        """Additions and multiplications of the matrix products of a call."""
        pairs = zip(self.sizes, self.sizes[1:], strict=False)
        return 2 * self.rows * sum(a * b for a, b in pairs)

    def data(self):
        """Inputs, shape (rows, inputs), and some classes."""
        rng = np.random.default_rng(0)
        x = rng.standard_normal((self.rows, self.sizes[0]), dtype=np.float32)
        return x, rng.integers(0, self.sizes[-1], self.rows)


OURS = ("pellucid", "pellucid_shuffled", "pellucid_inner")
EVERYONE = (*OURS, *FRAMEWORKS, "scikit_learn")
TRAININGS = [
    Training(
        "truth table 3-4-1",
        (3, 4, 1),
        batch=4,
        rows=4,
        block=1000,
        contestants=("pellucid", "pellucid_inner", "tutorial", *FRAMEWORKS),
        targets={"tutorial": 18, "pytorch": 150, "jax": 2},
    ),
    Training(
        "2-16-16-2",
        (2, 16, 16, 2),
        batch=32,
        rows=4096,
        block=8,
        contestants=EVERYONE,
        targets={"pytorch": 40, "jax": 3, "scikit_learn": 25},
    ),
    Training(
        "54-256-256-7",
        (54, 256, 256, 7),
        batch=256,
        rows=8192,
        block=2,
        contestants=EVERYONE,
        targets={"pytorch": 1.6, "jax": 1.0, "scikit_learn": 2.5},
    ),
    Training(
        "784-128-64-10",
        (784, 128, 64, 10),
        batch=64,
        rows=8192,
        block=2,
        contestants=EVERYONE,
        targets={"pytorch": 2.2, "jax": 1.0},
    ),
    Training(
        "784-1024-1024-10",
        (784, 1024, 1024, 10),
        batch=512,
        rows=4096,
        block=1,
        contestants=EVERYONE,
        targets={"pytorch": 1.9, "jax": 0.95},
    ),
]
PREDICTORS = ("pellucid", "pytorch", "jax", "keras", "scikit_learn", "onnx_runtime")
PREDICTIONS = [
    Prediction("1 row, 20-32-32-3", (20, 32, 32, 3), 1, PREDICTORS),
    Prediction("100,000 rows, 784-128-64-10", (784, 128, 64, 10), 100_000, PREDICTORS),
]
CASES = {case.name: case for case in (*TRAININGS, *PREDICTIONS)}

# For what is measured in processes of their own: the least and a usual training.
FIRST = Training("first network", (2, 16, 16, 2), 32, 1024, 1, ())
MEMORY = Training("memory", (784, 128, 64, 10), 64, 8192, 1, ())
