# `make` alone lists the targets. Each makes what it needs and nothing twice.
PYTHON ?= python3
UV ?= uv
BIN := .venv/bin
READY := .venv/.ready
PYTEST := $(BIN)/python -m pytest -q

export PYTHON

# One line for a step that works, all of its output for one that does not.
define step
@if said=$$($(2) 2>&1); then echo '$(1): ok'; \
else status=$$?; printf '%s: failed\n%s\n' '$(1)' "$$said"; exit $$status; fi
endef

.PHONY: help demo test quietly live scenarios unit lint format golden bench soak resolvers lock clean engine images

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

demo: images ## kill a region and see who recovers when
	@$(BIN)/lab run region-kill

test: lint images ## everything; needs a container engine and fails without one
	@LAB_NO_SKIPS=1 $(MAKE) --no-print-directory -j 2 quietly live

# Beside the labs: the tests of code compute, those of labs mostly wait.
quietly:
	$(call step,unit and golden tests,nice -n 5 $(PYTEST) -m "not live" tests/unit tests/golden)

# Labs one at a time: a second one that starts keeps the first one's clients waiting,
# and the one that live tests share ends before the scenarios begin.
live:
	@status=0; for tests in tests/live scenarios; do $(PYTEST) --durations 0 \
	  --durations-min 5 -m "not bench and not browser" $$tests || status=$$?; done; \
	exit $$status

scenarios: images ## every scenario, on labs that are kept up in between
	@$(PYTEST) scenarios

unit: $(READY) ## the tests that need no engine
	@$(PYTEST) -n 2 -m "not live" tests/unit tests/golden

lint: $(READY) ## ruff, mypy, import-linter
	$(call step,ruff check,$(BIN)/ruff check)
	$(call step,ruff format,$(BIN)/ruff format --check)
	$(call step,mypy,$(BIN)/mypy)
	$(call step,lint-imports,$(BIN)/lint-imports)

format: $(READY) ## format the code and fix what ruff can fix
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

golden: $(READY) ## rewrite the generated files that are kept; read the diff
	@LAB_GOLDEN=rewrite $(PYTEST) tests/golden

soak: images ## scenarios again and again, idle and busy (SOAK, SOAK_RUNS, SOAK_BUSY)
	@$(PYTEST) -m bench -s tests/bench/test_soak.py

bench: images ## measure; slow
	@$(PYTEST) -m bench -s tests/bench --ignore tests/bench/test_soak.py

resolvers: images ## measure what each resolver does with a TTL: docs/resolvers.md
	@$(PYTEST) -m bench tests/bench/test_resolver_table.py

lock: ## pin the newest dependencies that pyproject.toml allows (needs uv)
	@UV_CUSTOM_COMPILE_COMMAND='make lock' $(UV) pip compile -q --upgrade \
	  --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-annotate --group dev pyproject.toml -o requirements.lock

clean: ## remove what was made here, but no run and no image
	@rm -rf .venv .cache .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	@rm -f configs/envoy/wheel/*.whl
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

engine: $(READY)
	@$(BIN)/lab doctor --fix

images: engine
	@$(BIN)/lab build

$(READY): requirements.lock pyproject.toml .ci/environment
	@./.ci/environment
	@touch $@
