# The front door. Every target sets up what it needs from nothing.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3
BIN := .venv/bin
DEMO := build/demo
ARGS ?=
export PATH := $(CURDIR)/$(BIN):$(PATH)

GRPC := jupyter_modeldeploy/serving/grpc
TYPES := labextension/src/core/openapi.ts
LABEXTENSION := jupyter_modeldeploy/labextension/package.json
# Modules are compiled when they are first imported, since most of what comes in never is; and then they have to be kept.
unexport PYTHONDONTWRITEBYTECODE
INSTALL := HATCH_JUPYTER_BUILDER_SKIP_NPM=1 pip install --quiet --no-compile --constraint constraints.txt --editable
FRONT_END := package.json yarn.lock $(shell find labextension/src labextension/style labextension/schema -type f)

.PHONY: help demo test journeys unsteady generated lab lint lint-python bench generate wheel clean system
.DEFAULT_GOAL := help

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

demo: .venv/ready  ## the main job on real data, from nothing to a measured endpoint; report in build/demo
	modeldeploy --root $(DEMO)/workspace demo --out $(DEMO)

# One more than there are processors: many a test waits for a browser, a process or a deadline.
WORKERS = $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
test: export OMP_WAIT_POLICY = passive
test: .venv/developing $(LABEXTENSION) system  ## all tests; make test ARGS="tests/unit -k leases" for some
	python -m pytest $(or $(ARGS),--numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder)

# A journey is one long test: it may take minutes where another would be taken for hanging.
journeys: export OMP_WAIT_POLICY = passive
journeys: .venv/developing $(LABEXTENSION) system  ## the whole way in JupyterLab from an empty workspace, by mouse, by keyboard, in panels and by magics
	python -m pytest -o faulthandler_timeout=1800 $(or $(ARGS),tests/ui/journeys tests/integration/journeys)

unsteady: export UNSTEADY := $(or $(UNSTEADY),$(shell date +%s))
unsteady: export OMP_WAIT_POLICY = passive
unsteady: .venv/developing $(LABEXTENSION) system  ## the browser tests on a slow machine with late answers; make unsteady UNSTEADY=7 draws them as the seed 7 does
	@echo "The seed is $$UNSTEADY."
	python -m pytest -o faulthandler_timeout=1800 $(or $(ARGS),--numprocesses=$(WORKERS) --dist=loadfile tests/ui)

generated: export ALL_GENERATED = 1
generated: .venv/developing system  ## requests as nobody should send them: all of them, of which the tests send a third
	python -m pytest $(or $(ARGS),tests/integration/robustness tests/conformance/http/test_openapi.py)

lab: .venv/developing $(LABEXTENSION)  ## JupyterLab with the extension and the quickstart open
	jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) $(ARGS) notebooks/quickstart.ipynb

lint: lint-python $(LABEXTENSION)  ## ruff, mypy, import-linter, ESLint, and that generated files are up to date
	jlpm lint
	mkdir -p build
	python -m jupyter_modeldeploy.api.openapi | diff docs/openapi.json - >/dev/null || { echo "docs/openapi.json is stale: make generate"; exit 1; }
	python -m grpc_tools.protoc -I$(GRPC) --descriptor_set_out=build/inference.binpb inference.proto
	cmp -s build/inference.binpb $(GRPC)/inference.binpb || { echo "inference.binpb is stale: make generate"; exit 1; }
	node_modules/.bin/openapi-typescript docs/openapi.json -o build/openapi.ts >/dev/null
	node_modules/.bin/prettier --stdin-filepath $(TYPES) <build/openapi.ts | cmp -s - $(TYPES) || { echo "openapi.ts is stale: make generate"; exit 1; }

lint-python: .venv/developing
	ruff check .
	ruff format --check .
	mypy
	lint-imports

bench: .venv/developing  ## the benchmarks, into benchmarks/results; make bench BENCH=benchmarks/serving.py ARGS="--only tiny"
	for benchmark in $(or $(BENCH),benchmarks/*.py); do echo "== $$benchmark"; python "$$benchmark" $(ARGS); done

generate: .venv/developing $(LABEXTENSION)  ## docs/openapi.json, docs/cli.md, the gRPC messages and the TypeScript types
	python -m jupyter_modeldeploy.api.openapi > docs/openapi.json
	python -m jupyter_modeldeploy.cli.reference
	python -m grpc_tools.protoc -I$(GRPC) --descriptor_set_out=$(GRPC)/inference.binpb inference.proto
	jlpm generate

wheel: .venv/developing $(LABEXTENSION)  ## wheel and sdist into dist
	rm -rf dist
	python -m build --outdir dist

clean:  ## back to a fresh clone
	rm -rf .venv build dist node_modules labextension/lib labextension/tsconfig.tsbuildinfo jupyter_modeldeploy/labextension jupyter_modeldeploy/widgets/static
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .yarn
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/pip:
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is needed: install it, or say make PYTHON=/path/to/python3."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$$($(PYTHON) --version) is too old: Python 3.11 or newer is needed. Say make PYTHON=/path/to/python3.11."; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' || { echo "The module venv is missing: on Debian and Ubuntu, apt-get install python3-venv."; exit 1; }
	@echo "Installing into .venv; the first time takes a few minutes."
	$(PYTHON) -m venv .venv

.venv/ready: pyproject.toml constraints.txt package.json | .venv/bin/pip
	$(INSTALL) ".[cpu]"
	@touch $@

.venv/developing: pyproject.toml constraints.txt package.json | .venv/bin/pip
	$(INSTALL) ".[dev]"
	@touch .venv/ready $@

$(LABEXTENSION): .venv/developing $(FRONT_END)
	@command -v node >/dev/null || { echo "Node.js 20 or newer is needed to build the front end: install it (Debian: apt-get install nodejs)."; exit 1; }
	jlpm install --immutable
	jlpm build:prod
	jupyter-builder develop . --overwrite
	@touch $@

# What the tests need beside Python: Chromium, a Redis, and Prometheus' promtool.
PROGRAMS := chromium:chromium redis-server:redis-server promtool:prometheus
system:
	@missing=; for program in $(PROGRAMS); do command -v $${program%:*} >/dev/null || missing="$$missing $${program#*:}"; done; \
	  [ -n "$$missing" ] || exit 0; \
	  if ! command -v apt-get >/dev/null; then echo "The tests need$$missing on the PATH: install it with your package manager."; exit 1; fi; \
	  if [ "$$(id -u)" = 0 ]; then as=; elif sudo -n true 2>/dev/null; then as=sudo; else \
	    echo "The tests need$$missing, and installing it needs rights that you lack here. Ask for: apt-get install$$missing"; exit 1; fi; \
	  echo "Installing$$missing for the tests."; \
	  $$as apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$as apt-get install -y -qq --no-install-recommends $$missing >/dev/null
