"""Write docs/hooks.md from jackfield/hookspecs.py; with --check, only say whether it is up to date."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
from pathlib import Path
from typing import NamedTuple

from jackfield import hookspecs
from jackfield.hookspecs import HOOKS, Hooks

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "hooks.md"
EXAMPLE = ROOT / "tests" / "sample_plugin" / "good"
DOCSTRING = re.compile(r"(?P<offers>Offer .+?\.) (?P<fires>Fires .+; .+\.)")


class HookPage(NamedTuple):
    """What is to be known of one hook."""

    name: str
    signature: str
    offers: str
    fires: str
    contract: str
    module: str

    @property
    def shelf(self) -> str:
        """The registry's attribute that the hook fills."""
        return self.name.removeprefix("jackfield_")


def main() -> int:
    """Write or check; gives an exit status."""
    text = document()
    if "--check" not in sys.argv[1:]:
        DOCUMENT.write_text(text, encoding="utf-8")
        return 0
    if DOCUMENT.exists() and DOCUMENT.read_text(encoding="utf-8") == text:
        return 0
    print("error: docs/hooks.md is not what the hooks say; run scripts/generate_hooks_doc.py.", file=sys.stderr)
    return 1


def document() -> str:
    """The whole page."""
    pages = [hook_page(name) for name in HOOKS]
    rows = [f"| [`{page.name}`](#{page.name}) | {page.offers} |" for page in pages]
    parts = [
        INTRODUCTION,
        _example(),
        "## All hooks\n",
        "| hook | what it is for |\n| --- | --- |\n" + "\n".join(rows) + "\n",
    ]
    return "\n".join([*parts, *(_section(page) for page in pages)])


def hook_page(name: str) -> HookPage:
    """One hook, from its signature and docstring; raises ValueError where that does not say when it fires."""
    hook = vars(Hooks)[name]
    said = DOCSTRING.fullmatch(" ".join((inspect.getdoc(hook) or "").split()))
    returned = inspect.get_annotations(hook)["return"]
    offered = re.fullmatch(r"list\[Provided\[([\w.]+)\]\]", returned)
    if said is None or offered is None:
        raise ValueError(f"{name} must say 'Offer …. Fires …; ….' and return list[Provided[Contract]]")
    contract = offered[1]
    signature = f"def {name}() -> {returned}"
    return HookPage(name, signature, said["offers"], said["fires"], contract, _module_of(contract))


def _module_of(contract: str) -> str:
    tree = ast.parse(inspect.getsource(hookspecs))
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    named = {alias.name: node.module or "" for node in imports for alias in node.names}
    return named.get(contract) or contract.rpartition(".")[0]


def _section(page: HookPage) -> str:
    return (
        f"### {page.name}\n\n{page.offers}\n\n```python\n@hookimpl\n{page.signature}: ...\n```\n\n"
        f"{page.fires}\n\n- Contract: {_contract(page)}\n- Kept in `registry.{page.shelf}`.\n"
    )


def _contract(page: HookPage) -> str:
    if not page.module.startswith("jackfield."):
        return f"`{page.contract}`, of the package {page.module}."
    path = "platform/" + page.module.replace(".", "/") + ".py"
    meaning = inspect.getdoc(getattr(importlib.import_module(page.module), page.contract)) or ""
    first_sentence = " ".join(meaning.split("\n\n")[0].split())
    return f"[`{page.contract}`](../{path}): {first_sentence}"


def _example() -> str:
    project = (EXAMPLE / "pyproject.toml").read_text(encoding="utf-8").strip()
    module = (EXAMPLE / "jackfield_dice.py").read_text(encoding="utf-8").strip()
    return (
        "## A whole plugin\n\nIts `pyproject.toml` names the module in the entry-point group `jackfield`:\n\n"
        f"```toml\n{project}\n```\n\nand `jackfield_dice.py` registers a tool and a command:\n\n"
        f"```python\n{module}\n```\n\n"
        "It stands in [tests/sample_plugin/good](../tests/sample_plugin/good), where the tests find it.\n"
    )


INTRODUCTION = """\
# Hooks

Generated from [hookspecs.py](../platform/jackfield/hookspecs.py) by
[generate_hooks_doc.py](../scripts/generate_hooks_doc.py): change those, not this page.

A plugin is a module, or any object, that implements hooks. A hook only registers: it returns a list of
`Provided(name, build, summary)`, and `build` is called at most once, when the thing is first needed. Import
what is heavy inside `build`, never at the top of the module. A name is taken once: when two plugins offer the
same, the first keeps it and the other fails, and `jackfield plugins list` names both.

Jackfield's own plugins load first, then the others in the order of their names. `JACKFIELD_LOAD_PLUGINS`
limits what loads: unset, everything; empty, nothing; a list separated by commas, those (`builtin` stands for
Jackfield's own). `jackfield plugins disable NAME` keeps one off.

A plugin is installed into the environment that Jackfield runs in, as any package is:
`.venv/bin/pip install -e ./jackfield-dice` in a checkout, `pip install jackfield-dice` elsewhere. It loads at the next
start. Hooks whose things are *to be built* may be implemented now; nothing in this version asks for them yet.

Contracts are held by test suites in `jackfield.testing.contract_suites` (they need pytest): subclass one, override its
fixture with yours, and run pytest.

```python
from jackfield.testing.contract_suites.model_source import ModelSourceContract
```
"""

if __name__ == "__main__":
    sys.exit(main())
