#!/usr/bin/env bash
# Servers of KATO on this machine: ./kato-manager.sh help tells all.
# Makes the environment when it is first needed, or no longer fits; the work is done by kato.manager.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=${KATO_VENV:-$here/.venv}
wants=run
[ "${1:-}" = test ] && wants=test
stamp=$(cat "$here/setup.cfg" "$here/pyproject.toml" | cksum)

if [ "$(cat "$venv/.kato-$wants" 2>/dev/null)" != "$stamp" ]; then
    for python in python3.13 python3.12 python3.11 python3; do
        if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then break; fi
        python=
    done
    [ -n "$python" ] || { echo "kato-manager: no Python 3.11 or newer is installed here" >&2; exit 1; }
    echo "Making the environment in $venv (once, about a minute) …"
    [ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
    extra=
    [ "$wants" = test ] && extra='[test]'
    "$venv/bin/python" -m pip install --disable-pip-version-check --editable "$here$extra"
    echo "$stamp" > "$venv/.kato-run"
    [ "$wants" = run ] || echo "$stamp" > "$venv/.kato-$wants"
fi
exec "$venv/bin/python" -m kato.manager "${@:-help}"
