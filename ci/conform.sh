#!/usr/bin/env bash
# Checks every driver of this machine, from a fresh clone on; see --help.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
readonly root
if [[ -d ${CARGO_HOME:-${HOME-}/.cargo}/bin ]]; then PATH+=:${CARGO_HOME:-$HOME/.cargo}/bin; fi

usage() {
    cat <<END
Usage: ci/conform.sh [ARGUMENT...]

Installs what is missing (a C linker, the lanes of ci/drivers.sh), builds the
command gpushare, shows what the drivers of this machine can share, runs every
case on every lane, and prints one table of lanes and verdicts and where the
report lies. Without root, and without drivers, the lane 'host' still runs.

The arguments are those of \`gpushare run\`, such as --driver lavapipe or
'memory::*'; the report goes to target/report/, unless --out names a folder.

Exit status: that of \`gpushare run\` (0 all as expected, 1 something is not,
2 cannot run); 2 also if it cannot be built.
END
}

give_up() { # SENTENCE
    echo "conform.sh: $1" >&2
    exit 2
}

# rustc links with it.
ensure_linker() {
    if command -v cc >/dev/null; then return; fi
    if ((EUID == 0)) && command -v apt-get >/dev/null; then
        echo "== installing a C compiler"
        local log=$root/target/lanes/log/linker.log get=(apt-get -y --no-install-recommends -o DPkg::Lock::Timeout=120)
        mkdir -p "${log%/*}"
        export DEBIAN_FRONTEND=noninteractive
        { "${get[@]}" update && "${get[@]}" install gcc libc6-dev; } >"$log" 2>&1 </dev/null || tail -n 10 "$log" >&2
    fi
    command -v cc >/dev/null || give_up "no C compiler (cc), which rustc links with: install gcc or clang (Debian: apt-get install gcc libc6-dev)"
}

own_out=(--out target/report)
for argument; do
    case $argument in
        -h | --help) usage; exit ;;
        --out | --out=*) own_out=() ;;
    esac
done

cd "$root"
command -v cargo >/dev/null || give_up "no cargo: install Rust (https://rustup.rs) and run this again"
ensure_linker

if [[ $(uname -s) == Linux ]]; then
    echo "== lanes"
    ci/drivers.sh
    # An empty or missing folder is no driver.
    if [[ -z ${GPUSHARE_DRIVERS-} ]] && compgen -G "$root/target/lanes/icd.d/*.json" >/dev/null; then
        export GPUSHARE_DRIVERS=$root/target/lanes/icd.d
    fi
fi

echo "== build"
# The test beside the command makes cargo choose the dependencies' features as it does for `cargo nextest run --workspace`,
# so that neither builds again what the other has built.
cargo build --locked --workspace --bin gpushare --test conformance || give_up "the command gpushare cannot be built"
target=$(cargo metadata --locked --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
gpushare=$target/debug/gpushare

echo "== probe"
"$gpushare" probe

echo "== run"
exec "$gpushare" run ${own_out[@]+"${own_out[@]}"} "$@"
