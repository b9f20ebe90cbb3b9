#!/usr/bin/env bash
# Shows that the suite notices every mutant; see --help.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
readonly root

case ${1-} in
    -h | --help)
        cat <<END
Usage: ci/mutants.sh [ARGUMENT...]

Brings up the lanes (ci/drivers.sh), builds the mutants and the command, and
runs \`gpushare mutants\` with the arguments: drivers, sharing libraries, rings,
each with one defect; docs/mutants.md tells more. The table goes to
target/ci/mutants.md, unless --write names another file.

Exit status: that of the command (0 every mutant that did anything was noticed,
1 one lived, 2 cannot run).
END
        exit
        ;;
esac

own_file=(--write target/ci/mutants.md)
for argument; do
    case $argument in
        --write | --write=*) own_file=() ;;
    esac
done

cd "$root"
mkdir -p target/ci
if [[ $(uname -s) == Linux ]]; then
    ci/drivers.sh
    if [[ -z ${GPUSHARE_DRIVERS-} ]] && compgen -G "$root/target/lanes/icd.d/*.json" >/dev/null; then
        export GPUSHARE_DRIVERS=$root/target/lanes/icd.d
    fi
fi
cargo build --locked -p gpushare-mutants -p gpushare-conformance --bins || exit 2
target=$(cargo metadata --locked --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
exec "$target/debug/gpushare" mutants ${own_file[@]+"${own_file[@]}"} "$@"
