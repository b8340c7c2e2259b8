"""Which language code is in, by its file's name or its first line."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

BY_SUFFIX = {
    suffix: language
    for language, suffixes in {
        "assembly": ".asm .s",
        "c": ".c .h",
        "clojure": ".clj .cljs .cljc .edn",
        "cmake": ".cmake",
        "cpp": ".cc .cpp .cxx .hpp .hh .hxx .cu .cuh .ino",
        "crystal": ".cr",
        "csharp": ".cs .csx",
        "css": ".css .scss .sass .less",
        "d": ".d",
        "dart": ".dart",
        "dockerfile": ".dockerfile",
        "elixir": ".ex .exs",
        "erlang": ".erl .hrl",
        "fortran": ".f .f90 .f95 .f03 .for",
        "fsharp": ".fs .fsi .fsx",
        "go": ".go",
        "graphql": ".graphql .gql",
        "groovy": ".groovy .gradle",
        "haskell": ".hs .lhs",
        "ini": ".ini .cfg .conf .properties .env",
        "java": ".java",
        "javascript": ".js .mjs .cjs .jsx",
        "json": ".json .jsonl .ndjson .geojson .ipynb .json5 .jsonc .webmanifest",
        "julia": ".jl",
        "kotlin": ".kt .kts",
        "lisp": ".lisp .lsp .cl .el .scm .rkt",
        "lua": ".lua",
        "makefile": ".mk .mak",
        "nim": ".nim",
        "nix": ".nix",
        "objective-c": ".m .mm",
        "ocaml": ".ml .mli",
        "pascal": ".pas .pp .dpr",
        "perl": ".pl .pm .t",
        "php": ".php .phtml",
        "powershell": ".ps1 .psm1 .psd1",
        "protobuf": ".proto",
        "python": ".py .pyi .pyw .pyx .pxd",
        "r": ".r",
        "ruby": ".rb .rake .gemspec .ru",
        "rust": ".rs",
        "scala": ".scala .sc",
        "shell": ".sh .bash .zsh .ksh .fish",
        "solidity": ".sol",
        "sql": ".sql .ddl .psql",
        "starlark": ".bzl .star",
        "svelte": ".svelte",
        "swift": ".swift",
        "terraform": ".tf .tfvars .hcl",
        "toml": ".toml",
        "typescript": ".ts .tsx .mts .cts",
        "verilog": ".v .sv .svh",
        "vhdl": ".vhd .vhdl",
        "vim": ".vim",
        "vue": ".vue",
        "xml": ".xml .xsd .xsl .xslt .svg .rss .atom .plist .wsdl",
        "yaml": ".yaml .yml",
        "zig": ".zig",
    }.items()
    for suffix in suffixes.split()
}
BY_NAME = {
    "dockerfile": "dockerfile",
    "containerfile": "dockerfile",
    "makefile": "makefile",
    "gnumakefile": "makefile",
    "justfile": "makefile",
    "cmakelists.txt": "cmake",
    "jenkinsfile": "groovy",
    "gemfile": "ruby",
    "rakefile": "ruby",
    "vagrantfile": "ruby",
    ".bashrc": "shell",
    ".profile": "shell",
    ".zshrc": "shell",
    ".gitignore": "ini",
    ".editorconfig": "ini",
}
INTERPRETERS = {
    "python": "python", "bash": "shell", "sh": "shell", "zsh": "shell", "node": "javascript", "deno": "typescript",
    "ruby": "ruby", "perl": "perl", "php": "php", "lua": "lua", "julia": "julia", "rscript": "r", "make": "makefile",
}  # fmt: skip
SHEBANG = re.compile(rb"#![ \t]*+(?:\S*/)?([A-Za-z]+)[\d.]*(?:[ \t]+(?:-\S+[ \t]+)*([A-Za-z]+)[\d.]*)?")
OPENINGS = ((b"<?php", "php"), (b"<?xml", "xml"), (b"{", "json"), (b"[", "json"))


def language_of(filename: str, head: bytes) -> str:
    """A language's name, or nothing for what is no code. A file with a suffix is what its suffix says."""
    path = PurePosixPath(filename)
    named = BY_NAME.get(path.name.lower()) or BY_SUFFIX.get(path.suffix.lower())
    if named or path.suffix:
        return named or ""
    return _by_interpreter(head) or _by_opening(head)


def _by_interpreter(head: bytes) -> str:
    """As `#!/usr/bin/env python3` says."""
    match = SHEBANG.match(head)
    programs = [name.decode().lower() for name in match.groups() if name] if match else []
    return next((INTERPRETERS[program] for program in reversed(programs) if program in INTERPRETERS), "")


def _by_opening(head: bytes) -> str:
    """JSON begins with a bracket and goes on with what only JSON has there."""
    for opening, language in OPENINGS:
        if head.startswith(opening) and (language != "json" or re.match(rb"[{\[]\s*[\"{\[\d\]}-]", head)):
            return language
    return ""
