# Everything OpenBerth needs to run, test and measure itself; `make` alone lists it.
# The environment is made in .venv from the lock files by scripts/setup.py; no root, nothing global.
PYTHON ?= python3
BIN := .venv/bin
RUN := .venv/.run.stamp
DEV := .venv/.dev.stamp

# Where the environment forbids bytecode, every one of the many processes would compile everything anew.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help demo faces pictures test lint bench bench-history soak lock clean

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /  make \1\t/' | expand -t 22

$(RUN): requirements.lock scripts/setup.py
	@$(PYTHON) scripts/setup.py requirements.lock $@

$(DEV): requirements-dev.lock scripts/setup.py
	@$(PYTHON) scripts/setup.py requirements-dev.lock $@ $(RUN)

# Builds nothing while their sources are as they were.
faces: | $(if $(wildcard $(DEV)),$(DEV),$(RUN)) ## the console and the drivers' app, built into the package
	@$(BIN)/python scripts/faces.py build

pictures: $(DEV) faces ## the pictures of the README, taken anew from a running demo (needs Chromium)
	@OPENBERTH_PICTURES=1 $(BIN)/python -m pytest -q tests/faces/test_pictures.py $(ARGS)

demo: faces ## a small town of three car parks, live in this terminal
	@$(BIN)/openberth demo $(ARGS)

# File by file: what a file sets up once is set up once, and demos never meet at the ports where users expect them.
# Tests wait more than they reckon (for servers, sockets and patience): two for each core of a small machine. Thousands
# of them write to a disk of their own; where memory is one with room, nobody waits for the disk below.
MEMORY := $(shell test -w /dev/shm && df -Pk /dev/shm | awk 'NR == 2 && $$4 > 4000000 {print "/dev/shm"}')
test: export TMPDIR := $(or $(MEMORY),$(TMPDIR))
test: $(DEV) faces ## all tests (servers: OPENBERTH_TEST_POSTGRES, OPENBERTH_TEST_MARIADB)
	@$(BIN)/python scripts/faces.py test
	@$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(DEV) ## ruff, mypy strict, import walls, no floats near money, types and style of the pages
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python scripts/check_money.py
	@$(BIN)/python scripts/faces.py lint

bench: $(DEV) ## measure the promises, print the ratios
	@$(BIN)/python -m tests.bench $(ARGS)

bench-history: $(DEV) ## cost of a passage with 10 million closed stays (long)
	@$(BIN)/python -m tests.bench.history $(ARGS)

soak: $(DEV) ## kill, restart and compare the books, again and again (MINUTES=10), or in a storm (PAYMENTS=10000)
	@$(BIN)/python -m tests.e2e.soak --minutes $(or $(MINUTES),10) $(if $(PAYMENTS),--payments $(PAYMENTS)) $(ARGS)

lock: ## resolve the dependencies anew into the two lock files
	@$(PYTHON) scripts/setup.py --lock

clean: ## remove the environment and all caches
	rm -rf .venv .tools .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache var src/openberth/faces
	rm -rf apps/*/node_modules apps/*/dist
