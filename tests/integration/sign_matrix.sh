#!/usr/bin/env bash
# Faults one after the other at each request that signing makes, at the services and at the registry: what passes is
# mended within the run, what does not leaves a signature of somebody else as it was and is made good by the next
# promotion of the image.
# Nothing is ever there twice.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

fake_start "$WORK/registry"
registry=$WORK/registry host=$FAKE_HOST
fake_sigstore_start "$WORK/sigstore"
calls=$WORK/sigstore/requests.log
unset SIGSTORE_ID_TOKEN TUF_MIRROR TUF_ROOT TUF_ROOT_JSON
fake_sigstore_token email=other@example.com >"$WORK/other"
cat >"$WORK/patience.yaml" <<-END
	network: {retry_base: 1ms, retry_max: 5ms, attempts: 2}
END

# legacy() and bundle() choose the form, for scenes to come: a .sig with 1 layer and an .att with 2 for each who signs,
# or 3 referrers.
legacy() {
	form=legacy kinds=(sig att) for_each=(1 2)
	config=$WORK/sigstore/signing_config.json
}
bundle() {
	form=bundle kinds=(referrers) for_each=(3)
	config=$WORK/sigstore/signing_config_rekor_v2.json
}

# job WANTED-EXIT TOKEN-FILE
job() {
	cip_run "$1" --thin-manifest-dir "$tree" --confirm --report-file "$WORK/report.json" --config "$WORK/patience.yaml" \
		--sweep=0 --identity-token "$2" --trusted-root "$WORK/sigstore/trusted_root.json" --signing-config "$config" \
		--signature-format "$form"
}

# attached KIND: descriptors of what is there, one a line; sig, att or referrers
attached() {
	local tag=${digest/:/-}.$1
	registry_curl --header "Accept: $registry_manifest_types" \
		"http://$host/v2/prod/app$number/manifests/${tag%.referrers}" | jq -r '(.layers // .manifests)[] | tojson'
}

# A new image with a signature of somebody else, who promoted it before; a tag more makes us sign, too.
number=0
scene() {
	local kind
	number=$((number + 1))
	tree=$WORK/tree$number
	digest=$(push_image "$host" "staging/app$number" v1 1)
	tree_project "$tree" web "$host/staging" "$host/prod"
	tree_image "$tree" web "app$number"
	tree_digest "$tree" web "$digest" v1
	job 0 "$WORK/other"
	for kind in "${kinds[@]}"; do
		attached "$kind" >"$WORK/foreign.$kind"
	done
	more_tags v1 v2
	: >"$calls"
}

more_tags() {
	sed -i '3d' "$tree/images/web/images.yaml"
	tree_digest "$tree" web "$digest" "$@"
}

# What somebody else attached is there as it was.
expect_foreign_kept() {
	local kind lost
	for kind in "${kinds[@]}"; do
		attached "$kind" >"$WORK/now.$kind"
		lost=$(grep -vxFf "$WORK/now.$kind" "$WORK/foreign.$kind" || true)
		expect_equal "$1: $kind of somebody else, lost" "" "$lost"
	done
}

# And ours is there once.
expect_signed() {
	local i
	expect_equal "$1: promoted" "$digest" "$(manifest_digest "$host" "prod/app$number" v2)"
	expect_foreign_kept "$1"
	for i in "${!kinds[@]}"; do
		expect_equal "$1: ${kinds[i]}" $((2 * for_each[i])) "$(wc -l <"$WORK/now.${kinds[i]}")"
	done
}

# ---- services: once, and for the whole run

# once RULE: the run mends it
once() {
	scene
	fake_sigstore_fault "$1"
	job 0 "$WORK/sigstore/token"
	fake_sigstore_fault
	expect_signed "$1"
}

# In the log of version 1 each entry is there once, too.
once_logged() {
	once "$1"
	expect_equal "$1: entries" 3 "$(grep -c '^rekor1 POST .* 201$' "$calls")"
}

# always RULE: unsigned, and the next promotion makes it good
always() {
	scene
	fake_sigstore_fault "$1"
	job 3 "$WORK/sigstore/token"
	fake_sigstore_fault
	expect_has "$WORK/err" "unsigned: "
	expect_foreign_kept "$1"
	more_tags v1 v2 v3
	job 0 "$WORK/sigstore/token"
	expect_signed "$1, afterwards"
}

passing=('status 503' reset-after)
lasting=('status 400' garbage)
passing_there=('status 503' reset-mid)
lasting_there=('status 500')
if [[ -n ${CIP_TEST_FULL:-} ]]; then
	passing+=('status 500' 'status 429' 'status 429 Retry-After: 0' reset truncate)
	lasting+=('status 401' reset truncate huge)
	passing_there+=('status 429' reset-before)
	lasting_there+=('status 403' reset-before)
fi

legacy
for service in fulcio rekor1 tsa; do
	for fault in "${passing[@]}"; do
		once_logged "$service POST 1 $fault"
	done
	for fault in "${lasting[@]}"; do
		always "$service POST 1+ $fault"
	done
done
once_logged 'rekor1 POST 2 reset-after'
once_logged 'rekor1 POST 3 truncate'
always 'rekor1 POST 2 wrong-entry'
always 'rekor1 POST 3 status 400'
always 'tsa POST 2+ unknown-authority'

bundle
for fault in "${passing[@]}"; do
	once "rekor2 POST 1 $fault"
done
for fault in "${lasting[@]}"; do
	always "rekor2 POST 1+ $fault"
done
always 'rekor2 POST 2 bad-proof'

# ---- the registry, where signatures are read and written

# registry_once RULE: the same
registry_once() {
	scene
	faults "$registry" "$1"
	job 0 "$WORK/sigstore/token"
	faults "$registry"
	expect_signed "$1"
}

registry_always() {
	scene
	faults "$registry" "$1"
	job 3 "$WORK/sigstore/token"
	faults "$registry"
	expect_foreign_kept "$1"
	more_tags v1 v2 v3
	job 0 "$WORK/sigstore/token"
	expect_signed "$1, afterwards"
}

# around TARGET: reading and writing there
around() {
	local request fault
	for request in "GET $1" "PUT $1"; do
		for fault in "${passing_there[@]}"; do
			registry_once "$request 1 $fault"
		done
		for fault in "${lasting_there[@]}"; do
			registry_always "$request 1+ $fault"
		done
	done
	registry_always "GET $1 1+ bad-json"
	registry_always "GET $1 1+ gigabyte"
}

hex='[0-9a-f]'
around "*/manifests/sha256-$hex*$hex"
legacy
around "*/manifests/sha256-*.sig"
around "*/manifests/sha256-*.att"
