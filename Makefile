# Curbside: `make demo` to try it, `make test` to prove it.
PYTHON ?= python3.11
VENV   ?= .venv
BIN    := $(VENV)/bin
HOME_FOLDER ?= demo-home

.PHONY: help env demo test lint bench weights screenshots format clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    environment, drawn demo home, chat on 127.0.0.1"
	@echo "make test    every test"
	@echo "make lint    ruff, mypy strict, import contract"
	@echo "make bench   ratios against peers and limits"

env: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	@echo "== environment: installing packages into $(VENV) (about two minutes, 2.5 GB the first time)"
	@started=$$(date +%s); \
	$(PYTHON) -m venv $(VENV) && \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev,dicom,pdf,plots]" && \
	touch $@ && echo "   done in $$(( $$(date +%s) - started )) s"

demo: env
	@echo "== demo home in $(HOME_FOLDER)"
	@$(BIN)/curbside --home $(HOME_FOLDER) demo

test: env
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

lint: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: env
	$(BIN)/python -m benchmarks

# Fits the shipped weights again on the records of a home: make weights WEIGHTS_HOME=… [WEIGHTS_TOWER=…]
# One thread, and instructions that every x86 server and desktop of the last ten years has: elsewhere sums are added in another
# order, and fits part from there.
weights: export OMP_NUM_THREADS = 1
weights: export ATEN_CPU_CAPABILITY = avx2
weights: export MKL_CBWR = COMPATIBLE
weights: export ONEDNN_MAX_CPU_ISA = AVX2
weights: export OPENBLAS_CORETYPE = Haswell
weights: env
	@test -n "$(WEIGHTS_HOME)" || { echo "Name the home: make weights WEIGHTS_HOME=…" >&2; exit 2; }
	$(BIN)/python -m indexing.training.shipped "$(WEIGHTS_HOME)" $(if $(WEIGHTS_TOWER),"$(WEIGHTS_TOWER)")

format: env
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) $(HOME_FOLDER) .mypy_cache .ruff_cache .pytest_cache

# The pictures of README and documents, from the real page of the demo home.
screenshots: env
	$(BIN)/python -m docs.screenshots $(HOME_FOLDER)
