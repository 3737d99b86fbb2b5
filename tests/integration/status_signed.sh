#!/usr/bin/env bash
# `cip status` of signatures: what lists show is assumed, what --verify-depth=full reads is verified; missing signatures
# and records, those of somebody else, and bundles that hide ours. Nothing is written, no service is asked.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

registry_start "$WORK/registry"
host=$REGISTRY_HOST log=$REGISTRY_LOG
prod=$WORK/registry/data/docker/registry/v2/repositories/prod/app/_manifests/tags
fake_sigstore_start "$WORK/sigstore"
calls=$WORK/sigstore/requests.log
: >>"$calls"
unset SIGSTORE_ID_TOKEN TUF_MIRROR TUF_ROOT TUF_ROOT_JSON
root=(--trusted-root "$WORK/sigstore/trusted_root.json")
services=(--fulcio-url "$FULCIO_URL" --rekor-url "$REKOR_URL" "${root[@]}")
us=(--certificate-identity promoter@example.com --certificate-oidc-issuer "$OIDC_URL")
fake_sigstore_token email=other@example.com >"$WORK/other"

status() {
	local wanted=$1
	shift
	cip_run "$wanted" status --thin-manifest-dir "$tree" --output=json "$@"
	mv "$WORK/out" "$WORK/status.json"
}
told() {
	expect_equal "$1" "$2" "$(jq -c -r "$3" "$WORK/status.json")"
}
drift() {
	told "$1" "$2" '.totals.drift | to_entries | map(select(.value > 0) | "\(.key) \(.value)") | join(", ")'
}
signed() {
	told "$1" "$2" '.totals.signed | "\(.assumed) assumed, \(.verified) verified"'
}
full() {
	local wanted=$1
	shift
	status "$wanted" --verify-depth=full "${root[@]}" "$@"
}

tree=$WORK/tree
one=$(push_image "$host" staging/app v1)
two=$(push_image "$host" staging/app v2)
tree_project "$tree" app "$host/staging" "$host/prod" "$host/zone"
tree_image "$tree" app app
tree_digest "$tree" app "$one" v1
tree_digest "$tree" app "$two" v2

# Images are there before anything is signed.
cip_run 0 --thin-manifest-dir "$tree" --confirm --sign=false
status 3
drift "before signing" "unsigned 2, unrecorded 2"
told "where it is lacking" "$host/prod/app" '[.items[].repository] | unique | join(" ")'
told "in place" "2 4" '"\(.totals.images_in_place) \(.totals.tags_in_place)"'
status 0 --sign=false
drift "without signatures" ""

# The job signs what is in place; a list shows it.
cip_run 0 --thin-manifest-dir "$tree" --confirm --sweep=0 --identity-token "$WORK/sigstore/token" "${us[@]}" "${services[@]}"
status 3
drift "signed at the primary" "mirror 4"
told "where" "$host/zone/app" '[.items[].repository] | unique | join(" ")'
cip_run 0 --thin-manifest-dir "$tree" --confirm --replicate --sweep=0 --identity-token "$WORK/sigstore/token" "${us[@]}" "${services[@]}"
cp "$calls" "$WORK/calls"
log_mark "$log"
status 0
drift "signed" ""
signed "by the list" "2 assumed, 0 verified"

# Read and verified, as exactly one identity. Nothing is written, nobody asked.
full 0 "${us[@]}"
drift "read" ""
signed "read" "0 assumed, 2 verified"
full 3 --certificate-identity other@example.com --certificate-oidc-issuer "$OIDC_URL"
drift "as somebody else" "unsigned 2, unrecorded 2"
signed "as somebody else" "0 assumed, 0 verified"
told "what is there instead" 2 \
	'[.items[] | select(.message // "" | test("no signature among them that is by other@example.com"))] | length'
expect_equal "requests that are no reads" 0 "$(since "$log" '^(POST|PUT|PATCH|DELETE)')"
cmp "$calls" "$WORK/calls" || fail "a service was asked"

# One in two, each in its hour: all of them are known anyhow.
status 0 "${root[@]}" "${us[@]}" --sweep=2
told "swept" 2 '.totals.signed.assumed + .totals.signed.verified'

# By hand: a signature taken away, a record.
mv "$prod/sha256-${one#sha256:}.sig" "$prod/sha256-${two#sha256:}.att" "$WORK"
status 3
drift "taken away" "unsigned 1, unrecorded 1"
told "which" "unsigned $one, unrecorded $two" '[.items[] | "\(.kind) \(.digest)"] | join(", ")'
signed "the other" "1 assumed, 0 verified"
full 3 "${us[@]}"
drift "taken away, read" "unsigned 1, unrecorded 1"
mv "$WORK/sha256-${one#sha256:}.sig" "$WORK/sha256-${two#sha256:}.att" "$prod"

# Somebody else's under our tag: only who reads sees that it is not ours.
rm -r "$prod/sha256-${one#sha256:}.sig" "$prod/sha256-${one#sha256:}.att"
cip_run 0 --thin-manifest-dir "$tree" --confirm --replicate --sweep=0 --identity-token "$WORK/other" "${services[@]}"
status 0
full 3 "${us[@]}"
drift "somebody else's" "unsigned 1, unrecorded 1"
signed "the other" "0 assumed, 1 verified"

# A bundle of somebody else hides our older form from whoever looks at bundles first.
cip_run 0 --thin-manifest-dir "$tree" --confirm --replicate --verify-depth=full --identity-token "$WORK/sigstore/token" "${us[@]}" \
	"${services[@]}"
full 0 "${us[@]}"
cip_run 0 --thin-manifest-dir "$tree" --confirm --replicate --verify-depth=full --identity-token "$WORK/other" "${services[@]}" \
	--signature-format=bundle
full 3 "${us[@]}"
drift "a bundle of somebody else" "foreign-bundle 2, unrecorded 2"
bundle=$(registry_curl --header "Accept: $registry_manifest_types" "http://$host/v2/prod/app/manifests/${one/:/-}" | jq -r '.manifests[].digest')
named=$(jq -r --arg one "$one" '.items[] | select(.kind == "foreign-bundle" and .digest == $one) | .message' "$WORK/status.json")
[[ $named =~ sha256:[0-9a-f]{64} ]] || fail "the bundle is not named: $named"
grep -qF "${BASH_REMATCH[0]}" <<<"$bundle" || fail "named is ${BASH_REMATCH[0]}, attached are $bundle"
cip_run 0 --thin-manifest-dir "$tree" --confirm --replicate --verify-depth=full --identity-token "$WORK/sigstore/token" "${us[@]}" \
	"${services[@]}"
full 0 "${us[@]}"

# Wrong usage.
cip_run 2 status --thin-manifest-dir "$tree" --verify-depth=full "${root[@]}"
expect_has "$WORK/err" "need --certificate-identity and --certificate-oidc-issuer"
cip_run 1 status --thin-manifest-dir "$tree" --verify-depth=full "${us[@]}" --trusted-root "$WORK/nothing.json"
expect_has "$WORK/err" "trust root"
