#!/usr/bin/env bash
# To be sourced: what it takes to build for a system on which nothing can run here, and to build the standard library. Sets
# $root, $lanes, $cross, and upon a failure $reason; the caller has set -euo pipefail.
export LC_ALL=C CARGO_TERM_QUIET=true

readonly suite=trixie-backports keyring=/usr/share/keyrings/debian-archive-keyring.gpg mingw=x86_64-w64-mingw32
readonly linker=(gcc-mingw-w64-x86-64-posix gcc-mingw-w64-x86-64-posix-runtime gcc-mingw-w64-base
    binutils-mingw-w64-x86-64 mingw-w64-x86-64-dev mingw-w64-common)
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release 2>/dev/null) || true # this system's own suite
readonly root codename lanes=$root/target/lanes cross=$root/target/cross
reason='' log='' scratch='' sysroot=''
trap 'rm -rf "$scratch"' EXIT

# SUITE: gives apt a configuration of its own, as the machine need not use that suite, nor the caller be root. The mirrors
# are the machine's; what is not signed by Debian is refused. A suite that is no longer renewed is good enough.
configure() {
    local own=$lanes/apt/foreign-$1
    reason="this system has no apt-get with the keys of Debian"
    [[ -s $keyring && -x $(command -v apt-get) ]] || return 1
    reason="cannot write to target/lanes"
    mkdir -p "$own"/{lists,archives}/partial "$lanes/log" 2>/dev/null || return 1
    log=$lanes/log/foreign.log
    # shellcheck disable=SC2016 # apt fills these in
    apt-get indextargets --format '$(CODENAME)|$(COMPONENT)|$(REPO_URI)' 'Created-By: Packages' 2>"$log" |
        awk -F'|' -v codename="$codename" -v suite="$1" -v key="$keyring" '
            $1 == codename && $2 == "main" && !seen[$3]++ {
                print "deb [signed-by=" key "] " $3 " " suite " main" }' >"$own/sources.list" || return 1
    apt_conf=$own/apt.conf
    cat >"$apt_conf" <<END
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
    # Its status tells nothing: it ends well without any list, and badly where one mirror of several fails.
    apt-get -c "$apt_conf" update >>"$log" 2>&1 </dev/null || true
    reason="apt-get cannot get the list of packages of Debian's $1"
    compgen -G "$own/lists/*_Packages*" >/dev/null
}

# SUITE VERSION PACKAGE...: downloads the packages, of which the first has a version that begins so, and unpacks them into
# $scratch/all, without documentation.
fetch() {
    if ! attempt "$@"; then
        if [[ -s $log ]]; then tail -n 10 "$log" | sed 's/^/    /' >&2; fi
        return 1
    fi
}

attempt() {
    local from=$1 wanted=$2 apt_conf version archive packages=()
    shift 2
    configure "$from" || return 1
    reason="cannot write to target/lanes"
    rm -rf "$scratch"
    scratch=$(mktemp -d "$lanes/.foreign.XXXXXX" 2>/dev/null) && mkdir "$scratch/all" || return 1
    reason="Debian's $from has no $1${wanted:+ $wanted}"
    version=$(apt-cache -c "$apt_conf" madison "$1" 2>>"$log" | awk -F' *[|] *' -v wanted="$wanted" '
        (wanted == "" || index($2, wanted) == 1 && substr($2, length(wanted) + 1, 1) !~ /[0-9]/) && !found { found = $2 }
        END { print found }')
    if [[ -z $version ]]; then log=''; return 1; fi
    packages=("$1=$version")
    if (($# > 1)); then packages+=("${@:2}"); fi
    reason="apt-get cannot download $*"
    # From that suite alone: the machine's own packages do not count.
    (cd "$scratch" && apt-get -c "$apt_conf" -o "APT::Default-Release=$from" download "${packages[@]}") >>"$log" 2>&1 </dev/null ||
        return 1
    for archive in "$scratch"/*.deb; do
        reason="cannot unpack ${archive##*/}"
        dpkg-deb --fsys-tarfile "$archive" 2>>"$log" |
            tar -x -C "$scratch/all" --exclude=./usr/share/doc --exclude='*/i386-windows' 2>>"$log" || return 1
        rm "$archive"
    done
}

# A copy of the toolchain that has the source of the standard library: $copy. rustc finds its sysroot by where its own
# library really lies, so that one is copied, and so are the programs; the rest are links.
copy_toolchain() {
    local release source file new
    release=$("$sysroot/bin/rustc" -vV | sed -n 's/^release: //p')
    copy=$cross/toolchain-$release source=$lanes/rust-src-$release
    if [[ ! -d $source ]]; then
        fetch "$suite" "$release" rust-src || return 1
        reason="cannot write to target/lanes"
        mkdir "$scratch/source" && mv "$scratch/all/usr/src/rustc-$release/library" "$scratch/source" || return 1
        mv -T "$scratch/source" "$source" || return 1
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

# A linker for Windows, unless the machine has one: its folder goes to the end of PATH.
find_linker() {
    local own=$lanes/mingw tool
    if command -v "$mingw-gcc" >/dev/null && command -v "$mingw-dlltool" >/dev/null; then return 0; fi
    if [[ ! -d $own ]]; then
        fetch "$codename" '' "${linker[@]}" || return 1
        reason="cannot write to target/lanes"
        for tool in "$scratch/all/usr/bin/$mingw"-*-posix; do ln -s "${tool##*/}" "${tool%-posix}" || return 1; done
        mv -T "$scratch/all" "$own" || return 1
    fi
    PATH+=:$own/usr/bin
}

# COMMAND...: runs it while nobody else downloads or makes a toolchain.
alone() {
    local status=0
    exec 9<"$lanes"
    flock 9
    rm -rf "$lanes"/.foreign.*
    "$@" || status=1
    exec 9<&-
    rm -rf "$scratch"
    return $status
}

# TARGET: sets $bin, the folder of the cargo to use, its $options and $environment; upon failure, says why in $reason. A
# target that rustup has installed is used as it is; for others the standard library is built, once for checks and tests.
prepare() {
    bin=$sysroot/bin options=() environment=()
    if [[ $1 == *-windows-gnu ]]; then find_linker || return 1; fi
    if compgen -G "$sysroot/lib/rustlib/$1/lib/libstd-*" >/dev/null; then return 0; fi
    options=("-Zbuild-std=std,panic_abort,test" --target-dir "$cross" --config profile.dev.opt-level=0
        --config profile.dev.debug=0)
    find_source
}

# Sets $bin and $environment for -Zbuild-std; upon failure, says why in $reason.
find_source() {
    bin=$sysroot/bin
    environment=(RUSTC_BOOTSTRAP=1) # lets a stable toolchain do that
    if [[ -e $sysroot/lib/rustlib/src/rust/library/Cargo.lock ]]; then return 0; fi
    copy_toolchain || return 1
    bin=$copy/bin
}

# Finds the toolchain, and the folders to write to; upon failure, says why in $reason.
find_toolchain() {
    cd "$root"
    reason="no Rust toolchain with clippy (rustup component add clippy)"
    sysroot=$(rustc --print sysroot 2>/dev/null) && [[ -x $sysroot/bin/cargo-clippy ]] || return 1
    reason="cannot write to target/"
    mkdir -p "$lanes" "$cross" 2>/dev/null
}
