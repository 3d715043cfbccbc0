#!/bin/sh
# Finds git and a Python that can run ClassTap, then lets scripts/set_up do the rest.
#   sh scripts/set_up.sh run|test [-- COMMAND ARGUMENTS...]
set -u
cd "$(dirname "$0")/.." || exit 1

if ! command -v git >/dev/null 2>&1; then
    echo "ClassTap needs git, which is not installed: install git, then run make again." >&2
    exit 1
fi

runs() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' >/dev/null 2>&1; }

for python in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
    if command -v "$python" >/dev/null 2>&1 && runs "$python"; then
        exec "$python" -m scripts.set_up "$@"
    fi
done

found=$(python3 --version 2>/dev/null) || found="no Python 3"
echo "ClassTap needs Python 3.11 to 3.14 and finds $found: install one (on Debian and Ubuntu the package python3), then run make again." >&2
exit 1
