#!/usr/bin/env bash
# A repository of manifests that changes: a tag, a digest and an image are added, an entry is removed. The run at the new
# commit adds what is new and takes nothing away; and it does not matter at which request of a run at the old commit it comes
# in between, or the other way round. A record that the slower run overwrites, having seen that there was none, is back when
# the sweep comes to its digest: the other run sweeps all.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tests/integration/converge_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/converge_lib.sh"
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com
export GIT_CONFIG_NOSYSTEM=1

# The tree of converge_start is the new one; the old one has one image with one tag, and an entry that is gone in the new.
prepare() {
	local tree=$1/tree gone new
	new=$(sed '/name: app/,/name: multi/s/: \["v1"\]/: ["v1","v1.0"]/' "$tree/images/web/images.yaml")
	gone=$(IMAGE_SEED=gone push_image "$(cat "$1/staging/host")" staging/app gone 1)
	: >"$tree/images/web/images.yaml"
	tree_image "$tree" web app
	tree_digest "$tree" web "$gone" gone
	sed -n 's/"v1","v1.0"/"v1"/p' <<<"$new" >>"$tree/images/web/images.yaml"
	git -C "$tree" init --quiet --initial-branch=old
	git -C "$tree" add .
	git -C "$tree" commit --quiet --message=old
	git -C "$tree" checkout --quiet -b new
	echo "$new" >"$tree/images/web/images.yaml"
	git -C "$tree" commit --quiet --all --message=new
}

converge_start "$WORK/world"
prepare "$WORK/world"
# count WHAT WANTED PATTERN: lines in each destination
count() {
	local name
	for name in primary mirror-a mirror-b; do
		expect_equal "$BRANCH, $OTHER_BRANCH: $1 at $name" "$2" "$(grep -cE "^$name/$3" "$WORK/claims" || true)"
	done
}
BRANCH=old OTHER_BRANCH=old
converge "$WORK/world" once >"$WORK/claims" 2>"$WORK/err" || fail "$(tail -n 30 "$WORK/claims")"
count tags 2 'prod/app tag (v1|gone) '
count 'all tags' 2 '[^ ]+ tag '
count signatures 2 '[^ ]+ sig '
count records 2 '[^ ]+ att .*promo-tools/promotion/v1","subject"'
OTHER_BRANCH=new
converge "$WORK/world" once >"$WORK/claims" 2>"$WORK/err" || fail "$(tail -n 30 "$WORK/claims")"
count tags 4 'prod/(app|multi) tag (v1|v1.0|gone) '
count 'all tags' 4 '[^ ]+ tag '
count signatures 4 '[^ ]+ sig '
# One more, of the promotion with a tag more.
count records 5 '[^ ]+ att .*promo-tools/promotion/v1","subject"'

OTHER_OPTIONS=(--sweep=1 --verify-depth=full)
CONVERGE_PREPARE=prepare CONVERGE_OPTIONS=(--slsa=false) RECORDS=1 LAST_WORD=1
STEP=3 converge_all overlap small
BRANCH=new OTHER_BRANCH=old
STEP=3 converge_all overlap small
