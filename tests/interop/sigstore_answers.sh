#!/usr/bin/env bash
# The fake Sigstore answers good and bad requests with the status that the real one does: tests over the fake mean
# something for the world.
# shellcheck source=tests/interop/sigstore_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/sigstore_lib.sh"
sigstore_peers
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../integration/lib.sh"

sigstore_start "$WORK/real"
real_issuer=$ISSUER real_fulcio=$FULCIO_URL real_rekor1=$REKOR1_URL real_rekor2=$REKOR2_URL real_tsa=$TSA_URL
fake_sigstore_start "$WORK/fake"
fake_rekor1=${REKOR_URL:?}
cd "$WORK"

compared=0 differ=0
# status URL [CURL-ARGUMENT...]
status() {
	curl --silent --noproxy '*' --output "$WORK/out" --write-out '%{http_code}' "${@:2}" "$1"
}

# count NAME REAL FAKE
count() {
	compared=$((compared + 1))
	[[ $2 == "$3" && $2 != 000 ]] || {
		echo "$1: $2 by the real one, $3 by the fake" >&2
		differ=$((differ + 1))
	}
}

# compare NAME REAL-URL FAKE-URL [CURL-ARGUMENT...]
compare() {
	count "$1" "$(status "$2" "${@:4}")" "$(status "$3" "${@:4}")"
}

# ---- keys and signatures

openssl ecparam -name prime256v1 -genkey -noout -out key.pem
openssl ecparam -name prime256v1 -genkey -noout -out other.pem
openssl pkey -in key.pem -pubout -out key.pub
openssl pkey -in key.pem -pubout -outform DER -out key.der
openssl req -new -key key.pem -subj /CN=x -out key.csr 2>"$WORK/err"
echo "what is signed" >text
printf promoter@example.com >challenge
for name in key other; do
	openssl dgst -sha256 -sign "$name.pem" -out "$name.sig" text
done
openssl dgst -sha256 -sign key.pem -out proof challenge
openssl dgst -sha256 -sign key.pem -out wrong-proof text
digest=$(sha256sum <text)
digest=${digest%% *}

base64_of() {
	base64 -w0 "$1"
}

# ---- Fulcio

# certify NAME BODY [QUERY]: with a token of each one's issuer
certify() {
	local name=$1 body=$2 real fake
	real=$(curl --silent --noproxy '*' "$real_issuer/token?${3:-}")
	fake=$(fake_sigstore_token "${3:-}")
	real=$(status "$real_fulcio/api/v2/signingCert" -H "Authorization: Bearer $real" --data "$body")
	fake=$(status "$FULCIO_URL/api/v2/signingCert" -H "Authorization: Bearer $fake" --data "$body")
	count "Fulcio, $name" "$real" "$fake"
}

# with_key PROOF [FILTER]
with_key() {
	jq -nc --rawfile pem key.pub --arg proof "$1" '{publicKeyRequest:
		{publicKey: {algorithm: "ECDSA", content: $pem}, proofOfPossession: $proof}}' | jq -c "${2:-.}"
}

proof=$(base64_of proof)
csr=$(jq -nc --arg csr "$(base64_of key.csr)" '{certificateSigningRequest: $csr}')
certify "a key" "$(with_key "$proof")"
certify "a request" "$csr"
certify "both" "$(with_key "$proof" ". + $csr")"
certify "wrong proof" "$(with_key "$(base64_of wrong-proof)")"
certify "no proof" "$(with_key "")"
certify "no key" "$(with_key "$proof" '.publicKeyRequest.publicKey.content = "x"')"
certify "an unknown algorithm" "$(with_key "$proof" '.publicKeyRequest.publicKey.algorithm = "RSA"')"
certify "an unknown field" "$(with_key "$proof" '.more = 1')"
certify "nothing" '{}'
certify "no JSON" '{'
for query in audience=other lifetime=-5 verified=false 'email=other@example.com'; do
	certify "token $query" "$(with_key "$proof")" "$query"
done
for header in 'X-Nothing: 1' 'Authorization: Bearer a.b.c'; do
	compare "Fulcio, $header" "$real_fulcio/api/v2/signingCert" "$FULCIO_URL/api/v2/signingCert" \
		-H "$header" --data "$(with_key "$proof")"
done
compare "Fulcio, GET" "$real_fulcio/api/v2/signingCert" "$FULCIO_URL/api/v2/signingCert"

# ---- Rekor 1

# log1 NAME BODY
log1() {
	compare "Rekor 1, $1" "$real_rekor1/api/v1/log/entries" "$fake_rekor1/api/v1/log/entries" \
		-H 'Content-Type: application/json' --data "$2"
}

# record SIGNATURE [FILTER]
record() {
	jq -nc --arg digest "$digest" --arg signature "$(base64_of "$1")" --arg key "$(base64_of key.pub)" '{apiVersion: "0.0.1",
		kind: "hashedrekord", spec: {data: {hash: {algorithm: "sha256", value: $digest}},
		signature: {content: $signature, publicKey: {content: $key}}}}' | jq -c "${2:-.}"
}

log1 "an entry" "$(record key.sig)"
log1 "the same again" "$(record key.sig)"
log1 "the same and more" "$(record key.sig '.spec.more = 1')"
log1 "wrong signature" "$(record other.sig)"
log1 "wrong digest" "$(record key.sig '.spec.data.hash.value |= sub("^.{8}"; "00000000")')"
log1 "short digest" "$(record key.sig '.spec.data.hash.value |= .[2:]')"
log1 "no key" "$(record key.sig '.spec.signature.publicKey.content = "eA=="')"
log1 "unknown kind" "$(record key.sig '.kind = "other"')"
log1 "unknown version" "$(record key.sig '.apiVersion = "9"')"
log1 "no JSON" '{'
log1 "wrong envelope" "$(jq -nc --arg signature "$(base64_of key.sig)" --arg key "$(base64_of key.pub)" \
	'{payload: "e30=", payloadType: "t", signatures: [{sig: $signature}]} | tojson | {apiVersion: "0.0.1", kind: "dsse",
	spec: {proposedContent: {envelope: ., verifiers: [$key]}}}')"
nobody=/api/v1/log/entries/$(printf '0%.0s' {1..64})
compare "Rekor 1, no entry" "$real_rekor1$nobody" "$fake_rekor1$nobody"

# ---- Rekor 2

# log2 NAME BODY
log2() {
	compare "Rekor 2, $1" "$real_rekor2/api/v2/log/entries" "$REKOR2_URL/api/v2/log/entries" \
		-H 'Content-Type: application/json' --data "$2"
}

# request SIGNATURE [FILTER of hashedRekordRequestV002]
request() {
	jq -nc --arg digest "$(openssl dgst -sha256 -binary text | base64 -w0)" --arg signature "$(base64_of "$1")" \
		--arg key "$(base64_of key.der)" '{digest: $digest, signature: {content: $signature, verifier:
		{publicKey: {rawBytes: $key}, keyDetails: "PKIX_ECDSA_P256_SHA_256"}}}' |
		jq -c "${2:-.} | {hashedRekordRequestV002: .}"
}

log2 "an entry" "$(request key.sig)"
log2 "the same again" "$(request key.sig)"
log2 "wrong signature" "$(request other.sig)"
log2 "short digest" "$(request key.sig '.digest = "YWJj"')"
log2 "another algorithm" "$(request key.sig '.signature.verifier.keyDetails = "PKIX_ECDSA_P384_SHA_384"')"
log2 "unknown algorithm" "$(request key.sig '.signature.verifier.keyDetails = "OTHER"')"
log2 "unknown field" "$(request key.sig '.more = 1')"
log2 "key and certificate" "$(request key.sig '.signature.verifier |= . + {x509Certificate: .publicKey}')"
log2 "an envelope" '{"dsseRequestV002":{"envelope":{}}}'
log2 "nothing" '{}'
log2 "no JSON" '{'

# ---- Timestamps

# stamp NAME TYPE FILE
stamp() {
	compare "timestamp, $1" "$real_tsa" "$TSA_URL" -H "Content-Type: $2" --data-binary "@$3"
}

openssl ts -query -data key.sig -sha256 -out query 2>"$WORK/err"
openssl ts -query -data key.sig -sha256 -cert -no_nonce -out short-query 2>"$WORK/err"
stamp "a question" application/timestamp-query query
stamp "without nonce" application/timestamp-query short-query
stamp "no question" application/timestamp-query text
stamp "another type" text/plain query

expect_equal "statuses that differ of $compared" 0 "$differ"
