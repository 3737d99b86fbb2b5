#!/usr/bin/env bash
# Attaching signatures and bundles to images in a real registry: the bytes that cosign wrote come out again, nothing
# that is there is lost, and each costs no more requests than it must. With CIP_TEST_REGISTRY also where the referrers
# API is.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

made=${CIP_SHARED_DATA:-$CIP_SOURCE_DIR/../shared/data}/cosign-made
probe=$(dirname "$CIP")/tests/integration/attach_probe
if [[ ! -d $made ]]; then
	echo "skipped: $made is not here"
	exit 0
fi
[[ -x $probe ]] || fail "$probe is not built"

registry_start "$WORK/registry"
legacy=$(jq -r .legacy.digest "$made/facts.json") bundle=$(jq -r .bundle.digest "$made/facts.json")
OCI=application/vnd.oci.image.manifest.v1+json

# WHAT MOST ARGUMENTS...: how many requests it takes, at most
attach() {
	local what=$1 most=$2 taken
	shift 2
	log_mark "$REGISTRY_LOG"
	"$probe" "$REGISTRY_HOST" "$@"
	taken=$(since "$REGISTRY_LOG")
	((taken <= most)) || fail "$what: $taken requests, at most $most are needed: $(log_since "$REGISTRY_LOG")"
}

expect_manifest() {
	registry_curl -H "Accept: $OCI" "http://$REGISTRY_HOST/v2/$1/manifests/$2" >"$WORK/found"
	cmp "$WORK/found" "$3" || fail "$1:$2 is not $3"
}

# ---- the older form

sig=("$made/legacy/sig.json" "$made/legacy/blobs") att=("$made/legacy/att.json" "$made/legacy/blobs")
tag=${legacy/:/-}
attach "a new .sig" 6 prod/app "$legacy" sig absent "${sig[@]}" 0
attach "a second signature" 8 prod/app "$legacy" sig read "${sig[@]}" 1
expect_manifest prod/app "$tag.sig" "$made/legacy/sig.json"
attach "the same again" 1 prod/app "$legacy" sig read "${sig[@]}" 0
attach "a new .att" 6 prod/app "$legacy" att absent "${att[@]}" 0
attach "more of them" 16 prod/app "$legacy" att read "${att[@]}" 1 2
expect_manifest prod/app "$tag.att" "$made/legacy/att.json"

# With COSIGN_DOCKER_MEDIA_TYPES cosign writes manifests of Docker's type. They stay of that type.
docker=application/vnd.docker.distribution.manifest.v2+json
push_blob "$REGISTRY_HOST" prod/docker "$made/legacy/blobs/sha256-eef86918d47886a2616c06e707cbeb882597f9dfe8d5676a9657c7065a524855" >/dev/null
printf '{"architecture":"","created":"0001-01-01T00:00:00Z","history":[{"created":"0001-01-01T00:00:00Z"}],"os":"","rootfs":{"type":"layers","diff_ids":["%s"]},"config":{}}' \
	"$(jq -r '.layers[0].digest' "$made/legacy/sig.json")" >"$WORK/config"
config=$(push_blob "$REGISTRY_HOST" prod/docker "$WORK/config")
jq -c --arg docker $docker --arg config "$config" '.mediaType = $docker | .layers |= .[:1] |
	.config = {mediaType: "application/vnd.docker.container.image.v1+json", size: 233, digest: $config}' "$made/legacy/sig.json" >"$WORK/docker.json"
push_manifest "$REGISTRY_HOST" prod/docker "$tag.sig" $docker "$WORK/docker.json" >/dev/null
attach "a signature beside Docker's types" 7 prod/docker "$legacy" sig read "${sig[@]}" 1
registry_curl -H "Accept: $docker" "http://$REGISTRY_HOST/v2/prod/docker/manifests/$tag.sig" >"$WORK/found"
expect_equal "its types" "2 $docker application/vnd.docker.container.image.v1+json" \
	"$(jq -r '"\(.layers | length) \(.mediaType) \(.config.mediaType)"' "$WORK/found")"
cip_run 0 verify --trusted-root "$made/trusted_root.json" --insecure-ignore-sct --any-docker-reference \
	--certificate-identity "$(jq -r .second_identity "$made/facts.json")" --certificate-oidc-issuer "$(jq -r .issuer "$made/facts.json")" \
	"$REGISTRY_HOST/prod/docker@$legacy"

# A config of another tool has to be read; its layer and its annotations stay.
config=$(printf '{"history":[{"comment":"x"}],"rootfs":{"diff_ids":["y"]},"author":"z"}' >"$WORK/config" && push_blob "$REGISTRY_HOST" prod/foreign "$WORK/config")
printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"application/vnd.oci.image.config.v1+json","size":70,"digest":"%s"},"layers":[{"mediaType":"x/y","size":70,"digest":"%s","annotations":{"k":"v"}}],"annotations":{"a":"b"}}' \
	"$OCI" "$config" "$config" >"$WORK/foreign.json"
push_manifest "$REGISTRY_HOST" prod/foreign "$tag.sig" "$OCI" "$WORK/foreign.json" >/dev/null
attach "a signature beside a foreign layer" 8 prod/foreign "$legacy" sig read "${sig[@]}" 0
registry_curl -H "Accept: $OCI" "http://$REGISTRY_HOST/v2/prod/foreign/manifests/$tag.sig" >"$WORK/found"
expect_equal "what is there" '2 {"a":"b"} {"k":"v"} x/y' \
	"$(jq -c -r '"\(.layers | length) \(.annotations) \(.layers[0].annotations) \(.layers[0].mediaType)"' "$WORK/found")"
registry_curl "http://$REGISTRY_HOST/v2/prod/foreign/blobs/$(jq -r .config.digest "$WORK/found")" >"$WORK/config"
expect_equal "its config" '2 2 z' "$(jq -r '"\(.history | length) \(.rootfs.diff_ids | length) \(.author)"' "$WORK/config")"

# ---- bundles

blobs=()
for blob in $(jq -r '.layers[].digest | sub(":"; "-")' "$made"/bundle/manifest-*.json); do
	blobs+=("$made/bundle/blobs/$blob")
done
type=https://k8s.io/promo-tools/promotion/v1
if [[ ${CIP_TEST_REGISTRY:-} == */ggcr-registry ]]; then
	attach "a bundle, with the API" 6 prod/bundles "$bundle" bundle $type "${blobs[0]}"
else
	attach "a bundle, with the index under a tag" 9 prod/bundles "$bundle" bundle $type "${blobs[0]}"
	attach "another" 8 prod/bundles "$bundle" bundle $type "${blobs[1]}"
	attach "the rest at once" 14 prod/bundles "$bundle" bundle $type "${blobs[@]:2}"
fi
attach "all of them again" $((MOUNTS ? 14 : 18)) prod/bundles "$bundle" bundle $type "${blobs[@]}"
cip_run 0 verify-attestation --trusted-root "$made/trusted_root.json" --insecure-ignore-sct --type promotion \
	--certificate-identity "$(jq -r .identity "$made/facts.json")" --certificate-oidc-issuer "$(jq -r .issuer "$made/facts.json")" \
	--output json "$REGISTRY_HOST/prod/bundles@$bundle"
expect_equal "bundles that are found" 5 "$(jq '.images[0].found | length' "$WORK/out")"
