"""The settings file as a table, without validation: light enough for the plugin host to read at every start."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

import platformdirs

from jackfield.errors import SettingsInvalid, StateUnavailable

APPLICATION = "jackfield"


def settings_path() -> Path:
    """`JACKFIELD_SETTINGS`, else jackfield.toml in the platform's config folder."""
    named = os.environ.get("JACKFIELD_SETTINGS")
    return Path(named) if named else platformdirs.user_config_path(APPLICATION) / "jackfield.toml"


def data_folder() -> Path:
    """`JACKFIELD_HOME`, else the platform's data folder."""
    named = os.environ.get("JACKFIELD_HOME")
    return Path(named) if named else platformdirs.user_data_path(APPLICATION)


def read_settings_table() -> dict[str, Any]:
    """The file's tables, empty where there is no file; raises SettingsInvalid naming the file and line."""
    path = settings_path()
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsInvalid(f"{path} is not valid TOML ({error}); mend it or move it away.") from error
    except OSError as error:
        raise SettingsInvalid(f"{path} cannot be read: {error.strerror}.") from error


def write_setting(keys: tuple[str, ...], value: object) -> Path:
    """Set one value in the file, keeping its comments and order; a crash leaves the old file whole."""
    import tomlkit  # slow to import, and only writing needs it

    read_settings_table()
    path = settings_path()
    try:
        document = tomlkit.parse(path.read_text(encoding="utf-8")) if path.exists() else tomlkit.document()
        table: Any = document
        for key in keys[:-1]:
            table = table.setdefault(key, tomlkit.table())
        table[keys[-1]] = value
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(path.name + ".new")
        scratch.write_text(tomlkit.dumps(document), encoding="utf-8")
        scratch.replace(path)
    except OSError as error:
        raise StateUnavailable(f"The settings file {path} cannot be written: {error.strerror}.") from error
    return path
