# Every target does its own set-up; all it needs is make and Python 3.11 or newer.
# `make PYTHON=/path/to/python ...` chooses the interpreter that .venv is made with.
# Paths are relative throughout, so that a checkout may lie in a folder with spaces.

candidates := $(if $(PYTHON),"$(PYTHON)",python3 python3.14 python3.13 python3.12 python3.11)
python := .venv/bin/python

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test check bench clean

help: ## show these lines
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' Makefile

demo: .venv/.installed ## train on real data and write a report
	@.venv/bin/pellucid demo

# Processes side by side, with one thread each: threads of several processes that share
# the cores wait for each other, and the tests take ten times as long.
test: check ## run check, then all tests
	OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(python) -m pytest -n auto --maxprocesses 4

check: .venv/.installed-test ## look at the code: format, lint, types, structure
	$(python) -m ruff format --check .
	$(python) -m ruff check .
	$(python) -m mypy
	$(python) -m pytest -q tests/test_structure.py

bench: .venv/.installed-test ## measure accuracy and speed
	$(python) benchmarks/run.py

clean: ## remove all that the other targets made
	rm -rf .venv benchmarks/.venv-peers build dist pellucid-demo-*
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps make a second call instant; what the tests need includes what demo needs.
.venv/.installed: pyproject.toml $(python)
	@$(call install,-e .)
	@touch $@

.venv/.installed-test: pyproject.toml $(python)
	@$(call install,-e '.[test]')
	@touch .venv/.installed $@

define install
echo "Installing pellucid and what it needs into .venv (once, about a minute)"; \
if command -v uv >/dev/null 2>&1; then \
	uv pip install --quiet --python $(python) $(1); \
else \
	{ $(python) -m pip --version >/dev/null 2>&1 || $(python) -m ensurepip; } && \
	$(python) -m pip install --quiet --upgrade pip && \
	$(python) -m pip install --quiet $(1); \
fi
endef

# A candidate must run, not only be found: version managers leave empty commands behind.
$(python):
	@chosen=; \
	for candidate in $(candidates); do \
		chosen=$$("$$candidate" -c 'import sys; \
			sys.version_info >= (3, 11) and print(sys.executable)' 2>/dev/null); \
		if [ -n "$$chosen" ]; then break; fi; \
	done; \
	if [ -z "$$chosen" ]; then \
		echo "pellucid needs Python 3.11 or newer; none of these is one:" >&2; \
		for candidate in $(candidates); do \
			echo "  $$candidate: $$("$$candidate" --version 2>/dev/null || \
				echo 'not found')" >&2; \
		done; \
		echo "Install one, or name it: make PYTHON=/path/to/python" >&2; \
		exit 1; \
	fi; \
	echo "Making .venv with $$chosen"; \
	rm -rf .venv; \
	if command -v uv >/dev/null 2>&1; then \
		uv venv --quiet --python "$$chosen" .venv; \
	else \
		"$$chosen" -m venv .venv; \
	fi || { rm -rf .venv; exit 1; }
