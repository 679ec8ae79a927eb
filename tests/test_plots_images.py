"""Pictures of convolutional networks: filters, maps, and what predictions rest on."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

import pellucid
from pellucid import (
    Chain,
    Conv1D,
    Conv2D,
    ConvTranspose2D,
    Dense,
    DepthwiseConv2D,
    Flatten,
    MaxPool2D,
    NeuralNetwork,
    Rescale,
    Reshape,
    SeparableConv2D,
    models,
    plots,
)
from pellucid.errors import ConfigurationError, DataError, NotBuiltError, ShapeError
from pellucid.plots.palette import DARK, LIGHT
from pellucid.plots.tiles import CAPTION, as_picture, columns_for, largest


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    yield
    plt.close("all")


@pytest.fixture
def ax():
    return Figure(figsize=(8, 6)).add_subplot()


def network(layers, shape, loss="cross_entropy", head=True):
    layers = [*layers, Flatten(), Dense(3)] if head else layers
    return NeuralNetwork(layers, loss=loss, input_shape=shape)


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.fixture(scope="module")
def grey():
    return network(models.cnn(10), (8, 8, 1), head=False)


@pytest.fixture(scope="module")
def colour():
    layers = [Conv2D(5, 3, "tanh"), MaxPool2D(2)]
    return network(layers, (9, 7, 3))


def drawn(ax):
    """Return the numbers of all small pictures, in the order of drawing."""
    return [np.asarray(image.get_array()) for image in ax.images]


def texts(ax):
    return [text.get_text() for text in ax.texts]


def bar(ax):
    (found,) = [other for other in ax.figure.axes if other is not ax]
    return found


def is_near(colour, expected):
    """Return whether a colour is a given one but for rounding."""
    return np.allclose(colour[:3], to_rgb(expected), atol=0.01)


def draw(ax):
    """Draw for real: much of matplotlib complains only then."""
    ax.figure.canvas.draw()
    return ax


# ---- small pictures


@given(st.integers(1, 200), st.floats(0.1, 10), st.floats(0.1, 10), st.floats(0.2, 5))
def test_every_cell_has_its_place(count, width, height, aspect):
    columns = columns_for(count, width, height, aspect)
    assert 1 <= columns <= count


def test_cells_fill_the_rectangle():
    assert columns_for(64, 1, 1) == 8
    assert columns_for(64, 1, 1, aspect=4) == 16
    assert columns_for(12, 4, 1) == 2
    assert columns_for(12, 1, 9) == 12


def test_the_largest_keep_their_order():
    assert largest(np.array([1.0, 9.0, 3.0, 9.0, 0.0]), 3).tolist() == [1, 2, 3]
    assert largest(np.array([1.0, 1.0, 1.0]), 2).tolist() == [0, 1]
    assert largest(np.array([2.0, 1.0]), 7).tolist() == [0, 1]


def test_images_become_colours():
    grey = as_picture(np.array([[[-1.0], [0.0], [3.0]]]))
    np.testing.assert_array_equal(grey, [[[0] * 3, [0.25] * 3, [1] * 3]])
    rgb = as_picture(np.array([[[0.0, 5.0, 10.0]]]))
    np.testing.assert_array_equal(rgb, [[[0.0, 0.5, 1.0]]])
    bytewise = as_picture(np.array([[[51, 102, 204]]], dtype=np.uint8))
    np.testing.assert_allclose(bytewise, [[[0.2, 0.4, 0.8]]])
    two = as_picture(np.array([[[0.0, 2.0], [1.0, 3.0]]]))
    np.testing.assert_array_equal(two, [[[0.0] * 3, [1.0] * 3]])
    np.testing.assert_array_equal(as_picture(np.ones((1, 1, 1))), [[[0.5] * 3]])


# ---- filters


def test_filters_are_the_weights(grey, ax):
    draw(plots.filters(grey, ax=ax))
    W = grey.parameters["conv2d_1.W"]
    np.testing.assert_array_equal(drawn(ax), np.moveaxis(W[:, :, 0], -1, 0))
    assert texts(ax) == [str(index) for index in range(16)]
    assert ax.get_title() == "conv2d_1: 16 filters of 3 x 3 pixels"
    assert bar(ax).get_ylabel() == "weight"


def test_the_middle_of_the_colours_is_zero(grey, ax):
    W = grey.parameters["conv2d_1.W"]
    for image in plots.filters(grey, ax=ax).images:
        assert image.norm.vmax == -image.norm.vmin == pytest.approx(abs(W).max())
        assert is_near(image.cmap(image.norm(0.0)), LIGHT[4])
        assert is_near(image.cmap(1.0), LIGHT[-1])
        assert is_near(image.cmap(0.0), LIGHT[0])


def test_filters_on_a_dark_ground(grey):
    with plt.style.context("dark_background"):
        ax = draw(plots.filters(grey))
    for place, expected in ((0.0, DARK[0]), (0.5, DARK[3]), (1.0, DARK[-1])):
        assert is_near(ax.images[0].cmap(place), expected)


def test_filters_of_colours(colour, ax):
    plots.filters(colour, ax=ax)
    W = colour.parameters["conv2d_1.W"]
    shown = np.reshape(drawn(ax), (5, 3, 3, 3))  # filter, colour, row, column
    np.testing.assert_array_equal(shown, np.transpose(W, (3, 2, 0, 1)))
    columns = texts(ax).count("red")
    assert columns >= 1
    assert texts(ax).count("green") == texts(ax).count("blue") == columns


def test_names_of_channels_are_numbers_where_they_are_no_colours(ax):
    net = network([Conv2D(3, 1), Conv2D(2, 2, name="second")], (4, 4, 3))
    plots.filters(net, "second", ax)
    assert "red" not in texts(ax)
    assert ax.get_title() == "second: 2 filters of 2 x 2 pixels\ncolumns: 3 channels"
    depthwise = network([DepthwiseConv2D(3)], (4, 4, 3))
    other = plots.filters(depthwise, ax=Figure().add_subplot())
    assert texts(other) == ["0", "1", "2"]


def test_of_many_filters_those_with_the_largest_norm_are_drawn(ax):
    net = network([Conv2D(80, 3)], (4, 4, 1))
    W = net.parameters["conv2d_1.W"]
    W *= np.linspace(2, 1, 80)  # so that the norms are all over the place
    norms = np.linalg.norm(W.reshape(-1, 80), axis=0)
    plots.filters(net, ax=ax)
    assert len(ax.images) == 64
    assert {int(text) for text in texts(ax)} == set(np.argsort(norms)[-64:])
    assert ax.get_title() == (
        "conv2d_1: 64 of 80 filters of 3 x 3 pixels\n"
        "shown are those with the largest norm"
    )
    few = plots.filters(net, ax=Figure().add_subplot(), most=3)
    order = sorted(np.argsort(norms)[-3:])
    assert texts(few) == [str(index) for index in order]
    np.testing.assert_array_equal(drawn(few), [W[:, :, 0, index] for index in order])


def test_of_many_channels_those_with_the_largest_norm_are_drawn(ax):
    net = network([Conv2D(40, 1), Conv2D(20, 3)], (4, 4, 1))
    W = net.parameters["conv2d_2.W"]
    W[:, :, 7] = 0.0
    W[:, :, 30] *= 10
    plots.filters(net, "conv2d_2", ax)
    assert len(ax.images) == 256
    assert ax.get_title() == (
        "conv2d_2: 16 of 20 filters of 3 x 3 pixels\n"
        "columns: 16 of 40 channels\nshown are those with the largest norm"
    )
    heads = [text.get_text() for text in ax.texts if text.get_ha() == "center"]
    assert "30" in heads
    assert "7" not in heads
    rows = [int(t.get_text()) for t in ax.texts if t.get_ha() == "right"]
    expected = W[:, :, [int(head) for head in heads]][..., rows]
    shown = np.reshape(drawn(ax), (16, 16, 3, 3))
    np.testing.assert_array_equal(shown, np.transpose(expected, (3, 2, 0, 1)))


def test_separable_filters_are_those_of_one_convolution(ax):
    layer = SeparableConv2D(4, 3, multiplier=2, bias=False)
    net = network([layer], (5, 5, 3), "mean_squared_error", head=False)
    plots.filters(net, ax=ax)
    shown = np.reshape(drawn(ax), (4, 3, 3, 3))
    plain = network([Conv2D(4, 3, bias=False)], (5, 5, 3), "sum_of_squares", head=False)
    plain.parameters["conv2d_1.W"][...] = np.transpose(shown, (2, 3, 1, 0))
    x = numbers(2, 5, 5, 3)
    expected = net.feedforward(x)
    np.testing.assert_allclose(plain.feedforward(x), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("groups", [1, 2])
def test_a_transposed_filter_is_what_one_pixel_paints(groups, ax):
    layer = ConvTranspose2D(6, (2, 3), groups=groups, bias=False)
    net = network([layer], (1, 1, 4), "mean_squared_error", head=False)
    plots.filters(net, ax=ax)
    each = 4 // groups
    shown = np.reshape(drawn(ax), (6, each, 2, 3))
    for channel in range(4):
        pixel = np.zeros((1, 1, 4))
        pixel[0, 0, channel] = 1.0
        painted = net.feedforward(pixel)
        for index in range(6):
            own = index // (6 // groups) == channel // each
            expected = shown[index, channel % each] if own else np.zeros((2, 3))
            np.testing.assert_array_equal(painted[:, :, index], expected)


def test_filters_inside_others_and_of_a_kind_of_ones_own(ax):
    class Sharper(Conv2D):
        pass

    net = network([Chain([Sharper(2, 3)]), Conv2D(7, 1)], (5, 5, 1))
    plots.filters(net, ax=ax)
    name = next(path for path in net.blueprint.layers if path.endswith("sharper_1"))
    assert ax.get_title().startswith(f"{name}: 2 filters")


def test_filters_of_any_shape_fit(ax):
    for size, shape in (((1, 7), (8, 8, 2)), ((5, 1), (8, 8, 1)), (1, (2, 2, 40))):
        net = network([Conv2D(3, size)], shape)
        draw(plots.filters(net))
        draw(plots.filters(net, ax=Figure(figsize=(2, 1)).add_subplot()))


def test_filters_that_are_all_zero(ax):
    net = network([Conv2D(2, 3, weight_init="zeros")], (4, 4, 1))
    draw(plots.filters(net, ax=ax))
    assert ax.images[0].norm.vmax == 1.0


def test_filter_errors(grey):
    with pytest.raises(ConfigurationError, match=r"'dense_1' .* has no filters.*conv2"):
        plots.filters(grey, "dense_1")
    with pytest.raises(ConfigurationError, match="Did you mean 'conv2d_1'"):
        plots.filters(grey, "conv2d1")
    with pytest.raises(ConfigurationError, match="Expected a NeuralNetwork, got str"):
        plots.filters("conv2d_1")
    with pytest.raises(ConfigurationError, match="most"):
        plots.filters(grey, most=0)
    sequence = network([Conv1D(2, 3)], (9, 1))
    with pytest.raises(ConfigurationError, match="no convolution of images"):
        plots.filters(sequence)
    with pytest.raises(NotBuiltError):
        plots.filters(NeuralNetwork([Conv2D(2, 3), Flatten(), Dense(2)], loss="hinge"))
    broken = network([Conv2D(2, 3)], (4, 4, 1))
    broken.weights[0] = np.nan
    with pytest.raises(DataError, match="not finite"):
        plots.filters(broken)


# ---- activation maps


def test_maps_are_the_activations(grey, ax):
    x = np.abs(numbers(8, 8, 1))
    draw(plots.activation_maps(grey, x, "conv2d_2", ax))
    image, *maps = drawn(ax)
    expected = grey.activations(x)["conv2d_2"]
    np.testing.assert_array_equal(maps, np.moveaxis(expected, -1, 0))
    np.testing.assert_allclose(image, as_picture(x))
    assert ax.get_title() == "conv2d_2: 32 maps of 4 x 4"
    assert texts(ax) == ["image", *map(str, range(32))]
    assert bar(ax).get_ylabel() == "activation"
    scale = ax.images[1].norm
    assert (scale.vmin, scale.vmax) == (0.0, pytest.approx(expected.max()))


def test_maps_with_a_sign_have_their_zero_in_the_middle(colour, ax):
    x = numbers(9, 7, 3)
    plots.activation_maps(colour, x, ax=ax)
    largest = np.abs(colour.activations(x)["conv2d_1"]).max()
    assert len(ax.images) == 6
    for image in ax.images[1:]:
        assert image.norm is ax.images[1].norm
        assert image.norm.vmax == -image.norm.vmin == pytest.approx(largest)


def test_of_many_maps_those_with_the_largest_norm_are_drawn(grey, ax):
    x = np.abs(numbers(8, 8, 1))
    found = grey.activations(x)["max_pool2d_1"]
    plots.activation_maps(grey, x, "max_pool2d_1", ax, most=5)
    order = np.sort(np.argsort(-np.linalg.norm(found, axis=(0, 1)))[:5])
    assert texts(ax)[1:] == [str(index) for index in order]
    assert ax.get_title() == (
        "max_pool2d_1: 5 of 16 maps of 4 x 4\nshown are those with the largest norm"
    )


def test_the_first_layer_with_maps_is_drawn(ax):
    net = network([Flatten(), Dense(12), Reshape((2, 3, 2))], (4, 4, 1))
    plots.activation_maps(net, np.ones((4, 4, 1)), ax=ax)
    assert ax.get_title() == "reshape_1: 2 maps of 2 x 3"


def test_layers_that_only_change_units_are_passed_over(ax):
    net = network([Rescale(), Conv2D(2, 3)], (6, 4, 1))
    plots.activation_maps(net, np.ones((6, 4, 1)), ax=ax)
    assert ax.get_title() == "conv2d_1: 2 maps of 4 x 2"


def test_bytes_and_other_numbers_of_channels(ax):
    net = network([Conv2D(2, 3)], (6, 4, 2))
    image = np.arange(48, dtype=np.uint8).reshape(6, 4, 2)
    plots.activation_maps(net, image, ax=ax)
    assert texts(ax)[0] == "image (mean of 2 channels)"
    np.testing.assert_allclose(drawn(ax)[0][..., 0], image.mean(axis=2) / 255)


def test_map_errors(grey):
    x = np.ones((8, 8, 1))
    with pytest.raises(ConfigurationError, match=r"gives \(n, 64\), which are no maps"):
        plots.activation_maps(grey, x, "dense_1")
    with pytest.raises(ConfigurationError, match="Did you mean 'conv2d_1'"):
        plots.activation_maps(grey, x, "conv2d1")
    with pytest.raises(ConfigurationError, match="most"):
        plots.activation_maps(grey, x, most=0)
    flat = network([], (4, 4, 1))
    with pytest.raises(ConfigurationError, match="No layer of the network gives maps"):
        plots.activation_maps(flat, np.ones((4, 4, 1)))


ABOUT_AN_IMAGE = pytest.mark.parametrize(
    "picture", [plots.activation_maps, plots.saliency, plots.occlusion]
)


@ABOUT_AN_IMAGE
def test_images_that_are_none(picture, grey):
    with pytest.raises(ShapeError, match=r"x has shape \(8, 9, 1\), but the network"):
        picture(grey, np.ones((8, 9, 1)))
    with pytest.raises(ShapeError, match=r"holds 4 images.*write x\[0\]"):
        picture(grey, np.ones((4, 8, 8, 1)))
    with pytest.raises(DataError, match="x has NaN"):
        picture(grey, np.full((8, 8, 1), np.nan))
    table = NeuralNetwork([Dense(2)], loss="cross_entropy", input_shape=64)
    with pytest.raises(ShapeError, match=r"takes \(64,\); expected one that takes ima"):
        picture(table, np.ones(64))
    with pytest.raises(ConfigurationError, match="Expected a NeuralNetwork, got list"):
        picture([], np.ones((8, 8, 1)))


# ---- saliency and occlusion


def test_saliency_of_one_channel(grey, ax):
    x = numbers(8, 8, 1)
    draw(plots.saliency(grey, x, 3, ax))
    image, values = drawn(ax)
    np.testing.assert_allclose(image, as_picture(x))
    expected = pellucid.saliency(grey, x, 3)[..., 0]
    np.testing.assert_array_equal(values, expected)
    scale = ax.images[1].norm
    assert scale.vmax == -scale.vmin == pytest.approx(np.abs(expected).max())


def test_saliency_of_colours_shows_the_channel_that_moves_most(colour, ax):
    x = numbers(9, 7, 3)
    plots.saliency(colour, x, ax=ax)
    gradient = pellucid.saliency(colour, x)
    values = drawn(ax)[1]
    assert values.shape == (9, 7)
    np.testing.assert_array_equal(np.abs(values), np.abs(gradient).max(axis=2))
    assert (gradient == values[:, :, None]).any(axis=2).all()


def test_titles_say_whose_score_it_is(ax):
    def title(outputs, loss, target=None, **settings):
        net = network([Flatten(), Dense(outputs)], (2, 2, 1), loss, head=False)
        net.parameters["dense_1.W"][...] = 0.0
        net.parameters["dense_1.b"][...] = np.arange(outputs) + 1
        for name, value in settings.items():
            setattr(net, name, value)
        x = np.ones((2, 2, 1))
        return plots.saliency(net, x, target, Figure().add_subplot()).get_title()

    assert title(2, "cross_entropy") == "score of 1 (probability 73.1 %)"
    words = title(2, "cross_entropy", "cat", classes=["cat", "dog"])
    assert words == "score of cat (probability 26.9 %); predicted: dog"
    assert title(1, "binary_cross_entropy") == "score of 1 (probability 73.1 %)"
    no = title(1, "binary_cross_entropy", 0)
    assert no == "score of 0 (probability 26.9 %); predicted: 1"
    labels = title(2, "binary_cross_entropy")
    assert labels == "score of label 1 (probability 88.1 %)"
    assert title(3, "hinge", 0) == "score of 0; predicted: 2"
    assert title(3, "binary_hinge", 0) == "score of label 0"
    assert title(1, "mean_squared_error") == "the output, which is 1"
    assert title(2, "mean_squared_error", 1) == "output 1, which is 2"


def test_occlusion_frames_the_square_that_takes_away_most(ax):
    net = network([Flatten(), Dense(1)], (6, 9, 1), "mean_squared_error", head=False)
    W = np.zeros((6, 9, 1))
    W[4, 7] = 1.0
    net.parameters["dense_1.W"][...] = W.reshape(-1, 1)
    x = np.ones((6, 9, 1))
    draw(plots.occlusion(net, x, ax=ax, size=2, stride=2, fill=0.0))
    expected = pellucid.occlusion(net, x, size=2, stride=2, fill=0.0)
    np.testing.assert_array_equal(drawn(ax)[1], expected)
    assert "with 2 x 2 pixels hidden" in texts(ax)
    frame = frames(ax)[0]
    unit = 3 / 9  # the longer side is three units
    np.testing.assert_allclose(frame.get_xy(), (6 * unit, CAPTION + 4 * unit))
    assert frame.get_width() == frame.get_height() == pytest.approx(2 * unit)


def frames(ax):
    return [p for p in ax.patches if isinstance(p, Rectangle) and p.get_linewidth() > 1]


def test_the_frame_ends_where_the_image_ends(ax):
    net = network([Flatten(), Dense(1)], (4, 4, 1), "mean_squared_error", head=False)
    net.parameters["dense_1.W"][...] = [[1.0]] + [[0.0]] * 15
    plots.occlusion(net, np.ones((4, 4, 1)), ax=ax, size=3, fill=0.0)
    (frame,) = frames(ax)
    np.testing.assert_allclose(frame.get_xy(), (0.0, CAPTION))
    assert frame.get_width() == pytest.approx(2 * 3 / 4)


def test_where_nothing_speaks_for_the_target_nothing_is_framed(ax):
    net = network([Flatten(), Dense(1)], (4, 4, 1), "mean_squared_error", head=False)
    net.parameters["dense_1.W"][...] = -1.0
    draw(plots.occlusion(net, np.ones((4, 4, 1)), ax=ax, fill=0.0))
    assert not frames(ax)
    scale = ax.images[1].norm
    assert scale.vmax == -scale.vmin > 0


@ABOUT_AN_IMAGE
def test_numbers_beyond_all_measure_are_refused(picture):
    net = network([Conv2D(2, 3), Conv2D(2, 3)], (8, 8, 1))
    net.weights[...] = 3e38
    which = "conv2d_2" if picture is plots.activation_maps else 0
    with pytest.raises(DataError, match="not finite: there is no picture of them"):
        picture(net, np.ones((8, 8, 1)), which)


# ---- confusion matrix with images


def test_each_cell_has_the_first_of_its_images():
    images = numbers(6, 4, 4, 1)
    y, guess = list("aabbba"), list("ababba")
    ax = draw(plots.confusion_matrix(y, guess, images=images))
    shares, *shown = drawn(ax)
    assert shares.shape == (2, 2)
    low, high = images.min(), images.max()
    for place, pixels in zip([0, 1, 2, 3], shown, strict=True):
        np.testing.assert_allclose(pixels, as_picture(images[place], low, high))
    # Where they are: (a, a), (a, b), (b, a), (b, b) by row and column.
    middles = [np.add(im.get_extent()[:2], 0).mean() for im in ax.images[1:]]
    np.testing.assert_allclose(middles, [0, 1, 0, 1])
    heights = [np.mean(im.get_extent()[2:]) for im in ax.images[1:]]
    np.testing.assert_allclose(np.round(heights), [0, 0, 1, 1])
    counts = {(round(t.get_position()[1]), t.get_position()[0]): t for t in ax.texts}
    assert {place: t.get_text() for place, t in counts.items()} == {
        (0, 0): "2",
        (0, 1): "1",
        (1, 0): "1",
        (1, 1): "2",
    }
    assert (
        ax.get_title() == "4 of 6 right (66.7 %)\nin each cell the first of its images"
    )
    # A count is below its image, and within its cell.
    for image in ax.images[1:]:
        assert (
            max(image.get_extent()[2:]) < round(np.mean(image.get_extent()[2:])) + 0.3
        )


def test_cells_without_samples_have_no_image():
    ax = plots.confusion_matrix([0, 1, 2], [0, 1, 1], images=np.ones((3, 2, 2, 3)))
    assert len(ax.images) == 1 + 3


def test_small_cells_have_counts_only():
    y = np.arange(12)
    small = Figure(figsize=(4, 4)).add_subplot()
    plots.confusion_matrix(y, y, small, images=np.ones((12, 2, 2, 1)))
    assert len(small.images) == 1
    assert len(small.texts) == 144
    assert "images" not in small.get_title()


def test_the_axes_stay_those_of_the_classes():
    images = np.zeros((2, 30, 3, 3), dtype=np.uint8)
    plain = plots.confusion_matrix([0, 1], [0, 1])
    pictured = plots.confusion_matrix([0, 1], [0, 1], images=images)
    assert pictured.get_xlim() == plain.get_xlim()
    assert pictured.get_ylim() == plain.get_ylim()
    left, right, bottom, top = pictured.images[1].get_extent()
    assert (bottom - top) / (right - left) == pytest.approx(10)


def test_images_of_a_confusion_that_do_not_fit():
    with pytest.raises(
        ShapeError, match=r"shape \(2, 4, 4\); expected one for each of"
    ):
        plots.confusion_matrix([0, 1], [0, 1], images=np.ones((2, 4, 4)))
    with pytest.raises(ShapeError, match=r"expected one for each of the 2 predictions"):
        plots.confusion_matrix([0, 1], [0, 1], images=np.ones((3, 4, 4, 1)))
    images = np.ones((2, 4, 4, 1))
    images[1, 0, 0] = np.nan
    with pytest.raises(DataError, match="images has NaN at row 1"):
        plots.confusion_matrix([0, 1], [0, 1], images=images)


def test_counts_are_read_on_a_dark_ground_too():
    with plt.style.context("dark_background"):
        ax = plots.confusion_matrix([0] * 10, [0] * 9 + [1])
    assert [text.get_color() for text in ax.texts[:2]] == ["#1a1a1a", "#ffffff"]
    assert is_near(ax.images[0].cmap(0.0), DARK[3])
