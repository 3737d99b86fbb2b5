#!/usr/bin/env bash
# Replication where lists say digests: what is in place costs the lists alone. 21 mirrors, on one host and on 21 others; and
# whatever request fails, or is the last one of a run that is killed, the next run makes it whole.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tests/integration/replicate_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/replicate_lib.sh"

fake_start "$WORK/google" --google
host=$FAKE_HOST log=$FAKE_LOG
signed=$(push_image "$host" primary/app v1)
sig=$(signatures primary/app "$(beside "$signed" sig)" one)
cat >"$WORK/cip.yaml" <<-END
	signatures: {canonical_registry: $host/primary}
	network: {retry_base: 1ms, retry_max: 5ms, attempts: 2}
END
writes() { since "$log" '^(POST|PUT|PATCH|DELETE)'; }

# A tree with the image for these mirrors: tree_of NAME MIRROR...
tree_of() {
	tree=$WORK/$1
	shift
	tree_project "$tree" web "$host/staging" "$host/primary" "$@"
	tree_image "$tree" web app
	tree_digest "$tree" web "$signed" v1
}

# ---- 21 mirrors on the same host: 1 + 3K and a list of each

mapfile -t mirrors < <(seq -f "$host/mirror%g" 21)
tree_of near "${mirrors[@]}"
log_mark "$log"
replicate 0 --confirm --config "$WORK/cip.yaml"
expect_equal "lists" 22 "$(since "$log" '/tags/list')"
expect_equal "other requests of 21 mirrors on one host" $((1 + 3 * 21)) "$(since "$log" '/(manifests|blobs)/')"
for i in 1 21; do
	expect_equal "at mirror $i" "$sig" "$(manifest_digest "$host" "mirror$i/app" "$(beside "$signed" sig)")"
done

log_mark "$log"
replicate 0 --confirm --config "$WORK/cip.yaml"
expect_equal "requests when all is in place" "22 GET" \
	"$(log_since "$log" | sed -E 's|^([A-Z]+) .*/tags/list.*|\1|' | sort | uniq -c | sed 's/^ *//')"

# ---- a signature more is seen in the lists

sig=$(signatures primary/app "$(beside "$signed" sig)" one two)
replicate 0 --config "$WORK/cip.yaml"
expect_has "$WORK/err" "21 to copy to mirrors"
replicate 0 --confirm --config "$WORK/cip.yaml"
expect_equal "grown at mirror 7" "$sig" "$(manifest_digest "$host" "mirror7/app" "$(beside "$signed" sig)")"

# ---- 21 mirrors on other hosts: 3 + 5K and a list of each

sig=$(signatures primary/app "$(beside "$signed" sig)" alone)
mirrors=() far_logs=()
for i in $(seq 21); do
	fake_start "$WORK/far$i" --google
	mirrors+=("$FAKE_HOST/mirror")
	far_logs+=("$FAKE_LOG")
done
tree_of far "${mirrors[@]}"
log_mark "$log"
replicate 0 --confirm --config "$WORK/cip.yaml"
expect_equal "requests of the primary" $((1 + 3)) "$(since "$log")"
total=$(cat "${far_logs[@]}" | wc -l)
[[ $total -le $((21 + 5 * 21)) ]] || fail "$total requests of 21 mirrors on other hosts"
for i in 1 21; do
	expect_equal "far mirror $i" "$sig" "$(manifest_digest "${mirrors[i - 1]%/mirror}" mirror/app "$(beside "$signed" sig)")"
done

# ---- whatever fails, and wherever it is killed: the next run makes it whole, the one after writes nothing

# made_whole WHAT MIRROR
made_whole() {
	faults "$WORK/google"
	replicate 0 --confirm --config "$WORK/cip.yaml"
	expect_equal "$1" "$sig" "$(manifest_digest "$host" "$2/app" "$(beside "$signed" sig)")"
	log_mark "$log"
	replicate 0 --confirm --config "$WORK/cip.yaml"
	expect_equal "writes after $1" 0 "$(writes)"
}

# Sanitizers are slow: each third of the pairs is enough for them.
[[ -n ${CIP_SANITIZE:-} ]] && each=3 || each=1
pair=0
for nth in $(seq 10); do
	for action in "status 500" "status 403" "status 429 Retry-After: 600" reset-before reset-mid truncate bad-json; do
		((pair++ % each == 0)) || continue
		mirror=m$nth-${action//[^a-z0-9]/}
		tree_of "$mirror" "$host/$mirror-1" "$host/$mirror-2"
		faults "$WORK/google" "* * $nth $action"
		status=0
		"$CIP" replicate-signatures --thin-manifest-dir "$tree" --confirm --config "$WORK/cip.yaml" \
			>"$WORK/out" 2>"$WORK/err" </dev/null || status=$?
		[[ $status -eq 0 || $status -eq 3 ]] || fail "$action at request $nth ended with $status"
		made_whole "$action at request $nth" "$mirror-2"
	done

	mirror=k$nth
	tree_of "$mirror" "$host/$mirror-1" "$host/$mirror-2"
	faults "$WORK/google" "* * $nth+ stall"
	log_mark "$log"
	"$CIP" replicate-signatures --thin-manifest-dir "$tree" --confirm --config "$WORK/cip.yaml" \
		>"$WORK/out" 2>"$WORK/err" </dev/null &
	pid=$!
	sleep 0.15
	kill -KILL "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
	made_whole "a kill at request $nth" "$mirror-1"
done

# ---- two runs at the same time make one of them needless, not wrong

tree_of together "$host/together-1" "$host/together-2"
pids=()
for i in 1 2 3; do
	"$CIP" replicate-signatures --thin-manifest-dir "$tree" --confirm --config "$WORK/cip.yaml" \
		>"$WORK/together$i" 2>&1 </dev/null &
	pids+=("$!")
done
for pid in "${pids[@]}"; do
	wait "$pid" || fail "one of three runs failed: $(cat "$WORK"/together?)"
done
made_whole "three runs at a time" together-2

# ---- a signal: what is left is left

tree_of stopped "$host/stopped"
faults "$WORK/google" "GET */tags/list* 2+ stall"
log_mark "$log"
"$CIP" replicate-signatures --thin-manifest-dir "$tree" --confirm --config "$WORK/cip.yaml" --grace 0 --output json \
	>"$WORK/out" 2>"$WORK/err" </dev/null &
pid=$!
until [[ $(since "$log") -ge 1 ]]; do sleep 0.02; done
kill -TERM "$pid"
status=0
wait "$pid" || status=$?
expect_equal "exit code after SIGTERM" 143 "$status"
expect_equal "interrupted" true "$(jq .interrupted "$WORK/out")"
made_whole "an interrupted run" stopped
