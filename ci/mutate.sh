#!/usr/bin/env bash
# Changes the source of rings, waiting and streams, one place at a time, and shows that a test notices; see --help.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
readonly root out=$root/target/mutate.out

case ${1-} in
    -h | --help)
        cat <<END
Usage: ci/mutate.sh [ARGUMENT...]

Runs cargo mutants (cargo install --locked cargo-mutants) in a copy of the
repository, by .cargo/mutants.toml, with the arguments: \`--shard 0/8\` for every
eighth change, \`-F ring/producer\` for those of one file. All of it takes hours:
first with the tests that take no time, then what lived with all, the loom models
and the long exchanges between processes among them. What each change did is kept
in target/mutate.out/mutants.out; changes that lived are in missed.txt.

Exit status: 0 if 95 % of the changes that compile are noticed, 1 if not, 2 if
it cannot run.
END
        exit
        ;;
esac

cd "$root" && rm -rf "$out" && mkdir -p "$out"

# PROFILE ARGUMENT...
change() {
    local status=0
    NEXTEST_PROFILE=$1 cargo mutants --output "$out" --timeout 180 --build-timeout 600 --colors never "${@:2}" || status=$?
    # 2: some lived; 3: some made a test hang, which is noticed, too.
    if ((status != 0 && status != 2 && status != 3)); then exit 2; fi
}

# The arguments without what chooses changes, which is done once.
how=()
skip=''
for argument; do
    case ${skip:-$argument} in
        --shard=* | --sharding=* | --re=* | -F?*) ;;
        --shard | --sharding | --re | -F) skip=value ;;
        value) skip='' ;;
        *) how+=("$argument") ;;
    esac
done

change mutate-quick "$@"

# What lived, and nothing else: a shard of it would be a shard of a shard.
lived=$out/lived.txt
sed 's/[][\\.*^$+?(){}|]/\\&/g; s/.*/^&$/' "$out/mutants.out/missed.txt" >"$lived"
if [[ -s $lived ]]; then
    mapfile -t names <"$lived"
    change mutate --iterate ${how[@]+"${how[@]}"} "${names[@]/#/--re=}"
fi

# Of a list that is not there where there was nothing to tell: of what was noticed before, if nothing lived the quick tests.
lines() {
    local list=$out/mutants.out/$1.txt
    if [[ -e $list ]]; then wc -l <"$list"; else echo 0; fi
}
caught=$(($(lines caught) + $(lines timeout) + $(lines previously_caught)))
missed=$(lines missed)
all=$((caught + missed))
if ((all == 0)); then
    echo "mutate.sh: no change compiled" >&2
    exit 2
fi
percent=$(awk "BEGIN { printf \"%.1f\", 100 * $caught / $all }")
echo "$caught of $all changes were noticed ($percent %), $(lines timeout) of them by a test that hung"
((caught * 100 >= all * 95))
