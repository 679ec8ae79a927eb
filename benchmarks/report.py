"""The results as tables, results/README.md, from the files of results/."""

import json
import math

import quality_report
from cases import IMAGE_PREDICTIONS, IMAGE_TRAININGS, PREDICTIONS, TRAININGS
from peers import contestant

HEAD = """\
Made by `make bench`, case by case. The contestants of a case take turns in one
process, with a rest in between (only `torch.compile` has its own), each with its own
number of threads unless its name says otherwise. Times are minima, with medians in
brackets."""
RATIOS = """\
How many times as long an iteration of training takes with another library as with
pellucid's `fit`, all that `fit` does included. At the peak: what the ratio would be if
the matrix products ran at the machine's peak and all else took no time; no library can
do better (given where it is below 10)."""
ITERATIONS = """\
ReLU, softmax cross-entropy, Adam, float32. The truth table has sigmoids without
biases, the sum of squares and gradient descent on all four rows (the tutorials'
code: in float64). Nobody shuffles, so all see the same batches; one line shows
pellucid with the new order every epoch that is its default. The data lie in
memory. pellucid, scikit-learn and Keras: `fit` over many epochs, all included; the
inner step is pellucid without the loop around it. JAX: `jit`, epochs in `lax.scan`.
PyTorch: a loop over slices. Keras takes the truth table as a longer table, in
batches of four rows."""
SPEEDS = """\
GF/s: operations of the matrix products of an iteration by its shortest time, and
their share of the machine's peak on two threads. What runs on one thread, as small
networks do, can have half of it."""
IMAGE_RATIOS = """\
How many times as long an iteration of training takes with another library as with
pellucid's `fit`. PyTorch takes part with both orders of axes in memory, and the faster
one counts: what is to reach is reached against both. At the peak: as above, with 3 x 3
convolutions by Winograd's F(4x4, 3x3) and its transforms for nothing."""
IMAGE_ITERATIONS = """\
A 3 x 3 convolution keeps the image's size, and behind it comes the largest of every
2 x 2 pixels; at stride 2 the filters are of 5 x 5 and nothing is pooled. Then come
dense layers: of 64, 128, 256 and 128 neurons, column by column, and one of 10. ReLU,
softmax cross-entropy, Adam, float32. The data lie in memory in the order of axes that
each library asks for. JAX: `jit`, NHWC, and an epoch is one call of straight code
(`lax.scan`, unrolled): in a loop XLA's convolutions are far slower."""
IMAGE_SPEEDS = """\
GF/s: operations that convolutions have by their definition, and matrix products, by the
shortest time. Where pellucid computes 3 x 3 filters by tiles (Winograd) it multiplies
less, and can exceed the peak."""
IMAGE_PREDICTION = """\
Probabilities of the same networks, by `predict_proba`: how many times as long another
library takes."""
PREDICTION = """\
Probabilities of a classifier with ReLU and softmax: a NumPy array in, a NumPy array
out, inside Python."""
AROUND = """\
First network: from the start of a new process to the end of an epoch of 32
iterations of 2-16-16-2; at first with empty caches, later the shortest of several;
and how much of it was the first call that trains. Peak memory: of a process that
trains 784-128-64-10 for a second on 26 MB of data. Installed: with all that it
needs, as built for the CPU."""
ENGINES = "The same `fit`, with `engine='readable'` and with `engine='compiled'`."
PRODUCTS = """\
The three products of a dense layer (forward, gradient of its weights, gradient of its
inputs) by pellucid and by OpenBLAS (scipy-openblas32) with its kernels for AVX-512
(SkylakeX) and for AVX2 (Haswell): GF/s of one thread by the shortest time it took,
over the same matrices again and again."""
AS_HASWELL = """\
The same on this machine taken for a processor without AVX-512."""
GROWTH = """\
By the public `fit` with its default settings, in batches of 256: an epoch of
10-32-32-2 by rows, an iteration of ever wider networks by parameters; and the networks
of above on one and on two threads."""
MEMORY = """\
By how much `fit` raises the most memory in use, when the data are there already. It
may be the data once more, six vectors of the parameters' length for each shard, the
arena of temporary results, and a megabyte of Python's own objects (formulas, their
plan, the history)."""


def read(folder):
    """Return the contents of all files of results, by name."""
    found = {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("*.json"))
    }
    return {"cases": {}, "processes": {}} | found


def text(results):
    """Return all tables that there are results for.

    Parameters
    ----------
    results : dict of str to object
        Contents of the files, by name.
    """
    measured = results["cases"]
    trainings = [case for case in TRAININGS if case.name in measured]
    images = [case for case in IMAGE_TRAININGS if case.name in measured]
    predictions = [case for case in PREDICTIONS if case.name in measured]
    image_predictions = [case for case in IMAGE_PREDICTIONS if case.name in measured]
    parts, peak = [head(results["machine"], measured)], results["machine"]["peak"][1]
    if trainings:
        found = ratios(trainings, measured, peak)
        parts.append(section("Training against others", RATIOS, found))
        parts.append(
            section("Time of an iteration", ITERATIONS, times(trainings, measured))
        )
        parts.append(
            section("Share of the peak", SPEEDS, speeds(trainings, measured, peak))
        )
    if images:
        found = ratios(images, measured, peak)
        parts.append(section("Training on images against others", IMAGE_RATIOS, found))
        found = times(images, measured)
        parts.append(section("Time of an iteration on images", IMAGE_ITERATIONS, found))
        found = speeds(images, measured, peak)
        parts.append(section("Share of the peak on images", IMAGE_SPEEDS, found))
    if predictions:
        parts.append(section("Prediction", PREDICTION, times(predictions, measured)))
    if image_predictions:
        found = [
            *(ratios(image_predictions, measured), at_least_equal(measured)),
            *(times(cases, measured) for _, cases in by_rows(measured)),
        ]
        parts.append(section("Prediction of images", IMAGE_PREDICTION, *found))
    if results["processes"]:
        found = processes(results["processes"])
        parts.append(section("Around the training", AROUND, found))
    if "engines" in results:
        parts.append(section("The two engines", ENGINES, engines(results["engines"])))
    if "products" in results:
        found = products(results["products"])
        parts.append(section("Matrix products", PRODUCTS, *found))
    if "growth" in results:
        found = growth(results["growth"])
        picture = "![Time by rows, parameters and threads, and memory](growth.png)"
        parts.append(section("How cost grows", GROWTH, picture, *found))
    if "quality" in results:
        found = quality_report.sections(results["quality"])
        parts.append(section("Quality on tables", *found))
    missing = gaps(measured, results["processes"])
    if missing:
        parts.append(section("Gaps", missing))
    return "\n\n".join(parts) + "\n"


def section(title, *parts):
    return "\n\n".join([f"## {title}", *parts])


def table(names, rows):
    """Return a Markdown table; the first column is text, the others are numbers."""
    lines = [names, ["---", *["---:"] * (len(names) - 1)], *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def head(machine, measured):
    """Say what was measured where."""
    versions = ", ".join(f"{k} {v}" for k, v in machine["versions"].items() if v)
    loads = " and ".join(f"{load:.1f}" for load in machine["load"] if load is not None)
    where = f"{machine['processor']}, {machine['cores']} cores, {machine['system']}"
    lines = [
        f"* Machine: {where}; load before and after: {loads or 'not known'}.",
        f"* Versions: Python {machine['python']}, {versions}.",
    ]
    one, two = machine["peak"]
    if one:
        lines.append(
            f"* Peak, by pellucid's products of large matrices in float32: {one:.0f} "
            f"GF/s on one thread, {two:.0f} GF/s on two (vectors of "
            f"{machine['register_bits']} bits); NumPy's OpenBLAS with its own threads: "
            f"{machine['numpy_peak']:.0f} GF/s."
        )
    if machine["quick"] or any(case["quick"] for case in measured.values()):
        lines.append("* **A quick run, to see that all works: not to be quoted.**")
    return "\n\n".join(["# Benchmarks", HEAD, "\n".join(lines)])


def ratios(cases, measured, peak=None):
    """Compare pellucid's times with those of its peers, and with what was to reach.

    With a peak, also with the least time that any library can take.
    """
    rows = []
    for case in cases:
        taken = measured[case.name]["seconds"]
        for name in case.contestants:
            if name.startswith("pellucid") or not {name, "pellucid"} <= taken.keys():
                continue
            least, usual = (
                taken[name][what] / taken["pellucid"][what]
                for what in ("min", "median")
            )
            row = [case.name, title(name), f"{digits(least)}x", f"{digits(usual)}x"]
            if peak:
                most = taken[name]["min"] / (case.fewest_operations / (1e9 * peak))
                row.append(f"{digits(most)}x" if most < 10 else "")
            target = case.targets.get(name)
            if target is None:
                rows.append([*row, "", ""])
            else:
                rows.append(
                    [*row, f"{target}x", "yes" if least >= target else "**no**"]
                )
    columns = ["network", "against", "of minima", "of medians"]
    columns += ["at the peak"] if peak else []
    return table([*columns, "to reach", "reached"], rows)


def equal(case, measured):
    """Return whether pellucid is at least as fast as all that it is to equal."""
    taken = measured[case.name]["seconds"]
    others = [name for name in case.targets if name in taken]
    return (
        "pellucid" in taken
        and bool(others)
        and all(taken[name]["min"] >= taken["pellucid"]["min"] for name in others)
    )


def by_rows(measured):
    """Return the predictions of images that were measured, by their number of rows."""
    found = {}
    for case in IMAGE_PREDICTIONS:
        if case.name in measured:
            found.setdefault(case.rows, []).append(case)
    return found.items()


def at_least_equal(measured):
    """Say on how many networks predicting is as fast as with ONNX Runtime."""
    lines = []
    for rows, cases in by_rows(measured):
        reached = [equal(case, measured) for case in cases]
        answer = "yes" if sum(reached) >= 3 else "**no**"
        lines.append(
            f"* {rows} row{'s' * (rows > 1)}: at least as fast as ONNX Runtime on "
            f"{sum(reached)} of {len(reached)} networks (to reach: 3 of 4; reached: "
            f"{answer})"
        )
    return "\n".join(lines)


def times(cases, measured):
    """Give the time of an iteration or a call: contestants by cases."""
    names = dict.fromkeys(name for case in cases for name in case.contestants)
    rows = []
    for name in names:
        found = [measured[case.name]["seconds"].get(name) for case in cases]
        rows.append([title(name), *map(pair, found)])
    return table(["", *(case.column for case in cases)], rows)


def speeds(cases, measured, peak):
    """Give operations a second, and their share of the peak."""
    shown = ("pellucid", "pellucid_inner", "jax", "pytorch", "pytorch_channels_last")
    names = [name for name in shown if any(name in c.contestants for c in cases)]
    rows = []
    for case in cases:
        taken = measured[case.name]["seconds"]
        row = [case.name, f"{digits(case.operations / 1e6)} M"]
        for name in names:
            rate = case.operations / taken[name]["min"] / 1e9 if name in taken else None
            share = f" ({rate / peak:.1%})" if rate and peak else ""
            row.append(f"{digits(rate)}{share}" if rate else "-")
        rows.append(row)
    return table(["network", "operations", *map(title, names)], rows)


def processes(found):
    """Give what each library costs beside the training itself."""
    rows = []
    for name, taken in found.items():
        if name == "numpy":
            row = ["NumPy alone", "", "", "", "", size(taken["peak_bytes"]), ""]
            rows.append(row)
        elif "gap" not in taken:
            cold, warm = taken["first_cold"], taken["first_warm"]
            rows.append(
                [
                    title(name),
                    seconds(taken["import"]),
                    seconds(cold["since_start"]),
                    seconds(warm["since_start"]),
                    f"{seconds(cold['first_call'])}, {seconds(warm['first_call'])}",
                    size(taken["peak_bytes"]),
                    size(taken["installed_bytes"]),
                ]
            )
    columns = [
        "",
        "import, beyond NumPy",
        "first network, at first",
        "later",
        "of it the call",
        "peak memory",
        "installed",
    ]
    return table(columns, rows)


def engines(found):
    """Compare the two engines."""
    rows = []
    for name, taken in found.items():
        fast, slow = taken["pellucid"], taken["pellucid_readable"]
        ratio = digits(slow["min"] / fast["min"])
        rows.append([name, pair(slow), pair(fast), f"{ratio}x"])
    return table(["network", "readable", "compiled", "times as fast"], rows)


def products(found):
    """Return the tables of matrix products."""
    yield f"Load before and after: {found['load'][0]:.1f} and {found['load'][1]:.1f}."
    yield rates(found["here"])
    if found["haswell"]:
        yield AS_HASWELL
        yield rates(found["haswell"])


def rates(found):
    """Give operations a second of products, by contestant, in both types."""
    rows = []
    for product in found:
        operations = 2 * math.prod(product["layer"])
        layer = "{:,} x {:,} to {:,}".format(*product["layer"])
        taken = [s for kind in product["seconds"].values() for s in kind.values()]
        speeds = [digits(operations / s / 1e9) for s in taken]
        rows.append([layer, f"`{product['product']}`", *speeds])
    kinds = found[0]["seconds"].items()
    names = [f"{name}, {kind}" for kind, taken in kinds for name in taken]
    return table(["rows x inputs to outputs", "product", *names], rows)


def growth(found):
    """Return the tables of how cost grows."""
    rows = [[f"{r['rows']:,}", seconds(r["seconds_a_row"])] for r in found["rows"]]
    yield table(["rows", "time of a row"], rows)
    rows = [
        [
            f"{p['parameters']:,}",
            seconds(p["iteration"]),
            seconds(p["seconds_a_parameter"]),
            digits(p["gflops"]),
        ]
        for p in found["parameters"]
    ]
    yield table(["parameters", "iteration", "of it a parameter", "GF/s"], rows)
    rows = [
        [
            t["case"],
            t["shards"],
            seconds(t["one"]),
            seconds(t["two"]),
            f"{t['one'] / t['two']:.2f}x",
        ]
        for t in found["threads"]
    ]
    columns = ["network", "shards", "one thread", "two threads", "times as fast"]
    yield table(columns, rows)
    rows = [
        [
            m["network"],
            f"{m['rows']:,}",
            f"{m['parameters']:,}",
            m["shards"],
            size(m["grown"]),
            size(m["allowed"]),
            "yes" if m["grown"] < m["allowed"] else "**no**",
        ]
        for m in found["memory"]
    ]
    yield MEMORY
    columns = ["network", "rows", "parameters", "shards", "grown", "allowed", "holds"]
    yield table(columns, rows)


def gaps(measured, found):
    """List what could not be measured."""
    lines = [
        f"* {name}, {title(each)}: {why}"
        for name, case in measured.items()
        for each, why in case["gaps"].items()
    ]
    lines += [
        f"* {title(name)}, in a process of its own: {taken['gap']}"
        for name, taken in found.items()
        if "gap" in taken
    ]
    return "\n".join(lines)


def title(name):
    return contestant(name).title


def pair(found):
    """Return minimum and median of a time, or a dash."""
    return f"{seconds(found['min'])} ({seconds(found['median'])})" if found else "-"


def seconds(value):
    """Return a time with three digits, in a unit that suits it."""
    for unit, length in (("s", 1), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= length:
            return f"{digits(value / length)} {unit}"
    return f"{digits(value / 1e-9)} ns"


def size(value):
    """Return a number of bytes."""
    return f"{value / 1e6:,.0f} MB" if value >= 1e7 else f"{value / 1e6:.1f} MB"


def digits(value):
    """Return a number with three digits before or behind its point."""
    return f"{value:,.0f}" if value >= 99.95 else f"{value:.3g}"
