#!/usr/bin/env bash
# Servers of KATO on this machine: ./kato-manager.sh help tells all.
# Makes the environment when it is first needed, or no longer fits; the work is done by kato.manager.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=${KATO_VENV:-$here/.venv}
extra=
[ "${1:-}" = test ] && extra=test
stamp=$(cat "$here"/setup.{cfg,py} "$here/pyproject.toml" "$here"/kato/engine/kernel/*.[ch] | cksum)

# usage: fits PYTHON NEWEST: whether it is 3.11 or newer, but not newer than 3.NEWEST
fits() { "$1" -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, $2))" 2>/dev/null; }

# KATO_PYTHON, else the first of these that is tried with KATO, else the first that is newer.
find_python() {
    local python newest
    [ -n "${KATO_PYTHON:-}" ] && fits "$KATO_PYTHON" 99 && echo "$KATO_PYTHON" && return
    for newest in 13 99; do
        for python in python3 python3.{13,12,11,14}; do
            fits "$python" "$newest" && echo "$python" && return
        done
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
