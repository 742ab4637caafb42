# The front door. Every target sets up what it needs from nothing; `make` lists them.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
SYSTEM_PACKAGES := chromium
DEMO := build/demo

.PHONY: help demo test lab lint bench generate wheel clean
.DEFAULT_GOAL := help

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

.venv/ready: pyproject.toml constraints.txt package.json
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is needed: install it, or say make PYTHON=/path/to/python3."; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt torch
	HATCH_JUPYTER_BUILDER_SKIP_NPM=1 $(BIN)/pip install --quiet --constraint constraints.txt --editable .
	@touch $@

.venv/developing: .venv/ready
	HATCH_JUPYTER_BUILDER_SKIP_NPM=1 $(BIN)/pip install --quiet --constraint constraints.txt --editable ".[test,lint]"
	@touch $@

demo: .venv/ready  ## fetch, fine-tune, convert, quantize, serve, profile, compare; the report in build/demo
	$(BIN)/modeldeploy --root $(DEMO)/workspace demo --out $(DEMO)
