#!/bin/sh
# Usage: install-vertebra.sh SOURCES ENVIRONMENT
# While an image is built: vertebra itself, with what is already in the environment.
set -eu

tools=/build/tools
"$tools/bin/uv" build --quiet --no-cache --wheel --no-build-isolation \
    --python "$tools/bin/python" --out-dir wheels "$1"
"$tools/bin/uv" pip install --quiet --no-cache --no-deps --no-index --compile-bytecode \
    --python "$2/bin/python" wheels/*.whl
