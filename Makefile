# `make demo` and `make test` do all the set-up themselves; nothing else is needed first.
# Every target can be run again: what is up to date costs no time.

# Any Python from 3.11 to 3.13; `make PYTHON=/path/to/python3.12` takes another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& command -v $$p && break; done)
TOOLS  := setup/install.py
BIN    := .venv/bin
LOCK   := setup/requirements.lock
READY  := .venv/.ready
TEST_READY := .venv/.ready-test
C_FILES = $(shell git ls-files 'firmware/*.c' 'firmware/*.h')

export MCU_CORE_DIR ?= $(CURDIR)/.platformio
export TF_CPP_MIN_LOG_LEVEL ?= 3
export PYTHONDONTWRITEBYTECODE ?= 1

.PHONY: help setup demo test check lint types unit docs fuzz sbom format lock bench bench-kernels bench-compression clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | expand -t 12

setup: $(READY) ## ARM compiler, QEMU, .venv from the lock file, PlatformIO core dir

$(READY): $(LOCK) pyproject.toml setup.py $(TOOLS) pipeline/tools.py
	@test -n "$(PYTHON)" || { echo "setup: Python 3.11, 3.12 or 3.13 is needed; make PYTHON=/path/to/it takes one that is not on PATH" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { echo "setup: $(PYTHON) is not Python 3.11, 3.12 or 3.13" >&2; exit 1; }
	@$(PYTHON) $(TOOLS) demo
	@test -x $(BIN)/python || { echo "setup: creating .venv"; $(PYTHON) -m venv .venv; }
	@echo "setup: installing the locked Python packages (about 1 GB to fetch the first time)"
	@$(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r $(LOCK)
	@PYTHONWARNINGS=ignore $(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@echo "setup: preparing PlatformIO in $(MCU_CORE_DIR)"
	@$(BIN)/python -c 'from pipeline.build import setup_core; setup_core()'
	@touch $@

demo: setup ## the main job: train a digits CNN, prune, quantise, build, run on an emulated STM32F4
	@$(BIN)/python examples/digits/train.py build/demo/digits.keras
	$(BIN)/mcu deploy build/demo/digits.keras --data digits --prune magnitude:0.75 --board disco_f407vg --out build/demo/run
	@echo
	@echo "The command \`mcu\` is .venv/bin/mcu here. On your PATH in this shell: . .venv/bin/activate"



$(TEST_READY): $(READY) $(TOOLS) pipeline/tools.py
	@$(PYTHON) $(TOOLS) test
	@touch $@

# A file's tests stay in one process, so that its fixtures are made once; no more than 8
# processes, since some hold TensorFlow (about 1 GB each). `PARALLEL=` runs them one by one.
PARALLEL ?= -n auto --maxprocesses 8 --dist loadfile

test: setup $(TEST_READY) ## all tests
	$(BIN)/python -m pytest $(PARALLEL) $(PYTEST_ARGS)

check: setup lint types unit ## lint, types, unit tests: about a minute on two processors

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/clang-format --dry-run --Werror $(C_FILES)

types:
	$(BIN)/mypy

unit:
	$(BIN)/python -m pytest $(PARALLEL) -m "not slow and not qemu and not renode" $(PYTEST_ARGS)

docs: ## write docs/options.md anew from pipeline/options/
	$(BIN)/python -m pipeline.options docs/options.md

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

lock: ## resolve setup/requirements.lock anew, for every system and Python (needs uv)
	uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
		--python-version 3.11 --extra all --extra dev -o $(LOCK) pyproject.toml

bench: setup $(TEST_READY) ## measure the engine in QEMU; fails when worse than benchmarks/engine.json, UPDATE=1 takes it
	$(BIN)/python benchmarks/engine.py $(BENCH_ARGS)

bench-kernels: setup $(TEST_READY) ## count the kernels' instructions in QEMU; fails where one got slower or the cost model is over 25 % off
	$(BIN)/python benchmarks/kernels_dsp.py --check

bench-compression: setup $(TEST_READY) ## prune, quantise and deploy the tasks of docs/compression.md; goes on where it was
	$(BIN)/python benchmarks/compression.py $(BENCH_ARGS)

SBOM := build/sbom

sbom: setup ## what the locked environment holds (CycloneDX), and each package's licence, in build/sbom
	@test -x $(SBOM)/tools/bin/python || $(BIN)/python -m venv $(SBOM)/tools
	@$(SBOM)/tools/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r setup/sbom.lock
	@$(SBOM)/tools/bin/cyclonedx-py environment --output-reproducible --of JSON -o $(SBOM)/sbom.cdx.json $(BIN)/python
	@$(SBOM)/tools/bin/pip-licenses --python=$(BIN)/python --from=mixed --order=license --format=markdown --output-file=$(SBOM)/licences.md
	@echo "sbom: $(SBOM)/sbom.cdx.json, $(SBOM)/licences.md"

clean: ## remove what was built; keeps .venv and .platformio
	rm -rf build runs .pytest_cache .mypy_cache .ruff_cache .hypothesis
