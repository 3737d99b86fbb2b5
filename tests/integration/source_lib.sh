# shellcheck shell=bash
# What the tests of Git sources over real servers share. Sourced first; makes WORK (a temporary
# directory, the working directory) and cleans up: stops what stop_later was told.
#
#   make_repository DIR                a repository with branches, tags and some history
#   dump WANTED-EXIT ARGUMENTS...      source_dump git; output in out and err
#   expect_tree REPOSITORY REF         what was dumped is the tree of that commit
#   expect_says TEXT                   the error holds it     expect_hides TEXT: neither output nor error does
#   start_on_free_port FUNCTION        calls it with a port and a log until the server runs; sets PORT

set -euo pipefail

: "${CIP_SOURCE_DUMP:?the program tests/integration/source_dump.c}"

WORK=$(mktemp -d)
cd "$WORK"
stop_pids=()
cleanup() {
	local status=$?
	if [[ ${#stop_pids[@]} -gt 0 ]]; then
		kill "${stop_pids[@]}" 2>/dev/null || true
		wait "${stop_pids[@]}" 2>/dev/null || true
	fi
	if [[ $status -ne 0 ]]; then
		for file in out err server.log; do
			[[ ! -s $WORK/$file ]] || { echo "--- $file" && tail -n 20 "$WORK/$file"; }
		done
	fi
	rm -rf "$WORK"
}
trap cleanup EXIT

export GIT_CONFIG_NOSYSTEM=1 HOME=$WORK
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=c GIT_COMMITTER_EMAIL=c@example.com
unset CIP_GIT_TOKEN http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY

fail() {
	echo "FAILED: $*" >&2
	exit 1
}

stop_later() {
	stop_pids+=("$1")
}

commit() {
	local repository=$1 file=$2
	mkdir -p "$(dirname "$repository/$file")"
	echo "$RANDOM $file" >>"$repository/$file"
	git -C "$repository" add "$file"
	git -C "$repository" commit -q -m "$file"
}

make_repository() {
	git init -q -b main "$1"
	local i
	for i in 1 2 3 4 5; do
		commit "$1" "k8s/images/$i/images.yaml"
		commit "$1" readme
	done
	git -C "$1" tag -a -m one v1
	git -C "$1" branch old HEAD~3
	for i in {1..30}; do
		git -C "$1" commit -q --allow-empty -m "history $i"
	done
}

dump() {
	local wanted=$1 status=0
	shift
	"$CIP_SOURCE_DUMP" git "$@" >out 2>err </dev/null || status=$?
	[[ $status -eq $wanted ]] || fail "source_dump git $* ended with $status, wanted $wanted"
}

expect_tree() {
	[[ $(head -n 1 out) == "$(git -C "$1" rev-parse "$2^{commit}")" ]] || fail "not the commit of $2"
	tail -n +3 out | sed -n 's/^[flo] \([0-9]* .*\)/\1/p' | sort >found
	git -C "$1" ls-tree -r -l "$2" | awk '{ print $4, $5 }' | sort >wanted
	cmp found wanted || fail "not the files of $2"
}

expect_says() {
	grep -qF -- "$1" err || fail "no word of '$1': $(cat err)"
}

expect_hides() {
	! grep -qF -- "$1" out err || fail "'$1' was shown"
}

start_on_free_port() {
	local try pid
	for try in {1..20}; do
		PORT=$((20000 + RANDOM % 40000))
		"$1" "$PORT" "server.log" &
		pid=$!
		for _ in {1..100}; do
			if ! kill -0 "$pid" 2>/dev/null; then
				break
			elif (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null && kill -0 "$pid" 2>/dev/null; then
				stop_later "$pid"
				return
			fi
			sleep 0.05
		done
	done
	fail "no server after $try tries"
}
