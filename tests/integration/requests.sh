#!/usr/bin/env bash
# Request floors on docker-registry, read from its access log: 20 single-arch images of 3 layers, each in a repository of
# its own, the look included; the second run; and the report's sums against the log.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

registry_start "$WORK/one"
host=$REGISTRY_HOST log=$REGISTRY_LOG

tree=$WORK/tree
tree_project "$tree" apps "$host/staging" "$host/prod"
for i in $(seq 20); do
	digest=$(push_image "$host" "staging/app$i" v1 3)
	tree_image "$tree" apps "app$i"
	tree_digest "$tree" apps "$digest" v1
done

reported() {
	jq '([.records[].requests] + [.repositories[].requests] | add)' "$WORK/report.json"
}

log_mark "$log"
cip_run 0 --thin-manifest-dir "$tree" --sign=false --confirm --report-file "$WORK/report.json"
first=$(since "$log")
[[ $first -le 140 ]] || fail "$first requests for 20 images, 7 each are enough"
expect_equal "requests in the report" "$first" "$(reported)"
expect_equal "total in the report" "$first" "$(jq .totals.requests "$WORK/report.json")"
expect_equal "promoted in the report" 20 "$(jq '[.records[] | select(.outcome == "promoted")] | length' "$WORK/report.json")"

log_mark "$log"
cip_run 0 --thin-manifest-dir "$tree" --sign=false --confirm --report-file "$WORK/report.json"
second=$(since "$log")
[[ $second -le 40 ]] || fail "$second requests for the second run, 2 an image are enough"
expect_equal "writes of the second run" 0 "$(since "$log" '^(POST|PUT|PATCH|DELETE)')"
expect_equal "requests in the report" "$second" "$(reported)"
expect_equal "records when all is in place" 0 "$(jq '.records | length' "$WORK/report.json")"
cip_run 0 --thin-manifest-dir "$tree" --sign=false --confirm --report-file "$WORK/report.json" --report-all
expect_equal "records with --report-all" 20 "$(jq '[.records[] | select(.outcome == "in-place")] | length' "$WORK/report.json")"

# Other host: 3L+5 = 14 for each image, and one list of the destination.
registry_start "$WORK/two"
other=$REGISTRY_HOST other_log=$REGISTRY_LOG
tree_project "$WORK/far" apps "$host/staging" "$other/prod"
cp "$tree/images/apps/images.yaml" "$WORK/far/images/apps/images.yaml"
log_mark "$log"
log_mark "$other_log"
cip_run 0 --thin-manifest-dir "$WORK/far" --sign=false --confirm --report-file "$WORK/report.json"
total=$(($(since "$log") + $(since "$other_log")))
[[ $total -le 300 ]] || fail "$total requests for 20 images to another host, 15 each are enough"
expect_equal "requests in the report" "$total" "$(reported)"

# An index of 2 children with U blobs: 2+2N+U on one host.
index=$(push_index "$host" staging/multi v1)
tree_project "$WORK/multi" multi "$host/staging" "$host/prod"
tree_image "$WORK/multi" multi multi
tree_digest "$WORK/multi" multi "$index" v1 v2
log_mark "$log"
cip_run 0 --thin-manifest-dir "$WORK/multi" --sign=false --confirm
# 6 blobs, one list, one tag more.
[[ $(since "$log") -le 14 ]] || fail "$(since "$log") requests for an index, 14 are enough"
