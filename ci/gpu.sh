#!/usr/bin/env bash
# Carries the suite to a machine with a GPU, as one archive and one command; see --help.
set -euo pipefail
export LC_ALL=C PATH="$PATH:${CARGO_HOME:-${HOME-}/.cargo}/bin"

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
readonly root
# The loader, and the libraries that NVIDIA's driver loads also where no display is.
readonly libraries=(libvulkan1 libegl1 libglvnd0 libopengl0 libgl1 libglx0 libgles2)

usage() {
    cat <<END
Usage: ci/gpu.sh [--help] ARCHIVE

Builds the command gpushare and packs it, with a Vulkan loader, into ARCHIVE
(.tar.gz, under 64 MiB). The machine with the GPU needs its driver and a C
library at least as new as this machine's; it needs no Rust, no network and no
root. There, in an empty folder:

  tar xzf ARCHIVE && ./gpu [ARGUMENT...]

looks for driver manifests in the usual places (or takes GPUSHARE_DRIVERS), runs
every case on every device found, and writes report/. The arguments are those of
\`gpushare run\`. Exit status: that of \`gpushare run\`; 2 if no driver is found.
\`./gpu --measure sharing|handover [ARGUMENT...]\` runs that bench instead: what the
reference adds to bare Vulkan calls; frames beside the copies of their pixels, and
beside the raw round trip of the driver's timelines between two processes.

The loader is Debian's and is fetched with apt-get; where that cannot be done,
the archive has none, and the GPU machine's own is used.
END
}

archive=''
for argument; do
    case $argument in
        -h | --help) usage; exit ;;
        -*) echo "gpu.sh: unknown argument '$argument' (see --help)" >&2; exit 2 ;;
        *) archive=$(realpath -m -- "$argument") ;;
    esac
done
if [[ -z $archive ]]; then usage >&2; exit 2; fi

cd "$root"
new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
cargo build --locked --quiet --workspace --bin gpushare
cargo build --locked --quiet --profile measure --package gpushare-benches --bin sharing --bin handover
target=$(cargo metadata --locked --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
mkdir "$new/lib" "$new/debs"
strip -o "$new/gpushare" "$target/debug/gpushare"
for bench in sharing handover; do strip -o "$new/$bench" "$target/measure/$bench"; done

if (cd "$new/debs" && apt-get download "${libraries[@]}" >/dev/null 2>&1); then
    for deb in "$new"/debs/*.deb; do dpkg -x "$deb" "$new/debs/all"; done
    find "$new/debs/all/usr/lib" -name '*.so.*' -exec cp -d -t "$new/lib" {} +
else
    echo "gpu.sh: apt-get cannot download ${libraries[*]}: the archive has no loader" >&2
fi
rm -rf "$new/debs"

cat >"$new/gpu" <<'END'
#!/usr/bin/env bash
# Runs the conformance suite on the GPUs of this machine. Arguments are those of `gpushare run`.
set -uo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
export LD_LIBRARY_PATH=$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
if [[ -z ${GPUSHARE_DRIVERS-} ]]; then
    shopt -s nullglob
    manifests=({/etc,/usr/share,/usr/local/share,/usr/local/nvidia/share}/vulkan/icd.d/*.json)
    GPUSHARE_DRIVERS=$(IFS=:; echo "${manifests[*]}")
    export GPUSHARE_DRIVERS
fi
if [[ -z $GPUSHARE_DRIVERS ]]; then
    echo "gpu: no driver manifest in the usual places; name one in GPUSHARE_DRIVERS" >&2
    exit 2
fi
if [[ ${1-} == --measure ]]; then
    export VK_DRIVER_FILES=${VK_DRIVER_FILES-$GPUSHARE_DRIVERS}
    case ${2-} in
        sharing | handover) exec "$here/$2" "${@:3}" ;;
        *) echo "gpu: --measure takes sharing or handover" >&2; exit 2 ;;
    esac
fi
"$here/gpushare" probe
exec "$here/gpushare" run --out report "$@"
END
chmod +x "$new/gpu"
tar -czf "$archive" -C "$new" .
echo "$archive: $(du -h "$archive" | cut -f1)"
