# Everything a checkout needs, on a machine with Python 3.11 and its venv module, make and git.
# Each target makes .venv first, once per change of the lock.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PLUGINS := $(patsubst %/pyproject.toml,%,$(wildcard plugins/*/pyproject.toml))
BENCHMARKS := $(wildcard benchmarks/[a-z]*.py)
ROOMS := store push engine
ROOM_TESTS := $(ROOMS:%=tests/unit/%) tests/faults
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PYTEST := $(BIN)/python -m pytest -q -n auto --dist loadfile --durations=20

.DEFAULT_GOAL := help
.PHONY: help setup demo test check format-check lint types docs bench nightly clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /make \1: /p' Makefile

setup: $(VENV)/.dev

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "expected Python 3.11 or newer. Name one: make PYTHON=python3.11 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# The locks hold hashes; our own packages have none and are installed apart, without dependencies.
$(VENV)/.dev: requirements/dev.txt pyproject.toml $(PLUGINS:=/pyproject.toml) | $(VENV)/bin/python
	$(PIP) install --require-hashes -r requirements/dev.txt
	$(PIP) install --no-deps --no-build-isolation -e . $(addprefix -e ,$(PLUGINS))
	@touch $@

$(VENV)/.bench: requirements/bench.txt | $(VENV)/.dev
	$(PIP) install --require-hashes -r requirements/bench.txt
	@touch $@

demo: $(VENV)/.dev ## the whole loop on data that ships
	$(BIN)/crmbridge demo

# Coverage takes almost as long again as the tests themselves, so the others run without it.
test: $(VENV)/.dev ## the tests, and how much of the rooms that must not fail they cover
	$(PYTEST) $(ROOM_TESTS) --cov --cov-report=
	$(PYTEST) $(ROOM_TESTS:%=--ignore=%)
	@$(foreach room,$(ROOMS),printf 'coverage of crmbridge.%s: %s %%\n' $(room) \
		"$$($(BIN)/coverage report --format=total --include='src/crmbridge/$(room)/*')";)

check: format-check lint types test docs ## what CI runs: format, lint, types, tests, docs

format-check: $(VENV)/.dev
	$(BIN)/ruff format --check .

lint: $(VENV)/.dev
	$(BIN)/ruff check .

types: $(VENV)/.dev
	$(BIN)/mypy
	$(foreach plugin,$(PLUGINS),$(BIN)/mypy $(plugin)/src &&) true

docs: $(VENV)/.dev
	$(BIN)/python -m crmbridge.settings.reference | diff - docs/configuration.md

bench: $(VENV)/.bench ## how fast and how good, measured on this machine
	$(foreach script,$(BENCHMARKS),$(BIN)/python $(script) &&) true

nightly: $(VENV)/.dev ## long fault loops
	$(PYTEST) -m nightly

clean: ## remove what make made
	rm -rf $(VENV) .coverage .hypothesis .mypy_cache .ruff_cache .demo dist build
