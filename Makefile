# Everything a checkout needs is below .venv/ and node_modules/; nothing is installed on the machine, except the
# programs that `make test` talks to, and those only for root.

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
PYTEST_ARGS ?=
WORKERS ?= 3
KILLS ?= 300
SEED ?= 1
CASES ?= 10000
SECONDS ?= 60
BENCH ?=
QUICK ?=
MUTANTS ?=
RACES ?= $(KILLS)
BACKLOG ?= $(KILLS)
BIN := .venv/bin
UV := $(BIN)/uv pip install --quiet --python $(BIN)/python
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url -c requirements/constraints.txt $(UPGRADE)

.PHONY: help run test test-peers check house screens lock clean chaos fuzz fuzz-parsers fuzz-mails bench audit sbom faults coverage
.DEFAULT_GOAL := help

help:
	@echo "make run         start Frontdesk with a made-up business, and print where to sign in"
	@echo "make test        all tests, in three processes (WORKERS=0: in one, PYTEST_ARGS='-k mail'); those with real mail and SMS"
	@echo "                 servers where these are installed (root: installs them)"
	@echo "make test-peers  only those, and a missing program is a failure"
	@echo "make check       lint, types, walls between rooms, drift, budgets"
	@echo "make chaos       kill it under load and check that nothing is lost (KILLS=300 SEED=1 MUTANTS=all)"
	@echo "make bench       measure against what this machine can do (BENCH='writing', or names; QUICK=1: only see that it runs)"
	@echo "make fuzz        random requests to the whole API: no failure, no answer that its description does not know (CASES=10000 SEED=1)"
	@echo "make fuzz-parsers  inputs that look for new code in everything that reads strangers' bytes (SECONDS=60 for each)"
	@echo "make fuzz-mails  broken mails: each becomes a message or is set aside (CASES=10000 SEED=1)"
	@echo "make audit       known vulnerabilities in what we install (needs a registry that answers for advisories)"
	@echo "make coverage    all tests, and how much of the product they run: below its floors it fails (tests/floors.py)"
	@echo "make sbom        list what the product is made of, with hashes and licences, as CycloneDX in dist/"
	@echo "make faults      bad networks, full disks, clocks that jump, restarts and two versions at once: all of their tests"
	@echo "make screens     build the web app and the widget"
	@echo "make lock        renew requirements/*.txt from *.in (UPGRADE=--upgrade: newest versions)"
	@echo "make clean       remove everything that can be made again; data in var/ stay"

run: .venv/.run screens
	@exec $(BIN)/frontdesk demo

test: .venv/.dev screens
	@$(BIN)/python hatch_build.py tools
	@.ci/peers
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

test-peers: .venv/.dev screens
	@$(BIN)/python hatch_build.py tools
	@REQUIRE_PEERS=1 .ci/peers
	@REQUIRE_PEERS=1 $(BIN)/python -m pytest -m peers $(PYTEST_ARGS)

check: .venv/.dev house
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m frontdesk.app.cli openapi --check
	$(BIN)/python hatch_build.py check

house: .venv/.dev
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest -q tests/test_house.py tests/house

chaos: .venv/.dev
	@$(BIN)/python -m chaos --kills $(KILLS) --seed $(SEED) --races $(RACES) --backlog $(BACKLOG) \
		--mutants "$(MUTANTS)" $(CHAOS_ARGS)

bench: .venv/.dev screens
	@$(BIN)/python -m bench $(BENCH) $(if $(QUICK),--quick,--json bench/figures.json)

fuzz: .venv/.dev
	@$(BIN)/python -m fuzz.api --cases $(CASES) --seed $(SEED)

fuzz-parsers: .venv/.dev
	@$(BIN)/python -m fuzz.parsers --seconds $(SECONDS) --seed $(SEED)

fuzz-mails: .venv/.dev
	@$(BIN)/python -m fuzz.mails --count $(CASES) --seed $(SEED)

audit: .venv/.dev
	@$(BIN)/python requirements/audit.py
	@$(BIN)/python requirements/sbom.py --check

sbom: .venv/.dev
	@$(BIN)/python requirements/sbom.py

coverage: .venv/.dev screens
	@$(BIN)/python hatch_build.py tools
	@$(BIN)/python -m coverage erase
	@$(BIN)/python -m coverage run -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)
	@$(BIN)/python -m coverage combine --quiet
	@$(BIN)/python -m coverage json --quiet --ignore-errors -o .coverage.json
	@$(BIN)/python tests/floors.py .coverage.json

faults: .venv/.dev
	@FAULTS=all $(BIN)/python -m pytest tests/faults $(PYTEST_ARGS)

screens: .venv/.run
	@$(BIN)/python hatch_build.py

lock: .venv/.uv
	$(COMPILE) requirements/uv.in -o requirements/uv.txt
	$(COMPILE) requirements/build.in -o requirements/build.txt
	$(COMPILE) requirements/run.in -o requirements/run.txt
	$(COMPILE) requirements/dev.in -o requirements/dev.txt

clean:
	rm -rf .venv src/frontdesk/static web/node_modules widget/node_modules dist
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage test-results
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

# --- what is installed; each stamp is newer than what it was made from ------------------------------------------------

.venv/.uv: requirements/uv.txt
	@test -n "$(PYTHON)" || { echo "Frontdesk needs Python 3.11 or newer: sudo apt install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Frontdesk needs Python 3.11 or newer; $(PYTHON) is `$(PYTHON) -V`. Try: make run PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
		echo "Python's venv module is missing. On Debian and Ubuntu: sudo apt install python3-venv"; exit 1; }
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

.venv/.run: .venv/.uv requirements/build.txt requirements/run.txt pyproject.toml
	@echo "Installing Frontdesk's libraries into .venv …"
	@$(UV) --require-hashes -r requirements/build.txt
	@$(UV) --require-hashes -r requirements/run.txt
	@$(UV) --no-deps --no-build-isolation --editable .
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -c 'from frontdesk.app import commands, process; commands.openapi(); process.jobs.read()'
	@touch $@

.venv/.dev: .venv/.run requirements/dev.txt
	@echo "Installing what the tests need into .venv …"
	@$(UV) --require-hashes -r requirements/dev.txt
	@touch $@
