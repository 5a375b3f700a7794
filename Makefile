# cardiolib: `make reproduce` and `make test` are all that a fresh machine with Python 3.11 and make needs.
.DEFAULT_GOAL := help
SHELL := /bin/sh

PROFILE ?= default
COHORT ?= simulated
SEED ?= 20190211
PARAMS ?=
WORKERS ?= 0
PYTHON ?= python3.11

VENV := .venv
PY := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
FLOW := $(PY) -m cardiolib.workflow
RUN_ARGS := --cohort "$(COHORT)" --seed $(SEED) --workers $(WORKERS) $(foreach p,$(PARAMS),--set $(p))

# one thread per process: work is split over processes, and results must not depend on a library's default
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1
export MKL_NUM_THREADS ?= 1
export PYTHONHASHSEED := 0

.PHONY: help reproduce smoke status verify lab test test-all bench lint clean

help: ## print this help
	@echo "cardiolib: reproduce Bello et al. 2019 on simulated hearts, or on your own scans"
	@echo
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | \
	  while IFS='|' read -r target text; do printf '%-18s %s\n' "$$target" "$$text"; done
	@echo
	@echo "  PROFILE=smoke|default|paper   how much (default: $(PROFILE))"
	@echo "  COHORT=<folder or name>       your own data, or a simulated cohort (default: $(COHORT))"
	@echo "  SEED=<number>                 default $(SEED)"
	@echo "  PARAMS='stage.name=value'     change parameters, for example PARAMS='survival.latent=8'"

$(INSTALLED): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed ($(PYTHON) not found); set PYTHON=..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@

reproduce: $(INSTALLED) ## install, run the five notebooks, write reports/index.html
	$(FLOW) run --profile $(PROFILE) $(RUN_ARGS)

smoke: $(INSTALLED) ## the same, small: a few minutes
	$(FLOW) run --profile smoke $(RUN_ARGS)

status: $(INSTALLED) ## which stages are up to date, and why the others are not
	$(FLOW) status --profile $(PROFILE) $(RUN_ARGS)

verify: $(INSTALLED) ## check the published report: hashes, figures, metrics against the expected ones
	$(FLOW) verify

lab: $(INSTALLED) ## open the notebooks in JupyterLab
	$(VENV)/bin/jupyter lab notebooks

test: $(INSTALLED) ## run the test suite
	$(PY) -m pytest

test-all: $(INSTALLED) ## run the test suite with the slow tests
	$(PY) -m pytest -m "slow or not slow"

bench: $(INSTALLED) ## measure speed, memory and accuracy; writes benchmarks/results
	$(PY) -m benchmarks

lint: $(INSTALLED) ## check the style
	$(VENV)/bin/ruff check cardiolib tests benchmarks

clean: ## remove what runs have made (not .venv, not data/raw, not your data)
	rm -rf data/derived reports/*.html reports/*.json figures/*.png figures/*.svg figures/*.csv figures/*.html \
	  figures/*.js .pytest_cache .ruff_cache
