"""Draw the example pictures of docs/pictures.md, and write that page.

Run it from anywhere with ``python scripts/pictures.py``. The code on the page is the
code that made the picture beside it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"
FOLDER = DOCS / "pictures"

SETUP = """\
import numpy as np
import pellucid
from pellucid import Adam, Dense, NeuralNetwork, plots

# The truth table: four rows, one of the smallest problems that need a hidden layer.
x = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
y = np.array([[0], [1], [1], [0]])
table = NeuralNetwork(
    [Dense(4, "sigmoid"), Dense(1, "sigmoid")], loss="sum_of_squares", seed=1
)
table.fit(x, y, iterations=20, optimizer=Adam(0.1))
step = table.trace(x, y)

# Two half moons, which no straight line separates.
moons = pellucid.data.moons(n=200, seed=0)
net = NeuralNetwork(
    [Dense(4, "tanh"), Dense(2, "tanh"), Dense(1, "sigmoid")],
    loss="binary_cross_entropy",
    seed=3,
)
net.fit(moons.x, moons.y, epochs=150, optimizer=Adam(0.02), record=True)
"""


@dataclass(frozen=True)
class Picture:
    """A picture of the page.

    Parameters
    ----------
    name : str
        Of its file.
    title, told : str
        What stands above it.
    code : str
        What makes it; the last line is the picture.
    alt : str
        What it shows, for those who do not see it.
    """

    name: str
    title: str
    told: str
    code: str
    alt: str


PICTURES = [
    Picture(
        "computation_graph.png",
        "The computation, number by number",
        "Read it from left to right for feedforward: the value stands above each wire. "
        "Read it from right to left for backpropagation: below each wire, in magenta, "
        "stands how the loss changes with that number. Below a weight it is this "
        "sample's share of the gradient.",
        "plots.computation_graph(step, sample=1)",
        "Circuit of the network 3-4-1 from the inputs to the loss.",
    ),
    Picture(
        "one_neuron.png",
        "One neuron opened",
        "The same for a single neuron, of a network of any size: inputs times weights, "
        "their sum with the bias, the activation. Of many products the largest are "
        "drawn. Below an input stands what comes back through this neuron alone.",
        'plots.computation_graph(step, neuron="dense_1[2]", sample=1)',
        "Circuit of one neuron: three products, a sum, a sigmoid.",
    ),
    Picture(
        "layer_graph.png",
        "The layers of a larger network",
        "A network that is too large for single multiplications has one box for each "
        "layer. The wires are found in what the layers compute, so branches are where "
        "they are, also in layers that you wrote yourself.",
        """\
digits = pellucid.data.digits()
deep = NeuralNetwork(
    [
        Dense(32, "relu"),
        pellucid.Residual([pellucid.BatchNorm(), Dense(32, "relu")]),
        Dense(10),
    ],
    loss="cross_entropy",
)
deep.fit(digits.x, digits.y, epochs=5, record=True)
plots.computation_graph(deep.trace(digits.x[:20], digits.y[:20]))""",
        "Boxes of layers below each other; a wire goes around the residual block.",
    ),
    Picture(
        "lens_value.svg",
        "The diagram: values",
        "One diagram with three lenses. Values: wide and dark are large weights, blue "
        "and solid positive, orange and dashed negative. The neurons show their bias.",
        'plots.diagram_svg(step, lens="value")',
        "Diagram of the network 3-4-1 with its weights.",
    ),
    Picture(
        "lens_gradient.svg",
        "The diagram: gradients",
        "The same places, in a magenta frame: how the loss changes with each weight. "
        "Below each layer stands the length of its gradient as a share of the length "
        "of its weights; where that falls from layer to layer, the gradient vanishes.",
        'plots.diagram_svg(step, lens="gradient")',
        "The same diagram in a magenta frame with the gradient of each weight.",
    ),
    Picture(
        "lens_update.svg",
        "The diagram: the update",
        "In a green frame: what the optimizer adds to each weight. With Adam it looks "
        "different from the gradient, since small gradients make large steps too.",
        'plots.diagram_svg(step, lens="update")',
        "The same diagram in a green frame with the change of each weight.",
    ),
    Picture(
        "pulls.png",
        "A tug of war about one weight",
        "Each sample wants the weight larger or smaller, some more than others. The "
        "black arrow is what they come to: minus the gradient.",
        """\
early = NeuralNetwork([Dense(4, "tanh"), Dense(1)], loss="mean_squared_error", seed=3)
early.fit(moons.x, moons.y, epochs=1, optimizer=Adam(0.03))
plots.pulls(early.trace(moons.x[:24], moons.y[:24]), "dense_1.W[0, 2]")""",
        "Arrows of 24 samples to the left and right, sorted, and their mean.",
    ),
    Picture(
        "course.png",
        "The course of a training",
        "One line for each layer instead of a histogram for each moment: outputs, "
        "gradients, and updates as a share of the weights.",
        "plots.course(deep.recording)",
        "Three panels over the iterations with a line and a band for each layer.",
    ),
    Picture(
        "neuron_maps.png",
        "What each neuron computes",
        "Over the plane of two inputs, layer by layer: the first layer draws straight "
        "borders, the next ones combine them. Of more inputs two vary, and the others "
        "stay at their medians.",
        "plots.neuron_maps(net, moons)",
        "Small maps of the plane for each neuron, from straight to curved borders.",
    ),
    Picture(
        "bending.png",
        "The space as each layer bends it",
        "The grid is straight in the input. Each layer shears and bends it, until the "
        "line where the answer changes is straight: that is all the last layer can do.",
        "plots.bending(net, moons)",
        "The grid and the two classes after each stage of the network.",
    ),
    Picture(
        "landscape_weights.png",
        "The loss over two weights",
        "The true loss of all the data when two weights vary and the others stay, with "
        "the way that training took. The title says how much of that way is in this "
        "plane: little, for there are more weights.",
        """\
small = NeuralNetwork(
    [Dense(4, "tanh"), Dense(1, "sigmoid")], loss="binary_cross_entropy", seed=3
)
small.fit(moons.x, moons.y, epochs=30, optimizer=Adam(0.03), record=True)
plots.loss_landscape(
    small,
    moons,
    axes=("dense_1.W[0, 1]", "dense_1.W[1, 1]"),
    recording=small.recording,
)""",
        "Field of losses with contour lines, a path, and two arrows.",
    ),
    Picture(
        "landscape_gradient.png",
        "The loss along the gradient",
        "To the right goes steepest descent. Upwards goes a random direction that has "
        "in each filter the length of the weights, so that networks can be compared.",
        'plots.loss_landscape(small, moons, axes="gradient")',
        "Field of losses with an arrow to the right.",
    ),
    Picture(
        "landscape_path.png",
        "The loss around the path",
        "The plane in which the path lies best.",
        'plots.loss_landscape(small, moons, axes="path", recording=small.recording)',
        "Field of losses with the path of the training from its start to its end.",
    ),
    Picture(
        "importance.png",
        "Which columns a network needs",
        "How much worse it gets when the cells of one column are shuffled, five times "
        "over. Of these ten columns only the first five have to do with the target; "
        "the others are there to mislead.",
        """\
friedman = pellucid.data.friedman1(n=800, seed=0)
x_train, x_test, y_train, y_test = pellucid.data.split(friedman, test=0.25)
curved = NeuralNetwork([Dense(32, "tanh"), Dense(1)], loss="mean_squared_error", seed=1)
curved.fit(x_train, y_train, epochs=200, optimizer=Adam(0.01))
plots.importance(pellucid.permutation_importance(curved, x_test, y_test))""",
        "A bar for each of ten columns, five long and five near zero.",
    ),
    Picture(
        "dependence.png",
        "How its answer changes with a column",
        "One column is set to one value after the other, and all else stays. Orange is "
        "the mean over the rows, thin lines are single rows; the target has the "
        "parabola ``20 (x2 - 1/2)^2`` in it.",
        'plots.partial_dependence(pellucid.partial_dependence(curved, x_test, "x2"))',
        "A parabola of the mean among parallel thin ones.",
    ),
    Picture(
        "residuals.png",
        "What is left",
        "Prediction minus target. A cloud around zero that is equally wide everywhere "
        "is good; the orange line is its median.",
        "plots.residuals(y_test, curved.predict(x_test))",
        "A cloud of points around a dashed line at zero.",
    ),
    Picture(
        "calibration.png",
        "Whether probabilities are honest",
        "Of what it calls 80 % likely, 80 % should happen. A dot is a range of what "
        "was said, the larger the more rows; below the dashed line the network is too "
        "sure, as this one, which learned 200 noisy rows by heart.",
        """\
noisy = pellucid.data.moons(n=1200, noise=0.35, seed=0)
sure = NeuralNetwork(
    [Dense(64, "relu"), Dense(64, "relu"), Dense(2)], loss="cross_entropy", seed=0
)
sure.fit(noisy.x[:200], noisy.y[:200], epochs=150, optimizer=Adam(0.01))
said = sure.predict_proba(noisy.x[200:])
plots.calibration(pellucid.calibration(noisy.y[200:], said))""",
        "Dots of what happened against what was said, flatter than the diagonal.",
    ),
]


def page() -> str:
    """Return the text of the page.

    Returns
    -------
    str
    """
    parts = [
        "# Pictures of what happens inside",
        (
            "Each picture is one call, made from the real numbers of a network. It "
            "says which moment of training it shows. Blue is positive and orange "
            "negative, and the sign can be seen without the colours too; magenta is "
            "kept for gradients. Where numbers are not finite, the picture has a "
            "pattern and says so, or an error names them."
        ),
        (
            "All of them are matplotlib pictures. `ax=...` or, where there are several "
            "panels, `figure=...` says where to draw; `ax.figure.savefig(...)` or "
            "`figure.savefig(...)` writes a file. `plots.diagram_svg` gives the text "
            "of an SVG."
        ),
        "The pictures below are made from these networks.",
        f"```python\n{SETUP}```",
    ]
    for each in PICTURES:
        parts += [
            f"## {each.title}",
            each.told,
            f"```python\n{each.code}\n```",
            f"![{each.alt}](pictures/{each.name})",
        ]
    end = "This page and its pictures are made by `python scripts/pictures.py`."
    return "\n\n".join([*parts, end]) + "\n"


def draw(most: int = 60_000) -> None:
    """Draw all pictures.

    Parameters
    ----------
    most : int
        Bytes of a picture; a larger one is an error.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    names: dict[str, Any] = {}
    exec(SETUP, names)
    FOLDER.mkdir(exist_ok=True)
    for each in PICTURES:
        *before, last = statements(each.code)
        exec("\n".join(before), names)
        made, path = eval(last, names), FOLDER / each.name
        if isinstance(made, str):
            path.write_text(made, encoding="utf-8")
        else:
            _save(getattr(made, "figure", made), path)
        size = path.stat().st_size
        print(f"{size / 1000:6.1f} kB  {path.relative_to(DOCS)}")
        if size > most:
            raise SystemExit(f"{path.name} is larger than {most} bytes")


def statements(code: str) -> list[str]:
    """Return the statements of some code.

    Parameters
    ----------
    code : str
        Any number of lines.

    Returns
    -------
    list of str
    """
    import ast

    return [ast.unparse(each) for each in ast.parse(code).body]


def _save(figure: Any, path: Path) -> None:
    """Write a figure with 200 colours: small, and as good to the eye."""
    import io

    import matplotlib.pyplot as plt
    from PIL import Image

    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=105, format="png")
    image = (
        Image.open(buffer)
        .convert("RGB")
        .quantize(200, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    )
    image.save(path, optimize=True)
    plt.close(figure)


if __name__ == "__main__":
    draw()
    (DOCS / "pictures.md").write_text(page(), encoding="utf-8")
