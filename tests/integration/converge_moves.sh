#!/usr/bin/env bash
# A commit moves a mutable tag. SIGKILL before and after every request of its run, then a run that nobody disturbs: the tag, the
# images and the claims are as if there had been one run, on all mirrors. And while each request of a run at the older
# commit is held, the one at the newer comes and moves the tag: the older one may write once what it was about to, and the next
# run at the newer commit has the last word.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tests/integration/converge_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/converge_lib.sh"
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com
export GIT_CONFIG_NOSYSTEM=1

# The digest without a tag is the newer one. The older one stays declared.
prepare() {
	local tree=$1/tree old new
	old=$(sed -n 's/.*"\(sha256:[^"]*\)": \["v1"\]/\1/p' "$tree/images/web/images.yaml")
	new=$(sed -n 's/.*"\(sha256:[^"]*\)": \[\]/\1/p' "$tree/images/web/images.yaml")
	mkdir -p "$tree/policies/web"
	echo 'mutable: [{tags: [latest]}]' >"$tree/policies/web/tag-policy.yaml"
	: >"$tree/images/web/images.yaml"
	tree_image "$tree" web app
	tree_digest "$tree" web "$old" latest
	git -C "$tree" init --quiet --initial-branch=old
	git -C "$tree" add .
	git -C "$tree" commit --quiet --message=old
	git -C "$tree" checkout --quiet -b new
	: >"$tree/images/web/images.yaml"
	tree_image "$tree" web app
	tree_digest "$tree" web "$new" latest
	tree_digest "$tree" web "$old"
	git -C "$tree" commit --quiet --all --message=new
}

CONVERGE_PREPARE=prepare CONVERGE_OPTIONS=(--slsa=false)
FIRST_BRANCH=old BRANCH=new converge_all kill small
# Two runs that make the same move.
FIRST_BRANCH=old BRANCH=new STEP=2 converge_all overlap small
CONVERGE_OPTIONS+=("--fail-on=error,unsigned")
BRANCH=old OTHER_BRANCH=new LAST_WORD=1 STEP=2 converge_all overlap small
