# Every target does all of its own set-up: a fresh machine needs python3 (3.11 or newer), python3-venv and make.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PARTS  := models edge gateway server firmware-sim
ARGS   ?=
# Processes of a test run; more than cores, because a story waits more than it computes.
WORKERS ?= 4

.PHONY: setup demo test test-e2e test-all bench lighthouse screenshots bluez site check lock clean help

help:
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/.run: requirements/run.txt requirements/clip.txt $(PARTS:%=%/pyproject.toml)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --require-hashes -r requirements/run.txt
	$(BIN)/python -m pip install -q --require-hashes --no-deps -r requirements/clip.txt
	$(BIN)/python -m pip install -q --no-deps --no-build-isolation $(PARTS:%=-e %)
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements/dev.txt
	$(BIN)/python -m pip install -q --require-hashes -r requirements/dev.txt
	@touch $@

setup: $(VENV)/.dev ## the virtual environment with everything for development

demo: $(VENV)/.run ## the whole chain on this machine; ARGS="--for 90 --seed 1 --json" passes arguments on
	@$(BIN)/ancu demo $(ARGS)

check: $(VENV)/.dev ## import contracts, types, lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

# Stories with real processes and browsers share a machine with others: what failed is tried once more, alone. A test that
# is named here twice has failed for good; one that is named once is a defect of the test, and is mended as such.
test: check ## what CI runs: contracts, types, lint and every test but the long ones
	@$(BIN)/pytest -m "not long and not bluez" -n $(WORKERS) --dist loadfile $(ARGS); code=$$?; [ $$code -ne 1 ] && exit $$code; \
	echo "== once more, alone: what failed above"; $(BIN)/pytest --last-failed --last-failed-no-failures=none $(ARGS)

test-e2e: $(VENV)/.dev ## the browser and whole-chain tests alone
	$(BIN)/pytest tests/e2e $(ARGS)

test-all: check ## every test, the long ones too
	$(BIN)/pytest -m "not bluez" $(ARGS)

bluez: $(VENV)/.dev ## the edge on the real BlueZ, in a virtual machine; needs Debian's qemu-system-x86, bluez, linux-image-amd64
	@$(BIN)/python -m tests.bluez.machine $(ARGS)

# What ESPHome's library asks for is older than what the rest runs on: an environment of its own, that sees the other one's tests.
$(VENV)/site/.done: $(VENV)/.dev requirements/site.txt
	$(PYTHON) -m venv $(VENV)/site
	$(VENV)/site/bin/python -m pip install -q --require-hashes -r requirements/site.txt
	$(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))" > $$($(VENV)/site/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/development.pth
	$(VENV)/site/bin/python -m pip install -q --no-deps --no-build-isolation -e models -e edge -e firmware-sim
	@touch $@

site: $(VENV)/site/.done ## the tests of ancu-edge[site]: ESP32 boards as a site's receivers
	$(VENV)/site/bin/python -m pytest tests/integration/radio/test_proxies.py $(ARGS)

bench: $(VENV)/.run ## reproducible benchmarks
	$(BIN)/ancu bench $(ARGS)

lighthouse: $(VENV)/.dev ## Lighthouse on inbox, person and citizen pages; needs Chromium and node
	$(MAKE) -s -C server/web node_modules
	$(BIN)/pytest tests/integration/web/test_lighthouse.py -s $(ARGS)

screenshots: $(VENV)/.dev ## pictures of the main pages in docs/images; needs Chromium
	$(BIN)/python -m tests.e2e.pages_shoot

lock: ## compile the hashed requirement locks anew (needs uv)
	for f in run site dev convert; do \
	  uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	    $$([ $$f = dev ] && echo "-c requirements/run.txt") requirements/$$f.in -o requirements/$$f.txt || exit 1; done

clean: ## remove the virtual environment and the demo's data
	rm -rf $(VENV) .demo
