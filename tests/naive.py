"""The mathematics of pellucid once more: slow, obvious, and checked by eye.

Everything here is a loop over plain Python numbers and lists. Nothing is vectorized,
nothing is shared with the library, so a test that compares the two compares two
independent texts. Where a textbook formula loses digits or overflows, the form that
does not is used and a comment says so. The oracle itself is proven by
``test_naive.py`` (known numbers) and ``test_golden_data.py`` (PyTorch's numbers).

Words and shapes
----------------
row         list of numbers: one sample
rows        list of rows: a batch, (samples, features)
W           list of rows, (inputs, outputs)
b           list, (outputs,)
d...        slope of the loss by whatever follows: ``dy``, ``dx``, ``dW``
slope       derivative of a function of one number
"""

import math

# ---------------------------------------------------------------------------
# Activations: one number in, one number out; then the derivative.
# At a kink the derivative is the one from the side named in the comment, which is
# also what PyTorch returns there. Any value between the two sides would be right.
# ---------------------------------------------------------------------------


def identity(z):
    return z


def identity_slope(z):
    return 1.0


def sigmoid(z):
    """1 / (1 + exp(-z)), written so that exp never gets a positive number."""
    if z >= 0:
        return 1 / (1 + math.exp(-z))
    return math.exp(z) / (1 + math.exp(z))


def sigmoid_slope(z):
    """a (1 - a), where 1 - sigmoid(z) = sigmoid(-z) keeps its digits."""
    return sigmoid(z) * sigmoid(-z)


def hard_sigmoid(z):
    return min(max(z / 6 + 1 / 2, 0.0), 1.0)


def hard_sigmoid_slope(z):
    return 1 / 6 if -3 < z < 3 else 0.0  # kinks at -3 and 3: the flat side


def tanh(z):
    return math.tanh(z)


def tanh_slope(z):
    """1 - tanh(z)^2 = (1 - tanh(z)) (1 + tanh(z)), each factor twice a sigmoid."""
    return 2 * sigmoid(-2 * z) * 2 * sigmoid(2 * z)


def hard_tanh(z):
    return min(max(z, -1.0), 1.0)


def hard_tanh_slope(z):
    return 1.0 if -1 < z < 1 else 0.0  # kinks at -1 and 1: the flat side


def relu(z):
    return max(z, 0.0)


def relu_slope(z):
    return 1.0 if z > 0 else 0.0  # kink at 0: the left side


def leaky_relu(z, leak=0.01):
    return z if z > 0 else leak * z


def leaky_relu_slope(z, leak=0.01):
    return 1.0 if z > 0 else leak  # kink at 0: the left side


def elu(z, alpha=1.0):
    return z if z > 0 else alpha * math.expm1(z)


def elu_slope(z, alpha=1.0):
    return 1.0 if z > 0 else alpha * math.exp(z)  # kink unless alpha is 1: left side


SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


def selu(z):
    return SELU_SCALE * elu(z, SELU_ALPHA)


def selu_slope(z):
    return SELU_SCALE * elu_slope(z, SELU_ALPHA)  # kink at 0: the left side


def normal_probability(z):
    """P(N <= z) for a standard normal N: (1 + erf(z / sqrt 2)) / 2."""
    return math.erfc(-z / math.sqrt(2)) / 2


def normal_density(z):
    """exp(-z^2 / 2) / sqrt(2 pi), the slope of ``normal_probability``."""
    return math.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def gelu(z):
    return z * normal_probability(z)


def gelu_slope(z):
    return normal_probability(z) + z * normal_density(z)


def gelu_tanh(z):
    """z (1 + tanh(u)) / 2 with u = sqrt(2 / pi) (z + 0.044715 z^3).

    (1 + tanh(u)) / 2 = sigmoid(2 u), which keeps its digits for negative u.
    """
    u = math.sqrt(2 / math.pi) * (z + 0.044715 * z * z * z)
    return z * sigmoid(2 * u)


def gelu_tanh_slope(z):
    """sigmoid(2 u) + z sigmoid'(2 u) 2 u', by the product and the chain rule."""
    if abs(z) > 100:  # sigmoid'(2 u) is 0 to the last bit, u' may be infinite
        return 1.0 if z > 0 else 0.0
    u = math.sqrt(2 / math.pi) * (z + 0.044715 * z * z * z)
    du = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * z * z)
    return sigmoid(2 * u) + z * sigmoid_slope(2 * u) * 2 * du


def silu(z):
    return z * sigmoid(z)


def silu_slope(z):
    return sigmoid(z) + z * sigmoid_slope(z)


def softplus(z):
    """log(1 + exp(z)), with the large part of z taken out of the logarithm."""
    return max(z, 0.0) + math.log1p(math.exp(-abs(z)))


def softplus_slope(z):
    return sigmoid(z)


def mish(z):
    return z * math.tanh(softplus(z))


def mish_slope(z):
    return math.tanh(softplus(z)) + z * tanh_slope(softplus(z)) * softplus_slope(z)


def softsign(z):
    return z / (1 + abs(z))


def softsign_slope(z):
    return 1 / (1 + abs(z)) / (1 + abs(z))


def exp(z):
    """exp(z), infinite where it leaves the range."""
    try:
        return math.exp(z)
    except OverflowError:
        return math.inf


ACTIVATIONS = {  # name: (value, slope)
    "identity": (identity, identity_slope),
    "sigmoid": (sigmoid, sigmoid_slope),
    "hard_sigmoid": (hard_sigmoid, hard_sigmoid_slope),
    "tanh": (tanh, tanh_slope),
    "hard_tanh": (hard_tanh, hard_tanh_slope),
    "relu": (relu, relu_slope),
    "leaky_relu": (leaky_relu, leaky_relu_slope),
    "elu": (elu, elu_slope),
    "selu": (selu, selu_slope),
    "gelu": (gelu, gelu_slope),
    "gelu_tanh": (gelu_tanh, gelu_tanh_slope),
    "silu": (silu, silu_slope),
    "mish": (mish, mish_slope),
    "softplus": (softplus, softplus_slope),
    "softsign": (softsign, softsign_slope),
    "exp": (exp, exp),
}

# ---------------------------------------------------------------------------
# Activations of a whole row, and their Jacobians: J[i][j] = da_i / dz_j.
# ---------------------------------------------------------------------------


def softmax(z):
    """a_i = exp(z_i) / sum_k exp(z_k); taking max(z) from all z changes nothing."""
    e = [math.exp(number - max(z)) for number in z]
    return [number / math.fsum(e) for number in e]


def softmax_jacobian(z):
    """J[i][j] = a_i (1 if i == j else 0) - a_i a_j."""
    a = softmax(z)
    n = len(z)
    return [[a[i] * ((i == j) - a[j]) for j in range(n)] for i in range(n)]


def log_softmax(z):
    """log a_i = (z_i - max z) - log(1 + sum of the other exp(z_k - max z))."""
    top = z.index(max(z))
    others = [math.exp(z[k] - z[top]) for k in range(len(z)) if k != top]
    return [number - z[top] - math.log1p(math.fsum(others)) for number in z]


def log_softmax_jacobian(z):
    """J[i][j] = (1 if i == j else 0) - softmax_j."""
    a = softmax(z)
    n = len(z)
    return [[(i == j) - a[j] for j in range(n)] for i in range(n)]


ROW_ACTIVATIONS = {  # name: (value, Jacobian)
    "softmax": (softmax, softmax_jacobian),
    "log_softmax": (log_softmax, log_softmax_jacobian),
}


def activation_forward(name, z):
    """Values of the named activation for the rows z."""
    if name in ROW_ACTIVATIONS:
        value, _ = ROW_ACTIVATIONS[name]
        return [value(row) for row in z]
    value, _ = ACTIVATIONS[name]
    return [[value(number) for number in row] for row in z]


def activation_backward(name, da, z):
    """dz from da: times the slope, or through the Jacobian of each row."""
    dz = []
    for da_row, z_row in zip(da, z, strict=True):
        if name in ROW_ACTIVATIONS:
            J = ROW_ACTIVATIONS[name][1](z_row)
            n = len(z_row)
            dz.append(
                [math.fsum(da_row[i] * J[i][j] for i in range(n)) for j in range(n)]
            )
        else:
            slope = ACTIVATIONS[name][1]
            dz.append([d * slope(v) for d, v in zip(da_row, z_row, strict=True)])
    return dz


# ---------------------------------------------------------------------------
# Layers. Forward takes rows; backward takes dy (rows) and what forward saw.
# ---------------------------------------------------------------------------


def neuron(weights, bias, inputs):
    """sigmoid(w . x + b)."""
    total = math.fsum(w * x for w, x in zip(weights, inputs, strict=True))
    return sigmoid(total + bias)


def dense_forward(x, W, b=None):
    """z[s][j] = sum_i x[s][i] W[i][j] + b[j]; without b, nothing is added."""
    z = []
    for row in x:
        out = []
        for j in range(len(W[0])):
            terms = [row[i] * W[i][j] for i in range(len(W))]
            if b is not None:
                terms.append(b[j])
            out.append(math.fsum(terms))
        z.append(out)
    return z


def dense_backward(dz, x, W):
    """dx[s][i] = sum_j dz[s][j] W[i][j]; dW[i][j] = sum_s x[s][i] dz[s][j]; db[j]."""
    samples, inputs, outputs = range(len(x)), range(len(W)), range(len(W[0]))
    dx = [
        [math.fsum(dz[s][j] * W[i][j] for j in outputs) for i in inputs]
        for s in samples
    ]
    dW = [
        [math.fsum(x[s][i] * dz[s][j] for s in samples) for j in outputs]
        for i in inputs
    ]
    db = [math.fsum(dz[s][j] for s in samples) for j in outputs]
    return dx, dW, db


BATCH_NORM_EPSILON = 1e-5
BATCH_NORM_MOMENTUM = 0.9  # the share of the old running statistic that is kept


def batch_mean_and_variance(column):
    """Mean and biased variance (divided by n, not n - 1) of one feature."""
    n = len(column)
    mean = math.fsum(column) / n
    variance = math.fsum((number - mean) * (number - mean) for number in column) / n
    return mean, variance


def batch_norm_forward_training(x, scale, shift, epsilon=BATCH_NORM_EPSILON):
    """y = scale (x - mean) / sqrt(variance + epsilon) + shift, feature by feature.

    Mean and variance are the batch's own; the variance is the biased one.
    """
    y = [[0.0] * len(scale) for _ in x]
    for j in range(len(scale)):
        mean, variance = batch_mean_and_variance([row[j] for row in x])
        for s in range(len(x)):
            normal = (x[s][j] - mean) / math.sqrt(variance + epsilon)
            y[s][j] = scale[j] * normal + shift[j]
    return y


def batch_norm_running(x, running_mean, running_variance, momentum=BATCH_NORM_MOMENTUM):
    """running = momentum running + (1 - momentum) batch, after a training batch.

    The running variance takes the UNBIASED variance of the batch, n / (n - 1) times
    the biased one (as PyTorch does), because prediction is about unseen rows.
    """
    n = len(x)
    new_mean, new_variance = [], []
    for j in range(len(running_mean)):
        mean, variance = batch_mean_and_variance([row[j] for row in x])
        unbiased = variance * n / (n - 1)
        new_mean.append(momentum * running_mean[j] + (1 - momentum) * mean)
        new_variance.append(momentum * running_variance[j] + (1 - momentum) * unbiased)
    return new_mean, new_variance


def batch_norm_backward_training(dy, x, scale, epsilon=BATCH_NORM_EPSILON):
    """dx, dscale, dshift: the chain rule through the normal x, variance and mean."""
    n, features = len(x), len(scale)
    dx = [[0.0] * features for _ in x]
    dscale, dshift = [], []
    for j in range(features):
        mean, variance = batch_mean_and_variance([row[j] for row in x])
        deviation = math.sqrt(variance + epsilon)
        centred = [row[j] - mean for row in x]
        dscale.append(math.fsum(dy[s][j] * centred[s] / deviation for s in range(n)))
        dshift.append(math.fsum(dy[s][j] for s in range(n)))
        dnormal = [dy[s][j] * scale[j] for s in range(n)]
        # normal = centred / sqrt(variance + epsilon)
        dvariance = math.fsum(
            dnormal[s] * centred[s] * -0.5 / (deviation * deviation * deviation)
            for s in range(n)
        )
        # the mean moves every normal; through the variance its effect sums to zero
        dmean = math.fsum(-dnormal[s] / deviation for s in range(n))
        for s in range(n):
            dx[s][j] = (
                dnormal[s] / deviation + dvariance * 2 * centred[s] / n + dmean / n
            )
    return dx, dscale, dshift


def batch_norm_forward_prediction(
    x, scale, shift, running_mean, running_variance, epsilon=BATCH_NORM_EPSILON
):
    """The same formula with the running statistics, which are constants."""
    return [
        [
            scale[j]
            * (row[j] - running_mean[j])
            / math.sqrt(running_variance[j] + epsilon)
            + shift[j]
            for j in range(len(row))
        ]
        for row in x
    ]


def batch_norm_backward_prediction(
    dy, x, scale, running_mean, running_variance, epsilon=BATCH_NORM_EPSILON
):
    """dx, dscale, dshift when the statistics are constants."""
    samples, features = range(len(x)), range(len(scale))
    deviation = [math.sqrt(running_variance[j] + epsilon) for j in features]
    dx = [[dy[s][j] * scale[j] / deviation[j] for j in features] for s in samples]
    dscale = [
        math.fsum(
            dy[s][j] * (x[s][j] - running_mean[j]) / deviation[j] for s in samples
        )
        for j in features
    ]
    dshift = [math.fsum(dy[s][j] for s in samples) for j in features]
    return dx, dscale, dshift


def dropout_forward(x, mask, rate):
    """y = x / (1 - rate) where the mask is 1, and 0 where it is 0 (inverted dropout).

    ``rate`` is the probability that a number is dropped; dividing keeps the mean.
    """
    return [
        [x[s][j] / (1 - rate) if mask[s][j] else 0.0 for j in range(len(x[s]))]
        for s in range(len(x))
    ]


def dropout_backward(dy, mask, rate):
    """dx: the same mask and the same division."""
    return dropout_forward(dy, mask, rate)


def prelu_forward(x, slope):
    """y = x where x > 0, slope[j] x elsewhere: one trained slope for each feature."""
    return [[v if v > 0 else slope[j] * v for j, v in enumerate(row)] for row in x]


def prelu_backward(dy, x, slope):
    """dx and dslope; at the kink, x = 0, the left side."""
    samples, features = range(len(x)), range(len(slope))
    dx = [
        [dy[s][j] * (1.0 if x[s][j] > 0 else slope[j]) for j in features]
        for s in samples
    ]
    dslope = [
        math.fsum(dy[s][j] * x[s][j] for s in samples if x[s][j] <= 0) for j in features
    ]
    return dx, dslope


def add(one, other):
    """The sum of two batches, number by number."""
    return [
        [p + q for p, q in zip(one_row, other_row, strict=True)]
        for one_row, other_row in zip(one, other, strict=True)
    ]


def residual_forward(x, body_output):
    """y = x + body(x)."""
    return add(x, body_output)


def residual_backward(dy, body_dx):
    """dx = dy (the straight way) + what came back through the body."""
    return add(dy, body_dx)


def concat_forward(branch_outputs):
    """The features of every branch, one after the other."""
    return [
        [number for row in rows for number in row]
        for rows in zip(*branch_outputs, strict=True)
    ]


def concat_backward(dy, widths):
    """dy cut back into one batch for each branch; their dx are to be added."""
    pieces, start = [], 0
    for width in widths:
        pieces.append([row[start : start + width] for row in dy])
        start += width
    return pieces


# ---------------------------------------------------------------------------
# Images: x[sample][row][column][channel], filters W[u][v][channel][filter].
# A window is a dictionary: size, stride and dilation are (down, right), padding is
# ((top, bottom), (left, right)). Sequences are images of one row.
# ---------------------------------------------------------------------------


def window(size, stride=(1, 1), padding=((0, 0), (0, 0)), dilation=(1, 1)):
    return {"size": size, "stride": stride, "padding": padding, "dilation": dilation}


def same_padding(length, size, stride, dilation):
    """Before and after an axis, such that there are ceil(length / stride) places.

    This is SAME_UPPER of ONNX: an odd one comes after.
    """
    places = math.ceil(length / stride)
    covered = (places - 1) * stride + dilation * (size - 1) + 1
    missing = max(covered - length, 0)
    return missing // 2, missing - missing // 2


def count_places(window, axis, length):
    """How often the window fits, counted by trying."""
    before, after = window["padding"][axis]
    reach = window["dilation"][axis] * (window["size"][axis] - 1) + 1
    places, start = 0, -before
    while start + reach <= length + after:
        places, start = places + 1, start + window["stride"][axis]
    return places


def size_of(x):
    """Height and width of the images of a batch."""
    return len(x[0]), len(x[0][0])


def places_of(window, height, width):
    """All places (i, j) of the window, row by row."""
    rows, columns = count_places(window, 0, height), count_places(window, 1, width)
    return [(i, j) for i in range(rows) for j in range(columns)]


def pixels_at(window, i, j, height, width):
    """(u, v, row, column) of every pixel that the window sees at a place, row by row.

    Pixels of the border are not among them.
    """
    (top, _), (left, _) = window["padding"]
    found = []
    for u in range(window["size"][0]):
        for v in range(window["size"][1]):
            row = i * window["stride"][0] + u * window["dilation"][0] - top
            column = j * window["stride"][1] + v * window["dilation"][1] - left
            if 0 <= row < height and 0 <= column < width:
                found.append((u, v, row, column))
    return found


def zeros(*lengths):
    """Nested lists of zeros."""
    if len(lengths) == 1:
        return [0.0] * lengths[0]
    return [zeros(*lengths[1:]) for _ in range(lengths[0])]


def blank(window, x, channels):
    """A zero for every sample, place and channel."""
    rows, columns = (count_places(window, axis, size_of(x)[axis]) for axis in (0, 1))
    return zeros(len(x), rows, columns, channels)


def meetings(window, height, width, filters, each, groups):
    """(i, j, f, u, v, k, row, column, c): which numbers meet in a convolution.

    Filter f, at the place (i, j), has its weight [u][v][k][f] on the pixel (row,
    column) of channel c, the k-th channel of its group.
    """
    for i, j in places_of(window, height, width):
        for u, v, row, column in pixels_at(window, i, j, height, width):
            for f in range(filters):
                group = f // (filters // groups)
                for k in range(each):
                    yield i, j, f, u, v, k, row, column, group * each + k


def convolve(x, W, window, groups=1):
    """z: every filter's sum of pixel times weight, at every place."""
    filters, each = len(W[0][0][0]), len(W[0][0])
    z = blank(window, x, filters)
    for s in range(len(x)):
        for i, j, f, u, v, k, row, column, c in meetings(
            window, *size_of(x), filters, each, groups
        ):
            z[s][i][j][f] += x[s][row][column][c] * W[u][v][k][f]
    return z


def convolve_back(dz, W, window, height, width, groups=1):
    """dx: what the sums above say about each pixel."""
    filters, each = len(W[0][0][0]), len(W[0][0])
    dx = zeros(len(dz), height, width, each * groups)
    for s in range(len(dz)):
        for i, j, f, u, v, k, row, column, c in meetings(
            window, height, width, filters, each, groups
        ):
            dx[s][row][column][c] += dz[s][i][j][f] * W[u][v][k][f]
    return dx


def convolve_weights(x, dz, window, groups=1):
    """dW: what the sums above say about each weight."""
    filters, each = len(dz[0][0][0]), len(x[0][0][0]) // groups
    dW = zeros(*window["size"], each, filters)
    for s in range(len(x)):
        for i, j, f, u, v, k, row, column, c in meetings(
            window, *size_of(x), filters, each, groups
        ):
            dW[u][v][k][f] += x[s][row][column][c] * dz[s][i][j][f]
    return dW


def add_to_channels(z, b):
    """z + b at every place of every sample."""
    return [
        [[[v + b[f] for f, v in enumerate(pixel)] for pixel in row] for row in image]
        for image in z
    ]


def sum_over_places(dz):
    """db: the sum over samples and places, channel by channel."""
    pixels = [pixel for image in dz for row in image for pixel in row]
    return [math.fsum(pixel[f] for pixel in pixels) for f in range(len(pixels[0]))]


def largest_in_windows(x, window):
    """(s, i, j, c, row, column): where the first largest pixel of each window is."""
    height, width = size_of(x)
    for s in range(len(x)):
        for i, j in places_of(window, height, width):
            for c in range(len(x[0][0][0])):
                best = None
                for _, _, row, column in pixels_at(window, i, j, height, width):
                    if best is None or x[s][row][column][c] > x[s][best[0]][best[1]][c]:
                        best = row, column
                yield s, i, j, c, *best


def max_windows(x, window):
    y = blank(window, x, len(x[0][0][0]))
    for s, i, j, c, row, column in largest_in_windows(x, window):
        y[s][i][j][c] = x[s][row][column][c]
    return y


def max_windows_back(x, dy, window):
    dx = zeros(len(x), *size_of(x), len(x[0][0][0]))
    for s, i, j, c, row, column in largest_in_windows(x, window):
        dx[s][row][column][c] += dy[s][i][j][c]
    return dx


def mean_windows(x, window, sums=False):
    """Means of the pixels that the window sees; ``sums``: their sums instead."""
    height, width = size_of(x)
    y = blank(window, x, len(x[0][0][0]))
    for s in range(len(x)):
        for i, j in places_of(window, height, width):
            seen = pixels_at(window, i, j, height, width)
            for c in range(len(x[0][0][0])):
                total = math.fsum(x[s][row][column][c] for _, _, row, column in seen)
                y[s][i][j][c] = total if sums else total / len(seen)
    return y


def mean_windows_back(dy, window, height, width, sums=False):
    dx = zeros(len(dy), height, width, len(dy[0][0][0]))
    for s in range(len(dy)):
        for i, j in places_of(window, height, width):
            seen = pixels_at(window, i, j, height, width)
            for _, _, row, column in seen:
                for c in range(len(dy[0][0][0])):
                    share = dy[s][i][j][c]
                    dx[s][row][column][c] += share if sums else share / len(seen)
    return dx


# ---------------------------------------------------------------------------
# Normalization of some numbers together, by its derivative, entry by entry.
# ---------------------------------------------------------------------------


def normalized(numbers, epsilon, centre=True):
    """(number - mean) / sqrt(variance + epsilon); without ``centre``, mean is 0."""
    mean = math.fsum(numbers) / len(numbers) if centre else 0.0
    centred = [number - mean for number in numbers]
    square = math.fsum(number * number for number in centred) / len(numbers)
    return [number / math.sqrt(square + epsilon) for number in centred]


def normalized_back(dnormal, numbers, epsilon, centre=True):
    """d numbers: the sum of dnormal[j] times the derivative of normal j by number i.

    With c the centred numbers, n of them, and s = sqrt(mean of c^2 + epsilon), that
    derivative is ((1 if i == j) - (1/n if centred)) / s - c_j c_i / (n s^3).
    """
    n = len(numbers)
    mean = math.fsum(numbers) / n if centre else 0.0
    c = [number - mean for number in numbers]
    s = math.sqrt(math.fsum(number * number for number in c) / n + epsilon)

    def derivative(j, i):
        moved = (1.0 if i == j else 0.0) - (1 / n if centre else 0.0)
        return moved / s - c[j] * c[i] / (n * s * s * s)

    return [
        math.fsum(dnormal[j] * derivative(j, i) for j in range(n)) for i in range(n)
    ]


def norm_groups(rows, features, groups, together):
    """Lists of (row, feature) that are normalized together.

    ``together`` is how many neighbouring rows (places of one sample) go together; the
    features of a row are split into ``groups``.
    """
    each = features // groups
    return [
        [(r, g * each + k) for r in range(first, first + together) for k in range(each)]
        for first in range(0, rows, together)
        for g in range(groups)
    ]


def norm_forward(x, scale, shift, epsilon, groups=1, together=1, centre=True):
    """y = scale * normal + shift, for rows; layer norm unless said otherwise."""
    y = [[0.0] * len(scale) for _ in x]
    for members in norm_groups(len(x), len(scale), groups, together):
        normal = normalized([x[r][j] for r, j in members], epsilon, centre)
        for (r, j), value in zip(members, normal, strict=True):
            y[r][j] = scale[j] * value + shift[j]
    return y


def norm_backward(dy, x, scale, epsilon, groups=1, together=1, centre=True):
    """dx, dscale, dshift of ``norm_forward``."""
    features = range(len(scale))
    dx = [[0.0] * len(scale) for _ in x]
    normals = norm_forward(
        x, [1.0] * len(scale), [0.0] * len(scale), epsilon, groups, together, centre
    )
    for members in norm_groups(len(x), len(scale), groups, together):
        numbers = [x[r][j] for r, j in members]
        dnormal = [dy[r][j] * scale[j] for r, j in members]
        back = normalized_back(dnormal, numbers, epsilon, centre)
        for (r, j), value in zip(members, back, strict=True):
            dx[r][j] = value
    rows = range(len(x))
    dscale = [math.fsum(dy[r][j] * normals[r][j] for r in rows) for j in features]
    dshift = [math.fsum(dy[r][j] for r in rows) for j in features]
    return dx, dscale, dshift


def embedding_forward(x, W):
    """Rows of the table, for a list of whole numbers."""
    return [list(W[number]) for number in x]


def embedding_backward(dy, x, W):
    """dW: each row gets the sum of dy wherever it was picked."""
    dW = zeros(len(W), len(W[0]))
    for number, slopes in zip(x, dy, strict=True):
        for j, slope in enumerate(slopes):
            dW[number][j] += slope
    return dW


# ---------------------------------------------------------------------------
# Losses of one sample: the value, and the slope by every output.
# The two cross-entropies take logits (the numbers before softmax or sigmoid).
# ---------------------------------------------------------------------------


def errors(y_hat, y):
    return [p - t for p, t in zip(y_hat, y, strict=True)]


def sign(number):
    return (number > 0) - (number < 0)


def sum_of_squares(y_hat, y):
    """sum (y_hat - y)^2."""
    return math.fsum(e * e for e in errors(y_hat, y))


def sum_of_squares_slope(y_hat, y):
    return [2 * e for e in errors(y_hat, y)]


def half_sum_of_squares(y_hat, y):
    """sum (y_hat - y)^2 / 2."""
    return sum_of_squares(y_hat, y) / 2


def half_sum_of_squares_slope(y_hat, y):
    return errors(y_hat, y)


def mean_squared_error(y_hat, y):
    """mean (y_hat - y)^2 over the outputs of the sample."""
    return sum_of_squares(y_hat, y) / len(y)


def mean_squared_error_slope(y_hat, y):
    return [2 * e / len(y) for e in errors(y_hat, y)]


def mean_absolute_error(y_hat, y):
    """mean |y_hat - y| over the outputs of the sample."""
    return math.fsum(abs(e) for e in errors(y_hat, y)) / len(y)


def mean_absolute_error_slope(y_hat, y):
    return [sign(e) / len(y) for e in errors(y_hat, y)]  # kink at e = 0: 0


def huber(y_hat, y, delta=1.0):
    """Mean of e^2 / 2 where |e| <= delta, of delta (|e| - delta / 2) elsewhere."""
    total = []
    for e in errors(y_hat, y):
        if abs(e) <= delta:
            total.append(e * e / 2)
        else:
            total.append(delta * (abs(e) - delta / 2))
    return math.fsum(total) / len(y)


def huber_slope(y_hat, y, delta=1.0):
    return [min(max(e, -delta), delta) / len(y) for e in errors(y_hat, y)]


def smoothed_targets(label, classes, label_smoothing):
    """t_k = (1 - smoothing) (1 if k is the label else 0) + smoothing / classes."""
    return [
        (1 - label_smoothing) * (k == label) + label_smoothing / classes
        for k in range(classes)
    ]


def cross_entropy(z, label, label_smoothing=0.0):
    """- sum_k t_k log softmax(z)_k, the label being the index of the class."""
    t = smoothed_targets(label, len(z), label_smoothing)
    log_p = log_softmax(z)
    # a class whose target is 0 adds 0, also when its logarithm is -infinity
    return math.fsum(-t[k] * log_p[k] for k in range(len(z)) if t[k] != 0)


def cross_entropy_slope(z, label, label_smoothing=0.0):
    """softmax(z) - t, because the targets sum to one."""
    t = smoothed_targets(label, len(z), label_smoothing)
    return [p_k - t_k for p_k, t_k in zip(softmax(z), t, strict=True)]


def binary_cross_entropy(z, y):
    """mean of - y log p - (1 - y) log(1 - p), p = sigmoid(z), over the outputs.

    -log sigmoid(z) = softplus(-z) and -log(1 - sigmoid(z)) = softplus(z), exactly.
    """
    terms = [
        t * softplus(-v) + (1 - t) * softplus(v) for v, t in zip(z, y, strict=True)
    ]
    return math.fsum(terms) / len(y)


def binary_cross_entropy_slope(z, y):
    """(p - y) / outputs, written with 1 - p = sigmoid(-z) to keep the digits."""
    return [
        ((1 - t) * sigmoid(v) - t * sigmoid(-v)) / len(y)
        for v, t in zip(z, y, strict=True)
    ]


def log_cosh(y_hat, y):
    """mean log(cosh(e)), with cosh(e) - 1 = 2 sinh(e / 2)^2 for errors up to 1."""
    total = []
    for e in errors(y_hat, y):
        if abs(e) < 1:
            total.append(math.log1p(2 * math.sinh(e / 2) ** 2))
        else:
            total.append(abs(e) + math.log1p(math.exp(-2 * abs(e))) - math.log(2))
    return math.fsum(total) / len(y)


def log_cosh_slope(y_hat, y):
    return [math.tanh(e) / len(y) for e in errors(y_hat, y)]


def quantile(y_hat, y, level):
    """Mean of level e where the target is above by e, of (1 - level) e where below."""
    each = [level * -e if e < 0 else (1 - level) * e for e in errors(y_hat, y)]
    return math.fsum(each) / len(y)


def quantile_slope(y_hat, y, level):
    slopes = []
    for e in errors(y_hat, y):
        if e == 0:  # kink: 0
            slopes.append(0.0)
        else:
            slopes.append((-level if e < 0 else 1 - level) / len(y))
    return slopes


def poisson(z, y):
    """mean exp(z) - y z: minus the log of exp(-rate) rate^y / y!, but for log y!."""
    return math.fsum(exp(a) - t * a for a, t in zip(z, y, strict=True)) / len(y)


def poisson_slope(z, y):
    return [(exp(a) - t) / len(y) for a, t in zip(z, y, strict=True)]


def gaussian_likelihood(outputs, y, floor=1e-6):
    """mean (log v + (y - m)^2 / v) / 2; means first, then s with v = floor + exp(s)."""
    total = []
    for j in range(len(y)):
        mean, variance = outputs[j], floor + exp(outputs[len(y) + j])
        total.append((math.log(variance) + (y[j] - mean) ** 2 / variance) / 2)
    return math.fsum(total) / len(y)


def gaussian_likelihood_slope(outputs, y, floor=1e-6):
    means, spreads = [], []
    for j in range(len(y)):
        mean, variance = outputs[j], floor + exp(outputs[len(y) + j])
        means.append((mean - y[j]) / variance / len(y))
        # by the variance, and then by s
        dv = (1 / variance - (y[j] - mean) ** 2 / variance**2) / 2
        spreads.append(dv * exp(outputs[len(y) + j]) / len(y))
    return means + spreads


def focal(z, label, gamma=2.0):
    """- (1 - p)^gamma log p, p the softmax at the label; 1 - p = - expm1(log p)."""
    log_p = log_softmax(z)[label]
    return (-math.expm1(log_p)) ** gamma * -log_p


def focal_slope(z, label, gamma=2.0):
    """dL/dp p ((k is the label) - softmax_k), the last two being dp/dz_k."""
    log_p = log_softmax(z)[label]
    p, rest = math.exp(log_p), -math.expm1(log_p)
    if rest == 0:  # sure and right: the limit
        dp = -1.0 if gamma == 0 else 0.0
    elif p == 0:  # sure and wrong: p log p is 0
        dp = -1.0
    else:
        dp = rest**gamma * (gamma * p * log_p / rest - 1)
    return [dp * ((k == label) - s) for k, s in enumerate(softmax(z))]


def binary_focal(z, y, gamma=2.0):
    """mean - y (1 - p)^gamma log p - (1 - y) p^gamma log(1 - p), p = sigmoid(z)."""
    total = []
    for a, t in zip(z, y, strict=True):
        total.append(t * sigmoid(-a) ** gamma * softplus(-a))
        total.append((1 - t) * sigmoid(a) ** gamma * softplus(a))
    return math.fsum(total) / len(y)


def binary_focal_slope(z, y, gamma=2.0):
    """d sigmoid(a) / da = p q, with q = 1 - p = sigmoid(-a)."""
    slopes = []
    for a, t in zip(z, y, strict=True):
        p, q = sigmoid(a), sigmoid(-a)
        yes = -gamma * q**gamma * p * softplus(-a) - q**gamma * q
        no = gamma * p**gamma * q * softplus(a) + p**gamma * p
        slopes.append((t * yes + (1 - t) * no) / len(y))
    return slopes


def hinge(z, label):
    """sum of max(0, 1 + z_k - z_label) over the other classes, over their number."""
    others = [max(0.0, 1 + z[k] - z[label]) for k in range(len(z)) if k != label]
    return math.fsum(others) / len(z)


def hinge_slope(z, label):
    slope = [0.0] * len(z)
    for k in range(len(z)):
        if k != label and 1 + z[k] - z[label] > 0:
            slope[k] += 1 / len(z)
            slope[label] -= 1 / len(z)
    return slope


def binary_hinge(z, y):
    """mean max(0, 1 - t z), t = 1 for a yes and -1 for a no."""
    terms = [max(0.0, 1 - (2 * t - 1) * a) for a, t in zip(z, y, strict=True)]
    return math.fsum(terms) / len(y)


def binary_hinge_slope(z, y):
    slopes = []
    for a, t in zip(z, y, strict=True):
        sign = 2 * t - 1
        slopes.append(-sign / len(y) if sign * a < 1 else 0.0)
    return slopes


LOSSES = {  # name: (value, slope, how the samples of a batch are put together)
    "sum_of_squares": (sum_of_squares, sum_of_squares_slope, "sum"),
    "half_sum_of_squares": (half_sum_of_squares, half_sum_of_squares_slope, "sum"),
    "mean_squared_error": (mean_squared_error, mean_squared_error_slope, "mean"),
    "mean_absolute_error": (mean_absolute_error, mean_absolute_error_slope, "mean"),
    "huber": (huber, huber_slope, "mean"),
    "cross_entropy": (cross_entropy, cross_entropy_slope, "mean"),
    "binary_cross_entropy": (binary_cross_entropy, binary_cross_entropy_slope, "mean"),
    "log_cosh": (log_cosh, log_cosh_slope, "mean"),
    "quantile": (quantile, quantile_slope, "mean"),
    "poisson": (poisson, poisson_slope, "mean"),
    "gaussian_likelihood": (gaussian_likelihood, gaussian_likelihood_slope, "mean"),
    "focal": (focal, focal_slope, "mean"),
    "binary_focal": (binary_focal, binary_focal_slope, "mean"),
    "hinge": (hinge, hinge_slope, "mean"),
    "binary_hinge": (binary_hinge, binary_hinge_slope, "mean"),
}


def batch_loss(loss, y_hat, y, sample_weight=None, **options):
    """Loss of a batch, its slope by every output, and the loss of each sample.

    "sum" losses:  L = sum_s weight_s l_s
    "mean" losses: L = sum_s weight_s l_s / sum_s weight_s
    Class weights are sample weights too: the weight of a sample is multiplied by the
    weight of its class.
    """
    value, slope, reduction = LOSSES[loss]
    samples = range(len(y_hat))
    if sample_weight is None:
        sample_weight = [1.0] * len(y_hat)
    scale = 1.0 if reduction == "sum" else 1 / math.fsum(sample_weight)
    per_sample = [value(y_hat[s], y[s], **options) for s in samples]
    total = math.fsum(sample_weight[s] * per_sample[s] for s in samples) * scale
    slopes = [
        [sample_weight[s] * scale * d for d in slope(y_hat[s], y[s], **options)]
        for s in samples
    ]
    return total, slopes, per_sample


# ---------------------------------------------------------------------------
# Networks: a list of layers, each a list whose first word is its kind.
#
#   ["dense", units, activation]           parameters W, b
#   ["dense", units, activation, {"bias": False}]     parameter W
#   ["activation", name]                   no parameters
#   ["prelu"]                              parameter slope, one for each feature
#   ["batch_norm"]                         parameters scale, shift; state mean, variance
#   ["chain", [layer, layer, ...]]         the layers in order
#   ["residual", [layer, layer, ...]]      x + the layers in order
#   ["concat", [layer, layer, ...]]        every layer on the same x, side by side
#
# The numbers of a network are a dictionary by dotted name. Names count the kinds
# inside their container: "dense_2.W", "residual_1.dense_1.W", "concat_1.chain_1....".
# ---------------------------------------------------------------------------


def named(layers, path):
    """(full name, layer) of each layer of one container."""
    count = {}
    for layer in layers:
        kind = layer[0]
        count[kind] = count.get(kind, 0) + 1
        yield f"{path}{kind}_{count[kind]}", layer


def has_bias(layer):
    return len(layer) < 4 or layer[3].get("bias", True)


def feedforward(layers, numbers, x, mode="train", path=""):
    """Output rows; what each layer saw, by name; and the new running state, by name."""
    memo, state = {}, {}
    for name, layer in named(layers, path):
        x, seen, new = layer_forward(name, layer, numbers, x, mode)
        memo |= seen
        state |= new
    return x, memo, state


def layer_forward(name, layer, numbers, x, mode):
    kind = layer[0]
    memo, state = {name: x}, {}
    if kind == "dense":
        b = numbers[f"{name}.b"] if has_bias(layer) else None
        z = dense_forward(x, numbers[f"{name}.W"], b)
        memo[f"{name}.z"] = z
        y = activation_forward(layer[2] or "identity", z)
    elif kind == "activation":
        y = activation_forward(layer[1], x)
    elif kind == "prelu":
        y = prelu_forward(x, numbers[f"{name}.slope"])
    elif kind == "batch_norm":
        scale, shift = numbers[f"{name}.scale"], numbers[f"{name}.shift"]
        mean, variance = numbers[f"{name}.mean"], numbers[f"{name}.variance"]
        if mode == "train":
            y = batch_norm_forward_training(x, scale, shift)
            mean, variance = batch_norm_running(x, mean, variance)
        else:
            y = batch_norm_forward_prediction(x, scale, shift, mean, variance)
        state = {f"{name}.mean": mean, f"{name}.variance": variance}
        memo[f"{name}.mode"] = mode
    elif kind in ("chain", "residual"):
        y, seen, state = feedforward(layer[1], numbers, x, mode, f"{name}.")
        memo |= seen
        if kind == "residual":
            y = residual_forward(x, y)
    elif kind == "concat":
        outputs = []
        for branch_name, branch in named(layer[1], f"{name}."):
            out, seen, new = layer_forward(branch_name, branch, numbers, x, mode)
            outputs.append(out)
            memo |= seen
            state |= new
        memo[f"{name}.widths"] = [len(out[0]) for out in outputs]
        y = concat_forward(outputs)
    else:
        raise ValueError(f"no layer of kind {kind!r}")
    return y, memo, state


def backward(layers, numbers, dy, memo, path=""):
    """dx, and the gradient of every parameter by name: the layers in reverse."""
    gradients = {}
    for name, layer in reversed(list(named(layers, path))):
        dy, g = layer_backward(name, layer, numbers, dy, memo)
        gradients |= g
    return dy, gradients


def layer_backward(name, layer, numbers, dy, memo):
    kind, x = layer[0], memo[name]
    if kind == "dense":
        dz = activation_backward(layer[2] or "identity", dy, memo[f"{name}.z"])
        dx, dW, db = dense_backward(dz, x, numbers[f"{name}.W"])
        g = {f"{name}.W": dW}
        if has_bias(layer):
            g[f"{name}.b"] = db
        return dx, g
    if kind == "activation":
        return activation_backward(layer[1], dy, x), {}
    if kind == "prelu":
        dx, dslope = prelu_backward(dy, x, numbers[f"{name}.slope"])
        return dx, {f"{name}.slope": dslope}
    if kind == "batch_norm":
        scale = numbers[f"{name}.scale"]
        if memo[f"{name}.mode"] == "train":
            dx, dscale, dshift = batch_norm_backward_training(dy, x, scale)
        else:
            mean, variance = numbers[f"{name}.mean"], numbers[f"{name}.variance"]
            dx, dscale, dshift = batch_norm_backward_prediction(
                dy, x, scale, mean, variance
            )
        return dx, {f"{name}.scale": dscale, f"{name}.shift": dshift}
    if kind in ("chain", "residual"):
        dx, g = backward(layer[1], numbers, dy, memo, f"{name}.")
        return (residual_backward(dy, dx) if kind == "residual" else dx), g
    if kind == "concat":
        branches = list(named(layer[1], f"{name}."))
        pieces = concat_backward(dy, memo[f"{name}.widths"])
        dx, gradients = [[0.0] * len(row) for row in x], {}
        for (branch_name, branch), piece in zip(branches, pieces, strict=True):
            branch_dx, g = layer_backward(branch_name, branch, numbers, piece, memo)
            dx = add(dx, branch_dx)
            gradients |= g
        return dx, gradients
    raise ValueError(f"no layer of kind {kind!r}")


LINKS = {
    "cross_entropy": "softmax",
    "binary_cross_entropy": "sigmoid",
    "focal": "softmax",
    "binary_focal": "sigmoid",
    "poisson": "exp",
}


def without_link(layers, loss):
    """The layers up to the logits.

    A cross-entropy looks at logits: its own activation (softmax or sigmoid), when it
    stands last, changes what the network returns but neither loss nor gradients.
    """
    *first, last = layers
    if loss in LINKS and last[0] in ("dense", "activation"):
        place = 2 if last[0] == "dense" else 1
        if last[place] == LINKS[loss]:
            return [*first, [*last[:place], "identity", *last[place + 1 :]]]
    return layers


def backprop(
    layers, numbers, loss, x, y, sample_weight=None, mode="train", **loss_options
):
    """Loss of the batch, gradients by name, new running state by name."""
    layers = without_link(layers, loss)
    y_hat, memo, state = feedforward(layers, numbers, x, mode)
    value, dy, _ = batch_loss(loss, y_hat, y, sample_weight, **loss_options)
    _, gradients = backward(layers, numbers, dy, memo)
    return value, gradients, state


def descend(w, g, rate):
    """w - rate g, for a number or for lists of any depth."""
    if isinstance(w, list):
        return [descend(w_i, g_i, rate) for w_i, g_i in zip(w, g, strict=True)]
    return gradient_descent(w, g, rate)


def train(layers, numbers, loss, x, y, rate, iterations, frozen=()):
    """Full-batch gradient descent: the trained numbers, and the loss before each step.

    ``frozen`` holds the names of parameters that stay as they are.
    """
    losses = []
    for _ in range(iterations):
        value, gradients, state = backprop(layers, numbers, loss, x, y)
        losses.append(value)
        stepped = {
            name: descend(numbers[name], gradients[name], rate)
            for name in gradients
            if name not in frozen
        }
        numbers = numbers | stepped | state
    return numbers, losses


# ---------------------------------------------------------------------------
# Optimizers for ONE weight w with gradient g: the new weight and the new memory.
# ---------------------------------------------------------------------------


def gradient_descent(w, g, rate):
    return w - rate * g


def momentum(w, g, velocity, rate, momentum=0.9):
    velocity = momentum * velocity + g
    return w - rate * velocity, velocity


def nesterov(w, g, velocity, rate, momentum=0.9):
    """The step looks ahead: it uses the velocity as it will be after one more g."""
    velocity = momentum * velocity + g
    return w - rate * (g + momentum * velocity), velocity


def rmsprop(w, g, square, rate, rho=0.99, epsilon=1e-8):
    square = rho * square + (1 - rho) * g * g
    return w - rate * g / (math.sqrt(square) + epsilon), square


def adam(w, g, mean, square, t, rate, beta1=0.9, beta2=0.999, epsilon=1e-8):
    """t counts updates from 1. The means start at zero; dividing corrects for that."""
    mean = beta1 * mean + (1 - beta1) * g
    square = beta2 * square + (1 - beta2) * g * g
    unbiased_mean = mean / (1 - beta1**t)
    unbiased_square = square / (1 - beta2**t)
    w = w - rate * unbiased_mean / (math.sqrt(unbiased_square) + epsilon)
    return w, mean, square


def adamw(
    w, g, mean, square, t, rate, decay=0.01, beta1=0.9, beta2=0.999, epsilon=1e-8
):
    """Adam, and rate * decay * w (the weight before the step) taken away as well."""
    shrink = rate * decay * w
    w, mean, square = adam(w, g, mean, square, t, rate, beta1, beta2, epsilon)
    return w - shrink, mean, square


def adagrad(w, g, total, rate, epsilon=1e-10):
    total = total + g * g
    return w - rate * g / (math.sqrt(total) + epsilon), total


def amsgrad(w, g, mean, square, top, t, rate, beta1=0.9, beta2=0.999, epsilon=1e-8):
    """Adam with the largest mean square so far, corrected as of this step."""
    mean = beta1 * mean + (1 - beta1) * g
    square = beta2 * square + (1 - beta2) * g * g
    top = max(top, square)
    root = math.sqrt(top / (1 - beta2**t))
    w = w - rate * mean / (1 - beta1**t) / (root + epsilon)
    return w, mean, square, top


def nadam_share(t, beta1, warming):
    """How much of the mean stays at step t: from half of beta1 to all of it."""
    return beta1 * (1 - 0.96 ** (t * warming) / 2)


def nadam(
    w, g, mean, square, t, rate, beta1=0.9, beta2=0.999, epsilon=1e-8, warming=4e-3
):
    """Adam whose mean is one step ahead; the product of all shares corrects it."""
    mean = beta1 * mean + (1 - beta1) * g
    square = beta2 * square + (1 - beta2) * g * g
    shares = [nadam_share(i, beta1, warming) for i in range(1, t + 2)]
    now, ahead = math.prod(shares[:-1]), math.prod(shares)
    step = (1 - shares[t - 1]) * g / (1 - now) + shares[t] * mean / (1 - ahead)
    w = w - rate * step / (math.sqrt(square / (1 - beta2**t)) + epsilon)
    return w, mean, square


def lion(w, g, mean, rate, beta1=0.9, beta2=0.99):
    """One step of always the same length; the mean of the next takes another share."""
    w = w - rate * sign(beta1 * mean + (1 - beta1) * g)
    return w, beta2 * mean + (1 - beta2) * g


def averaged(path, stays):
    """The average of all weights so far: the last counts 1, the one before stays..."""
    shares = [stays ** (len(path) - 1 - i) for i in range(len(path))]
    return math.fsum(s * w for s, w in zip(shares, path, strict=True)) / sum(shares)


def clip_by_value(g, limit):
    """g, held between -limit and limit."""
    return min(max(g, -limit), limit)


def clip_by_global_norm(gradient, limit):
    """All of g times min(1, limit / norm), norm = sqrt(sum g^2) over every weight."""
    norm = math.sqrt(math.fsum(g * g for g in gradient))
    scale = min(1.0, limit / norm) if norm > 0 else 1.0
    return [scale * g for g in gradient]


def l2(w, g, strength):
    """The gradient of loss + strength / 2 * w^2."""
    return g + strength * w


def l1(w, g, strength):
    """The gradient of loss + strength * |w| (0 at w = 0)."""
    return g + strength * sign(w)


# ---------------------------------------------------------------------------
# Learning rates: step counts updates from 0, total is how many there will be.
# ---------------------------------------------------------------------------


def constant(step, total, rate):
    return rate


def step_decay(step, total, rate, factor, every):
    """Times ``factor`` after each ``every`` steps."""
    return rate * factor ** (step // every)


def exponential(step, total, rate, factor):
    """Times ``factor`` after each step."""
    return rate * factor**step


def cosine(step, total, rate, floor=0.0):
    """From ``rate`` at step 0 to ``floor`` at step ``total`` on half a cosine wave."""
    return floor + (rate - floor) * 0.5 * (1 + math.cos(math.pi * step / total))


def inverse_scaling(step, total, rate, power=0.5, every=1.0):
    return rate / (1 + step / every) ** power


def polynomial(step, total, rate, power=1.0, floor=0.0):
    """From ``rate`` at step 0 to ``floor`` at step ``total``."""
    return floor + (rate - floor) * (1 - step / total) ** power


def cosine_restarts(step, total, rate, length, growth=2, floor=0.0):
    """The cosine over one cycle after the other, each ``growth`` times as long."""
    start = 0
    while step >= start + length:
        start += length
        length *= growth
    return cosine(step - start, length, rate, floor)


def one_cycle(step, total, rate, rise=0.3, first=25.0, last=1e4):
    """Up to ``rate`` in the first ``rise`` steps, down by the last one."""
    top = rise * total - 1
    if step <= top:
        return cosine(step, top, rate / first, rate)
    return cosine(step - top, total - 1 - top, rate, rate / first / last)


def log_cosine(step, total, rate, cycles=4):
    """Waves, each twice as long as the one before, of heights between 0 and rate."""
    place = (step + 1) / (total + 1) * (2**cycles - 1)  # in lengths of the first wave
    length = 1
    while place > length:
        place -= length
        length *= 2
    # Within a wave it is stretched to where the logarithm doubles.
    return rate * (1 - math.cos(2 * math.pi * math.log2(1 + place / length))) / 2


SCHEDULES = {
    "constant": constant,
    "log_cosine": log_cosine,
    "step": step_decay,
    "exponential": exponential,
    "cosine": cosine,
    "inverse_scaling": inverse_scaling,
    "polynomial": polynomial,
    "cosine_restarts": cosine_restarts,
    "one_cycle": one_cycle,
}


def reduce_on_plateau(losses, rate, factor, patience, smallest=0.0, floor=0.0):
    """The rate of each epoch, the first one before any loss is known."""
    rates, best, waited = [rate], math.inf, 0
    for loss in losses:
        waited += 1
        if loss < best - smallest:
            best, waited = loss, 0
        if waited == patience:
            rate, waited = max(rate * factor, floor), 0
        rates.append(rate)
    return rates


def warm_up(step, total, steps, schedule):
    """A line to the first rate of ``schedule``, reached with the last warm-up step.

    The first step already moves (1 / steps of the rate). Then ``schedule(step, total)``
    starts from its own step 0 and has the remaining ``total - steps``.
    """
    if step < steps:
        return schedule(0, total - steps) * (step + 1) / steps
    return schedule(step - steps, total - steps)
