#!/usr/bin/env bash
# Images that cosign 3 signs and attests with the real Sigstore verify with cip, in each form and with each log, by digest and
# by tag, in a registry with the referrers API and in one without; and do not for another identity, issuer or image,
# with a bit flipped, or without their log entry.
# shellcheck source=tests/interop/sigstore_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/sigstore_lib.sh"
sigstore_peers
registries=$("$(dirname "${BASH_SOURCE[0]}")/../../tools/install-peers" --where registries) || exit 77
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../integration/lib.sh"

email=signer@example.com predicate_type=https://k8s.io/promo-tools/promotion/v1
sigstore_start "$WORK/sigstore"
changes=0
token=$(identity_token "$email")
statement=(--predicate "$WORK/predicate" --type "$predicate_type")
echo '{"note": "any JSON"}' >"$WORK/predicate"

# referrers HOST REPOSITORY DIGEST: their digests, from the API or the tag that stands for it
referrers() {
	local types=application/vnd.oci.image.index.v1+json
	registry_curl -H "Accept: $types" "http://$1/v2/$2/referrers/$3" 2>"$WORK/err" ||
		registry_curl -H "Accept: $types" "http://$1/v2/$2/manifests/${3/:/-}"
}

# Flags that are repeated count the last time.
verify() {
	cip_run "$1" "$2" --trusted-root "$TRUSTED_ROOT" --insecure-ignore-sct --certificate-identity "$email" \
		--certificate-oidc-issuer "$ISSUER" "${@:3}"
}

# get REPOSITORY REFERENCE: a manifest
get() {
	registry_curl -H "Accept: $registry_manifest_types" "http://$REGISTRY_HOST/v2/$1/manifests/$2"
}

# refused legacy|bundle REASON FILTER [DIGEST]: as it was made it verifies, but not so
refused() {
	local repository=changed/$1-$((++changes))
	"$1_with" . "$repository/original"
	verify 0 verify --docker-reference "$REGISTRY_HOST/prod/legacy" "$REGISTRY_HOST/$repository/original@$digest"
	"$1_with" "$3" "$repository" "${4:-$digest}"
	verify 3 verify --docker-reference "$REGISTRY_HOST/prod/legacy" "$REGISTRY_HOST/$repository@${4:-$digest}"
	expect_has "$WORK/err" "$2"
}

flip='(.[0:20] + (if .[20:21] == "A" then "B" else "A" end) + .[21:])'

# The same image in another repository, without what is attached to it.
again() {
	IMAGE_SEED=signed push_image "$REGISTRY_HOST" "$1" v1
}

# carry FROM TO DIGEST...: blobs
carry() {
	local blob
	for blob in "${@:3}"; do
		registry_curl -o "$WORK/blob" "http://$REGISTRY_HOST/v2/$1/blobs/$blob"
		push_blob "$REGISTRY_HOST" "$2" "$WORK/blob" >/dev/null
	done
}

# legacy_with FILTER TO [DIGEST]: the signature of prod/legacy, its manifest changed by jq; DIGEST: of what it shall be said to sign
legacy_with() {
	local target
	get prod/legacy "${digest/:/-}.sig" | jq -c "$1" >"$WORK/manifest"
	again "$2" >/dev/null
	# shellcheck disable=SC2046 # digests have no spaces
	carry prod/legacy "$2" $(jq -r '.config.digest, .layers[].digest' "$WORK/manifest")
	target=${3:-$digest}
	push_manifest "$REGISTRY_HOST" "$2" "${target/:/-}.sig" application/vnd.oci.image.manifest.v1+json "$WORK/manifest" >/dev/null
}

# bundle_with FILTER TO [DIGEST]: the same with the bundle of prod/bundle
bundle_with() {
	local manifest layer target=${3:-$digest}
	manifest=$(referrers "$REGISTRY_HOST" prod/bundle "$digest" | jq -r '.manifests[0].digest')
	get prod/bundle "$manifest" >"$WORK/manifest"
	registry_curl "http://$REGISTRY_HOST/v2/prod/bundle/blobs/$(jq -r '.layers[0].digest' "$WORK/manifest")" | jq -c "$1" >"$WORK/changed"
	again "$2" >/dev/null
	carry prod/bundle "$2" "$(jq -r .config.digest "$WORK/manifest")"
	layer=$(push_blob "$REGISTRY_HOST" "$2" "$WORK/changed")
	jq -c --arg digest "$layer" --argjson size "$(wc -c <"$WORK/changed")" \
		--arg subject "$target" '.layers[0].digest = $digest | .layers[0].size = $size | .subject.digest = $subject' "$WORK/manifest" >"$WORK/manifest.new"
	manifest=$(push_manifest "$REGISTRY_HOST" "$2" "" application/vnd.oci.image.manifest.v1+json "$WORK/manifest.new")
	jq -nc --arg digest "$manifest" --argjson size "$(wc -c <"$WORK/manifest.new")" '{schemaVersion: 2,
		mediaType: "application/vnd.oci.image.index.v1+json", manifests: [{mediaType: "application/vnd.oci.image.manifest.v1+json",
		artifactType: "application/vnd.dev.sigstore.bundle.v0.3+json", digest: $digest, size: $size}]}' >"$WORK/index"
	[[ -n $peer ]] || push_manifest "$REGISTRY_HOST" "$2" "${target/:/-}" application/vnd.oci.image.index.v1+json "$WORK/index" >/dev/null
}

for peer in '' "$registries/ggcr-registry"; do
	CIP_TEST_REGISTRY=$peer registry_start "$WORK/registry-${peer##*/}"
	for form in legacy rekor1 rekor2; do
		digest=$(again "prod/$form")
		cosign_write "$form" sign --identity-token "$token" "$REGISTRY_HOST/prod/$form@$digest"
		verify 3 verify-attestation --type "$predicate_type" "$REGISTRY_HOST/prod/$form@$digest"
		cosign_write "$form" attest --identity-token "$token" "${statement[@]}" "$REGISTRY_HOST/prod/$form@$digest"
		for image in "$REGISTRY_HOST/prod/$form@$digest" "$REGISTRY_HOST/prod/$form:v1"; do
			verify 0 verify "$image"
			verify 0 verify-attestation --type "$predicate_type" "$image"
			for command in verify "verify-attestation --type $predicate_type"; do
				# shellcheck disable=SC2086 # a command with its flag
				verify 3 $command --certificate-identity other@example.com "$image"
				# shellcheck disable=SC2086 # a command with its flag
				verify 3 $command --certificate-oidc-issuer "$ISSUER/other" "$image"
			done
			verify 3 verify-attestation --type "$predicate_type/other" "$image"
		done
	done

	digest=$(again prod/bundle) log='.layers[0].annotations'
	cosign_write rekor2 sign --identity-token "$token" "$REGISTRY_HOST/prod/bundle@$digest"
	other=sha256:$(printf '0%.0s' {1..64})
	refused legacy "it is about another image" . "$other"
	refused legacy "not verified, at log: " "del($log.\"dev.sigstore.cosign/bundle\")"
	refused legacy "not verified, at log-entry: " "$log.\"dev.cosignproject.cosign/signature\" |= $flip"
	refused legacy "not verified, at log-promise: " "$log.\"dev.sigstore.cosign/bundle\" |= (fromjson | .Payload.logIndex += 1 | tojson)"
	refused bundle "not verified, at artifact: " . "$other"
	refused bundle "not verified, at log: " 'del(.verificationMaterial.tlogEntries)'
	refused bundle "not verified, at time: " 'del(.verificationMaterial.timestampVerificationData)'
	refused bundle "not verified, at log-entry: " ".dsseEnvelope.signatures[0].sig |= $flip"
done
