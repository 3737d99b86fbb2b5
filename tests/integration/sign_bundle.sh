#!/usr/bin/env bash
# cip sign-bundle against the fake Sigstore: what it writes verifies; faults of the token and of each service end it with
# the step and the cause, and leave the output as it was; tokens and keys are nowhere to be found afterwards.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

email=promoter@example.com
fake=$WORK/sigstore
fake_sigstore_start "$fake"
echo "an artifact" >"$WORK/artifact"
digest=$(sha256sum <"$WORK/artifact" | cut -d' ' -f1)
printf '{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"a","digest":{"sha256":"%s"}}],%s}' "$digest" \
	'"predicateType":"https://example.com/p","predicate":{}' >"$WORK/statement"
trust=(--trusted-root "$fake/trusted_root.json")
config=(--signing-config "$fake/signing_config.json")
config2=(--signing-config "$fake/signing_config_rekor_v2.json")
token=(--identity-token "$fake/token")

# sign EXIT ARGUMENT...
sign() {
	cip_run "$1" sign-bundle --bundle "$WORK/bundle" "${trust[@]}" "${@:2}"
}

# check [ARGUMENT...]: somebody else's view of the bundle
check() {
	cip_run 0 verify-bundle --bundle "$WORK/bundle" "${trust[@]}" --certificate-identity "$email" \
		--certificate-oidc-issuer "$OIDC_URL" "$@" "$WORK/artifact"
}

# wait_for_requests N: more than $before, which was their number
wait_for_requests() {
	local tries=500
	until (($(grep -c . "$fake/requests.log") >= before + $1)); do
		((tries-- > 0)) || fail "it does not get as far as the log"
		sleep 0.02
	done
}

# ---- what it writes

for services in "${config[*]}" "${config2[*]}" "--fulcio-url $FULCIO_URL --rekor-url $REKOR_URL" \
	"--fulcio-url $FULCIO_URL/ --rekor-v2-url $REKOR2_URL --timestamp-server-url $TSA_URL" \
	"${config[*]} --rekor-v2-url $REKOR2_URL"; do
	read -ra services <<<"$services"
	rm -f "$WORK/bundle"
	sign 0 "${token[@]}" "${services[@]}" "$WORK/artifact"
	expect_has "$WORK/err" "signed by \"$email\" (issuer $OIDC_URL), certificate "
	expect_equal "standard output" "" "$(cat "$WORK/out")"
	check
	sign 0 "${token[@]}" "${services[@]}" --in-toto "$WORK/statement"
	check
	expect_has "$WORK/out" "https://example.com/p"
done
expect_equal "kind of the last bundle" application/vnd.in-toto+json "$(jq -r .dsseEnvelope.payloadType "$WORK/bundle")"
jq -j '.dsseEnvelope.payload | @base64d' "$WORK/bundle" | cmp - "$WORK/statement"

# A variable instead of the flag; a literal token, which is warned of.
SIGSTORE_ID_TOKEN=$(<"$fake/token") sign 0 "${config[@]}" "$WORK/artifact"
check
sign 0 --identity-token "$(<"$fake/token")" "${config[@]}" "$WORK/artifact"
expect_has "$WORK/err" "better give a file"
check

# Links stay links, other files' rights stay.
rm "$WORK/bundle"
: >"$WORK/linked"
ln -s linked "$WORK/bundle"
sign 0 "${token[@]}" "${config[@]}" "$WORK/artifact"
[[ -L $WORK/bundle && -s $WORK/linked ]] || fail "the link was replaced"
check

# ---- what stays out of it: nothing was written, the step is named

rm "$WORK/bundle"
echo before >"$WORK/bundle"

# refuse WORDS EXIT ARGUMENT...
refuse() {
	sign "$2" "${@:3}"
	expect_has "$WORK/err" "$1"
	expect_lacks "$WORK/err" eyJ
	expect_equal "the bundle" before "$(<"$WORK/bundle")"
}

# faulty RULE WORDS [ARGUMENT...]: with Rekor 1, unless arguments say otherwise
faulty() {
	local services=("${config[@]}")
	(($# < 3)) || services=("${@:3}")
	fake_sigstore_fault "$1" >/dev/null
	refuse "$2" 1 "${token[@]}" "${services[@]}" "$WORK/artifact"
	fake_sigstore_fault
}

faulty "fulcio POST 1+ status 400" "Fulcio: POST $FULCIO_URL/api/v2/signingCert: the server answered 400"
faulty "fulcio POST 1+ status 500" "the server answered 500"
faulty "fulcio POST 1+ stall" "Fulcio" "${config[@]}" --timeout 200ms
faulty "fulcio POST 1 garbage" "Fulcio"
faulty "fulcio POST 1 huge" "Fulcio"
faulty "fulcio POST 1 wrong-identity" "for another identity: \"somebody-else@example.com\""
faulty "fulcio POST 1 wrong-key" "for another key"
faulty "fulcio POST 1 expired" "clock"
faulty "fulcio POST 1 wrong-authority" "a certificate that must not be used"
faulty "fulcio POST 1 no-sct" "SCTs of 0 certificate transparency logs"
faulty "fulcio POST 1 bad-sct" "SCT"
faulty "fulcio POST 1 detached" "This Fulcio embeds none"
faulty "rekor1 POST 1+ wrong-entry" "what Rekor ($REKOR_URL) gave does not verify (step \"log-entry\""
faulty "rekor1 POST 1+ bad-set" "step \"log-promise\""
faulty "rekor1 POST 1+ bad-proof" "step \"log-inclusion\""
faulty "rekor1 POST 1+ status 400" "$REKOR_URL"
faulty "rekor2 POST 1+ bad-checkpoint" "step \"log-checkpoint\"" "${config2[@]}"
faulty "rekor2 POST 1+ status 409" "409" "${config2[@]}"
faulty "tsa POST 1+ bad-signature" "what the timestamp authority ($TSA_URL) gave does not verify (step \"timestamp\"" "${config2[@]}"
faulty "tsa POST 1+ wrong-nonce" "$TSA_URL" "${config2[@]}"
faulty "tsa POST 1+ late 900" "step \"certificate\"" "${config2[@]}"

# An authority without a log is good for whoever says so.
fake_sigstore_fault "fulcio POST 1 detached" >/dev/null
sign 0 "${token[@]}" "${config[@]}" --insecure-ignore-sct "$WORK/artifact"
check --insecure-ignore-sct
echo before >"$WORK/bundle"
fake_sigstore_fault

# Tokens.
rejected() {
	fake_sigstore_token "$1" >"$WORK/token"
	refuse "$2" 1 --identity-token "$WORK/token" "${config[@]}" "$WORK/artifact"
}
rejected "lifetime=-60" "expired"
rejected "audience=other" "other"
rejected "verified=false" "is not verified"
refuse "nor the name of a file" 2 --identity-token "$WORK/nonexistent" "${config[@]}" "$WORK/artifact"
refuse "instead of \"release@example.com\"" 1 "${token[@]}" "${config[@]}" --certificate-identity release@example.com \
	"$WORK/artifact"
refuse "instead of \"https://example.com\"" 1 "${token[@]}" "${config[@]}" --certificate-oidc-issuer https://example.com \
	"$WORK/artifact"

# Input and usage.
refuse "$WORK/artifact: " 1 "${token[@]}" "${config[@]}" --in-toto "$WORK/artifact"
jq -c '.subject[0].digest = {"sha1": "00"}' "$WORK/statement" >"$WORK/other-statement"
refuse "names no subject" 1 "${token[@]}" "${config[@]}" --in-toto "$WORK/other-statement"
refuse "$WORK/nothing" 1 "${token[@]}" "${config[@]}" "$WORK/nothing"
refuse "only https" 2 "${token[@]}" --fulcio-url http://fulcio.example.com --rekor-url "$REKOR_URL" "$WORK/artifact"
refuse "needs a timestamp authority" 2 "${token[@]}" --fulcio-url "$FULCIO_URL" --rekor-v2-url "$REKOR2_URL" "$WORK/artifact"
refuse "the file that is to be signed is missing" 2 "${token[@]}" "${config[@]}"
refuse "not that of --staging" 2 "${token[@]}" "${config[@]}" --trusted-root "" --staging --built-in-trusted-root "$WORK/artifact"
cip_run 2 sign-bundle "$WORK/artifact"
expect_has "$WORK/err" "--bundle"
before=$(wc -l <"$fake/requests.log")
cip_run 1 sign-bundle --bundle "$WORK/no/such/directory" "${trust[@]}" "${token[@]}" "${config[@]}" "$WORK/artifact"
expect_has "$WORK/err" "$WORK/no/such"
expect_equal "requests for nothing" "$before" "$(wc -l <"$fake/requests.log")"

# A token goes to Fulcio alone, and not after a redirect.
fake_sigstore_fault "fulcio POST 1+ status 307 Location: $REKOR_URL/stolen" >/dev/null
refuse "Fulcio" 1 "${token[@]}" "${config[@]}" "$WORK/artifact"
fake_sigstore_fault
expect_lacks "$fake/requests.log" stolen

# ---- interrupted while a log takes its time

echo before >"$WORK/bundle"
fake_sigstore_fault "rekor1 POST 1+ stall" >/dev/null
before=$(grep -c . "$fake/requests.log")
"$CIP" sign-bundle --bundle "$WORK/bundle" "${trust[@]}" "${token[@]}" "${config[@]}" "$WORK/artifact" \
	>"$WORK/out" 2>"$WORK/err" </dev/null &
pid=$!
wait_for_requests 3
kill -INT "$pid"
status=0
wait "$pid" || status=$?
expect_equal "exit code after SIGINT" 130 "$status"
expect_equal "the bundle" before "$(<"$WORK/bundle")"
fake_sigstore_fault

# ---- secrets

# All that a process leaves behind: files, what it said at its most talkative, its arguments and environment while it
# waits for a service. The third part of a token is what makes it one; keys would be PEM or DER.
secret=$(cut -d. -f3 "$fake/token" | cut -c1-40)
mkdir "$WORK/tmp"
fake_sigstore_fault "rekor1 POST 1 delay 1500" >/dev/null
before=$(grep -c . "$fake/requests.log")
TMPDIR=$WORK/tmp "$CIP" sign-bundle --log-level trace --bundle "$WORK/bundle" "${trust[@]}" --identity-token "$(<"$fake/token")" \
	"${config[@]}" "$WORK/artifact" >"$WORK/trace" 2>&1 </dev/null &
pid=$!
wait_for_requests 3
tr '\0' '\n' <"/proc/$pid/cmdline" >"$WORK/argv"
wait "$pid" || fail "it did not sign: $(cat "$WORK/trace")"
fake_sigstore_fault
check
expect_has "$WORK/argv" --identity-token
expect_has "$WORK/trace" "debug: Fulcio"
expect_equal "files with secrets" "$fake/token" \
	"$(grep -rlaF -e "$secret" -e "PRIVATE KEY" "$WORK" --exclude-dir=home | grep -v "^$WORK/token$")"
expect_equal "temporary files" "" "$(find "$WORK/tmp" "$HOME" -type f)"
