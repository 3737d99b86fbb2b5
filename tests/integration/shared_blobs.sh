#!/usr/bin/env bash
# What is there already is not sent again, on docker-registry: the blobs that a killed run left behind, and those that an
# image shares with the one before it. Counted in the access logs.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

registry_start "$WORK/one"
host=$REGISTRY_HOST log=$REGISTRY_LOG
registry_start "$WORK/two"
other=$REGISTRY_HOST other_log=$REGISTRY_LOG

# one_image TREE NAME DESTINATION DIGEST TAG...: a tree that declares one digest
one_image() {
	local tree=$1 name=$2 destination=$3
	tree_project "$tree" apps "$host/staging" "$destination"
	tree_image "$tree" apps "$name"
	tree_digest "$tree" apps "${@:4}"
}

promote() {
	log_mark "$log"
	log_mark "$other_log"
	cip_run 0 --thin-manifest-dir "$1" --sign=false --confirm --report-file "$WORK/report.json" "${@:2}"
}

manifest_of() {
	registry_curl -H "Accept: application/vnd.oci.image.manifest.v1+json" \
		"http://$host/v2/$1/manifests/$2"
}

# ---- After a run that was killed: two of six blobs are there, in a repository without any image

digest=$(push_image "$host" staging/half v1 5)
for blob in $(manifest_of staging/half v1 | jq -r '.layers[1,3].digest'); do
	registry_curl -o "$WORK/blob" "http://$host/v2/staging/half/blobs/$blob"
	expect_equal "the copy" "$blob" "$(push_blob "$other" prod/half "$WORK/blob")"
done
one_image "$WORK/half" half "$other/prod" "$digest" v1
promote "$WORK/half"
expect_equal "blobs read" 4 "$(since "$log" '^GET .*/blobs/')"
expect_equal "uploads opened or found needless" 6 "$(since "$other_log" '^POST')"
expect_equal "found there" 2 "$(since "$other_log" '^POST .* 201$')"
expect_equal "blobs sent" 4 "$(since "$other_log" '^PUT .*digest=')"
expect_equal "the image" "$digest" "$(manifest_digest "$other" prod/half v1)"

# ---- The next version: eight layers and the config as before, one layer more

printf 'registries:\n  %s: {checks_blobs: true}\n  %s: {checks_blobs: true}\n' "$host" "$other" >"$WORK/cip.yaml"
digest=$(push_image "$host" staging/app v1 8)
echo "one more" >"$WORK/layer"
layer=$(push_blob "$host" staging/app "$WORK/layer")
manifest_of staging/app v1 |
	jq -c --arg digest "$layer" '.layers += [.layers[0] | .digest = $digest | .size = 9]' >"$WORK/next"
next=$(push_manifest "$host" staging/app v2 application/vnd.oci.image.manifest.v1+json "$WORK/next")
for to in "$host" "$other"; do
	one_image "$WORK/app" app "$to/prod" "$digest" v1
	promote "$WORK/app"
	one_image "$WORK/next-app" app "$to/prod" "$next" v2
	promote "$WORK/next-app" --config "$WORK/cip.yaml"
	expect_equal "the next version" "$next" "$(manifest_digest "$to" prod/app v2)"
	# The list of tags, the manifest, the PUT that tells, the layer, the PUT.
	if [[ $to == "$host" ]]; then
		expect_report "requests on one host" 5 .totals.requests
	else
		expect_report "requests between two" 7 .totals.requests
		expect_equal "blobs read" 1 "$(since "$log" '^GET .*/blobs/')"
	fi
done

# ---- Not one blob more: the list, the manifest read, and put under its tag

jq -c '.annotations = {"a": "b"}' <"$WORK/next" >"$WORK/other"
same=$(push_manifest "$host" staging/app v3 application/vnd.oci.image.manifest.v1+json "$WORK/other")
one_image "$WORK/same" app "$host/prod" "$same" v3
promote "$WORK/same" --config "$WORK/cip.yaml"
expect_equal "requests for blobs that are all there" 3 "$(since "$log")"
expect_equal "the manifest under its tag" 1 "$(since "$log" '^PUT .*/manifests/v3 201$')"
expect_report "the same in the report" 3 .totals.requests
expect_equal "what is there" "$same" "$(manifest_digest "$host" prod/app v3)"
