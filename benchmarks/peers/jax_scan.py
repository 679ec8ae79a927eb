"""JAX: whole epochs in one compiled call, by `lax.scan`."""

from itertools import pairwise

import numpy as np

from peers import Contestant


def first_parameters(case):
    rng = np.random.default_rng(0)
    shapes, channels = [], case.image[-1:]
    for each in case.convolutions:
        shapes.append((each.kernel, each.kernel, *channels, each.filters))
        channels = (each.filters,)
    found = []
    for shape in (*shapes, *pairwise(case.sizes)):
        W = rng.normal(size=shape) * np.sqrt(2 / np.prod(shape[:-1]))
        found.append([W.astype(np.float32)])
        if not case.truth_table:
            found[-1].append(np.zeros(shape[-1], np.float32))
    return found


def logits(case, parameters, x):
    """Return what the classifier has before softmax."""
    import jax

    images = len(case.convolutions)
    for each, (W, b) in zip(case.convolutions, parameters[:images], strict=True):
        x = jax.lax.conv_general_dilated(
            x,
            W,
            (each.stride, each.stride),
            [(each.padding, each.padding)] * 2,
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )
        x = jax.nn.relu(x + b)
        if each.pool:  # three times as fast, with its gradient, as `reduce_window`
            n, height, width, channels = x.shape
            x = x.reshape(n, height // 2, 2, width // 2, 2, channels).max((2, 4))
    x = x.reshape(len(x), case.sizes[0])
    *hidden, (last_W, last_b) = parameters[images:]
    for W, b in hidden:
        x = jax.nn.relu(x @ W + b)
    return x @ last_W + last_b


class Jax(Contestant):
    title = "JAX"
    packages = ("jax",)
    imports = "import jax, jax.numpy"

    def training(self, case):
        import jax
        import jax.numpy as jnp

        def loss(parameters, x, y):
            if case.truth_table:
                for (W,) in parameters:
                    x = jax.nn.sigmoid(x @ W)
                return ((x - y) ** 2).sum()
            z = jax.nn.log_softmax(logits(case, parameters, x))
            return -jnp.take_along_axis(z, y[:, None], 1).mean()

        def descend(p, g):
            return p - g

        def adam(p, g, m, v, t):
            m = 0.9 * m + 0.1 * g
            v = 0.999 * v + 0.001 * g * g
            change = m / (1 - 0.9**t) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8)
            return p - 0.001 * change, m, v

        def step(carry, batch):
            p, m, v, t = carry
            found, g = jax.value_and_grad(loss)(p, *batch)
            if case.truth_table:
                return (jax.tree.map(descend, p, g), m, v, t), found
            each = jax.tree.map(lambda *a: adam(*a, t + 1.0), p, g, m, v)
            p, m, v = jax.tree.transpose(
                jax.tree.structure(p), jax.tree.structure((0, 0, 0)), each
            )
            return (p, m, v, t + 1.0), found

        straight = bool(case.image)  # in a loop XLA's convolutions are far slower

        @jax.jit
        def block(carry, x, y):
            def epoch(carry, _):
                return jax.lax.scan(step, carry, (x, y), unroll=straight)

            if case.block == 1:
                return epoch(carry, None)
            return jax.lax.scan(epoch, carry, length=case.block)

        first = jax.tree.map(jnp.asarray, first_parameters(case))
        zeros = jax.tree.map(jnp.zeros_like, first)
        x, y = (
            jnp.asarray(values.reshape(-1, case.batch, *values.shape[1:]))
            for values in case.data()
        )

        def run(blocks):
            carry = first, zeros, zeros, jnp.float32(0)
            for _ in range(blocks):
                carry, losses = block(carry, x, y)
            jax.block_until_ready((carry, losses))

        return run

    def prediction(self, case):
        import jax

        parameters = jax.tree.map(jax.numpy.asarray, first_parameters(case))

        @jax.jit
        def probabilities(parameters, x):
            return jax.nn.softmax(logits(case, parameters, x))

        x, _ = case.data()

        def run(calls):
            for _ in range(calls):
                np.asarray(probabilities(parameters, x))

        return run
