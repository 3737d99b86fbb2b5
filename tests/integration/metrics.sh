#!/usr/bin/env bash
# --metrics-file: in every case, whole or not at all, in the text format of Prometheus whatever projects are called.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

metrics=$WORK/cip.prom
check_metrics() {
	awk -f "$CIP_SOURCE_DIR/tests/integration/metrics_check.awk" "$metrics" || fail "metrics: $(cat "$metrics")"
	expect_equal "what is left beside the metrics" "" "$(find "$WORK" -maxdepth 1 -name '*cip.prom.*')"
}
# The value of a sample, given as it stands.
metric() {
	expect_equal "$1" "$2" "$(grep -F "$1 " "$metrics" | sed 's/.* //')"
}

registry_start "$WORK/one"
host=$REGISTRY_HOST
good=$(push_image "$host" staging/good v1)
tree=$WORK/tree
tree_project "$tree" good "$host/staging" "$host/prod" "$host/mirror"
tree_image "$tree" good good
tree_digest "$tree" good "$good" v1 v2

# The plan, in place of what was there before; a reader that has the old file open keeps it.
echo old >"$metrics"
exec 3<"$metrics"
before=$(date +%s)
cip_run 0 --thin-manifest-dir "$tree" --sign=false --metrics-file "$metrics"
expect_equal "the old file" old "$(cat <&3)"
exec 3<&-
check_metrics
expect_equal "who may read it" 644 "$(stat -c %a "$metrics")"
metric 'cip_last_run_success{command="promote"}' 1
metric 'cip_last_run_confirm{command="promote"}' 0
metric 'cip_declared_images{command="promote"}' 2
metric 'cip_declared_edges{command="promote"}' 4
metric 'cip_last_run_images{command="promote",outcome="planned"}' 2
metric 'cip_project_images{command="promote",project="good",outcome="planned"}' 2
awk -v before="$before" '/^cip_last_run_end_timestamp_seconds/ && $2 >= before { found = 1 } END { exit !found }' "$metrics" ||
	fail "the end of the run: $(grep timestamp "$metrics")"

# What was done, and requests as in the report.
cip_run 0 --thin-manifest-dir "$tree" --sign=false --confirm --metrics-file "$metrics" --report-file "$WORK/report.json"
check_metrics
metric 'cip_last_run_confirm{command="promote"}' 1
metric 'cip_last_run_images{command="promote",outcome="promoted"}' 2
metric "cip_last_run_registry_requests{command=\"promote\",host=\"$host\"}" "$(jq .totals.requests "$WORK/report.json")"
metric 'cip_last_run_requests{command="promote"}' "$(jq .totals.requests "$WORK/report.json")"
metric 'cip_last_run_sent_bytes{command="promote"}' "$(jq .totals.bytes_sent "$WORK/report.json")"

# Findings change the exit code, not whether there are metrics; a project may be called anything.
evil=$'ev"il\\\n}\e[2J\xff'
tree_project "$tree" "$evil" "$host/staging" "$host/prod"
tree_image "$tree" "$evil" gone
tree_digest "$tree" "$evil" "sha256:$(printf '%064d' 7)" v1
cip_run 3 --thin-manifest-dir "$tree" --sign=false --confirm --fail-on=lost --metrics-file "$metrics"
check_metrics
metric 'cip_last_run_success{command="promote"}' 0
metric 'cip_last_run_exit_code{command="promote"}' 3
metric 'cip_last_run_findings{command="promote",kind="lost"}' 1
metric 'cip_project_images{command="promote",project="ev\"il\\\\\\x0a}\\x1b[2J\\xff",outcome="lost"}' 1
rm -r "$tree"/*/ev*

# A run that could not be done has no results.
cip_run 1 --thin-manifest-dir "$WORK/nowhere" --metrics-file "$metrics"
check_metrics
metric 'cip_last_run_success{command="promote"}' 0
metric 'cip_last_run_exit_code{command="promote"}' 1
expect_lacks "$metrics" cip_last_run_images
cip_run 2 --thin-manifest-dir "$tree" --config "$WORK/nothing.yaml" --metrics-file "$metrics"
check_metrics

# Where it cannot be written, that is an error.
cip_run 1 --thin-manifest-dir "$tree" --sign=false --metrics-file "$WORK/nowhere/cip.prom"
expect_has "$WORK/err" "metrics: "
cip_run 2 --thin-manifest-dir "$tree" --parse-only --metrics-file "$metrics"
expect_has "$WORK/err" "--metrics-file needs a run"
