# smserve: everything that a person or CI runs. `make` lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

PYTHON  ?= python3
VENV    ?= .venv
BIN     := $(VENV)/bin
READY   := $(VENV)/.ready
PROTOS  := $(wildcard proto/smserve/*/*.proto) proto/generate.py

# What the verbs below work on; override any of them, for example `make train DATASET=folder:photos NAME=photos`.
DATASET ?= emoji
NAME    ?=
RUN     ?= runs/demo
MODEL   ?= $(RUN)/model.onnx
IMAGES  ?=
GALLERY ?= $(RUN)/gallery
BENCH   ?=
ARGS    ?=

.PHONY: help setup demo train table evaluate export index serve lint test check bench clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(READY) ## make the virtual environment, install dependencies, generate the wire code

$(READY): pyproject.toml constraints.txt $(PROTOS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "smserve needs Python >= 3.11, this is " + sys.version.split()[0] + "; try make PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --disable-pip-version-check --quiet --constraint constraints.txt --editable '.[train,bench,dev]'
	@touch $@

demo: $(READY) ## train, export, index, serve and search the built-in pictures; ends with a contact sheet
	$(BIN)/python examples/demo.py $(ARGS)

train: $(READY) ## train an embedding: DATASET=emoji|cub|cars196|sop|inshop|folder:DIR|csv:FILE [NAME=run] [ARGS=...]
	$(BIN)/python -m training train --dataset $(DATASET) $(if $(NAME),--name $(NAME)) $(ARGS)

table: $(READY) ## every row of the paper's tables over seeds: DATASET=cub|cars196|emoji [ARGS=...]
	$(BIN)/python -m training table $(DATASET) $(ARGS)

evaluate: $(READY) ## Recall@K, MAP@R and NMI of a run's test classes: RUN=runs/NAME
	$(BIN)/python -m training evaluate $(RUN) $(ARGS)

export: $(READY) ## write model.onnx of a run: RUN=runs/NAME
	$(BIN)/python -m training export $(RUN) $(ARGS)

index: $(READY) ## build a gallery: IMAGES=DIR [MODEL=model.onnx] [GALLERY=DIR]
	$(BIN)/smserve index build --model $(MODEL) --images $(IMAGES) --gallery $(GALLERY) $(ARGS)

serve: $(READY) ## serve a gallery over gRPC: [MODEL=model.onnx] [GALLERY=DIR]
	$(BIN)/smserve serve --model $(MODEL) --gallery $(GALLERY) $(ARGS)

lint: $(READY) ## formatting, lint, types, layers, and protos against the last release
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/buf lint
	$(BIN)/buf breaking --against proto/released.binpb

test: $(READY) ## run all tests, integration tests against a real local server among them
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses=auto --maxprocesses=4 --max-worker-restart=0 --dist=loadfile $(ARGS)

check: lint test ## the gate: lint and test

bench: $(READY) ## run a benchmark: BENCH=name [ARGS=--quick]; without BENCH, list them
	$(BIN)/python -m benchmarks $(BENCH) $(ARGS)

clean: ## remove what the tools made (keeps .venv, data/ and runs/)
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	rm -f smserve/*/*_pb2*.py smserve/*/*_pb2*.pyi $(READY)
	find smserve training tests benchmarks examples proto -name __pycache__ -type d -prune -exec rm -rf {} +
