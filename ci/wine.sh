#!/usr/bin/env bash
# Runs the tests that Windows has, built here, under Wine; see --help.
set -euo pipefail
# shellcheck source=ci/foreign.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/foreign.sh"

readonly target=x86_64-pc-windows-gnu wine=10 wine_suite=trixie tree=$lanes/wine
readonly home=/wine # in that folder: what Wine and the tests keep
# Wine, and what a program without windows or sound needs of all that it depends on.
readonly wine_packages=(wine64 libwine libc6 libgcc-s1 libunwind8 liblzma5 libz-mingw-w64)
# All are built, so that they go on being compiled; those that run need no driver, example program or folder of snapshots.
tests=(--lib --test=frames --test=processes --test=sync) built=(--tests)
readonly limit=300 # seconds for one test program

usage() {
    cat <<END
Usage: ci/wine.sh [--help] [--source FOLDER] [--lib] [--test NAME]... [--no-run]
                  [-- ARGUMENT...]

Builds the tests of the library for $target, and runs under
Wine $wine of Debian's $wine_suite those of shared memory, ring, waiter, stream,
channel, synchronisation and frames, within a process and between processes. Wine
is unpacked with its own C library under target/lanes/wine and installed nowhere;
the tests run with that folder as their root, which takes root, or a system that
gives users namespaces. The standard library is built as ci/cross.sh does, in the
same place.

  --source FOLDER      a workspace with another copy of the library, to be built and
                       tested instead; it lies in this repository's folder
  --lib, --test NAME   these test programs alone, as with cargo test
  --no-run             build them, and see that they could be run
  ARGUMENT             passed to the test programs, such as a filter

Exit status: 0 all passed; 1 one failed; 2 wrong arguments; 3 nothing could be
run: the last line says why.
END
}

skip() {
    echo "not run: $1"
    exit 3
}

# The folder with Wine.
# shellcheck disable=SC2317 # called through `alone`
unpack_wine() {
    local new=$tree.new folder
    if [[ -d $tree ]]; then return 0; fi
    fetch "$wine_suite" "$wine" "${wine_packages[@]}" || return 1
    reason="cannot write to target/lanes"
    rm -rf "$new"
    mv -T "$scratch/all" "$new" || return 1
    for folder in lib lib64; do [[ -e $new/$folder ]] || ln -s "usr/$folder" "$new/$folder" || return 1; done
    mkdir -p "$new"/{dev,proc,tmp} || return 1
    mv -T "$new" "$tree"
}

# COMMAND...: runs it with mounts and processes of its own, all of which end with it.
enclose() {
    local user=()
    if ((EUID != 0)); then user=(--map-root-user); fi
    unshare "${user[@]}" --mount --pid --fork --kill-child -- "$@"
}

# Inside: the folder gets what a system has, and this repository at its own place.
readonly inside='
    set -e
    tree=$1 root=$2 home=$3
    shift 3
    mount -t proc proc "$tree/proc"
    mount --rbind /dev "$tree/dev"
    mkdir -p "$tree$root" "$tree$home"
    mount --bind "$root" "$tree$root"
    exec "$@"'

# TEXT: ends with what is wrong with the arguments.
refuse() {
    echo "wine.sh: $1 (see --help)" >&2
    exit 2
}

arguments=() named=() source=$root locked=(--locked) run=true
while (($# > 0)); do
    case $1 in
        --source | --test) if (($# < 2)); then refuse "$1 needs a value"; fi ;;
    esac
    case $1 in
        -h | --help) usage; exit ;;
        --source)
            source=$(cd -- "$2" 2>/dev/null && pwd -P) || refuse "no folder '$2'"
            if [[ $source != "$root"/* ]]; then refuse "'$2' is not in this repository's folder"; fi
            locked=() # of the packages in Cargo.lock it needs a part
            shift
            ;;
        --lib) named+=("$1") ;;
        --test) named+=("--test=$2"); shift ;;
        --no-run) run=false ;;
        --) shift; arguments=("$@"); break ;;
        *) refuse "unknown argument '$1'" ;;
    esac
    shift
done
if ((${#named[@]} > 0)); then tests=("${named[@]}") built=("${named[@]}"); fi

find_toolchain || skip "$reason"
alone prepare "$target" || skip "$reason"
alone unpack_wine || skip "$reason"
enclose true 2>/dev/null || skip "needs root, or namespaces for users (unshare)"

# Many of Wine's libraries need zlib1.dll, which is in a package for compilers.
export WINEPATH="Z:\\usr\\$mingw\\lib" WINEPREFIX=$home/prefix WINESERVER=/usr/lib/wine/wineserver64 WINEDEBUG=-all
export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER="timeout --kill-after=5 $limit env HOME=$home chroot $tree /usr/lib/wine/wine64"
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target} # another source's, too
export PATH=$bin:$PATH CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=$mingw-gcc
# Optimised as the models are here, it takes longer to build than the tests take to run.
quick=(--config=profile.dev.package.gpushare.opt-level=1 --config=profile.dev.debug=false)
cargo=(env "${environment[@]}" cargo test "${locked[@]}" --manifest-path "$source/Cargo.toml" --target "$target"
    "${options[@]}" "${quick[@]}" --package=gpushare)
status=0
"${cargo[@]}" "${built[@]}" --no-run || exit 1
if ! $run; then exit 0; fi
# The models explore the algorithm, not the system, and are explored where all runs faster.
enclose bash -c "$inside" inside "$tree" "$root" "$home" "${cargo[@]}" "${tests[@]}" --no-fail-fast -- \
    --skip ::models:: --test-threads=1 "${arguments[@]}" || status=1
exit $status
