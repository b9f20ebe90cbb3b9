#!/usr/bin/env bash
# Runs every check of this repository; see --help.
set -uo pipefail
# What the tools print is read below.
export LC_ALL=C CARGO_TERM_COLOR=never CARGO_TERM_PROGRESS_WHEN=never NO_COLOR=1

readonly fuzz_seconds=30 advisory_db=https://github.com/rustsec/advisory-db
readonly steps=' format clippy docs drivers tests validation doctests deny advisories fuzz cross wine dmabuf loom '
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
readonly root logs=$root/target/ci
wanted=''
names=() results=() times=() reasons=()
passed=0 failed=0 skipped=0

usage() {
    cat <<END
Usage: ci/test.sh [--help] [STEP...]

Runs these steps, or those that are named, and goes on after one that fails:

  format      rustfmt
  clippy      on all targets of the workspace and of fuzz/; warnings are errors
  docs        builds the documentation; warnings are errors
  drivers     ci/drivers.sh: brings up the lanes
  tests       cargo nextest, on every lane that can run here
  validation  the cases on lavapipe 22.3 with Khronos' validation layer
  doctests    the examples in the documentation
  deny        cargo deny: licences, bans and sources of the dependencies
  advisories  cargo deny: their known vulnerabilities, where the database
              ($advisory_db) can be reached
  fuzz        the seeds, and each target under fuzz/fuzz_targets/ for $fuzz_seconds s; needs
              a nightly toolchain and cargo-fuzz
  cross       ci/cross.sh: clippy for macOS, Windows and Android
  wine        ci/wine.sh: the tests that Windows has, under Wine
  dmabuf      ci/dmabuf.sh: dma-bufs and sync files, in a virtual machine
  loom        ci/loom.sh, once there is one

A step that cannot run here is skipped and says why; that is not a pass. All
that a step prints is kept in target/ci/. Exit status: 1 if a step failed. The
last line counts tests: of cargo nextest, of the documentation, of the seeds,
under Wine.
END
}

# REASON: for a step that cannot run here; to be followed by its return.
skip() {
    echo "$1"
    return 3
}

# TEXT: what a step that passes shows of itself.
tell() {
    if [[ -n $1 ]]; then printf '   %s\n' "$1" >>"$short"; fi
}

# NAME COMMAND...: runs one step. All that it prints is shown if it fails; status 3 means that it is skipped, and the last
# line says why.
step() {
    if [[ -n $wanted && $wanted != *" ${1%% *} "* ]]; then return; fi
    local name=$1 began=$SECONDS log=$logs/${1// /-}.log short status=0 result reason=''
    short=$log.short
    shift
    : >"$short"
    echo "== $name"
    "$@" >"$log" 2>&1 </dev/null || status=$?
    case $status in
        0) result=passed; cat "$short" ;;
        3) result=skipped reason=$(tail -n 1 "$log" | sed 's/^.*not checked: //') ;;
        *) result=failed; cat "$log" ;;
    esac
    rm -f "$short"
    names+=("$name") results+=("$result") times+=($((SECONDS - began))) reasons+=("$reason")
    echo "   $result in ${times[-1]} s${reason:+: $reason}"
}

# STATUS PATTERN: adds what the summaries in the log of the running step say, the lines that match, and passes the status
# on. A run that ends before its summary counts as one failure.
count() {
    local pass fail skip
    read -r pass fail skip < <(awk -v pattern="$2" '
        $0 ~ pattern {
            while (match($0, /[0-9]+ (passed|failed|exec failed|timed out|skipped|ignored)/)) {
                split(substr($0, RSTART, RLENGTH), pair, " ")
                sum[pair[2]] += pair[1]
                $0 = substr($0, RSTART + RLENGTH)
            }
        }
        END {
            print sum["passed"] + 0, sum["failed"] + sum["exec"] + sum["timed"], sum["skipped"] + sum["ignored"]
        }' "$log")
    if (($1 != 0 && fail == 0)); then fail=1; fi
    ((passed += pass, failed += fail, skipped += skip))
    tell "$pass passed, $fail failed, $skip skipped"
    return $(($1 != 0))
}

format() {
    local status=0
    cargo fmt --all --check -- --color never || status=1
    cargo fmt --manifest-path fuzz/Cargo.toml --check -- --color never || status=1
    return $status
}

clippy() {
    local status=0 options=(--quiet --locked --keep-going --all-targets)
    cargo clippy "${options[@]}" --workspace -- -D warnings || status=1
    if has_cpp; then
        cargo clippy "${options[@]}" --manifest-path fuzz/Cargo.toml -- -D warnings || status=1
    else
        tell "without fuzz/: no C++ compiler (c++)"
    fi
    return $status
}

docs() {
    RUSTDOCFLAGS='-D warnings' cargo doc --quiet --locked --keep-going --workspace --no-deps || return 1
}

drivers() {
    ci/drivers.sh || return 1
    tell "$(grep '^lane ' "$log" | sed 's/^lane //' | paste -sd ';' | sed 's/;/; /g')"
}

tests() {
    if ! cargo nextest --version >/dev/null 2>&1; then
        echo "cargo-nextest is not installed: cargo install --locked cargo-nextest"
        count 1 '^$'
        return
    fi
    cargo nextest run --locked --workspace --profile ci --cargo-quiet
    count $? '^ +Summary '
}

# The faults of lifecycle::* change nothing about our calls, and each restarts peers, which takes long with the layer.
validation() {
    local layer=$root/target/lanes/validation
    if [[ ! -s $layer/icd.json ]]; then skip "no validation layer: ci/drivers.sh tells why" || return; fi
    if [[ ! -s target/lanes/icd.d/lavapipe-22.3.json ]]; then skip "no lane lavapipe-22.3: ci/drivers.sh tells why" || return; fi
    cargo run --quiet --locked --package gpushare-conformance --bin gpushare -- run --validation="$layer" \
        --driver target/lanes/icd.d/lavapipe-22.3.json {capability,memory,handle,semaphore,timeline,fence}'::*'
    local status=$?
    tell "$(grep -A 1 '^lane ' "$log" | awk 'NR == 2 { print $2 " cases pass with the layer" }')"
    return $((status != 0))
}

doctests() {
    cargo test --quiet --locked --workspace --doc
    count $? '^test result: '
}

# SUBCOMMAND: skips unless cargo has it.
has() {
    command -v "cargo-$1" >/dev/null || skip "cargo-$1 is not installed: cargo install --locked cargo-$1"
}

deny() {
    has deny || return
    local manifest status=0
    for manifest in Cargo.toml fuzz/Cargo.toml; do
        cargo deny --locked --manifest-path "$manifest" check --hide-inclusion-graph "$@" || status=1
    done
    return $status
}

advisories() {
    has deny || return
    GIT_TERMINAL_PROMPT=0 timeout 20 git ls-remote --exit-code "$advisory_db" HEAD >/dev/null ||
        skip "the database ($advisory_db) cannot be reached" || return
    deny advisories
}

# libFuzzer is in C++.
has_cpp() {
    command -v c++ >/dev/null || skip "no C++ compiler (c++)"
}

seeds() {
    has_cpp || return
    cargo test --quiet --locked --manifest-path fuzz/Cargo.toml --tests
    count $? '^test result: '
}

# TARGET: what it finds goes to a folder of its own: the seeds stay as they are.
fuzz() {
    has_cpp || return
    has fuzz || return
    cargo +nightly --version >/dev/null 2>&1 || skip "no nightly toolchain: rustup toolchain install nightly" || return
    local found=$root/target/ci/corpus/$1 options=(-max_total_time="$fuzz_seconds" -print_final_stats=1 -verbosity=0)
    if [[ -f fuzz/$1.dict ]]; then options+=(-dict="fuzz/$1.dict"); fi
    rm -rf "$found" && mkdir -p "$found" || return 1
    cargo +nightly fuzz run --fuzz-dir fuzz "$1" "$found" "fuzz/corpus/$1" -- "${options[@]}" || return 1
    tell "$(sed -n 's/^stat::number_of_executed_units: *\([0-9]*\)/\1 runs/p' "$log")"
}

wine() {
    local status=0
    ci/wine.sh || status=$?
    if ((status == 3)); then return 3; fi
    count $status '^test result: '
}

# Of what ci/dmabuf.sh runs, what takes seconds: a peer takes some to start where the processor is emulated.
dmabuf() {
    local status=0
    ci/dmabuf.sh run 'capability::dma_buf::*' 'memory::dma_buf::modifier_*' 'handle::dma_buf::wrong_*' \
        'handle::dma_buf::export_*' '*::sync_fd::foreign_*' '*::sync_fd::crosses_*' || status=$?
    if ((status == 3)); then return 3; fi
    tell "$(grep -A 1 '^lane ' "$log" | awk 'NR == 2 { print $2 " cases pass" }')"
    return $((status != 0))
}

summary() {
    local index
    printf '\n%-32s %-8s %8s\n' step result seconds
    for index in "${!names[@]}"; do
        printf '%-32s %-8s %8d%s\n' "${names[index]}" "${results[index]}" "${times[index]}" \
            "${reasons[index]:+  ${reasons[index]}}"
    done
    printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
}

for argument; do
    case $argument in
        -h | --help) usage; exit ;;
        *)
            if [[ $steps != *" $argument "* ]]; then
                echo "test.sh: unknown argument '$argument' (see --help)" >&2
                exit 2
            fi
            wanted+=" $argument "
            ;;
    esac
done
cd "$root" && mkdir -p "$logs" || exit 1

step format format
step clippy clippy
step docs docs
step drivers drivers
step tests tests
step validation validation
step doctests doctests
step deny deny bans licenses sources
step advisories advisories
step 'fuzz seeds' seeds
for target in fuzz/fuzz_targets/*.rs; do
    target=$(basename "$target" .rs)
    step "fuzz $target" fuzz "$target"
done
step cross ci/cross.sh
step wine wine
step dmabuf dmabuf
if [[ -x ci/loom.sh ]]; then step loom ci/loom.sh; fi

summary
[[ " ${results[*]} " != *' failed '* ]]
