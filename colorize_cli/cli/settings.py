"""Values of options from the environment, from ``colorize.toml`` and from presets.

The order of precedence is: command line, environment, file in the current folder, file in the user's configuration
folder, preset. A file in the folder of the photographs is never read: the sender of photographs must not set options.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from colorize_cli.errors import UsageProblem
from colorize_cli.option import Option, flag

FILE = "colorize.toml"
PREFIX = "COLORIZE_"
VERBS = ("colorize", "watch")
"""Commands whose options are at the top level of the file and whose variables do not contain the command's name."""
_ONLY_COLORIZE = ("files-from",)
COMMANDS = ("train", "evaluate", "bench", "review")
"""Commands with a table in the file."""

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "archive": {"vividness": 0.3, "sidecar": True, "skip_existing": True},
    "family": {"vividness": 0.7, "format": "jpeg", "quality": 90},
    "publication": {
        "vividness": 0.4, "label": "Colorized", "label_position": "below", "strip": True, "quality": 95,
    },
}  # fmt: skip
"""The values of each preset; the vividness applies only to models that have one."""


@dataclass
class Settings:
    """Values by option, and the origin of each."""

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    ignored: Path | None = None

    def add(self, name: str, value: Any, place: str) -> None:
        """Set a value unless it is already set."""
        if name not in self.values:
            self.values[name], self.origins[name] = value, place


def variables(command: str, name: str, option: Option) -> list[str]:
    """Return the environment variables of one option of a command, in order of precedence."""
    if option.argument:
        return []
    word = key(name, option).upper().replace("-", "_")
    if command in VERBS:
        return [f"{PREFIX}{word}"]
    own = [f"{PREFIX}{command.upper()}_{word}"] if command in COMMANDS else []
    return own + ([f"{PREFIX}{word}"] if option.everywhere else [])


def key(name: str, option: Option) -> str:
    """Return the key of an option in the file: its name on the command line without the dashes."""
    return (option.flags or (flag(name),))[0].removeprefix("--")


def origin(ctx: Any, name: str) -> str:
    """Return the origin of an option's value, for messages; "" for the command line and defaults."""
    source = ctx.get_parameter_source(name)
    if source is None or source.name not in ("ENVIRONMENT", "DEFAULT_MAP"):
        return ""
    if source.name == "DEFAULT_MAP":
        settings = ctx.meta.get(__name__)
        return settings.origins.get(name, "") if isinstance(settings, Settings) else ""
    parameter = next(parameter for parameter in ctx.command.params if parameter.name == name)
    names = [parameter.envvar] if isinstance(parameter.envvar, str) else parameter.envvar or []
    return next((variable for variable in names if os.environ.get(variable)), "")


def apply_settings(
    ctx: Any, options: Mapping[str, Option], given: Mapping[str, Any], photos: Sequence[str]
) -> Path | None:
    """Make the values of files and presets the defaults of a command before it is parsed.

    ``given``: the options that the command line sets. Returns the file that is ignored because it is in the folder of
    the photographs, if any. Raises :class:`UsageProblem` for a file that cannot be used.
    """
    settings = Settings()
    for path in _files(photos, settings):
        _add_file(settings, path, ctx.info_name, options)
    if "preset" in options:
        _add_preset(settings, _chosen("preset", given, settings), _chosen("model", given, settings))
    ctx.meta[__name__] = settings
    ctx.default_map = {**(ctx.default_map or {}), **settings.values}
    return settings.ignored


def user_file() -> Path:
    """Return the path of the file in the user's configuration folder."""
    from platformdirs import user_config_path

    return user_config_path("colorize", appauthor=False) / FILE


def _files(photos: Sequence[str], settings: Settings) -> list[Path]:
    here = Path(FILE)
    found = []
    if here.is_file():
        if any(_is_among(word) for word in photos):
            settings.ignored = here
        else:
            found.append(here)
    mine = user_file()
    return [*found, mine] if mine.is_file() else found


def _is_among(word: str) -> bool:
    """Whether the current folder is, or is inside, a folder of photographs that were given."""
    if word == "-" or word.startswith("@"):
        return False
    import glob

    path = Path(word)
    if not os.path.isdir(word):  # noqa: PTH112 - False for an invalid name
        path = path.parent
        while glob.has_magic(str(path)):
            path = path.parent
    return Path.cwd().resolve().is_relative_to(path.resolve())


def _chosen(name: str, given: Mapping[str, Any], settings: Settings) -> str | None:
    value = given.get(name) or os.environ.get(f"{PREFIX}{name.upper()}") or settings.values.get(name)
    return None if value is None else str(value)


def _add_file(settings: Settings, path: Path, command: str, options: Mapping[str, Option]) -> None:
    import tomllib

    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageProblem(f"'{path}' is not valid TOML: {error}.", "Correct or remove the file.") from error
    except OSError as error:
        raise UsageProblem(f"'{path}' cannot be read: {error.strerror}.", "Check its permissions.") from error
    top = {name: value for name, value in document.items() if not isinstance(value, dict)}
    tables = {name: value for name, value in document.items() if isinstance(value, dict)}
    for name in tables:
        if name not in COMMANDS:
            raise UsageProblem(f"'{path}' has a table [{name}].", f"Tables: {', '.join(COMMANDS)}.")
    by_key = {key(name, option): (name, option) for name, option in options.items() if not option.argument}
    for word, value in tables.get(command, {}).items():
        _add_value(settings, path, word, value, by_key)
    for word, value in top.items():
        if command == "watch" and word.replace("_", "-") in _ONLY_COLORIZE:
            continue
        if command in VERBS or ((pair := by_key.get(word.replace("_", "-"))) and pair[1].everywhere):
            _add_value(settings, path, word, value, by_key)


def _add_value(settings: Settings, path: Path, word: str, value: Any, by_key: Mapping[str, tuple[str, Option]]) -> None:
    word = word.replace("_", "-")
    if word not in by_key:
        import difflib

        near = difflib.get_close_matches(word, by_key, n=1)
        raise UsageProblem(
            f"'{path}' sets '{word}', which is not an option.",
            f"Did you mean '{near[0]}'?" if near else "`colorize --help-all` lists the options.",
        )
    name, option = by_key[word]
    if not option.in_file:
        raise UsageProblem(f"'{path}' sets '{word}', which a file cannot set.", f"Use --{word} on the command line.")
    if isinstance(value, list):
        value = [str(part) for part in value] if option.many else ",".join(map(str, value))
    settings.add(name, value, f"'{path}'")


def _add_preset(settings: Settings, preset: str | None, model: str | None) -> None:
    if preset is None:
        return
    if preset not in PRESETS:
        raise UsageProblem(f"There is no preset '{preset}'.", f"Choose from {', '.join(PRESETS)}.")
    from colorize_cli.registry import DEFAULT_MODEL, ENTRIES

    entry = ENTRIES.get(model or DEFAULT_MODEL)
    for name, value in PRESETS[preset].items():
        if name != "vividness" or entry is None or entry.vividness:
            settings.add(name, value, f"preset '{preset}'")


def described_presets() -> str:
    """Return the values of every preset, for the help."""
    return "; ".join(f"{name}: {', '.join(_described(values))}" for name, values in PRESETS.items())


def _described(values: Mapping[str, Any]) -> list[str]:
    return [
        name.replace("_", "-") if value is True else f"{name.replace('_', '-')} {value}"
        for name, value in values.items()
    ]
