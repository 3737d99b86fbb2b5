#!/usr/bin/env bash
# Something else stands where signatures should be, at the primary or at a mirror: an image that holds none, an index, signatures
# of another image, a signature of somebody else. To an image ours is added, and no layer is lost; an index is left as it is and
# told, everything else converges, and when it is gone the next run makes it good.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

registry_start "$WORK/registry"
host=$REGISTRY_HOST log=$REGISTRY_LOG
fake_sigstore_start "$WORK/sigstore"
unset SIGSTORE_ID_TOKEN TUF_MIRROR TUF_ROOT TUF_ROOT_JSON
fake_sigstore_token email=other@example.com >"$WORK/other"
cat >"$WORK/cip.yaml" <<-END
	network: {retry_base: 1ms, retry_max: 5ms, attempts: 2}
	sigstore:
	  fulcio_url: $FULCIO_URL
	  rekor_url: $REKOR_URL
	  trusted_root: $WORK/sigstore/trusted_root.json
	signatures:
	  identities: {"$host/a": r.example.com, "$host/b": r.example.com, "$host/c": r.example.com}
	  canonical_registry: $host/a
END

# Every run reads and verifies everything.
job() {
	cip_run "$1" --thin-manifest-dir "$tree" --confirm --config "$WORK/cip.yaml" --report-file "$WORK/report.json" \
		--identity-token "${token:-$WORK/sigstore/token}" --slsa=false --replicate --sweep=1 --verify-depth=full
}

replicate() {
	cip_run "$1" replicate-signatures --thin-manifest-dir "$tree" --confirm --config "$WORK/cip.yaml"
}

# scene NAME: an image that is declared for all three. Sets name, tree, digest, tag
scene() {
	name=$1 tree=$WORK/tree-$1
	digest=$(push_image "$host" "staging/$name" v1)
	tag=${digest/:/-}.sig
	tree_project "$tree" web "$host/staging" "$host/a" "$host/b" "$host/c"
	tree_image "$tree" web "$name"
	tree_digest "$tree" web "$digest" v1
}

at() {
	registry_curl --header "Accept: $registry_manifest_types" "http://$host/v2/$1/$name/manifests/$tag"
}

# plant WHERE WHAT: sets planted, the digest of what stands there now
plant() {
	case $2 in
	image) planted=$(push_image "$host" "$1/$name" "$tag") ;;
	docker) planted=$(IMAGE_TYPE=docker push_image "$host" "$1/$name" "$tag") ;;
	index) planted=$(push_index "$host" "$1/$name" "$tag") ;;
	of-another | of-somebody)
		# Made by a promotion of its own, from which the tag is taken.
		local from=$digest
		if [[ $2 == of-another ]]; then
			from=$(IMAGE_SEED=another push_image "$host" "staging/$name" v0)
		else
			token=$WORK/other
		fi
		tree=$WORK/other-$name
		tree_project "$tree" web "$host/staging" "$host/a"
		tree_image "$tree" web "$name"
		tree_digest "$tree" web "$from"
		job 0
		token=''
		tree=$WORK/tree-$name
		registry_curl --header "Accept: $registry_manifest_types" \
			"http://$host/v2/a/$name/manifests/${from/:/-}.sig" >"$WORK/planted"
		if [[ $1 != a ]]; then
			for blob in $(jq -r '.config.digest, .layers[].digest' "$WORK/planted"); do
				registry_curl "http://$host/v2/a/$name/blobs/$blob" >"$WORK/blob"
				push_blob "$host" "$1/$name" "$WORK/blob" >/dev/null
			done
			[[ $2 == of-another ]] || registry_curl --request DELETE "http://$host/v2/a/$name/manifests/$(registry_sha256 "$WORK/planted")"
		fi
		planted=$(push_manifest "$host" "$1/$name" "$tag" application/vnd.oci.image.manifest.v1+json "$WORK/planted")
		;;
	esac
	at "$1" >"$WORK/planted"
}

# Each layer that was planted is still there: kept WHERE
kept() {
	jq -S -c '.layers[]' "$WORK/planted" | sort >"$WORK/wanted"
	at "$1" | jq -S -c '.layers[]' | sort >"$WORK/found"
	expect_equal "$name: layers lost at $1" "" "$(comm -23 "$WORK/wanted" "$WORK/found")"
}

# verifies WHERE: our signature is there
verifies() {
	cip_run 0 verify --config "$WORK/cip.yaml" --certificate-identity promoter@example.com \
		--certificate-oidc-issuer "$OIDC_URL" "$host/$1/$name@$digest"
}

writes() { since "$log" '^(POST|PUT|PATCH|DELETE)'; }

settled() {
	log_mark "$log"
	job 0
	replicate 0
	expect_equal "$name: writes when all is there" 0 "$(writes)"
}

# ---- at a mirror: nobody else waits for it

what=index
scene "mirror-$what"
plant b "$what"
job 0
verifies a
verifies c
expect_equal "$name: what stood there" "$planted" "$(manifest_digest "$host" "b/$name" "$tag")"
replicate 3
expect_has "$WORK/out" "$host/b/$name"
expect_has "$WORK/out" conflict
expect_equal "$name: what stood there" "$planted" "$(manifest_digest "$host" "b/$name" "$tag")"
registry_curl --request DELETE "http://$host/v2/b/$name/manifests/$planted"
job 0
verifies b
settled
for what in image docker of-another of-somebody; do
	scene "mirror-$what"
	plant b "$what"
	job 0
	replicate 0
	for where in a b c; do
		verifies "$where"
	done
	kept b
	settled
done

# ---- at the primary: told, and the exit code

what=index
scene "primary-$what"
plant a "$what"
job 3
expect_has "$WORK/err" "unsigned: "
expect_has "$WORK/err" "$tag"
expect_report "$name: outcomes" '["unsigned"]' '[.records[] | select(.destination | endswith("a/'"$name"'")).outcome]'
for where in a b c; do
	expect_equal "$name: promoted to $where" "$digest" "$(manifest_digest "$host" "$where/$name" v1)"
done
expect_equal "$name: what stood there" "$planted" "$(manifest_digest "$host" "a/$name" "$tag")"
registry_curl --request DELETE "http://$host/v2/a/$name/manifests/$planted"
# Mirrors may have got what stood there, as all that a primary holds.
for where in b c; do
	registry_curl --request DELETE "http://$host/v2/$where/$name/manifests/$planted" 2>/dev/null || true
done
job 0
replicate 0
for where in a b c; do
	verifies "$where"
done
settled
for what in image docker of-another of-somebody; do
	scene "primary-$what"
	plant a "$what"
	job 0
	replicate 0
	for where in a b c; do
		verifies "$where"
		kept "$where"
	done
	settled
done
