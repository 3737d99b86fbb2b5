#!/usr/bin/env bash
# Tags that move: refused unless the project's tag policy lets them; the promotion record and the report say what a tag
# has left; a revert moves it back, also when staging has lost the older image; a run at an older commit moves nothing back.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

registry_start "$WORK/registry"
host=$REGISTRY_HOST log=$REGISTRY_LOG
fake_sigstore_start "$WORK/sigstore"
unset SIGSTORE_ID_TOKEN TUF_MIRROR TUF_ROOT TUF_ROOT_JSON
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com

# The primary is us/, by its name.
primary=a-us/app mirror=eu/app repo=$WORK/repo

services=(--fulcio-url "$FULCIO_URL" --rekor-url "$REKOR_URL" --trusted-root "$WORK/sigstore/trusted_root.json")
who=(--sweep=0 --identity-token "$WORK/sigstore/token" --certificate-identity promoter@example.com
	--certificate-oidc-issuer "$OIDC_URL")

# A run at a commit: job WANTED-EXIT COMMIT [OPTION...]
job() {
	local wanted=$1 commit=$2
	shift 2
	cip_run "$wanted" --manifest-repo "$repo" --manifest-ref "$commit" --confirm --report-file "$WORK/report.json" \
		"${who[@]}" "${services[@]}" "$@"
}

# Commits the tree with these lines in the dmap ("DIGEST [TAG...]"): prints the commit
declare_images() {
	local line
	tree_project "$repo" web "$host/staging" "$host/a-us" "$host/eu"
	tree_image "$repo" web app
	for line in "$@"; do
		# shellcheck disable=SC2086 # words
		tree_digest "$repo" web $line
	done
	git -C "$repo" add -A
	git -C "$repo" commit -q --allow-empty -m change
	git -C "$repo" rev-parse HEAD
}

policy() {
	mkdir -p "$repo/policies/web"
	printf '%s\n' "$@" >"$repo/policies/web/tag-policy.yaml"
}

at() {
	expect_equal "$3" "$2" "$(manifest_digest "$host" "$1" latest)"
}

# The promotion records of an image at the primary, one a line: tags and what they have replaced
records() {
	local blob
	for blob in $(registry_curl --header "Accept: $registry_manifest_types" \
		"http://$host/v2/$primary/manifests/${1/:/-}.att" | jq -r '.layers[].digest'); do
		registry_curl "http://$host/v2/$primary/blobs/$blob" | jq -r .payload | base64 -d |
			jq -r 'select(.predicateType == "https://k8s.io/promo-tools/promotion/v1") | .predicate |
				[(.tags // [] | join(",")), (.replaced // [] | map(.name + "=" + .digest.sha256) | join(",")),
				.manifest.digest.gitCommit] | join(" ")'
	done
}

drop() {
	registry_curl --request DELETE "http://$host/v2/$1/manifests/$2"
}

git init -q -b main "$repo"
one=$(push_image "$host" staging/app one)
two=$(push_image "$host" staging/app two)
three=$(push_image "$host" staging/app three)

# ---- as in kpromo, a tag stays where it is

first=$(declare_images "$one latest v1")
job 0 "$first"
second=$(declare_images "$one v1" "$two latest")
log_mark "$log"
job 3 "$second"
at $primary "$one" "a tag that no policy lets move"
expect_report "refusal" '["tag-move","tag-move"]' '[.records[] | select(.digest == "'"$two"'") | .reason]'
expect_report "what to do" true \
	'.records[0].message | contains("tags are not moved, unless they are mutable by policies/web/tag-policy.yaml")'
expect_equal "writes" 0 "$(since "$log" '^(POST|PUT|PATCH|DELETE)')"

# ---- a policy that is wrong costs the leave and nothing else

policy 'mutable:' '- tag: [latest]'
job 3 "$(declare_images "$one v1" "$two latest v2")"
at $primary "$one" "with a policy that is wrong"
expect_equal "another tag" "$two" "$(manifest_digest "$host" $primary v2)"
expect_report "finding" '["invalid-file","web","policies/web/tag-policy.yaml",2]' \
	'[.findings[0] | .kind, .project, .file, .line]'

# ---- with leave it moves, everywhere, and what it left is told

policy 'mutable:' '- image: ap?' '  tags: [late*]'
moved=$(declare_images "$one v1" "$two latest v2")
cip_run 0 --manifest-repo "$repo" --manifest-ref "$moved" "${services[@]}"
grep -qE "^(tag|promote) +$host/$mirror@$two .*moving latest from $one\$" "$WORK/out" || fail "the plan does not tell of the move"
at $primary "$one" "without --confirm"
log_mark "$log"
job 0 "$moved"
expect_equal "looks at the tag, at first and right before" 4 "$(since "$log" "^HEAD .*/manifests/latest 200")"
at $primary "$two" "the primary"
at $mirror "$two" "the mirror"
expect_report "what the tag left" "[\"$one\",\"$one\"]" \
	'[.records[].tags[] | select(.name == "latest") | select(.done == "written") | .moved_from]'
expect_equal "record" "latest,v2 latest=${one#*:} $moved" "$(records "$two" | tail -n 1)"
expect_equal "what it left is there" "$one" "$(manifest_digest "$host" $primary "$one")"
expect_equal "deletions" 0 "$(since "$log" '^DELETE')"

log_mark "$log"
job 0 "$moved"
expect_equal "writes of the run after it" 0 "$(since "$log" '^(POST|PUT|PATCH|DELETE)')"
# The next commit, too, finds its record although it knows of no move.
next=$(declare_images "$one v1" "$two latest v2" "$three v3")
count=$(records "$two" | wc -l)
job 0 "$next"
expect_equal "records at the next commit" "$count" "$(records "$two" | wc -l)"

# ---- rolling back is reverting the commit, also when staging has lost the older image

drop staging/app "$one"
rolled=$(declare_images "$one latest v1" "$two v2" "$three v3")
job 0 "$rolled"
at $primary "$one" "rolled back"
at $mirror "$one" "rolled back on the mirror"
expect_report "what it left" "[\"$two\",\"$two\"]" '[.records[] | select(.digest == "'"$one"'") | .tags[] | .moved_from // empty]'
expect_equal "record of the way back" "latest,v1 latest=${two#*:} $rolled" "$(records "$one" | tail -n 1)"

# ---- a run at an older commit does not undo it

log_mark "$log"
job 3 "$next"
at $primary "$one" "after a run at an older commit"
at $mirror "$one" "after a run at an older commit, on the mirror"
expect_report "quarantined" '["tag-move","tag-move"]' '[.records[] | select(.digest == "'"$two"'") | .reason]'
expect_report "why" true ".records[0].message | contains(\"moved by a newer commit\") and contains(\"$rolled\") and contains(\"$next\")"
expect_report "why, of the tag" true \
	'[.records[].tags[] | select(.name == "latest") | .message | contains("moved by a newer commit")] | all'
expect_equal "writes" 0 "$(since "$log" '^(POST|PUT|PATCH|DELETE)')"
# Forward again, by a newer one; the same way as before, and yet a record of its own.
again=$(declare_images "$one v1" "$two latest v2" "$three v3")
job 0 "$again"
at $primary "$two" "forward again"
expect_equal "record of the second time" "latest,v2 latest=${one#*:} $again" "$(records "$two" | tail -n 1)"
job 3 "$rolled"
at $primary "$two" "after a run at the commit of the roll-back"

# ---- a mirror that is behind is not moved by a run that must not move the primary

registry_curl "http://$host/v2/$mirror/manifests/$one" --header "Accept: $registry_manifest_types" >"$WORK/manifest"
push_manifest "$host" $mirror latest "$(jq -r .mediaType "$WORK/manifest")" "$WORK/manifest" >"$WORK/pushed"
last=$(declare_images "$one v1" "$two v2" "$three latest v3")
job 0 "$last"
at $mirror "$three" "a mirror that was behind"
push_manifest "$host" $mirror latest "$(jq -r .mediaType "$WORK/manifest")" "$WORK/manifest" >"$WORK/pushed"
job 3 "$again"
at $primary "$three" "at the older commit, the primary"
at $mirror "$one" "at the older commit, the mirror"
job 0 "$last"
at $mirror "$three" "the mirror"

# ---- a digest whose records are somebody else's, or none, holds no tag

stranger=$(push_image "$host" $primary stranger)
registry_curl "http://$host/v2/$primary/manifests/$stranger" --header "Accept: $registry_manifest_types" >"$WORK/manifest"
push_manifest "$host" $primary latest "$(jq -r .mediaType "$WORK/manifest")" "$WORK/manifest" >"$WORK/pushed"
job 0 "$last"
at $primary "$three" "moved by hand"
expect_equal "record" "latest,v3 latest=${stranger#*:} $last" "$(records "$three" | tail -n 1)"

# ---- records that are bundles hold a tag as well

legacy=("${services[@]}")
services=(--fulcio-url "$FULCIO_URL" --rekor-v2-url "$REKOR2_URL" --timestamp-server-url "$TSA_URL"
	--trusted-root "$WORK/sigstore/trusted_root.json" --signature-format=bundle)
policy 'mutable:' '- tags: [latest, edge]'
edge=$(declare_images "$one v1 edge" "$two v2" "$three latest v3")
job 0 "$edge"
job 0 "$(declare_images "$one v1" "$two v2 edge" "$three latest v3")"
job 3 "$edge"
expect_report "why" true '[.records[].message | contains("moved by a newer commit")] | all'
expect_equal "the other tag" "$two" "$(manifest_digest "$host" $primary edge)"
services=("${legacy[@]}")

# ---- from a directory nobody can tell which commit is newer

git -C "$repo" checkout -q "$again"
cip_run 3 --thin-manifest-dir "$repo" --confirm --report-file "$WORK/report.json" "${who[@]}" "${services[@]}"
expect_has "$WORK/err" "the commit of the manifests is not known"
at $primary "$three" "after a run of a directory"
expect_report "what to do" true '.records[0].message | contains("--manifest-repo")'
# Without verification the policy alone decides, and a warning says so.
cip_run 0 --thin-manifest-dir "$repo" --confirm --sign=false
expect_has "$WORK/err" "is moved back"
at $primary "$two" "without verification"

# ---- somebody else writes the tag between the look and the write

fake_start "$WORK/fake"
fake=$FAKE_HOST
old=$(push_image "$fake" prod/app latest)
new=$(IMAGE_SEED=new push_image "$fake" staging/app new)
tree=$WORK/tree
tree_project "$tree" web "$fake/staging" "$fake/prod"
tree_image "$tree" web app
tree_digest "$tree" web "$new" latest
mkdir -p "$tree/policies/web"
echo 'mutable: [{tags: [latest]}]' >"$tree/policies/web/tag-policy.yaml"
faults "$WORK/fake" "HEAD */manifests/latest 2 wrong-digest-header"
cip_run 3 --thin-manifest-dir "$tree" --confirm --sign=false --report-file "$WORK/report.json"
expect_report "reason" '"tag-move" "quarantined"' '.records[0] | "\(.reason | tojson) \(.outcome | tojson)"'
expect_report "why" true '.records[0].message | contains("somebody else has written it during this run")'
expect_equal "the tag" "$old" "$(manifest_digest "$fake" prod/app latest)"
faults "$WORK/fake"
cip_run 0 --thin-manifest-dir "$tree" --confirm --sign=false
expect_equal "the tag in the end" "$new" "$(manifest_digest "$fake" prod/app latest)"
