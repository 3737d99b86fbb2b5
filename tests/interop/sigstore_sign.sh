#!/usr/bin/env bash
# What cip signs with the real Sigstore is accepted by cosign 3, by digest and by tag, with the right identity and no other.
# shellcheck source=tests/interop/sigstore_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/sigstore_lib.sh"
sigstore_peers
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../integration/lib.sh"

email=promoter@example.com
record=https://k8s.io/promo-tools/promotion/v1
sigstore_start "$WORK/sigstore"
identity_token "$email" >"$WORK/token"

# ---- files

echo "an artifact" >"$WORK/artifact"
digest=$(sha256sum <"$WORK/artifact")
printf '{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"it","digest":{"sha256":"%s"}}],"predicateType":"%s","predicate":{}}' \
	"${digest%% *}" "$record" >"$WORK/statement"
for config in "$SIGNING_CONFIG" "$SIGNING_CONFIG_REKOR1"; do
	sign=(sign-bundle --identity-token "$WORK/token" --trusted-root "$TRUSTED_ROOT" --signing-config "$config"
		--insecure-ignore-sct --bundle "$WORK/bundle")
	cip_run 0 "${sign[@]}" "$WORK/artifact"
	cosign_accepts verify-blob "$email" --bundle "$WORK/bundle" "$WORK/artifact"
	! cosign_read verify-blob "$email" --bundle "$WORK/bundle" "$WORK/statement" || fail "cosign accepts another artifact"
	cip_run 0 "${sign[@]}" --in-toto "$WORK/statement"
	cosign_accepts verify-blob-attestation "$email" --type "$record" --bundle "$WORK/bundle" "$WORK/artifact"
done

# ---- an answer of Rekor 1 that is lost: the entry is there, it is asked again, answers 409, and is believed

"$CIP_LOST_ANSWER" "${REKOR1_URL##*:}" >"$WORK/lost" 2>"$WORK/lost.err" &
registry_pids+=("$!")
until [[ -s $WORK/lost ]]; do sleep 0.02; done
cip_run 0 sign-bundle --identity-token "$WORK/token" --trusted-root "$TRUSTED_ROOT" --fulcio-url "$FULCIO_URL" \
	--rekor-url "http://127.0.0.1:$(head -n 1 "$WORK/lost")" --insecure-ignore-sct --bundle "$WORK/bundle" "$WORK/artifact"
expect_equal "what Rekor answered" "POST 201 POST 409 GET 200" "$(tail -n +2 "$WORK/lost" | paste -sd ' ')"
cosign_accepts verify-blob "$email" --bundle "$WORK/bundle" "$WORK/artifact"
