"""Settings: flags over `JACKFIELD_*` variables over jackfield.toml over these defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from jackfield.contracts.records import sqlite_url
from jackfield.errors import SettingsInvalid
from jackfield.settings_file import data_folder, read_settings_table


class Section(BaseModel):
    """A table of the settings file; a key it does not know is an error, not a silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ServerSettings(Section):
    """Where `jackfield serve` listens."""

    host: str = "127.0.0.1"
    port: int = Field(default=5225, ge=0, le=65535)


class EngineOptions(Section):
    """How models are opened; 0 leaves the choice to the engine, from the model and the machine."""

    context_length: int = Field(default=0, ge=0)
    cells: int = Field(default=0, ge=0)
    sequences: int = Field(default=0, ge=0, le=256)
    batch_tokens: int = Field(default=0, ge=0)
    threads: int = Field(default=0, ge=0)
    gpu_layers: int = Field(default=-1, ge=-1)


class RunSettings(Section):
    """Where runs execute, how many may wait, and how long their records are kept."""

    executor: str = "inline"
    queue_limit: int = Field(default=512, ge=1)
    keep_days: int = Field(default=30, ge=0)


class ModelSettings(Section):
    """How long loading a model may take, in seconds."""

    load_timeout: float = Field(default=600.0, gt=0)


class PluginSettings(Section):
    """Plugins that stay off."""

    disabled: tuple[str, ...] = ()


class Settings(BaseSettings):
    """Everything that can be set; `JACKFIELD_SERVER__PORT=80` sets `server.port`, and an empty variable is none."""

    model_config = SettingsConfigDict(
        env_prefix="JACKFIELD_",
        env_nested_delimiter="__",
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    home: Path = Field(default_factory=data_folder)
    database_url: str = ""
    default_model: str | None = None
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$")
    server: ServerSettings = ServerSettings()
    engine: EngineOptions = EngineOptions()
    runs: RunSettings = RunSettings()
    models: ModelSettings = ModelSettings()
    plugins: PluginSettings = PluginSettings()

    @property
    def state_url(self) -> str:
        """The database's address: as set, else SQLite in the data folder."""
        return self.database_url or sqlite_url(self.home)

    @property
    def models_folder(self) -> Path:
        """Where model files live."""
        return self.home / "models"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, then variables, then the file."""
        return init_settings, env_settings, _FileSource(settings_cls)


class _FileSource(PydanticBaseSettingsSource):
    """jackfield.toml as a source."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        return read_settings_table()


def load_settings(**flags: Any) -> Settings:
    """Settings as they stand now; raises SettingsInvalid naming the first setting that makes no sense."""
    try:
        return Settings(**flags)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise SettingsInvalid(
            f"The setting '{place}' is {first.get('input')!r}: {first['msg']} "
            f"(it comes from a flag, JACKFIELD_{place.replace('.', '__').upper()}, or jackfield.toml)."
        ) from error
