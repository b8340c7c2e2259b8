"""compose.yaml as Compose would read it: variables filled in, merges done."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

VARIABLE = re.compile(
    r"\$(?:(?P<dollar>\$)|(?P<bare>\w+)|\{(?P<name>\w+)(?:(?P<rule>:?[-?])(?P<rest>(?:[^${}]|\$\$)*))?\})"
)
SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class VariableMissing(Exception):
    """A variable without which Compose refuses to start; the message is the file's."""


class HealthCheck(msgspec.Struct, frozen=True, kw_only=True):
    """A command that tells whether a service is well, and how long it may fail."""

    command: tuple[str, ...]
    interval: float = 30.0
    timeout: float = 30.0
    retries: int = 3
    start_period: float = 0.0


class ServiceSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What is needed of a service to run it without a container; `volumes` are (name, path inside) pairs."""

    name: str
    image: str
    command: tuple[str, ...] = ()
    environment: dict[str, str] = {}
    volumes: tuple[tuple[str, str], ...] = ()
    ports: tuple[int, ...] = ()
    depends_on: dict[str, str] = {}
    health: HealthCheck | None = None
    restart: str = "no"
    stop_signal: str = "SIGTERM"
    stop_grace: float = 10.0


def read_services(path: Path, variables: Mapping[str, str]) -> dict[str, ServiceSpec]:
    """The services of a file, variables filled in; raises VariableMissing where the file demands one."""
    return {name: _service(name, raw) for name, raw in read_compose(path, variables)["services"].items()}


def read_compose(path: Path, variables: Mapping[str, str]) -> dict[str, Any]:
    """The whole file as a table, variables filled in after YAML is read, as Compose does it."""
    import yaml  # type: ignore[import-untyped]

    raw: dict[str, Any] = _filled(yaml.safe_load(path.read_text(encoding="utf-8")), variables)
    return raw


def _filled(value: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(inner, variables) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, variables) for inner in value]
    return filled_in(value, variables) if isinstance(value, str) else value


def filled_in(text: str, variables: Mapping[str, str]) -> str:
    """A text's `$NAME`, `${NAME:-default}` and `${NAME:?message}` filled in, `$$` a dollar."""

    def replaced(match: re.Match[str]) -> str:
        if match["dollar"]:
            return "$"
        name, rule = match["bare"] or match["name"], match["rule"] or ""
        value = variables.get(name)
        if value is None or (rule.startswith(":") and not value):
            if rule.endswith("?"):
                raise VariableMissing(f"required variable {name} {match['rest']}")
            return match["rest"] or ""
        return value

    return VARIABLE.sub(replaced, text)


def seconds(text: str) -> float:
    """A duration such as `1m30s`."""
    return sum(float(number) * SECONDS[unit] for number, unit in re.findall(r"([\d.]+)(ms|s|m|h)", text))


def _service(name: str, raw: Mapping[str, Any]) -> ServiceSpec:
    return ServiceSpec(
        name=name,
        image=raw["image"],
        command=_words(raw.get("command", ())),
        environment={key: "" if value is None else str(value) for key, value in raw.get("environment", {}).items()},
        volumes=tuple((source, inside) for source, _, inside in map(_volume, raw.get("volumes", ()))),
        ports=tuple(int(str(port).rpartition(":")[2]) for port in raw.get("ports", ())),
        depends_on={other: rule["condition"] for other, rule in raw.get("depends_on", {}).items()},
        health=_health(raw.get("healthcheck")),
        restart=raw.get("restart", "no"),
        stop_signal=raw.get("stop_signal", "SIGTERM"),
        stop_grace=seconds(raw.get("stop_grace_period", "10s")),
    )


def _volume(text: str) -> tuple[str, str, str]:
    return text.partition(":")


def _health(raw: Mapping[str, Any] | None) -> HealthCheck | None:
    if raw is None or raw.get("disable"):
        return None
    kind, *words = raw["test"]
    durations = {key: seconds(raw[key]) for key in ("interval", "timeout", "start_period") if key in raw}
    command = ("sh", "-c", *words) if kind == "CMD-SHELL" else tuple(words)
    return HealthCheck(command=command, retries=raw.get("retries", 3), **durations)


def _words(command: Sequence[str] | str) -> tuple[str, ...]:
    import shlex

    return tuple(shlex.split(command) if isinstance(command, str) else command)
