"""What all commands of one invocation share: settings and plugins, each read on first use."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from jackfield.plugin_host import PluginHost
    from jackfield.settings import Settings


class Session:
    """One invocation of `jackfield`."""

    @cached_property
    def settings(self) -> Settings:
        """Settings as they stand at the start; raises SettingsInvalid."""
        from jackfield.settings import load_settings

        return load_settings()

    @cached_property
    def plugins(self) -> PluginHost:
        """The plugins that this installation loads."""
        from jackfield.plugin_host import loaded_host

        return loaded_host()


pass_session = click.make_pass_decorator(Session, ensure=True)
