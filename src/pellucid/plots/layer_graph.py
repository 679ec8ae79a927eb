"""The layers of a network as a graph, with what flows between them for one sample."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.plots.canvas import canvas, is_dark
from pellucid.plots.circuit import logits_path, number, write_gradient, write_value
from pellucid.plots.diagram_scene import GROUND
from pellucid.trace import Step

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HIGH, _WIDE = 1.5, 3.3  # from one row to the next, and from one box to that beside it
_SHOWN = 3  # numbers of an array that are written
_LONGEST = 34  # letters in a box


@dataclass(eq=False)
class _Node:
    """An operation: what it is, what came out, and what came back."""

    text: str
    output: Any
    d_output: Any
    before: list["_Node"] = field(default_factory=list)
    row: int = 0
    x: float = 0.0


def draw_layers(step: Step, sample: int, ax: "Axes | None") -> "Axes":
    """Draw every layer as a box, from the input at the top to the loss at the bottom.

    Wires are found in the written-down computation, so branches are where they are,
    also in layers that nobody has heard of.

    Parameters
    ----------
    step : Step
        What is drawn.
    sample : int
        Which sample of the batch.
    ax : Axes or None
        What the user gave.

    Returns
    -------
    Axes
    """
    nodes = _nodes(step)
    _place(nodes)
    rows = max(node.row for node in nodes) + 1
    columns = max(node.x for node in nodes) - min(node.x for node in nodes) + 1
    width, height = columns * _WIDE + 1.0, rows * _HIGH + 0.3
    inch = min(1.25, 9 / width) if columns > 1 else 1.25
    ax = canvas(ax, (width * inch, height * inch * 0.62 + 0.6))
    ax.set_axis_off()
    left = min(node.x for node in nodes) * _WIDE - 1.5
    ax.set_xlim(left, left + width)
    ax.set_ylim(height - 0.8, -0.5)
    for node in nodes:
        _draw(ax, node, sample, nodes)
    return ax


def _nodes(step: Step) -> list[_Node]:
    """Return the operations in order, with what each of them looks at."""
    made: dict[int, _Node] = {}
    for leaf in step.program.leaves:
        if leaf.settings["vector"] == "x":
            name = leaf.settings["name"]
            values = step.x[name] if isinstance(step.x, dict) else step.x
            made[leaf.id] = _Node(name or "input", values, None)
    outputs = {path: step.nodes.get(f"{path}.output") for path in step.layers}
    known = {path: symbol for path, symbol in outputs.items() if symbol is not None}
    drawn = list(made.values())
    # As they ran; what a container only hands on belongs to the layer inside.
    for path in sorted(known, key=lambda path: (known[path].id, -path.count("."))):
        layer, symbol = step.layers[path], known[path]
        if symbol.id in made:
            continue
        text, output = f"{path}  {type(layer.layer).__name__}", layer.output
        if path == logits_path(step):  # what comes back is the gradient of z
            text, output = f"{text}: z", layer.kept["z"]
        node = _Node(text, output, layer.d_output)
        node.before = _sources(symbol, made)
        made[symbol.id] = node
        drawn.append(node)
        for name in layer.kept:  # the loss may look at what a layer keeps: logits
            kept = step.nodes[f"{path}.{name}"]
            if kept.layer == path:
                made.setdefault(kept.id, node)
    loss = step.nodes["losses"]
    last = _Node(step.blueprint.loss.label, step.losses, None)
    weight = step.sample_weight * step.scale
    last.d_output = weight.reshape(-1, 1)
    last.before = _sources(loss, made)
    return [*drawn, last]


def _sources(symbol: Any, made: dict[int, _Node]) -> list[_Node]:
    """Return the nearest known operations that a value comes from."""
    found: dict[int, _Node] = {}
    waiting, seen = list(symbol.inputs), set()
    while waiting:
        each = waiting.pop()
        if not hasattr(each, "id") or each.id in seen:
            continue
        seen.add(each.id)
        if each.id in made:
            found[id(made[each.id])] = made[each.id]
        else:
            waiting += each.inputs
    return list(found.values())


def _place(nodes: list[_Node]) -> None:
    """Give each node a row below all that it looks at, and a place in the row."""
    for node in nodes:
        node.row = 1 + max((each.row for each in node.before), default=-1)
    for row in range(max(node.row for node in nodes) + 1):
        mine = [node for node in nodes if node.row == row]
        wanted = [
            sum(each.x for each in node.before) / max(len(node.before), 1)
            for node in mine
        ]
        middle = sum(wanted) / len(wanted)
        for place, index in enumerate(np.argsort(wanted, kind="stable")):
            mine[index].x = middle + place - (len(mine) - 1) / 2


def _draw(ax: "Axes", node: _Node, sample: int, nodes: list[_Node]) -> None:
    x, y = node.x * _WIDE, node.row * _HIGH
    ground = GROUND[is_dark(ax)]
    box = {"boxstyle": "round,pad=0.45", "facecolor": ground["box"]}
    box["edgecolor"] = ground["quiet"]
    text = node.text if len(node.text) <= _LONGEST else f"{node.text[: _LONGEST - 1]}…"
    style: dict[str, Any] = {"ha": "center", "va": "center", "color": ground["ink"]}
    ax.text(x, y, text, fontsize=9, bbox=box, zorder=3, **style)
    users = [each for each in nodes if node in each.before]
    for user in users:
        ends = [(x, y), (user.x * _WIDE, user.row * _HIGH)]
        if user.row > node.row + 1 and abs(user.x - node.x) < 0.3:
            aside = min(each.x for each in nodes) * _WIDE - 1.35  # around the others
            ends = [ends[0], (aside, y + 0.3), (aside, ends[1][1] - 0.3), ends[1]]
        ax.plot(
            *zip(*ends, strict=True), color=ground["quiet"], linewidth=1.2, zorder=1
        )
    at = x + 0.12
    told, bad = _told(node.output, sample)
    write_value(ax, at, y + 0.45, told, 8, bad=bad)
    if node.d_output is not None:
        told, bad = _told(node.d_output, sample)
        write_gradient(ax, at, y + 0.52, told, 8, bad=bad)


def _told(values: Any, sample: int) -> tuple[str, bool]:
    """Return the first numbers of one sample, and whether some are not finite."""
    if isinstance(values, dict):
        values = np.concatenate(
            [np.reshape(v, (len(v), -1)) for v in values.values()], 1
        )
    one: NDArray[Any] = np.asarray(values)[sample]
    numbers = np.ravel(one).astype(np.float64)
    shown = ", ".join(number(float(each)) for each in numbers[:_SHOWN])
    more = len(numbers) > _SHOWN
    told = f"{shown}, …  ({' × '.join(map(str, one.shape))})" if more else shown
    bad = len(numbers) - int(np.isfinite(numbers).sum())
    return (f"{told}  [{bad} not finite]" if bad and more else told), bad > 0
