# The one way to do each thing. `make demo` and `make test` work on a fresh machine with Python, git, make and the package index.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-fast coverage faults check docs format clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(READY) ## create the environment and install everything in it

$(READY): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("colorize needs Python 3.11 or newer: make PYTHON=python3.12 ..." if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	$(BIN)/python -c 'import cv2' 2>/dev/null || { \
		echo 'OpenCV lacks system libraries: installing opencv-python-headless instead'; \
		$(BIN)/python -m pip uninstall --quiet --yes opencv-python; \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps opencv-python-headless; \
		$(BIN)/python -c 'import cv2'; }
	@touch $(READY)

demo: $(READY) ## colorize seven sample photographs and show them on one sheet, demo/demo.jpg
	$(BIN)/python tools/demo.py demo

test: $(READY) ## run the whole test suite
	$(BIN)/python -m pytest

# Left out: what trains, builds every network, starts processes or downloads from a local server.
NOT_FAST := faults training review models cli cuda test_registry.py batch/cluster checkpoints/hub \
	checkpoints/test_foreign.py checkpoints/test_onnx.py

test-fast: $(READY) ## run the quick tests: under a minute on two cores
	$(BIN)/python -m pytest -m 'not slow and not photos' $(addprefix --ignore=tests/,$(NOT_FAST))

coverage: $(READY) ## run the whole test suite and write htmlcov/index.html
	$(BIN)/python -m pip install --quiet --disable-pip-version-check pytest-cov
	$(BIN)/python -m pytest --cov=colorize_cli --cov-report=term:skip-covered --cov-report=html

faults: $(READY) ## kill runs and workers, fill disks: the fault tests at full length
	COLORIZE_KILLS=20 COLORIZE_FUZZ=500 $(BIN)/python -m pytest tests/faults

check: $(READY) ## lint, formatting, types and the layers of imports
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy
	$(BIN)/lint-imports --no-logo

docs: $(READY) ## write the tables of models and docs/cli.md from the code
	$(BIN)/python tools/docs.py

format: $(READY) ## put the code into the house format
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

clean: ## remove the environment and everything made
	rm -rf $(VENV) demo build dist htmlcov .coverage
