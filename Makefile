# `make up` and `make test` need Python 3.11 or newer and a package registry, nothing else.
# Paths here are relative: the project may lie in a folder whose name has spaces.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
PIP := $(RUN) -m pip --disable-pip-version-check --quiet install
SITE := NO_MKDOCS_2_WARNING=1 tools/site/.venv/bin/python -m mkdocs
SOURCES := voiceid_optout providers tests tools benchmarks examples __main__.py

# Images for containers like to set it. Every run would then compile the tests anew, which takes longer than many of them.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help up check test fast lint lint-workflows lint-policies unit test-long test-whole coverage test-aws test-browser test-clients \
  test-clients-more test-official test-package docs docs-serve lock format house picture engines clean \
  changelog release-check test-matrix torture mutation audit

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | awk -F '\t' '{ printf "  make %-24s %s\n", $$1, $$2 }'

up: $(VENV)/.runtime ## opt out everybody in config/, with a service of our own: the two-minute tour
	@$(RUN) -m voiceid_optout up --stack local --yes

check: lint fast ## lint, types, imports and the tests that start no process: for while you work

test: lint unit ## lint, types and the tests that Python alone can run, but for the long ones

lint: $(VENV)/.dev
	$(RUN) -m ruff check $(SOURCES)
	$(RUN) -m ruff format --check $(SOURCES)
	$(RUN) -m mypy
	$(VENV)/bin/lint-imports

RENDERED := build/rendered

lint-workflows: tools/workflows/.venv/.done $(VENV)/.runtime ## actionlint and zizmor over the workflows, those of `optout init` too; needs Go
	@rm -rf $(RENDERED)
	$(RUN) -m tools.rendered $(RENDERED)
	go -C tools/workflows tool actionlint -config-file "$(CURDIR)/.github/actionlint.yaml" \
	  "$(CURDIR)"/.github/workflows/*.yml "$(CURDIR)"/examples/github/*.yml "$(CURDIR)"/examples/pulumi-cli/*.yml \
	  "$(CURDIR)"/$(RENDERED)/*/.github/workflows/*.yml
	tools/workflows/.venv/bin/zizmor --offline --quiet --persona=auditor .github examples/github/*.yml examples/pulumi-cli/*.yml \
	  $(RENDERED)/*/.github/workflows/*.yml

lint-policies: $(VENV)/.runtime tools/policies/.venv/.done ## parliament over the policies of the guardrails
	$(RUN) -m tools.policies tools/policies/.venv/bin/parliament

PYTEST := $(RUN) -m pytest -p tests.progress -o console_output_style=classic -n 2 --dist worksteal
PYTHON_ALONE := not aws and not browser and not clients and not official and not package
SHORT := $(PYTHON_ALONE) and not long and not whole
# COVERAGE=yes measures which lines run; it doubles the time of what runs within the tests' own processes.
COVER := $(if $(COVERAGE),--cov --cov-report=)

fast: $(VENV)/.dev
	$(PYTEST) --fast -m "$(SHORT) and not costly"

unit: $(VENV)/.dev
	$(PYTEST) -m "$(SHORT)" $(COVER)

test-long: $(VENV)/.dev ## every command of the docs, the life of a pull request, and some random kills
	$(PYTEST) -m "$(PYTHON_ALONE) and long" $(COVER) $(if $(COVERAGE),--cov-append)

test-whole: $(VENV)/.dev ## whole runs of many processes: faults, crashes, shards, drift, leaks; a quarter of an hour
	$(PYTEST) -m "$(PYTHON_ALONE) and whole" $(COVER) $(if $(COVERAGE),--cov-append)

coverage: $(VENV)/.dev ## which lines the tests run, the long ones too; fails under 90 %; twice their time
	$(MAKE) unit test-long test-whole COVERAGE=yes
	$(RUN) -m coverage report --fail-under=90

test-package: $(VENV)/.dev ## build wheel and sdist, install and use them in an empty environment
	$(RUN) -m pytest -m package tests/package

test-official: $(VENV)/.dev ## tests against the Pulumi CLI; skipped, with a reason, where it is not on PATH
	@if ! command -v pulumi >/dev/null; then echo "test-official skipped: the Pulumi CLI is not on PATH"; else set -x; \
	  $(RUN) -m pytest -m official --override-ini="addopts=-ra --strict-markers --strict-config"; fi

torture: $(VENV)/.dev ## repeat the tests under fire many times, and write docs/reliability.md; hours, or TORTURE="kills" names parts
	@! command -v npm > /dev/null || $(MAKE) --no-print-directory tests/torture/node/node_modules/.done
	nice $(RUN) -m tests.torture $(TORTURE)

mutation: $(VENV)/.dev tools/mutation/.venv/.done ## change the code that protects people, and count which changes its tests notice; hours
	nice tools/mutation/.venv/bin/python -m tools.mutation $(MUTATION)

audit: $(VENV)/.dev tools/release/.venv/.done $(if $(AUDIT),,tools/audit/.venv/.done) ## locks, hashes, SBOM and known weaknesses of all that is installed; AUDIT=--offline
	$(RUN) -m tools.audit $(AUDIT)

test-aws: $(VENV)/.dev .aws-extra/.done ## tests of the guardrails with the AWS provider's package
	PYTHONPATH="$(CURDIR)/.aws-extra" $(RUN) -m pytest -m aws tests/providers tests/program tests/cli

test-clients: $(VENV)/.dev tests/clients/.venv/.done tests/clients/node/node_modules/.done ## tests with other AWS clients; needs Node
	OPTOUT_AWS_CLI="$(CURDIR)/tests/clients/.venv/bin/python" $(RUN) -m pytest -m clients tests/clients tests/docs

test-browser: $(VENV)/.dev tests/browser/node/node_modules/.done ## the page of a report in Chromium; needs Chromium and Node
	$(RUN) -m pytest -s -m browser tests/browser

test-clients-more: $(VENV)/.dev ## tests with the AWS SDKs for Java and Rust; needs a JDK, Maven and Cargo, builds some minutes
	cd tests/clients/java && mvn -q -B --strict-checksums dependency:copy-dependencies -DoutputDirectory=target/lib
	cd tests/clients/rust && cargo build
	OPTOUT_JAVA=java OPTOUT_RUST="$(CURDIR)/tests/clients/rust/target/debug/voiceid-optout-client-tests" \
	  $(RUN) -m pytest -v -s -m clients tests/clients/test_more.py

tests/clients/.venv/.done: tests/clients/awscli.txt
	$(PYTHON) -m venv tests/clients/.venv
	tests/clients/.venv/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r $<
	@touch $@

tools/policies/.venv/.done: tools/policies/parliament.txt
	$(PYTHON) -m venv tools/policies/.venv
	tools/policies/.venv/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r $<
	@touch $@

# Beside the virtual environment and not in it: the other tests show that the program runs without. Nothing is compiled
# beforehand, for of its six thousand modules fifty are ever loaded.
.aws-extra/.done: requirements-aws.txt | $(VENV)/.runtime
	rm -rf .aws-extra
	$(PIP) --no-deps --no-compile --require-hashes --target .aws-extra -r $<
	@touch $@

tools/workflows/.venv/.done: tools/workflows/zizmor.txt
	$(PYTHON) -m venv tools/workflows/.venv
	tools/workflows/.venv/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r $<
	@touch $@

changelog: $(VENV)/.dev ## write the changelog of the next version from its fragments; RELEASE=yes removes them
	$(RUN) -m tools.release.changelog $(if $(RELEASE),--release)

release-check: $(VENV)/.dev tools/release/.venv/.done ## everything of a release but publishing; dist/ has what it made
	$(RUN) -m tools.release.check $(if $(TAG),--tag "$(TAG)")

test-matrix: $(VENV)/.dev ## the fast tests on other Pythons, oldest and newest dependencies; MATRIX="3.12 lowest" names some
	$(RUN) -m tools.matrix $(MATRIX)

tools/release/.venv/.done: tools/release/release.txt
	$(PYTHON) -m venv tools/release/.venv
	tools/release/.venv/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r $<
	@touch $@

tools/audit/.venv/.done: tools/audit/audit.txt
	$(PYTHON) -m venv tools/audit/.venv
	tools/audit/.venv/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r $<
	@touch $@

tools/mutation/.venv/.done: requirements-dev.txt tools/mutation/mutation.txt
	$(PYTHON) -m venv tools/mutation/.venv
	tools/mutation/.venv/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes \
	  -r requirements-dev.txt -r tools/mutation/mutation.txt
	tools/mutation/.venv/bin/python -m pip --disable-pip-version-check --quiet install --no-deps --no-index --no-build-isolation --editable .
	@touch $@

docs: $(VENV)/.runtime tools/site/.venv/.done ## build the documentation into .site/, a folder that needs no network
	$(SITE) build --strict

docs-serve: $(VENV)/.runtime tools/site/.venv/.done ## show the documentation at http://127.0.0.1:8000, anew after each change
	$(SITE) serve

tools/site/.venv/.done: tools/site/site.txt
	$(PYTHON) -m venv tools/site/.venv
	tools/site/.venv/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r $<
	@touch $@

tests/%/node/node_modules/.done: tests/%/node/package-lock.json
	cd tests/$*/node && npm ci --no-audit --no-fund --silent
	@touch $@

format: $(VENV)/.dev ## rewrite the code in the project's format
	$(RUN) -m ruff check --fix $(SOURCES)
	$(RUN) -m ruff format $(SOURCES)

picture: $(VENV)/.runtime ## render the terminal picture of the README anew
	$(RUN) tools/picture.py docs/images/up.svg

house: $(VENV)/.dev ## print sizes, importers, circles and upward imports of the code; NAMES=--names prints the modules
	@$(RUN) -m tools.house $(NAMES)

engines: $(VENV)/.dev ## play the conformance scenarios and renew their table in docs/engines.md
	$(RUN) -m tests.conformance.table

.PHONY: bench
bench: $(VENV)/.dev tests/clients/.venv/.done ## measure this project and its peers; three hours, or BENCH=--short: 40 minutes
	OPTOUT_AWS_CLI="$(CURDIR)/tests/clients/.venv/bin/python" $(RUN) -m benchmarks $(BENCH)

# Extras stay in the lock: pip takes "coverage[toml]" for a requirement of its own, and would look for a newer one.
COMPILE := uv pip compile -q --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url \
  --no-annotate --custom-compile-command "make lock"

lock: ## resolve the dependencies anew; needs uv
	$(COMPILE) pyproject.toml --group build --extra service --universal -o requirements.txt
	$(COMPILE) pyproject.toml --group build --group dev --extra service --universal -c requirements.txt -o requirements-dev.txt
	$(COMPILE) pyproject.toml --group build --extra postgres --universal -c requirements.txt -o deploy/container/requirements.txt
	$(COMPILE) tests/clients/awscli.in -o tests/clients/awscli.txt
	$(COMPILE) --no-deps requirements-aws.in -o requirements-aws.txt
	$(COMPILE) tools/audit/audit.in -o tools/audit/audit.txt
	$(COMPILE) tools/mutation/mutation.in -c requirements-dev.txt -o tools/mutation/mutation.txt
	$(COMPILE) tools/policies/parliament.in -o tools/policies/parliament.txt
	$(COMPILE) tools/release/release.in -o tools/release/release.txt
	$(COMPILE) tools/site/site.in -o tools/site/site.txt
	$(COMPILE) tools/workflows/zizmor.in -o tools/workflows/zizmor.txt
	$(COMPILE) --resolution lowest-direct pyproject.toml --extra postgres > .matrix-lowest
	$(COMPILE) pyproject.toml --group build --group test --extra postgres -c .matrix-lowest > tools/lowest.txt
	rm .matrix-lowest

clean: ## remove what the targets above made, the sandbox's data too
	rm -rf $(VENV) .optout .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage \
	  tests/clients/.venv tests/browser/node/node_modules tests/clients/node/node_modules tests/clients/java/target tests/clients/rust/target \
	  tools/*/.venv .site .aws-extra .matrix dist

# One virtual environment; the second mark means that the tools for development are in it too.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12"; exit 1; }
	@echo "Setting up $(VENV), once ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.txt pyproject.toml | $(VENV)/bin/python
	@$(PIP) --require-hashes -r requirements.txt
	@$(PIP) --no-deps --no-index --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.runtime
	@$(PIP) --require-hashes -r requirements-dev.txt
	@touch $@
