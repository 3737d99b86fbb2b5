#!/usr/bin/env bash
# Who signs: every place that gives jobs an identity token, as far as the fake Sigstore plays it, through the binary and up to
# the name in the certificate.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

unset SIGSTORE_ID_TOKEN GITLAB_CI GOOGLE_SERVICE_ACCOUNT_NAME SPIFFE_ENDPOINT_SOCKET SPIFFE_JWT_SVID_FILE
unset "${!ACTIONS_@}" "${!BUILDKITE_@}"
fake=$WORK/sigstore
fake_sigstore_start "$fake"
echo "an artifact" >"$WORK/artifact"

# sign EXIT VARIABLE=VALUE... -- ARGUMENT...
sign() {
	local wanted=$1 variables=()
	shift
	while [[ $1 != -- ]]; do
		variables+=("$1")
		shift
	done
	(
		((${#variables[@]} == 0)) || export "${variables[@]}"
		cip_run "$wanted" sign-bundle --log-level trace --bundle "$WORK/bundle" --trusted-root "$fake/trusted_root.json" \
			--signing-config "$fake/signing_config.json" "${@:2}" "$WORK/artifact"
	)
	expect_lacks "$WORK/err" eyJ
	expect_lacks "$WORK/err" -secret
}

# signed IDENTITY PROVIDER VARIABLE=VALUE... -- ARGUMENT...
signed() {
	sign 0 "${@:3}"
	expect_has "$WORK/err" "signed by \"$1\""
	expect_has "$WORK/err" "identity token by $2: "
}

# refused WORDS EXIT VARIABLE=VALUE... -- ARGUMENT...
refused() {
	sign "${@:2}"
	expect_has "$WORK/err" "$1"
}

actions=("ACTIONS_ID_TOKEN_REQUEST_URL=$OIDC_URL/actions/token?api-version=2.0" ACTIONS_ID_TOKEN_REQUEST_TOKEN=actions-secret)
buildkite=("BUILDKITE_AGENT_ENDPOINT=$OIDC_URL/v3" BUILDKITE_AGENT_ACCESS_TOKEN=buildkite-secret BUILDKITE_JOB_ID=0192-job)
machine=("GCE_METADATA_HOST=${OIDC_URL#http://}" NO_GCE_CHECK=)
workflow=https://github.com/example/images/.github/workflows/promote.yml@refs/heads/main

signed "$workflow" github-actions "${actions[@]}" --
signed https://buildkite.com/example/promote buildkite-agent "${buildkite[@]}" --
signed machine@p google-workload-identity "${machine[@]}" --
signed promoter@example.com gitlab GITLAB_CI=true "MY_TOKEN=$(<"$fake/token")" --
fake_sigstore_token issuer=spiffe >"$WORK/svid"
signed spiffe://example.com/promoter spiffe "SPIFFE_JWT_SVID_FILE=$WORK/svid" --
fake_sigstore_token issuer=kubernetes >"$WORK/projected"
signed https://kubernetes.io/namespaces/promoter/serviceaccounts/promoter identity-token -- --identity-token "$WORK/projected"

# A person's login that stands for a service account: the file says so.
cat >"$WORK/adc.json" <<-END
	{"type": "impersonated_service_account", "delegates": [],
	 "service_account_impersonation_url": "$OIDC_URL/v1/projects/-/serviceAccounts/signer@p:generateAccessToken",
	 "source_credentials": {"type": "authorized_user", "client_id": "client", "client_secret": "client-secret",
	  "refresh_token": "refresh-secret", "token_uri": "$OIDC_URL/token"}}
END
signed signer@p google-workload-identity "GOOGLE_APPLICATION_CREDENTIALS=$WORK/adc.json" --

# The order, and what leaves it.
signed "$workflow" github-actions "${actions[@]}" "${buildkite[@]}" "${machine[@]}" --
signed https://buildkite.com/example/promote buildkite-agent "${actions[@]}" "${buildkite[@]}" -- --oidc-provider buildkite-agent
signed promoter@example.com envvar "SIGSTORE_ID_TOKEN=$(<"$fake/token")" "${actions[@]}" --
refused "who signs?" 1 "${actions[@]}" -- --oidc-disable-ambient-providers
refused "id-token: write" 1 --
refused "envvar|filesystem|github-actions" 2 -- --oidc-provider github
refused "is not there" 1 -- --oidc-provider github-actions

# One that is there and fails.
refused "status 401: the job's secret was refused" 1 "${actions[@]}" ACTIONS_ID_TOKEN_REQUEST_TOKEN=wrong-one "${buildkite[@]}" --
refused "the job's secret is not sent there" 2 "${actions[@]}" ACTIONS_ID_TOKEN_REQUEST_URL=http://example.com/ --
refused "let spiffe-helper keep a JWT-SVID" 1 SPIFFE_ENDPOINT_SOCKET=unix:///run/spire.sock --
fake_sigstore_fault "oidc GET 1 huge" >/dev/null
refused "identity token by github-actions: " 1 "${actions[@]}" --
fake_sigstore_fault
fake_sigstore_fault "oidc POST 1 garbage" >/dev/null
refused "identity token by buildkite-agent: " 1 "${buildkite[@]}" --
fake_sigstore_fault
