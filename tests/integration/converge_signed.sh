#!/usr/bin/env bash
# What is in place is signed, whoever put it there and whatever a run before did: exactly what is missing is made, and where
# nothing is missing a run costs a list of each repository and a HEAD of each tag.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

registry_start "$WORK/registry"
host=$REGISTRY_HOST log=$REGISTRY_LOG
fake_sigstore_start "$WORK/sigstore"
calls=$WORK/sigstore/requests.log
: >>"$calls"
unset SIGSTORE_ID_TOKEN TUF_MIRROR TUF_ROOT TUF_ROOT_JSON

who=(--identity-token "$WORK/sigstore/token" --certificate-identity promoter@example.com
	--certificate-oidc-issuer "$OIDC_URL")
services=(--fulcio-url "$FULCIO_URL" --rekor-url "$REKOR_URL" --trusted-root "$WORK/sigstore/trusted_root.json")

# job WANTED-EXIT [OPTION...], of $tree. The hour is not to take part.
job() {
	local wanted=$1
	shift
	log_mark "$log"
	cip_run "$wanted" --thin-manifest-dir "$tree" --confirm --report-file "$WORK/report.json" \
		"${who[@]}" "${services[@]}" --sweep=0 "$@"
}

outcomes() {
	expect_report "outcomes" "$1" '.totals.outcomes | with_entries(select(.value > 0)) | tojson'
}

signatures() {
	expect_report "signatures" "$1" '.totals.signatures | [.signed, .recorded, .verified, .assumed] | tojson'
}

writes() { since "$log" '^(POST|PUT|PATCH|DELETE)'; }
puts() { since "$log" "^PUT /v2/$1/manifests/${2/:/-}$3 "; }

layers() {
	registry_curl --header "Accept: $registry_manifest_types" \
		"http://$host/v2/$1/manifests/${2/:/-}.$3" | jq ".layers | length"
}

# No registry deletes tags for its clients alike.
forget_tag() {
	rm -r "$WORK/registry/data/docker/registry/v2/repositories/$1/_manifests/tags/$2"
}

cip_verify() {
	cip_run "$1" verify --certificate-identity promoter@example.com --certificate-oidc-issuer "$OIDC_URL" \
		--trusted-root "$WORK/sigstore/trusted_root.json" "$host/$2"
}

# ---- promoted without signatures, then signed: two tags, one digest without a tag

tree=$WORK/tree
tree_project "$tree" web "$host/staging" "$host/prod" "$host/mirror"
tree_image "$tree" web app
digests=()
for i in 1 2 3; do
	digests+=("$(push_image "$host" staging/app "v$i")")
done
tree_digest "$tree" web "${digests[0]}" v1
tree_digest "$tree" web "${digests[1]}" v2
tree_digest "$tree" web "${digests[2]}"

job 0 --sign=false
outcomes '{"promoted":6}'
job 0 --sign=false
outcomes '{"in-place":6}'
expect_equal "writes when all is in place" 0 "$(writes)"

cip_run 0 --thin-manifest-dir "$tree"
expect_equal "images that would be signed" 3 "$(grep -cE "^sign +$host/mirror/app@" "$WORK/out")"
expect_equal "calls of a plan" 0 "$(wc -l <"$calls")"

job 0
outcomes '{"in-place":3,"signed":3}'
signatures '[3,3,0,0]'
expect_report "the images that were signed" '["mirror/app"]' \
	'[.records[].destination | split("/")[1:] | join("/")] | unique | tojson'
expect_equal "writes to what was in place" 0 "$(since "$log" '^PUT /v2/(prod/app/|mirror/app/manifests/(v|sha256:))')"
for digest in "${digests[@]}"; do
	expect_equal "signatures of $digest" 1 "$(layers mirror/app "$digest" sig)"
	expect_equal "attestations of $digest" 2 "$(layers mirror/app "$digest" att)"
	cip_verify 0 "mirror/app@$digest"
done
# What the list does not show is looked for once, right before it is written, and the index of bundles not at all.
expect_equal "looks for what a list has shown to be absent" $((2 * ${#digests[@]})) \
	"$(since "$log" '^GET .*sha256-[0-9a-f]{64}(\.sig|\.att) 404$')"
expect_equal "looks for bundles" 0 "$(since "$log" '^GET .*sha256-[0-9a-f]{64} 404$')"

steady() {
	job 0
	outcomes '{"in-place":6}'
	signatures '[0,0,0,3]'
	expect_equal "writes of a run that finds all in place" 0 "$(writes)"
	expect_equal "requests: two lists, two tags and a digest in each" 8 "$(since "$log")"
}
steady

# ---- exactly what is missing is made

forget_tag mirror/app "${digests[0]/:/-}.sig"
forget_tag mirror/app "${digests[1]/:/-}.att"
cip_run 0 --thin-manifest-dir "$tree"
grep -qE "^sign +$host/mirror/app@${digests[0]} as $host/mirror/app\$" "$WORK/out" || fail "the plan lacks a signature"
grep -qE "^record +$host/mirror/app@${digests[1]} as $host/mirror/app\$" "$WORK/out" || fail "the plan lacks a record"
job 0
outcomes '{"in-place":4,"signed":2}'
signatures '[1,1,1,1]'
expect_equal "pushes of the signature" 1 "$(puts mirror/app "${digests[0]}" .sig)"
expect_equal "pushes of the record" 1 "$(puts mirror/app "${digests[1]}" .att)"
expect_equal "all pushes of manifests" 2 "$(since "$log" '^PUT /v2/[^ ]*/manifests/')"
steady

# ---- somebody else's signature is believed to be one, until it is read

own=$(registry_curl --header "Accept: $registry_manifest_types" \
	"http://$host/v2/mirror/app/manifests/${digests[1]/:/-}.sig")
jq -c '.layers[0].annotations["dev.cosignproject.cosign/signature"] = "bm90IG91cnM="' <<<"$own" >"$WORK/foreign.json"
truncate -s -1 "$WORK/foreign.json"
push_manifest "$host" mirror/app "${digests[1]/:/-}.sig" application/vnd.oci.image.manifest.v1+json "$WORK/foreign.json" >"$WORK/digest"
steady
job 0 --verify-depth=full
outcomes '{"in-place":5,"signed":1}'
signatures '[1,0,2,0]'
expect_equal "signatures beside the foreign one" 2 "$(layers mirror/app "${digests[1]}" sig)"
cip_verify 0 "mirror/app@${digests[1]}"
job 0 --verify-depth=full
outcomes '{"in-place":6}'
signatures '[0,0,3,0]'
expect_equal "writes after all was verified" 0 "$(writes)"

# ---- every hour is the only one of a sweep of 1; believed as listed at the depth of presence

job 0 --sweep=1
signatures '[0,0,3,0]'
job 0 --verify-depth=presence
signatures '[0,0,0,3]'
expect_equal "requests at the depth of presence: lists, and the digest without a tag" 4 "$(since "$log")"

# ---- a quarantined tag does not keep its digest from being signed

tree=$WORK/moved
tree_project "$tree" web "$host/staging" "$host/moved"
tree_image "$tree" web other
digest=$(push_image "$host" staging/other v1)
tree_digest "$tree" web "$digest" v1
job 0 --sign=false
sed -i 's/"v1"/"v1", "v2"/' "$tree/images/web/images.yaml"
push_image "$host" moved/other v2 >"$WORK/digest"
job 3
outcomes '{"quarantined":1}'
signatures '[1,1,0,0]'
cip_verify 0 "moved/other@$digest"

# ---- a service that is down: what is in place stays, and the next run signs it

tree=$WORK/down
tree_project "$tree" web "$host/staging" "$host/down"
tree_image "$tree" web app
tree_digest "$tree" web "${digests[0]}" v1
job 0 --sign=false
fake_sigstore_fault 'fulcio POST 1+ status 403'
job 3
outcomes '{"unsigned":1}'
expect_report "finding" 1 '.totals.findings.unsigned'
fake_sigstore_fault
job 0
outcomes '{"signed":1}'

# ---- bundles: what the registry lists of referrers, or the index under the tag, says which of them are there

tree=$WORK/bundles
tree_project "$tree" web "$host/staging" "$host/bundles"
tree_image "$tree" web app
tree_digest "$tree" web "${digests[0]}" v1
tree_digest "$tree" web "${digests[1]}"
services=(--fulcio-url "$FULCIO_URL" --rekor-v2-url "$REKOR2_URL" --timestamp-server-url "$TSA_URL"
	--trusted-root "$WORK/sigstore/trusted_root.json" --signature-format=bundle)
job 0 --sign=false
job 0
outcomes '{"signed":2}'
index=${digests[0]/:/-}
bundles() {
	registry_curl --header "Accept: $registry_manifest_types" "http://$host/v2/bundles/app/manifests/$index" |
		jq -c "$1"
}
steady_bundles() {
	job 0
	outcomes '{"in-place":2}'
	signatures '[0,0,0,2]'
	expect_equal "writes of a run that finds all bundles" 0 "$(writes)"
	# A list, a tag, a digest, two indexes; that there is no API is learned by one of the two, or by both at a time.
	[[ $(since "$log") -le 7 ]] || fail "many requests for bundles"
}
steady_bundles
forget_tag bundles/app "$index"
job 0
outcomes '{"in-place":1,"signed":1}'
signatures '[1,1,0,1]'
expect_equal "bundles of the digest" 3 "$(bundles '.manifests | length')"
bundles '.manifests |= map(select(.annotations["dev.sigstore.bundle.predicateType"] | test("promotion") | not))' \
	>"$WORK/less.json"
push_manifest "$host" bundles/app "$index" application/vnd.oci.image.index.v1+json "$WORK/less.json" >"$WORK/digest"
expect_equal "bundles without the record" 2 "$(bundles '.manifests | length')"
job 0
signatures '[0,1,1,1]'
expect_equal "bundles with a new record" 3 "$(bundles '.manifests | length')"
steady_bundles
services=(--fulcio-url "$FULCIO_URL" --rekor-url "$REKOR_URL" --trusted-root "$WORK/sigstore/trusted_root.json")

# ---- many images: a list and a HEAD each, and no write

tree=$WORK/many count=${CIP_CONVERGE_IMAGES:-50}
tree_project "$tree" web "$host/many" "$host/out"
push_image "$host" many/first v1 >"$WORK/digest"
for i in $(seq "$count"); do
	printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[],"annotations":{"n":"%s"}}' \
		"$i" >"$WORK/index.json"
	digest=$(push_manifest "$host" "many/app$i" v1 application/vnd.oci.image.index.v1+json "$WORK/index.json")
	tree_image "$tree" web "app$i"
	tree_digest "$tree" web "$digest" v1
done
job 0 --sign=false
job 0
outcomes "{\"signed\":$count}"
job 0
outcomes "{\"in-place\":$count}"
signatures "[0,0,0,$count]"
expect_equal "writes over many images" 0 "$(writes)"
expect_equal "requests for many images" $((2 * count)) "$(since "$log")"
