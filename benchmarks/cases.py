"""What is measured: networks, data, who takes part, and the ratios to reach.

Nobody shuffles, so that all see the same batches in the same order; all data lie in
memory as float32 (classes as whole numbers) before the clock starts.
"""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

PYTORCH = ("pytorch", "pytorch_fused", "pytorch_one_thread", "pytorch_compile")
FRAMEWORKS = (*PYTORCH, "jax", "keras")


@dataclass(frozen=True)
class Convolution:
    """A convolution with ReLU; a border of zeros keeps the image's size at stride 1.

    Behind it may come the largest of every 2 x 2 pixels.
    """

    filters: int
    kernel: int = 3
    stride: int = 1
    pool: bool = True

    @property
    def padding(self):
        return self.kernel // 2


@dataclass(frozen=True)
class Network:
    """A classifier: convolutions, if there are any, then dense layers."""

    name: str
    sizes: tuple[int, ...]  # inputs of the first dense layer, then neurons
    image: tuple[int, ...] = field(default=(), kw_only=True)  # height, width, channels
    convolutions: tuple[Convolution, ...] = field(default=(), kw_only=True)

    @property
    def shape(self):
        """Shape of a row."""
        return self.image or self.sizes[:1]

    @property
    def products(self):
        """Multiplications for a row, layer by layer.

        Of convolutions: as many as their definition has, those with the border's zeros
        included.
        """
        return self._products(lambda each, height, width: each.kernel**2)

    @property
    def fewest_products(self):
        """The same where 3 x 3 convolutions are Winograd's F(4x4, 3x3).

        That takes 36 multiplications for 16 pixels, not 144.
        """

        def a_pixel(each, height, width):
            if (each.kernel, each.stride) != (3, 1):
                return each.kernel**2
            return 36 * -(-height // 4) * -(-width // 4) / (height * width)

        return self._products(a_pixel)

    def _products(self, a_pixel):
        found = []
        height, width, channels = self.image or (0, 0, 0)
        for each in self.convolutions:
            height, width = -(-height // each.stride), -(-width // each.stride)
            window = a_pixel(each, height, width) * channels
            found.append(height * width * window * each.filters)
            channels = each.filters
            if each.pool:
                height, width = height // 2, width // 2
        return [*found, *(a * b for a, b in pairwise(self.sizes))]


@dataclass(frozen=True)
class Training(Network):
    """Training of a network, measured in seconds an iteration.

    Between its layers stands ReLU, behind them softmax cross-entropy, and Adam updates.
    The truth table instead has sigmoids without biases, the sum of squares, and
    gradient descent with a learning rate of 1, as in the tutorials.
    """

    batch: int
    rows: int
    block: int  # epochs of which every run is a multiple
    contestants: tuple[str, ...]
    targets: dict[str, float] = field(default_factory=dict)
    # Seconds that one measurement takes at least: a `fit` of many iterations, as in
    # use, also where one takes long.
    least: float = 0.1
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
        """Additions and multiplications of the products of an iteration.

        Forward, gradient of the weights and, but for the first layer, of the inputs.
        """
        return self._of_an_iteration(self.products)

    @property
    def fewest_operations(self):
        """The same with the fewest multiplications a fast convolution takes."""
        return self._of_an_iteration(self.fewest_products)

    def _of_an_iteration(self, products):
        return 2 * self.batch * (3 * sum(products) - products[0])

    def data(self):
        """Inputs and targets, shapes (rows, *shape) and (rows,), or (4, 1)."""
        if self.truth_table:
            x = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], np.float32)
            return x, np.array([[0], [1], [1], [0]], np.float32)
        rng = np.random.default_rng(0)
        x = rng.normal(size=(self.rows, *self.shape)).astype(np.float32)
        return x, rng.integers(0, self.sizes[-1], self.rows)


@dataclass(frozen=True)
class Prediction(Network):
    """Probabilities of a classifier, measured in seconds a call."""

    rows: int
    contestants: tuple[str, ...]
    targets: dict[str, float] = field(default_factory=dict)
    kind = "prediction"
    least = 0.1
    iterations = 1
    block = 1
    truth_table = False

    @property
    def column(self):
        return self.name

    @property
    def operations(self):
        """Additions and multiplications of the products of a call."""
        return 2 * self.rows * sum(self.products)

    def data(self):
        """Inputs, shape (rows, *shape), and some classes."""
        rng = np.random.default_rng(0)
        x = rng.standard_normal((self.rows, *self.shape), dtype=np.float32)
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
        least=2.0,
        contestants=EVERYONE,
        targets={"pytorch": 1.9, "jax": 0.95},
    ),
]
ONNX = ("onnx_runtime", "onnx_runtime_one_thread")
PREDICTORS = ("pellucid", "pytorch", "jax", "keras", "scikit_learn", *ONNX)
PREDICTIONS = [
    Prediction("1 row, 20-32-32-3", (20, 32, 32, 3), 1, PREDICTORS),
    Prediction("100,000 rows, 784-128-64-10", (784, 128, 64, 10), 100_000, PREDICTORS),
]

# Networks for images: what they are called and what they consist of.
IMAGE_NETWORKS = {
    "8x8x1, conv 16-32": {
        "image": (8, 8, 1),
        "convolutions": (Convolution(16), Convolution(32)),
        "sizes": (2 * 2 * 32, 64, 10),
    },
    "28x28x1, conv 32-64": {
        "image": (28, 28, 1),
        "convolutions": (Convolution(32), Convolution(64)),
        "sizes": (7 * 7 * 64, 128, 10),
    },
    "32x32x3, conv 64-128": {
        "image": (32, 32, 3),
        "convolutions": (Convolution(64), Convolution(128)),
        "sizes": (8 * 8 * 128, 256, 10),
    },
    "28x28x1, conv 32-64, stride 2": {
        "image": (28, 28, 1),
        "convolutions": (
            Convolution(32, kernel=5, stride=2, pool=False),
            Convolution(64, kernel=5, stride=2, pool=False),
        ),
        "sizes": (7 * 7 * 64, 128, 10),
    },
}
IMAGE_TRAINERS = (*OURS, "pytorch", "pytorch_channels_last", "pytorch_compile", "jax")
IMAGE_TRAININGS = [
    Training(
        name,
        batch=batch,
        rows=iterations * batch,
        block=1,
        least=4.0,
        contestants=IMAGE_TRAINERS,
        # By the faster of PyTorch's two orders of axes.
        targets={"pytorch": ratio, "pytorch_channels_last": ratio},
        **IMAGE_NETWORKS[name],
    )
    for name, batch, iterations, ratio in (
        ("8x8x1, conv 16-32", 32, 16, 6),
        ("28x28x1, conv 32-64", 64, 8, 3),
        ("32x32x3, conv 64-128", 64, 4, 3),
        ("28x28x1, conv 32-64, stride 2", 64, 8, 1.4),
    )
]
IMAGE_PREDICTORS = ("pellucid", *ONNX, "pytorch", "pytorch_channels_last")
IMAGE_PREDICTIONS = [
    Prediction(
        f"{rows} {'row' if rows == 1 else 'rows'}, {name}",
        rows=rows,
        contestants=IMAGE_PREDICTORS,
        targets=dict.fromkeys(ONNX, 1.0),
        **network,
    )
    for rows in (1, 256)
    for name, network in IMAGE_NETWORKS.items()
]
EVERY_CASE = (*TRAININGS, *IMAGE_TRAININGS, *PREDICTIONS, *IMAGE_PREDICTIONS)
CASES = {case.name: case for case in EVERY_CASE}

# For what is measured in processes of their own: the least and a usual training.
FIRST = Training("first network", (2, 16, 16, 2), 32, 1024, 1, ())
MEMORY = Training("memory", (784, 128, 64, 10), 64, 8192, 1, ())
