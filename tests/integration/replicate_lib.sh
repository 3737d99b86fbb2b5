# shellcheck shell=bash
# shellcheck disable=SC2154 # tree and host are of whoever sources this file
# For the tests of `cip replicate-signatures`: the command over $tree, and images that hold signatures at $host.

# The tag of what stands beside an image: beside DIGEST sig|att|sbom
beside() { echo "${1/:/-}.$2"; }

# replicate WANTED-EXIT [OPTION...]
replicate() {
	local wanted=$1
	shift
	cip_run "$wanted" replicate-signatures --thin-manifest-dir "$tree" "$@"
}

# An image that holds signatures, one layer each: signatures REPOSITORY TAG TEXT... prints its digest
signatures() {
	local repository=$1 tag=$2 text blob layers='' config
	shift 2
	for text in "$@"; do
		printf 'payload of %s' "$text" >"$WORK/blob"
		blob=$(push_blob "$host" "$repository" "$WORK/blob")
		layers+="${layers:+,}{\"mediaType\":\"application/vnd.dev.cosign.simplesigning.v1+json\","
		layers+="\"size\":$(stat --format=%s "$WORK/blob"),\"digest\":\"$blob\","
		layers+="\"annotations\":{\"dev.cosignproject.cosign/signature\":\"$text\"}}"
	done
	printf '{"architecture":"","os":"","config":{},"signatures":"%s"}' "$*" >"$WORK/blob"
	config=$(push_blob "$host" "$repository" "$WORK/blob")
	printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"%s","size":%d,"digest":"%s"},"layers":[%s]}' \
		application/vnd.oci.image.config.v1+json "$(stat --format=%s "$WORK/blob")" "$config" "$layers" >"$WORK/signatures"
	push_manifest "$host" "$repository" "$tag" application/vnd.oci.image.manifest.v1+json "$WORK/signatures"
}

# An artifact that refers to an image; prints its descriptor: referrer REPOSITORY IMAGE TEXT
referrer() {
	local repository=$1 type=application/vnd.oci.image.manifest.v1+json config blob digest
	printf '{}' >"$WORK/blob"
	config=$(push_blob "$host" "$repository" "$WORK/blob")
	printf 'bundle of %s' "$3" >"$WORK/blob"
	blob=$(push_blob "$host" "$repository" "$WORK/blob")
	{
		printf '{"schemaVersion":2,"mediaType":"%s","artifactType":"application/vnd.dev.sigstore.bundle.v0.3+json",' "$type"
		printf '"config":{"mediaType":"application/vnd.oci.empty.v1+json","size":2,"digest":"%s"},' "$config"
		printf '"layers":[{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","size":%d,"digest":"%s"}],' \
			"$(stat --format=%s "$WORK/blob")" "$blob"
		printf '"subject":{"mediaType":"%s","size":1,"digest":"%s"}}' "$type" "$2"
	} >"$WORK/referrer"
	digest=$(push_manifest "$host" "$repository" "" "$type" "$WORK/referrer")
	printf '{"mediaType":"%s","size":%d,"digest":"%s"}\n' "$type" "$(stat --format=%s "$WORK/referrer")" "$digest"
}

# The index of an image's referrers; prints its digest: referrers REPOSITORY IMAGE DESCRIPTOR...
referrers() {
	local repository=$1 tag=${2/:/-} type=application/vnd.oci.image.index.v1+json list
	shift 2
	list=$(printf '%s,' "$@")
	printf '{"schemaVersion":2,"mediaType":"%s","manifests":[%s]}' "$type" "${list%,}" >"$WORK/index"
	push_manifest "$host" "$repository" "$tag" "$type" "$WORK/index"
}
