#!/usr/bin/env bash
# System programs that tests drive as their users would: a PostgreSQL server, strace, a browser,
# Prometheus' checker.
# Installed where that can be done without asking; elsewhere the tests that need them say what is
# missing and skip (tests/allowed_skips.txt has the reasons).
set -euo pipefail

packages=()
command -v strace >/dev/null || packages+=(strace)
command -v unshare >/dev/null || packages+=(util-linux)
ls /usr/lib/postgresql/*/bin/pg_ctl >/dev/null 2>&1 || command -v pg_ctl >/dev/null ||
    packages+=(postgresql)
command -v chromium >/dev/null || packages+=(chromium)
command -v promtool >/dev/null || packages+=(prometheus)

if [ ${#packages[@]} -eq 0 ]; then
    exit 0
fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "not installed, so their tests are skipped: ${packages[*]}" >&2
    exit 0
fi
apt-get update -qq
# RUNLEVEL=1: the programs are for tests, nothing is started as a service of this machine.
RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"
