"""Settings: flags over `JACKFIELD_*` variables over jackfield.toml over these defaults."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from jackfield.contracts.engine import CacheFormatName
from jackfield.contracts.records import sqlite_url
from jackfield.contracts.tools import CallMode, Permission
from jackfield.settings_faults import first_fault
from jackfield.settings_file import data_folder, read_settings_table
from jackfield.settings_variables import (
    listed_names,
    refuse_unknown_variables,
    set_variables,
    variable_name,
    variable_table,
)

LARGEST_INT32 = 2**31 - 1
LISTS = (("plugins", "disabled"), ("jobs", "models"), ("identity", "oidc_domains"))
"""Settings that variables give as names with commas between them."""

MOST_BATCH_TOKENS = 8192
THREADS_PER_PROCESSOR = 4


class Section(BaseModel):
    """A table of the settings file; a key it does not know is an error, not a silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ServerSettings(Section):
    """Where `jackfield serve` listens."""

    host: str = "127.0.0.1"
    port: int = Field(default=5225, ge=0, le=65535)


class EngineOptions(Section):
    """How models are opened; 0 leaves the choice to the engine, from the model and the machine."""

    context_length: int = Field(default=0, ge=0, le=LARGEST_INT32)
    cells: int = Field(default=0, ge=0, le=LARGEST_INT32)
    sequences: int = Field(default=0, ge=0, le=256)
    batch_tokens: int = Field(default=0, ge=0, le=MOST_BATCH_TOKENS)
    threads: int = Field(default=0, ge=0)
    gpu_layers: int = Field(default=-1, ge=-1, le=LARGEST_INT32)
    cache_type_k: CacheFormatName = "f16"
    cache_type_v: CacheFormatName = "f16"

    @field_validator("threads")
    @classmethod
    def _threads_that_run(cls, threads: int) -> int:
        """Thousands of threads that wait for one another on a few processors never finish a pass."""
        processors = os.cpu_count() or 1
        most = THREADS_PER_PROCESSOR * processors
        if threads > most:
            raise ValueError(f"at most {most} are of use on this machine's {processors} processors; 0 chooses for you")
        return threads


class RunSettings(Section):
    """Where runs execute, how many may wait, and how long their records are kept."""

    executor: str = "inline"
    queue_limit: int = Field(default=512, ge=1)
    keep_days: int = Field(default=30, ge=0)


class ModelSettings(Section):
    """How long loading a model may take, in seconds, and what a million tokens cost to read and write, by model."""

    load_timeout: float = Field(default=600.0, gt=0)
    prices: dict[str, tuple[float, float]] = {}


class PrefixSettings(Section):
    """How many megabytes saved prefixes of a model may take; 0 saves none there."""

    memory_mb: int = Field(default=256, ge=0, le=LARGEST_INT32)
    disk_mb: int = Field(default=1024, ge=0, le=LARGEST_INT32)


class LookaheadSettings(Section):
    """Whether tokens are guessed ahead, and a small model that guesses for others of its vocabulary."""

    enabled: bool = True
    draft_model: str = ""


class ToolSettings(Section):
    """How calls are made where a run does not say, what needs nobody's permission, and what built-in tools may do."""

    protocol: str = "constrained"
    mode: CallMode = "async"
    allow: tuple[Permission, ...] = ()
    folder: Path | None = None

    private_addresses: bool = False
    unsandboxed_python: bool = False


class IdentitySettings(Section):
    """Who may use the server. While it is off, only this machine can, and any key is accepted.

    `setup_token` makes the first visitor who has it the first admin; an empty one is made at the first start and
    logged. `public_url` is where browsers find the server. Checking a password takes `password_memory_mb`. An answer
    whose request names no `max_tokens` may take `answer_tokens`, which budgets set aside for it. Through OIDC users
    sign in whose verified address is on record, and with `oidc_domains` whoever has an address of one, as a new user.
    """

    enabled: bool = False
    setup_token: SecretStr = SecretStr("")
    public_url: str = ""
    session_hours: int = Field(default=24 * 14, ge=1)
    invitation_hours: int = Field(default=72, ge=1)
    password_memory_mb: int = Field(default=64, ge=1, le=4096)
    answer_tokens: int = Field(default=4096, ge=1, le=LARGEST_INT32)
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    oidc_name: str = "single sign-on"
    oidc_role: Literal["admin", "member", "viewer"] = "member"
    oidc_domains: tuple[str, ...] = ()


class JobSettings(Section):
    """How runs reach workers: Redis, how long a worker that says nothing keeps its runs, how long a run waits for one.

    Seconds throughout; `concurrency` is how many runs a worker takes at once, `models` what it serves (none: all that
    are installed), `memory_mb` what its models may take together (0: what the machine has).
    """

    redis_url: str = ""
    lease: float = Field(default=15.0, ge=1)
    wait_for_worker: float = Field(default=60.0, ge=0)
    concurrency: int = Field(default=64, ge=1, le=1024)
    drain: float = Field(default=20.0, ge=0)
    models: tuple[str, ...] = ()
    memory_mb: int = Field(default=0, ge=0, le=LARGEST_INT32)


class UploadSettings(Section):
    """The largest file that may be uploaded, in megabytes."""

    largest_mb: int = Field(default=512, ge=1, le=LARGEST_INT32)


class FileSettings(Section):
    """Semantic files: where they go unless a collection is named, what finds them by meaning, how large they may be.

    `embedding_model` names an installed model. Files beyond `largest_indexed_mb` are kept and not read; reading one may
    take `extraction_seconds` and `extraction_memory_mb`. `quota_mb` is a new collection's room; 0 is all there is.
    """

    collection: str = "main"
    embedding_model: str = "embeddings"
    largest_mb: int = Field(default=4096, ge=1, le=LARGEST_INT32)
    largest_indexed_mb: int = Field(default=64, ge=0, le=LARGEST_INT32)
    quota_mb: int = Field(default=0, ge=0, le=LARGEST_INT32)
    extraction_seconds: float = Field(default=120.0, gt=0)
    extraction_memory_mb: int = Field(default=2048, ge=128, le=LARGEST_INT32)


class MemorySettings(Section):
    """Whether what people say of themselves is remembered at this terminal; how much an answer is given of it.

    Facts are kept for `keep_days`, or with 0 until they are forgotten.
    """

    enabled: bool = False
    recalled: int = Field(default=5, ge=1, le=50)
    keep_days: int = Field(default=0, ge=0)


class TelemetrySettings(Section):
    """Where traces are sent (an OTLP/HTTP address; empty sends none), and how log lines look."""

    otlp_endpoint: str = ""
    service_name: str = "jackfield"
    sample: float = Field(default=1.0, ge=0, le=1)
    log_format: Literal["auto", "json", "console"] = "auto"


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
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    server: ServerSettings = ServerSettings()
    engine: EngineOptions = EngineOptions()
    runs: RunSettings = RunSettings()
    models: ModelSettings = ModelSettings()
    prefixes: PrefixSettings = PrefixSettings()
    lookahead: LookaheadSettings = LookaheadSettings()
    tools: ToolSettings = ToolSettings()
    identity: IdentitySettings = IdentitySettings()
    jobs: JobSettings = JobSettings()
    uploads: UploadSettings = UploadSettings()
    files: FileSettings = FileSettings()
    memory: MemorySettings = MemorySettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    plugins: PluginSettings = PluginSettings()

    @field_validator("home", mode="before")
    @classmethod
    def _home_or_the_usual(cls, home: object) -> object:
        """An empty folder name would be the working directory."""
        return data_folder() if home == "" else home

    @property
    def state_url(self) -> str:
        """The database's address: as set, else SQLite in the data folder."""
        return self.database_url or sqlite_url(self.home)

    @property
    def models_folder(self) -> Path:
        """Where model files live."""
        return self.home / "models"

    @property
    def blobs_folder(self) -> Path:
        """Where uploaded bytes live."""
        return self.home / "blobs"

    @property
    def prefixes_folder(self) -> Path:
        """Where prefixes live that outlive a restart."""
        return self.home / "prefixes"

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
        return init_settings, _VariableSource(settings_cls), _FileSource(settings_cls)


class _VariableSource(EnvSettingsSource):
    """The variables as a source, with a sentence for each that is misspelt or not what its setting takes."""

    def __call__(self) -> dict[str, Any]:
        sections = _sections()
        refuse_unknown_variables([variable_name(*name.split(".")) for name in (*_names(), *sections)])
        named = set_variables()
        for name, section in sections.items():
            if variable_name(name) in named:
                variable_table(name, section.model_dump(mode="json"))
        return super().__call__()

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        for section, key in LISTS:
            if field_name == key:
                return listed_names(variable_name(section, key), value)
        return super().decode_complex_value(field_name, field, value)


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
        raise first_fault(error, flags, known=_names()) from error


def _sections() -> dict[str, Section]:
    """The tables, each as it is by default."""
    fields = Settings.model_fields.items()
    return {name: field.default for name, field in fields if isinstance(field.default, Section)}


def _names() -> list[str]:
    """Every setting, such as `home` and `server.port`."""
    sections = _sections()
    inside = [f"{name}.{key}" for name, section in sections.items() for key in type(section).model_fields]
    return [*(name for name in Settings.model_fields if name not in sections), *inside]
