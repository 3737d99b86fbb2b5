#!/usr/bin/env bash
# The last step of the job: what stands beside images in their primary comes to the mirrors by the lists that the job reads
# anyway. Without --replicate the report says what is missing; the exit code never does.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tests/integration/replicate_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/replicate_lib.sh"

fake_start "$WORK/google" --google
host=$FAKE_HOST log=$FAKE_LOG
cat >"$WORK/cip.yaml" <<-END
	signatures: {canonical_registry: $host/primary}
	network: {retry_base: 1ms, retry_max: 5ms, attempts: 2}
END
writes() { since "$log" '^(POST|PUT|PATCH|DELETE)'; }

# The job without signing: job WANTED-EXIT [OPTION...]
job() {
	local wanted=$1
	shift
	cip_run "$wanted" --thin-manifest-dir "$tree" --config "$WORK/cip.yaml" --sign=false --report-file "$WORK/report.json" "$@"
}
# What the report says of mirrors: said OUTCOME
said() { jq ".mirrors.totals[\"$1\"]" "$WORK/report.json"; }
objects() { jq -r '.mirrors.objects[] | "\(.outcome) \(.destination) \(.tag)"' "$WORK/report.json"; }

# A tree with the image at these mirrors, where it is already: tree_of NAME MIRROR...
tree_of() {
	tree=$WORK/$1
	shift
	tree_project "$tree" web "$host/staging" "$host/primary" "$@"
	tree_image "$tree" web app
	tree_digest "$tree" web "$image" v1
	job 0 --confirm
}

image=$(push_image "$host" staging/app v1)
sig_tag=$(beside "$image" sig)

# ---- one host: reported, planned, brought with 1 + 3K, and nothing on the next run

mapfile -t mirrors < <(seq -f "$host/mirror%g" 21)
tree_of near "${mirrors[@]}"
sig=$(signatures primary/app "$sig_tag" one)
undeclared=sha256:$(printf '%064d' 7)
signatures primary/app "$(beside "$undeclared" sig)" seven >"$WORK/digest"

log_mark "$log"
job 0 --confirm
expect_equal "requests without --replicate" "22 lists" "$(since "$log") lists"
expect_equal "missing" 21 "$(said missing)"
expect_equal "an object" "missing $host/mirror1/app $sig_tag" "$(objects | head -n 1)"
expect_has "$WORK/err" "21 signatures and the like are missing or differ"

log_mark "$log"
job 0 --replicate
expect_equal "planned" 21 "$(said copy)"
expect_equal "requests of the plan" 22 "$(since "$log")"

log_mark "$log"
job 0 --replicate --confirm
expect_equal "copied" 21 "$(said copied)"
expect_equal "lists" 22 "$(since "$log" '/tags/list')"
expect_equal "other requests of 21 mirrors on one host" $((1 + 3 * 21)) "$(since "$log" '/(manifests|blobs)/')"
expect_equal "requests in the report" "$(since "$log")" "$(jq .totals.requests "$WORK/report.json")"
expect_equal "at mirror 21" "$sig" "$(manifest_digest "$host" mirror21/app "$sig_tag")"
expect_equal "of an undeclared digest" "" "$(manifest_digest "$host" mirror1/app "$(beside "$undeclared" sig)" || true)"

for option in --replicate --replicate=false; do
	log_mark "$log"
	job 0 $option --confirm
	expect_equal "requests when all is in place" "22 GET" \
		"$(log_since "$log" | sed -E 's|^([A-Z]+) .*/tags/list.*|\1|' | sort | uniq -c | sed 's/^ *//')"
	expect_equal "in place" 21 "$(said in-place)"
	expect_equal "objects when all is in place" "" "$(objects)"
done

# ---- 21 mirrors on other hosts: 3 + 5K

mirrors=() far_logs=()
for i in $(seq 21); do
	fake_start "$WORK/far$i" --google
	mirrors+=("$FAKE_HOST/mirror")
	far_logs+=("$FAKE_LOG")
done
tree_of far "${mirrors[@]}"
for file in "$log" "${far_logs[@]}"; do log_mark "$file"; done
job 0 --replicate --confirm
expect_equal "requests of the primary" $((1 + 3)) "$(since "$log")"
total=0
for file in "${far_logs[@]}"; do total=$((total + $(since "$file"))); done
[[ $total -le $((21 + 5 * 21)) ]] || fail "$total requests of 21 mirrors on other hosts"
for i in 1 21; do
	expect_equal "far mirror $i" "$sig" "$(manifest_digest "${mirrors[i - 1]%/mirror}" mirror/app "$sig_tag")"
done
for file in "$log" "${far_logs[@]}"; do log_mark "$file"; done
job 0 --replicate --confirm
for file in "$log" "${far_logs[@]}"; do
	expect_equal "requests of the next run" "1 1" "$(since "$file") $(since "$file" '/tags/list')"
done

# ---- a mirror that holds something else

# As an image that is none of signatures: its layers verify for nobody, stay as long as they are few, and come last.
tree_of wrong "$host/wrong1" "$host/wrong2" "$host/wrong3" "$host/wrong4"
signatures wrong1/app "$sig_tag" other >"$WORK/digest"
push_image "$host" wrong2/app "$sig_tag" >"$WORK/digest"
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}' >"$WORK/index"
index=$(push_manifest "$host" wrong3/app "$sig_tag" application/vnd.oci.image.index.v1+json "$WORK/index")
job 0 --confirm
expect_equal "seen" "differs wrong1 differs wrong2 differs wrong3 missing wrong4" \
	"$(objects | sed -E 's|^(.*) .*/(wrong.)/.*|\1 \2|' | paste -sd ' ')"
job 0 --confirm --replicate
expect_equal "outcomes" "merged wrong1 merged wrong2 conflict wrong3 copied wrong4" \
	"$(objects | sed -E 's|^(.*) .*/(wrong.)/.*|\1 \2|' | paste -sd ' ')"
expect_has "$WORK/err" "mirror $host/wrong3/app:$sig_tag"
expect_equal "an index stays" "$index" "$(manifest_digest "$host" wrong3/app "$sig_tag")"
for mirror in wrong1 wrong2; do
	expect_equal "what comes first at $mirror" one "$(registry_curl --header "Accept: $registry_manifest_types" \
		"http://$host/v2/$mirror/app/manifests/$sig_tag" | jq -r '.layers[0].annotations["dev.cosignproject.cosign/signature"]')"
done
log_mark "$log"
job 0 --confirm --replicate
expect_equal "writes after that" 0 "$(writes)"

# ---- a mirror that is read-only, out of quota, or down: reported, and the others get theirs

far=${mirrors[0]%/mirror}
texts=(one)
tree_of trouble "$far/trouble" "$host/trouble"
for action in "status 403" "status 429 Retry-After: 600" "status 507" reset-before; do
	texts+=("$action")
	sig=$(signatures primary/app "$sig_tag" "${texts[@]}")
	faults "$WORK/far1" "PUT */trouble/* 1+ $action" "POST */trouble/* 1+ $action"
	job 0 --confirm --replicate
	expect_equal "outcomes with $action" "copied $host/trouble/app failed $far/trouble/app" \
		"$(objects | sort | sed 's/ sha256-.*//' | paste -sd ' ')"
	expect_equal "the other mirror with $action" "$sig" "$(manifest_digest "$host" trouble/app "$sig_tag")"
	faults "$WORK/far1"
	job 0 --confirm --replicate
	expect_equal "after $action" "$sig" "$(manifest_digest "$far" trouble/app "$sig_tag")"
done

sig=$(signatures primary/app "$sig_tag" "${texts[@]}" more)
faults "$WORK/far1" "* * 1+ reset-before"
job 3 --confirm --replicate
expect_equal "outcomes with a mirror that is down" "copied $host/trouble/app unlisted $far/trouble/app" \
	"$(objects | sort | sed -E 's/ (sha256-.*|null)//' | paste -sd ' ')"
expect_equal "the mirror that is up" "$sig" "$(manifest_digest "$host" trouble/app "$sig_tag")"
faults "$WORK/far1"
