#!/usr/bin/env bash
# `cip status`: how far registries have drifted. A clean tree, each kind of drift made by hand, exit codes, the three
# forms of output; nothing is written, and the right to pull is enough.
# shellcheck source=tests/integration/auth_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/auth_lib.sh"

metrics=$WORK/status.prom
status() {
	local wanted=$1
	shift
	cip_run "$wanted" status --output=json --metrics-file "$metrics" "$@"
	mv "$WORK/out" "$WORK/status.json"
	awk -f "$CIP_SOURCE_DIR/tests/integration/metrics_check.awk" "$metrics" || fail "metrics: $(cat "$metrics")"
}
# What jq finds in the last status.
told() {
	expect_equal "$1" "$2" "$(jq -c -r "$3" "$WORK/status.json")"
}
# All kinds that are not zero, as "kind count".
drift() {
	told "$1" "$2" '.totals.drift | to_entries | map(select(.value > 0) | "\(.key) \(.value)") | join(", ")'
}

registry_start "$WORK/one"
host=$REGISTRY_HOST log=$REGISTRY_LOG
tags=$WORK/one/data/docker/registry/v2/repositories
one=$(push_image "$host" staging/app v1)
two=$(push_image "$host" staging/app v2)
other=$(push_image "$host" staging/app other)
tree=$WORK/tree
tree_project "$tree" app "$host/staging" "$host/prod" "$host/mirror"
tree_image "$tree" app app
tree_digest "$tree" app "$one" v1 stable
tree_digest "$tree" app "$two" v2
job=(--thin-manifest-dir "$tree" --sign=false)

# Before the first run nothing is there.
status 3 "${job[@]}"
drift "before the first run" "missing-tag 6"
told "before the first run" "4 0 false" '"\(.totals.images) \(.totals.images_in_place) \(.in_sync)"'
cip_run 0 "${job[@]}" --confirm

# As declared: 0 in all forms, and nothing but reads.
log_mark "$log"
status 0 "${job[@]}"
drift "as declared" ""
told "as declared" "4 4 6 6 2 true" \
	'"\(.totals.images) \(.totals.images_in_place) \(.totals.tags) \(.totals.tags_in_place) \(.totals.repositories) \(.in_sync)"'
told "requests" "$(since "$log")" .totals.requests
expect_equal "requests that are no reads" 0 "$(since "$log" '^(POST|PUT|PATCH|DELETE)')"
expect_has "$metrics" 'cip_last_run_success{command="status"} 1'
expect_has "$metrics" 'cip_project_declared{command="status",project="app",what="tag"} 6'
expect_has "$metrics" 'cip_project_in_place{command="status",project="app",what="image"} 4'
cip_run 0 status "${job[@]}"
expect_equal "the table" "app 4 4 6 6" "$(awk '$1 == "app" { print $1, $2, $3, $4, $5 }' "$WORK/out")"
expect_equal "lines of the table" 2 "$(wc -l <"$WORK/out")"

# A tag that was moved by hand, one that was deleted, and tags that nobody declares.
tag_by_hand() {
	registry_curl -o "$WORK/manifest" -H "Accept: $registry_manifest_types" "http://$host/v2/staging/app/manifests/$3"
	push_manifest "$host" "$1" "$2" application/vnd.oci.image.manifest.v1+json "$WORK/manifest" >/dev/null
}
for blob in $(registry_curl -H "Accept: $registry_manifest_types" "http://$host/v2/staging/app/manifests/$other" |
	jq -r '.config.digest, .layers[].digest'); do
	registry_curl -o "$WORK/blob" "http://$host/v2/staging/app/blobs/$blob"
	push_blob "$host" prod/app "$WORK/blob" >/dev/null
done
tag_by_hand prod/app stable "$other"
rm -r "$tags/mirror/app/_manifests/tags/v2"
tag_by_hand prod/app by-hand "$other"
tag_by_hand prod/app "sha256-${one#sha256:}.sig" "$other"
status 3 "${job[@]}"
drift "by hand" "tag-elsewhere 1, missing-tag 1, extra-tag 1"
told "the tag that was moved" "$host/prod/app stable $one $other images/app/images.yaml" \
	'.items[0] | "\(.repository) \(.tag) \(.digest) \(.found_digest) \(.file)"'
told "the tag that was deleted" "$host/mirror/app v2 $two" '.items[1] | "\(.repository) \(.tag) \(.digest)"'
told "the tag that nobody declares" "$host/prod/app by-hand" '.items[2] | "\(.repository) \(.tag)"'
told "in place" "2 4" '"\(.totals.images_in_place) \(.totals.tags_in_place)"'
expect_has "$metrics" 'cip_project_drift{command="status",project="app",kind="tag-elsewhere"} 1'
expect_has "$metrics" 'cip_last_run_success{command="status"} 0'
cip_run 3 status "${job[@]}"
expect_has "$WORK/out" "tag-elsewhere  $host/prod/app:stable  declared $one  found $other  images/app/images.yaml:3"
expect_has "$WORK/out" "extra-tag      $host/prod/app:by-hand"

# What another project declares there is not extra.
tree_project "$tree" second "$host/staging" "$host/prod"
tree_image "$tree" second app
tree_digest "$tree" second "$other" by-hand
status 3 "${job[@]}"
drift "declared by another project" "tag-elsewhere 1, missing-tag 1"
told "projects" "app second" '[.projects[].project] | join(" ")'

# While that cannot be read, its tags are not known to be extra, and all is not well.
echo "images: {" >"$tree/images/second/images.yaml"
status 3 "${job[@]}"
drift "a project that cannot be read" "tag-elsewhere 1, missing-tag 1, invalid 2"
rm -r "$tree"/*/second

# The job repairs what it may; what it may not is left.
cip_run 3 "${job[@]}" --confirm
status 3 "${job[@]}"
drift "after a run" "tag-elsewhere 1, extra-tag 1"
rm -r "$tags/prod/app/_manifests/tags/stable" "$tags/prod/app/_manifests/tags/by-hand"
cip_run 0 "${job[@]}" --confirm
status 0 "${job[@]}"

# A repository that cannot be read: nothing of it is known, and that is not well either.
fake_start "$WORK/fake"
tree_project "$tree" down "$host/staging" "$FAKE_HOST/prod"
tree_image "$tree" down app
tree_digest "$tree" down "$one" v1
faults "$WORK/fake" "* /v2/prod/app/tags/list* 1+ status 403"
status 3 "${job[@]}"
drift "unreadable" "unreadable 1"
told "unreadable" "1 $FAKE_HOST/prod/app" '"\(.totals.images_unknown) \(.items[0].repository)"'
told "why" true '.items[0].message | test("403")'
rm -r "$tree"/*/down

# Tags that nobody declares are counted without end and named up to a hundred.
fake_start "$WORK/google" --google
IMAGE_SEED=x push_image "$FAKE_HOST" prod/many v0 1 >/dev/null
registry_curl -o "$WORK/manifest" -H "Accept: $registry_manifest_types" "http://$FAKE_HOST/v2/prod/many/manifests/v0"
for ((i = 1; i < 150; i++)); do
	push_manifest "$FAKE_HOST" prod/many "v$i" application/vnd.oci.image.manifest.v1+json "$WORK/manifest" >/dev/null
done
google=$WORK/google-tree
tree_project "$google" many "$FAKE_HOST/staging" "$FAKE_HOST/prod"
tree_image "$google" many many
tree_digest "$google" many "$(registry_sha256 "$WORK/manifest")" v0
status 3 --thin-manifest-dir "$google" --sign=false
drift "many tags" "extra-tag 149"
told "named" "101 49" '"\(.items | length) \(.items[-1].count)"'
cip_run 3 status --thin-manifest-dir "$google" --sign=false
expect_has "$WORK/out" "... 81 more; --all shows them"

# A digest that is not there, which Google's list tells.
tree_digest "$google" many "$one" v1000
status 3 --thin-manifest-dir "$google" --sign=false
drift "lost" "missing-tag 1, lost 1, extra-tag 149"

# Stopped: what was not looked at is not in sync, and both files say so.
faults "$WORK/google" "* /v2/prod/many/tags/list* 1+ stall"
log_mark "$FAKE_LOG"
"$CIP" status --thin-manifest-dir "$google" --sign=false --output=json --metrics-file "$metrics" --grace 0s \
	>"$WORK/status.json" 2>"$WORK/err" </dev/null &
pid=$!
until [[ $(since "$FAKE_LOG" tags/list) -gt 0 ]]; do :; done
kill -s TERM "$pid"
code=0
wait "$pid" || code=$?
expect_equal "exit code after SIGTERM" 143 "$code"
told "stopped" "true false 0" '"\(.interrupted) \(.in_sync) \(.totals.images_in_place)"'
expect_has "$metrics" 'cip_last_run_exit_code{command="status"} 143'
faults "$WORK/google"

# The right to pull is enough, and no other is asked for.
make_certificate
echo "reader r-secret pull staging/ prod/ mirror/" >"$WORK/users"
token_server "$WORK/tokens"
registry_stop "$REGISTRY_PID"
token_registry "$WORK/one"
sed -i "s/$host/$REGISTRY_HOST/" "$tree"/manifests/app/*.yaml
authfile "$WORK/reader.json" "$REGISTRY_HOST" reader r-secret
status 0 "${job[@]}" --src-authfile "$WORK/reader.json" --dest-authfile "$WORK/reader.json"
told "with read-only credentials" 4 .totals.images_in_place
expect_equal "tokens with push" 0 "$(requests "$TOKEN_LOG" push)"

# What could not be done has metrics too.
cip_run 1 status --thin-manifest-dir "$WORK/nowhere" --metrics-file "$metrics"
expect_has "$metrics" 'cip_last_run_exit_code{command="status"} 1'
expect_lacks "$metrics" cip_project
cip_run 2 status --thin-manifest-dir "$tree" --confirm
expect_has "$WORK/err" "unknown flag --confirm"
