#!/bin/sh
# Usage: install.sh LOCKFILE ENVIRONMENT
# While an image is built: a virtual environment with exactly what the lock file names, every file
# checked by hash, without pip. With TORCH_INDEX, an index of wheels of torch without CUDA, torch
# comes from there in the same version, and nothing of CUDA comes with it: 4 GB less for a catalog.
set -eu

lock=$1
environment=$2
tools=/build/tools

if [ -z "${UV_DEFAULT_INDEX:-}" ]; then
    index=${PIP_INDEX_URL:-$(python3 -m pip config get global.index-url 2>/dev/null || true)}
    [ -z "$index" ] || export UV_DEFAULT_INDEX="$index"
fi

python3 -m venv --without-pip "$environment"
install() {
    "$tools/bin/uv" pip install --quiet --no-cache --compile-bytecode \
        --python "$environment/bin/python" "$@"
}

if [ -z "${TORCH_INDEX:-}" ]; then
    install --require-hashes -r "$lock"
else
    # A requirement is its own line and the indented lines of its hashes.
    awk '/^[a-z]/ { skip = /^(torch|torchvision|triton|cuda-[a-z]+|nvidia-[a-z0-9-]+)==/ } !skip' \
        "$lock" >without-cuda.lock
    sed -nE 's/^((torch|torchvision)==[^ ]+).*/\1/p' "$lock" >torch.txt
    install --require-hashes -r without-cuda.lock
    install --no-deps --default-index "$TORCH_INDEX" -r torch.txt
fi
