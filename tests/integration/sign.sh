#!/usr/bin/env bash
# The job signs what it promotes: both forms against docker-registry and a Sigstore with real cryptography. Idempotent by
# content and identity; what fails leaves everything that is there, and is told.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tools/lib/sigstore.sh
. "$CIP_SOURCE_DIR/tools/lib/sigstore.sh"

registry_start "$WORK/registry"
host=$REGISTRY_HOST log=$REGISTRY_LOG
fake_sigstore_start "$WORK/sigstore"
calls=$WORK/sigstore/requests.log
: >>"$calls"
unset SIGSTORE_ID_TOKEN TUF_MIRROR TUF_ROOT TUF_ROOT_JSON
record_type=https://k8s.io/promo-tools/promotion/v1

who=(--sweep=0 --identity-token "$WORK/sigstore/token" --certificate-identity promoter@example.com
	--certificate-oidc-issuer "$OIDC_URL")
services=(--fulcio-url "$FULCIO_URL" --rekor-url "$REKOR_URL" --trusted-root "$WORK/sigstore/trusted_root.json")

# A tree with one image: tree_of NAME TAG..., sets digest, tree, name
tree_of() {
	name=$1 tree=$WORK/$1
	shift
	digest=$(push_image "$host" "staging/$name" v1)
	tree_project "$tree" web "$host/staging" "$host/prod" "$host/mirror"
	tree_image "$tree" web "$name"
	tree_digest "$tree" web "$digest" "$@"
}

# Signs the current tree: job WANTED-EXIT [OPTION...]
job() {
	local wanted=$1
	shift
	cip_run "$wanted" --thin-manifest-dir "$tree" --confirm --report-file "$WORK/report.json" \
		"${who[@]}" "${services[@]}" "$@"
}

# Layers of an image under a tag: layers KIND
layers() {
	registry_curl --header "Accept: $registry_manifest_types" \
		"http://$host/v2/$1/manifests/${2/:/-}.$3" | jq ".layers | length"
}

referrers() {
	registry_curl --header "Accept: $registry_manifest_types" "http://$host/v2/$1/manifests/${2/:/-}" |
		jq ".manifests | length"
}

writes() { since "$log" '^(POST|PUT|PATCH|DELETE)'; }
count_calls() { grep -cE "$1" "$calls" || true; }
new_calls() {
	local now
	now=$(count_calls "$1")
	echo $((now - ${2:-0}))
}

# ---- without --confirm nobody is asked, and the plan says what would be signed

tree_of plan v1
cip_run 0 --thin-manifest-dir "$tree" "${services[@]}"
grep -qE "^sign +$host/mirror/plan@$digest as $host/mirror/plan, with a promotion record$" "$WORK/out" ||
	fail "the plan says nothing of signing"
expect_equal "calls of a plan" 0 "$(count_calls .)"
cip_run 0 --thin-manifest-dir "$tree" --sign=false
expect_lacks "$WORK/out" "sign "

# ---- nobody to sign: refused before anything is promoted

log_mark "$log"
cip_run 2 --thin-manifest-dir "$tree" --confirm "${services[@]}" --oidc-disable-ambient-providers
expect_has "$WORK/err" "--sign=false"
cip_run 2 --thin-manifest-dir "$tree" --confirm "${who[@]}" --fulcio-url "$FULCIO_URL" --rekor-v2-url "$REKOR2_URL" \
	--trusted-root "$WORK/sigstore/trusted_root.json"
expect_has "$WORK/err" "--signature-format=bundle"
cip_run 1 --thin-manifest-dir "$tree" --confirm "${who[@]}" --fulcio-url "$FULCIO_URL" --rekor-url "$REKOR_URL" \
	--trusted-root "$WORK/nothing.json"
expect_equal "writes of refused runs" 0 "$(writes)"
expect_equal "calls of refused runs" 0 "$(count_calls .)"

# ---- the older form: one signature, and record with provenance in one push; the second run does nothing

tree_of older v1
log_mark "$log"
job 0
expect_report "state of the primary" '["now","now",3]' \
	'.records[] | select(.destination | endswith("mirror/older")) | .signing | [.signature, .attestation, (.logged | length)]'
expect_report "state of the other" '["now","now",0]' \
	'.records[] | select(.destination | endswith("prod/older")) | .signing | [.signature, .attestation, (.logged | length)]'
expect_report "log and certificate of each" true \
	'[.records[].signing.logged[] | .log != null and (.certificate_serial | test("^[0-9a-f]+$")) and .log_index > 0] | all'
expect_report "outcome" '["promoted","promoted"]' '[.records[].outcome]'
expect_equal "signatures" 1 "$(layers mirror/older "$digest" sig)"
expect_equal "attestations" 2 "$(layers mirror/older "$digest" att)"
! manifest_digest "$host" prod/older "${digest/:/-}.sig" || fail "what is no primary was signed"
expect_equal "pushes of attestations" 1 "$(since "$log" '^PUT .*\.att ')"
expect_equal "certificates" 1 "$(count_calls '^fulcio POST')"
[[ $(since "$log" '/mirror/older/.*(sig|att) |/mirror/older/(referrers|blobs/uploads/.*from=mirror)') -le 20 ]] || fail "many requests"

log_mark "$log"
before=$(count_calls .)
job 0
expect_equal "writes of the second run" 0 "$(writes)"
expect_equal "calls of the second run" 0 "$(new_calls . "$before")"

# ---- a tag more: one record and its provenance more, and no signature

tree_digest "$tree" web "$digest" v1 v2
sed -i '3d' "$tree/images/web/images.yaml"
job 0
expect_report "state with a tag more" '["before","now"]' '.records[0].signing | [.signature, .attestation]'
expect_equal "signatures after a tag more" 1 "$(layers mirror/older "$digest" sig)"
expect_equal "attestations after a tag more" 4 "$(layers mirror/older "$digest" att)"

# ---- what is lost at a mirror only is promoted again; what the list of the primary shows is believed

registry_curl --request DELETE "http://$host/v2/prod/older/manifests/$digest"
log_mark "$log"
job 0
expect_report "nothing is said of what was signed before" '[null,null]' '.records[0].signing | [.signature, .attestation]'
expect_equal "reads of what stands beside it" 0 "$(since "$log" '^GET .*\.(sig|att) ')"
expect_equal "pushes to .sig and .att" 0 "$(since "$log" '^PUT .*\.(sig|att) ')"

# ---- bundles, with a log of version 2

tree_of newer v1
cip_run 0 --thin-manifest-dir "$tree" --confirm --report-file "$WORK/report.json" "${who[@]}" \
	--fulcio-url "$FULCIO_URL" --rekor-v2-url "$REKOR2_URL" --timestamp-server-url "$TSA_URL" \
	--trusted-root "$WORK/sigstore/trusted_root.json" --signature-format=bundle
expect_report "forms" '["bundle","bundle","bundle"]' '[.records[].signing.logged[].form]'
expect_equal "bundles" 3 "$(referrers mirror/newer "$digest")"
! manifest_digest "$host" mirror/newer "${digest/:/-}.sig" || fail "a signature in the older form"

# ---- a bundle that is there makes ours needed, whoever made it

tree_digest "$tree" web "$digest" v1 v2
sed -i '3d' "$tree/images/web/images.yaml"
job 0
expect_equal "bundles after a run in the older form" 5 "$(referrers mirror/newer "$digest")"
expect_equal "signatures beside bundles" 1 "$(layers mirror/newer "$digest" sig)"
expect_equal "attestations beside bundles" 2 "$(layers mirror/newer "$digest" att)"

# ---- both, from settings in cip.yaml; --slsa=false

cat >"$WORK/cip.yaml" <<-END
	sigstore:
	  fulcio_url: $FULCIO_URL
	  rekor_url: $REKOR_URL
	  trusted_root: $WORK/sigstore/trusted_root.json
	  signature_format: both
	signatures:
	  identities:
	    $host/prod: registry.example.com
	    $host/mirror: registry.example.com
	  canonical_registry: $host/prod
END
tree_of both v1
cip_run 0 --thin-manifest-dir "$tree" --confirm --report-file "$WORK/report.json" "${who[@]}" --config "$WORK/cip.yaml" \
	--slsa=false --comment "release 1"
expect_equal "bundles" 2 "$(referrers prod/both "$digest")"
expect_equal "signatures" 1 "$(layers prod/both "$digest" sig)"
expect_equal "attestations" 1 "$(layers prod/both "$digest" att)"
blob=$(registry_curl --header "Accept: $registry_manifest_types" "http://$host/v2/prod/both/manifests/${digest/:/-}.sig" |
	jq -r '.layers[0].digest')
expect_equal "payload" "registry.example.com/both $digest kpromo-cip" \
	"$(registry_curl "http://$host/v2/prod/both/blobs/$blob" | jq -r '.critical.identity["docker-reference"] + " " +
		.critical.image["docker-manifest-digest"] + " " + .optional["org.kubernetes.kpromo.version"][:10]')"
blob=$(registry_curl --header "Accept: $registry_manifest_types" "http://$host/v2/prod/both/manifests/${digest/:/-}.att" |
	jq -r '.layers[0].digest')
registry_curl "http://$host/v2/prod/both/blobs/$blob" | jq -r .payload | base64 -d >"$WORK/record.json"
expect_equal "record" "$record_type registry.example.com/both registry.example.com/both release 1 v1" \
	"$(jq -r '[.predicateType, .subject[0].name, .predicate.dstRef, .predicate.claimed.comment, .predicate.tags[]] | join(" ")' \
		"$WORK/record.json")"

# ---- a signature of somebody else stays, and counts for nothing

tree_of foreign v1
fake_sigstore_token 'email=other@example.com' >"$WORK/other"
cip_run 0 --thin-manifest-dir "$tree" --confirm "${services[@]}" --sweep=0 --identity-token "$WORK/other"
before=$(registry_curl --header "Accept: $registry_manifest_types" "http://$host/v2/mirror/foreign/manifests/${digest/:/-}.sig" |
	jq -S .layers[0])
tree_digest "$tree" web "$digest" v1 v2
sed -i '3d' "$tree/images/web/images.yaml"
job 0
expect_equal "signatures of both" 2 "$(layers mirror/foreign "$digest" sig)"
expect_equal "the first of them" "$before" \
	"$(registry_curl --header "Accept: $registry_manifest_types" "http://$host/v2/mirror/foreign/manifests/${digest/:/-}.sig" |
		jq -S .layers[0])"

# ---- services that fail: promoted, told, nothing attached, the exit code

# refused NAME RULE [OPTION...]: the image arrives unsigned
refused() {
	local rule=$2
	tree_of "$1" v1
	shift 2
	[[ -z $rule ]] || fake_sigstore_fault "$rule"
	job 3 --config "$WORK/patience.yaml" "$@"
	fake_sigstore_fault
	expect_report "outcome" '["unsigned","unsigned"]' '[.records[].outcome]'
	expect_report "findings" 2 '.totals.findings.unsigned'
	expect_report "states" '["failed","failed"]' '.records[0].signing | [.signature, .attestation]'
	expect_equal "promoted" "$digest" "$(manifest_digest "$host" "mirror/$name" v1)"
	! manifest_digest "$host" "mirror/$name" "${digest/:/-}.sig" || fail "a signature after $rule"
	! manifest_digest "$host" "mirror/$name" "${digest/:/-}.att" || fail "a record without a signature"
	expect_has "$WORK/err" "unsigned: "
}
printf 'network: {retry_base: 1ms, retry_max: 5ms, attempts: 2}\n' >"$WORK/patience.yaml"

refused fulcio-down 'fulcio POST 1+ status 503'
refused fulcio-lies 'fulcio POST 1+ wrong-identity'
refused rekor-down 'rekor1 POST 1+ status 500'
refused rekor-lies 'rekor1 POST 1+ bad-set'
refused rekor-other 'rekor1 POST 1+ wrong-entry'
# A record could be made, but not without the signature.
refused signature-alone 'rekor1 POST 1 bad-set'
who_is=("${who[@]}")
who=(--sweep=0 --identity-token "$WORK/sigstore/token" --certificate-identity nobody@example.com)
refused wrong-identity ''
who=("${who_is[@]}")
tree_of fails-open v1
job 2 --certificate-identity= --certificate-identity-regexp '^nobody'
expect_has "$WORK/err" "does not fit"

# The signature is good, the record is not: what is there stays, and the next run adds what is missing.
tree_of half v1
fake_sigstore_fault 'rekor1 POST 2+ status 500'
job 3 --config "$WORK/patience.yaml"
fake_sigstore_fault
expect_report "states" '["now","failed"]' '.records[0].signing | [.signature, .attestation]'
expect_equal "signatures" 1 "$(layers mirror/half "$digest" sig)"

# ---- many images: one certificate, and a log that is down costs no minute for each

many() {
	tree=$WORK/$1
	tree_project "$tree" web "$host/staging" "$host/$1"
	for i in $(seq 50); do
		tree_image "$tree" web "image$i"
		tree_digest "$tree" web "$(IMAGE_SEED=$((i % 5)) push_image "$host" "staging/image$i" v1 1)" v1
	done
}
many fifty
before=$(count_calls '^fulcio POST')
job 0
expect_equal "certificates for fifty images" 1 "$(new_calls '^fulcio POST' "$before")"
expect_report "signed" 50 '[.records[] | select(.signing.signature == "now")] | length'

many dead
before=$(count_calls '^rekor1 POST')
fake_sigstore_fault 'rekor1 POST 1+ status 503'
job 3 --config "$WORK/patience.yaml" --max-signature-ops 4
fake_sigstore_fault
expect_report "unsigned" 50 '.totals.findings.unsigned'
[[ $(new_calls '^rekor1 POST' "$before") -lt 40 ]] || fail "a dead log was asked for each image"
expect_has "$WORK/err" "times in a row"

# ---- a digest without a tag is signed too

tree_of tagless
job 0
expect_equal "signatures without a tag" 1 "$(layers mirror/tagless "$digest" sig)"

# ---- the primary is down: the other is promoted, and cannot be signed

tree_of alone v1
tree_project "$tree" web "$host/staging" 127.0.0.1:9/prod "$host/mirror"
tree_image "$tree" web alone
tree_digest "$tree" web "$digest" v1
printf 'signatures: {identities: {"%s/mirror": r.example.com, "127.0.0.1:9/prod": r.example.com}, canonical_registry: "127.0.0.1:9"}\n' \
	"$host" >"$WORK/alone.yaml"
cat "$WORK/patience.yaml" >>"$WORK/alone.yaml"
job 3 --config "$WORK/alone.yaml"
expect_report "outcomes" '["failed","unsigned"]' '[(.records[] | select(.destination | endswith("prod/alone"))),
	(.records[] | select(.destination | endswith("mirror/alone"))) | .outcome]'
expect_has "$WORK/err" "127.0.0.1:9/prod/alone, where it is signed"
! manifest_digest "$host" mirror/alone "${digest/:/-}.sig" || fail "a mirror was signed"

# ---- interrupted: what is promoted and not signed is not done, and said to be so

tree=$WORK/stopped
tree_project "$tree" web "$host/staging" "$host/stopped"
for i in 1 2 3 4; do
	tree_image "$tree" web "image$i"
	tree_digest "$tree" web "$(IMAGE_SEED=$((i % 5)) push_image "$host" "staging/image$i" v1 1)" v1
done
fake_sigstore_fault 'rekor1 POST 1+ delay 1000'
before=$(count_calls '^fulcio POST')
"$CIP" --thin-manifest-dir "$tree" --confirm "${who[@]}" "${services[@]}" --max-signature-ops 1 \
	--report-file "$WORK/report.json" >"$WORK/stop.out" 2>"$WORK/stop.err" &
pid=$!
until [[ $(new_calls '^fulcio POST' "$before") -gt 0 ]]; do sleep 0.02; done
kill -TERM "$pid"
status=0
wait "$pid" || status=$?
fake_sigstore_fault
expect_equal "exit code" 143 "$status"
[[ $(jq '[.records[] | select(.signing.signature == "not-done" and .outcome == "not-done")] | length' "$WORK/report.json") -ge 1 ]] ||
	fail "nothing is said to be left to sign"
expect_report "failures" 0 '.totals.findings.unsigned'

# ---- a token on the command line is overwritten there

token=$(cat "$WORK/sigstore/token")
tree_of argv v1
fake_sigstore_fault 'rekor1 POST 1+ delay 1500'
"$CIP" --thin-manifest-dir "$tree" --confirm "${services[@]}" --identity-token "$token" >"$WORK/argv.out" 2>"$WORK/argv.err" &
pid=$!
until grep -q "trust root" "$WORK/argv.err" 2>/dev/null; do sleep 0.02; done
tr '\0' '\n' <"/proc/$pid/cmdline" >"$WORK/arguments"
wait "$pid" || fail "a token on the command line does not sign"
fake_sigstore_fault
expect_has "$WORK/arguments" --identity-token
expect_lacks "$WORK/arguments" "${token:0:40}"
expect_lacks "$WORK/argv.err" "${token:0:40}"
expect_has "$WORK/argv.err" "--identity-token was a token itself"
