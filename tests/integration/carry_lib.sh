# shellcheck shell=bash
# shellcheck disable=SC2034,SC2153,SC2154 # what is of lib.sh, and for whoever sources this file
# What the tests of what staging carries share; to be sourced after lib.sh. Starts docker-registry (the host $real), the
# fake one ($fake) and a Sigstore; builder@example.com is listed in $WORK/listed.yaml.

registry_start "$WORK/registry"
real=$REGISTRY_HOST real_log=$REGISTRY_LOG
fake_start "$WORK/fake"
fake=$FAKE_HOST fake_log=$FAKE_LOG
fake_sigstore_start "$WORK/sigstore"
unset SIGSTORE_ID_TOKEN TUF_MIRROR TUF_ROOT TUF_ROOT_JSON
OCI=application/vnd.oci.image.manifest.v1+json
EMPTY=sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a

services=(--fulcio-url "$FULCIO_URL" --rekor-url "$REKOR_URL" --trusted-root "$WORK/sigstore/trusted_root.json")
fake_sigstore_token 'email=builder@example.com' >"$WORK/builder"
fake_sigstore_token 'email=stranger@example.com' >"$WORK/stranger"

# config NAME [CARRY]: builder@example.com is listed
config() {
	cat >"$WORK/$1.yaml" <<-END
		signatures:
		  carry: ${2:-signed}
		  trusted_identities:
		    - {identity: builder@example.com, issuer: "$OIDC_URL"}
		network: {retry_base: 1ms, retry_max: 5ms, attempts: 2}
	END
}
config listed
config all all
config none none
printf '{}\n' >"$WORK/nobody.yaml"

# An image in the staging of HOST, and the tree that promotes it: image_of HOST NAME; sets host, log, name, digest, tag, tree
image_of() {
	host=$1 name=$2 tree=$WORK/$2
	[[ $host == "$real" ]] && log=$real_log || log=$fake_log
	digest=$(push_image "$host" "made/$name" v1)
	IMAGE_SEED=made/$name:v1 push_image "$host" "staging/$name" v1 >/dev/null
	tag=${digest/:/-}
	tree_project "$tree" web "$host/staging" "$host/prod"
	tree_image "$tree" web "$name"
	tree_digest "$tree" web "$digest" v1
}

# Signs it in staging, by promoting it there: staged WHO [OPTION...]
staged() {
	local who=$1
	shift
	tree_project "$WORK/stage" web "$host/made" "$host/staging"
	tree_image "$WORK/stage" web "$name"
	tree_digest "$WORK/stage" web "$digest" "$who"
	cip_run 0 --thin-manifest-dir "$WORK/stage" --confirm --sweep=0 --identity-token "$WORK/$who" "${services[@]}" "$@"
}

# The job: job WANTED-EXIT CONFIG [OPTION...]; what it says stays in $WORK/job.err
job() {
	local wanted=$1 config=$2
	shift 2
	cip_run "$wanted" --thin-manifest-dir "$tree" --confirm --report-file "$WORK/report.json" \
		--sweep=0 --identity-token "$WORK/sigstore/token" --config "$WORK/$config.yaml" "${services[@]}" "$@"
	cp "$WORK/err" "$WORK/job.err"
}

manifest() { registry_curl -H "Accept: $registry_manifest_types" "http://$host/v2/$1/manifests/$2"; }
layers() { manifest "$1/$name" "$tag.$2" | jq -c '[.layers[].annotations["dev.sigstore.cosign/certificate"]] | length'; }
# What refers to the image, by the API or the index under a tag: referrers REPOSITORY
referrers() {
	registry_curl "http://$host/v2/$1/$name/referrers/$digest" 2>/dev/null || manifest "$1/$name" "$tag"
}
writes() { since "$log" '^(POST|PUT|PATCH|DELETE)'; }

expect_carried() {
	expect_report "what was carried of $name" "$1" '.records[0].signing.carried | [.signatures, .attestations, .bundles, .sboms, .referrers, .left, .failed]'
}

# Signed by WHO at the primary, as cip itself verifies it.
expect_signed() {
	cip_run 0 verify --trusted-root "$WORK/sigstore/trusted_root.json" --any-docker-reference \
		--certificate-identity "$1@example.com" --certificate-oidc-issuer "$OIDC_URL" "$host/prod/$name@$digest"
}

