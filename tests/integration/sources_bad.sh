#!/usr/bin/env bash
# Git repositories and trees that are not what they should be, through the command line: the exit code, an error that
# says what is wrong where, and nothing promoted. What servers do wrong is tested by source_http.sh and source_ssh.sh.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

fake_start "$WORK/registry"
host=$FAKE_HOST log=$FAKE_LOG
image=$(push_image "$host" staging/app v1)

repo=$WORK/repo
in_repo() {
	git -C "$repo" -c user.name=test -c user.email=test@example.com "$@"
}
commit_all() {
	in_repo add --all
	in_repo commit --quiet --message "$1"
}
git init --quiet --initial-branch main "$repo"
tree=$repo/deep/tree
tree_project "$tree" app "$host/staging" "$host/prod"
tree_image "$tree" app app
tree_digest "$tree" app "$image" v1
commit_all "good"
good=$(in_repo rev-parse HEAD)
in_repo tag v1
in_repo tag a-blob "$(in_repo rev-parse HEAD:deep/tree/images/app/images.yaml)"
in_repo tag a-tree 'HEAD^{tree}'
mkdir -m 700 "$WORK/cache"

# refused EXIT TEXT ARGUMENTS...: as a job, and as a check; no request is sent, and the report says why
refused() {
	local wanted=$1 text=$2
	shift 2
	log_mark "$log"
	cip_run "$wanted" "$@" --sign=false --confirm --report-file "$WORK/report.json"
	expect_has "$WORK/err" "$text"
	expect_equal "requests to the registry" 0 "$(since "$log")"
	cip_run "$wanted" "$@" --parse-only
	expect_has "$WORK/err" "$text"
	[[ ! -s $WORK/out ]] || fail "cip $* printed counts"
}
done_from() {
	cip_run 0 "$@" --sign=false --confirm --report-file "$WORK/report.json"
	expect_report "commit" "$good" .source.commit
}

# ---- Where it is

refused 1 "Git repository $WORK/nowhere: no such directory" --manifest-repo "$WORK/nowhere"
expect_report "in the report" true ".error.message | contains(\"$WORK/nowhere\")"
mkdir "$WORK/plain"
refused 1 "Git repository $WORK/plain: not a Git repository" --manifest-repo "$WORK/plain"
git init --quiet "$WORK/empty"
refused 1 "the repository is empty" --manifest-repo "$WORK/empty"
refused 1 "the repository is empty" --manifest-repo "$WORK/empty" --cache-dir "$WORK/cache"
for scheme in ftp git file+ssh ext; do
	refused 1 "$scheme:// is not supported: use https://, ssh://" --manifest-repo "$scheme://127.0.0.1:1/x.git"
done
printf "network: {attempts: 1}\n" >"$WORK/once.yaml"
refused 1 "onnect" --manifest-repo https://127.0.0.1:1/x.git --config "$WORK/once.yaml"
CIP_GIT_TOKEN=geheim refused 1 "127.0.0.1:1/x.git" --manifest-repo https://127.0.0.1:1/x.git --log-level trace --config "$WORK/once.yaml"
expect_lacks "$WORK/err" geheim
refused 2 "holds credentials" --manifest-repo https://user:geheim@127.0.0.1:1/x.git
expect_lacks "$WORK/err" geheim
expect_lacks "$WORK/report.json" geheim
refused 2 "not a host name or address" --manifest-repo "ssh://-oProxyCommand=touch%20$WORK%2Fowned/x"
[[ ! -e $WORK/owned ]] || fail "a URL became an option of ssh"
refused 2 "$WORK/none: no such file" --manifest-repo https://127.0.0.1:1/x.git --git-token-file "$WORK/none"

# ---- What is wanted from it

from=(--manifest-repo "$repo" --manifest-path deep/tree)
done_from "${from[@]}"
for ref in v1 main refs/heads/main refs/tags/v1 "$good" "${good:0:10}"; do
	done_from "${from[@]}" --manifest-ref "$ref"
	done_from "${from[@]}" --manifest-ref "$ref" --cache-dir "$WORK/cache"
done
for ref in nope main.. HEAD~1 -x 'main:deep' @ '*'; do
	refused 1 "the repository has no branch or tag of this name" "${from[@]}" "--manifest-ref=$ref"
done
refused 1 "hold no such commit" "${from[@]}" --manifest-ref "$(printf '%040d' 0)"
refused 1 "it is a blob, not a commit" "${from[@]}" --manifest-ref a-blob
refused 1 "it is a tree, not a commit" "${from[@]}" --manifest-ref a-tree
refused 1 "nope in commit ${good:0:7}: no such file or directory" --manifest-repo "$repo" --manifest-path nope
refused 1 "expected a directory, this is a regular file" --manifest-repo "$repo" --manifest-path deep/tree/images/app/images.yaml
for path in ../repo /deep deep//tree deep/./tree; do
	refused 1 "not a plain path" --manifest-repo "$repo" "--manifest-path=$path"
done

# ---- The cache

mirror=$(find "$WORK/cache" -maxdepth 1 -name '*repo-*.git')
cached=("${from[@]}" --cache-dir "$WORK/cache")
spoil_and_run() {
	done_from "${cached[@]}"
	"$@"
	done_from "${cached[@]}"
}
flip_packs() {
	local pack
	for pack in "$mirror"/objects/pack/*.pack; do
		printf 'xxxxxxxx' | dd of="$pack" bs=1 seek=40 conv=notrunc status=none
	done
}
cut_packs() { truncate --size 20 "$mirror"/objects/pack/*.pack; }
no_packs() { rm "$mirror"/objects/pack/*; }
no_head() { rm "$mirror/HEAD"; }
wrong_refs() { echo garbage >"$mirror/packed-refs"; }
a_file() { rm -r "$mirror" && echo garbage >"$mirror"; }
# What others may have put there is not obeyed.
evil_config() {
	mkdir -p "$mirror/hooks" "$mirror/objects/info"
	printf '[url "%s/nowhere/"]\n\tinsteadOf = %s\n[core]\n\tfsmonitor = touch %s/owned\n' "$WORK" "$WORK" "$WORK" >>"$mirror/config"
	printf '#!/bin/sh\ntouch %s/owned\n' "$WORK" >"$mirror/hooks/post-update"
	chmod +x "$mirror/hooks/post-update"
	echo "$WORK/empty/.git/objects" >"$mirror/objects/info/alternates"
}
for spoil in flip_packs cut_packs no_packs no_head wrong_refs a_file evil_config; do
	spoil_and_run "$spoil"
done
flip_packs
cip_run 0 "${cached[@]}" --parse-only
expect_has "$WORK/err" "damaged"
[[ ! -e $WORK/owned ]] || fail "the cache made us run something"
chmod 777 "$WORK/cache"
refused 2 "can be written by others" "${cached[@]}"
chmod 700 "$WORK/cache"
refused 1 "cannot create directory" "${from[@]}" --cache-dir "$repo/deep/tree/images/app/images.yaml"
# A fetch that failed never falls back to what was fetched before.
mv "$repo" "$repo.away"
refused 1 "Git repository $repo: " "${cached[@]}"
mv "$repo.away" "$repo"
# Nothing of git's programs is needed.
expect_equal "without any program" "projects" "$(PATH=/nonexistent "$CIP" "${from[@]}" --parse-only 2>/dev/null | sed -n '1s/ .*//p')"

# ---- The tree in it

# shape PATH COMMAND...: the good tree changed with this command has the wrong shape at PATH
shape() {
	local text=$1
	shift
	in_repo checkout --quiet -B try "$good"
	(cd "$tree" && "$@")
	commit_all "$*"
	cip_run 1 "${from[@]}" --manifest-ref try --sign=false --confirm
	expect_has "$WORK/err" ": tree: "
	expect_has "$WORK/err" "deep/tree/$text"
	cip_run 2 "${from[@]}" --manifest-ref try --parse-only
	cip_run 2 "${from[@]}" --manifest-ref try --sign=false --confirm --strict
}
to_link() { rm -r "$1" && ln -s "$2" "$1"; }
deeper() { mkdir manifests/app/x && git mv manifests/app/promoter-manifest.yaml manifests/app/x; }
shape images/app/images.yaml git rm -q images/app/images.yaml
shape images/app/images.yaml to_link images/app/images.yaml /etc/hostname
shape images to_link images /etc
shape manifests git rm -q -r manifests
shape manifests/app/x/promoter-manifest.yaml deeper
shape manifests/promoter-manifest.yaml git mv manifests/app/promoter-manifest.yaml manifests
in_repo checkout --quiet -B try "$good"
rm -r "$repo/deep"
mkdir "$repo/deep"
ln -s /etc "$repo/deep/tree"
commit_all "a link"
refused 1 "this is a symbolic link (links are not followed)" "${from[@]}" --manifest-ref try

# A commit with faults in its files: the good of it is promoted, and each fault has its place in that commit.
in_repo checkout --quiet -B try "$good"
tree_digest "$tree" app "ha256:${image#sha256:}" v2
tree_project "$tree" broken "$host/staging" "$host/prod"
printf -- '- name: x\n  dmap: [\n' >"$tree/images/broken/images.yaml"
commit_all "faults"
cip_run 3 "${from[@]}" --manifest-ref try --sign=false --confirm --report-file "$WORK/report.json"
grep -qE '^deep/tree/images/app/images\.yaml:4:5: malformed: ' "$WORK/err" || fail "no place of the malformed entry"
grep -qE '^deep/tree/images/broken/images\.yaml:3:1: invalid-file: ' "$WORK/err" || fail "no place of the broken file"
expect_report "commit" "$(in_repo rev-parse HEAD)" .source.commit
expect_equal "the good entry" "$image" "$(manifest_digest "$host" prod/app v1)"
