#!/bin/sh
# Usage: deploy/setup.sh ENVIRONMENT LOCKFILE
# Creates a virtual environment that holds exactly what the lock file names, every file checked by
# hash. uv does the work: it is one of the locked packages itself (deploy/bootstrap.lock).
set -eu

environment=$1
lock=$2
python=${PYTHON:-python3}
unset PYTHONDONTWRITEBYTECODE

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "vertebra needs Python 3.11 or newer; '$python' is $("$python" --version 2>&1)." >&2
    echo "Name another one: make PYTHON=python3.12 ..." >&2
    exit 1
fi

# uv does not read pip's configuration: pass on an index that the site has set for pip.
if [ -z "${UV_DEFAULT_INDEX:-}" ]; then
    index=${PIP_INDEX_URL:-$("$python" -m pip config get global.index-url 2>/dev/null || true)}
    [ -z "$index" ] || export UV_DEFAULT_INDEX="$index"
fi

echo "Setting up $environment from $lock ..."
[ -x "$environment/bin/python" ] || "$python" -m venv "$environment"
"$environment/bin/python" -m pip install --quiet --disable-pip-version-check \
    --require-hashes -r deploy/bootstrap.lock
uv="$environment/bin/uv"
"$uv" pip install --quiet --python "$environment/bin/python" --require-hashes \
    --compile-bytecode -r "$lock"

# The main environment also gets vertebra itself, editable; hatchling comes from the lock.
if "$environment/bin/python" -c 'import hatchling' 2>/dev/null; then
    "$uv" pip install --quiet --python "$environment/bin/python" --no-deps --no-build-isolation -e .
fi
echo "$environment is ready: $("$environment/bin/python" --version)."
