# Obzvon: `make run` and `make demo` install what they need by themselves (see README.md).
# Settings are environment variables OBZVON_*, or lines of var/obzvon.env; config/settings.py lists them.

SHELL := /bin/sh
PYTHON := $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help run demo backup restore test check audit bench chaos lock messages setup-run setup-test setup-check

help:
	@echo "make run      install, then start everything in the foreground; Ctrl-C ends it"
	@echo "make demo     a whole campaign through the rehearsal carrier, to an Excel report"
	@echo "              [BASE=file] [REPORT=out.xlsx] [CHANNELS=60] [ATTEMPTS=3] [RETRY_S=5] [HEARD_S=4]"
	@echo "make test     all tests        make check   linters and types"
	@echo "make audit    ask the registry about vulnerabilities of the pinned packages"
	@echo "make bench    the table of docs/benchmarks.md, some 15 minutes on a quiet machine"
	@echo "              [ONLY=dial,claim,…] [LONG=1 with the memory after 100,000 calls] [SMALL=1] [RECORD=1]"
	@echo "make chaos    a campaign while everything is killed and spoiled; the carrier's log is the judge"
	@echo "              [CONTACTS=10000] [KILLS=200] [SEED=n] [DB=sqlite|mariadb] [KEEP=1]"
	@echo "make backup   one file with everything, also while it runs       [TO=file.tar.gz]"
	@echo "make restore  back to a backup; nothing may run on this home      FROM=file.tar.gz"
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

backup: override export TO := $(value TO)
backup: setup-run
	@$(BIN)/python -m web.cli backup

restore: override export FROM := $(value FROM)
restore: setup-run
	@$(BIN)/python -m web.cli restore

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

bench: export ONLY := $(ONLY)
bench: export LONG := $(LONG)
bench: export SMALL := $(SMALL)
bench: export RECORD := $(RECORD)
bench: setup-test
	@$(BIN)/python -m bench

chaos: override export CONTACTS := $(value CONTACTS)
chaos: override export KILLS := $(value KILLS)
chaos: override export SEED := $(value SEED)
chaos: override export DB := $(value DB)
chaos: override export KEEP := $(value KEEP)
chaos: setup-test
	@$(BIN)/python -m chaos

# uv lives in an environment of its own: it is a tool of ours, not of the product.
lock:
	@test -x .runtime/uv/bin/uv || { $(PYTHON) -m venv .runtime/uv && .runtime/uv/bin/pip install -q uv==0.13.9; }
	@.runtime/uv/bin/uv pip compile -q --python-version 3.11 --no-annotate --no-header requirements.in -o requirements.txt
	@.runtime/uv/bin/uv pip compile -q --python-version 3.11 --no-annotate --no-header requirements-dev.in -o requirements-dev.txt

messages: setup-check
	@$(BIN)/pybabel -q extract -F babel.cfg -k _l -k N_ -o web/translations/messages.pot .
	@$(BIN)/pybabel -q update -i web/translations/messages.pot -d web/translations
	@$(BIN)/pybabel -q compile -d web/translations
