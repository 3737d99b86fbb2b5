#!/usr/bin/env bash
# Request floors, read from the access logs of docker-registry (or of CIP_TEST_REGISTRY): what one image, an index and a further
# tag cost on one host and between two, and 20 images at once. To each comes one look at a destination repository, which is
# its list of tags and one request for each declared tag in it.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

registry_start "$WORK/one"
host=$REGISTRY_HOST log=$REGISTRY_LOG
registry_start "$WORK/two"
other=$REGISTRY_HOST other_log=$REGISTRY_LOG

reported() {
	jq '([.records[].requests] + [.repositories[].requests] | add)' "$WORK/report.json"
}

# cost WHAT WANTED TREE [FLAG...]: promotes, and counts requests at both registries; the report's sum is the same
cost() {
	local total
	log_mark "$log"
	log_mark "$other_log"
	cip_run 0 --thin-manifest-dir "$3" --sign=false --confirm --report-file "$WORK/report.json" "${@:4}"
	total=$(($(since "$log") + $(since "$other_log")))
	if [[ $total -ne $2 ]]; then
		log_since "$log"
		log_since "$other_log"
		fail "$1: $total requests, wanted $2"
	fi
	expect_equal "$1, in the report" "$total" "$(reported)"
	expect_equal "$1, total in the report" "$total" "$(jq .totals.requests "$WORK/report.json")"
}

# one_image TREE NAME DESTINATION DIGEST TAG...: a tree that declares one digest
one_image() {
	local tree=$1 name=$2 destination=$3
	tree_project "$tree" apps "$host/staging" "$destination"
	tree_image "$tree" apps "$name"
	tree_digest "$tree" apps "${@:4}"
}

look=1
# For each blob: the read, the upload's POST and its PUT, or a POST with the bytes; on one host a mount.
far=$((1 + ${SINGLE_POST:-2}))
near=1
[[ -n $MOUNTS ]] || near=3

# ---- One image of L layers: L+3 on one host, 3L+5 to another, 2L+4 where it takes single POSTs

for layers in 1 3 8; do
	digest=$(push_image "$host" "staging/single$layers" v1 "$layers")
	one_image "$WORK/single$layers" "single$layers" "$host/prod" "$digest" v1
	cost "$layers layers, same host" $((look + near * (layers + 1) + 2)) "$WORK/single$layers"
	one_image "$WORK/far$layers" "single$layers" "$other/prod" "$digest" v1
	cost "$layers layers, other host" $((look + far * (layers + 1) + 2)) "$WORK/far$layers"
done

# ---- An index of N children with U blobs: 2+2N+U on one host, 2+2N+3U to another

# Two children of two layers and a config each.
index=$(push_index "$host" staging/multi v1)
one_image "$WORK/index" multi "$host/prod" "$index" v1
cost "index, same host" $((look + 2 + 2 * 2 + near * 6)) "$WORK/index"
one_image "$WORK/far-index" multi "$other/prod" "$index" v1
cost "index, other host" $((look + 2 + 2 * 2 + far * 6)) "$WORK/far-index"

# ---- One more tag: 1 while the manifest is at hand, 2 for a digest that is there

digest=$(push_image "$host" staging/tags v1 3)
one_image "$WORK/tags" tags "$host/prod" "$digest" v1 v1.0 latest
cost "three tags" $((look + near * 4 + 2 + 2)) "$WORK/tags"
one_image "$WORK/more-tags" tags "$host/prod" "$digest" v1 v1.0 latest stable
# Three that are there already are looked at.
cost "a fourth tag later" $((look + 3 + 2)) "$WORK/more-tags"
# A look at each tag that was written, and nothing where nothing was.
one_image "$WORK/verified" tags "$host/prod" "$digest" v1 v1.0 latest stable one two
cost "two more, verified" $((look + 4 + 1 + 2 + 2)) "$WORK/verified" --verify-writes
cost "in place, verified" $((look + 6)) "$WORK/verified" --verify-writes

# ---- An image all blobs of which are there: 2 where the registry is known to check, else a mount of each

printf 'registries:\n  %s: {checks_blobs: true}\n  %s: {checks_blobs: true}\n' "$host" "$other" >"$WORK/cip.yaml"
for variant in checked unchecked; do
	registry_curl -H "Accept: application/vnd.oci.image.manifest.v1+json" \
		"http://$host/v2/staging/single8/manifests/v1" |
		jq -c --arg variant "$variant" '.annotations = {"variant": $variant}' >"$WORK/manifest"
	digest=$(push_manifest "$host" staging/single8 "$variant" application/vnd.oci.image.manifest.v1+json "$WORK/manifest")
	one_image "$WORK/$variant" single8 "$host/prod" "$digest" "$variant"
	[[ $variant == unchecked ]] || one_image "$WORK/far-$variant" single8 "$other/prod" "$digest" "$variant"
done
cost "no blob is missing, same host" $((look + 2)) "$WORK/checked" --config "$WORK/cip.yaml"
cost "no blob is missing, other host" $((look + 2)) "$WORK/far-checked" --config "$WORK/cip.yaml"
cost "no blob is missing, not known to check" $((look + near * 9 + 2)) "$WORK/unchecked"

# ---- An image and a signature of S layers beside it, on one host: (L+3)+(S+3)

# No manifest may declare such a tag, so this is no run but what a run does.
probe=$(dirname "$CIP")/tests/integration/copy_probe
[[ -x $probe ]] || fail "$probe is not built"
digest=$(push_image "$host" staging/signed v1 3)
signature=$(push_image "$host" staging/signed "${digest/:/-}.sig" 1)
log_mark "$log"
"$probe" "$host" staging/signed prod/signed "$digest" v1 "$signature" "${digest/:/-}.sig"
expect_equal "an image and its signature" $((near * (3 + 1) + 2 + near * (1 + 1) + 2)) "$(since "$log")"
expect_equal "the signature" "$signature" "$(manifest_digest "$host" prod/signed "${digest/:/-}.sig")"

# ---- 20 images at once, and again

tree_project "$WORK/tree" apps "$host/staging" "$host/prod"
for i in $(seq 20); do
	digest=$(push_image "$host" "staging/app$i" v1 3)
	tree_image "$WORK/tree" apps "app$i"
	tree_digest "$WORK/tree" apps "$digest" v1
done
tree_project "$WORK/far" apps "$host/staging" "$other/prod"
cp "$WORK/tree/images/apps/images.yaml" "$WORK/far/images/apps/images.yaml"

cost "20 images, same host" $((20 * (look + near * 4 + 2))) "$WORK/tree"
expect_report "promoted" 20 '[.records[] | select(.outcome == "promoted")] | length'
cost "20 images, other host" $((20 * (look + far * 4 + 2))) "$WORK/far"

cost "20 images in place" $((20 * (look + 1))) "$WORK/tree"
expect_equal "writes of the second run" 0 "$(since "$log" '^(POST|PUT|PATCH|DELETE)')"
expect_report "records when all is in place" 0 '.records | length'
cip_run 0 --thin-manifest-dir "$WORK/tree" --sign=false --confirm --report-file "$WORK/report.json" --report-all
expect_report "records with --report-all" 20 '[.records[] | select(.outcome == "in-place")] | length'
