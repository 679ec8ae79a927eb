"""Operations over images that are done at once with the one before them in a chain.

The pixels of the largest are found with the largest, and the largest of 2 x 2 windows
while tiles of a convolution are still in registers.
"""

from dataclasses import replace

from pellucid.convolution import Window
from pellucid.engines.compiled.arena import read_by
from pellucid.engines.compiled.chains import Chain
from pellucid.engines.compiled.convolution.blocked import Blocked, MadeBefore
from pellucid.engines.compiled.convolution.pooling import Largest
from pellucid.engines.compiled.convolution.winograd import TiledConvolve, TiledLargest
from pellucid.engines.compiled.pixels import LARGEST_PIXELS
from pellucid.engines.compiled.plan import Plan
from pellucid.symbol import Symbol

Writes = dict[int, tuple[Symbol, ...]]  # step -> whose memory it writes, if not its own


def fused(
    plan: Plan,
    over_images: dict[int, Blocked],
    chains: list[Chain],
    outputs: set[int],
) -> tuple[dict[int, Blocked], Writes]:
    """Return the operations of a plan with some of them done at once.

    Parameters
    ----------
    plan : Plan
        Its steps.
    over_images : dict of int to Blocked
        Those of them that are done in blocks of samples.
    chains : list of Chain
        Steps that take turns.
    outputs : set of int
        Ids of the nodes that are wanted in the end.

    Returns
    -------
    over_images : dict of int to Blocked
        With others in the places of some.
    writes : dict
        What the others write.
    """
    found, writes = dict(over_images), Writes()
    readers: dict[int, set[int]] = {}
    for i, step in enumerate(plan.steps):
        for node in step.nodes:
            for source in read_by(node):
                readers.setdefault(source.id, set()).add(i)
    for chain in chains:
        for i in range(chain.first, chain.last):
            _find_pixels(i, chain, plan, found, writes, readers)
        for i in range(chain.first, chain.last):
            _find_largest(i, plan, found, writes, readers, outputs)
    return found, writes


def _find_pixels(
    i: int,
    chain: Chain,
    plan: Plan,
    found: dict[int, Blocked],
    writes: Writes,
    readers: dict[int, set[int]],
) -> None:
    """Let a maximum also say which pixel it is, if the next step is for that."""
    largest, pixels = (plan.steps[j].nodes[0] for j in (i, i + 1))
    operation = found.get(i)
    if not isinstance(operation, Largest) or not operation.value:
        return
    if pixels.operation.name != LARGEST_PIXELS.name:
        return
    same = largest.inputs[0] is pixels.inputs[0]
    # What the chain itself reads may have room for a few samples only.
    later = all(j > chain.last for j in readers.get(pixels.id, ()))
    if same and largest.settings == pixels.settings and later:
        found[i] = replace(operation, pixels=True)
        found[i + 1] = MadeBefore(operation.together)
        writes[i] = (largest, pixels)


def _find_largest(
    i: int,
    plan: Plan,
    found: dict[int, Blocked],
    writes: Writes,
    readers: dict[int, set[int]],
    outputs: set[int],
) -> None:
    """Let a convolution by tiles take maxima, if nothing else is made of its result."""
    tiled, largest = found.get(i), found.get(i + 1)
    if type(tiled) is not TiledConvolve or not isinstance(largest, Largest):
        return
    node, above = (plan.steps[j].nodes[0] for j in (i, i + 1))
    others = {i + 1} | ({i + 2} if largest.pixels else set())
    alone = readers.get(node.id, set()) <= others and node.id not in outputs
    if alone and largest.value and largest.window == Window((2, 2), (2, 2)):
        sizes = tiled.images, tiled.filters, tiled.window, tiled.groups
        found[i] = TiledLargest(*sizes, largest.pixels)
        for j in others:
            found[j] = MadeBefore(tiled.together)
        writes[i] = writes.pop(i + 1, (above,))
