# shellcheck shell=bash
# Starts Debian's docker-registry on free loopback ports and fills it with small images, with curl and
# coreutils only. To be sourced by bash scripts that run under `set -euo pipefail`.
#
#   registry_start DIR [ADDRESS]      starts one; state and logs go into DIR. Sets REGISTRY_HOST
#                                     (127.0.0.1:port), REGISTRY_PORT, REGISTRY_PID and REGISTRY_LOG (one
#                                     line a request, Apache's combined format). Not in a subshell.
#                                     The registry reads its own REGISTRY_* settings (REGISTRY_AUTH, ...)
#                                     from the environment. CIP_TEST_REGISTRY is another program that is
#                                     started in the same way (tests/interop).
#   registry_stop [PID...]            stops these, or all that were started
#   registry_contents HOST            every tag: "repository tag digest", sorted
#   push_image HOST REPO TAG [LAYERS] one image; prints the digest of its manifest. The same arguments
#                                     give the same bytes. Environment: IMAGE_TYPE=oci|docker,
#                                     IMAGE_ARCH=amd64, IMAGE_SEED=text (default REPO:TAG),
#                                     LAYER_BYTES=n (default a line of text). An empty TAG pushes by digest.
#   push_index HOST REPO TAG [attestation]
#                                     amd64 and arm64 (and an attestation of the first, as BuildKit
#                                     makes them) under one index; prints the digest of the index. INDEX_LAYERS=2
#   push_blob HOST REPO FILE          prints the digest
#   push_manifest HOST REPO REF TYPE FILE
#                                     any bytes as a manifest; empty REF: by digest; prints the digest
#   manifest_digest HOST REPO REF     prints the digest; fails when there is no such manifest
#
# REGISTRY_CURL is an array of further options for curl (-u user:password, --cacert file, ...);
# REGISTRY_SCHEME is http unless set.

REGISTRY_SCHEME=${REGISTRY_SCHEME:-http}
[[ -v REGISTRY_CURL ]] || REGISTRY_CURL=()
registry_pids=()
# In one header: not every registry reads a second one.
registry_manifest_types=application/vnd.oci.image.index.v1+json,application/vnd.oci.image.manifest.v1+json
registry_manifest_types+=,application/vnd.docker.distribution.manifest.list.v2+json
registry_manifest_types+=,application/vnd.docker.distribution.manifest.v2+json

registry_start() {
	local directory=$1 address=${2:-127.0.0.1:0} tries=200
	mkdir -p "$directory/data"
	cat >"$directory/config.yml" <<-END
		version: 0.1
		log:
		  level: info
		  accesslog: {disabled: false}
		storage:
		  filesystem: {rootdirectory: $directory/data}
		  delete: {enabled: true}
		  maintenance: {uploadpurging: {enabled: false}}
		http:
		  addr: $address
		  secret: loopback
		catalog:
		  maxentries: 10000
	END
	: >"$directory/registry.log"
	OTEL_TRACES_EXPORTER=none "${CIP_TEST_REGISTRY:-docker-registry}" serve "$directory/config.yml" \
		>>"$directory/access.log" 2>>"$directory/registry.log" </dev/null &
	REGISTRY_PID=$!
	registry_pids+=("$REGISTRY_PID")
	REGISTRY_HOST=
	# The port is chosen by the kernel and said in the log.
	while [[ -z $REGISTRY_HOST ]]; do
		REGISTRY_HOST=$(sed -n 's/.*msg="listening on \([0-9.]*:[0-9]*\).*/\1/p' \
			"$directory/registry.log" | head -n 1)
		if [[ -n $REGISTRY_HOST ]]; then
			break
		fi
		if ((--tries == 0)) || ! kill -0 "$REGISTRY_PID" 2>/dev/null; then
			echo "${CIP_TEST_REGISTRY:-docker-registry} does not start in $directory:" >&2
			tail -n 5 "$directory/registry.log" >&2
			return 1
		fi
		sleep 0.05
	done
	# shellcheck disable=SC2034 # for whoever sources this file
	REGISTRY_PORT=${REGISTRY_HOST##*:} REGISTRY_LOG=$directory/access.log
}

registry_stop() {
	local pid
	if [[ $# -eq 0 ]]; then
		set -- "${registry_pids[@]}"
		registry_pids=()
	fi
	for pid in "$@"; do
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
}

registry_curl() {
	curl --silent --show-error --fail --noproxy '*' "${REGISTRY_CURL[@]}" "$@"
}

registry_sha256() {
	local sum
	sum=$(sha256sum <"$1")
	echo "sha256:${sum%% *}"
}

push_blob() {
	local host=$1 repository=$2 file=$3 digest location
	digest=$(registry_sha256 "$file")
	location=$(registry_curl -X POST -D - -o /dev/null \
		"$REGISTRY_SCHEME://$host/v2/$repository/blobs/uploads/" |
		tr -d '\r' | sed -n 's/^[Ll]ocation: //p')
	[[ $location != /* ]] || location=$REGISTRY_SCHEME://$host$location
	[[ $location == *\?* ]] || location+='?'
	registry_curl -X PUT -o /dev/null -H 'Content-Type: application/octet-stream' \
		--data-binary "@$file" "$location&digest=$digest"
	echo "$digest"
}

push_manifest() {
	local host=$1 repository=$2 reference=$3 type=$4 file=$5 digest
	digest=$(registry_sha256 "$file")
	registry_curl -X PUT -o /dev/null -H "Content-Type: $type" --data-binary "@$file" \
		"$REGISTRY_SCHEME://$host/v2/$repository/manifests/${reference:-$digest}"
	echo "$digest"
}

manifest_digest() {
	registry_curl --head -o /dev/null -D - \
		-H "Accept: $registry_manifest_types" \
		"$REGISTRY_SCHEME://$1/v2/$2/manifests/$3" 2>/dev/null |
		tr -d '\r' | sed -n 's/^[Dd]ocker-[Cc]ontent-[Dd]igest: //p'
}

# The strings of the one array in a flat JSON object, one a line.
registry_json_list() {
	tr -d '\n' | sed 's/^[^[]*//' | { grep -o '"[^"]*"' || true; } | tr -d '"'
}

registry_contents() {
	local host=$1 repository tag
	registry_curl "$REGISTRY_SCHEME://$host/v2/_catalog?n=10000" | registry_json_list |
		while read -r repository; do
			# A repository whose tags are all gone answers 404.
			{ registry_curl "$REGISTRY_SCHEME://$host/v2/$repository/tags/list" 2>/dev/null || true; } |
				registry_json_list | while read -r tag; do
				echo "$repository $tag $(manifest_digest "$host" "$repository" "$tag")"
			done
		done | sort
}

# One layer in DIR: a tar of one file, compressed. Prints "digest size diff-id".
registry_push_layer() {
	local directory=$1 host=$2 repository=$3 text=$4
	mkdir -p "$directory/root"
	if [[ -n ${LAYER_BYTES:-} ]]; then
		# Bytes that do not compress and are always the same for the same text.
		openssl enc -aes-128-ctr -nosalt -pbkdf2 -pass "pass:$text" \
			-in <(head -c "$LAYER_BYTES" /dev/zero) -out "$directory/root/content"
	else
		echo "$text" >"$directory/root/content"
	fi
	tar --create --file "$directory/layer.tar" --directory "$directory/root" --mtime=@0 --owner=0 \
		--group=0 --numeric-owner --mode=0644 content
	gzip --no-name --fast --stdout "$directory/layer.tar" >"$directory/layer"
	echo "$(push_blob "$host" "$repository" "$directory/layer")" \
		"$(stat --format=%s "$directory/layer")" "$(registry_sha256 "$directory/layer.tar")"
}

# Writes DIR/manifest; its children are pushed, it is not. Sets manifest_type of the caller.
registry_make_image() {
	local directory=$1 host=$2 repository=$3 seed=$4 layers=$5 architecture=$6
	local config_type layer_type i layer digest size diff_id config diff_ids='' layer_list=''
	case ${IMAGE_TYPE:-oci} in
	oci)
		manifest_type=application/vnd.oci.image.manifest.v1+json
		config_type=application/vnd.oci.image.config.v1+json
		layer_type=application/vnd.oci.image.layer.v1.tar+gzip
		;;
	docker)
		manifest_type=application/vnd.docker.distribution.manifest.v2+json
		config_type=application/vnd.docker.container.image.v1+json
		layer_type=application/vnd.docker.image.rootfs.diff.tar.gzip
		;;
	*)
		echo "IMAGE_TYPE is oci or docker, not ${IMAGE_TYPE}" >&2
		return 1
		;;
	esac
	for ((i = 1; i <= layers; i++)); do
		layer=$(registry_push_layer "$directory" "$host" "$repository" \
			"layer $i of $seed for $architecture")
		read -r digest size diff_id <<<"$layer"
		layer_list+="${layer_list:+,}{\"mediaType\":\"$layer_type\",\"size\":$size,\"digest\":\"$digest\"}"
		diff_ids+="${diff_ids:+,}\"$diff_id\""
	done
	printf '{"architecture":"%s","os":"linux","config":{"Labels":{"seed":"%s"}},' \
		"$architecture" "$seed" >"$directory/config"
	printf '"rootfs":{"type":"layers","diff_ids":[%s]}}' "$diff_ids" >>"$directory/config"
	config=$(push_blob "$host" "$repository" "$directory/config")
	printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"%s","size":%d,"digest":"%s"},' \
		"$manifest_type" "$config_type" "$(stat --format=%s "$directory/config")" "$config" \
		>"$directory/manifest"
	printf '"layers":[%s]}' "$layer_list" >>"$directory/manifest"
}

push_image() {
	local host=$1 repository=$2 tag=$3 layers=${4:-1} directory manifest_type
	directory=$(mktemp -d)
	registry_make_image "$directory" "$host" "$repository" "${IMAGE_SEED:-$repository:$tag}" \
		"$layers" "${IMAGE_ARCH:-amd64}"
	push_manifest "$host" "$repository" "$tag" "$manifest_type" "$directory/manifest"
	rm -rf "$directory"
}

# What BuildKit puts beside an image: an in-toto statement as the layer of a manifest of its own.
registry_make_attestation() {
	local directory=$1 host=$2 repository=$3 subject=$4 config statement
	printf '{"architecture":"unknown","os":"unknown","config":{},"rootfs":{"type":"layers"}}' \
		>"$directory/config"
	printf '{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"%s","subject":[{"digest":{"sha256":"%s"}}]}' \
		https://slsa.dev/provenance/v0.2 "${subject#sha256:}" >"$directory/statement"
	config=$(push_blob "$host" "$repository" "$directory/config")
	statement=$(push_blob "$host" "$repository" "$directory/statement")
	manifest_type=application/vnd.oci.image.manifest.v1+json
	cat >"$directory/manifest" <<-END
		{"schemaVersion":2,"mediaType":"$manifest_type",
		"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"$config",
		"size":$(stat --format=%s "$directory/config")},
		"layers":[{"mediaType":"application/vnd.in-toto+json","digest":"$statement",
		"size":$(stat --format=%s "$directory/statement")}]}
	END
}

push_index() {
	local host=$1 repository=$2 tag=$3 attestation=${4:-}
	local seed=${IMAGE_SEED:-$repository:$tag} directory manifest_type architecture digest
	local type=application/vnd.oci.image.index.v1+json children='' first=''
	[[ ${IMAGE_TYPE:-oci} == oci ]] || type=application/vnd.docker.distribution.manifest.list.v2+json
	directory=$(mktemp -d)
	for architecture in amd64 arm64; do
		registry_make_image "$directory" "$host" "$repository" "$seed" "${INDEX_LAYERS:-2}" "$architecture"
		digest=$(push_manifest "$host" "$repository" "" "$manifest_type" "$directory/manifest")
		children+="${children:+,}{\"mediaType\":\"$manifest_type\",\"digest\":\"$digest\","
		children+="\"size\":$(stat --format=%s "$directory/manifest"),"
		children+="\"platform\":{\"architecture\":\"$architecture\",\"os\":\"linux\"}}"
		first=${first:-$digest}
	done
	if [[ -n $attestation ]]; then
		registry_make_attestation "$directory" "$host" "$repository" "$first"
		digest=$(push_manifest "$host" "$repository" "" "$manifest_type" "$directory/manifest")
		children+=",{\"mediaType\":\"$manifest_type\",\"digest\":\"$digest\","
		children+="\"size\":$(stat --format=%s "$directory/manifest"),"
		children+="\"annotations\":{\"vnd.docker.reference.type\":\"attestation-manifest\","
		children+="\"vnd.docker.reference.digest\":\"$first\"},"
		children+="\"platform\":{\"architecture\":\"unknown\",\"os\":\"unknown\"}}"
	fi
	printf '{"schemaVersion":2,"mediaType":"%s","manifests":[%s]}' "$type" "$children" \
		>"$directory/index"
	push_manifest "$host" "$repository" "$tag" "$type" "$directory/index"
	rm -rf "$directory"
}
