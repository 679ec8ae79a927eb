"""The kernels of a network as text: what runs, in order, in the layers' own words."""

from typing import Any

from pellucid.engines.compiled import cache
from pellucid.engines.compiled.assembly import Assembly
from pellucid.engines.compiled.plan import Call, Extent, Loop
from pellucid.engines.compiled.printer import plain_names


def _extent(extent: Extent) -> str:
    factor, scaled = extent
    if not scaled:
        return str(factor)
    return "n" if factor == 1 else f"{factor}n"


def program_source(assembly: Assembly) -> str:
    """Return what one Program runs.

    Parameters
    ----------
    assembly : Assembly
        The Program.

    Returns
    -------
    str
        Each kernel once, with the formulas of its first use; later uses by name.
    """
    program = assembly.program
    parts = [f"# ===== {program.name} ====="]
    shown: set[str] = set()
    for i, step in enumerate(assembly.plan.steps):
        if isinstance(step, Call):
            names, node = plain_names(program), step.node
            formula = f"{names[node.id]} = {program.formula(node, names)}"
            where = node.layer or program.name
            parts.append(f"# {i + 1}. {node.operation.name}: {formula}  ({where})")
            continue
        parts.append(_loop(assembly, i, step, shown))
    return "\n\n".join(parts) + "\n"


def _loop(assembly: Assembly, index: int, step: Loop, shown: set[str]) -> str:
    kernel: Any = assembly.kernels[index]
    name = cache.name_of(kernel.body, assembly.bits)
    rows, columns = step.space
    title = f"# {index + 1}. {name}, over {_extent(rows)} rows of {columns}"
    note = "\n".join(f"#    {line}" for line in kernel.note.splitlines())
    if name in shown:
        return f"{title}: as above\n{note}"
    shown.add(name)
    return f"{title}\n{note}\n{kernel.body.rstrip()}"
