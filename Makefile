# Every command of everyday work. Needs Python 3.11 with pip (or uv), a C++ compiler, make and git; brings all else into this folder.
root := $(CURDIR)
include setup/environment
export $(shell sed -n 's/^\([A-Z_]*\)=.*/\1/p' setup/environment)
unexport PYTHONHOME PYTHONPATH PYTHONPYCACHEPREFIX VIRTUAL_ENV
BIN := .venv/bin

.PHONY: help demo test setup lint fast e2e clean
.DEFAULT_GOAL := help

help:  ## this list
	@sed -n 's/^\([a-z0-9]*\):.*## \(.*\)/  make \1 \t\2/p' Makefile | expand -t 16

demo: setup  ## set up, then retrain all four tasks on the built-in library: verdicts, where the models went, what to type next
	@./dacapo demo

test: setup lint  ## set up, then lint, fast tests, end-to-end tests (what CI runs)
	@$(BIN)/python -m pytest -m "not e2e"
	@$(BIN)/python -m pytest -m e2e

setup:  ## make .venv complete; does nothing when it is
	@setup/run

lint: setup  ## ruff (rules, format), mypy, and the floors that imports may cross
	@$(BIN)/python -m setup.lint

fast: setup  ## only the fast tests
	@$(BIN)/python -m pytest -m "not e2e"

e2e: setup  ## only the tests that train or run whole graphs, two files at a time: Beam and imports keep one core each
	@$(BIN)/python -m pytest -m e2e

clean:  ## take out what set-up and tests made; runs, data and models in .dacapo stay
	@rm -rf .venv .tools .cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
