# Needs Python 3.11 or newer and make; everything else goes into .venv.
# The first run downloads about 3 GB (PyTorch); later runs check a stamp and start at once.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PROTOS_STAMP := .venv-protos/.installed
CHARTS_STAMP := .venv-charts/.installed
XDS_STAMP := .venv-xds/.installed

# Without bytecode every import is compiled from source again: 3 times slower.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-full rows check protos console lock index pictures bench clean

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: $(STAMP)  ## Create .venv with everything that the other targets need

$(STAMP): deploy/requirements.lock deploy/bootstrap.lock pyproject.toml deploy/setup.sh
	@PYTHON="$(PYTHON)" deploy/setup.sh $(VENV) deploy/requirements.lock
	@touch $@

$(PROTOS_STAMP): deploy/protos.lock deploy/bootstrap.lock deploy/setup.sh
	@PYTHON="$(PYTHON)" deploy/setup.sh .venv-protos deploy/protos.lock
	@touch $@

$(CHARTS_STAMP): deploy/charts.lock deploy/bootstrap.lock deploy/setup.sh
	@PYTHON="$(PYTHON)" deploy/setup.sh .venv-charts deploy/charts.lock
	@touch $@

$(XDS_STAMP): deploy/xds.lock deploy/bootstrap.lock deploy/setup.sh
	@PYTHON="$(PYTHON)" deploy/setup.sh .venv-xds deploy/xds.lock
	@touch $@

demo: $(STAMP)  ## Pretrain, hand the backbone back, fine-tune it: the main job, about 3 minutes
	@$(BIN)/vertebra demo

# Two files of tests at a time: each computes on one thread, and services are mostly waited for.
PYTEST := $(BIN)/python -m pytest --numprocesses 2 --dist loadfile

test: $(STAMP) $(PROTOS_STAMP) $(CHARTS_STAMP) $(XDS_STAMP)  ## All tests but those that cost minutes
	@deploy/test_tools.sh
	-@deploy/console.sh
	$(PYTEST) -m "not full and not gpu"

test-full: $(STAMP) $(PROTOS_STAMP) $(CHARTS_STAMP) $(XDS_STAMP)  ## All tests
	@deploy/test_tools.sh
	-@deploy/console.sh
	$(PYTEST) -m "not gpu"

rows: $(STAMP) $(PROTOS_STAMP) $(CHARTS_STAMP) $(XDS_STAMP)  ## 28 faults beyond one machine, in full: a line each with what was counted
	@deploy/test_tools.sh
	$(PYTEST) -m row

check: $(STAMP) $(PROTOS_STAMP)  ## ruff, mypy, import rules, buf, prettier, generated code is fresh
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	cd protos && ../$(BIN)/buf lint && ../$(BIN)/buf format --diff --exit-code
	deploy/node.sh
	$(BIN)/python protos/check_fresh.py
	cd clients && npm run --silent check --workspaces --include-workspace-root --if-present

protos: $(STAMP) $(PROTOS_STAMP)  ## Regenerate stubs and golden samples after touching a .proto
	deploy/node.sh
	cd protos && ../$(BIN)/buf format --write && ../$(BIN)/buf generate
	$(BIN)/python protos/golden_samples.py

console: $(STAMP)  ## Build the console of `vertebra up --console`
	deploy/console.sh

lock: $(STAMP)  ## Resolve the pinned requirements again
	$(BIN)/python deploy/lock.py

index: $(STAMP)  ## Rebuild the catalog's index from the installed torchvision
	$(BIN)/python -m catalog_service.models.build_index

pictures: $(STAMP)  ## Draw the pages' pictures again
	$(BIN)/python deploy/pictures.py
	$(BIN)/python deploy/console_picture.py

bench: $(STAMP)  ## Measure side by side and print ratios
	$(BIN)/python -m tests.benchmarks

clean:  ## Remove the environments and caches
	rm -rf $(VENV) .venv-protos .venv-charts .venv-xds .mypy_cache .ruff_cache .pytest_cache
