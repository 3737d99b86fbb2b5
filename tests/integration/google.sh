#!/usr/bin/env bash
# Registries with Google's extended tags list: one request a repository says everything, untagged digests too; an
# incomplete or contradictory one says nothing.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

fake_start "$WORK/google" --google
host=$FAKE_HOST log=$FAKE_LOG
fake_start "$WORK/plain"
plain=$FAKE_HOST plain_log=$FAKE_LOG

tree=$WORK/tree
tree_project "$tree" app "$host/staging" "$host/prod"
tree_image "$tree" app app
declare -a digests
for i in 1 2 3 4 5; do
	digests[i]=$(IMAGE_SEED="image $i" push_image "$host" staging/app "v$i" 1)
	tree_digest "$tree" app "${digests[i]}" "v$i" "v$i.0" "stable-$i"
done
untagged=$(IMAGE_SEED=untagged push_image "$host" staging/app "" 1)
tree_digest "$tree" app "$untagged"
job=(--thin-manifest-dir "$tree" --sign=false --report-file "$WORK/report.json")

cip_run 0 "${job[@]}" --confirm
expect_report "first run" 6 .totals.outcomes.promoted
expect_equal "the untagged one" "$untagged" "$(manifest_digest "$host" prod/app "$untagged")"

# Six digests with fifteen tags, and one of them without: one request.
log_mark "$log"
cip_run 0 "${job[@]}" --confirm
expect_equal "requests when all is in place" "GET /v2/prod/app/tags/list?n=1000 200" "$(log_since "$log")"
expect_report "in place" 6 '.totals.outcomes["in-place"]'
cip_run 0 "${job[@]}"
expect_report "in place in a dry run" 6 '.totals.outcomes["in-place"]'

# What is missing in the list is absent, and nothing else is looked at for it.
sed -i 's/"v2", "v2.0"\|"v2","v2.0"/"v2","v2.0","v2-new"/' "$tree/images/app/images.yaml"
new=$(IMAGE_SEED="image 6" push_image "$host" staging/app v6 1)
tree_digest "$tree" app "$new" v6
lost=sha256:$(printf '%064d' 5)
tree_digest "$tree" app "$lost" v7
log_mark "$log"
cip_run 0 "${job[@]}"
expect_equal "requests of the plan" "GET /v2/prod/app/tags/list?n=1000 200
GET /v2/staging/app/tags/list?n=10000 200" "$(log_since "$log" | sort)"
expect_report "plan" "in-place 5, lost 1, planned 2" \
	'.totals.outcomes | to_entries | map(select(.value > 0)) | sort_by(.key) | map("\(.key) \(.value)") | join(", ")'
expect_has "$WORK/out" v2-new
log_mark "$log"
cip_run 0 "${job[@]}" --confirm
expect_equal "tags that were made" "PUT /v2/prod/app/manifests/v2-new 201
PUT /v2/prod/app/manifests/v6 201" "$(log_since "$log" | grep -E '^PUT [^ ]*/manifests/' | sort)"

# A digest that only the destination still holds is tagged there.
kept=$(IMAGE_SEED=kept push_image "$host" prod/app kept 1)
tree_digest "$tree" app "$kept" kept kept-too
cip_run 0 "${job[@]}" --confirm
expect_equal "tagged at the destination" "$kept" "$(manifest_digest "$host" prod/app kept-too)"

# A tag that would move is seen in the list; its sister is made.
moved=$(IMAGE_SEED=moved push_image "$host" staging/app moved 1)
there=$(IMAGE_SEED=there push_image "$host" prod/app moved 1)
tree_digest "$tree" app "$moved" moved moved-too
cip_run 3 "${job[@]}" --confirm
expect_has "$WORK/err" ": tag-move: $host/prod/app:moved is at $there, declared is $moved"
expect_equal "the tag that may not move" "$there" "$(manifest_digest "$host" prod/app moved)"
expect_equal "its sister" "$moved" "$(manifest_digest "$host" prod/app moved-too)"
sed -i "/$moved/d" "$tree/images/app/images.yaml"
cip_run 0 "${job[@]}" --confirm

# ---- A list that is not whole is none: nothing is written, nothing is lost

list=$(registry_curl "http://$host/v2/prod/app/tags/list")
printf '%s' "${list%\}}" >"$WORK/unclosed.json"
next=$(IMAGE_SEED=next push_image "$host" staging/app next 1)
tree_digest "$tree" app "$next" next

# incomplete NAME RULE: while the list is like this
incomplete() {
	faults "$WORK/google" "GET /v2/prod/app/tags/list* 1+ $2"
	log_mark "$log"
	cip_run 3 "${job[@]}" --confirm
	expect_equal "$1: writes" "" "$(log_since "$log" | grep -E '^(POST|PUT|PATCH|DELETE) ' || true)"
	expect_report "$1: lost" 0 '.totals.outcomes.lost // 0'
	expect_has "$WORK/err" "GET $host/prod/app/tags/list"
}
incomplete unclosed "file 200 application/json $WORK/unclosed.json"
incomplete cut truncate
incomplete refused "status 403"
incomplete loop 'header Link: </v2/prod/app/tags/list?n=1000>; rel="next"'

faults "$WORK/google"
cip_run 0 "${job[@]}" --confirm
expect_equal "with the whole list" "$next" "$(manifest_digest "$host" prod/app next)"

# Tags without a digest, on two of them or on one that is none are asked for one by one.
list=$(registry_curl "http://$host/v2/prod/app/tags/list")
jq -c '.manifest[] |= del(.tag)' <<<"$list" >"$WORK/no-tags.json"
jq -c ".manifest += {\"sha256:$(printf '%064d' 8)\": .manifest[\"${digests[1]}\"]}" <<<"$list" >"$WORK/contradiction.json"
jq -c ".manifest += {\"sha256:nonsense\": .manifest[\"${digests[1]}\"]} | del(.manifest[\"${digests[1]}\"])" <<<"$list" >"$WORK/nonsense.json"
for odd in no-tags contradiction nonsense; do
	faults "$WORK/google" "GET /v2/prod/app/tags/list* 1+ file 200 application/json $WORK/$odd.json"
	log_mark "$log"
	cip_run 0 "${job[@]}" --confirm
	expect_equal "$odd: writes" "" "$(log_since "$log" | grep -E '^(POST|PUT|PATCH|DELETE) ' || true)"
	[[ $(log_since "$log" | grep -c '^HEAD /v2/prod/app/manifests/v1 200') -eq 1 ]] || fail "$odd: v1 was not asked for"
done
faults "$WORK/google"

# ---- Google's registry as the source of a plain one

tree_project "$WORK/mixed" app "$host/staging" "$plain/prod"
cp "$tree/images/app/images.yaml" "$WORK/mixed/images/app/images.yaml"
sed -i "/$kept/d" "$WORK/mixed/images/app/images.yaml"
cip_run 0 --thin-manifest-dir "$WORK/mixed" --sign=false --confirm --report-file "$WORK/report.json"
expect_report "mixed" "lost 1, promoted 8" \
	'.totals.outcomes | to_entries | map(select(.value > 0)) | sort_by(.key) | map("\(.key) \(.value)") | join(", ")'
log_mark "$plain_log"
cip_run 0 --thin-manifest-dir "$WORK/mixed" --sign=false --confirm
expect_equal "writes of the second run" 0 "$(since "$plain_log" '^(POST|PUT|PATCH|DELETE)')"
