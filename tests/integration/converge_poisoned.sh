#!/usr/bin/env bash
# A thousand entries, of which every second one is poisoned in some way (tests/integration/poisoned.awk), beside projects
# that are unreadable or circular: in one run all others are promoted to two registries and signed, each poisoned one is
# named with file, line and reason, and the next run changes nothing.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
unset SIGSTORE_ID_TOKEN TUF_MIRROR TUF_ROOT TUF_ROOT_JSON

# A hundred entries each.
apps=10
[[ -z ${CIP_SANITIZE:-} ]] || apps=2
fake_start "$WORK/source"
source=$FAKE_HOST
fake_start "$WORK/target" --google
target=$FAKE_HOST target_log=$FAKE_LOG
fake_start "$WORK/mirror"
mirror=$FAKE_HOST mirror_log=$FAKE_LOG
fake_sigstore_start "$WORK/sigstore"
cat >"$WORK/cip.yaml" <<-END
	network: {retry_base: 1ms, retry_max: 5ms, attempts: 2, connect_timeout: 2s, first_byte_timeout: 5s}
	sigstore:
	  fulcio_url: $FULCIO_URL
	  rekor_url: $REKOR_URL
	  trusted_root: $WORK/sigstore/trusted_root.json
	signatures:
	  identities: {"$target/prod": registry.example.com, "$mirror/prod": registry.example.com}
	  canonical_registry: $target
END

# Blobs are everywhere, so that what goes wrong is what is meant to.
all=$WORK/all tree=$WORK/tree
mkdir "$all"
printf '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}' >"$WORK/config"
echo layer >"$WORK/layer"
for ((i = 0; i < apps; i++)); do
	for host in "$source/staging" "$target/prod"; do
		config=$(push_blob "${host%/*}" "${host#*/}/app$i" "$WORK/config")
		layer=$(push_blob "${host%/*}" "${host#*/}/app$i" "$WORK/layer")
	done
done
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","size":%d,"digest":"%s"},"layers":[]}' \
	"$(stat --format=%s "$WORK/config")" "$config" >"$WORK/other"
poison() {
	awk -v "phase=$1" -v "dir=$all" -v "apps=$apps" -v "source=$source" -v "target=$target" -v "other=$WORK/other" \
		-v "config=$config $(stat --format=%s "$WORK/config")" -v "layer=$layer $(stat --format=%s "$WORK/layer")" \
		-f "$CIP_SOURCE_DIR/tests/integration/poisoned.awk" "${@:2}"
}
poison manifests /dev/null
find "$all" -type f -print0 | xargs -0 sha256sum >"$WORK/sums"
poison tree "$WORK/sums"
registry_curl --config "$all.upload"
registry_curl --config "$all.move"
mapfile -t rules <"$all.source"
faults "$WORK/source" "${rules[@]}"
mapfile -t rules <"$all.target"
faults "$WORK/mirror" "${rules[@]}"
tree_project "$tree" many "$source/staging" "$target/prod" "$mirror/prod"
mv "$all.images" "$tree/images/many/images.yaml"

# Beside them: a circle, and a file that cannot be read.
lost=sha256:$(printf '%064d' 9)
tree_project "$tree" ring-a "$target/ring-b" "$target/ring-a"
tree_image "$tree" ring-a ring
tree_digest "$tree" ring-a "$lost" v1
tree_project "$tree" ring-b "$target/ring-a" "$target/ring-b"
tree_image "$tree" ring-b ring
tree_digest "$tree" ring-b "$lost" v1
tree_project "$tree" unreadable "$source/staging" "$target/unreadable"
echo "images: {" >"$tree/images/unreadable/images.yaml"

go() {
	cip_run 3 --thin-manifest-dir "$tree" --confirm --config "$WORK/cip.yaml" --report-file "$WORK/report.json" --slsa=false \
		--sweep=0 --identity-token "$WORK/sigstore/token"
}
go

# Every good one is in both, and signed.
registry_curl "http://$target/admin/contents" >"$WORK/target.json"
registry_curl "http://$mirror/admin/contents" >"$WORK/mirror.json"
sort "$all.good" >"$WORK/wanted"
for name in target mirror; do
	jq -r '.repositories | to_entries[] | .key as $k | .value.tags | to_entries[] |
		select(.key | startswith("good-")) | "\($k | ltrimstr("prod/")) \(.key) \(.value)"' "$WORK/$name.json" | sort >"$WORK/found"
	diff "$WORK/wanted" "$WORK/found" >"$WORK/diff" || fail "good entries at the $name: $(head -n 5 "$WORK/diff")"
done
for kind in sig att; do
	awk -v "kind=$kind" '{ sub(":", "-", $3); print $1, $3 "." kind }' "$WORK/wanted" | sort >"$WORK/signed"
	jq -r '.repositories | to_entries[] | .key as $k | .value.tags | keys[] | "\($k | ltrimstr("prod/")) \(.)"' "$WORK/target.json" |
		sort >"$WORK/found"
	expect_equal "good entries without .$kind" "" "$(comm -23 "$WORK/signed" "$WORK/found" | head -n 3)"
done
# Nothing poisoned has arrived under its tag.
jq -r '.repositories[].tags | to_entries[] | .key' "$WORK/target.json" "$WORK/mirror.json" |
	grep -E '^(short|upper|algorithm|overlap|lost|no-blob|flipped|giant|source-403|schema-1)-' >"$WORK/arrived" || true
expect_equal "poisoned tags that were made" "" "$(head -n 3 "$WORK/arrived")"

# reasons KIND: what the report says of it, as an extended regular expression
reasons() {
	case $1 in
	short | upper | algorithm | blank | reserved) echo malformed ;;
	overlap) echo overlap ;;
	move) echo tag-move ;;
	lost) echo lost ;;
	no-blob) echo '(error|incomplete|invalid|not-found)' ;;
	flipped) echo digest ;;
	giant) echo too-large ;;
	source-403 | target-403) echo auth ;;
	schema-1) echo unsupported ;;
	esac
}
jq -r '(.records[] | "\(.file):\(.line) \(.reason) \(.error_kind)"), (.findings[] | "\(.file):\(.line) \(.kind)")' \
	"$WORK/report.json" | sort -u >"$WORK/said"
while read -r line kind; do
	grep -qE "^images/many/images.yaml:$line .*\\b$(reasons "$kind")\\b" "$WORK/said" ||
		fail "line $line ($kind) is not named: $(grep -F "images.yaml:$line " "$WORK/said" || echo nothing)"
done <"$all.wanted"
expect_equal "poisoned entries" "$((50 * apps))" "$(wc -l <"$all.wanted")"
for project in ring-a ring-b; do
	grep -qE "^images/$project/images.yaml:[0-9]+ .*cycle" "$WORK/said" || fail "$project is not named"
done
grep -qE '^images/unreadable/images.yaml:[0-9]+ invalid-file' "$WORK/said" || fail "the unreadable file is not named"

# The next run finds it so: for what lacks a blob it tries again, and gives up before anything refers to it.
jq -S '.repositories | map_values({tags, manifests})' "$WORK/target.json" "$WORK/mirror.json" >"$WORK/before"
log_mark "$target_log"
log_mark "$mirror_log"
go
for log in "$target_log" "$mirror_log"; do
	expect_equal "manifests that the next run writes" 0 "$(since "$log" '^PUT [^ ]*/manifests/[^ ]* 2..$')"
done
registry_curl "http://$target/admin/contents" >"$WORK/target.json"
registry_curl "http://$mirror/admin/contents" >"$WORK/mirror.json"
jq -S '.repositories | map_values({tags, manifests})' "$WORK/target.json" "$WORK/mirror.json" >"$WORK/after"
cmp "$WORK/before" "$WORK/after" || fail "the next run changes something"
