#!/usr/bin/env bash
# What staging has beside an image: what somebody who is listed has signed goes to the primary in one push with ours, the
# rest stays; and nothing that staging has, or answers, stops promotion and signing.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# shellcheck source=tests/integration/carry_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/carry_lib.sh"

# ---- the older form: theirs before ours, in one push each

image_of "$real" older
staged builder
staged stranger
expect_equal "signatures in staging" 2 "$(layers staging sig)"
log_mark "$log"
job 0 listed
expect_carried '[1,2,0,0,0,3,false]'
expect_report "reason" true '.records[0].signing.carried.message | contains("identity")'
expect_equal "signatures" 2 "$(layers prod sig)"
expect_equal "attestations" 4 "$(layers prod att)"
expect_equal "the first layer" "$(manifest "staging/$name" "$tag.sig" | jq -S '.layers[0]')" \
	"$(manifest "prod/$name" "$tag.sig" | jq -S '.layers[0]')"
expect_equal "pushes of signatures" 1 "$(since "$log" '^PUT .*prod/.*\.sig ')"
expect_equal "pushes of attestations" 1 "$(since "$log" '^PUT .*prod/.*\.att ')"
expect_equal "lists of the source" 1 "$(since "$log" '^GET .*staging/older/tags/list')"
[[ -z $MOUNTS ]] || expect_equal "mounts of the image and of what is beside it" 5 "$(since "$log" '^POST .*prod/older/.*from=staging.* 201$')"
for who in builder promoter; do
	expect_signed "$who"
done
cip_run 0 verify-attestation --trusted-root "$WORK/sigstore/trusted_root.json" --type promotion \
	--certificate-identity builder@example.com --certificate-oidc-issuer "$OIDC_URL" "$host/prod/$name@$digest"

# Again, with everything looked at: nothing is written, and nobody signs.
log_mark "$log"
job 0 listed --sweep=1
expect_equal "writes of the second run" 0 "$(writes)"

# What comes to staging later is carried when the image is looked at, without another signature of ours.
registry_curl --request DELETE "http://$host/v2/staging/older/manifests/$(manifest_digest "$host" staging/older "$tag.sig")"
staged builder
log_mark "$log"
job 0 listed --sweep=1
expect_report "state" '["in-place","before","before"]' '.records[0] | [.outcome, .signing.signature, .signing.attestation]'
expect_carried '[1,0,0,0,0,2,false]'
expect_equal "signatures after another" 3 "$(layers prod sig)"
expect_equal "pushes" 1 "$(since "$log" '^PUT .*/manifests/')"

# ---- nobody is listed, or it is switched off: nothing is looked at

for config in nobody none; do
	image_of "$real" "$config"
	staged builder
	log_mark "$log"
	job 0 $config
	expect_report "nothing of it" null '.records[0].signing.carried'
	expect_equal "signatures" 1 "$(layers prod sig)"
	expect_equal "looks at what staging has" 0 "$(since "$log" "staging/$config/(tags|referrers|manifests/sha256-)")"
done

# The identity that the job's flags name is listed.
image_of "$real" flags
fake_sigstore_token >"$WORK/promoter"
staged promoter
log_mark "$log"
job 0 nobody --certificate-identity promoter@example.com --certificate-oidc-issuer "$OIDC_URL"
expect_carried '[1,2,0,0,0,0,false]'
expect_signed promoter

# ---- our own signature in staging, under the name that it has at the primary, is ours

image_of "$real" own
cat >"$WORK/own.yaml" <<-END
	signatures:
	  identities: {$host/staging: r.example.com, $host/prod: r.example.com}
	  trusted_identities: [{identity: builder@example.com, issuer: "$OIDC_URL"}]
END
staged promoter --config "$WORK/own.yaml"
log_mark "$log"
job 0 own
expect_report "state" '["before","now"]' '.records[0].signing | [.signature, .attestation]'
expect_carried '[1,2,0,0,0,0,false]'
expect_equal "signatures" 1 "$(layers prod sig)"
cip_run 0 verify --trusted-root "$WORK/sigstore/trusted_root.json" --docker-reference r.example.com/own \
	--certificate-identity promoter@example.com --certificate-oidc-issuer "$OIDC_URL" "$host/prod/$name@$digest"

# ---- bundles: where one goes, ours goes as a bundle too; its bytes stay

fake_start "$WORK/api" --referrers=yes
api=$FAKE_HOST
for host in "$real" "$fake" "$api"; do
	image_of "$host" "bundle-${host##*:}"
	staged builder --signature-format=both --slsa=false
	referrers staging | jq -r '.manifests[].digest' | sort >"$WORK/theirs"
	job 0 listed
	expect_carried '[1,1,2,0,0,0,false]'
	referrers prod | jq -r '.manifests[].digest' | sort >"$WORK/there"
	expect_equal "bundles" 5 "$(wc -l <"$WORK/there")"
	expect_equal "theirs among them" "" "$(comm -23 "$WORK/theirs" "$WORK/there")"
	expect_signed builder
	expect_signed promoter
done

# ---- unverified, only if it is asked for: SBOMs and other referrers

# refer NAME TYPE: an artifact that refers to the image in staging
refer() {
	echo "$1" >"$WORK/text"
	printf '{}' >"$WORK/config"
	push_blob "$host" "staging/$name" "$WORK/config" >/dev/null
	printf '{"schemaVersion":2,"mediaType":"%s","artifactType":"%s","config":{"mediaType":"application/vnd.oci.empty.v1+json","size":2,"digest":"%s"},"layers":[{"mediaType":"%s","size":%d,"digest":"%s"}],"subject":{"mediaType":"%s","size":%d,"digest":"%s"}}' \
		$OCI "$2" $EMPTY "$2" "$(stat --format=%s "$WORK/text")" "$(push_blob "$host" "staging/$name" "$WORK/text")" \
		$OCI "$(manifest "staging/$name" v1 | wc -c)" "$digest" >"$WORK/refers.json"
	push_manifest "$host" "staging/$name" "" $OCI "$WORK/refers.json" >"$WORK/refers"
	printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"%s","artifactType":"%s","size":%d,"digest":"%s"}]}' \
		$OCI "$2" "$(stat --format=%s "$WORK/refers.json")" "$(cat "$WORK/refers")" >"$WORK/index.json"
	push_manifest "$host" "staging/$name" "$tag" application/vnd.oci.image.index.v1+json "$WORK/index.json" >/dev/null
}

image_of "$real" rest
refer sbom application/spdx+json
push_manifest "$host" "staging/$name" "$tag.sbom" $OCI "$WORK/refers.json" >"$WORK/sbom"
job 0 listed
expect_report "by default nothing of it" null '.records[0].signing.carried'
job 0 all --sweep=1
expect_equal "SBOM" "$(cat "$WORK/sbom")" "$(manifest_digest "$host" "prod/$name" "$tag.sbom")"
expect_equal "referrers" "$(cat "$WORK/refers")" "$(manifest "prod/$name" "$tag" | jq -r '.manifests[].digest')"
expect_equal "content" sbom "$(registry_curl "http://$host/v2/prod/$name/blobs/$(jq -r '.layers[0].digest' "$WORK/refers.json")")"
log_mark "$log"
job 0 all --sweep=1
expect_equal "writes when all is there" 0 "$(writes)"
# Another one is never overwritten.
refer other application/spdx+json
push_manifest "$host" "staging/$name" "$tag.sbom" $OCI "$WORK/refers.json" >/dev/null
job 0 all --sweep=1
expect_has "$WORK/err" "another $tag.sbom is at the primary, and stays"
expect_equal "SBOM" "$(cat "$WORK/sbom")" "$(manifest_digest "$host" "prod/$name" "$tag.sbom")"
expect_equal "referrers" 2 "$(manifest "prod/$name" "$tag" | jq '.manifests | length')"
