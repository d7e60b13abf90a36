# Everything a fresh machine needs is made here, in folders of this checkout: `make demo`, `make test`.
# It takes Python 3.11 or newer; choose one with `make PYTHON=python3.12 ...`.

PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3 python,$(shell command -v $(name) 2>/dev/null)))
VENV := .venv
CLIENTS := .venv-clients
BIN := $(VENV)/bin
# Many tests wait for processes and pauses; on small machines two workers for each core keep the cores busy.
WORKERS ?= $(shell $(PYTHON) -c "import os; n = os.cpu_count() or 1; print(max(n, min(2 * n, 8)))")
PYTEST_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test check lint types layers bench clean

help: ## List the targets.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## / - /'

demo: $(VENV)/.run-stamp ## Show the main job from end to end on the embedded servers (under a minute).
	@echo '== kibcase demo: alerts, cases, tickets and both ways of sync, on embedded servers'
	$(BIN)/kibcase demo

test: $(VENV)/.dev-stamp $(CLIENTS)/.stamp ## Run all tests (about 9 minutes on 2 cores).
	@echo '== pytest, with $(WORKERS) workers'
	KIBCASE_CLIENTS_PYTHON=$(CURDIR)/$(CLIENTS)/bin/python $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(PYTEST_ARGS)

check: lint types layers ## Lint, types and import layers.

lint: $(VENV)/.dev-stamp
	@echo '== ruff'
	$(BIN)/ruff check .

types: $(VENV)/.dev-stamp
	@echo '== mypy'
	$(BIN)/mypy

layers: $(VENV)/.dev-stamp
	@echo '== import-linter'
	$(BIN)/lint-imports

bench: $(VENV)/.dev-stamp $(CLIENTS)/.stamp ## Run the benchmarks (about 4 minutes).
	KIBCASE_CLIENTS_PYTHON=$(CURDIR)/$(CLIENTS)/bin/python $(BIN)/python -m benchmarks

clean: ## Remove the virtual environments and caches.
	rm -rf $(VENV) $(CLIENTS) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/bin/python:
	@test -n '$(PYTHON)' || { echo 'kibcase needs Python 3.11 or newer on the PATH; none was found' >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'kibcase needs Python 3.11 or newer; $(PYTHON) is older. Try: make PYTHON=python3.11 $(MAKECMDGOALS)' >&2; exit 1; }
	@echo '== a virtual environment in $(VENV), with $(PYTHON)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run-stamp: pyproject.toml $(VENV)/bin/python
	@echo '== kibcase and what it needs, into $(VENV)'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[all]'
	@touch $@

$(VENV)/.dev-stamp: pyproject.toml $(VENV)/bin/python
	@echo '== kibcase and the tools of its developers, into $(VENV)'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/.run-stamp

# kibana-py and the elasticsearch client of the 8 line need different releases of one library, so the
# independent client lives in an environment of its own.
$(CLIENTS)/.stamp: Makefile $(VENV)/bin/python
	@echo '== clients that others wrote, into $(CLIENTS)'
	test -x $(CLIENTS)/bin/python || $(PYTHON) -m venv $(CLIENTS)
	$(CLIENTS)/bin/python -m pip install --quiet --disable-pip-version-check kibana-py==0.6.0 aiohttp 'schemathesis>=4.32,<5' \
		'pysnow>=0.7.17,<0.8' resilient==51.0.9.1
	@touch $@
