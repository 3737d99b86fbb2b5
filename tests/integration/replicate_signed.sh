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
	cip_run 0 --thin-manifest-dir "$tree" --confirm --config "$WORK/cip.yaml" --identity-token "$WORK/sigstore/token" \
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
		cip_run 0 --thin-manifest-dir "$tree" --confirm --config "$WORK/cip.yaml" --identity-token "$WORK/sigstore/token" \
			"${who[@]}" --signature-format "$form" --replicate
	done
	expect_equal "writes of the second run" 0 "$(since "$log" '^(POST|PUT|PATCH|DELETE)')"
	for repository in a b c; do verify 0 "$repository/$form-at-once"; done
	replicate 0 --confirm --config "$WORK/cip.yaml"
	expect_equal "what is left to replicate" "" "$(cat "$WORK/out")"
done
