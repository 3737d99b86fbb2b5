#!/usr/bin/env bash
# What the job has signed in the primary is as good at its mirrors once it is replicated, in both forms.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tests/integration/replicate_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/replicate_lib.sh"
# shellcheck source=tools/lib/sigstore.sh
. "$CIP_SOURCE_DIR/tools/lib/sigstore.sh"

registry_start "$WORK/registry"
host=$REGISTRY_HOST log=$REGISTRY_LOG
fake_sigstore_start "$WORK/sigstore"
unset SIGSTORE_ID_TOKEN TUF_MIRROR TUF_ROOT TUF_ROOT_JSON
cat >"$WORK/cip.yaml" <<-END
	sigstore:
	  fulcio_url: $FULCIO_URL
	  rekor_url: $REKOR_URL
	  trusted_root: $WORK/sigstore/trusted_root.json
	signatures:
	  identities:
	    $host/a: registry.example.com
	    $host/b: registry.example.com
	    $host/c: registry.example.com
	  canonical_registry: $host/b
END
who=(--certificate-identity promoter@example.com --certificate-oidc-issuer "$OIDC_URL")

# verify WANTED-EXIT REPOSITORY [OPTION...]
verify() {
	local wanted=$1 image=$host/$2@$digest
	shift 2
	cip_run "$wanted" verify --config "$WORK/cip.yaml" "${who[@]}" "$@" "$image"
}

for form in legacy bundle both; do
	digest=$(push_image "$host" "staging/$form" v1)
	tree=$WORK/$form
	tree_project "$tree" web "$host/staging" "$host/a" "$host/b" "$host/c"
	tree_image "$tree" web "$form"
	tree_digest "$tree" web "$digest" v1
	cip_run 0 --thin-manifest-dir "$tree" --confirm --config "$WORK/cip.yaml" --sweep=0 --identity-token "$WORK/sigstore/token" \
		"${who[@]}" --signature-format "$form"
	verify 0 "b/$form"
	verify 3 "a/$form"
	replicate 0 --confirm --config "$WORK/cip.yaml"
	verify 0 "a/$form"
	verify 0 "c/$form"
	log_mark "$log"
	replicate 0 --confirm --config "$WORK/cip.yaml"
	expect_equal "writes of the second run" 0 "$(since "$log" '^(POST|PUT|PATCH|DELETE)')"
done

# ---- in one run of the job: what it has just signed, which no list has shown

for form in legacy bundle both; do
	digest=$(push_image "$host" "staging/$form-at-once" v1)
	tree=$WORK/$form-at-once
	tree_project "$tree" web "$host/staging" "$host/a" "$host/b" "$host/c"
	tree_image "$tree" web "$form-at-once"
	tree_digest "$tree" web "$digest" v1
	for i in 1 2; do
		log_mark "$log"
		cip_run 0 --thin-manifest-dir "$tree" --confirm --config "$WORK/cip.yaml" --sweep=0 --identity-token "$WORK/sigstore/token" \
			"${who[@]}" --signature-format "$form" --replicate
	done
	expect_equal "writes of the second run" 0 "$(since "$log" '^(POST|PUT|PATCH|DELETE)')"
	for repository in a b c; do verify 0 "$repository/$form-at-once"; done
	replicate 0 --confirm --config "$WORK/cip.yaml"
	expect_equal "what is left to replicate" "" "$(cat "$WORK/out")"
done

# ---- a mirror with many layers of its own: what somebody who is listed has signed stays, the rest goes (trust rule 15)

digest=$(push_image "$host" staging/flooded v1)
tree=$WORK/flooded
tree_project "$tree" web "$host/staging" "$host/a" "$host/b"
tree_image "$tree" web flooded
tree_digest "$tree" web "$digest" v1
sig_tag=${digest/:/-}.sig
manifest_of() { registry_curl --header "Accept: $registry_manifest_types" "http://$host/v2/$1/manifests/$sig_tag"; }
layers_of() { manifest_of "$1" | jq -c "[.layers[].annotations[\"dev.cosignproject.cosign/signature\"]]"; }
sign_at() {
	sed "s|canonical_registry: .*|canonical_registry: $host/$1|" "$WORK/cip.yaml" >"$WORK/at.yaml"
	cip_run 0 --thin-manifest-dir "$tree" --confirm --config "$WORK/at.yaml" --sweep=0 --identity-token "$WORK/sigstore/token" "${who[@]}"
}
# So many layers more that nobody has signed: flood REPOSITORY COUNT
flood() {
	local blob
	printf 'garbage' >"$WORK/blob"
	blob=$(push_blob "$host" "$1" "$WORK/blob")
	manifest_of "$1" | jq -c --arg blob "$blob" --argjson count "$2" '.layers += [range($count) | {
		mediaType: "application/vnd.dev.cosign.simplesigning.v1+json", size: 7, digest: $blob,
		annotations: {"dev.cosignproject.cosign/signature": "garbage \(.)"}}]' >"$WORK/flooded.json"
	push_manifest "$host" "$1" "$sig_tag" application/vnd.oci.image.manifest.v1+json "$WORK/flooded.json" >"$WORK/digest"
}
sign_at a
theirs=$(layers_of a/flooded)
sign_at b
ours=$(layers_of b/flooded)
expect_equal "signatures of each" "1 1" "$(jq length <<<"$theirs" | paste -sd ' ') $(jq length <<<"$ours")"
[[ $ours != "$theirs" ]] || fail "both hold the same signature"
flood a/flooded 101

replicate 3 --confirm --config "$WORK/cip.yaml"
expect_has "$WORK/out" "conflict  $host/a/flooded:$sig_tag"
expect_has "$WORK/out" "trusted_identities"
expect_equal "layers while nobody is listed" 102 "$(layers_of a/flooded | jq length)"
replicate 0 --confirm --config "$WORK/cip.yaml" "${who[@]}"
expect_has "$WORK/out" "101 layers that only the mirror had do not verify and are left out"
expect_equal "layers of both" "$(jq -c --argjson more "$theirs" '. + $more' <<<"$ours")" "$(layers_of a/flooded)"
log_mark "$log"
replicate 0 --confirm --config "$WORK/cip.yaml" "${who[@]}"
expect_equal "writes after that" 0 "$(since "$log" '^(POST|PUT|PATCH|DELETE)')"
verify 0 a/flooded

# Few of them stay, behind what verifies; and by cip.yaml as by flags.
sed "s|  canonical_registry: .*|&\n  trusted_identities: [{identity_regexp: promoter@.*, issuer: \"$OIDC_URL\"}]|" "$WORK/cip.yaml" >"$WORK/listed.yaml"
flood a/flooded 100
replicate 0 --confirm --config "$WORK/listed.yaml"
expect_has "$WORK/out" "has-more  $host/a/flooded"
expect_equal "layers that few others join" 102 "$(layers_of a/flooded | jq length)"
flood a/flooded 1
replicate 0 --confirm --config "$WORK/listed.yaml"
expect_equal "layers once there are too many" 2 "$(layers_of a/flooded | jq length)"
replicate 0 --confirm --config "$WORK/listed.yaml" --certificate-identity nobody@example.com --certificate-oidc-issuer "$OIDC_URL"
