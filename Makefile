# `make` lists what can be made. Needed: Python 3.11 or later, a C++ compiler, make.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
ENGINE_OPTIONS := $(VENV)/engine-options

# Where it is set, every command that a test starts would compile all modules anew, and pytest every test.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup run test check bench lock clean static default-tests marked-tests FORCE
.DELETE_ON_ERROR:

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(INSTALLED) ## Create .venv and install everything that is locked (compiles llama.cpp once)

run: setup ## Set up, bring the starter model, and serve it on port 5225
	@$(BIN)/jackfield models show starter >/dev/null 2>&1 || $(BIN)/jackfield models pull starter --default --no-tune
	@exec $(BIN)/jackfield serve

test: default-tests marked-tests ## Run every test that this machine can run; the starter model is brought

check: static default-tests ## Format, lint, types, import law, generated docs, and the tests that need nothing

bench: setup ## Measure: run every script in tests/bench with the starter model
	@$(BIN)/python scripts/run_benches.py

lock: ## Pin the newest allowed versions in requirements.lock (needs uv)
	@uv=$$(PATH="$$PWD/$(BIN):$$PATH" command -v uv) || \
		{ echo "error: uv is not installed; run 'pip install uv' and try again." >&2; exit 1; }; \
	UV_CUSTOM_COMPILE_COMMAND="make lock" "$$uv" pip compile pyproject.toml --extra all --universal \
		--python-version 3.11 --generate-hashes --no-emit-index-url --upgrade --quiet -o requirements.lock

clean: ## Remove .venv and everything that can be made again here (kept: the compiled engine, the models)
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

static: setup
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/mypy scripts/*.py
	$(BIN)/lint-imports --no-logo
	$(BIN)/python scripts/generate_hooks_doc.py --check
	$(BIN)/python scripts/generate_module_list.py --check

default-tests: setup
	$(BIN)/pytest -n auto --dist loadfile

marked-tests: setup
	$(BIN)/python scripts/run_marked_tests.py

$(INSTALLED): requirements.lock pyproject.toml $(ENGINE_OPTIONS) | $(BIN)/python
	@CMAKE_ARGS="$$(cat $(ENGINE_OPTIONS))" $(BIN)/python scripts/install.py
	@touch $@

# CMAKE_ARGS as they were last given: leaving them out later keeps the engine that is installed.
$(ENGINE_OPTIONS): FORCE | $(BIN)/python
	@if [ ! -e $@ ] || { [ -n "$${CMAKE_ARGS+given}" ] && [ "$$CMAKE_ARGS" != "$$(cat $@)" ]; }; then \
		printf '%s' "$${CMAKE_ARGS-}" > $@; fi

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "error: '$(PYTHON)' is $$($(PYTHON) --version 2>/dev/null || echo missing), but Jackfield needs Python 3.11 or later;" \
			"name one with 'make PYTHON=/path/to/python3'." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "error: '$(PYTHON)' cannot create virtual environments; install its venv package" \
			"('apt install python3-venv' on Debian and Ubuntu)." >&2; exit 1; }
	@echo "Creating $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
