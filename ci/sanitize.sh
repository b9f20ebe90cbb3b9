#!/usr/bin/env bash
# Runs the library's tests of shared memory under the address sanitizer and the thread sanitizer; see --help.
set -euo pipefail
# shellcheck source=ci/foreign.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/foreign.sh"

readonly target=x86_64-unknown-linux-gnu
tests=(--package=gpushare --lib --test=async_receiver --test=channel --test=memory --test=meter --test=processes --test=worker)
readonly tests

usage() {
    cat <<END
Usage: ci/sanitize.sh [--help] [address|thread] [ARGUMENT...]

Builds the tests of rings, waiters, streams, channels, shared memory, workers
and async receivers with the sanitizer, the standard library too (its source is
found as ci/cross.sh finds it), and runs them; both sanitizers, one after the
other, unless one is named. ARGUMENT goes to cargo nextest, such as a filter:
each test is a process of its own, since some count what their process holds.
What is built lies in target/sanitize.

  address  accesses out of bounds and after the end, and leaks: with the
           hostile-peer tests, which write whatever a peer could
  thread   data races between threads of one process: the list of sleepers, the
           watch on a peer, workers, futures. The two sides of a ring reach the
           same bytes through mappings of their own, which the sanitizer takes
           for different memory: their order is what the loom models are for,
           which are left out here

Exit status: 0 if no test failed and nothing was found, 1 if not, 3 if it
cannot run here, with the reason in the last line.
END
}

# SANITIZER ARGUMENT...
run() {
    local sanitizer=$1
    shift
    echo "== $sanitizer sanitizer"
    # Through the C library, so that the sanitizer sees what is mapped and unmapped; a backtrace would take it longer than a
    # deadline.
    RUSTFLAGS="-Zsanitizer=$sanitizer --cfg=rustix_use_libc" RUST_BACKTRACE=0 \
        ASAN_OPTIONS=detect_stack_use_after_return=1 TSAN_OPTIONS=halt_on_error=1 \
        env "${environment[@]}" "PATH=$bin:$PATH" cargo nextest run --cargo-quiet --locked -Zbuild-std \
        --target "$target" --target-dir "target/sanitize/$sanitizer" "${tests[@]}" -E 'not test(models::)' "$@"
}

sanitizers=(address thread)
case ${1-} in
    -h | --help) usage; exit ;;
    address | thread) sanitizers=("$1"); shift ;;
esac
if ! find_toolchain || ! alone find_source; then
    echo "not checked: $reason"
    exit 3
fi
status=0
for sanitizer in "${sanitizers[@]}"; do
    run "$sanitizer" "$@" || status=1
done
exit $status
