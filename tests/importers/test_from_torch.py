"""Networks of PyTorch predict the same in pellucid: golden data and stand-ins."""

import numpy as np
import pytest
from standins import agree, golden_cases, linear, rebuilt, stand_in, torch_chain

import pellucid
from golden import load
from pellucid.errors import ConfigurationError


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", golden_cases("torch"))
def test_it_predicts_the_same(name, dtype):
    case = load("imported")[name]
    shape = case["input_shape"]
    shape = tuple(shape) if isinstance(shape, list) else shape
    model = rebuilt(case["model"], dtype)
    agree(pellucid.from_torch(model, input_shape=shape), case, dtype)


def test_it_reads_like_a_network_of_ones_own():
    case = load("imported")["torch images"]
    model = rebuilt(case["model"], "float32")
    network = pellucid.from_torch(model, input_shape=(8, 6, 3))
    assert repr(network.layers[0]) == "Conv2D(4, 3, 'relu', padding=1)"
    assert repr(network.layers[2]) == "MaxPool2D()"
    assert network.layers[-1].activation.label == "log_softmax"


def test_the_loss_can_be_said():
    network = pellucid.from_torch(torch_chain(linear(2, 3)), loss="cross_entropy")
    assert network.loss.label == "cross_entropy"
    assert network.predict([[1.0, 2.0]]).tolist() == [2]
    again = pellucid.from_torch(linear(2, 3))
    assert again.loss.label == "mean_squared_error"


def test_a_flatten_with_channels_first_is_put_in_order():
    """The dense layer picks one number of the image, by its place there."""
    channels, height, width = 2, 3, 4
    for place in range(channels * height * width):
        W = np.zeros((1, 24), np.float32)
        W[0, place] = 1.0
        flat = stand_in("Flatten", start_dim=1, end_dim=-1)
        dense = stand_in("Linear", in_features=24, weight=W, bias=None)
        network = pellucid.from_torch(torch_chain(flat, dense), input_shape=(3, 4, 2))
        image = np.arange(24.0).reshape(channels, height, width)
        found = network.feedforward(image.transpose(1, 2, 0))
        assert found.tolist() == [place]


def test_images_ask_for_their_shape():
    filters = np.zeros((4, 3, 3, 3), np.float32)
    layer = stand_in("Conv2d", in_channels=3, weight=filters)
    told = r"give input_shape=\(height, width, 3\), channels last"
    with pytest.raises(ConfigurationError, match=told):
        pellucid.from_torch(torch_chain(layer))


def test_a_shape_with_channels_first_is_told():
    case = load("imported")["torch images"]
    model = rebuilt(case["model"], "float32")
    told = r"for samples of shape \(3, 8, 6\), channels last; .* Is input_shape right"
    with pytest.raises(ConfigurationError, match=told):
        pellucid.from_torch(model, input_shape=(3, 8, 6))


def test_what_has_no_counterpart_is_named_with_its_place():
    model = torch_chain(linear(2, 3), torch_chain(stand_in("Bilinear")))
    with pytest.raises(ConfigurationError) as caught:
        pellucid.from_torch(model)
    message = str(caught.value)
    assert message.startswith("Layer 1.0, Bilinear, has no counterpart")
    assert "Conv2d, ConvTranspose2d" in message


def test_a_layer_that_computes_in_its_own_way_is_refused():
    class Linear:
        def forward(self, x):
            return x

    class Twice(Linear):
        def forward(self, x):
            return 2 * x

    with pytest.raises(ConfigurationError, match="Twice, has no counterpart"):
        pellucid.from_torch(torch_chain(linear(2, 2), Twice()))


REFUSED = {
    "padding_mode='circular'": stand_in(
        "Conv2d", weight=np.zeros((1, 2, 1, 1), "f4"), padding_mode="circular"
    ),
    "beta=2": stand_in("Softplus", beta=2),
    "mode='bilinear'": stand_in("Upsample", mode="bilinear", scale_factor=2),
    r"dim=2 is not the axis of features": stand_in("Softmax", dim=2),
    "ceil_mode=True": stand_in(
        "MaxPool2d", kernel_size=2, stride=2, padding=0, ceil_mode=True
    ),
    "no running statistics": stand_in("BatchNorm2d", running_mean=None),
    "works along their last axis": linear(4, 2),
    "a border of 1": stand_in("ConstantPad2d", value=1, padding=1),
    "it has 5 features, but 2 come in": stand_in("PReLU", weight=np.ones(5, "f4")),
    "start_dim=0": stand_in("Flatten", start_dim=0, end_dim=-1),
}


@pytest.mark.parametrize("told", REFUSED)
def test_settings_that_pellucid_has_not_are_told(told):
    model = torch_chain(stand_in("Identity"), REFUSED[told])
    with pytest.raises(ConfigurationError, match=rf"Layer 1, \w+: .*{told}"):
        pellucid.from_torch(model, input_shape=(3, 5, 2))


def test_a_network_that_ends_in_another_order_is_refused():
    flat = stand_in("Flatten", start_dim=1, end_dim=-1)
    with pytest.raises(ConfigurationError, match="without its last Flatten"):
        pellucid.from_torch(torch_chain(flat), input_shape=(3, 5, 2))
    one = pellucid.from_torch(torch_chain(flat), input_shape=(3, 5, 1))
    assert one.feedforward(np.zeros((3, 5, 1))).shape == (15,)


def test_rows_that_no_dense_layer_can_rearrange():
    flat = stand_in("Flatten", start_dim=1, end_dim=-1)
    again = stand_in("Unflatten", dim=1, unflattened_size=(2, 3, 5))
    with pytest.raises(ConfigurationError, match=r"Unflatten: .*rearranged"):
        pellucid.from_torch(torch_chain(flat, again), input_shape=(3, 5, 2))
    apart = stand_in("Unflatten", dim=1, unflattened_size=(2, 3, 1))
    with pytest.raises(ConfigurationError, match="can be rearranged"):
        pellucid.from_torch(torch_chain(stand_in("Tanh"), apart), input_shape=6)


def test_layers_without_numbers_or_places():
    empty = stand_in("Linear", in_features=2)
    with pytest.raises(
        ConfigurationError, match=r"Layer 0, Linear: .*once it was built"
    ):
        pellucid.from_torch(torch_chain(empty))
    pool = stand_in("AvgPool2d", kernel_size=2, stride=2, padding=0, ceil_mode=False)
    with pytest.raises(ConfigurationError, match="gets rows of 4"):
        pellucid.from_torch(torch_chain(pool), input_shape=4)


def test_nothing_at_all():
    with pytest.raises(ConfigurationError, match="empty"):
        pellucid.from_torch(torch_chain())
    with pytest.raises(ConfigurationError, match="The module, str, has no"):
        pellucid.from_torch("model.pt")
