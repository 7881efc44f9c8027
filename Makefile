# Two doors: `make demo` shows a head smiling and being surprised, `make test` checks everything.
# Both set up what they need; a second run finds it there. Blender comes as the bpy wheel.

PYTHON ?= python3.11
# A CPU build is enough. Where this version has none for your machine: make test TORCH='torch>=2.2'
TORCH ?= torch==2.13.0
BPY ?= bpy==4.5.*
# Tests run in so many processes, each on one thread: most of them wait for one Blender.
WORKERS ?= 2
# Of `make bench`, and processes of `make bench-heads`.
THREADS ?= 1
JOBS ?= 2
# Of `make robustness`; empty is all of them.
CHAPTERS ?=

VENV := .venv
BIN := $(VENV)/bin
PIP_QUIET := -qq --disable-pip-version-check --progress-bar off
# Blenders the built zip is installed in: oldest and newest supported, and the LTS between.
ZIP_VENVS := .venv-bpy42 .venv-bpy45 .venv-bpy50

.DEFAULT_GOAL := help
.PHONY: help setup setup-test demo test test-newest test-windows lint types bench bench-heads bench-desk robustness clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

demo: setup ## the sample head, happy and surprised: out/demo.fbx, .blend, .png, .json
	@$(BIN)/facegen demo --folder out

setup: $(VENV)/.ready ## .venv with Blender as a module and the facegen command

setup-test: $(VENV)/.test-ready $(ZIP_VENVS:=/.ready) ## everything the tests need

test: setup-test lint types ## lint, types, then every test
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal

test-newest: setup-test ## every story of the zip in Blender 5.2, on Python 3.13 (root, Debian)
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 FACEGEN_NEWEST_STORIES=all \
		$(BIN)/python -m pytest -q tests/blender/test_newest_blender.py

test-windows: setup-test ## the core of the Windows zip on Windows' Python under Wine (root, Debian)
	@FACEGEN_WINDOWS=tests/core $(BIN)/python -m pytest -q tests/test_windows.py

lint: $(VENV)/.test-ready
	@$(BIN)/ruff check -q .
	@$(BIN)/ruff format -q --check .

types: $(VENV)/.test-ready
	@$(BIN)/mypy --no-error-summary

bench: $(VENV)/.test-ready ## speed and memory as ratios of one run: docs/benchmarks.md, .json
	@$(BIN)/python -m tests.benchmarks --threads $(THREADS)

bench-heads: $(VENV)/.test-ready ## any head: how well it is matched and moved: docs/heads.md, .json
	@$(BIN)/python -m tests.benchmarks.heads --jobs $(JOBS)

bench-desk: $(VENV)/.test-ready ## what an artist waits for: a clip, a bake, one frame under the hand
	@$(BIN)/python -m tests.benchmarks.desk_benchmark

robustness: setup-test ## what it takes to break it: docs/robustness.md, .json
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.robustness $(CHAPTERS)

clean: ## remove environments and products
	rm -rf $(VENV) $(ZIP_VENVS) out dist build *.egg-info .mypy_cache .ruff_cache .pytest_cache

# ---- environments; a stamp file says that one is complete ------------------------------------

$(VENV)/.ready: pyproject.toml .ci/environment
	@.ci/environment $(VENV) $(PYTHON) '$(BPY)' scipy 'threadpoolctl<3.7'
	@$(BIN)/python -m pip install $(PIP_QUIET) --no-deps -e .
	@touch $@

$(VENV)/.test-ready: $(VENV)/.ready
	@echo "Installing PyTorch and the development tools into $(VENV)"
	@$(BIN)/python -m pip install $(PIP_QUIET) '$(TORCH)' -e '.[training,dev]'
	@touch $@

# The zips bring their own SciPy, so these have Blender and nothing else.
.venv-bpy42/.ready: .ci/environment
	@.ci/environment .venv-bpy42 $(PYTHON) 'bpy==4.2.*'
	@touch $@

.venv-bpy45/.ready: .ci/environment
	@.ci/environment .venv-bpy45 $(PYTHON) 'bpy==4.5.*'
	@touch $@

.venv-bpy50/.ready: .ci/environment
	@.ci/environment .venv-bpy50 $(PYTHON) 'bpy==5.0.*'
	@touch $@
