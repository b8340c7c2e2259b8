"""The subcommands of `jackfield files`: where each is, and its line of help."""

from __future__ import annotations

import click

from jackfield.cli.lazy_group import LazyGroup
from jackfield.command_table import OwnCommand

ROOM = "jackfield.cli.files."

SUBCOMMANDS: dict[str, OwnCommand] = {
    "add": OwnCommand(f"{ROOM}add", "command", "Add files and folders."),
    "ls": OwnCommand(f"{ROOM}ls", "command", "List files."),
    "find": OwnCommand(f"{ROOM}find", "command", "Find passages by words and by meaning."),
    "cat": OwnCommand(f"{ROOM}cat", "command", "Print a file, or an older version of it."),
    "append": OwnCommand(f"{ROOM}append", "command", "Add to the end of a file."),
    "log": OwnCommand(f"{ROOM}log", "command", "List a file's versions, or the latest changes of all."),
    "diff": OwnCommand(f"{ROOM}diff", "command", "Show what differs between two versions."),
    "rollback": OwnCommand(f"{ROOM}rollback", "command", "Bring an older version back, as a new one."),
    "undo": OwnCommand(f"{ROOM}undo", "command", "Take back everything that one change did."),
    "mv": OwnCommand(f"{ROOM}mv", "command", "Rename a file, or a folder."),
    "rm": OwnCommand(f"{ROOM}removal", "remove", "Delete files; every version stays."),
    "restore": OwnCommand(f"{ROOM}removal", "restore", "Bring a deleted file back."),
    "purge": OwnCommand(f"{ROOM}removal", "purge", "Forget a deleted file for good."),
    "lock": OwnCommand(f"{ROOM}locks", "lock", "Keep others from changing a file for a while."),
    "unlock": OwnCommand(f"{ROOM}locks", "unlock", "Let others change a file again."),
    "link": OwnCommand(f"{ROOM}links", "link", "Make a link that lets others read a file or a folder."),
    "links": OwnCommand(f"{ROOM}links", "links", "List the links."),
    "unlink": OwnCommand(f"{ROOM}links", "unlink", "Let a link hold no longer."),
    "group": OwnCommand(f"{ROOM}group", "command", "Sort files into groups, by words or by meaning."),
    "join": OwnCommand(f"{ROOM}join", "command", "Merge files, or what they say of a topic, into one."),
    "summarise": OwnCommand(f"{ROOM}summarise", "command", "Sum up what files say of a topic."),
    "compare": OwnCommand(f"{ROOM}compare", "command", "Say in words what differs between two versions."),
    "do": OwnCommand(f"{ROOM}do", "command", "Do what is said in words, once you agreed to the plan."),
    "watch": OwnCommand(f"{ROOM}watch", "command", "Keep a folder and a collection in step."),
    "watches": OwnCommand(f"{ROOM}watches", "command", "List the folders that were watched."),
    "collections": OwnCommand(
        f"{ROOM}collection_group", "group", "List, add and change collections; say who may what."
    ),
    "index": OwnCommand(f"{ROOM}index", "command", "Index what waits, or say how far that is."),
    "verify": OwnCommand(f"{ROOM}verify", "command", "Hold files, versions, bytes and index against each other."),
}


@click.group("files", cls=LazyGroup, table=SUBCOMMANDS, prefix="files ")
def group() -> None:
    """Keep files with every version, and find them by words and by meaning.

    A PATH is one in a collection: in the default one, in the one that -c names, or in the one before a colon, as in
    `team:notes/plan.md`. With -c a colon is part of the path.
    """
