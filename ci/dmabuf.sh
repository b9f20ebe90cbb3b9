#!/usr/bin/env bash
# Runs the suite where a driver has dma-bufs: in a small virtual machine; see --help.
set -euo pipefail
# shellcheck source=ci/foreign.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/foreign.sh"

readonly kernel_suite=trixie kernel=linux-image-amd64 qemu=qemu-system-x86_64 machine=$lanes/dmabuf
# For sync files that come from no Vulkan driver; each needs those before it.
readonly modules=(drm drm_kms_helper drm_shmem_helper vgem)
readonly limit=${GPUSHARE_VM_LIMIT:-900} # seconds for the whole machine
# All that a dma-buf decides, and all that a kernel with dma-bufs lets this driver do besides.
readonly cases=('*::dma_buf::*' '*::sync_fd::*')

usage() {
    cat <<END
Usage: ci/dmabuf.sh [--kvm] [--help] [ARGUMENT...]

Boots a virtual machine whose kernel has udmabuf and the system's dma-buf heap,
with the driver of the lane lavapipe-26.1 (ci/drivers.sh) and the command
gpushare built here in its memory, and runs gpushare there. Without root, and
without a disk or a network. The kernel is Debian's $kernel of $kernel_suite,
unpacked under target/lanes/dmabuf and installed nowhere; $qemu
is installed with apt-get where it is missing, which takes root.

  ARGUMENT  those of gpushare, with a subcommand first; without any:
            run ${cases[*]}
            What a report says to repeat as \`gpushare repro …\` is here
            \`ci/dmabuf.sh repro …\`. Files are the machine's, which has none.
  --kvm     run on the processor itself: faster, but not in every virtual machine;
            without it the processor is emulated

What gpushare prints comes out here; the report of a run goes to
target/dmabuf/report, what the kernel prints to target/dmabuf/console.log.
GPUSHARE_VM_LIMIT: seconds that the machine has, $limit now.

Exit status: that of gpushare; 2 if the machine ended without one; 3 if nothing
could be run: the last line says why.
END
}

skip() {
    echo "not run: $1"
    exit 3
}

# The kernel, its modules unpacked, and a shell for the machine.
# shellcheck disable=SC2317 # called through `alone`
unpack_kernel() {
    local apt_conf name module new=$machine.new
    if [[ -d $machine ]]; then return 0; fi
    configure "$kernel_suite" || return 1
    reason="Debian's $kernel_suite has no $kernel"
    name=$(apt-cache -c "$apt_conf" show "$kernel" 2>>"$log" | sed -n 's/^Depends: \(linux-image-[^ ,]*\).*/\1/p' | head -n 1)
    [[ -n $name ]] || return 1
    fetch "$kernel_suite" '' "$name" busybox-static || return 1
    reason="cannot write to target/lanes"
    rm -rf "$new"
    mkdir -p "$new/modules" || return 1
    mv "$scratch/all/boot"/vmlinuz-* "$new/vmlinuz" && mv "$scratch/all/usr/bin/busybox" "$new/busybox" || return 1
    reason="$name lacks a module: ${modules[*]}"
    for module in "${modules[@]}"; do
        find "$scratch/all/usr/lib/modules" -name "$module.ko.xz" -exec "$new/busybox" unxz -c {} + >"$new/modules/$module.ko" &&
            [[ -s $new/modules/$module.ko ]] || return 1
    done
    echo "$name" >"$new/version"
    mv -T "$new" "$machine"
}

install_qemu() {
    local get=(apt-get -y --no-install-recommends -o DPkg::Lock::Timeout=120) package=qemu-system-x86
    if command -v "$qemu" >/dev/null; then return 0; fi
    reason="needs $qemu, and root to install it (Debian: apt-get install $package)"
    ((EUID == 0)) && command -v apt-get >/dev/null || return 1
    reason="apt-get cannot install $package"
    export DEBIAN_FRONTEND=noninteractive
    { "${get[@]}" install "$package" || { "${get[@]}" update && "${get[@]}" install "$package"; }; } \
        >"$lanes/log/dmabuf.log" 2>&1 </dev/null
}

# shellcheck disable=SC2016 # the machine's shell expands it
# What the machine does: /arguments has those of gpushare, the two ports are what comes out.
readonly init='#!/bin/busybox sh
export PATH=/bin HOME=/root
/bin/busybox mkdir -p /proc /sys /dev /tmp /root /result
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/shm
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /tmp
ulimit -n 4096
ip link set lo up
for module in $(cat /modules/order); do insmod "/modules/$module.ko" || echo "module $module: not loaded"; done
export GPUSHARE_DRIVERS=/driver.json GPUSHARE_CACHE=/tmp
. /arguments
gpushare "$@" </dev/null >/dev/vport0p1 2>&1
echo $? >/result/status
tar -c -C /result . >/dev/vport0p2
reboot -f
'

# Writes the machine'"'"'s memory to the file.
pack() { # FILE
    local top=$scratch/top library argument text=''
    rm -rf "$top"
    mkdir -p "$top"/{bin,usr,modules} || return 1
    for argument in "${arguments[@]}"; do text+=" '${argument//\'/\'\\\'\'}'"; done
    echo "set --$text" >"$top/arguments"
    cp "$machine/busybox" "$gpushare" "$top/bin" && cp "$machine"/modules/*.ko "$top/modules" || return 1
    echo "${modules[*]}" >"$top/modules/order"
    echo "$init" >"$top/init" && chmod +x "$top/init" || return 1
    # What the driver does not use stays outside, for it all lies in memory.
    cp -al "$tree/usr/lib" "$tree/usr/lib64" "$top/usr" 2>/dev/null || cp -a "$tree/usr/lib" "$tree/usr/lib64" "$top/usr" || return 1
    find "$top/usr/lib" \( -name 'libvulkan_*.so' ! -name libvulkan_lvp.so -o -name 'libVkLayer*' -o -path '*/gconv/*' \) \
        -type f -delete || return 1
    ln -s usr/lib "$top/lib" && ln -s usr/lib64 "$top/lib64" || return 1
    library=$(find "$top/usr/lib" -name libvulkan_lvp.so)
    sed -e 's|"library_path":"[^"]*"|"library_path":"'"${library#"$top"}"'"|' -e 's|,"gpushare":.*|}|' "$manifest" >"$top/driver.json"
    (cd "$top" && find . | "$machine/busybox" cpio -o -H newc 2>/dev/null) >"$1"
}

arguments=() accel=tcg,thread=multi
while (($# > 0)); do
    case $1 in
        -h | --help) usage; exit ;;
        --kvm) accel=kvm; shift ;;
        *) break ;;
    esac
done
case ${1-} in
    '') arguments=(run "${cases[@]}") ;;
    -*) echo "dmabuf.sh: unknown argument '$1' (see --help)" >&2; exit 2 ;;
    *) arguments=("$@") ;;
esac
for argument in "${arguments[@]}"; do
    if [[ $argument == --out || $argument == --out=* ]]; then
        echo "dmabuf.sh: --out is the machine's: the report goes to target/dmabuf/report" >&2
        exit 2
    fi
done
if [[ ${arguments[0]} == run ]]; then arguments=(run --driver /driver.json --out /result/report "${arguments[@]:1}"); fi

cd "$root"
[[ $(uname -sm) == 'Linux x86_64' ]] || skip "needs Linux on x86-64"
mkdir -p "$lanes/log" target/dmabuf 2>/dev/null || skip "cannot write to target/"
manifest=$(compgen -G "$lanes/icd.d/lavapipe-26.*.json" | head -n 1) || true
if [[ -z $manifest ]]; then
    ci/drivers.sh >&2 || true
    manifest=$(compgen -G "$lanes/icd.d/lavapipe-26.*.json" | head -n 1) || true
fi
[[ -n $manifest ]] || skip "no lane lavapipe-26.1: ci/drivers.sh tells why"
tree=$lanes/$(basename "$manifest" .json)/tree
alone unpack_kernel || skip "$reason"
install_qemu || skip "$reason"
cargo build --locked --workspace --bin gpushare --test conformance || exit 2
gpushare=$(cargo metadata --locked --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')/debug/gpushare

scratch=$(mktemp -d "$root/target/dmabuf/.new.XXXXXX")
pack "$scratch/memory" || skip "cannot write to target/dmabuf"
rm -rf target/dmabuf/{report,status,console.log}
# shellcheck disable=SC2054 # the commas are of options
command=("$qemu" -accel "$accel" -cpu max -m 4G -smp "$(nproc)" -nodefaults -no-user-config -no-reboot -display none
    -kernel "$machine/vmlinuz" -initrd "$scratch/memory" -append 'console=ttyS0 quiet panic=-1'
    -serial "file:$root/target/dmabuf/console.log" -device virtio-serial-pci
    -chardev file,id=output,path=/dev/stdout,append=on -device virtserialport,chardev=output,nr=1
    -chardev "file,id=result,path=$scratch/result" -device virtserialport,chardev=result,nr=2)
timeout --foreground --kill-after=5 "$limit" "${command[@]}" </dev/null | cat || true
tar -x -C target/dmabuf -f "$scratch/result" 2>/dev/null || true
if [[ ! -s target/dmabuf/status ]]; then
    tail -n 20 target/dmabuf/console.log >&2 || true
    echo "dmabuf.sh: the machine ended, within $limit s, before gpushare did" >&2
    exit 2
fi
exit "$(<target/dmabuf/status)"
