#!/usr/bin/env bash
# Says how much of the library the cases run; see --help.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
readonly root target=$root/target/coverage

usage() {
    cat <<END
Usage: ci/coverage.sh [--help] [ARGUMENT...]

Runs ci/conform.sh with the arguments, built in target/coverage so that all of
its processes count what they run of the library, and prints what was run, file
by file; the lines are in target/coverage/html. The counters lie in files that
the processes map: peers that are killed, as most are, have counted, too.

It needs cargo-llvm-cov (cargo install --locked cargo-llvm-cov), and the
llvm-cov and llvm-profdata of rustc's LLVM: the toolchain's component llvm-tools,
or Debian's package llvm-VERSION.

Exit status: 0 where it printed them, 2 where something is missing or nothing
could be run. Whether all was as expected is for ci/conform.sh to say.
END
}

case ${1-} in
    -h | --help) usage; exit ;;
esac
give_up() { # SENTENCE
    echo "coverage.sh: $1" >&2
    exit 2
}

cd "$root"
version=$(rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
if [[ -x /usr/lib/llvm-$version/bin/llvm-cov ]]; then
    export LLVM_COV=/usr/lib/llvm-$version/bin/llvm-cov LLVM_PROFDATA=/usr/lib/llvm-$version/bin/llvm-profdata
fi
export CARGO_TARGET_DIR=$target
counting=$(cargo llvm-cov show-env --sh) || give_up "no cargo-llvm-cov, or no llvm-cov of LLVM $version (see --help)"
eval "$counting"
export RUSTFLAGS=-Cllvm-args=-runtime-counter-relocation
# %c: counted in the file itself. %8m: in one of eight, which later processes go on with.
export LLVM_PROFILE_FILE=$target/cases-%c%8m.profraw
rm -f "$target"/*.profraw

status=0
ci/conform.sh --out "$target/report" "$@" || status=$?
if ((status == 2)); then exit 2; fi
echo "== coverage"
# Folders of this repository, and not those above it that have such a name.
only=(--ignore-filename-regex "^$(sed 's/[][\\.*^$+?(){}|]/\\&/g' <<<"$PWD")/(harness|conformance|mutants|benches)/")
cargo llvm-cov report --html --output-dir "$target" "${only[@]}"
cargo llvm-cov report --summary-only "${only[@]}"
