# Each target works from nothing: it makes .venv, puts uv in and installs the locked packages.
UV_VERSION := 0.13.9
PYTHON ?= python3.11
BIN := .venv/bin
ARGS ?=

.PHONY: up test check bench lock clean
.DEFAULT_GOAL := up

up: .venv/.installed  ## Start everything here, with a demo city: make up ARGS="--only xnext"
	$(BIN)/stadtfunk up $(ARGS)

test: .venv/.installed  ## Checks, then every test
	$(MAKE) check
	$(BIN)/pytest $(ARGS)

check: .venv/.installed  ## Style, types, laws of the house, schemas, catalogue
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/stadtfunk catalogue check
	$(BIN)/stadtfunk events check

bench: .venv/.installed  ## Every benchmark: a table, and JSON under build/bench
	$(BIN)/stadtfunk bench all $(ARGS)

lock: .venv/.uv  ## Resolve the exact versions anew
	$(BIN)/uv pip compile pyproject.toml --extra local --extra dev --override locks/override.txt --upgrade --quiet \
		--universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -o locks/stadtfunk.txt

clean:  ## Remove the environment and what tools left behind
	rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

.venv/.uv:
	@command -v $(PYTHON) >/dev/null || { echo "Stadtfunk needs $(PYTHON); set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

.venv/.installed: .venv/.uv locks/stadtfunk.txt pyproject.toml
	$(BIN)/uv pip sync --quiet --require-hashes locks/stadtfunk.txt
	$(BIN)/uv pip install --quiet --no-deps --editable .
	@touch $@
