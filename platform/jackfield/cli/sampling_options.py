"""The sampling flags that `ask` and `chat` share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

_OPTIONS: dict[str, tuple[type, str]] = {
    "temperature": (float, "0 always takes the likeliest token; higher is freer."),
    "top_k": (int, "Draw from this many likeliest tokens; 0 from all."),
    "top_p": (float, "Draw from the likeliest tokens that hold this much probability."),
    "min_p": (float, "Drop tokens less likely than this share of the likeliest."),
    "repeat_penalty": (float, "Above 1, tokens that were used lately are less likely."),
    "seed": (int, "The same seed draws the same answer, but where two tokens are nearly as likely."),
}


def sampling_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the sampling flags to a command, which receives those that were given as `sampling`."""

    @functools.wraps(function)
    def with_sampling(*args: Any, **options: Any) -> None:
        chosen = {name: value for name in _OPTIONS if (value := options.pop(name)) is not None}
        function(*args, sampling=chosen, **options)

    command: Callable[..., None] = with_sampling
    for name, (kind, text) in reversed(_OPTIONS.items()):
        command = click.option(f"--{name.replace('_', '-')}", name, type=kind, help=text)(command)
    return command
