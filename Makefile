# Every task of this repository; `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
BIN := .venv/bin
STAMP := .venv/.ready
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: setup demo test test-unit test-chaos test-browser test-images lint format protos lock bench fuzz images docs dist sbom clean help

setup: $(STAMP) ## Make .venv with the locked dependencies and this repository's packages

$(STAMP): requirements/dev.txt scripts/setup $(wildcard libs/*/pyproject.toml services/*/pyproject.toml deploy/*/pyproject.toml)
	@scripts/setup
	@touch $@

demo: setup ## Run all of it here and move real files up and down; ONCE=1: end after that
	@exec stager-sandbox demo $(if $(ONCE),--once)

test: setup ## Run every test; as root on Debian it installs what they need
	@scripts/system-packages redis valkey browser
	pytest -q -n 2 --dist loadgroup libs services deploy tests

test-unit: setup ## Run the tests beside each package
	pytest -q -n 2 --dist loadgroup libs services deploy

test-chaos: setup ## Run jobs while workers, horses, the API and Redis are killed
	@scripts/system-packages redis
	pytest -q -s -m chaos tests

test-images: setup ## Build every image and try them as a whole, with docker or podman; as root
	@scripts/test-images

test-browser: setup ## Run the web application's tests in a real browser
	@scripts/system-packages redis browser
	pytest -q -m browser tests

lint: setup ## Format, style, types, import contracts, protos, stubs
	@scripts/lint

format: setup ## Rewrite the sources in the house format
	ruff format .
	ruff check --fix .

protos: setup ## Generate libs/stager-protos from protos/
	python scripts/protos.py

lock: setup ## Resolve the dependencies again
	python scripts/lock.py

images: ## Build a container image of every service, with podman or docker
	@scripts/images

bench: setup ## Measure s-isync beside others, what jobs cost, and how soon folders show; ARGS for the first (services/s-isync/bench/README.md)
	@scripts/bench $(ARGS)
	@python tests/bench/bench_listing.py
	@PYTHONPATH=tests/chaos python tests/bench/bench_running.py
	@PYTHONPATH=tests/chaos python tests/bench/bench_scaling.py
	@scripts/system-packages redis browser
	@python tests/browser/bench_listings.py

docs: setup ## Build the documentation site into site/
	@python scripts/configuration.py && python scripts/api_reference.py && python scripts/command_reference.py
	@NO_MKDOCS_2_WARNING=1 mkdocs build --quiet

dist: setup ## Build a wheel of every package and check that each installs alone
	python scripts/dist.py

fuzz: setup ## Look for bytes that break the parsers; SECONDS=60 for each
	@fuzz/run $(or $(SECONDS),60)

sbom: setup ## Write what each image is made of, as CycloneDX
	@mkdir -p dist/sbom
	@for lock in requirements/*.txt; do cyclonedx-py requirements $$lock --output-reproducible --of JSON -o dist/sbom/$$(basename $$lock .txt).cdx.json; done; ls dist/sbom

clean: ## Remove what was made here
	rm -rf .venv .demo artifacts dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'
