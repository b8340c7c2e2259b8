"""Write the module list of docs/architecture.md from the modules' own first sentences; `--check` only compares."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "architecture.md"
HEADING = "## Modules\n"
PACKAGES = (
    "platform/jackfield",
    "engines/jackfield_engines",
    "plugins/jackfield_plugins",
    "storage/jackfield_storage",
    "migrations/jackfield_migrations",
    "web/jackfield_web",
)


def main() -> int:
    """0 when the page is, or now is, as the modules say; 1 when `--check` finds it is not."""
    page = PAGE.read_text(encoding="utf-8")
    before, heading, _ = page.partition(HEADING)
    if not heading:
        print(f"error: {PAGE} has no '{HEADING.strip()}' heading", file=sys.stderr)
        return 1
    fresh = f"{before}{HEADING}\n{module_list()}"
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(fresh, encoding="utf-8")
        return 0
    if fresh != page:
        print("error: docs/architecture.md is stale; run python scripts/generate_module_list.py", file=sys.stderr)
    return int(fresh != page)


def module_list() -> str:
    """A section a package, a line a module."""
    return "\n".join(f"### {package}\n\n" + "\n".join(_lines(ROOT / package)) + "\n" for package in PACKAGES)


def _lines(package: Path) -> Iterator[str]:
    for folder in sorted({path.parent for path in package.rglob("*.py")}):
        inside = folder.relative_to(package).as_posix()
        if inside != ".":
            yield f"- **{inside}/**: {_first_sentence(folder / '__init__.py')}"
        indent = "" if inside == "." else "  "
        for module in sorted(folder.glob("*.py")):
            if not module.name.startswith("__"):
                yield f"{indent}- `{module.name}`: {_first_sentence(module)}"


def _first_sentence(module: Path) -> str:
    if not module.exists():
        return ""
    docstring = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n\n")[0].replace("\n", " ")


if __name__ == "__main__":
    sys.exit(main())
