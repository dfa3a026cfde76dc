# make run   set up, train on the embedded images, print where the report is
# make test  set up, run every check that CI runs
# TORCH=cpu  on Linux: take the CPU-only build of PyTorch (without it pip fetches CUDA, gigabytes)

PYTHON ?= python3
TORCH ?= default
ARGS ?=
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# Only torch itself comes from PyTorch's own index; its dependencies follow from the usual one.
CPU_TORCH := $(PIP) --no-deps --index-url https://download.pytorch.org/whl/cpu torch

.PHONY: run test clean

run: .venv/.run
	$(BIN)/striate train $(ARGS)

test: .venv/.test
	./check

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Striate needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Say which: make run PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	$(if $(filter cpu,$(TORCH)),$(CPU_TORCH))

.venv/.run: .venv/bin/python pyproject.toml constraints.txt
	$(PIP) -e '.[all]'
	@touch $@

.venv/.test: .venv/bin/python pyproject.toml constraints.txt
	$(PIP) -e '.[all,test]'
	$(PIP) --no-deps torchvision
	@touch $@ .venv/.run

clean:
	rm -rf .venv build dist
