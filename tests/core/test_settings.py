"""Settings from flags, variables and the file."""

from __future__ import annotations

import pytest

from jackfield.errors import SettingsInvalid
from jackfield.settings import load_settings
from jackfield.settings_file import data_folder


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("JACKFIELD_HOME", "JACKFIELD_SERVER__PORT", "JACKFIELD_DEFAULT_MODEL"):
        monkeypatch.setenv(name, "")
    settings = load_settings()
    assert settings.home == data_folder()
    assert settings.home.is_absolute()
    assert settings.server.port == 5225
    assert settings.default_model is None


def test_a_setting_that_makes_no_sense_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JACKFIELD_SERVER__PORT", "many")
    with pytest.raises(SettingsInvalid, match=r"server\.port.*many"):
        load_settings()
