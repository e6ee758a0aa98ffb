# Two commands are the whole set-up: `make demo` and `make test`. `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON     ?= python3
DIR        ?= demo
VENV       := .venv
BENCH_VENV := .venv-bench
MUTATION_VENV := .venv-mutation
BIN        := $(VENV)/bin
STYLED     := desired_state evidence_repo layers reconciler ci tests
PIP        := python -m pip --disable-pip-version-check install --quiet
INSTALL    := $(BIN)/$(PIP)
LOCK       := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate --no-header $(UPGRADE)

# One environment in steps: what the programs import first, what tests, bench and lock need on top.
RUNTIME := $(VENV)/.runtime-stamp
DEV     := $(VENV)/.dev-stamp
BENCH   := $(BENCH_VENV)/.bench-stamp
MUTATION := $(MUTATION_VENV)/.mutation-stamp
LOCKER  := $(VENV)/.lock-stamp

.PHONY: help demo test test-deep soak fuzz mutation test-system bench lint format docs lock clean check-machine

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

# --- the machine and the environment ---------------------------------------------------------

check-machine:
	@./.ci/check-machine "$(PYTHON)"

$(RUNTIME): requirements/runtime.txt requirements/build.txt pyproject.toml | check-machine
	@echo "Setting up $(VENV) from the hash-locked requirements ..." >&2
	@test -x $(BIN)/python || "$(PYTHON)" -m venv $(VENV)
	@$(INSTALL) --require-hashes -r requirements/runtime.txt -r requirements/build.txt
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): $(RUNTIME) requirements/dev.txt
	@$(INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@

# An environment of its own: the engine we measure against never stands beside what we ship.
$(BENCH): requirements/bench.txt pyproject.toml | check-machine
	@test -x $(BENCH_VENV)/bin/python || "$(PYTHON)" -m venv $(BENCH_VENV)
	@$(BENCH_VENV)/bin/$(PIP) --require-hashes -r requirements/bench.txt
	@$(BENCH_VENV)/bin/$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(MUTATION): requirements/mutation.txt | check-machine
	@test -x $(MUTATION_VENV)/bin/python || "$(PYTHON)" -m venv $(MUTATION_VENV)
	@$(MUTATION_VENV)/bin/$(PIP) --require-hashes -r requirements/mutation.txt
	@touch $@

$(LOCKER): $(RUNTIME) requirements/lock.txt
	@$(INSTALL) --require-hashes -r requirements/lock.txt
	@touch $@

# --- what people run -------------------------------------------------------------------------

demo: $(RUNTIME) ## the whole story on real prices, left in DIR (default demo/)
	@if [ -e "$(DIR)" ] && [ -n "$$(ls -A "$(DIR)" 2>&1)" ]; then \
		echo "make demo: $(DIR) exists and is not empty. Remove it, or name another folder:" >&2; \
		echo "    make demo DIR=another-folder" >&2; exit 2; fi
	@$(BIN)/governor demo "$(DIR)"

test: $(DEV) ## every test that needs nothing but Python, git and OpenSSH
	@$(BIN)/pytest -n 2 -m "not slow and not system"

test-deep: $(DEV) ## the tests marked slow, properties at full depth
	@./.ci/marked-tests slow $(BIN)/pytest -n 2 --hypothesis-profile=deep

soak: $(DEV) ## two hundred governed sessions in virtual time, 2 % of all requests failing; L6 alone too
	@$(BIN)/pytest -n 2 -m soak

fuzz: $(DEV) ## signatures against ssh-keygen 50,000 times, and the doors of bytes at depth
	@SIGNATURE_FUZZ=$${SIGNATURE_FUZZ:-50000} $(BIN)/pytest -n 2 -m fuzz --hypothesis-profile=fuzz

mutation: $(MUTATION) ## changes authority, quorum, ratchet, memory and admission line by line; a test must fail each time
	@$(MUTATION_VENV)/bin/python -m tests.mutation $(MODULES)

test-system: $(DEV) ## tests that need further programs; installs those from Debian's packages
	@./.ci/install-debian .ci/system-tests.packages
	@./.ci/marked-tests system $(BIN)/pytest

bench: $(BENCH) ## latencies and costs against their bounds
	@$(BENCH_VENV)/bin/python -m tests.bench $(BENCH_FLAGS)

lint: $(DEV) ## format, ruff, mypy, import contracts: read only, and all four are told
	@no=0; \
	$(BIN)/ruff format --check $(STYLED) || no=1; \
	$(BIN)/ruff check $(STYLED) || no=1; \
	$(BIN)/mypy || no=1; \
	$(BIN)/lint-imports --no-logo || no=1; \
	exit $$no

format: $(DEV) ## rewrite the code in the house's form
	@$(BIN)/ruff format $(STYLED)
	@$(BIN)/ruff check --fix-only $(STYLED)

docs: $(RUNTIME) ## render docs/reasons.md and docs/runbooks from the reason codes
	@$(BIN)/python -m ci.render_docs docs

lock: $(LOCKER) ## resolve requirements/*.in anew (UPGRADE=--upgrade for newer versions)
	@for name in lock runtime build live dev bench mutation; do \
		$(LOCK) requirements/$$name.in --output-file requirements/$$name.txt; done

clean: ## remove the environment, caches and the demonstration
	@rm -rf $(VENV) $(BENCH_VENV) $(MUTATION_VENV) demo build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache \
		.hypothesis .coverage .coverage.* bench-results
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
