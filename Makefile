# One entry for everything; GNU make 3.81 or newer. Every target first sets up what it needs (scripts/set_up),
# and a second run of it needs no network. `make test ARGS="-k roster"` passes words on to pytest.

SET_UP = sh scripts/set_up.sh
ARGS =

.PHONY: run test check cover format bench fault dist lock

run:
	@$(SET_UP) run -- classtap demo $(ARGS)

test:
	@$(SET_UP) test -- python -m pytest -n 2 --dist loadfile -m "not fault" $(ARGS)

check:
	@$(SET_UP) test -- ruff check .
	@$(SET_UP) test -- ruff format --check .
	@$(SET_UP) test -- mypy
	@$(SET_UP) test -- lint-imports --no-logo
	@$(SET_UP) test -- python -m scripts.audit
	@$(SET_UP) test -- python -m pytest -q -m "not fault and not xvfb" tests/unit

# Every line and branch of the rules, reached by their unit tests; `make test` has it too.
cover:
	@$(SET_UP) test -- python -m scripts.cover

format:
	@$(SET_UP) test -- ruff check --fix .
	@$(SET_UP) test -- ruff format .
	@$(SET_UP) test -- python -m scripts.kinds

# ONLY="mark bootstrap" picks claims.
bench:
	@$(SET_UP) test -- python -m bench $(ONLY)

# LONG=1 adds random seeds and soaks.
fault:
	@CLASSTAP_LONG=$(LONG) $(SET_UP) test -- python -m pytest -m "fault or number" $(ARGS)

dist:
	@test -f installers/build.py || { echo "There is no installer for this platform yet." >&2; exit 1; }
	@$(SET_UP) test -- python installers/build.py

# After a change of dependencies in pyproject.toml: newest versions within its bounds, hashes for every platform.
lock:
	@$(SET_UP) test -- sh scripts/lock.sh
