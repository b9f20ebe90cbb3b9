#!/usr/bin/env bash
# Type-checks the crates for systems on which they cannot run here; see --help.
set -euo pipefail
export LC_ALL=C CARGO_TERM_QUIET=true

readonly known=(aarch64-apple-darwin x86_64-apple-darwin x86_64-pc-windows-gnu aarch64-linux-android)
readonly crates=(gpushare gpushare-harness gpushare-conformance)
readonly suite=trixie-backports keyring=/usr/share/keyrings/debian-archive-keyring.gpg
readonly binutils=binutils-mingw-w64-x86-64 mingw=x86_64-w64-mingw32
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release 2>/dev/null) || true # this system's own suite
readonly root codename lanes=$root/target/lanes cross=$root/target/cross
reason='' log='' scratch=''
trap 'rm -rf "$scratch"' EXIT

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

# SUITE: gives apt a configuration of its own, as the machine need not use that suite, nor the caller be root. The mirrors
# are the machine's; what is not signed by Debian is refused. A suite that is no longer renewed is good enough.
configure() {
    local own=$lanes/apt/cross-$1
    reason="this system has no apt-get with the keys of Debian"
    [[ -s $keyring && -x $(command -v apt-get) ]] || return 1
    reason="cannot write to target/lanes"
    mkdir -p "$own"/{lists,archives}/partial "$lanes/log" 2>/dev/null || return 1
    log=$lanes/log/cross.log
    # shellcheck disable=SC2016 # apt fills these in
    apt-get indextargets --format '$(CODENAME)|$(COMPONENT)|$(REPO_URI)' 'Created-By: Packages' 2>"$log" |
        awk -F'|' -v codename="$codename" -v suite="$1" -v key="$keyring" '
            $1 == codename && $2 == "main" && !seen[$3]++ {
                print "deb [signed-by=" key "] " $3 " " suite " main" }' >"$own/sources.list" || return 1
    cat >"$own/apt.conf" <<END
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Dir::State::Lists "$own/lists";
Dir::Cache "$own";
Dir::Cache::Archives "$own/archives";
Dir::Etc::SourceList "$own/sources.list";
Dir::Etc::SourceParts "/dev/null";
Acquire::Check-Valid-Until "false";
Acquire::Languages "none";
Acquire::Retries "1";
END
    apt_conf=$own/apt.conf
    # Its status tells nothing: it ends well without any list, and badly where one mirror of several fails.
    apt-get -c "$apt_conf" update >>"$log" 2>&1 </dev/null || true
    reason="apt-get cannot get the list of packages of Debian's $1"
    compgen -G "$own/lists/*_Packages*" >/dev/null
}

# SUITE PACKAGE VERSION PATH: downloads the package whose version begins so, and unpacks what lies under PATH into
# $scratch/all.
fetch() {
    if ! attempt "$@"; then
        if [[ -s $log ]]; then tail -n 10 "$log" | sed 's/^/    /' >&2; fi
        return 1
    fi
}

attempt() {
    local version apt_conf
    configure "$1" || return 1
    reason="cannot write to target/lanes"
    rm -rf "$scratch"
    scratch=$(mktemp -d "$lanes/.cross.XXXXXX" 2>/dev/null) && mkdir "$scratch/all" || return 1
    reason="Debian's $1 has no $2${3:+ $3}"
    version=$(apt-cache -c "$apt_conf" madison "$2" 2>>"$log" | awk -F' *[|] *' -v wanted="${3:+$3+}" '
        index($2, wanted) == 1 && !found { found = $2 }
        END { print found }')
    if [[ -z $version ]]; then log=''; return 1; fi
    reason="apt-get cannot download $2 $version"
    (cd "$scratch" && apt-get -c "$apt_conf" download "$2=$version") >>"$log" 2>&1 </dev/null || return 1
    reason="cannot unpack $2 $version"
    dpkg-deb --fsys-tarfile "$scratch"/*.deb 2>>"$log" | tar -x -C "$scratch/all" "$4" 2>>"$log"
}

# A copy of the toolchain that has the source of the standard library: $copy. rustc finds its sysroot by where its own
# library really lies, so that one is copied, and so are the programs; the rest are links.
copy_toolchain() {
    local release source file new
    release=$("$sysroot/bin/rustc" -vV | sed -n 's/^release: //p')
    copy=$cross/toolchain-$release source=$lanes/rust-src-$release
    if [[ ! -d $source ]]; then
        fetch "$suite" rust-src "$release" "./usr/src/rustc-$release/library" || return 1
        reason="cannot write to target/lanes"
        mv -T "$scratch/all/usr/src/rustc-$release" "$source" || return 1
    fi
    if [[ -d $copy ]]; then return 0; fi
    reason="cannot write to target/cross"
    new=$copy.new
    rm -rf "$new" && mkdir -p "$new"/{bin,lib/rustlib/src/rust} || return 1
    cp "$sysroot"/bin/{cargo,cargo-clippy,clippy-driver,rustc} "$new/bin" || return 1
    for file in "$sysroot"/lib/*; do
        case $file in
            */rustlib) ;;
            */librustc_driver*) cp "$file" "$new/lib" || return 1 ;;
            *) ln -s "$file" "$new/lib" || return 1 ;;
        esac
    done
    for file in "$sysroot"/lib/rustlib/*; do
        if [[ $file != */src ]]; then ln -s "$file" "$new/lib/rustlib" || return 1; fi
    done
    ln -s "$source/library" "$new/lib/rustlib/src/rust" && mv -T "$new" "$copy"
}

# The standard library for Windows needs import libraries, and so this tool: its folder goes to the end of PATH.
find_dlltool() {
    local own=$lanes/$binutils
    if command -v "$mingw-dlltool" >/dev/null; then return 0; fi
    if [[ ! -d $own ]]; then
        fetch "$codename" "$binutils" '' ./usr/bin || return 1
        reason="cannot write to target/lanes"
        mkdir "$scratch/tools" && mv "$scratch/all/usr/bin/$mingw"-{as,dlltool} "$scratch/tools" || return 1
        mv -T "$scratch/tools" "$own" || return 1
    fi
    PATH+=:$own
}

# TARGET: sets $bin, the folder of the cargo to use, its $options and $environment; upon failure, says why in $reason.
prepare() {
    bin=$sysroot/bin options=(--target "$1") environment=()
    if compgen -G "$sysroot/lib/rustlib/$1/lib/libstd-*" >/dev/null; then return 0; fi
    # std is built in full even for a check, and never run.
    options+=("-Zbuild-std=std,panic_abort" --target-dir "$cross" --config profile.dev.opt-level=0 --config profile.dev.debug=0)
    environment=(RUSTC_BOOTSTRAP=1) # lets a stable toolchain do that
    if [[ ! -e $sysroot/lib/rustlib/src/rust/library/Cargo.lock ]]; then
        copy_toolchain || return 1
        bin=$copy/bin
    fi
    if [[ $1 == *-windows-gnu ]]; then find_dlltool || return 1; fi
}

# TARGET: prints what became of it; the status is that of this script.
check() {
    local bin options environment status=0 PATH=$PATH
    exec 9<"$lanes"
    flock 9 # one download at a time
    rm -rf "$lanes"/.cross.*
    prepare "$1" || status=3
    exec 9<&-
    rm -rf "$scratch"
    if ((status == 3)); then echo "$1: not checked: $reason"; return 3; fi
    options+=(--locked --keep-going "${crates[@]/#/--package=}" --lib --bins)
    if env "${environment[@]}" "PATH=$bin:$PATH" cargo clippy "${options[@]}" -- -D warnings; then
        echo "$1: checked"
    else
        echo "$1: failed"
        return 1
    fi
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

cd "$root"
if ! sysroot=$(rustc --print sysroot 2>/dev/null) || [[ ! -x $sysroot/bin/cargo-clippy ]]; then
    echo "not checked: no Rust toolchain with clippy (rustup component add clippy)"
    exit 3
fi
if ! mkdir -p "$lanes" "$cross" 2>/dev/null; then echo "not checked: cannot write to target/"; exit 3; fi
failed='' unchecked=''
for target in "${targets[@]}"; do
    status=0
    check "$target" || status=$?
    case $status in
        0) ;;
        3) unchecked=1 ;;
        *) failed=1 ;;
    esac
done
if [[ -n $failed ]]; then exit 1; fi
if [[ -n $unchecked ]]; then exit 3; fi
