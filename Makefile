# `make up` and `make test` need Python 3.11 or newer and a package registry, nothing else.
# Paths here are relative: the project may lie in a folder whose name has spaces.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
PIP := $(RUN) -m pip --disable-pip-version-check --quiet install
SOURCES := optout providers tests tools benchmarks __main__.py

.DEFAULT_GOAL := help
.PHONY: help up test lint lint-workflows unit test-clients test-official test-kills lock format picture engines clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | awk -F '\t' '{ printf "  make %-14s %s\n", $$1, $$2 }'

up: $(VENV)/.runtime ## opt out everybody in config/, with a service of our own: the two-minute tour
	@$(RUN) -m optout up --stack local --yes

test: lint unit ## lint, types and every test that Python alone can run

lint: $(VENV)/.dev
	$(RUN) -m ruff check $(SOURCES)
	$(RUN) -m ruff format --check $(SOURCES)
	$(RUN) -m mypy
	$(VENV)/bin/lint-imports

lint-workflows: tools/workflows/.venv/.done ## actionlint and zizmor over the workflows; needs Go
	go -C tools/workflows tool actionlint -config-file "$(CURDIR)/.github/actionlint.yaml" \
	  "$(CURDIR)"/.github/workflows/*.yml "$(CURDIR)"/examples/pulumi-cli/*.yml
	tools/workflows/.venv/bin/zizmor --offline --quiet --persona=auditor .github examples/pulumi-cli/optout.yml

unit: $(VENV)/.dev
	$(RUN) -m pytest -n 2 --dist worksteal -m "not clients and not official" \
	  --cov --cov-report=term:skip-covered --cov-fail-under=90

test-official: $(VENV)/.dev ## tests against the Pulumi CLI; skipped, with a reason, where it is not on PATH
	$(RUN) -m pytest -m official --override-ini="addopts=-ra --strict-markers --strict-config"

test-kills: $(VENV)/.dev ## 200 random kills of a run, beside the Pulumi CLI where it is on PATH; half an hour
	OPTOUT_KILLS=$${OPTOUT_KILLS:-200} $(RUN) -m pytest -s tests/e2e/test_kills.py

test-clients: $(VENV)/.dev tests/clients/.venv/.done tests/clients/node/node_modules/.done ## tests with other AWS clients; needs Node
	OPTOUT_AWS_CLI="$(CURDIR)/tests/clients/.venv/bin/python" $(RUN) -m pytest -m clients tests/clients

tests/clients/.venv/.done: tests/clients/awscli.lock
	$(PYTHON) -m venv tests/clients/.venv
	tests/clients/.venv/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r $<
	@touch $@

tools/workflows/.venv/.done: tools/workflows/zizmor.lock
	$(PYTHON) -m venv tools/workflows/.venv
	tools/workflows/.venv/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r $<
	@touch $@

tests/clients/node/node_modules/.done: tests/clients/node/package-lock.json
	cd tests/clients/node && npm ci --no-audit --no-fund --silent
	@touch $@

format: $(VENV)/.dev ## rewrite the code in the project's format
	$(RUN) -m ruff check --fix $(SOURCES)
	$(RUN) -m ruff format $(SOURCES)

picture: $(VENV)/.runtime ## render the terminal picture of the README anew
	$(RUN) tools/picture.py docs/images/up.svg

engines: $(VENV)/.dev ## play the conformance scenarios and renew their table in docs/engines.md
	$(RUN) -m tests.conformance.table

.PHONY: bench
bench: $(VENV)/.dev tests/clients/.venv/.done ## measure this project and its peers; two hours, or BENCH=--quick
	OPTOUT_AWS_CLI="$(CURDIR)/tests/clients/.venv/bin/python" $(RUN) -m benchmarks $(BENCH)

# Extras stay in the lock: pip takes "coverage[toml]" for a requirement of its own, and would look for a newer one.
COMPILE := uv pip compile -q --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url \
  --no-annotate --custom-compile-command "make lock"

lock: ## resolve the dependencies anew; needs uv
	$(COMPILE) pyproject.toml --group build --universal -o requirements.lock
	$(COMPILE) pyproject.toml --group build --group dev --universal -c requirements.lock -o requirements-dev.lock
	$(COMPILE) tests/clients/awscli.in -o tests/clients/awscli.lock
	$(COMPILE) tools/workflows/zizmor.in -o tools/workflows/zizmor.lock

clean: ## remove what the targets above made, the sandbox's data too
	rm -rf $(VENV) .optout .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage \
	  tests/clients/.venv tests/clients/node/node_modules tools/workflows/.venv

# One virtual environment; the second mark means that the tools for development are in it too.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12"; exit 1; }
	@echo "Setting up $(VENV), once ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.lock pyproject.toml | $(VENV)/bin/python
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-index --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@
