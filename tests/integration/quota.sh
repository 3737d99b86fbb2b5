#!/usr/bin/env bash
# A destination that answers 429 above a quota that nobody declared: everything arrives, the quota is used, few requests are
# refused, log and report tell. With the rate declared, none is. The full measure is bench/quota.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

quota=60
fake_start "$WORK/source"
source=$FAKE_HOST
digests=()
for i in 1 2 3 4; do
	digests+=("$(push_image "$source" "staging/app$i" v1 1)")
done

# tree DIRECTORY DESTINATION TAGS: so many tags of each image
tree() {
	local i tags
	tags=$(seq -f 'v1.%.0f' "$3")
	tree_project "$1" apps "$source/staging" "$2"
	for i in 1 2 3 4; do
		tree_image "$1" apps "app$i"
		# shellcheck disable=SC2086 # a word each
		tree_digest "$1" apps "${digests[i - 1]}" $tags
	done
}

timed_run() {
	local start=$EPOCHREALTIME
	cip_run 0 --sign=false --confirm --report-file "$WORK/report.json" "$@"
	milliseconds=$(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN {printf "%d", (b - a) * 1000}')
}

of_destination() {
	jq -c "[.registries[] | select(.host == \"$destination\")] | $1" "$WORK/report.json"
}

# ---- Undeclared

fake_start "$WORK/strict" --quota "$quota" --retry-after 1
destination=$FAKE_HOST log=$FAKE_LOG
tree "$WORK/tree" "$destination/prod" 60
timed_run --thin-manifest-dir "$WORK/tree"
sent=$(requests "$log") refused=$(requests "$log" ' 429$')
expect_equal "tags that arrived" 240 "$(log_lines "$log" | grep -cE '^PUT .*/manifests/.* 201$')"
((refused > 0)) || fail "the quota was never met: $sent requests"
((refused * 100 < sent * 15)) || fail "$refused of $sent requests were refused"
accepted=$((sent - refused))
((accepted * 1000 * 100 > quota * milliseconds * 50)) ||
	fail "$accepted requests in $milliseconds ms are less than half of $quota a second"
expect_has "$WORK/err" "$destination limits its requests"
expect_equal "requests in the report" "$sent" "$(of_destination '.[0].requests')"
expect_equal "refusals in the report" "$refused" "$(of_destination '.[0].throttled')"
expect_equal "a ceiling and a pause in the report" true "$(of_destination '.[0] | .ceiling > 20 and .ceiling < 130 and .paused_ms >= 900')"
expect_equal "no failure" 4 "$(jq '[.records[] | select(.outcome == "promoted")] | length' "$WORK/report.json")"

# ---- Declared

fake_start "$WORK/declared" --quota "$quota"
destination=$FAKE_HOST log=$FAKE_LOG
tree "$WORK/tree2" "$destination/prod" 30
printf 'registries:\n  %s: {requests_per_second: 55}\n' "$destination" >"$WORK/cip.yaml"
timed_run --thin-manifest-dir "$WORK/tree2" --config "$WORK/cip.yaml"
expect_equal "refusals of a declared quota" 0 "$(requests "$log" ' 429$')"
expect_equal "its ceiling" null "$(of_destination '.[0].ceiling')"

# ---- Refused for good: given up, and the others are promoted

fake_start "$WORK/closed"
closed=$FAKE_HOST closed_log=$FAKE_LOG
faults "$WORK/closed" 'PUT */manifests/* 1+ status 429 Retry-After: 4000'
fake_start "$WORK/open"
tree "$WORK/tree3" "$FAKE_HOST/prod" 2
tree_project "$WORK/tree3" others "$source/staging" "$closed/prod"
tree_image "$WORK/tree3" others app1
tree_digest "$WORK/tree3" others "${digests[0]}" v1.1
cip_run 3 --thin-manifest-dir "$WORK/tree3" --sign=false --confirm --report-file "$WORK/report.json"
expect_equal "promoted" 4 "$(jq '[.records[] | select(.outcome == "promoted")] | length' "$WORK/report.json")"
expect_equal "given up" throttled "$(jq -r '.records[] | select(.outcome == "failed") | .error_kind' "$WORK/report.json")"
expect_has "$WORK/err" "wants us to wait 4000 s"
expect_equal "asked once" 1 "$(requests "$closed_log" '^PUT .*/manifests/')"
