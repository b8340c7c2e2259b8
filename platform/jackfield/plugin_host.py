"""The plugin host: finds plugins, loads each guarded, and keeps what every one offers or why it does not."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import Distribution, EntryPoint, entry_points
from typing import Any, Literal

import msgspec
import pluggy

from jackfield.contracts.registration import Provided
from jackfield.errors import JackfieldError, PluginError, PluginNotFound, SettingsInvalid
from jackfield.hookspecs import HOOKS, PROJECT, Hooks
from jackfield.registry import Registry
from jackfield.settings_file import read_settings_table, settings_path, write_setting
from jackfield.settings_variables import listed_names, set_variables, variable_name, variable_table

LOAD_VARIABLE = "JACKFIELD_LOAD_PLUGINS"
DISABLED_VARIABLE = variable_name("plugins", "disabled")
BUILT_IN = "builtin"

PluginState = Literal["loaded", "failed", "disabled", "skipped"]


class PluginReport(msgspec.Struct, frozen=True, kw_only=True):
    """One plugin as the host sees it; `error` says why it failed."""

    name: str
    version: str
    distribution: str
    module: str
    state: PluginState
    hooks: tuple[str, ...] = ()
    error: str | None = None


class LoadPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Which plugins may load: `only` None is all, and an empty set is none; `disabled` stay off in any case."""

    only: frozenset[str] | None = None
    disabled: frozenset[str] = frozenset()

    @classmethod
    def configured(cls) -> LoadPolicy:
        """From JACKFIELD_LOAD_PLUGINS (`builtin` stands for Jackfield's own) and the settings' `plugins.disabled`."""
        named = os.environ.get(LOAD_VARIABLE)
        only = None if named is None else frozenset(part.strip() for part in named.split(",") if part.strip())
        return cls(only=only, disabled=frozenset(_disabled_plugins()))

    def state(self, entry: EntryPoint) -> PluginState | None:
        """The state of a plugin that must not load; None where it may."""
        if entry.name in self.disabled:
            return "disabled"
        if self.only is None or entry.name in self.only or (BUILT_IN in self.only and is_built_in(entry)):
            return None
        return "skipped"

    def misnamed(self, installed: Iterable[str]) -> list[str]:
        """Names that should load and are not installed."""
        return sorted((self.only or frozenset()) - {BUILT_IN, *installed})


class PluginHost:
    """All plugins of this installation. A broken one is reported by name; the others work on."""

    def __init__(self, policy: LoadPolicy | None = None, entries: Iterable[EntryPoint] | None = None) -> None:
        self.registry = Registry()
        self._policy = policy or LoadPolicy()
        found = entry_points(group=PROJECT) if entries is None else entries
        self._entries = sorted(found, key=lambda entry: (not is_built_in(entry), entry.name))
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(Hooks)
        self._reports: dict[str, PluginReport] = {}

    def load(self) -> PluginHost:
        """Load every plugin that the policy allows; never raises for what a plugin does."""
        for entry in self._entries:
            if entry.name in self._reports:
                self._report_twin(entry)
                continue
            held_back = self._policy.state(entry)
            if held_back:
                self._reports[entry.name] = _report(entry, held_back)
            else:
                self._reports[entry.name] = self._load_guarded(entry)
        for name in self._policy.misnamed(entry.name for entry in self._entries):
            self._reports[name] = PluginReport(
                name=name,
                version="",
                distribution="",
                module="",
                state="failed",
                error=f"{LOAD_VARIABLE} names it, but no plugin of that name is installed",
            )
        return self

    def reports(self) -> tuple[PluginReport, ...]:
        """Jackfield's own first, then by name."""
        return tuple(self._reports.values())

    def register(self, plugin: object, name: str) -> None:
        """Register an object as a plugin, as tests and embedders do; raises PluginError."""
        registered = False
        try:
            self._manager.register(plugin, name)
            registered = True
            self._check_marks(plugin)
            self._check_spelling(plugin)
            self._shelve(plugin, name)
        except Exception as error:
            self.registry.withdraw(name)
            if registered:
                self._manager.unregister(plugin)
            if isinstance(error, PluginError):
                raise
            raise PluginError(_reason(error)) from error

    def _load_guarded(self, entry: EntryPoint) -> PluginReport:
        try:
            plugin = entry.load()
            self.register(plugin, entry.name)
        except PluginError as error:
            return _report(entry, "failed", error=error.message)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the boundary between the host and a plugin's code
            return _report(entry, "failed", error=f"importing {entry.value} raised {_reason(error)}")
        hooks = tuple(caller.name for caller in self._manager.get_hookcallers(plugin) or ())
        return _report(entry, "loaded", hooks=hooks)

    def _check_marks(self, plugin: object) -> None:
        for hook in HOOKS:
            if callable(getattr(plugin, hook, None)) and self._manager.parse_hookimpl_opts(plugin, hook) is None:
                raise PluginError(f"'{hook}' is not marked: put @jackfield.hookspecs.hookimpl above it")

    def _check_spelling(self, plugin: object) -> None:
        try:
            self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            unknown = self._unknown_hook(plugin)
            near = difflib.get_close_matches(unknown, HOOKS, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else "; see docs/hooks.md for those there are."
            raise PluginError(f"there is no hook named '{unknown}'{hint}") from error

    def _unknown_hook(self, plugin: object) -> str:
        callers = self._manager.get_hookcallers(plugin) or ()
        return next(caller.name for caller in callers if not caller.has_spec())

    def _shelve(self, plugin: object, name: str) -> None:
        others = [other for other in self._manager.get_plugins() if other is not plugin]
        for caller in self._manager.get_hookcallers(plugin) or ():
            shelf = self.registry.shelf(caller.name)
            # pluggy leaves None out, but a hook that forgot to return is not a hook that offers nothing.
            for offered in self._manager.subset_hook_caller(caller.name, others)() or [None]:
                for provided in _checked(caller.name, offered):
                    shelf.add(provided, name)

    def _report_twin(self, entry: EntryPoint) -> None:
        holder = self._reports[entry.name]
        twin = _report(
            entry,
            "failed",
            error=(
                f"two installed distributions have a plugin named '{entry.name}': '{holder.distribution}' "
                f"({holder.module}) and '{_distribution(entry)}' ({entry.value}); the first keeps the name."
            ),
        )
        self._reports[f"{entry.name} ({twin.distribution})"] = msgspec.structs.replace(
            twin, name=f"{entry.name} ({twin.distribution})"
        )


def loaded_host() -> PluginHost:
    """A host with everything this installation is configured to load."""
    return PluginHost(LoadPolicy.configured()).load()


def set_enabled(name: str, enabled: bool) -> None:
    """Keep in the settings file whether a plugin loads; raises PluginNotFound."""
    names = sorted(entry.name for entry in entry_points(group=PROJECT))
    if name not in names:
        raise PluginNotFound(f"No plugin named '{name}' is installed; there are {', '.join(names) or 'none'}.")
    kept = [other for other in _disabled_in_file() if other != name]
    write_setting(("plugins", "disabled"), kept if enabled else sorted([*kept, name]))


def disabled_by_variable() -> tuple[str, list[str]] | None:
    """The variable that names the plugins that stay off, and those names; it wins over the file."""
    if named := set_variables().get(DISABLED_VARIABLE):
        return DISABLED_VARIABLE, listed_names(DISABLED_VARIABLE, named)
    section = variable_table("plugins", {"disabled": ["web"]})
    if section is None or "disabled" not in section:
        return None
    whole = variable_name("plugins")
    return whole, _plugin_names(section["disabled"], whole)


def is_built_in(entry: EntryPoint) -> bool:
    """Whether a plugin comes with Jackfield itself."""
    return _distribution(entry) == PROJECT


def _disabled_plugins() -> list[str]:
    """As settings.py has it, read without pydantic."""
    by_variable = disabled_by_variable()
    return by_variable[1] if by_variable else _disabled_in_file()


def _disabled_in_file() -> list[str]:
    section = read_settings_table().get("plugins", {})
    disabled = section.get("disabled", []) if isinstance(section, dict) else None
    return _plugin_names(disabled, str(settings_path()))


def _plugin_names(value: object, origin: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise SettingsInvalid(f"The setting 'plugins.disabled' must be a list of plugin names in {origin}.")
    return value


def _checked(hook: str, offered: Any) -> list[Provided[Any]]:
    if not isinstance(offered, list) or not all(isinstance(item, Provided) for item in offered):
        raise PluginError(f"hook '{hook}' must return a list of Provided(name, build), not {offered!r:.80}")
    if not all(isinstance(item.name, str) and item.name for item in offered):
        raise PluginError(f"hook '{hook}' registers something without a name; give each Provided one")
    return offered


def _report(
    entry: EntryPoint, state: PluginState, *, hooks: tuple[str, ...] = (), error: str | None = None
) -> PluginReport:
    return PluginReport(
        name=entry.name,
        version=_named(entry.dist)[1] if entry.dist else "",
        distribution=_distribution(entry),
        module=entry.value,
        state=state,
        hooks=hooks,
        error=error,
    )


def _distribution(entry: EntryPoint) -> str:
    return _named(entry.dist)[0] if entry.dist else ""


@lru_cache
def _named(distribution: Distribution) -> tuple[str, str]:
    """Its name and version; each reading of them parses the whole of its metadata, the README within."""
    metadata = distribution.metadata
    return metadata["Name"], metadata["Version"]


def _reason(error: BaseException) -> str:
    """One line: an expected error's own sentence, any other with its type."""
    if isinstance(error, JackfieldError):
        return error.message
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
