#!/usr/bin/env bash
# Type-checks the crates for systems on which they cannot run here; see --help.
set -euo pipefail
# shellcheck source=ci/foreign.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/foreign.sh"

readonly known=(aarch64-apple-darwin x86_64-apple-darwin x86_64-pc-windows-gnu aarch64-linux-android)
readonly crates=(gpushare gpushare-harness gpushare-conformance)

usage() {
    cat <<END
Usage: ci/cross.sh [--targets] [--help] [TARGET...]

Runs clippy on the libraries and programs of the workspace for each target;
without arguments, for all of these:

$(printf '  %s\n' "${known[@]}")

A target that rustup has installed is used as it is. For another one, the
standard library is built from its source: the toolchain's component rust-src,
or else the package rust-src of Debian's $suite, if it has the version
of this rustc. That is unpacked under target/lanes/ and put into a copy of the
toolchain under target/cross/; the toolchain itself is left as it is.

  --targets  print the targets, and do nothing

Exit status: 0 all were checked; 1 one failed; 2 wrong arguments; 3 none failed,
and one could not be checked: its line says why.
END
}

targets=()
for argument; do
    case $argument in
        --targets) printf '%s\n' "${known[@]}"; exit ;;
        -h | --help) usage; exit ;;
        -*) echo "cross.sh: unknown argument '$argument' (see --help)" >&2; exit 2 ;;
        *) targets+=("$argument") ;;
    esac
done
if ((${#targets[@]} == 0)); then targets=("${known[@]}"); fi

if ! find_toolchain; then echo "not checked: $reason"; exit 3; fi
# TARGET...: checks them by one cargo, which works on all of them at once; what all need is built once.
check() {
    local arguments=("${@/#/--target=}" "${options[@]}" --locked --keep-going "${crates[@]/#/--package=}" --lib --bins)
    if env "${environment[@]}" "PATH=$bin:$PATH" cargo clippy "${arguments[@]}" -- -D warnings; then
        printf '%s: checked\n' "$@"
    else
        printf '%s: failed, or one beside it\n' "$@"
        return 1
    fi
}

failed='' unchecked='' installed=() built=()
for target in "${targets[@]}"; do
    if ! alone prepare "$target"; then
        echo "$target: not checked: $reason"
        unchecked=1
    elif ((${#options[@]} == 0)); then
        installed+=("$target")
    else
        built+=("$target")
    fi
done
if ((${#built[@]} > 0)); then
    prepare "${built[0]}"
    check "${built[@]}" || failed=1
fi
if ((${#installed[@]} > 0)); then
    prepare "${installed[0]}"
    check "${installed[@]}" || failed=1
fi
if [[ -n $failed ]]; then exit 1; fi
if [[ -n $unchecked ]]; then exit 3; fi
