# Everything a person does with this project. `make` alone lists it.
#
# setup needs no more than any Python; the other targets call it first, which costs nothing where
# nothing changed, and use what it installed in .venv.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.SUFFIXES:

export RASA_TELEMETRY_ENABLED := false
export TF_CPP_MIN_LOG_LEVEL := 2
export SQLALCHEMY_SILENCE_UBER_WARNING := 1
export TORCH

BIN := .venv/bin
BOT := $(BIN)/bot
PYTEST := $(BIN)/python -m pytest
UV = $(firstword $(wildcard .uv/bin/uv .uv/lib/bin/uv) uv)
headline = printf '\n\033[1m== %s\033[0m\n' $(1)

.PHONY: help installed setup lock chat serve train test test-long report bench-quick check lint types doctor clean

help: ## list what can be made
	@awk -F ': .*## ' '/^[a-z-]+: .*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install everything into .venv; TORCH=cpu leaves out the 5 GB of GPU libraries
	@scripts/setup.sh

chat: installed ## install, train if there is no model yet, then talk to the assistant in the terminal
	@$(BOT) train --if-needed
	@$(BOT) chat

serve: installed ## the assistant on the web: open http://localhost:5005/webhooks/web/demo
	@$(BOT) train --if-needed
	@$(BOT) serve

train: installed ## check the data and train; what did not change comes from the cache
	@$(BOT) train

test: installed ## the one command that decides: lint, types, tests, then the assistant on its own test sets
	@$(call headline,"Lint")
	@$(MAKE) --no-print-directory lint
	@$(call headline,"Types")
	@$(MAKE) --no-print-directory types
	@$(call headline,"Tests")
	@$(PYTEST) -m "not long" -n 2 --dist loadfile
	@$(call headline,"Training of the assistant")
	@$(BOT) train
	@$(call headline,"The assistant on its own test sets")
	@$(BOT) report --check

test-long: installed ## the tests that train models, some minutes each
	@$(PYTEST) -m long

report: installed ## measure the model; AGAINST=diet trains and measures Rasa's default pipeline beside it
	@$(BOT) report $(if $(AGAINST),--against $(AGAINST))

bench-quick: installed ## learn from a few examples and hold the scores against floors; some minutes
	@$(BIN)/python -m benchmarks quick

check: installed ## lint, types and documentation: a minute at most, no training
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory types
	@if [ -d tests/docs ]; then $(PYTEST) -q tests/docs; fi

lint: installed
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: installed
	@$(BIN)/mypy

doctor: installed ## look for what usually goes wrong silently
	@$(BOT) doctor

lock: installed ## write requirements.lock after a change of pyproject.toml; UPGRADE=1 takes newer versions
	@$(UV) pip compile pyproject.toml --extra dev --universal --python-version 3.10 \
		--generate-hashes --no-emit-index-url --quiet $(if $(UPGRADE),--upgrade) \
		--custom-compile-command "make lock" --output-file requirements.lock

clean: ## remove caches and results; models, conversations and .venv stay
	@rm -rf .rasa .mypy_cache .ruff_cache .pytest_cache .hypothesis results build ./*.egg-info
	@find . -name __pycache__ -type d -not -path './.venv/*' -not -path './.uv/*' \
		-prune -exec rm -rf {} +

installed:
	@scripts/setup.sh --quiet
