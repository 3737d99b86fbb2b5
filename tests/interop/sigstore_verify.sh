#!/usr/bin/env bash
# What cosign 3 signs and attests with the real Sigstore verifies with cip, with each log, in a registry with the
# referrers API and in one without; and does not for another identity, issuer or artifact.
# shellcheck source=tests/interop/sigstore_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/sigstore_lib.sh"
sigstore_peers
registries=$("$(dirname "${BASH_SOURCE[0]}")/../../tools/install-peers" --where registries) || exit 77
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../integration/lib.sh"

email=signer@example.com predicate_type=https://k8s.io/promo-tools/promotion/v1
sigstore_start "$WORK/sigstore"
token=$(identity_token "$email")
statement=(--predicate "$WORK/predicate" --type "$predicate_type")
echo '{"note": "any JSON"}' >"$WORK/predicate"

# ---- bundles, as files

# verify_bundle EXIT [ARGUMENT...] ARTIFACT; a flag that is repeated counts the last time
verify_bundle() {
	cip_run "$1" verify-bundle --bundle "$WORK/bundle" --trusted-root "$TRUSTED_ROOT" --certificate-identity "$email" \
		--certificate-oidc-issuer "$ISSUER" "${@:2}"
}

echo "an artifact" >"$WORK/artifact"
for form in rekor1 rekor2; do
	for command in sign-blob attest-blob; do
		more=()
		[[ $command == sign-blob ]] || more=("${statement[@]}")
		cosign_write "$form" "$command" --identity-token "$token" --bundle "$WORK/bundle" "${more[@]}" "$WORK/artifact"
		verify_bundle 0 --insecure-ignore-sct "$WORK/artifact"
		verify_bundle 3 "$WORK/artifact"
		expect_has "$WORK/err" "not verified, at sct: "
		verify_bundle 3 --insecure-ignore-sct "$WORK/predicate"
		expect_has "$WORK/err" "not verified, at artifact: "
		verify_bundle 3 --insecure-ignore-sct --certificate-identity other@example.com "$WORK/artifact"
		expect_has "$WORK/err" "not verified, at identity: "
		verify_bundle 3 --insecure-ignore-sct --certificate-oidc-issuer "$ISSUER/other" "$WORK/artifact"
		expect_has "$WORK/err" "not verified, at identity: "
	done
done

# ---- bundles that refer to an image

# referrers HOST REPOSITORY DIGEST: their digests, from the API or the tag that stands for it
referrers() {
	local types=application/vnd.oci.image.index.v1+json
	registry_curl -H "Accept: $types" "http://$1/v2/$2/referrers/$3" 2>"$WORK/err" ||
		registry_curl -H "Accept: $types" "http://$1/v2/$2/manifests/${3/:/-}"
}

for peer in '' "$registries/ggcr-registry"; do
	CIP_TEST_REGISTRY=$peer registry_start "$WORK/registry-${peer##*/}"
	digest=$(push_image "$REGISTRY_HOST" prod/app v1)
	for form in rekor1 rekor2; do
		cosign_write "$form" sign --identity-token "$token" "$REGISTRY_HOST/prod/app@$digest"
		cosign_write "$form" attest --identity-token "$token" "${statement[@]}" "$REGISTRY_HOST/prod/app@$digest"
	done
	count=0
	for referrer in $(referrers "$REGISTRY_HOST" prod/app "$digest" | jq -r '.manifests[].digest'); do
		layer=$(registry_curl -H "Accept: $registry_manifest_types" "http://$REGISTRY_HOST/v2/prod/app/manifests/$referrer" |
			jq -r '.layers[0].digest')
		registry_curl -o "$WORK/bundle" "http://$REGISTRY_HOST/v2/prod/app/blobs/$layer"
		verify_bundle 0 --insecure-ignore-sct "$digest"
		verify_bundle 3 --insecure-ignore-sct "sha256:$(printf '0%.0s' {1..64})"
		count=$((count + 1))
	done
	expect_equal "bundles in ${peer:-docker-registry}" 4 "$count"
done
