# Obzvon: `make run` and `make demo` install what they need by themselves (see README.md).
# Settings are environment variables OBZVON_*, or lines of var/obzvon.env; config/settings.py lists them.

SHELL := /bin/sh
PYTHON := $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help run demo test check audit bench lock messages setup-run setup-test setup-check

help:
	@echo "make run      install, then start everything in the foreground; Ctrl-C ends it"
	@echo "make demo     a whole campaign through the rehearsal carrier, to an Excel report"
	@echo "              [BASE=file] [REPORT=out.xlsx] [CHANNELS=60] [ATTEMPTS=3] [RETRY_S=5] [HEARD_S=4]"
	@echo "make test     all tests        make check   linters and types"
	@echo "make audit    ask the registry about vulnerabilities of the pinned packages"
	@echo "make bench    calls per second of the dial loop"
	@echo "make lock     resolve requirements*.in into requirements*.txt"
	@echo "make messages collect texts for translation and compile the translations"

# What is missing is installed first; when nothing is, these take a moment.
setup-run setup-test setup-check:
	@$(PYTHON) -m setup.install $(@:setup-%=%)

run: setup-run
	@$(BIN)/python -m web.cli run

# BASE, REPORT, … reach the program through its environment, whatever letters they hold.
demo: override export BASE := $(value BASE)
demo: override export REPORT := $(value REPORT)
demo: override export CHANNELS := $(value CHANNELS)
demo: override export ATTEMPTS := $(value ATTEMPTS)
demo: override export RETRY_S := $(value RETRY_S)
demo: override export HEARD_S := $(value HEARD_S)
demo: setup-run
	@$(BIN)/python -m web.cli demo

test: setup-test
	@$(BIN)/python -m pytest

check: setup-check
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .
	@$(BIN)/python -m mypy
	@$(BIN)/lint-imports

# By itself, not in check: it needs the network, and its answer changes without a change here.
audit:
	@$(PYTHON) -m setup.vulnerabilities

bench: setup-test
	@$(BIN)/python -m bench

# uv lives in an environment of its own: it is a tool of ours, not of the product.
lock:
	@test -x .runtime/uv/bin/uv || { $(PYTHON) -m venv .runtime/uv && .runtime/uv/bin/pip install -q uv==0.13.9; }
	@.runtime/uv/bin/uv pip compile -q --python-version 3.11 --no-annotate --no-header requirements.in -o requirements.txt
	@.runtime/uv/bin/uv pip compile -q --python-version 3.11 --no-annotate --no-header requirements-dev.in -o requirements-dev.txt

messages: setup-check
	@$(BIN)/pybabel -q extract -F babel.cfg -k _l -k N_ -o web/translations/messages.pot .
	@$(BIN)/pybabel -q update -i web/translations/messages.pot -d web/translations
	@$(BIN)/pybabel -q compile -d web/translations
