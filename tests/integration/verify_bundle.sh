#!/usr/bin/env bash
# cip verify-bundle: the vectors of sigstore-conformance through the command line that its suite uses, each with the
# artifact as a file and as a digest; what cosign made; streams and exit codes.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

data=${CIP_SHARED_DATA:-$CIP_SOURCE_DIR/../shared/data}
vectors=$data/sigstore-conformance/bundle-verify
if [[ ! -d $vectors ]]; then
	echo "skipped: $vectors is not here"
	exit 0
fi

beacon=https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon
signer=(--certificate-identity "$beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main"
	--certificate-oidc-issuer https://token.actions.githubusercontent.com)

# ---- the vectors

count=0
for directory in "$vectors"/*/; do
	name=$(basename "$directory")
	artifact=$vectors/a.txt root=$data/sigstore-public-good/trusted_root.json who=("${signer[@]}")
	[[ ! -e $directory/artifact ]] || artifact=$directory/artifact
	[[ ! -e $directory/trusted_root.json ]] || root=$directory/trusted_root.json
	[[ ! -e $directory/key.pub ]] || who=(--key "$directory/key.pub")
	[[ ! -e $directory/identity ]] || who=(--certificate-identity "$(<"$directory/identity")"
		--certificate-oidc-issuer "$(<"$directory/issuer")")
	for what in "$artifact" "sha256:$(sha256sum <"$artifact" | cut -d' ' -f1)"; do
		status=0
		"$CIP" verify-bundle --bundle "$directory/bundle.sigstore.json" "${who[@]}" --trusted-root "$root" "$what" \
			>"$WORK/out" 2>"$WORK/err" || status=$?
		case $name:$status in
		*_fail:3 | managed-key-wrong-key_fail:1) [[ -s $WORK/err && ! -s $WORK/out ]] || fail "$name: wanted a reason on standard error" ;;
		*_fail:*) fail "$name: ended with $status: $(cat "$WORK/out" "$WORK/err")" ;;
		*:0) [[ -s $WORK/out && ! -s $WORK/err ]] || fail "$name: wanted the facts on standard output" ;;
		*) fail "$name: ended with $status: $(cat "$WORK/err")" ;;
		esac
		count=$((count + 1))
	done
done
((count >= 92)) || fail "only $count cases in $vectors"

# ---- what cosign made: an authority without a certificate transparency log must be said to be one

made=$data/cosign-made
digest=$(jq -r .bundle.digest "$made/facts.json")
who=(--certificate-identity "$(jq -r .identity "$made/facts.json")" --certificate-oidc-issuer "$(jq -r .issuer "$made/facts.json")")
for bundle in $(jq -r '.layers[].digest | sub(":"; "-")' "$made"/bundle/manifest-*.json); do
	common=(verify-bundle --bundle "$made/bundle/blobs/$bundle" --trusted-root "$made/trusted_root.json" "${who[@]}")
	cip_run 0 "${common[@]}" --insecure-ignore-sct "$digest"
	cip_run 3 "${common[@]}" "$digest"
	expect_has "$WORK/err" "not verified, at sct: "
	cip_run 3 "${common[@]}" --insecure-ignore-sct --certificate-identity nobody@example.com "$digest"
	expect_has "$WORK/err" "not verified, at identity: signed by \"promoter@example.com\""
	cip_run 3 "${common[@]}" --insecure-ignore-sct --output json "sha256:$(printf 'a%.0s' {1..64})"
	expect_equal "outcome in JSON" "false artifact invalid" "$(jq -r '"\(.verified) \(.failed) \(.error_kind)"' "$WORK/out")"
	cip_run 0 "${common[@]}" --insecure-ignore-sct --output json "$digest"
	expect_equal "facts in JSON" "true promoter@example.com 1 1" \
		"$(jq -r '"\(.verified) \(.identity) \(.times | length) \(.logs | length)"' "$WORK/out")"
done

# ---- regular expressions, found anywhere

common=(verify-bundle --bundle "$made/bundle/blobs/$bundle" --trusted-root "$made/trusted_root.json" --insecure-ignore-sct)
cip_run 0 "${common[@]}" --certificate-identity-regexp 'example\.com$' --certificate-oidc-issuer-regexp '^http://localhost' "$digest"
cip_run 0 "${common[@]}" --certificate-identity-regexp promoter --certificate-oidc-issuer http://localhost:8080 "$digest"
cip_run 3 "${common[@]}" --certificate-identity-regexp '^example' --certificate-oidc-issuer-regexp '^http://localhost' "$digest"
cip_run 3 "${common[@]}" --certificate-identity-regexp 'example\.com$' --certificate-oidc-issuer-regexp '^https' "$digest"
cip_run 2 "${common[@]}" --certificate-identity-regexp '(?=p)' --certificate-oidc-issuer-regexp . "$digest"
expect_has "$WORK/err" "--certificate-identity-regexp: regular expression, position 3: a group that RE2 does not have"
cip_run 2 "${common[@]}" --certificate-identity-regexp . --certificate-identity x --certificate-oidc-issuer-regexp . "$digest"
expect_has "$WORK/err" "exclude each other"

# ---- the trust root that is built in, on explicit wish: no network, no files

cip_run 0 verify-bundle --bundle "$vectors/happy-path-v0.3/bundle.sigstore.json" --built-in-trusted-root "${signer[@]}" "$vectors/a.txt"
[[ ! -e $HOME/.sigstore ]] || fail "the built-in trust root left something in $HOME"

# ---- wrong usage, and inputs that are not there

bundle=$vectors/happy-path-v0.3/bundle.sigstore.json root=$data/sigstore-public-good/trusted_root.json
wrong() {
	local message=$1
	shift
	cip_run 2 verify-bundle "$@"
	expect_has "$WORK/err" "$message"
}
wrong "--bundle says what" "${signer[@]}" --trusted-root "$root" a.txt
wrong "the artifact is missing" --bundle "$bundle" "${signer[@]}" --trusted-root "$root"
wrong "who must have signed" --bundle "$bundle" --trusted-root "$root" a.txt
wrong "who must have signed" --bundle "$bundle" --trusted-root "$root" "${signer[@]:0:2}" a.txt
wrong "stands instead of" --bundle "$bundle" --key k --trusted-root "$root" "${signer[@]}" a.txt
wrong "exclude each other" --bundle "$bundle" --trusted-root "$root" --built-in-trusted-root "${signer[@]}" "$vectors/a.txt"
cip_run 1 verify-bundle --bundle "$bundle" "${signer[@]}" --trusted-root "$WORK/none" "$vectors/a.txt"
cip_run 1 verify-bundle --bundle "$WORK/none" "${signer[@]}" --trusted-root "$root" "$vectors/a.txt"
cip_run 1 verify-bundle --bundle "$bundle" "${signer[@]}" --trusted-root "$root" "$WORK/none"
cip_run 1 verify-bundle --bundle "$bundle" "${signer[@]}" --trusted-root "$root" sha256:1234
