# The front door. `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup build dev demo test fmt lint contracts unit clients openapi bench bench-gas compare

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: ## install what is missing (Postgres, Redis, foundry, solc, TypeScript clients)
	@tests/setup.sh

build: setup ## the gavel binary and the dev stack
	cargo build --workspace --bins

dev: build ## private Postgres, Redis and anvil, contracts, all roles, three solvers, an order flow; Ctrl-C stops all
	@exec target/debug/dev up

demo: build ## the same stack; one intent from signature to `filled`, printed live
	@exec target/debug/dev demo

test: setup ## everything CI checks
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --quiet -- -D warnings
	$(MAKE) --no-print-directory contracts clients
	cargo build --workspace --bins
	cargo test --workspace
	@echo "make test: all green"

fmt: ## format
	cargo fmt --all

lint: ## clippy, warnings are errors
	cargo clippy --workspace --all-targets -- -D warnings

contracts: setup ## forge tests, gas snapshot, slither, halmos, coverage; committed artifacts compared
	$(MAKE) --no-print-directory -C settlement/contracts check

clients: setup ## type-check the TypeScript clients, recompute the golden vectors with viem and ethers
	cd tests && npm run --silent check

openapi: ## write openapi/openapi.json and openapi/asyncapi.json
	cargo run --quiet -p gavel -- openapi --write openapi

bench: setup ## every measurement: a table, and target/bench/summary.json
	cargo build --release --workspace --bins
	@exec target/release/bench

bench-gas: setup ## gas per swap beside CoW and UniswapX in one anvil
	cd tests && npm run --silent gas

compare: ## the winner determination beside HiGHS: times, and the same optimum (installs highspy into target/)
	cargo build --release --workspace --bins
	@test -x target/compare/bin/python || python3 -m venv target/compare
	@target/compare/bin/pip install --quiet --disable-pip-version-check -r tests/compare/requirements.txt
	@rm -rf target/compare/instances
	@target/release/bench --write-instances target/compare/instances
	@target/compare/bin/python tests/compare/highs.py target/compare/instances --out target/bench/highs.json
