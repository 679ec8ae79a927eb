"""Exports: a network as a program or a file that others can use without pellucid.

Each kind is a module with ``source(network, **settings) -> str`` or, where it is not
text or is more than one file, ``files(network, name, **settings)``, which returns the
contents by file name. They are imported when asked for.
"""

from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pellucid.errors import ConfigurationError, suggestion

if TYPE_CHECKING:
    from pellucid.network import NeuralNetwork

# kind -> module here, and the ending of the file it writes
KINDS = {
    "python": ("python", ".py"),
    "python-plain": ("python_plain", ".py"),
    "c": ("c", ".c"),
    "javascript": ("javascript", ".mjs"),
    "latex": ("latex", ".tex"),
    "onnx": ("onnx", ".onnx"),
}
_BY_ENDING = {".py": "python", ".c": "c", ".h": "c", ".js": "javascript"}
_BY_ENDING |= {".mjs": "javascript", ".tex": "latex", ".onnx": "onnx"}


def _module(kind: str) -> Any:
    if kind not in KINDS:
        raise ConfigurationError(
            f"There is no source or export of kind {kind!r}. {suggestion(kind, KINDS)}"
        )
    return import_module(f"pellucid.export.{KINDS[kind][0]}")


def source(network: "NeuralNetwork", kind: str, /, **settings: Any) -> str:
    """Return a network as the text of a program or document.

    Parameters
    ----------
    network : NeuralNetwork
        With its numbers.
    kind : str
        One of `KINDS` that is text.
    **settings
        Of the module of this kind.

    Returns
    -------
    str

    Raises
    ------
    ConfigurationError
        If there is no such kind, or it is no text.
    """
    module = _module(kind)
    if not hasattr(module, "source"):
        raise ConfigurationError(
            f"An export to {kind} is a file of bytes, no text: write "
            f"net.export(path, to={kind!r})."
        )
    _check_settings(module.source, settings)
    text: str = module.source(network, **settings)
    return text


def _check_settings(function: Any, settings: dict[str, Any]) -> None:
    """Raise unless a module takes these settings, by their names."""
    parameters = signature(function).parameters.values()
    known = [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]
    unknown = next((name for name in settings if name not in known), None)
    if unknown is not None:
        advice = suggestion(unknown, known) if known else "It has none."
        raise ConfigurationError(f"This export has no setting {unknown!r}. {advice}")


def kind_of(path: Path, to: str | None) -> str:
    """Return the kind of an export: what was said, or what the file's ending says.

    Parameters
    ----------
    path : Path
        The file to write.
    to : str or None
        What was said.

    Returns
    -------
    str

    Raises
    ------
    ConfigurationError
        If nothing was said and the ending says nothing.
    """
    kind = to or _BY_ENDING.get(path.suffix.lower())
    if kind is None:
        raise ConfigurationError(
            f"What {path.name!r} is to become cannot be told from its ending: say "
            f"what, with to= (--to) one of {', '.join(map(repr, KINDS))}."
        )
    return kind


def files(
    network: "NeuralNetwork", name: str, kind: str, /, **settings: Any
) -> dict[str, str | bytes]:
    """Return all files of an export.

    Parameters
    ----------
    network : NeuralNetwork
        With its numbers.
    name : str
        Name of the first file, without a folder.
    kind : str
        One of `KINDS`.
    **settings
        Of the module of this kind.

    Returns
    -------
    dict of str to str or bytes
        Contents by file name.
    """
    module = _module(kind)
    if hasattr(module, "files"):
        _check_settings(module.files, settings)
        found: dict[str, str | bytes] = module.files(network, name, **settings)
        return found
    return {name: source(network, kind, **settings)}


def export(
    network: "NeuralNetwork",
    path: Path | str,
    to: str | None = None,
    /,
    **settings: Any,
) -> list[Path]:
    """Write a network as a program or a file for other software.

    Parameters
    ----------
    network : NeuralNetwork
        With its numbers.
    path : Path or str
        The file; a folder that is there must hold it. What exists is replaced.
    to : str, optional
        The kind, one of `KINDS`; told by the ending of the file by default.
    **settings
        Of the module of this kind.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    ConfigurationError
        If there is no such kind.
    OSError
        If a file cannot be written.
    """
    path = Path(path)
    kind = kind_of(path, to)
    contents = files(network, path.name, kind, **settings)
    written = []
    for name, content in contents.items():
        target = path.with_name(name)
        if isinstance(content, str):
            target.write_text(content, encoding="utf-8", newline="\n")
        else:
            target.write_bytes(content)
        written.append(target)
    return written
