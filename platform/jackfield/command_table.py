"""Jackfield's own subcommands: where each is, and its line of help, so that help imports none of them."""

from __future__ import annotations

import msgspec


class OwnCommand(msgspec.Struct, frozen=True):
    """A subcommand's module and attribute, and what help says of it."""

    module: str
    attribute: str
    summary: str


OWN_COMMANDS: dict[str, OwnCommand] = {
    "ask": OwnCommand("jackfield.cli.ask", "command", "Ask a model one question."),
    "chat": OwnCommand("jackfield.cli.chat", "command", "Talk with a model, turn by turn."),
    "agents": OwnCommand("jackfield.cli.agents", "group", "List agents, and let one work on a task."),
    "runs": OwnCommand("jackfield.cli.runs", "group", "List and show runs; approve, deny, resume and cancel them."),
    "files": OwnCommand("jackfield.cli.files.subcommands", "group", "Keep files with every version, and find them."),
    "memory": OwnCommand("jackfield.cli.memory", "group", "See, add and forget what is remembered of you."),
    "tools": OwnCommand("jackfield.cli.tools", "group", "List, show and call the tools that models can call."),
    "serve": OwnCommand("jackfield.cli.serve", "command", "Serve the API on this machine."),
    "worker": OwnCommand("jackfield.cli.worker", "command", "Execute runs for servers, beside other workers."),
    "health": OwnCommand("jackfield.cli.health", "command", "Say whether this machine's server or worker is well."),
    "models": OwnCommand("jackfield.cli.models", "group", "Pull, tune, list, show and remove models."),
    "users": OwnCommand("jackfield.cli.users", "group", "List, add, invite and change users."),
    "teams": OwnCommand("jackfield.cli.teams", "group", "List, add, rename and remove teams."),
    "keys": OwnCommand("jackfield.cli.keys", "group", "List, create, show and revoke API keys."),
    "plugins": OwnCommand("jackfield.cli.plugins", "group", "List, enable and disable plugins."),
    "bench": OwnCommand("jackfield.cli.bench", "group", "Measure on this machine."),
    "budgets": OwnCommand("jackfield.cli.budgets", "group", "Set and lift budgets, and look at what was used."),
    "db": OwnCommand("jackfield.cli.db", "group", "Look after the database's tables."),
    "doctor": OwnCommand(
        "jackfield.cli.doctor", "command", "Say what is installed, what is missing, and how to mend it."
    ),
}
"""By name, in the order of a first day's use. No plugin can take one of these names."""
