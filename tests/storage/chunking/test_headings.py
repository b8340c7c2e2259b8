"""What stands over a passage: titles, names of functions, columns."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import jackfield
import jackfield_storage
from jackfield.contracts.files import Extracted
from jackfield_storage.chunking.cutting import LONGEST
from jackfield_storage.chunking.definitions import definitions
from jackfield_storage.chunking.passages import Cut, passages_of

LONG = "Nothing in particular happens in this sentence. " * 12

MARKDOWN = f"""---
title: Plans
---
Before any heading.

# Budget

## Travel ##
{LONG}

```python
# no heading
```

Rooms
-----
A room costs 90.

### By night
In winter less.
# Other
The end.
"""

TYPESCRIPT = """import x from "y";
export const total = async (rows: Row[]): Promise<number> => {
  return rows.reduce((sum, row) => sum + row.cost + row.tax + row.travel, 0);
};
export default class Budget extends Thing {
  private rows: Row[] = [];
  add(row: Row): void {
    this.rows.push(row);
  }
}
"""

CPP = """#include <vector>
/* Adds. */
int add(int first_of_the_numbers,
        int second_of_the_numbers)
{
    return first_of_the_numbers + second_of_the_numbers;
}

class Store : public Base {
public:
    T read(const std::string& name) const {
        return items[name];
    }
    void write(T value, int times);
private:
    std::vector<T> items;
};
"""

GO = """package main

// Read reads what is there.
func (r *Repo) Read(name string) error {
	if name == "" {
		return nil
	}
	return nil
}
"""

RUBY = """class Shelf
  # Takes a book.
  def take(book)
    @books << book
  rescue Full => e
    raise
  end
end
"""

YAML = "name: x\nservices:\n  web:\n    image: y\n  db:\n    image: z\n"
JSON = '{\n  "services": {\n    "web": {\n      "image": "y"\n    }\n  },\n  "n": 1\n}\n'
SQL = "CREATE TABLE IF NOT EXISTS costs (\n  id integer\n);\n\ncreate view totals as\n  select 1;\n"


def cuts_of(text: str, kind: str, language: str = "") -> tuple[Cut, ...]:
    """Its passages."""
    return passages_of(Extracted(text=text, kind=kind, language=language))  # type: ignore[arg-type]


def test_markdown_s_passages_stand_under_their_titles() -> None:
    cuts = cuts_of(MARKDOWN, "markdown")
    headings = [cut.heading for cut in cuts]
    assert headings == ["", "Budget > Travel", "Budget > Rooms", "Budget > Rooms > By night", "Other"]
    assert cuts[1].text.startswith("# Budget\n\n## Travel ##\n")
    assert cuts[1].text.endswith("# no heading\n```")


def test_titles_are_cut_short_and_kept_whole_in_the_passage() -> None:
    title = "very " * 60 + "long"
    (cut,) = cuts_of(f"# {title}\ntext", "markdown")
    assert len(cut.heading) <= 120
    assert cut.heading.endswith("…")
    assert title in cut.text


def test_code_and_lists_that_fit_are_kept_whole() -> None:
    fence = "```\n" + "\n\n".join(f"line {number};" for number in range(60)) + "\n```"
    items = "\n\n".join(f"- item {number}, of which there is more to say" for number in range(18))
    cuts = cuts_of(f"{LONG}\n\n{fence}\n\n{LONG}\n\n{items}\n\n{LONG}", "markdown")
    for block in (fence, items):
        assert len(block) < LONGEST
        assert any(block in cut.text for cut in cuts)


def test_rows_are_not_broken_and_have_the_columns_names_over_them() -> None:
    rows = [f"| Trip {number} | {number * 10} | Oslo |" for number in range(200)]
    table = "# Budget\n\n| Item | Cost | Where |\n| --- | ---: | --- |\n" + "\n".join(rows)
    cuts = cuts_of(table, "markdown")
    assert len(cuts) > 5
    assert [cut.heading for cut in cuts] == ["Budget"] + ["Budget > Item | Cost | Where"] * (len(cuts) - 1)
    assert [line for cut in cuts for line in cut.text.splitlines()][4:] == rows


@pytest.mark.parametrize(("separator", "language"), [(",", "csv"), ("\t", "tsv"), (";", "csv")])
def test_values_with_separators_are_cut_between_rows(separator: str, language: str) -> None:
    lines = [separator.join(("item", "cost")), *(separator.join((f"thing {n}", f"{n}.50")) for n in range(300))]
    cuts = cuts_of("\n".join(lines), "table", language)
    assert [cut.heading for cut in cuts] == [""] + ["item | cost"] * (len(cuts) - 1)
    assert [line for cut in cuts for line in cut.text.splitlines()] == lines


def test_values_in_the_first_row_are_no_names() -> None:
    cuts = cuts_of("\n".join(f"{number},{number * 2}" for number in range(1000)), "table", "csv")
    assert {cut.heading for cut in cuts} == {""}


@pytest.mark.parametrize(
    ("code", "language", "names"),
    [
        (TYPESCRIPT, "typescript", ["total", "Budget", "Budget.add"]),
        (CPP, "cpp", ["add", "Store", "Store.read"]),
        (GO, "go", ["Read"]),
        (RUBY, "ruby", ["Shelf", "Shelf.take"]),
        (YAML, "yaml", ["services", "services.web", "services.db"]),
        (JSON, "json", ["services", "services.web"]),
        (SQL, "sql", ["costs", "totals"]),
    ],
)
def test_definitions_of_other_languages_are_found(code: str, language: str, names: list[str]) -> None:
    found = definitions(code, language)
    assert [definition.name for definition in found] == names
    assert code[found[-1].start : found[-1].end].rstrip().endswith(("}", "};", "end", "z", "]", "1;"))


def functions(text: str) -> list[str]:
    """Qualified names as Python itself reads them."""
    found: list[tuple[int, str]] = []
    waiting: list[tuple[ast.AST, str]] = [(ast.parse(text), "")]
    while waiting:
        node, within = waiting.pop()
        for child in ast.iter_child_nodes(node):
            inside = within
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found.append((child.lineno, within + child.name))
                inside = f"{within}{child.name}."
            waiting.append((child, inside))
    return [name for _, name in sorted(found)]


def test_python_s_definitions_are_those_that_python_finds() -> None:
    paths = [path for package in (jackfield, jackfield_storage) for path in Path(package.__path__[0]).rglob("*.py")]
    assert len(paths) > 200
    for path in (*paths, Path(ast.__file__), Path(__file__)):
        text = path.read_text(encoding="utf-8")
        assert [found.name for found in definitions(text, "python")] == functions(text), path


def test_functions_stand_alone_under_their_names_with_what_leads_to_them() -> None:
    before = "import csv\n\n\n# Reads them.\n@cache\ndef read(path):\n" + "    total = 0\n" * 8
    budget = (
        '\n\nclass Budget:\n    """All of them."""\n\n    limit = "the most that may be spent, in kroner, by all"\n'
    )
    quoted = "        text = '''\ndef not_one():\n'''\n"
    methods = [f"\n    def part_{name}(self):\n{quoted}" + "        total = 0\n" * 12 for name in "abcdef"]
    code = before + budget + "".join(methods) + "\n\ndef small():\n    return 1\n"
    cuts = cuts_of(code, "code", "python")
    parts = [f"Budget.part_{name}" for name in "abcdef"]
    assert [cut.heading for cut in cuts] == ["", "read", "Budget", *parts, "small"]
    assert cuts[1].text.startswith("# Reads them.\n@cache\ndef read")
    assert cuts[3].text.startswith("    def part_a")


def test_a_long_function_keeps_its_name_over_each_of_its_passages() -> None:
    code = "def long():\n" + "    value = compute(value)\n" * 200
    cuts = cuts_of(code, "code", "python")
    assert len(cuts) > 4
    assert {cut.heading for cut in cuts} == {"long"}
    assert all(cut.text.startswith(("def", "    value")) for cut in cuts)


def test_code_that_does_not_compile_is_cut_all_the_same() -> None:
    body = "    total = total + 1\n" * 8
    good = "\n\n".join(f"def function_{number}():\n{body}" for number in range(6))
    broken = good.replace("function_2()", "function_2(")
    assert [cut.heading for cut in cuts_of(broken, "code", "python")] == [
        cut.heading for cut in cuts_of(good, "code", "python")
    ]
