#!/usr/bin/env bash
# One image of 8 layers to 20 mirrors, each a registry on an address of its own: the source is read once, and each mirror
# gets what one mirror alone would get, from the access logs.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

layers=8 mirrors=20
registry_start "$WORK/source"
source=$REGISTRY_HOST source_log=$REGISTRY_LOG
digest=$(push_image "$source" staging/app v1 "$layers")

hosts=() logs=()
for ((i = 1; i <= mirrors; i++)); do
	registry_start "$WORK/mirror$i" "127.0.0.$((i + 1)):0"
	hosts+=("$REGISTRY_HOST")
	logs+=("$REGISTRY_LOG")
done
tree_project "$WORK/tree" app "$source/staging" "${hosts[@]/%//prod}"
tree_image "$WORK/tree" app app
tree_digest "$WORK/tree" app "$digest" v1

# The list, a POST and a PUT for each blob (a single POST where that is known), the manifest.
each=$((1 + ${SINGLE_POST:-2} * (layers + 1) + 1))
for log in "$source_log" "${logs[@]}"; do
	log_mark "$log"
done
cip_run 0 --thin-manifest-dir "$WORK/tree" --sign=false --confirm --report-file "$WORK/report.json"
expect_equal "requests at the source" $((1 + layers + 1)) "$(since "$source_log")"
expect_equal "blobs read at the source, each once" $((layers + 1)) \
	"$(log_since "$source_log" | grep -oE '^GET [^ ]*/blobs/[^ ]*' | sort -u | wc -l)"
for ((i = 0; i < mirrors; i++)); do
	expect_equal "requests at ${hosts[i]}" "$each" "$(since "${logs[i]}")"
	expect_equal "the image at ${hosts[i]}" "prod/app v1 $digest" "$(registry_contents "${hosts[i]}")"
done
# 410
expect_report "requests in all" $((1 + layers + 1 + mirrors * each)) .totals.requests

for log in "$source_log" "${logs[@]}"; do
	log_mark "$log"
done
cip_run 0 --thin-manifest-dir "$WORK/tree" --sign=false --confirm --report-file "$WORK/report.json"
expect_report "requests of the second run" $((2 * mirrors)) .totals.requests
expect_equal "requests at the source, second run" 0 "$(since "$source_log")"
