"""What every building block is: a small frozen record that a name can find.

Layers, activations, losses, initializers, optimizers and schedules are parts. Their
fields are their whole configuration, so equality, saving and documentation come for
free. A part from any other package registers itself by being defined.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import MISSING, Field, dataclass, field, fields
from functools import wraps
from typing import Any, ClassVar, Self, dataclass_transform

import numpy as np

from pellucid.errors import ConfigurationError, ModelFileError, suggestion


def part(
    family: Callable[[], type["Part"]], default: Any = MISSING, optional: bool = False
) -> Any:
    """Return a field that holds another part and accepts its name as well.

    Parameters
    ----------
    family : callable
        Returns the class whose `of` turns what the user wrote into a part; a callable,
        so that a class can hold parts of its own kind.
    default : object
        What stands there when nothing was written.
    optional : bool
        Whether None stays None.

    Returns
    -------
    dataclasses.Field
    """
    return field(default=default, metadata={"family": family, "optional": optional})


def parts(family: Callable[[], type["Part"]]) -> Any:
    """Return a field that holds a tuple of parts; a list of names will do as well.

    Parameters
    ----------
    family : callable
        As in `part`.

    Returns
    -------
    dataclasses.Field
    """
    return field(metadata={"family": family, "many": True})


def snake_case(name: str) -> str:
    """Return the name in lower case with underscores: ``BatchNorm`` -> ``batch_norm``.

    Parameters
    ----------
    name : str
        A class name.

    Returns
    -------
    str
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


@dataclass_transform(frozen_default=True, field_specifiers=(field, part, parts))
class Part:
    """The base of all building blocks.

    A subclass becomes a frozen dataclass and is registered in its family (the class
    directly below `Part`) without a decorator. Class keywords: ``label`` gives the name
    that stands in strings and files (the class name in snake case otherwise);
    ``abstract=True`` keeps a base out of the register.
    """

    family: ClassVar[type["Part"]]
    register: ClassVar[dict[str, type["Part"]]]
    label: ClassVar[str]

    def __init_subclass__(
        cls, label: str | None = None, abstract: bool = False
    ) -> None:
        super().__init_subclass__()
        if Part in cls.__bases__:
            cls.family, cls.register = cls, {}
        own_init = "__init__" in vars(cls)
        dataclass(frozen=True, repr=False)(cls)
        if not own_init:
            cls.__init__ = _explaining(cls.__init__)  # type: ignore[method-assign]
        cls.label = label or snake_case(cls.__name__)
        if not abstract:
            cls.register[cls.registered_name()] = cls

    def __post_init__(self) -> None:
        for each in self.settings():
            value = getattr(self, each.name)
            object.__setattr__(self, each.name, _converted(each, value))
        self.check()

    @classmethod
    def settings(cls) -> tuple[Field[Any], ...]:
        """Return the fields of this kind of part, in order."""
        made: Any = cls  # type checkers see the transform, not the dataclass it gives
        return fields(made)

    def check(self) -> None:
        """Raise `ConfigurationError` when the settings cannot work."""

    @classmethod
    def registered_name(cls) -> str:
        """Return the name in files: ``dense``, or ``module:Class`` for others."""
        if cls.__module__.partition(".")[0] == "pellucid":
            return cls.label
        return f"{cls.__module__}:{cls.__qualname__}"

    @classmethod
    def registered(cls) -> dict[str, type[Self]]:
        """Return the registered parts of this kind by name."""
        return {
            name: known
            for name, known in cls.register.items()
            if issubclass(known, cls)
        }

    @classmethod
    def _names(cls) -> dict[str, type[Self]]:
        """Return the registered parts by the names that users write; ours win."""
        known = cls.registered()
        return {kind.label: kind for kind in known.values()} | known

    @classmethod
    def of(cls, given: Any) -> Self:
        """Return the part that was meant: a part as it is, or the one of this name.

        Parameters
        ----------
        given : Part or str
            A part of this kind, or the name of one whose settings all have defaults.

        Returns
        -------
        Part

        Raises
        ------
        ConfigurationError
            If there is no such part of this kind.
        """
        kind = cls.__name__.lower()
        if isinstance(given, cls):
            return given
        if isinstance(given, type) and issubclass(given, cls):
            raise ConfigurationError(
                f"Got the class {given.__name__} as {kind}: write "
                f"{given.__name__}(...) with brackets."
            )
        if not isinstance(given, str):
            raise ConfigurationError(
                f"Expected a name or an object of class {cls.__name__} as {kind}, "
                f"got {given!r}."
            )
        names = cls._names()
        found = names.get(given)
        if found is None:
            raise ConfigurationError(
                f"There is no {kind} named {given!r}. {suggestion(given, names)}"
            )
        try:
            return found()
        except TypeError:
            required = ", ".join(
                each.name for each in found.settings() if _required(each)
            )
            raise ConfigurationError(
                f"The {kind} {given!r} needs settings ({required}): write "
                f"{found.__name__}({required})."
            ) from None

    def __repr__(self) -> str:
        placed: list[str] = []
        named: list[str] = []
        by_place = True
        for each, value in self._settings():
            if not _required(each) and value == _default(each):
                by_place = by_place and each.kw_only
            elif by_place and not each.kw_only:
                placed.append(_show(value))
            else:
                named.append(f"{each.name}={_show(value)}")
        return f"{type(self).__name__}({', '.join([*placed, *named])})"

    def _settings(self) -> Iterator[tuple[Any, Any]]:
        for each in self.settings():
            yield each, getattr(self, each.name)

    def config(self) -> dict[str, Any]:
        """Return the settings as JSON values, from which `restore` makes the part."""
        settings = {each.name: _plain(value) for each, value in self._settings()}
        kind = {
            "family": snake_case(self.family.__name__),
            "type": self.registered_name(),
        }
        return kind | settings

    @classmethod
    def restore(cls, config: Any) -> Self:
        """Return the part that `config` describes.

        Parameters
        ----------
        config : dict
            What `config` returned, perhaps read from a file.

        Returns
        -------
        Part

        Raises
        ------
        ModelFileError
            If the description is not one of a registered part of this kind.
        """
        if not isinstance(config, dict) or not isinstance(config.get("type"), str):
            raise ModelFileError(f"Expected the settings of {_a(cls)}.")
        name = config["type"]
        found = cls.registered().get(name)
        if found is None:
            module = name.partition(":")[0]
            remedy = (
                f"Import the module {module!r}, which defines it, before loading."
                if ":" in name
                else suggestion(name, cls.registered())
            )
            raise ModelFileError(
                f"The file names {_a(cls)} {name!r} that is not known here. {remedy}"
            )
        given = {key: config[key] for key in config if key not in ("family", "type")}
        expected = {each.name for each in found.settings()}
        if set(given) != expected:
            raise ModelFileError(
                f"The settings of {name!r} in the file are {sorted(given)}; expected "
                f"{sorted(expected)}."
            )
        try:
            return found(**{key: _thaw(value) for key, value in given.items()})
        except (ConfigurationError, TypeError) as error:
            raise ModelFileError(
                f"The file describes no valid {name!r}: {error}"
            ) from error


def _explaining(init: Callable[..., None]) -> Callable[..., None]:
    """Return a constructor that says what a setting it does not know may be here."""

    @wraps(init)
    def explaining(self: Part, *by_place: Any, **by_name: Any) -> None:
        known = {each.name: each for each in self.settings()}
        for name in by_name:
            if name not in known:
                near = suggestion(name, known)
                near = f" {near}" if near.startswith("Did") else ""
                raise ConfigurationError(
                    f"{type(self).__name__} has no setting {name!r}.{near} Its "
                    f"settings are {_list(known.values())}."
                )
        init(self, *by_place, **by_name)

    return explaining


def _list(settings: Iterable[Field[Any]]) -> str:
    """Return the settings in print, those that are given by place first."""
    ordered = sorted(settings, key=lambda each: bool(each.kw_only))
    each = (
        f"{one.name} (required)"
        if _required(one)
        else f"{one.name}={_show(_default(one))}"
        for one in ordered
    )
    return ", ".join(each) or "none"


def _a(kind: type) -> str:
    """Return ``a layer`` or ``an activation``."""
    name = kind.__name__.lower()
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _required(each: Any) -> bool:
    return each.default is MISSING and each.default_factory is MISSING


def _default(each: Any) -> Any:
    default = each.default_factory() if each.default is MISSING else each.default
    return _converted(each, default)


def _converted(each: Any, value: Any) -> Any:
    """Return a setting as the part keeps it: names as parts, lists as tuples."""
    if "family" in each.metadata and not (
        value is None and each.metadata.get("optional")
    ):
        family = each.metadata["family"]()
        if "many" not in each.metadata:
            return family.of(value)
        if isinstance(value, str | Part) or not isinstance(value, Iterable):
            raise ConfigurationError(
                f"Expected a list for {each.name}, got {value!r}: write [{value!r}]."
            )
        return tuple(map(family.of, value))
    value = _without_numpy(value)
    _check_kind(each, value)
    return value


def _without_numpy(value: Any) -> Any:
    """Return a NumPy number as Python's, so that it can be written to a file."""
    if isinstance(value, list | tuple):
        return tuple(map(_without_numpy, value))
    return value.item() if isinstance(value, np.generic) else value


def _check_kind(each: Any, value: Any) -> None:
    """Raise `ConfigurationError` unless a setting is of the kind its field declares."""
    declared = each.type.__name__ if isinstance(each.type, type) else str(each.type)
    expected, optional = declared.removesuffix(" | None"), declared.endswith("None")
    if expected not in _KINDS or (optional and value is None):
        return
    kinds, words = _KINDS[expected]
    fits = isinstance(value, kinds) and (expected == "bool") == isinstance(value, bool)
    if not fits or (isinstance(value, float) and not math.isfinite(value)):
        raise ConfigurationError(f"Expected {each.name} to be {words}, got {value!r}.")


_KINDS: dict[str, tuple[Any, str]] = {
    "float": (int | float, "a number"),
    "int": (int, "a whole number"),
    "bool": (bool, "True or False"),
    "str": (str, "a text"),
}


def _show(value: Any) -> str:
    """Return the shortest text that stands for a setting."""
    if isinstance(value, tuple) and any(isinstance(item, Part) for item in value):
        return f"[{', '.join(map(repr, value))}]"
    text = repr(value)
    if isinstance(value, Part) and text == f"{type(value).__name__}()":
        # By its name, unless that is the name of another one.
        meant = value.family._names().get(value.label)
        return repr(value.label) if meant is type(value) else text
    return text


def _plain(value: Any) -> Any:
    if isinstance(value, Part):
        return value.config()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _thaw(value: Any) -> Any:
    if isinstance(value, dict) and "family" in value:
        for family in Part.__subclasses__():
            if snake_case(family.__name__) == value["family"]:
                return family.restore(value)
        raise ModelFileError(
            f"The file names an unknown kind of part: {value['family']!r}."
        )
    if isinstance(value, list):
        return tuple(_thaw(item) for item in value)
    return value
