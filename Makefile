# Everything a person or a machine does with a checkout. It needs Python 3.11 or newer, make and git;
# the rest is fetched once, by pip, with the versions and hashes in locks/.

# The first of these that is new enough; or say which: make PYTHON=/path/to/python3.12
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

VENV := .venv
PEERS := .venv-bench
BIN := $(VENV)/bin

# A stamp is a copy of the lock that its folder holds: a lock that did not change is not installed again.
PRODUCT := $(VENV)/product.lock
DEV := $(VENV)/dev.lock
BENCH := $(PEERS)/bench.lock

.DEFAULT_GOAL := help
.PHONY: help demo lint check test campaign bench docs lock clean

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

demo: $(PRODUCT) ## research real prices, trade the best on paper, write a report
	$(BIN)/flotilla demo

lint: $(DEV)
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

check: lint ## lint, types, the rules of the house and the tests of what changed, before each commit: a minute
	$(BIN)/python -m pytest -q -n 2 -rs --budget 30 tests/house $$($(BIN)/python -m tests.house.mirror)

test: lint ## lint, types, layers, all tests
	$(BIN)/python -m pytest -n 2

campaign: $(DEV) ## long trials of what goes wrong once in thousands of times: an hour; writes docs/tested.md
	FLOTILLA_CAMPAIGN=1 $(BIN)/python -m pytest -n 2 -p tests.campaign -m campaign

bench: $(BENCH) ## the same work, here and in the peers, side by side (QUICK=1: a small part of it)
	$(PEERS)/bin/python -m bench $(if $(QUICK),--quick)

docs: $(DEV) ## the manual, into site/
	$(BIN)/mkdocs build --strict --quiet
	@echo "the manual is site/index.html"

# One version for every Python and system, so that all compute with the same libraries.
CHOOSE := $(BIN)/uv pip compile pyproject.toml --quiet --upgrade --generate-hashes --no-header --no-annotate \
	--universal --python-version 3.11 --fork-strategy fewest --group build

lock: $(DEV) ## choose the newest versions that agree, and write them into locks/
	$(CHOOSE) -o locks/product.txt
	$(CHOOSE) --group dev -c locks/product.txt -o locks/dev.txt
	$(CHOOSE) --group bench -c locks/dev.txt -o locks/bench.txt

clean: ## remove what was built and installed, but not the runs
	rm -rf $(VENV) $(PEERS) site dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

# dev is the product and more, in the same folder. The peers have a folder of their own: they bring sixty
# packages that nobody else needs.
INSTALL = @$(or $(PYTHON),$(error Flotilla needs Python 3.11 or newer, and found none)) locks/install.py

$(PRODUCT): locks/product.txt pyproject.toml
	$(INSTALL) $(VENV) $< $@

$(DEV): locks/dev.txt pyproject.toml $(PRODUCT)
	$(INSTALL) $(VENV) $< $@

$(BENCH): locks/bench.txt pyproject.toml
	$(INSTALL) $(PEERS) $< $@
