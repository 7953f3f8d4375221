#!/bin/sh
# Usage: deploy/node.sh
# Installs what clients/package-lock.json names into clients/node_modules, every file checked by its
# hash; does nothing when that is there already. Uses the Node of this machine where it is 20.19 or
# newer, else one from a wheel in .venv-node. The registry is the one that npm is configured with.
set -eu
cd "$(dirname "$0")/.."

is_new_enough() {
    command -v npm >/dev/null && node -e '
        const [major, minor] = process.versions.node.split(".").map(Number);
        process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)' 2>/dev/null
}

PATH="$PWD/.venv-node/bin:$PATH"
export PATH
if ! is_new_enough; then
    deploy/setup.sh .venv-node deploy/node.lock
fi
wanted=$(cat clients/package.json clients/*/package.json clients/package-lock.json | cksum)
stamp=clients/node_modules/.installed
if [ "$(cat $stamp 2>/dev/null)" != "$wanted" ]; then
    (cd clients && npm ci --no-audit --no-fund --loglevel=error)
    echo "$wanted" >$stamp
fi
