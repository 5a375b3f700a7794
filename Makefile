# cardiolib: `make reproduce` and `make test` are all that a fresh machine with Python 3.11 and make needs.
.DEFAULT_GOAL := help
SHELL := /bin/sh

PROFILE ?= default
COHORT ?= simulated
SEED ?= 20190211
PARAMS ?=
WORKERS ?= 0
PYTHON ?= python3.11
TORCH ?=
TORCH_INDEX ?=
TORCH_WHEELS ?=
RUN ?=
SCAN ?= example
OUT ?= data/derived/scans
SCAN_ARGS ?=
STUDENT ?= self-study
HANDOUTS ?= data/derived/exercises
OVERWRITE ?=
FOLDER ?=
A ?=
B ?=
N ?= 10000
DOOR ?=

VENV := .venv
PY := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
FLOW := $(PY) -m cardiolib.workflow
CARDIOLIB := $(PY) -m cardiolib
RUN_ARGS := --cohort "$(COHORT)" --seed $(SEED) --workers $(WORKERS) $(foreach p,$(PARAMS),--set $(p))

# one thread per process: work is split over processes, and results must not depend on a library's default
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1
export MKL_NUM_THREADS ?= 1
export PYTHONHASHSEED := 0

.PHONY: help reproduce smoke smoke-kernels scan status verify certificate compare lab exercise grade network test test-kernels test-browser test-all bench fuzz lint audit clean

help: ## print this help
	@echo "cardiolib: reproduce Bello et al. 2019 on simulated hearts, or on your own scans"
	@echo
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | \
	  while IFS='|' read -r target text; do printf '%-20s  %s\n' "$$target" "$$text"; done
	@echo
	@echo "  PROFILE=smoke|lecture|default|paper   how much (default: $(PROFILE))"
	@echo "  COHORT=<folder or name>       your own data, or a simulated cohort (default: $(COHORT))"
	@echo "  SEED=<number>                 default $(SEED)"
	@echo "  PARAMS='stage.name=value'     change parameters, for example PARAMS='survival.latent=8'"
	@echo "  SCAN_ARGS='--id P1 --fast'    other options of a scan (make scan); cardiolib scan --help lists them"
	@echo "  TORCH=cpu|cuda                the build of torch on Linux (default: what pip finds; it says when that is CUDA)"
	@echo "  TORCH_INDEX=<index>           where pip finds the CPU build of torch (or TORCH_WHEELS=<folder of wheels>)"

# TORCH_INDEX and TORCH_WHEELS are added to what pip is configured with; TORCH=cpu takes the CPU build or nothing
PIP_ENV := $(if $(TORCH_INDEX),PIP_EXTRA_INDEX_URL="$$PIP_EXTRA_INDEX_URL $(TORCH_INDEX)") \
  $(if $(TORCH_WHEELS),PIP_FIND_LINKS="$$PIP_FIND_LINKS $(TORCH_WHEELS)")
TORCH_VERSION := $(shell sed -n 's/^ *"torch==\([0-9.]*\)",.*/\1/p' pyproject.toml)
TORCH_PIN := $(and $(filter cpu,$(TORCH)),$(filter Linux-x86_64,$(shell uname -s)-$(shell uname -m)),"torch==$(TORCH_VERSION)+cpu")

$(INSTALLED): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed, and $(PYTHON) was not found. Install it (README, \
	First contact), or say where it is: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "Python 3.11 is needed, and \
	$(PYTHON) is $$($(PYTHON) --version). Nothing has been downloaded."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@$(PIP_ENV) $(PY) -I cardiolib/workflow/torch_build.py "$(TORCH_VERSION)" --choice "$(TORCH)"
	$(PIP_ENV) $(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt $(TORCH_PIN) -e ".[dev]"
	@touch $@

reproduce: $(INSTALLED) ## install, run the notebooks, write reports/<run> and reports/index.html
	$(FLOW) run --profile $(PROFILE) $(RUN_ARGS)

smoke: $(INSTALLED) ## the same, small: a few minutes
	$(FLOW) run --profile smoke $(RUN_ARGS)

scan: $(INSTALLED) ## look at your own scan, DICOM or NIfTI: make scan SCAN=path/to/scan [OUT=folder]; without SCAN a simulated one
	$(CARDIOLIB) scan "$(SCAN)" --out "$(OUT)" --workers $(WORKERS) $(SCAN_ARGS)

status: $(INSTALLED) ## which stages are up to date, and why the others are not
	$(FLOW) status --profile $(PROFILE) $(RUN_ARGS)

verify: $(INSTALLED) ## check a published run (RUN=, default the newest): hashes, figures, expected metrics
	$(FLOW) verify --run "$(RUN)"

certificate: $(INSTALLED) ## certify a published run (RUN=, default the newest): codecheck.yml, RO-Crate, certificate.html
	$(FLOW) certificate --run "$(RUN)"

compare: $(INSTALLED) ## two published runs side by side: make compare A=<run> B=<run>
	$(FLOW) compare "$(A)" "$(B)"

lab: $(INSTALLED) ## open JupyterLab at the notebook that links the others (notebooks/index.ipynb)
	$(VENV)/bin/jupyter lab --ServerApp.root_dir="$(CURDIR)" notebooks/index.ipynb

exercise: $(INSTALLED) ## notebooks of exercises over a student's own cohort: make exercise STUDENT='anna bob' [HANDOUTS=folder]
	$(CARDIOLIB) exercise $(STUDENT) --out "$(HANDOUTS)" $(if $(OVERWRITE),--overwrite)

grade: $(INSTALLED) ## grade what students handed in: make grade FOLDER=<folder> (grades: <folder>-grades)
	$(CARDIOLIB) grade "$(FOLDER)" --workers $(WORKERS)

network: $(INSTALLED) ## learn again what comes with cardiolib: network, shape and motion models (resumes)
	$(PY) -m cardiolib.motion.make_models
	$(PY) -m cardiolib.segmentation.make_shipped

# tests of one file run in one process, which share what they have made
test: $(INSTALLED) ## run the test suite, on all cores
	$(PY) -m pytest -n logical --maxprocesses 8 --dist loadfile

test-browser: $(INSTALLED) ## run the tests that open notebooks in a real browser (needs chromium)
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[browser]"
	$(PY) -m pytest -m browser tests/browser

# Kernels of other processors, by the settings that choose them: AVX2 only, and the plainest that there are
AVX2 := ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 OPENBLAS_CORETYPE=Haswell MKL_CBWR=AVX2 NUMBA_CPU_NAME=haswell
PLAIN := ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=SSE41 OPENBLAS_CORETYPE=Zen MKL_CBWR=COMPATIBLE NUMBA_CPU_NAME=x86-64
ifeq ($(shell uname -m),x86_64)
AVX2 += NPY_ENABLE_CPU_FEATURES=X86_V3
PLAIN += NPY_ENABLE_CPU_FEATURES=X86_V3
endif

test-kernels: $(INSTALLED) ## repeat what is sensitive to the processor as on one without AVX-512
	$(AVX2) $(PY) -m pytest -m processor
	$(PLAIN) $(PY) -m pytest -m processor

smoke-kernels: $(INSTALLED) ## the smoke run on the kernels of other processors: what an expectation allows to differ
	$(AVX2) $(FLOW) run --profile smoke --run-folder data/derived/smoke-avx2
	$(PLAIN) $(FLOW) run --profile smoke --run-folder data/derived/smoke-plain

test-all: $(INSTALLED) ## run the test suite with the slow tests
	$(PY) -m pytest -m "not browser" -n logical --maxprocesses 8 --dist loadfile

bench: $(INSTALLED) ## measure speed, memory and accuracy; writes benchmarks/results
	$(PY) -m benchmarks

fuzz: $(INSTALLED) ## damaged and odd files through every door that reads one: make fuzz N=10000 [DOOR=csv,dicom]
	$(PY) -m benchmarks.fuzz --n $(N) --door "$(DOOR)"

lint: $(INSTALLED) ## check style and types
	$(VENV)/bin/ruff check cardiolib tests benchmarks
	$(VENV)/bin/ruff format --check cardiolib tests benchmarks
	$(PY) -m mypy

audit: ## ask pip-audit about known vulnerabilities of what is pinned (needs the network; an environment of its own)
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit
	.venv-audit/bin/pip-audit --strict --no-deps --disable-pip -r constraints.txt

clean: ## remove what runs have made (not .venv, not data/raw, not your data)
	find reports figures -mindepth 1 -maxdepth 1 ! -name expected ! -name gallery -exec rm -rf {} +
	rm -rf data/derived .pytest_cache .ruff_cache .mypy_cache
