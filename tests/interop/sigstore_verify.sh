#!/usr/bin/env bash
# Files that cosign 3 signs and attests with the real Sigstore verify with cip, with each log; and do not for another
# identity, issuer or artifact.
# shellcheck source=tests/interop/sigstore_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/sigstore_lib.sh"
sigstore_peers
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../integration/lib.sh"

email=signer@example.com predicate_type=https://k8s.io/promo-tools/promotion/v1
sigstore_start "$WORK/sigstore"
token=$(identity_token "$email")
statement=(--predicate "$WORK/predicate" --type "$predicate_type")
echo '{"note": "any JSON"}' >"$WORK/predicate"

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
