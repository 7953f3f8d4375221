#!/bin/sh
# Usage: deploy/console.sh [FOLDER]
# Builds the console into clients/python/vertebra/console_files (or FOLDER), where
# `vertebra up --console` and the wheel take it from; does nothing when what is there is newer than
# all it is made of.
set -eu
cd "$(dirname "$0")/.."

folder=${1:-clients/python/vertebra/console_files}
if [ -f "$folder/index.html" ] && [ -z "$(find clients/console clients/typescript/src \
    clients/package-lock.json -newer "$folder/index.html" -type f | head -n 1)" ]; then
    exit 0
fi
deploy/node.sh
PATH="$PWD/.venv-node/bin:$PATH" node clients/console/build.mjs "$folder"
