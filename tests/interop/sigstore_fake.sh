#!/usr/bin/env bash
# The fake Sigstore is close enough to the real one for cosign 3: it signs with it and verifies what it signed, in
# all forms, with certificate transparency, which the real stack of the other tests has not. cip verifies that too, and
# cosign what cip signs.
# shellcheck source=tests/interop/sigstore_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/sigstore_lib.sh"
sigstore_peers
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../integration/lib.sh"

type=https://example.com/test/v1
email=promoter@example.com
echo '{"note": "any JSON"}' >"$WORK/predicate"
echo "an artifact" >"$WORK/artifact"
printf '{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"a","digest":{"sha256":"%s"}}],"predicateType":"%s","predicate":{}}' \
	"$(sha256sum <"$WORK/artifact" | cut -d' ' -f1)" "$type" >"$WORK/statement"

# check COMMAND ...: with cosign, transparency included
check() {
	local command=$1
	shift
	cosign "$command" --trusted-root "$SIGSTORE/trusted_root.json" --certificate-identity "$email" \
		--certificate-oidc-issuer "$OIDC_URL" "$@" || fail "cosign $command: $(cat "$SIGSTORE/cosign.err")"
}

# sign COMMAND ...
sign() {
	local command=$1
	shift
	cosign "$command" --yes --trusted-root "$SIGSTORE/trusted_root.json" \
		--identity-token "$(cat "$SIGSTORE/token")" "$@" || fail "cosign $command: $(cat "$SIGSTORE/cosign.err")"
}

check_files() {
	local config=$1 bundle=$WORK/bundle
	sign sign-blob --signing-config "$config" --bundle "$bundle" "$WORK/artifact"
	check verify-blob --bundle "$bundle" "$WORK/artifact"
	check_with_cip
	sign attest-blob --signing-config "$config" --bundle "$bundle" --predicate "$WORK/predicate" --type "$type" \
		"$WORK/artifact"
	check verify-blob-attestation --type "$type" --bundle "$bundle" "$WORK/artifact"
	check_with_cip
}

# What cip signs, with the configuration for cosign.
check_cips() {
	local config=$1 bundle=$WORK/bundle
	local -a services=(--signing-config "$config" --trusted-root "$SIGSTORE/trusted_root.json")
	services+=(--identity-token "$SIGSTORE/token" --bundle "$bundle")
	cip_run 0 sign-bundle "${services[@]}" "$WORK/artifact"
	check verify-blob --bundle "$bundle" "$WORK/artifact"
	cip_run 0 sign-bundle "${services[@]}" --in-toto "$WORK/statement"
	check verify-blob-attestation --type "$type" --bundle "$bundle" "$WORK/artifact"
}

check_with_cip() {
	cip_run 0 verify-bundle --bundle "$WORK/bundle" --trusted-root "$SIGSTORE/trusted_root.json" \
		--certificate-identity "$email" --certificate-oidc-issuer "$OIDC_URL" "$WORK/artifact"
}

check_image() {
	local image=$1
	local -a http=(--allow-http-registry) legacy=(--allow-http-registry --new-bundle-format=false)
	local -a services=(--use-signing-config=false --fulcio-url "$FULCIO_URL" --rekor-url "$REKOR_URL")
	services+=(--timestamp-server-url "$TSA_URL")
	sign sign "${legacy[@]}" "${services[@]}" "$image"
	check verify "${legacy[@]}" "$image"
	sign attest "${legacy[@]}" "${services[@]}" --predicate "$WORK/predicate" --type "$type" "$image"
	check verify-attestation "${legacy[@]}" --type "$type" "$image"
	sign sign "${http[@]}" --signing-config "$SIGSTORE/signing_config_rekor_v2.json" "$image"
	check verify "${http[@]}" "$image"
}

# check_job NAME: what the job promotes and signs, in both forms; statements too.
check_job() {
	local tree=$SIGSTORE/tree image=$REGISTRY_HOST/prod/$1/job job_digest
	local record=https://k8s.io/promo-tools/promotion/v1
	job_digest=$(push_image "$REGISTRY_HOST" "staging/$1/job" v1)
	tree_project "$tree" web "$REGISTRY_HOST/staging/$1" "$REGISTRY_HOST/prod/$1"
	tree_image "$tree" web job
	tree_digest "$tree" web "$job_digest" v1
	cip_run 0 --thin-manifest-dir "$tree" --confirm --signature-format=both --sweep=0 --identity-token "$SIGSTORE/token" \
		--signing-config "$SIGSTORE/signing_config.json" --trusted-root "$SIGSTORE/trusted_root.json"
	check verify --allow-http-registry "$image:v1"
	check verify --allow-http-registry --new-bundle-format=false "$image@$job_digest"
	check verify-attestation --allow-http-registry --type "$record" "$image:v1"
	check verify-attestation --allow-http-registry --new-bundle-format=false --type "$record" "$image@$job_digest"
}

registry_start "$WORK/registry"
digest=$(push_image "$REGISTRY_HOST" prod/app v1)
for transparency in --rekor2-wait=50 --static-ct; do
	SIGSTORE=$WORK/sigstore$transparency
	fake_sigstore_start "$SIGSTORE" "$transparency"
	check_files "$SIGSTORE/signing_config.json"
	check_files "$SIGSTORE/signing_config_rekor_v2.json"
	check_cips "$SIGSTORE/signing_config.json"
	check_cips "$SIGSTORE/signing_config_rekor_v2.json"
	check_image "$REGISTRY_HOST/prod/app@$digest"
	check_job "${transparency//[^a-z0-9]/}"
done

# Transparency counts: without it, or with a wrong one, nobody accepts what cosign has signed.
for fault in no-sct bad-sct unknown-sct; do
	fake_sigstore_fault "fulcio POST 1 $fault"
	sign sign-blob --signing-config "$SIGSTORE/signing_config.json" --bundle "$WORK/bundle" "$WORK/artifact"
	! (check verify-blob --bundle "$WORK/bundle" "$WORK/artifact") 2>"$WORK/err" || fail "cosign accepts $fault"
	cip_run 3 verify-bundle --bundle "$WORK/bundle" --trusted-root "$SIGSTORE/trusted_root.json" \
		--certificate-identity "$email" --certificate-oidc-issuer "$OIDC_URL" "$WORK/artifact"
	expect_has "$WORK/err" "not verified, at sct: "
done
