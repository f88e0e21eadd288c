# Linux x86-64 with Python 3.11 (venv), git and make is all that is needed.
PYTHON ?= python3.11
BIN := .venv/bin
STAMP := .venv/.installed
PACKAGES := schemas producers streams consumers connect triton_models infra

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint chaos soak bench fresh

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | expand -t 16

setup: ## Install everything into .venv and .parts; again, it only checks
	@$(MAKE) --no-print-directory $(STAMP)
	@$(BIN)/sightline setup-parts
	@echo "ready: $(BIN)/sightline up"

# The stamp holds the hash of what it was installed from, so that a changed lock installs again.
.PHONY: force
$(STAMP): force
	@PYTHON="$(PYTHON)" sh infra/local/setup.sh

demo: setup ## Edge and cloud with a camera, events as they arrive; SECONDS=60 ends it
	@$(BIN)/sightline demo $(if $(SECONDS),--seconds $(SECONDS)) $(ARGS)

# Everything else first: the runner's closing line is the last thing printed.
test: setup lint ## Every check that a change must pass
	@$(BIN)/pytest -m "not slow" $(ARGS)

lint: $(STAMP) ## Style, types, import contracts, compatibility of the schemas
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy $(PACKAGES) tests
	@$(BIN)/lint-imports
	@$(BIN)/python -m infra.cli.compatibility

chaos: setup ## Kill and cut everything, the long form
	@SIGHTLINE_CHAOS_ROUNDS=$${SIGHTLINE_CHAOS_ROUNDS:-50} $(BIN)/pytest -s tests/chaos $(ARGS)

soak: setup ## Ten million steps through the core: nothing may grow
	@SIGHTLINE_SOAK_STEPS=$${SIGHTLINE_SOAK_STEPS:-10000000} $(BIN)/pytest -s --timeout 0 tests/soak $(ARGS)

bench: setup ## Measure start, memory, delay, throughput; ARGS="core state" only these
	@$(BIN)/python -m tests.bench $(ARGS)

fresh: ## Prove demo and test on a bare Debian (needs root)
	@tests/fresh/run $(ARGS)
