#!/usr/bin/env bash
# Servers of KATO on this machine: ./kato-manager.sh help tells all.
# Makes the environment when it is first needed, or no longer fits; the work is done by kato.manager.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=${KATO_VENV:-$here/.venv}
extra=
[ "${1:-}" = test ] && extra=test
stamp=$(cat "$here"/setup.{cfg,py} "$here/pyproject.toml" "$here"/kato/engine/kernel/*.[ch] | cksum)

# The first of these that is new enough; KATO_PYTHON goes before all.
find_python() {
    local python
    for python in ${KATO_PYTHON:+"$KATO_PYTHON"} python3 python3.{14,13,12,11}; do
        if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$python"
            return
        fi
    done
    echo "kato-manager: needs Python 3.11 or newer; install it, or name it in KATO_PYTHON" >&2
    return 1
}

make_environment() {
    if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
        local python
        python=$(find_python)
        echo "Making the environment in $venv (once; about a minute) …" >&2
        "$python" -m venv --clear "$venv"
    fi
    echo "Installing KATO and what it needs into $venv …" >&2
    "$venv/bin/python" -m pip install --disable-pip-version-check --editable "$here${extra:+[$extra]}" >&2
    echo "$stamp" >"$venv/.kato-"
    echo "$stamp" >"$venv/.kato-$extra"
}

[ "$(cat "$venv/.kato-$extra" 2>/dev/null)" = "$stamp" ] || make_environment
exec "$venv/bin/python" -P -m kato.manager "${@:-help}"
