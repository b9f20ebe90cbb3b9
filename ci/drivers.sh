#!/usr/bin/env bash
# Brings up the software Vulkan drivers ("lanes") of Debian 12; see --help.
set -euo pipefail
export LC_ALL=C DEBIAN_FRONTEND=noninteractive PATH="$PATH:/usr/sbin:/sbin"

readonly suite=bookworm newer=trixie keyring=/usr/share/keyrings/debian-archive-keyring.gpg
readonly loader=libvulkan1 mesa=mesa-vulkan-drivers chromium=chromium-common layer=vulkan-validationlayers
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
readonly root lanes=$root/target/lanes
arch=$(dpkg --print-architecture 2>/dev/null) || arch=''
require='' missing='' reason='' log='' scratch=''
trap 'rm -rf "$scratch"' EXIT

usage() {
    cat <<END
Usage: ci/drivers.sh [--require] [--help]

Brings up the Vulkan lanes of Debian 12, and writes a driver manifest for each
under target/lanes/icd.d/, to be named in VK_DRIVER_FILES:

  lavapipe-22.3  $mesa of $suite, installed (needs root)
  lavapipe-25.0  $mesa of $suite-backports, unpacked; named after the
                 version found there; uses libraries installed with the former
  lavapipe-26.1  $mesa of $newer-backports, unpacked with all that it
                 depends on, the C library included; peers on it are started
                 by the dynamic linker found there; named after its version
  swiftshader    $chromium of $suite-security or $suite, unpacked

Beside them, for \`gpushare run --validation=target/lanes/validation\`:

  validation     Khronos' validation layer: $layer of $suite, unpacked

A lane found under target/lanes/ is kept as it is, at no cost; to fetch it anew,
delete its folder there and its manifest. What apt says: target/lanes/log/.

  --require  exit 1 if any lane is not available (otherwise exit 0)
END
}

# LANE REASON: also shows what apt said last, once. A manifest of an earlier run must not outlive its lane.
unavailable() {
    echo "lane $1: not available: $2"
    missing=1
    rm -f "$lanes/icd.d/$1.json" 2>/dev/null || true
    if [[ -s $log ]]; then tail -n 10 "$log" | sed 's/^/    /' >&2; fi
    log=''
}

# STRING: prints it as JSON.
json() {
    local text=${1//\\/\\\\}
    printf '"%s"' "${text//\"/\\\"}"
}

# LANE LIBRARY MANIFEST LABEL [LINKER]: the lane is ready when its library can be loaded, by the dynamic linker LINKER with
# the libraries beside it where that is given, and a manifest of ours gives its full path; the manifest is made anew if
# the repository has been moved.
publish() {
    local to=$lanes/icd.d/$1.json lacking api launcher='' list=(ldd) text
    log=''
    if [[ -n ${5-} ]]; then
        list=("$5" --library-path "${5%/*}" --list)
        launcher=',"gpushare":{"launcher":['$(json "$5")',"--library-path",'$(json "${5%/*}")']}'
    fi
    lacking=$("${list[@]}" "$2" 2>&1 | awk '/not found/ { printf " %s", $1 }') || true
    if [[ -n $lacking ]]; then unavailable "$1" "libraries missing:$lacking"; return; fi
    api=$(sed -n 's/.*"api_version" *: *"\([0-9.]*\)".*/\1/p' "$3")
    text='{"file_format_version":"1.0.0","ICD":{"library_path":'$(json "$2")',"api_version":"'$api'"}'$launcher'}'
    if [[ $(cat "$to" 2>&1) != "$text" ]] && ! { echo "$text" >"$to.new" && mv -f "$to.new" "$to"; } 2>/dev/null; then
        unavailable "$1" "cannot write to target/lanes"
    else
        echo "lane $1: ready ($4)"
    fi
}

# PACKAGE: prints the version that is installed; fails if none is.
installed() {
    dpkg-query -W -f '${db:Status-Status} ${Version}\n' "$1:$arch" 2>/dev/null | sed -n 's/^installed //p' | grep .
}

# COMMAND...: runs a command of apt-get; once more, with fresh lists, if it fails, as it does on a bare machine.
run_apt() {
    local get=(apt-get -y --no-install-recommends -o DPkg::Lock::Timeout=120 -o Acquire::Retries=1)
    if [[ -n ${apt_conf-} ]]; then get+=(-c "$apt_conf"); fi
    { "${get[@]}" "$@" || { "${get[@]}" update; "${get[@]}" "$@"; }; } >>"$log" 2>&1 </dev/null
}

# LANE PACKAGE: installs the package unless it is there; upon failure, says why in $reason.
ensure() {
    if installed "$2" >/dev/null; then return 0; fi
    if ((EUID != 0)); then reason="needs root to install $2"; return 1; fi
    if ! grep -qsx "VERSION_CODENAME=$suite" /etc/os-release; then reason="needs Debian 12 ($suite)"; return 1; fi
    reason="apt-get cannot install $2"
    log=$lanes/log/$1.log
    rm -f "$log"
    run_apt install "$2"
}

# SUITE...: sets $apt_conf, a configuration of apt by which suites that the machine does not use can be asked, and without
# root. The mirrors are the machine's: each one it uses for that suite, or for the one that backports are made for, or for
# its own where the suite is of a newer Debian. Whatever else goes by that name in its sources is not signed by Debian, and
# so is refused.
configure() {
    local own=$lanes/apt/$1 asked base
    apt_conf=$own/apt.conf
    mkdir -p "$own"/{lists,archives}/partial
    : >"$own/status"
    for asked; do
        base=${asked%-backports}
        # shellcheck disable=SC2016 # apt fills these in
        apt-get indextargets --format '$(RELEASE)|$(CODENAME)|$(COMPONENT)|$(REPO_URI)' 'Created-By: Packages' |
            awk -F'|' -v suite="$asked" -v base="${base/$newer/$suite}" -v key="$keyring" '
                $3 == "main" && ($1 == suite || $1 == base || $2 == suite || $2 == base) && !seen[$4]++ {
                    print "deb [signed-by=" key "] " $4 " " suite " main" }'
    done >"$own/sources.list"
    # The machine's hooks would work on the machine's own caches. A suite that is no longer renewed is good enough:
    # its signature still has to be valid, its date does not.
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
END
}

# LANE: begins a folder for it, $scratch/lane, and its log.
begin() {
    reason="cannot write to target/lanes"
    rm -rf "$scratch"
    scratch=$(mktemp -d "$lanes/.new.XXXXXX" 2>/dev/null) && mkdir "$scratch/lane" || return 1
    log=$lanes/log/$1.log
    rm -f "$log"
}

# LANE VERSION: the folder is complete; a lane of Mesa is named after its version.
complete() {
    local lane=$1
    echo "$2" >"$scratch/lane/version"
    if [[ $lane == lavapipe-* ]]; then lane=lavapipe-$(grep -oE '^[0-9]+\.[0-9]+' <<<"${2#*:}"); fi
    reason="cannot write to target/lanes"
    rm -rf "${lanes:?}/$lane" && mv -T "$scratch/lane" "$lanes/$lane" && rm -rf "$scratch"
}

# LANE PACKAGE LIBRARY MANIFEST SUITE...: downloads the package from the first suite that has it, and makes a folder of
# its driver, manifest, licence and version; upon failure, says why in $reason.
fetch() {
    local lane=$1 package=$2 library=$3 manifest=$4 from apt_conf version new
    shift 4
    begin "$lane" || return 1
    new=$scratch/lane
    reason="apt-get cannot download $package of $*"
    for from; do
        configure "$from" 2>>"$log"
        if (cd "$scratch" && run_apt download "$package/$from"); then break; fi
    done
    version=$(dpkg-deb -f "$scratch"/*.deb Version 2>/dev/null) || return 1
    reason="$package $version lacks $library or $manifest"
    dpkg -x "$scratch"/*.deb "$scratch/all" 2>>"$log" || return 1
    find "$scratch/all" \( -name "$library" -o -path "*/doc/$package/copyright" \) -exec mv -t "$new" {} +
    find "$scratch/all" -name "$manifest" -exec mv {} "$new/icd.json" \;
    [[ -s $new/$library && -s $new/icd.json ]] || return 1
    complete "$lane" "$version"
}

# LANE PACKAGE SUITE: downloads the package of a suite of the newer Debian with all that it depends on, from the loader to
# the C library, and unpacks them into a tree; upon failure, says why in $reason. Nothing of it is installed or run here.
fetch_tree() {
    local lane=$1 package=$2 from=$3 apt_conf archive version
    begin "$lane" || return 1
    reason="apt-get cannot download $package of $from and what it depends on"
    configure "$from" "$newer" 2>>"$log"
    mkdir -p "$scratch/archives/partial"
    run_apt install --download-only -o "Dir::State::Status=${apt_conf%/*}/status" \
        -o "Dir::Cache::Archives=$scratch/archives" "$loader" "$package/$from" || return 1
    for archive in "$scratch"/archives/*.deb; do
        dpkg -x "$archive" "$scratch/lane/tree" 2>>"$log" || return 1
        if [[ $archive == */"$package"_* ]]; then version=$(dpkg-deb -f "$archive" Version); fi
    done
    complete "$lane" "${version:?}"
}

installed_lane() { # LANE
    local version files
    if ! ensure "$1" "$mesa"; then unavailable "$1" "$reason"; return; fi
    version=$(installed "$mesa")
    if [[ lavapipe-$version != "$1".* ]]; then unavailable "$1" "$mesa is installed as $version"; return; fi
    files=$(dpkg-query -L "$mesa:$arch")
    publish "$1" "$(grep '/libvulkan_lvp\.so$' <<<"$files")" "$(grep '/lvp_icd.*json$' <<<"$files")" "Mesa $version"
}

unpacked_lane() { # LABEL LANE PACKAGE LIBRARY MANIFEST SUITE...; where LANE ends in a version, another may be found
    local library lane label=$1 family=${2%%[0-9]*}
    shift
    if ! (cd "$lanes" && compgen -G "$family*/$3") >/dev/null 2>&1 && ! fetch "$@"; then
        unavailable "$1" "$reason"
        return
    fi
    for library in "$lanes/$family"*/"$3"; do
        lane=${library%/*}
        publish "${lane##*/}" "$library" "$lane/icd.json" "$label $(<"$lane/version")"
    done
}

tree_lane() { # LANE PACKAGE SUITE
    local lane library linker
    if ! (cd "$lanes" && compgen -G "lavapipe-*/tree") >/dev/null 2>&1 && ! fetch_tree "$@"; then
        unavailable "$1" "$reason"
        return
    fi
    for lane in "$lanes"/lavapipe-*/tree; do
        library=$(find "$lane/usr/lib" -name libvulkan_lvp.so)
        linker=$(find "${library%/*}" -name 'ld-linux*.so*')
        publish "$(basename "${lane%/tree}")" "$library" "$(find "$lane/usr/share" -name 'lvp_icd*.json')" \
            "Mesa $(<"${lane%/tree}/version")" "$linker"
    done
}

validation_layer() {
    local library=libVkLayer_khronos_validation.so
    if [[ ! -s $lanes/validation/$library ]]; then
        if ! fetch validation "$layer" "$library" VkLayer_khronos_validation.json "$suite"; then
            unavailable validation "$reason"
            return
        fi
        # Debian's names the library without a folder, and it is not where the dynamic linker looks.
        sed -i "s|\"library_path\": *\"|&./|" "$lanes/validation/icd.json"
    fi
    echo "layer validation: ready ($layer $(<"$lanes/validation/version"))"
}

for argument; do
    case $argument in
        --require) require=1 ;;
        -h | --help) usage; exit ;;
        *) echo "drivers.sh: unknown argument '$argument' (see --help)" >&2; exit 2 ;;
    esac
done

# One run at a time. Who may not write there is still told of the lanes that are complete.
mkdir -p "$lanes"/{icd.d,log,apt} 2>/dev/null || true
if [[ -w $lanes ]]; then
    exec 9<"$lanes"
    flock 9
    rm -rf "$lanes"/.new.* # of a run that was killed
fi

ensure loader "$loader" || true
if [[ $(ldconfig -p) == *libvulkan.so.1\ * ]]; then
    installed_lane lavapipe-22.3
    unpacked_lane Mesa lavapipe-25.0 "$mesa" libvulkan_lvp.so 'lvp_icd*.json' "$suite-backports"
    validation_layer
    tree_lane lavapipe-26.1 "$mesa" "$newer-backports"
    unpacked_lane "$chromium" swiftshader "$chromium" libvk_swiftshader.so vk_swiftshader_icd.json \
        "$suite-security" "$suite"
else
    for lane in lavapipe-22.3 lavapipe-25.0 lavapipe-26.1 swiftshader; do unavailable "$lane" "no Vulkan loader ($loader)"; done
fi
[[ -z $require || -z $missing ]]
