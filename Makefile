# Every target sets itself up in .venv; a machine needs Python >= 3.12 and make, nothing else.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help forecast check test trust portable bench picture replay sample schemas lock clean

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
COMPILE := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.12 --generate-hashes \
	--no-emit-index-url --custom-compile-command "make lock"
RUNTIME := .venv/.runtime
DEVELOPMENT := .venv/.development

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

forecast: $(RUNTIME) ## Set up, then update the forecast of this repository
	$(BIN)/forecast update

check: $(RUNTIME) ## Check the workspace's files
	$(BIN)/forecast check

test: $(DEVELOPMENT) ## Lint, format, types, tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 --dist worksteal

trust: $(DEVELOPMENT) ## Slower checks of whether the numbers can be trusted
	$(BIN)/python -m benchmarks.posterior_calibration
	$(BIN)/python -m pytest -m trust -s

portable: $(RUNTIME) ## Fit the example under several kinds of processor, and compare the draws
	$(BIN)/python tools/portable.py

bench: $(DEVELOPMENT) ## Measure what docs/performance.md quotes, side by side with its yardstick
	@for script in $$(grep -l __main__ benchmarks/*.py); do echo "== $$script"; $(BIN)/python "$$script" || exit 1; done

picture: $(RUNTIME) ## Draw docs/forecast.svg and the table of the README from the latest forecast
	$(BIN)/python docs/pictures.py

replay: $(RUNTIME) ## Replay every week of the window as of then, draw docs/replay.svg and put the scores into the README
	$(BIN)/forecast backtest --every 7d
	$(BIN)/python docs/replay.py

sample: $(RUNTIME) ## Draw docs/sample-report.html from the latest forecast
	$(BIN)/python docs/sample.py

schemas: $(RUNTIME) ## Write the JSON Schemas of the input files
	$(BIN)/python -m forecast.workspace.schemas

lock: $(DEVELOPMENT) ## Pin every dependency anew, by hash
	$(COMPILE) --upgrade --extra build --output-file requirements.lock
	$(COMPILE) --upgrade --extra build --extra dev --constraints requirements.lock --output-file requirements-dev.lock

clean: ## Remove the environment and every cache
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis reports/.cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An environment that is missing, broken or too old is made anew; the stamps follow the locks and the project file.
ENVIRONMENT = $(BIN)/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null \
	|| { python=$$(sh tools/find-python) && echo "Setting up .venv (about three minutes)" && "$$python" -m venv --clear .venv; }
# Byte code beside the sources, and the sampler's machine code in the environment: no command should wait for compilers.
PROJECT = $(PIP) install --quiet --no-deps --no-build-isolation --editable . && $(BIN)/python -m compileall -q forecast \
	&& { $(BIN)/python tools/precompile.py || echo "The sampler is not compiled yet: the first forecast will do it"; }

$(RUNTIME): requirements.lock pyproject.toml
	@$(ENVIRONMENT)
	@$(PIP) install --quiet --require-hashes --requirement requirements.lock
	@$(PROJECT)
	@touch $@

$(DEVELOPMENT): requirements-dev.lock requirements.lock pyproject.toml
	@$(ENVIRONMENT)
	@$(PIP) install --quiet --require-hashes --requirement requirements-dev.lock
	@$(PROJECT)
	@touch $(RUNTIME) $@
