#!/usr/bin/env bash
# What staging has beside an image, where it is hostile, or where staging does not answer: it is told, and promotion and
# signing go on as without it.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tests/integration/carry_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/carry_lib.sh"

sed 's/attempts: 2/&, first_byte_timeout: 300ms, stall_timeout: 300ms/' "$WORK/listed.yaml" >"$WORK/impatient.yaml"

# The image that was made last, with RULES in force, is promoted and signed: arrives CARRIED SIGNATURES [RULE...]
arrives() {
	local carried=$1 signatures=$2
	shift 2
	faults "$WORK/fake" "$@"
	log_mark "$log"
	job 0 impatient
	faults "$WORK/fake"
	expect_report "$name" '["promoted","now","now"]' '.records[0] | [.outcome, .signing.signature, .signing.attestation]'
	expect_carried "$carried"
	expect_equal "signatures of $name" "$signatures" "$(layers prod sig)"
	expect_signed promoter
}

# ---- staging that does not answer

# Without a list the tags are asked for.
for fault in "status 403" stall truncate; do
	image_of "$fake" "list-${fault/ /-}"
	staged builder
	arrives '[1,2,0,0,0,0,false]' 2 "GET */staging/$name/tags/list* 1+ $fault"
	expect_equal "warnings of $name" 1 "$(grep -c "is not listed, and asked for image by image" "$WORK/job.err")"
done

# One thing that cannot be read keeps nothing else from being carried.
for fault in "status 500" stall; do
	image_of "$fake" "sig-${fault/ /-}"
	staged builder
	arrives '[0,2,0,0,0,0,true]' 1 "GET */staging/$name/manifests/sha256-*.sig 1+ $fault"
	expect_has "$WORK/job.err" "not everything that its source has beside it was carried"
done
# The next look repairs it.
job 0 impatient --sweep=1
expect_carried '[1,0,0,0,0,0,false]'

image_of "$fake" blob
staged builder
payload=$(manifest "staging/$name" "$tag.sig" | jq -r '.layers[0].digest')
arrives '[0,2,0,0,0,1,false]' 1 "GET */staging/$name/blobs/$payload 1+ status 404"

# Where nothing beside images may be read that is found out once, not for each image.
tree=$WORK/refused
tree_project "$tree" web "$fake/staging" "$fake/prod"
tree_image "$tree" web refused
log=$fake_log
for i in $(seq 12); do
	tree_digest "$tree" web "$(IMAGE_SEED=$i push_image "$fake" staging/refused "v$i" 1)" "v$i"
done
faults "$WORK/fake" "GET */staging/refused/tags/list* 1+ status 403" "GET */staging/refused/manifests/sha256-* 1+ status 403"
log_mark "$log"
job 0 impatient --max-signature-ops 1
faults "$WORK/fake"
expect_report "signed" 12 '[.records[] | select(.signing.signature == "now" and .outcome == "promoted")] | length'
expect_report "told" 12 '[.records[] | select(.signing.carried.failed)] | length'
[[ $(since "$log" 'staging/refused/(tags|referrers|manifests/sha256-)') -le 5 ]] ||
	fail "a source that refuses is asked again and again: $(log_since "$log" | grep -c staging/refused)"
expect_equal "warnings" 2 "$(grep -cE "is not listed|not asked again" "$WORK/job.err")"

# ---- hostile staging

# hostile NAME FILTER: what jq makes of the .sig that the builder's signature is in
hostile() {
	image_of "$real" "$1"
	staged builder
	manifest "staging/$name" "$tag.sig" | jq -c "$2" >"$WORK/hostile.json"
	push_manifest "$host" "staging/$name" "$tag.sig" "$(jq -r .mediaType "$WORK/hostile.json")" "$WORK/hostile.json" >/dev/null
}

# shellcheck disable=SC2016 # a variable of jq
hostile many '.layers = [range(1000) as $i | .layers[0] | .annotations = {n: "\($i)"}]'
arrives '[0,2,0,0,0,1,false]' 1
expect_report "why" true '.records[0].signing.carried.message | contains("more than 100 layers")'
expect_equal "payloads that were read" 0 "$(since "$log" "^GET .*staging/many/blobs/$(jq -r '.layers[0].digest' "$WORK/hostile.json") ")"

hostile types '.layers += [.layers[0] | .mediaType = "text/html"]'
arrives '[1,2,0,0,0,1,false]' 2

hostile size '.layers[0].size += 1'
arrives '[0,2,0,0,0,1,false]' 1

hostile index '{schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: []}'
arrives '[0,2,0,0,0,1,false]' 1

hostile unsigned 'del(.layers[0].annotations["dev.sigstore.cosign/bundle"])'
arrives '[0,2,0,0,0,1,false]' 1

hostile huge '.layers[0].annotations.x = ("x" * 1100000)'
arrives '[0,2,0,0,0,1,false]' 1

# A good signature, of another image.
image_of "$real" other
staged builder
manifest "staging/$name" "$tag.sig" >"$WORK/hostile.json"
payload=$(jq -r '.layers[0].digest' "$WORK/hostile.json") config=$(jq -r '.config.digest' "$WORK/hostile.json")
image_of "$real" planted
for blob in "$payload" "$config"; do
	registry_curl "http://$host/v2/staging/other/blobs/$blob" >"$WORK/planted-blob"
	push_blob "$host" staging/planted "$WORK/planted-blob" >/dev/null
done
push_manifest "$host" staging/planted "$tag.sig" "$OCI" "$WORK/hostile.json" >/dev/null
arrives '[0,0,0,0,0,1,false]' 1
expect_report "why" true '.records[0].signing.carried.message | contains("about another image")'

# ---- a primary that does not take what is carried gets ours

image_of "$fake" picky
staged builder
arrives '[0,2,0,0,0,1,true]' 1 "PUT */prod/picky/manifests/sha256-*.sig 1 status 400"

# ---- a primary that fails from some request on: the next run leaves what an undisturbed one would

for k in 6 13 20; do
	image_of "$fake" "dies-$k"
	staged builder --signature-format=both --slsa=false
	faults "$WORK/fake" "* */prod/$name/* $k+ status 500"
	job 3 listed
	faults "$WORK/fake"
	job 0 listed
	expect_equal "what is there after $k requests and a rerun" "2 3 5" \
		"$(layers prod sig) $(layers prod att) $(referrers prod | jq '.manifests | length')"
done
