#!/usr/bin/env bash
# The main job against docker-registry: plan, promote, nothing to do; same host, other host, two destinations of one
# host, indexes, several tags, no tag; only what is missing is written.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

registry_start "$WORK/one"
one=$REGISTRY_HOST one_log=$REGISTRY_LOG
registry_start "$WORK/two"
two=$REGISTRY_HOST two_log=$REGISTRY_LOG

web=$(push_image "$one" staging/web v1 3)
docker=$(IMAGE_TYPE=docker push_image "$one" staging/docker v1 2)
multi=$(push_index "$one" staging/tools/multi v1 attestation)
list=$(IMAGE_TYPE=docker push_index "$one" staging/list v1)
untagged=$(push_image "$one" staging/web "" 1)

tree=$WORK/tree
tree_project "$tree" web "$one/staging" "$one/prod" "$two/mirror/a" "$two/mirror/b"
tree_image "$tree" web web
tree_digest "$tree" web "$web" v1 v1.0 latest-v1
tree_digest "$tree" web "$untagged"
tree_image "$tree" web docker
tree_digest "$tree" web "$docker" v1
tree_image "$tree" web tools/multi
tree_digest "$tree" web "$multi" v1 stable
tree_image "$tree" web list
tree_digest "$tree" web "$list" v1

log_mark "$one_log"
log_mark "$two_log"
cip_run 0 --thin-manifest-dir "$tree" --sign=false
expect_has "$WORK/out" "$web"
expect_equal "writes of a dry run" 0 "$(($(since "$one_log" '^(POST|PUT|PATCH|DELETE)') + $(since "$two_log" '^(POST|PUT|PATCH|DELETE)')))"
cp "$WORK/out" "$WORK/plan"
cip_run 0 --thin-manifest-dir "$tree" --sign=false
cmp "$WORK/plan" "$WORK/out" || fail "the plan is not the same twice"

cip_run 0 --thin-manifest-dir "$tree" --sign=false --confirm
for host_prefix in "$one prod" "$two mirror/a" "$two mirror/b"; do
	read -r host prefix <<<"$host_prefix"
	for tag in v1 v1.0 latest-v1; do
		expect_equal "$prefix/web:$tag" "$web" "$(manifest_digest "$host" "$prefix/web" "$tag")"
	done
	expect_equal "$prefix/web untagged" "$untagged" "$(manifest_digest "$host" "$prefix/web" "$untagged")"
	expect_equal "$prefix/docker" "$docker" "$(manifest_digest "$host" "$prefix/docker" v1)"
	expect_equal "$prefix/multi" "$multi" "$(manifest_digest "$host" "$prefix/tools/multi" stable)"
	expect_equal "$prefix/list" "$list" "$(manifest_digest "$host" "$prefix/list" v1)"
done

# A blob goes to a host once and is mounted in the second repository there, if the host knows mounts.
[[ -z $MOUNTS ]] || expect_equal "uploads of one blob" "" \
	"$(log_lines "$two_log" | grep -oE '^PUT .*digest=sha256[^ ]*' | sed 's/.*digest=//' | sort | uniq -d)"

# Level-triggered: only what is missing is written again.
log_mark "$one_log"
log_mark "$two_log"
cip_run 0 --thin-manifest-dir "$tree" --sign=false --confirm
expect_equal "writes of the second run" 0 "$(($(since "$one_log" '^(POST|PUT|PATCH|DELETE)') + $(since "$two_log" '^(POST|PUT|PATCH|DELETE)')))"

sed -i "s/\"$list\": \[\"v1\"\]/\"$list\": [\"v1\", \"v1-again\"]/" "$tree/images/web/images.yaml"
log_mark "$one_log"
cip_run 0 --thin-manifest-dir "$tree" --sign=false --confirm
expect_equal "writes for one more tag" "PUT /v2/prod/list/manifests/v1-again 201" "$(log_since "$one_log" | grep -E '^(POST|PUT|PATCH|DELETE)')"
