#!/bin/sh
# Compiles requirements/run.txt and test.txt from pyproject.toml: every platform and Python in one file, with hashes
# and without index addresses. The test lock is the run lock plus tools, so that one .venv can grow into the other.
set -eu
cd "$(dirname "$0")/.."
export UV_CUSTOM_COMPILE_COMMAND="make lock"
compile() { uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade --extra build "$@"; }
compile pyproject.toml --output-file requirements/run.txt
compile pyproject.toml --extra test --constraint requirements/run.txt --output-file requirements/test.txt
