"""Promises about the source as a whole: who imports whom, and what is documented."""

import ast
import dataclasses
import importlib
import importlib.util
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"

# A module may import, at its top, what stands above it. `_version` may be imported by
# all, and `pellucid/__init__.py` imports nothing but these two: the rest loads lazily.
FOUNDATION = ["_version", "errors"]
ORDER = [
    *FOUNDATION,
    "rng",
    "special",
    "instead",
    "source_lines",
    "convolution",
    "part",
    "readers",
    "texttable",
    "layout",
    "symbol",
    "ops",
    "program",
    "layer",
    "initializers",
    "activations",
    "losses",
    "schedules",
    "optimizers",
    "minimizers",
    "metrics",
    "augmentations",
    "layers",
    "models",
    "blueprint",
    "tracing",
    "notation",
    "arrays",
    "targets",
    "data",
    "encoder",
    "neuron",
    "samples",
    "engines",
    "views",
    "network",
    "attribution",
    "column_numbers",
    "importance",
    "dependence",
    "reliability",
    "shapley",
    "gradient_check",
    "step",
    "trace",
    "why",
    "export",
    "importers",
    "derivation",
    "summary",
    "locks",
    "container",
    "files",
    "training",
    "recording",
    "course",
    "recording_files",
    "tabular",
    "estimators",
    "plots",
    "testing",
    "doctor",
    "report",
    "results",
    "demo",
    "image_training",
    "table_training",
    "table_tuning",
    "info",
    "cli",
]

# Besides the standard library and NumPy, a module imports packages inside the functions
# that use them, so that `import pellucid` stays light. The exceptions, by module:
PACKAGES_AT_TOP = {
    "pellucid.cli": {"click"},
    # The estimators are made of scikit-learn's base classes; nothing else imports them.
    "pellucid.estimators": {"narwhals", "sklearn"},
    # What Numba compiles is written for Numba; it is imported when it is to run.
    "pellucid.engines.compiled": {"numba", "llvmlite"},
}

# Text for Numba: short functions of kernels' words, whose docstring is their formula.
WORDS_OF_KERNELS = [
    f"pellucid.engines.compiled.{name}"
    for name in (
        "atomics",
        "driver",
        "elementary",
        "products",
        "runtime",
        "turning",
        "turns",
        "vectors",
    )
]


# Text for exported programs, which copy it: a docstring of one line.
SPELLED_OUT = ["pellucid.export.numpy_functions"]


def _module_name(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_module_name(path): path for path in sorted(SOURCE.rglob("*.py"))}
every_module = pytest.mark.parametrize("module", MODULES)


# ---- imports


def imports_at_top(source: str, package: str) -> Iterator[tuple[int, str]]:
    """Yield line and dotted name of all that is imported when the source is imported.

    Bodies of functions run later and what stands under TYPE_CHECKING never runs, so
    both are left out. ``from a.b import c`` gives ``a.b.c``, whatever kind c is.
    """
    waiting: list[ast.AST] = list(ast.parse(source).body)
    while waiting:
        match waiting.pop(0):
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                pass
            case ast.If(
                test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"),
                orelse=otherwise,
            ):
                waiting += otherwise
            case ast.Import(names=names, lineno=line):
                yield from ((line, alias.name) for alias in names)
            case ast.ImportFrom(module=origin, names=names, level=level, lineno=line):
                origin = importlib.util.resolve_name(
                    "." * level + (origin or ""), package
                )
                yield from ((line, f"{origin}.{alias.name}") for alias in names)
            case node:
                waiting += ast.iter_child_nodes(node)


def _imports_of(module: str) -> list[tuple[int, str]]:
    path = MODULES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    return list(imports_at_top(path.read_text("utf-8"), package))


def _defining_module(name: str) -> str | None:
    """Return the module of pellucid that `name` is or lies in, None for other names."""
    while name and name not in MODULES:
        name = name.rpartition(".")[0]
    return name or None


def _place(module: str) -> str:
    """Return the name that stands for the module in ORDER."""
    return [*module.split("."), "__init__"][1]


def test_the_reader_of_imports_sees_what_runs_at_import_and_nothing_else() -> None:
    source = """
import a, b.c as d
from e.f import g, h
from . import i
from .j import k
if TYPE_CHECKING:
    import never
else:
    import l
try:
    import m
except ImportError:
    from n import *
class Body:
    import o
    def method(self):
        import later
def function():
    import later
"""
    names = {name for _, name in imports_at_top(source, "p.q")}
    expected = "a b.c e.f.g e.f.h p.q.i p.q.j.k l m n.* o"
    assert names == set(expected.split())


@every_module
def test_a_module_imports_only_from_above_it(module: str) -> None:
    place = _place(module)
    assert place == "__init__" or place in ORDER, (
        f"{module} is new: add {place!r} to ORDER in {Path(__file__).name}, below all "
        "that it imports and above all that will import it"
    )
    above = FOUNDATION if place == "__init__" else ORDER[: ORDER.index(place)]
    for line, name in _imports_of(module):
        origin = _defining_module(name)
        if origin is None:
            continue
        target = _place(origin)
        assert target == place != "__init__" or target in above, (
            f"{module}, line {line}: imports {name}, and {target} does not stand above "
            f"{place} in ORDER; import it inside the function that needs it, or move "
            "what is shared upwards"
        )


def test_no_modules_import_each_other_in_a_circle() -> None:
    origins = {
        module: {_defining_module(name) for _, name in _imports_of(module)} - {None}
        for module in MODULES
    }
    try:
        list(TopologicalSorter(origins).static_order())
    except CycleError as error:
        pytest.fail(f"modules import each other: {' <- '.join(error.args[1])}")


@every_module
def test_packages_are_imported_where_they_are_used(module: str) -> None:
    free = {"pellucid", "numpy", *sys.stdlib_module_names}
    for place, packages in PACKAGES_AT_TOP.items():
        free |= packages if f"{module}.".startswith(f"{place}.") else set()
    for line, name in _imports_of(module):
        assert name.partition(".")[0] in free, (
            f"{module}, line {line}: imports {name} at its top; import it inside the "
            "function that uses it"
        )


def _run(program: str) -> Any:
    """Return what the program prints as JSON, run in a Python of its own."""
    command = [sys.executable, "-c", f"import json, sys\n{program}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_importing_pellucid_loads_nothing_heavy() -> None:
    added = _run(
        "import numpy; before = set(sys.modules); import pellucid\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    assert "pellucid" in added
    packages = {name.partition(".")[0] for name in added} - {"pellucid", "numpy"}
    assert packages <= sys.stdlib_module_names


def test_a_star_imports_what_works_without_scikit_learn() -> None:
    names = _run(
        "sys.modules['sklearn'] = None\nfrom pellucid import *\n"
        "print(json.dumps(sorted(globals())))"
    )
    assert {"NeuralNetwork", "plots", "tabular", "load"} <= set(names)


def test_importing_every_module_changes_no_global_state() -> None:
    before, after = _run(
        f"""
import locale, os, signal, threading, warnings
import click, numpy, sklearn.base  # scikit-learn adds filters of warnings
def state():
    return str([
        numpy.geterr(), numpy.get_printoptions(), list(numpy.random.get_state()[1]),
        warnings.filters, locale.setlocale(locale.LC_ALL), dict(os.environ),
        os.getcwd(), signal.getsignal(signal.SIGINT), threading.active_count(),
    ])
before = state()
for name in {list(MODULES)}:
    __import__(name)
print(json.dumps([before, state()]))
"""
    )
    assert after == before


# ---- docstrings


def sections(docstring: str) -> dict[str, list[str]]:
    """Return the unindented lines of each numpydoc section by its title."""
    underlined = re.compile(r"^(\w[\w ]*)\n-{3,}$", re.MULTILINE)
    pieces = underlined.split(inspect.cleandoc(docstring))
    return {
        title: [line for line in body.splitlines() if line and not line[0].isspace()]
        for title, body in zip(pieces[1::2], pieces[2::2], strict=True)
    }


def documented(lines: list[str]) -> list[str]:
    """Return the names in a section's lines: ``*x, y : ndarray`` gives x and y."""
    names = ",".join(line.partition(" :")[0] for line in lines)
    return [name.strip().lstrip("*") for name in names.split(",") if name.strip()]


def _parameters(function: Any) -> list[str]:
    names = list(inspect.signature(function).parameters)
    bound = names[:1] in (["self"], ["cls"])
    return [name for name in names[bound:] if not name.startswith("_")]


def _returns_something(function: Any) -> bool:
    returned = inspect.signature(function).return_annotation
    return returned not in (
        None,
        "None",
        inspect.Signature.empty,
    ) and "NoReturn" not in (getattr(returned, "__name__", str(returned)))


def _own_docstring(thing: Any) -> str:
    """Return the docstring that somebody wrote for this very thing, "" without one."""
    text = vars(thing).get("__doc__") if inspect.isclass(thing) else thing.__doc__
    generated = inspect.isclass(thing) and (text or "").startswith(f"{thing.__name__}(")
    return "" if generated else (text or "").strip()


def faults_of_function(function: Any, around: str | None = None) -> Iterator[str]:
    """Yield what is wrong with the docstring of a function or method.

    Without parameters a summary is enough. For a method, which comes with the text
    `around` it (its class, the bases), it is enough too when these mention every
    parameter.
    """
    text = _own_docstring(function)
    if not text:
        yield "has no docstring"
        return
    parameters, found = _parameters(function), sections(text)
    if not found.keys() & {"Parameters", "Returns", "Yields"}:
        mentioned = "" if around is None else f"{text} {around}"
        absent = set(parameters) - set(re.findall(r"\w+", mentioned))
        if absent:
            yield f"does not document {', '.join(sorted(absent))}"
        return
    names = documented(found.get("Parameters", []))
    if sorted(names) != sorted(parameters):
        yield f"has the parameters {parameters}, and documents {names}"
    if _returns_something(function) and not found.keys() & {"Returns", "Yields"}:
        yield "does not say what it returns"


def faults_of_class(kind: type) -> Iterator[str]:
    """Yield what is wrong with the docstrings of a class and its public members."""
    text = _own_docstring(kind)
    if not text:
        yield "has no docstring"
    found = sections(text)
    names = documented(found.get("Parameters", []) + found.get("Attributes", []))
    known, own = _settings(kind)
    absent = [name for name in own if name not in names]
    if absent:
        yield f"does not document {', '.join(absent)} under Parameters"
    unknown = [
        name for name in documented(found.get("Parameters", [])) if name not in known
    ]
    if unknown:
        yield f"documents {', '.join(unknown)}, which it does not take"

    around = " ".join(inspect.getdoc(base) or "" for base in kind.__mro__[:-1])
    for name, member in vars(kind).items():
        if name.startswith("_"):
            continue
        above = " ".join(
            (getattr(base, name).__doc__ or "")
            for base in kind.__mro__[1:-1]
            if hasattr(base, name)
        )
        if isinstance(member, property | cached_property):
            if not (member.__doc__ or above).strip():
                yield f".{name} has no docstring"
            continue
        function = inspect.unwrap(getattr(member, "__func__", member))
        # A function of another name is no method but a field's default or the like.
        if not (inspect.isfunction(function) and function.__name__ == name):
            continue
        if function.__doc__ or not above.strip():
            found_here = faults_of_function(function, f"{around} {above}")
            yield from (f".{name} {fault}" for fault in found_here)


def _settings(kind: type) -> tuple[list[str], list[str]]:
    """Return what the constructor takes, and which of it the class itself declares."""
    own = vars(kind)
    if dataclasses.is_dataclass(kind):
        known = [each.name for each in dataclasses.fields(kind) if each.init]
        declared = inspect.get_annotations(kind)
    elif hasattr(kind, "_fields"):  # a NamedTuple
        known, declared = list(kind._fields), dict.fromkeys(kind._fields)
    elif "__init__" in own and not getattr(kind, "_is_protocol", False):
        known = _parameters(own["__init__"])
        declared = dict.fromkeys(known)
    else:
        known, declared = [], {}
    known = [name for name in known if not name.startswith("_")]
    return known, [name for name in known if name in declared]


def _public(module: ModuleType) -> Iterator[tuple[str, Any]]:
    for name, thing in vars(module).items():
        here = getattr(thing, "__module__", None) == module.__name__
        if here and not name.startswith("_"):
            yield name, thing


@every_module
def test_what_is_public_is_documented(module: str) -> None:
    imported = importlib.import_module(module)
    faults = [] if _own_docstring(imported) else [f"{module} has no docstring"]
    for name, thing in _public(imported):
        if module in (*WORDS_OF_KERNELS, *SPELLED_OUT):
            continue
        if inspect.isclass(thing):
            found = faults_of_class(thing)
        elif inspect.isfunction(inspect.unwrap(thing)):
            found = faults_of_function(inspect.unwrap(thing))
        else:
            continue
        faults += [f"{module}.{name}{'' if f[0] == '.' else ' '}{f}" for f in found]
    assert not faults, "\n".join(faults)


def test_the_docstring_rules_catch_what_they_should() -> None:
    def right(x: int, *rest: int) -> int:
        """Return something.

        Parameters
        ----------
        x, *rest : int
            Numbers.

        Returns
        -------
        int
        """
        return x

    def wrong(x: int, y: int) -> int:
        """Return something.

        Parameters
        ----------
        x : int
            A number.
        """
        return x

    def bare(x: int) -> int:
        """Return something."""
        return x

    @dataclasses.dataclass
    class Base:
        """A base.

        Parameters
        ----------
        x : int
            A number.
        """

        x: int

        def twice(self, factor: int) -> int:
            """Return x times two times `factor`."""
            return self.x * 2 * factor

        def thrice(self, factor: int) -> int:
            """Return x times three."""
            return self.x * 3 * factor

    @dataclasses.dataclass
    class Child(Base):
        """A child, which documents only what it adds, and here forgets to."""

        y: int = 0

        def twice(self, factor: int) -> int:
            return 0

        def other(self) -> None:
            pass

    @dataclasses.dataclass
    class Generated:
        x: int

    assert list(faults_of_function(right)) == []
    assert list(faults_of_function(bare)) == ["does not document x"]
    assert list(faults_of_function(wrong)) == [
        "has the parameters ['x', 'y'], and documents ['x']",
        "does not say what it returns",
    ]
    assert list(faults_of_class(Base)) == [".thrice does not document factor"]
    assert list(faults_of_class(Child)) == [
        "does not document y under Parameters",
        ".other has no docstring",
    ]
    assert list(faults_of_class(Generated)) == [
        "has no docstring",
        "does not document x under Parameters",
    ]


# ---- the text of the repository

# Each pattern is broken up by brackets, so that this file does not match itself.
PRIVATE = re.compile(
    r"""
    pypi[.]org | pythonhosted[.](org|com) | registry[.]npmjs | deb[.]debian[.]org
    | [/]work/ | [/]root/ | [/]tmp/bash | [/]tmp/brief | [/]opt/(pypi|wheels)
    | [.][.]/shared | \b(design|mission|examples-to-follow|BRIEF)[.]md
    | \b[s]essions?\b | \b[w]orkplace\b | \b[i]ssue\s*\#?\s*\d
    | \b[t]he\ lead\b | \b[c]laude\b | \b[a]nthropic\b
    """,
    re.VERBOSE | re.IGNORECASE,
)
# Words of pytest and of Python that happen to match.
HARMLESS = re.compile(r'scope="\w+"|([Pp]ython|interactive) \w+|pytest[._]\w+')


def _texts(require_tool: Any) -> Iterator[tuple[Path, str]]:
    git = require_tool("git")
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    command = [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        content = (ROOT / name).read_bytes() if (ROOT / name).is_file() else b""
        if b"\0" not in content:
            yield Path(name), content.decode("utf-8", "replace")


def test_no_file_speaks_of_the_place_where_it_was_written(require_tool: Any) -> None:
    found = [
        f"{path}:{number}: {match[0]!r}"
        for path, text in _texts(require_tool)
        for number, line in enumerate(text.splitlines(), 1)
        if (match := PRIVATE.search(HARMLESS.sub("", line)))
    ]
    assert not found, "\n".join(found)


def test_the_search_for_private_words_finds_them() -> None:
    for pieces in (
        ("an earlier ses", "sion"),
        ("/wor", "k/main"),
        ("see iss", "ue #2"),
    ):
        assert PRIVATE.search("".join(pieces))
