#!/usr/bin/env bash
# cip verify and cip verify-attestation: what cosign wrote, in both forms, in a real registry; what counts as a
# signature and what does not; and how many requests it takes.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tools/lib/sigstore.sh
. "$CIP_SOURCE_DIR/tools/lib/sigstore.sh"

made=${CIP_SHARED_DATA:-$CIP_SOURCE_DIR/../shared/data}/cosign-made
if [[ ! -d $made ]]; then
	echo "skipped: $made is not here"
	exit 0
fi
[[ ${CIP_TEST_REGISTRY:-} == */ggcr-registry ]] && API=1 || API=

registry_start "$WORK/registry"
fact() { jq -r "$1" "$made/facts.json"; }
legacy=$(fact .legacy.digest) bundle=$(fact .bundle.digest)
trust=(--trusted-root "$made/trusted_root.json" --insecure-ignore-sct)
who=(--certificate-identity "$(fact .identity)" --certificate-oidc-issuer "$(fact .issuer)")
OCI=application/vnd.oci.image.manifest.v1+json INDEX=application/vnd.oci.image.index.v1+json

push_blobs() {
	local blob
	for blob in "$2"/*; do
		push_blob "$REGISTRY_HOST" "$1" "$blob" >/dev/null
	done
}

# REPO DIGEST SUFFIX FILE: a manifest under the tag that belongs to a digest
push_attached() {
	push_manifest "$REGISTRY_HOST" "$1" "${2/:/-}$3" "${5:-$OCI}" "$4" >/dev/null
}

push_bundles() {
	local manifest
	for manifest in "$made"/bundle/manifest-*.json; do
		push_manifest "$REGISTRY_HOST" "$1" "" "$OCI" "$manifest" >/dev/null
	done
	[[ $API ]] || push_attached "$1" "$bundle" "" "$made/bundle/referrers-index.json" "$INDEX"
}

repo=prod/app-000
push_blobs $repo "$made/legacy/blobs"
push_attached $repo "$legacy" .sig "$made/legacy/sig.json"
push_attached $repo "$legacy" .att "$made/legacy/att.json"
image=$REGISTRY_HOST/$repo@$legacy

other=prod/app-001
push_blobs $other "$made/bundle/blobs"
push_bundles $other
bundled=$REGISTRY_HOST/$other@$bundle

# ---- the older form

verify=(verify "${trust[@]}" "${who[@]}")
name=(--docker-reference registry.k8s.io/app-000)
log_mark "$REGISTRY_LOG"
cip_run 0 "${verify[@]}" "${name[@]}" "$image"
expect_has "$WORK/out" "identity promoter@example.com"
expect_has "$WORK/out" "name     registry.k8s.io/app-000"
expect_has "$WORK/out" "digest   $legacy"
# What the registry lists of referrers, the manifest, and the one payload that is not the expected one.
expect_equal "requests for a signature in the older form" 3 "$(since "$REGISTRY_LOG")"
log_mark "$REGISTRY_LOG"
cip_run 0 "${verify[@]}" "${name[@]}" --signature-format=legacy "$image"
expect_equal "requests for it where it must be" 2 "$(since "$REGISTRY_LOG")"
log_mark "$REGISTRY_LOG"
cip_run 0 "${verify[@]}" "${name[@]}" "$image" "$image" "$image"
# The next image is looked for where this one's was, and the payload's annotations are known by now.
expect_equal "requests for three in the older form" "$((3 + 1 + 1))" "$(since "$REGISTRY_LOG")"

# A payload that says what it must, and nothing else, need not be fetched.
push_blobs prod/one "$made/legacy/blobs"
jq -c '.layers |= .[:1]' "$made/legacy/sig.json" >"$WORK/one.json"
push_attached prod/one "$legacy" .sig "$WORK/one.json"
log_mark "$REGISTRY_LOG"
cip_run 0 "${verify[@]}" "${name[@]}" "$REGISTRY_HOST/prod/one@$legacy"
expect_equal "requests for the expected payload" 2 "$(since "$REGISTRY_LOG")"
log_mark "$REGISTRY_LOG"
cip_run 0 "${verify[@]}" --any-docker-reference --signature-format=legacy "$REGISTRY_HOST/prod/one@$legacy"
expect_equal "requests for any payload" 2 "$(since "$REGISTRY_LOG")"

# cosign calls Docker Hub by another name than people do; that payload is foreseen as well.
printf '{"critical":{"identity":{"docker-reference":"index.docker.io/library/a"},"image":{"docker-manifest-digest":"%s"},"type":"cosign container image signature"},"optional":null}' \
	"$legacy" >"$WORK/hub.payload"
payload=$(push_blob "$REGISTRY_HOST" prod/hub "$WORK/hub.payload")
push_blobs prod/hub "$made/legacy/blobs"
jq -c --arg digest "$payload" --argjson size "$(stat -c %s "$WORK/hub.payload")" \
	'.layers |= [.[0] | .digest = $digest | .size = $size]' "$made/legacy/sig.json" >"$WORK/hub.json"
push_attached prod/hub "$legacy" .sig "$WORK/hub.json"
log_mark "$REGISTRY_LOG"
cip_run 3 "${verify[@]}" --docker-reference docker.io/library/a --signature-format=legacy "$REGISTRY_HOST/prod/hub@$legacy"
expect_has "$WORK/err" "not verified, at log-entry"
expect_equal "requests for a payload with cosign's name of Docker Hub" 1 "$(since "$REGISTRY_LOG")"

# ---- only that identity, issuer, name, digest and trust root

refused() {
	local text=$1
	shift
	cip_run 3 "$@"
	[[ ! -s $WORK/out ]] || fail "something was printed: $(cat "$WORK/out")"
	expect_has "$WORK/err" "$text"
	expect_has "$WORK/err" "not verified: no "
}
refused "not verified, at identity" verify "${trust[@]}" "${name[@]}" --certificate-identity nobody@example.com \
	--certificate-oidc-issuer "$(fact .issuer)" "$image"
refused "not verified, at identity" verify "${trust[@]}" "${name[@]}" --certificate-identity "$(fact .identity)" \
	--certificate-oidc-issuer https://accounts.google.com "$image"
refused "it names the image registry.k8s.io/app-000 (docker-reference), where $REGISTRY_HOST/$repo is wanted" \
	"${verify[@]}" "$image"
refused "not verified, at sct" verify "${who[@]}" "${name[@]}" --trusted-root "$made/trusted_root.json" "$image"
cip_run 0 "${verify[@]}" --any-docker-reference "$image"
cip_run 0 verify "${trust[@]}" "${name[@]}" --certificate-identity "$(fact .second_identity)" \
	--certificate-oidc-issuer-regexp '^http://localhost' "$image"
cip_run 0 verify "${trust[@]}" "${name[@]}" --certificate-identity-regexp 'example\.com$' \
	--certificate-oidc-issuer-regexp . "$image"

# The name may come from the mapping in cip.yaml.
printf 'signatures:\n  identities:\n    "%s/prod": registry.k8s.io\n' "$REGISTRY_HOST" >"$WORK/cip.yaml"
cip_run 0 "${verify[@]}" --config "$WORK/cip.yaml" "$image"
printf 'sigstore:\n  require_sct: false\n  trusted_root: %s\n' "$made/trusted_root.json" >"$WORK/cip.yaml"
cip_run 0 verify "${who[@]}" "${name[@]}" --config "$WORK/cip.yaml" "$image"

# Another image's signatures under this one's tag.
moved=$(printf 'a%.0s' {1..64})
push_attached $repo "sha256:$moved" .sig "$made/legacy/sig.json"
refused "it is about another image: $legacy" "${verify[@]}" --any-docker-reference "$REGISTRY_HOST/$repo@sha256:$moved"
push_attached $repo "sha256:$moved" .att "$made/legacy/att.json"
refused "not verified, at artifact" verify-attestation --type vuln "${trust[@]}" "${who[@]}" "$REGISTRY_HOST/$repo@sha256:$moved"

# ---- attestations in the older form

attested=(verify-attestation "${trust[@]}" "${who[@]}")
for type in vuln slsaprovenance1 promotion https://k8s.io/promo-tools/promotion/v1; do
	log_mark "$REGISTRY_LOG"
	cip_run 0 "${attested[@]}" --type $type "$image"
	# Those of other types are not read.
	expect_equal "requests for an attestation" 3 "$(since "$REGISTRY_LOG")"
done
expect_has "$WORK/out" "type     https://k8s.io/promo-tools/promotion/v1"
refused "no attestation that counts (0 looked at, 3 of other kinds)" "${attested[@]}" --type spdx "$image"
refused "not verified, at identity" verify-attestation "${trust[@]}" --certificate-identity "$(fact .second_identity)" \
	--certificate-oidc-issuer "$(fact .issuer)" --type vuln "$image"
cip_run 0 "${attested[@]}" --type promotion --output json "$image"
expect_equal "the statement in JSON" "true https://k8s.io/promo-tools/promotion/v1 att" \
	"$(jq -r '"\(.verified) \(.images[0].found[0].statement | fromjson | .predicateType) \(.images[0].found[0].form)"' "$WORK/out")"

# A tag that says one thing of a layer that is another: only what is signed counts.
jq -c '.layers[0].annotations.predicateType = "https://k8s.io/promo-tools/promotion/v1"' "$made/legacy/att.json" |
	tr -d '\n' >"$WORK/lying.json"
push_attached $repo "$legacy" .att "$WORK/lying.json"
cip_run 0 "${attested[@]}" --type promotion --output json "$image"
expect_equal "what counts of two" "1 a statement of type https://slsa.dev/provenance/v1" \
	"$(jq -r '.images[0].found | "\(map(select(.counts)) | length) \(map(.why_not // empty)[0])"' "$WORK/out")"

# ---- bundles

log_mark "$REGISTRY_LOG"
cip_run 0 "${verify[@]}" "$bundled"
expect_has "$WORK/out" "type     https://sigstore.dev/cosign/sign/v1"
log_mark "$REGISTRY_LOG"
cip_run 0 "${attested[@]}" --type promotion "$bundled"
refused "no attestation that counts" "${attested[@]}" --type spdx "$bundled"
refused "not verified, at identity" verify "${trust[@]}" --certificate-identity nobody@example.com \
	--certificate-oidc-issuer "$(fact .issuer)" "$bundled"
cip_run 0 "${verify[@]}" --output json "$bundled"
expect_equal "both signatures and no record" "2 https://sigstore.dev/cosign/sign/v1" \
	"$(jq -r '.images[0].found | map(select(.counts)) | "\(length) \(map(.predicate_type) | unique | .[0])"' "$WORK/out")"

# A record alone is no signature, though cosign takes it for one.
alone=prod/record
push_blobs $alone "$made/bundle/blobs"
for manifest in "$made"/bundle/manifest-*.json; do
	if [[ $(jq -r '.annotations["dev.sigstore.bundle.predicateType"]' "$manifest") == */promotion/v1 ]]; then
		record=$(push_manifest "$REGISTRY_HOST" $alone "" "$OCI" "$manifest")
	fi
done
if [[ ! $API ]]; then
	jq -c --arg digest "$record" '.manifests |= map(select(.digest == $digest))' "$made/bundle/referrers-index.json" >"$WORK/index.json"
	push_attached $alone "$bundle" "" "$WORK/index.json" "$INDEX"
fi
refused "no signature that counts" "${verify[@]}" "$REGISTRY_HOST/$alone@$bundle"
log_mark "$REGISTRY_LOG"
cip_run 0 "${attested[@]}" --type promotion --signature-format=bundle "$REGISTRY_HOST/$alone@$bundle"
# The list (or no API, then the index), the manifest, the bundle.
expect_equal "requests for a bundle" "$((API ? 3 : 4))" "$(since "$REGISTRY_LOG")"
log_mark "$REGISTRY_LOG"
cip_run 0 "${attested[@]}" --type promotion "$REGISTRY_HOST/$alone@$bundle"
expect_equal "requests for a bundle that may be in the older form" "$((API ? 3 : 5))" "$(since "$REGISTRY_LOG")"

# The next ones: a bundle is found where the one before was, and a signature in the older form costs one request more.
bundle_first=$((API ? 3 : 5))
log_mark "$REGISTRY_LOG"
cip_run 0 "${attested[@]}" --type promotion "$REGISTRY_HOST/$alone@$bundle" "$REGISTRY_HOST/$alone@$bundle"
expect_equal "requests for two bundles" "$((bundle_first + 3))" "$(since "$REGISTRY_LOG")"
log_mark "$REGISTRY_LOG"
cip_run 0 "${attested[@]}" --type promotion "$REGISTRY_HOST/$alone@$bundle" "$image" "$image"
# The API or the index, the image, the two envelopes; then without the first.
expect_equal "requests for a bundle and then the older form" "$((bundle_first + 4 + 3))" "$(since "$REGISTRY_LOG")"
log_mark "$REGISTRY_LOG"
cip_run 0 "${attested[@]}" --type promotion "$image" "$REGISTRY_HOST/$alone@$bundle" "$REGISTRY_HOST/$alone@$bundle"
expect_equal "requests for the older form and then bundles" "$((4 + 4 + 3))" "$(since "$REGISTRY_LOG")"

# Where cip.yaml says that there is no API, nobody asks for it.
if [[ ! $API ]]; then
	printf 'registries:\n  "%s": {referrers_by_tag: true}\n' "$REGISTRY_HOST" >"$WORK/by-tag.yaml"
	log_mark "$REGISTRY_LOG"
	cip_run 0 "${attested[@]}" --config "$WORK/by-tag.yaml" --type promotion "$REGISTRY_HOST/$alone@$bundle"
	expect_equal "requests for a bundle where there is no API" 3 "$(since "$REGISTRY_LOG")"
	log_mark "$REGISTRY_LOG"
	cip_run 0 "${verify[@]}" --config "$WORK/by-tag.yaml" "${name[@]}" "$REGISTRY_HOST/prod/one@$legacy"
	expect_equal "requests for the older form where there is no API" 2 "$(since "$REGISTRY_LOG")"
fi

# ---- things of others in the place

printf '{"schemaVersion":2,"mediaType":"%s","manifests":[]}' "$INDEX" >"$WORK/empty.json"
push_attached $other "$bundle" .sig "$WORK/empty.json" "$INDEX"
cip_run 0 "${verify[@]}" "$bundled"
nothing=sha256:$(printf 'b%.0s' {1..64})
push_attached $repo "$nothing" .sig "$WORK/empty.json" "$INDEX"
refused "an image index" "${verify[@]}" "$REGISTRY_HOST/$repo@$nothing"

# kpromo's unsigned statements
statement=$(push_blob "$REGISTRY_HOST" $repo "$WORK/empty.json")
size=$(stat -c %s "$WORK/empty.json")
printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"application/vnd.oci.image.config.v1+json","size":%d,"digest":"%s"},
"layers":[{"mediaType":"application/vnd.in-toto+json","size":%d,"digest":"%s","annotations":{"predicateType":"https://k8s.io/promo-tools/promotion/v1"}}]}' \
	"$OCI" "$size" "$statement" "$size" "$statement" >"$WORK/unsigned.json"
push_attached $repo "$nothing" .att "$WORK/unsigned.json"
refused "(0 looked at, 1 of other kinds)" "${attested[@]}" --type promotion "$REGISTRY_HOST/$repo@$nothing"

# More layers than anybody writes.
jq -c --argjson n 1001 '.layers = [range($n) as $i | .layers[0]]' "$made/legacy/sig.json" >"$WORK/many.json"
push_attached $repo "$nothing" .sig "$WORK/many.json"
refused "more than 1000 layers" "${verify[@]}" "$REGISTRY_HOST/$repo@$nothing"

# ---- by tag; several images; wrong usage; a registry that is not there

plain=$(push_image "$REGISTRY_HOST" prod/plain v1)
log_mark "$REGISTRY_LOG"
refused "no signature that counts (0 looked at)" "${verify[@]}" --signature-format=legacy "$REGISTRY_HOST/prod/plain:v1"
expect_equal "requests by tag" 2 "$(since "$REGISTRY_LOG")"
log_mark "$REGISTRY_LOG"
refused "no signature that counts" "${verify[@]}" --signature-format=legacy "$REGISTRY_HOST/prod/plain@$plain"
expect_equal "requests by digest" 1 "$(since "$REGISTRY_LOG")"
cip_run 3 "${verify[@]}" "$bundled" "$REGISTRY_HOST/prod/plain:v1"
expect_has "$WORK/out" "verified $bundled"
expect_has "$WORK/err" "cip: $REGISTRY_HOST/prod/plain:v1: not verified: no signature that counts (0 looked at)"
cip_run 1 "${verify[@]}" "$bundled" "$REGISTRY_HOST/prod/plain:v2"
expect_has "$WORK/err" "status 404"
cip_run 1 "${verify[@]}" 127.0.0.1:1/a/b@"$plain"
cip_run 2 verify "${trust[@]}" "$bundled"
expect_has "$WORK/err" "who must have signed"
cip_run 2 "${verify[@]}"
expect_has "$WORK/err" "the image is missing"
cip_run 2 "${verify[@]}" pause
cip_run 2 "${verify[@]}" "$REGISTRY_HOST/prod/plain@sha256:12"
cip_run 2 "${attested[@]}" --type nonsense "$image"
expect_has "$WORK/err" "neither a URI nor a type that has a name"

# ---- what the job signs, by digest and by tag: what it takes by digest, and one request more

# FORM REQUESTS [OPTION...]
expect_cost() {
	local form=$1 wanted=$2 digest project=made-$1 image
	shift 2
	digest=$(push_image "$REGISTRY_HOST" "staging/$project" v1)
	tree_project "$WORK/$project" web "$REGISTRY_HOST/staging" "$REGISTRY_HOST/prod"
	tree_image "$WORK/$project" web "$project"
	tree_digest "$WORK/$project" web "$digest" v1
	cip_run 0 --thin-manifest-dir "$WORK/$project" --confirm "${signer[@]}" --fulcio-url "$FULCIO_URL" \
		--sweep=0 --identity-token "$WORK/sigstore/token" --signature-format="$form" "$@"
	if [[ $form == legacy ]]; then
		log_mark "$REGISTRY_LOG"
		cip_run 0 verify "${signer[@]}" --any-docker-reference "$REGISTRY_HOST/prod/$project@$digest"
		expect_equal "requests for $form, any name" "$wanted" "$(since "$REGISTRY_LOG")"
	fi
	for image in "@$digest" :v1; do
		log_mark "$REGISTRY_LOG"
		cip_run 0 verify "${signer[@]}" "$REGISTRY_HOST/prod/$project$image"
		expect_equal "requests for $form, $image" "$wanted" "$(since "$REGISTRY_LOG")"
		wanted=$((wanted + 1))
	done
}

fake_sigstore_start "$WORK/sigstore"
signer=(--certificate-identity promoter@example.com --certificate-oidc-issuer "$OIDC_URL" --trusted-root "$WORK/sigstore/trusted_root.json")
expect_cost legacy 2 --rekor-url "$REKOR_URL"
# go-containerregistry's registry lists no annotations, so the manifests of record and provenance are read too.
expect_cost bundle 5 --rekor-v2-url "$REKOR2_URL" --timestamp-server-url "$TSA_URL"
