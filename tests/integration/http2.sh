#!/usr/bin/env bash
# HTTP/2 with docker-registry over TLS: manifests, small blobs and the opening of uploads of many threads share
# connections; larger blobs (and lists) are streamed over HTTP/1.1, where a slow reader costs no memory.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

IMAGES=15

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test -keyout "$WORK/key.pem" \
	-out "$WORK/ca.pem" -addext subjectAltName=IP:127.0.0.1 2>/dev/null

secure() {
	REGISTRY_HTTP_TLS_CERTIFICATE=$WORK/ca.pem REGISTRY_HTTP_TLS_KEY=$WORK/key.pem registry_start "$1"
}

# requests_by PROTOCOL DIR [PATTERN]: requests in the access log of that registry, by the protocol they came with
requests_by() {
	sed -nE "s|^[^\"]*\"([A-Z]+ [^ ]*) $1\" .*|\1|p" "$2/access.log" | grep -cE -- "${3:-.}" || true
}

# connections DIR PATTERN: those that carried requests whose URI matches, by the ports of the other side
connections() {
	grep -E "http.request.uri=\"?[^\" ]*$2" "$1/registry.log" | grep -oE 'http.request.remoteaddr="[^"]*"' | sort -u | wc -l
}

registry_start "$WORK/fill"
tree_project "$WORK/tree" app SOURCE/staging DESTINATION/prod
for ((i = 0; i < IMAGES; i++)); do
	digest=$(LAYER_BYTES=300000 push_image "$REGISTRY_HOST" "staging/app$i" v1 2)
	tree_image "$WORK/tree" app "app$i"
	tree_digest "$WORK/tree" app "$digest" v1
done
registry_stop "$REGISTRY_PID"
mkdir -p "$WORK/source" && mv "$WORK/fill/data" "$WORK/source/data"
secure "$WORK/source"
source=$REGISTRY_HOST
secure "$WORK/destination"
destination=$REGISTRY_HOST
sed -i "s|SOURCE|$source|; s|DESTINATION|$destination|" "$WORK/tree/manifests/app/promoter-manifest.yaml"
# Certificates as docker keeps them.
for host in "$source" "$destination"; do
	mkdir -p "$WORK/certs/$host"
	cp "$WORK/ca.pem" "$WORK/certs/$host/ca.crt"
done

# Without them the loopback is asked over plain http.
cip_run 3 --sign=false --thin-manifest-dir "$WORK/tree"
cip_run 0 --sign=false --thin-manifest-dir "$WORK/tree" --cert-dir "$WORK/certs" --threads=20 --confirm
sleep 0.2

for directory in source destination; do
	expect_equal "$directory: manifests over HTTP/1.1" 0 "$(requests_by HTTP/1.1 "$WORK/$directory" /manifests/)"
	# Configs.
	found=$(requests_by HTTP/2.0 "$WORK/$directory" '^(GET|PUT|PATCH) .*/blobs/')
	[[ $found -le $IMAGES ]] || fail "$directory: $found bodies of blobs over HTTP/2"
	found=$(connections "$WORK/$directory" /manifests/)
	[[ $found -ge 1 && $found -le 3 ]] || fail "$directory: manifests came over $found connections"
done
[[ $(requests_by HTTP/2.0 "$WORK/source" '^GET .*/manifests/') -ge $IMAGES ]] || fail "manifests were not read over HTTP/2"
[[ $(requests_by HTTP/2.0 "$WORK/destination" '^PUT .*/manifests/') -ge $IMAGES ]] || fail "manifests were not put over HTTP/2"
[[ $(requests_by HTTP/1.1 "$WORK/source" '^GET .*/blobs/') -ge $((2 * IMAGES)) ]] || fail "blobs were not read over HTTP/1.1"
[[ $(requests_by HTTP/1.1 "$WORK/destination" '^PUT .*/blobs/') -ge $((2 * IMAGES)) ]] || fail "blobs were not put over HTTP/1.1"
found=$(connections "$WORK/destination" '/blobs/')
[[ $found -le 22 ]] || fail "blobs came over $found connections"

REGISTRY_CURL=(--cacert "$WORK/ca.pem") REGISTRY_SCHEME=https
expect_equal "tags" "$IMAGES" "$(registry_contents "$destination" | wc -l)"
