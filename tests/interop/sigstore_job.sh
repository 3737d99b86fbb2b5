#!/usr/bin/env bash
# A promotion that signs with the real Sigstore: what it leaves is accepted by cosign 3 in each form, over a registry
# with the referrers API and one without; nothing of others is lost; a rerun writes nothing; and what it costs.
# shellcheck source=tests/interop/sigstore_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/sigstore_lib.sh"
sigstore_peers
registries=$("$(dirname "${BASH_SOURCE[0]}")/../../tools/install-peers" --where registries) || exit 77
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../integration/lib.sh"

email=promoter@example.com other=builder@example.com
record=https://k8s.io/promo-tools/promotion/v1
sigstore_start "$WORK/sigstore"
identity_token "$email" >"$WORK/token"
services=(--fulcio-url "$FULCIO_URL" --rekor-url "$REKOR1_URL")
legacy=(--signature-format legacy "${services[@]}")
bundle=(--signature-format bundle --signing-config "$SIGNING_CONFIG")
both=(--signature-format both "${services[@]}")

# One image. tree DESTINATION DIGEST TAG...; job DESTINATION FLAG... promotes and signs it
tree() {
	rm -rf "$WORK/tree-$1"
	tree_project "$WORK/tree-$1" app "$REGISTRY_HOST/staging" "$REGISTRY_HOST/$1"
	tree_image "$WORK/tree-$1" app app
	tree_digest "$WORK/tree-$1" app "${@:2}"
}

job() {
	cip_run 0 --thin-manifest-dir "$WORK/tree-$1" --confirm --trusted-root "$TRUSTED_ROOT" --insecure-ignore-sct \
		--sweep=0 --identity-token "$WORK/token" --report-file "$WORK/report.json" "${@:2}"
}

# accepts_image DESTINATION DIGEST TAG FORM [FLAG...]: by digest and by tag, also the statements
accepts_image() {
	local form=$4 reference
	local -a record_type=(--type "$record") slsa_type=(--type slsaprovenance1) flags=("${@:5}")
	for reference in "$REGISTRY_HOST/$1/app@$2" "$REGISTRY_HOST/$1/app:$3"; do
		cosign_accepts verify "$email" "${flags[@]}" "$reference"
		cosign_accepts verify-attestation "$email" "${record_type[@]}" "${flags[@]}" "$reference"
		cosign_accepts verify-attestation "$email" "${slsa_type[@]}" "${flags[@]}" "$reference"
		# Version 2 takes the newer form where there are both.
		((${#flags[@]} == 0)) || continue
		cosign2_accepts "$form" verify "$email" "$reference"
		cosign2_accepts "$form" verify-attestation "$email" "${record_type[@]}" "$reference"
	done
}

# rerun DESTINATION FLAG...: nothing is written, and nobody is asked for a certificate
rerun() {
	local before
	before=$(fulcio_certificates)
	log_mark "$REGISTRY_LOG"
	job "$@"
	expect_equal "writes of a rerun into $1" 0 "$(since "$REGISTRY_LOG" '^(PUT|POST|PATCH)')"
	expect_equal "certificates of a rerun into $1" "$before" "$(fulcio_certificates)"
}

# records DESTINATION: how many promotion records the image has
records() {
	cosign_read verify-attestation "$email" --type "$record" "$REGISTRY_HOST/$1/app@$digest" ||
		fail "$1: no record: $(cat "$SIGSTORE/cosign.err")"
	wc -l <"$SIGSTORE/cosign.out"
}

# add_tag DESTINATION FORM FLAG...
add_tag() {
	expect_equal "records in $1" 1 "$(records "$1")"
	tree "$1" "$digest" v1 v2
	job "$1" "${@:3}"
	expect_equal "records in $1 after a tag was added" 2 "$(records "$1")"
	accepts_image "$1" "$digest" v2 "$2"
	rerun "$1" "${@:3}"
}

# requests DESTINATION FLAG...: of a job there
requests_of() {
	tree "$1" "$digest" v1
	log_mark "$REGISTRY_LOG"
	job "$@"
	since "$REGISTRY_LOG"
}

# at_most WHAT BOUND DESTINATION FLAG...: what signing alone takes
at_most() {
	local taken
	taken=$(($(requests_of "${@:3}") - promotion))
	((taken <= $2)) || fail "$1: $taken requests, at most $2 are wanted: $(log_since "$REGISTRY_LOG")"
}

for peer in '' "$registries/ggcr-registry"; do
	CIP_TEST_REGISTRY=$peer registry_start "$WORK/registry-${peer##*/}"
	digest=$(push_image "$REGISTRY_HOST" staging/app v1)

	tree legacy "$digest" v1
	job legacy "${legacy[@]}"
	accepts_image legacy "$digest" v1 legacy
	rerun legacy "${legacy[@]}"

	tree bundle "$digest" v1
	job bundle "${bundle[@]}"
	accepts_image bundle "$digest" v1 rekor2
	rerun bundle "${bundle[@]}"

	tree both "$digest" v1
	job both "${both[@]}"
	accepts_image both "$digest" v1 rekor1
	accepts_image both "$digest" v1 legacy --new-bundle-format=false
	rerun both "${both[@]}"

	# A tag that is added is one more record, and no other signature.
	add_tag legacy legacy "${legacy[@]}"
	add_tag bundle rekor2 "${bundle[@]}"

	# What others signed before and after stays, and none of it counts as ours.
	token=$(identity_token "$other")
	IMAGE_SEED=staging/app:v1 push_image "$REGISTRY_HOST" foreign/app "" >"$WORK/foreign"
	expect_equal "the same image" "$digest" "$(cat "$WORK/foreign")"
	tree foreign "$digest" v1
	cosign_write legacy sign --identity-token "$token" "$REGISTRY_HOST/foreign/app@$digest"
	job foreign "${legacy[@]}"
	cosign_accepts verify "$other" "$REGISTRY_HOST/foreign/app@$digest"
	accepts_image foreign "$digest" v1 legacy
	cosign_write legacy sign --identity-token "$token" "$REGISTRY_HOST/legacy/app@$digest"
	rerun legacy "${legacy[@]}"
	cosign_accepts verify "$other" "$REGISTRY_HOST/legacy/app@$digest"
	accepts_image legacy "$digest" v1 legacy
	for repository in foreign legacy; do
		expect_equal "signatures in $repository" 2 "$(registry_curl -H "Accept: $registry_manifest_types" \
			"http://$REGISTRY_HOST/v2/$repository/app/manifests/${digest/:/-}.sig" | jq '.layers | length')"
	done

	# What somebody who is listed has signed in staging comes along, and cosign accepts it there as it accepts ours.
	printf 'signatures: {trusted_identities: [{identity: %s, issuer: "%s"}]}\n' "$other" "$ISSUER" >"$WORK/listed.yaml"
	echo '{}' >"$WORK/predicate.json"
	for form in legacy rekor1; do
		carried=$(push_image "$REGISTRY_HOST" staging/app "c-$form")
		cosign_write "$form" sign --identity-token "$token" "$REGISTRY_HOST/staging/app@$carried"
		cosign_write "$form" attest --identity-token "$token" --type https://example.com/test --predicate "$WORK/predicate.json" \
			"$REGISTRY_HOST/staging/app@$carried"
		tree "carried-$form" "$carried" v1
		job "carried-$form" "${legacy[@]}" --config "$WORK/listed.yaml"
		cosign_accepts verify "$other" "$REGISTRY_HOST/carried-$form/app@$carried"
		cosign_accepts verify-attestation "$other" --type https://example.com/test "$REGISTRY_HOST/carried-$form/app@$carried"
		cosign_accepts verify "$email" "$REGISTRY_HOST/carried-$form/app@$carried"
		cosign_accepts verify-attestation "$email" --type "$record" "$REGISTRY_HOST/carried-$form/app@$carried"
		log_mark "$REGISTRY_LOG"
		job "carried-$form" "${legacy[@]}" --config "$WORK/listed.yaml" --sweep=1
		expect_equal "writes of a rerun into carried-$form" 0 "$(since "$REGISTRY_LOG" '^(PUT|POST|PATCH)')"
	done

	# 4 requests (3 with the referrers API) say what is there. A new .sig then takes 6, an .att of two statements 8, of which
	# a registry that takes a blob in one request saves a half; what is there already is one more to read. Three
	# bundles take 18 where they are listed under a tag, else 10.
	bounds=(18 22 19)
	[[ -z $peer ]] || bounds=(12 13 13)
	promotion=$(requests_of cost-0 --sign=false)
	at_most "the older form" "${bounds[0]}" cost-1 "${legacy[@]}"
	at_most "bundles" "${bounds[1]}" cost-2 "${bundle[@]}"
	IMAGE_SEED=staging/app:v1 push_image "$REGISTRY_HOST" cost-3/app "" >"$WORK/foreign"
	cosign_write legacy sign --identity-token "$token" "$REGISTRY_HOST/cost-3/app@$digest"
	at_most "the older form, added" "${bounds[2]}" cost-3 "${legacy[@]}"

	# Many images side by side, one of them for several platforms: one certificate.
	for form in legacy bundle; do
		tree "many-$form" "$digest" v1
		for i in {1..19}; do
			tree_digest "$WORK/tree-many-$form" app "$(push_image "$REGISTRY_HOST" staging/app "n$i")" "n$i"
		done
		tree_digest "$WORK/tree-many-$form" app "$(push_index "$REGISTRY_HOST" staging/app several)" several
		before=$(fulcio_certificates)
		if [[ $form == legacy ]]; then
			job "many-$form" "${legacy[@]}"
		else
			job "many-$form" "${bundle[@]}"
		fi
		expect_equal "certificates for many images" $((before + 1)) "$(fulcio_certificates)"
		expect_equal "signed" 21 "$(sed -n 's/.*signed \([0-9]*\) images.*/\1/p' "$WORK/err")"
		cosign_accepts verify "$email" "$REGISTRY_HOST/many-$form/app:several"
		cosign_accepts verify-attestation "$email" --type "$record" "$REGISTRY_HOST/many-$form/app:several"
	done
done
