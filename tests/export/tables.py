"""Networks that take tables, and rows with all that can be in a cell."""

import numpy as np
from twins import unlike_at_first

from pellucid import Dense, Encoder, NeuralNetwork
from pellucid.data import table
from pellucid.losses import CrossEntropy, MeanSquaredError
from pellucid.tabular.layers import bag_of, layers_for, tempered
from pellucid.tabular.recipes import recipe_for

AWKWARD = 'the "size" */ in cm\\'
COLUMNS = {
    AWKWARD: [170.5, None, 181.0, 165.25, 1e-3, 172.0, 168.0, 175.5],
    "double": [1e9, 2e9 + 0.5, None, 1e3, 5e8, 3e9, 1e12, 0.0],
    "row": ["Köln", "Oslo", "Rome", None, "Oslo", "Köln", 'a "b" ??/', "Oslo"],
    "encode": [f"street {k}" for k in (0, 1, 2, 0, 1, 2, 3, 4)],
    "smokes": ["yes", "no", None, "no", "yes", "no", "no", "yes"],
    "flag": [1, 0, 0, None, 1, 1, 0, 0],
    "born": [
        *("2000-02-29", "1969-12-31 23:59", None, "2024-12-31T07:08:09"),
        *("1900-03-01", "2001-01-01", "2016-11-05 12:30:59.5", "1999-08-09"),
    ],
    "paid": [*("31/12/2020", "1/2/2021", "28/02/2019", None), *4 * ["15/6/2020 18:45"]],
    "once": [None, 1.5, 1.5, None, 1.5, 1.5, 1.5, 1.5],
}
LARGE = 20.0
NUMBERS = [LARGE + value for value in (1.0, 5.0, -2.0, 0.5, 3.0, 2.0, 9.0, -4.0)]
CLASSES = ["so", "so", 'a "c"', "no", "so", "no", 'a "c"', "no"]

# Cells that training has not seen, or that are written otherwise, one row each.
OTHERS = [
    {"row": "Paris", "encode": "street 99"},
    {"row": " Oslo ", "encode": "  street 1", "smokes": "YES"},
    {"row": "NA", "encode": "?", "smokes": "N/A", "born": "NaT", "paid": ""},
    {AWKWARD: -1e30, "double": 1e30},
    {AWKWARD: 5e-324, "double": -0.0, "once": 7.0},
    {"born": "2020-02-29T23:59:59+01:00", "paid": "01/01/1970"},
    {"born": "0001-01-01", "paid": "31/12/9999 23:59:59"},
    {"born": "2100-03-01T00:30:00-0200", "smokes": "True"},
    {"born": "2.1.1970", "smokes": "off"},
    dict.fromkeys(COLUMNS),
]


def rows():
    """Return rows of training, and others, as mappings of column to cell."""
    found = [
        dict(zip(COLUMNS, cells, strict=True))
        for cells in zip(*COLUMNS.values(), strict=True)
    ]
    return found + [found[0] | each for each in OTHERS]


def encoder(target="y", **settings):
    """Return an encoder of all kinds of columns."""
    values = NUMBERS if target == "y" else CLASSES
    kinds = {
        "paid": "day/month/year",
        "encode": "category",
        "double": "number",
        "born": "date",
    }
    kinds |= {AWKWARD: "number"}
    repeated = {name: 3 * cells for name, cells in COLUMNS.items()}
    data = table(repeated | {target: 3 * values}, target, columns=kinds)
    return Encoder.fit(data, **{"one_hot": 3, **settings})


def network(own, layers, loss="mean_squared_error", dtype="float64"):
    """Return a network of an encoder with numbers as training might leave them."""
    made = NeuralNetwork(layers, loss=loss, input_shape=own.input_shape, dtype=dtype)
    made.reader = own
    if own.target is not None and hasattr(own.target, "classes"):
        made.classes = list(own.target.classes)
    made._column = False
    return unlike_at_first(made)


def dense(own, outputs=1):
    """Return layers for an encoder."""
    return own.layers([Dense(4, "tanh"), Dense(outputs)])


def bag(own, outputs, loss):
    """Return a network that predicts the mean of three."""
    each = [network(own, dense(own, outputs), loss) for _ in range(3)]
    for seed, one in enumerate(each):
        unlike_at_first(one, seed)
    return bag_of(each, loss)


def members(own, outputs, loss):
    """Return a network of three members that share layers."""
    from dataclasses import replace

    from pellucid.losses import EachMember

    task = "numbers" if outputs == 1 else "classes"
    recipe = replace(recipe_for(600, task, ensemble=3), hidden=(4,))
    return network(own, layers_for(recipe, own, outputs), EachMember(loss, 3))


def numbers_only():
    """Return an encoder of numbers, which has a single array as its input."""
    data = table({"a": [1.0, None, 3.0], "b": [0.5, 0.1, 9.0], "y": NUMBERS[:3]}, "y")
    return Encoder.fit(data)


def cases():
    """Return networks for tables by name."""
    found = {
        scaling: network(
            own := encoder(scaling=scaling, clamp=scaling != "normal"), dense(own)
        )
        for scaling in ("robust", "standard", "normal", "adaptive")
    }
    own, labels = encoder(clamp=True), encoder("kind")
    found["likelihood"] = network(own, dense(own, 2), "gaussian_likelihood")
    found["bag of numbers"] = bag(own, 1, MeanSquaredError())
    found["members of numbers"] = members(own, 1, MeanSquaredError())
    found["classes"] = network(labels, dense(labels, 3), "cross_entropy", "float32")
    found["bag of classes"] = tempered(bag(labels, 3, CrossEntropy()), 1.5)
    found["members of classes"] = members(labels, 3, CrossEntropy())
    hot = encoder("kind", one_hot=9)
    found["no codes"] = network(hot, [Dense(3, "softmax")], "cross_entropy", "float32")
    return found


# Names of columns, and levels, that could end a text or a comment, or mean something.
HOSTILE = [
    'a "quote"',
    "an 'apostrophe'",
    "*/ int x; /*",
    "// # ",
    '''""" + quit() + """''',
    "line\nend\r",
    "back\\slash\\",
    "${process.exit()} `",
    "%s%n {0} {x!r}",
    "</script><!--",
    "??/ trigraph",
    "int",
    "class",
    "place_of(x), [1, (2",
    "np",
    "row",
    "numbers",
    "self",
    "output",
    "predict",
    "network",
    "found",
    "__proto__",
    "naïve 東京 \U0001f600",
    "turned \u202e round \u2028\u2066",
    "bell \x07 \x1b[31m",
    "",
    "  spaces  inside ",
    "1st",
    "x" * 200,
    "the one, the other; " * 12,
]


def hostile():
    """Return a network and rows of a table in which every name is hostile."""
    columns = {}
    levels = [name.strip() or "a level" for name in HOSTILE]
    for place, name in enumerate(HOSTILE):
        some = levels[place:] + levels[:place]
        kinds = [
            some * 2,
            some[:4] * 16,
            [float(i % 7) for i in range(len(levels))] * 2,
        ]
        columns[name] = kinds[place % 3][: 2 * len(levels)]
    y = [float(i) for i in range(2 * len(levels))]
    kinds = {
        name: "number" if place % 3 == 2 else "category"
        for place, name in enumerate(HOSTILE)
    }
    target = 'the "target" */'
    data = table(columns | {target: y}, target, columns=kinds)
    own = Encoder.fit(data)
    assert len(own.used) == len(HOSTILE)
    rows = [{name: cells[i] for name, cells in columns.items()} for i in (0, 1, 5, 17)]
    rows.append(dict.fromkeys(columns))
    return network(own, own.layers([Dense(3, "tanh"), Dense(1)], embedding=1)), rows


KNOWN = {}  # what encoders made of rows


def encoded(own, given):
    """Return what an encoder makes of rows, each read alone."""
    each = []
    for row in given:
        if (own, str(row)) not in KNOWN:
            columns = {name: [cell] for name, cell in row.items()}
            KNOWN[own, str(row)] = own.encode(columns, unseen="ignore")
        each.append(KNOWN[own, str(row)])
    if isinstance(each[0], dict):
        return {key: np.concatenate([x[key] for x in each]) for key in each[0]}
    return np.concatenate(each)


def expected(net, given):
    """Return what a network answers for rows."""
    x = encoded(net.reader, given)
    if net.loss.task == "classes":
        return net.predict_proba(x)
    return net.predict(x).reshape(len(given), -1)


def compare(net, found, given):
    """Fail unless a twin answers what the network answers."""
    wanted = expected(net, given)
    found = np.array(found, float).reshape(len(given), -1)
    assert found.shape == wanted.shape
    limit = 1e-5 if net.dtype == np.float32 else 1e-12
    np.testing.assert_allclose(found, wanted, rtol=limit, atol=limit / 10)
