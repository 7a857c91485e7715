# `make demo` and `make test` do all the set-up themselves; nothing else is needed first.
# Every target can be run again: what is up to date costs no time.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN    := .venv/bin
LOCK   := setup/requirements.lock
READY  := .venv/.ready
C_FILES = $(shell git ls-files 'firmware/*.c' 'firmware/*.h')

export MCU_CORE_DIR ?= $(CURDIR)/.platformio
export TF_CPP_MIN_LOG_LEVEL ?= 3
export PYTHONDONTWRITEBYTECODE ?= 1

.PHONY: help setup demo test check lint types unit fuzz format lock bench bench-kernels bench-compression clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | expand -t 12

setup: $(READY) ## Debian packages, .venv from the lock file, PlatformIO core dir

$(READY): $(LOCK) pyproject.toml setup/debian.sh
	@test -n "$(PYTHON)" || { echo "setup: Python 3.11 is needed (Debian: apt-get install python3 python3-venv)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "setup: $(PYTHON) is not Python 3.11; say make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@sh setup/debian.sh $(PYTHON)
	@test -x $(BIN)/python || { echo "setup: creating .venv"; $(PYTHON) -m venv .venv; }
	@echo "setup: installing the locked Python packages (about 1 GB to fetch the first time)"
	@$(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r $(LOCK)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e . 2>&1 | grep -E '^ERROR' || true
	@echo "setup: preparing PlatformIO in $(MCU_CORE_DIR)"
	@$(BIN)/python -c 'from pipeline.build import setup_core; setup_core()'
	@touch $@

demo: setup ## the main job: train a digits CNN, prune, quantise, build, run on an emulated STM32F4
	@$(BIN)/python examples/digits/train.py build/demo/digits.keras
	$(BIN)/mcu deploy build/demo/digits.keras --data digits --prune magnitude:0.75 --board disco_f407vg --out build/demo/run

TEST_READY := .venv/.ready-test

$(TEST_READY): $(READY) setup/debian.sh
	@sh setup/debian.sh $(PYTHON) test
	@touch $@

# A file's tests stay in one process, so that its fixtures are made once; no more than 8
# processes, since some hold TensorFlow (about 1 GB each). `PARALLEL=` runs them one by one.
PARALLEL ?= -n auto --maxprocesses 8 --dist loadfile

test: setup $(TEST_READY) ## all tests
	$(BIN)/python -m pytest $(PARALLEL) $(PYTEST_ARGS)

check: setup lint types unit ## lint, types, unit tests: a minute and a half on two processors

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/clang-format --dry-run --Werror $(C_FILES)

types:
	$(BIN)/mypy

unit:
	$(BIN)/python -m pytest $(PARALLEL) -m "not slow and not qemu and not renode" $(PYTEST_ARGS)

# `make fuzz SECONDS=600 SEED=2 KIND=npz`; what fails is kept in build/fuzz.
KIND    ?= all
SECONDS ?= 60
SEED    ?= 1

fuzz: setup ## damaged files of every kind, SECONDS=60 for each KIND; only results and our own errors may come
	nice $(BIN)/python -m tests.fuzz $(KIND) --seconds $(SECONDS) --seed $(SEED)

format: ## rewrite Python and C in the project's format
	$(BIN)/ruff check --fix-only -q .
	$(BIN)/ruff format -q .
	$(BIN)/clang-format -i $(C_FILES)

lock: ## resolve setup/requirements.lock anew (needs uv)
	uv pip compile -q --generate-hashes --no-emit-index-url --no-header --no-annotate --python-version 3.11 \
		--extra dev --extra digits --extra postgres --extra ppk2 --extra joulescope -o $(LOCK) pyproject.toml

bench: setup ## measure the engine in QEMU; fails when worse than benchmarks/engine.json, UPDATE=1 takes it
	$(BIN)/python benchmarks/engine.py $(BENCH_ARGS)

bench-kernels: setup ## count the kernels' instructions in QEMU; fails where one got slower or the cost model is over 25 % off
	$(BIN)/python benchmarks/kernels_dsp.py --check

bench-compression: setup ## prune, quantise and deploy the tasks of docs/compression.md; goes on where it was
	$(BIN)/python benchmarks/compression.py $(BENCH_ARGS)

clean: ## remove what was built; keeps .venv and .platformio
	rm -rf build runs .pytest_cache .mypy_cache .ruff_cache .hypothesis
