#!/usr/bin/env bash
# Small manifest trees, many of them odd, with kpromo's verdict and snapshot bytes: ours are the same, except where the
# README of the trees says that kpromo is too lax.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

goldens=${CIP_SHARED_DATA:-$CIP_SOURCE_DIR/../shared/data}/kpromo-goldens
if [[ ! -d $goldens ]]; then
	echo "skipped: $goldens is not here"
	exit 0
fi

# Where "either" is allowed, what we chose. A name with a slash too many is no name; anchors and merge keys are not
# read at all; a destination that is its own source is a warning; a number is a name.
declare -A chosen=(
	[dst-equals-src]=0 [int-name]=0
	[leading-slash-name]=2 [merge-key]=2 [symlink-images]=2 [symlink-manifest]=2 [trailing-slash]=2
)
# Trees of the wrong shape: no job at all, where other faults quarantine what they concern.
wrong_shape=" too-deep too-shallow no-images-file no-manifests-dir images-is-dir "

failures=()
wrong() {
	failures+=("$1")
	echo "$1" >&2
}

run() {
	status=0
	"$CIP" "$@" >"$WORK/out" 2>"$WORK/err" </dev/null || status=$?
}

check_verdict() {
	local golden=$1 mutation=$2 verdict=$3 tree=$4 wanted
	case $verdict in
	accept) wanted=0 ;;
	reject) wanted=2 ;;
	*) wanted=${chosen[$mutation]-none} ;;
	esac
	run --thin-manifest-dir "$tree" --parse-only
	[[ $status == "$wanted" ]] ||
		wrong "$golden ($mutation): --parse-only ended with $status, wanted $wanted: $(head -n 1 "$WORK/err")"
	if [[ $wanted == 2 ]] && ! grep -qE "^$tree/?[^:]*(:[0-9]+:[0-9]+)?: (malformed|invalid-file|overlap|tree): ." "$WORK/err"; then
		wrong "$golden ($mutation): no finding names its place"
	fi
}

# The job itself: a tree of the wrong shape cannot be done, anything else is a matter of its entries.
check_snapshot_exit() {
	local golden=$1 mutation=$2 verdict=$3 tree=$4 wanted=3
	[[ $wrong_shape != *" $mutation "* ]] || wanted=1
	[[ $verdict == reject ]] || return 0
	run --thin-manifest-dir "$tree" --manifest-based-snapshot-of us.gcr.io
	[[ $status == "$wanted" ]] || wrong "$golden ($mutation): the snapshot ended with $status, wanted $wanted"
	run --thin-manifest-dir "$tree" --manifest-based-snapshot-of us.gcr.io --strict
	[[ $status == 2 && ! -s $WORK/out ]] || wrong "$golden ($mutation): --strict ended with $status, wanted 2 and nothing printed"
}

check_bytes() {
	local golden=$1 mutation=$2 directory=$3 expected registry
	for expected in "$directory"/*.yaml "$directory"/*.csv; do
		[[ -e $expected ]] || continue
		registry=${expected##*/}
		registry=${registry%.*}
		run --thin-manifest-dir "$directory/tree" --manifest-based-snapshot-of "${registry//_//}" "--output=${expected##*.}"
		if [[ $status != 0 ]] || ! cmp -s "$WORK/out" "$expected"; then
			wrong "$golden ($mutation): the snapshot differs from ${expected##*/} (exit $status)"
		fi
		compared=$((compared + 1))
	done
}

trees=0 compared=0
for directory in "$goldens"/[0-9]*/; do
	directory=${directory%/}
	golden=${directory##*/}
	read -r mutation verdict < <(jq -r '"\(.mutation) \(.cip)"' "$directory/expect.json")
	check_verdict "$golden" "$mutation" "$verdict" "$directory/tree"
	check_snapshot_exit "$golden" "$mutation" "$verdict" "$directory/tree"
	check_bytes "$golden" "$mutation" "$directory"
	trees=$((trees + 1))
done
((trees > 0 && compared > 0)) || fail "$goldens holds no trees"
((${#failures[@]} == 0)) || fail "${#failures[@]} checks on $trees trees and $compared snapshots"
echo "$trees trees, $compared snapshots"
