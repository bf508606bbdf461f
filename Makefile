PYTHON ?= python3
BIN := .venv/bin
FAST := not (engine or browser or faults or slow)
REST := engine or browser or faults or slow

.DEFAULT_GOAL := help
.PHONY: help demo test check bench soak docs clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-6s  %s\n", $$1, $$2}' Makefile

demo: .venv/.base ## Run the demo pipeline on the corpus that the repository ships
	@$(BIN)/thresher run examples/demo.yaml

test: .venv/.dev ## Run all tests: the fast ones, then engines, browsers and killed processes
	$(BIN)/pytest -n 2 -m "$(FAST)"
	$(BIN)/pytest -n 2 --dist worksteal -m "($(REST)) and not alone"
	$(BIN)/pytest -m alone

check: .venv/.dev ## Check style, types, floors and dependencies
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/deptry thresher

bench: .venv/.dev ## Run the benchmarks, peers beside them (hours; downloads corpora and peers)
	$(BIN)/python -m benchmarks

soak: .venv/.dev ## Simulate 10,000 schedules, read 100,000 random byte strings and 20,000 data sets, kill
	$(BIN)/python -m tests.simulation --schedules 10000
	$(BIN)/python -m tests.fuzz --count 100000
	$(BIN)/python -m tests.real_world.values --count 20000
	$(BIN)/python tests/faults/kill.py --seeds 200
	$(BIN)/python tests/faults/shards.py --seeds 50
	$(BIN)/python tests/faults/engines.py --seeds 100

docs: .venv/.dev ## Write the generated pages of docs/
	$(BIN)/python -m docs.build

clean: ## Remove what the other targets made
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	rm -rf build dist demo-output
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Each stamp stands for an environment that holds what its line installs.
.venv/.base: pyproject.toml constraints.txt
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	@echo "Installing Thresher into .venv"
	@$(BIN)/pip install -qq --disable-pip-version-check -c constraints.txt -e '.[text]'
	@touch $@

.venv/.dev: .venv/.base
	@echo "Installing what the tests and checks need"
	@$(BIN)/pip install -qq --disable-pip-version-check -c constraints.txt -e '.[text,cjk,metrics,pii,ray,dev]'
	@touch $@
