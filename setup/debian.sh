#!/bin/sh
# Installs the Debian packages the pipeline needs; does nothing where all are there.
# Usage: debian.sh [PYTHON] [test]: with `test`, also what only the tests use.
set -eu

PACKAGES="
gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib
gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf
gcc-avr avr-libc
qemu-system-arm qemu-system-misc
gcc libc6-dev
"

python=${1:-python3}
[ "${2:-}" != test ] || PACKAGES="$PACKAGES postgresql ser2net arduino-core-avr clang libclang-rt-dev"
"$python" -c 'import ensurepip' 2>/dev/null || PACKAGES="$PACKAGES python3-venv"

missing=""
for package in $PACKAGES; do
    state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "setup: no apt-get here; install what these Debian packages hold, then run make again:" >&2
    for package in $missing; do echo "  $package" >&2; done
    exit 1
fi

as_root=""
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "setup: not root and no sudo; ask an administrator to run:" >&2
        echo "  apt-get install --no-install-recommends$missing" >&2
        exit 1
    fi
    as_root=sudo
fi

echo "setup: installing Debian packages:$missing"
$as_root apt-get update -q
# shellcheck disable=SC2086  # one word per package
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -q --no-install-recommends $missing
