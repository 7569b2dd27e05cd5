# Needs Python 3.11 or later with venv, make and a package index; nothing else.
PYTHON ?= python3
BIN = .venv/bin
INSTALLED = .venv/.installed
BENCH_INSTALLED = .venv/.bench-installed
DOCS_INSTALLED = .venv-docs/.installed
# Where the machine has certificates, uv uses them as pip does: behind a proxy that
# signs with its own, those which uv brings are not enough.
export UV_SYSTEM_CERTS ?= $(if $(wildcard /etc/ssl/certs/ca-*.crt),true,false)
MARKUP = $$(find src -name '*.zcml' -o -name '*.xml' -o -name '*.pt')

# Options for the commands behind the targets, as in make test ARGS="-k setup"
ARGS ?=

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | expand -t 12

$(BIN)/uv:
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt uv

# The stamp makes a second call instant, and a changed pin a new installation.
$(INSTALLED): setup.py constraints.txt | $(BIN)/uv
	$(BIN)/uv pip install --python $(BIN)/python --constraint constraints.txt --editable ".[demo,dev,test]"
	@touch $@

.PHONY: install
install: $(INSTALLED) ## Build .venv with the pinned versions

.PHONY: demo
demo: $(INSTALLED) ## Watch jobs change the content of a new Plone site
	$(BIN)/python -m plone.app.taskqueue.demo $(ARGS)

var/demo/etc/zope.ini:
	$(MAKE) demo

.PHONY: start
start: $(INSTALLED) var/demo/etc/zope.ini ## Serve the site of the demo
	@echo "Plone will be at http://localhost:8080 in some ten seconds. Ctrl-C stops it."
	@if [ -f var/demo/credentials.txt ]; then cat var/demo/credentials.txt; fi
	$(BIN)/runwsgi var/demo/etc/zope.ini

.PHONY: test
test: $(INSTALLED) ## Run the tests
	$(BIN)/pytest $(ARGS)

# The pictures of the documentation, by the tests that show what is on them.
.PHONY: screenshots
screenshots: $(INSTALLED) ## Take the pictures of the documentation anew
	@mkdir -p docs/images
	TASKQUEUE_SCREENSHOTS=docs/images $(BIN)/pytest \
	  src/plone/app/taskqueue/tests/browser $(ARGS)

.PHONY: examples
examples: $(INSTALLED) ## Record the examples of the REST API anew
	TASKQUEUE_RECORD=1 $(BIN)/pytest \
	  src/plone/app/taskqueue/tests/restapi/test_examples.py $(ARGS)

# About as many kills as KILLS times 22; the short form is part of "make test".
KILLS ?= 50
FIGURES ?= var/crash.json

.PHONY: test-crash
test-crash: $(INSTALLED) ## Kill workers a thousand times, and see that nothing is lost
	@mkdir -p $(dir $(FIGURES))
	TASKQUEUE_KILLS=$(KILLS) TASKQUEUE_CRASH_JSON=$(FIGURES) $(BIN)/pytest \
	  src/plone/app/taskqueue/tests/crash src/plone/app/taskqueue/tests/postgresql $(ARGS)

# The queues that ours is measured beside; nothing else needs them.
$(BENCH_INSTALLED): $(INSTALLED)
	$(BIN)/uv pip install --python $(BIN)/python --constraint constraints.txt --editable ".[bench]"
	@touch $@

.PHONY: bench
bench: $(BENCH_INSTALLED) ## Measure, beside the raw commit rate of the same storage
	$(BIN)/python bench/run.py $(ARGS)

.PHONY: lint
lint: $(INSTALLED) ## Check code, markup and versions
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/zpretty --check $(MARKUP)
	$(BIN)/python scripts/versions.py --check

.PHONY: format
format: $(INSTALLED) ## Bring code and markup into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/zpretty --inplace $(MARKUP)

.PHONY: i18n
i18n: $(INSTALLED) ## Gather the texts that are to be translated
	$(BIN)/python scripts/i18n.py

.PHONY: versions
versions: $(INSTALLED) ## Write versions.cfg from constraints.txt
	$(BIN)/python scripts/versions.py

# An environment of its own: Sphinx wants another docutils than Plone has.
$(DOCS_INSTALLED): docs/requirements.txt | $(BIN)/uv
	$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python .venv-docs
	$(BIN)/uv pip install --python .venv-docs/bin/python --requirement docs/requirements.txt
	@touch $@

# -E: pages that have not changed must warn again, not only the first time.
.PHONY: docs
docs: $(DOCS_INSTALLED) ## Build the documentation into docs/_build/html
	.venv-docs/bin/sphinx-build -E -W --keep-going -b html docs docs/_build/html

.PHONY: buildout
buildout: $(INSTALLED) ## Build bin/instance and bin/test with zc.buildout
	$(BIN)/uv pip install --python $(BIN)/python --constraint constraints.txt pip setuptools wheel zc.buildout
	$(BIN)/buildout $(ARGS)

.PHONY: clean
clean: ## Remove what was built, the data of the demo included
	rm -rf .venv .venv-docs .hypothesis .pytest_cache .ruff_cache .installed.cfg
	rm -rf bin build develop-eggs dist docs/_build eggs parts var src/*.egg-info
	find src -name __pycache__ -type d -prune -exec rm -rf {} +
