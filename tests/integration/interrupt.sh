#!/usr/bin/env bash
# Stopping and crashing: SIGINT and SIGTERM drain, a second signal ends at once, the report is written in every case; a
# run that was killed at any point is completed by the next one, and no tag ever names something incomplete.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

registry_start "$WORK/one"
host=$REGISTRY_HOST
images=30
declare -A wanted
for i in $(seq "$images"); do
	wanted[app$i]=$(LAYER_BYTES=20000 push_image "$host" "staging/app$i" v1 2)
done
make_tree() {
	tree_project "$1" apps "$host/staging" "$2"
	for i in $(seq "$images"); do
		tree_image "$1" apps "app$i"
		tree_digest "$1" apps "${wanted[app$i]}" v1
	done
}

# Every tag that exists must be complete: its manifest and each blob can be read.
check_complete() {
	local i digest
	for i in $(seq "$images"); do
		digest=$(manifest_digest "$1" "$2/app$i" v1) || continue
		expect_equal "$2/app$i" "${wanted[app$i]}" "$digest"
		registry_curl "http://$1/v2/$2/app$i/manifests/v1" -H 'Accept: application/vnd.oci.image.manifest.v1+json' |
			jq -r '.config.digest, .layers[].digest' | while read -r blob; do
			registry_curl --head -o /dev/null "http://$1/v2/$2/app$i/blobs/$blob" ||
				fail "$2/app$i lacks $blob"
		done
	done
}

registry_start "$WORK/two"
two=$REGISTRY_HOST
for signal in int term; do
	tree=$WORK/$signal
	make_tree "$tree" "$two/$signal"
	"$CIP" --thin-manifest-dir "$tree" --sign=false --confirm --threads 1 --report-file "$WORK/report.json" \
		>"$WORK/out" 2>"$WORK/err" </dev/null &
	pid=$!
	until [[ $(registry_curl "http://$two/v2/_catalog?n=1000" | grep -c "$signal/") -gt 0 ]]; do sleep 0.02; done
	kill -s "${signal^^}" "$pid"
	status=0
	wait "$pid" || status=$?
	expect_equal "exit code after SIG${signal^^}" "$([[ $signal == int ]] && echo 130 || echo 143)" "$status"
	expect_equal "all pairs are accounted for" "$images" \
		"$(jq '.totals.outcomes | add' "$WORK/report.json")"
	[[ $(jq '.totals.outcomes["not-done"]' "$WORK/report.json") -gt 0 ]] || fail "nothing was left: interrupted too late"
	check_complete "$two" "$signal"
	cip_run 0 --thin-manifest-dir "$tree" --sign=false --confirm
	for i in $(seq "$images"); do
		expect_equal "after the second run" "${wanted[app$i]}" "$(manifest_digest "$two" "$signal/app$i" v1)"
	done
done

# Killed without warning, again and again, at moments that move.
registry_start "$WORK/three"
three=$REGISTRY_HOST
make_tree "$WORK/kill" "$three/kill"
for delay in 0.02 0.05 0.08 0.12 0.2; do
	"$CIP" --thin-manifest-dir "$WORK/kill" --sign=false --confirm --threads 2 --report-file "$WORK/killed.json" \
		>"$WORK/out" 2>"$WORK/err" </dev/null &
	pid=$!
	sleep "$delay"
	kill -KILL "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
	[[ ! -e $WORK/killed.json ]] || jq . "$WORK/killed.json" >/dev/null || fail "half a report"
	check_complete "$three" kill
done
cip_run 0 --thin-manifest-dir "$WORK/kill" --sign=false --confirm
for i in $(seq "$images"); do
	expect_equal "after the kills" "${wanted[app$i]}" "$(manifest_digest "$three" "kill/app$i" v1)"
done
