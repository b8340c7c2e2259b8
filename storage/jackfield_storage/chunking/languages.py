"""How languages name their blocks: enough to find where one begins, and what it is called."""

from __future__ import annotations

import re
from functools import cache

import msgspec

MODIFIERS = (
    r"(?:(?:export|default|public|private|protected|internal|static|final|abstract|sealed|async|override|open|inline"
    r"|unsafe|virtual|partial|data|suspend|local|declare|fileprivate|mutating|const|extern(?: \"C\")?"
    r"|pub(?:\([^)]*+\))?)[ \t]+)*+"
)
KEYWORDS = (
    r"(?:class|interface|struct|enum|trait|impl|namespace|module|object|record|union|protocol|extension|mod|function\*?"
    r"|func|fun|fn|def|defp|defmodule|defmacro|sub|proc|procedure|type|macro_rules!|contract)"
)
NAMED = re.compile(
    MODIFIERS + KEYWORDS + r"\b[ \t]*+(?:<[^>]*+>[ \t]*+|\([^)]*+\)[ \t]*+)?(?:self\.)?([A-Za-z_$][\w$:]*+[!?]?)"
)
PYTHON = re.compile(r"(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)")
ARROW = re.compile(r"(?:export[ \t]+)?(?:const|let|var)[ \t]+([\w$]+)[^=]*=[ \t]*(?:async\b[ \t]*)?(?:function\b|.*=>)")
CALLABLE = re.compile(
    r"(?!(?:if|for|while|switch|return|else|do|catch|throw|new|delete|goto|sizeof|await|yield|foreach|using|lock|typeof"
    r"|super|this|assert|function|elif|elseif|unless|until|with|print)\b)"
    r"(?:[^(){};=\"']*[ \t*&])?(~?[A-Za-z_$][\w$:~]*)[ \t]*\([^;]*$"
)
SQL = re.compile(
    r"create[ \t]+(?:or[ \t]+replace[ \t]+)?(?:(?:unique|temp|temporary|materialized)[ \t]+)*"
    r"(?:table|view|function|procedure|trigger|index|type|schema)[ \t]+(?:if[ \t]+not[ \t]+exists[ \t]+)?([\w.\"]+)",
    re.IGNORECASE,
)
SHELL = re.compile(r"(?:function[ \t]+)?([\w:.-]+)[ \t]*\(\)")
YAML_KEY = re.compile(r"(?:- )?[\"']?([\w./ -]+?)[\"']?:[ \t]*(?:[|>&!].*)?\r?$")
JSON_KEY = re.compile(r"\"([^\"]+)\":[ \t]*[{\[][ \t]*\r?$")

BRACES = frozenset(
    {"c", "cpp", "csharp", "dart", "go", "groovy", "java", "javascript", "kotlin", "objective-c", "php", "rust"}
    | {"scala", "solidity", "swift", "typescript", "zig"}
)
ARROWS = frozenset({"javascript", "typescript", "svelte", "vue"})
CALLABLES = frozenset(
    {"c", "cpp", "csharp", "dart", "groovy", "java", "javascript", "objective-c", "php", "typescript"}
)
HASH_COMMENTS = frozenset(
    {"python", "ruby", "shell", "perl", "r", "elixir", "julia", "nim", "crystal", "yaml", "powershell"}
)
WORDED = frozenset(
    {"ruby", "perl", "lua", "elixir", "julia", "nim", "crystal", "powershell", "svelte", "vue", "starlark"}
)


class Language(msgspec.Struct, frozen=True):
    """The patterns whose first group is a name at the start of a line, without its indentation."""

    patterns: tuple[re.Pattern[str], ...]
    callables: bool = False
    hash_comments: bool = False
    quotes_lines: bool = False

    def name_in(self, line: str, following: str) -> str:
        """What a line names, if it begins a block; `following` is the line behind it."""
        for pattern in self.patterns:
            if match := pattern.match(line):
                return match[1].strip('"')
        if (
            self.callables
            and (match := CALLABLE.match(line))
            and _opens_block(line, following, typed=match.start(1) > 0)
        ):
            return match[1]
        return ""


@cache
def language_named(name: str) -> Language | None:
    """None for one whose blocks have no names that are known here."""
    alone = {"python": PYTHON, "sql": SQL, "shell": SHELL, "yaml": YAML_KEY, "json": JSON_KEY}
    if name in alone:
        return Language((alone[name],), hash_comments=name in HASH_COMMENTS, quotes_lines=name == "python")
    if name not in BRACES | WORDED:
        return None
    patterns = (NAMED, ARROW) if name in ARROWS else (NAMED,)
    return Language(patterns, callables=name in CALLABLES, hash_comments=name in HASH_COMMENTS)


def _opens_block(line: str, following: str, *, typed: bool) -> bool:
    """Told from a call: by the brace, or by a type before the name where the parameters take several lines."""
    line, following = line.rstrip(), following.rstrip()
    if line.endswith(",") and typed:
        return following.endswith((")", "{", ","))
    return line.endswith("{") or (line.endswith(")") and following.startswith("{"))
