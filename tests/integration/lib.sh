# shellcheck shell=bash
# What the integration tests of the main job share. Sourced first; sets -euo pipefail, makes WORK (a
# temporary directory) and cleans up: registries it started are stopped by their process id.
#
#   cip_run WANTED-EXIT ARGUMENTS...   runs the binary; output in $WORK/out and $WORK/err; fails on another exit code
#   tree_project TREE PROJECT SOURCE DESTINATION...   starts a project: its registries
#   tree_image TREE PROJECT NAME       starts an image of it
#   tree_digest TREE PROJECT DIGEST [TAG...]          adds a digest to the last image
#   expect_equal WHAT WANTED FOUND     expect_has FILE TEXT     expect_lacks FILE TEXT
#   requests LOG [PATTERN]             number of requests in an access log that match (extended regex on "METHOD PATH")
#   log_mark LOG / log_since LOG       requests since the last mark, one "METHOD PATH STATUS" a line
#   since LOG [PATTERN]                their number
#   expect_report WHAT WANTED FILTER   what jq finds in $WORK/report.json
#   fake_start DIR [OPTION...]         starts the fake registry, which has faults: sets FAKE_HOST, FAKE_LOG. The log
#                                      has a request before its answer is sent
#   MOUNTS, SINGLE_POST                what the registry of registry_start knows: empty or 1
#   fake_sigstore_start DIR ...        starts the fake Sigstore, see tools/lib/sigstore.sh
#   faults DIR [RULE...]               replaces the registry's faults (tests/fakes/registry/faults.c); none: no faults

set -euo pipefail

: "${CIP:?the binary under test}"
CIP_SOURCE_DIR=${CIP_SOURCE_DIR:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
# shellcheck source=tools/lib/registry.sh
. "$CIP_SOURCE_DIR/tools/lib/registry.sh"
# shellcheck source=tools/lib/sigstore.sh
. "$CIP_SOURCE_DIR/tools/lib/sigstore.sh"

# shellcheck disable=SC2034 # for whoever sources this file
case ${CIP_TEST_REGISTRY:-} in
*/ggcr-registry) MOUNTS='' SINGLE_POST=1 ;;
*) MOUNTS=1 SINGLE_POST='' ;;
esac

WORK=$(mktemp -d)
# Nobody's own credentials and settings take part.
export HOME=$WORK/home
mkdir "$HOME"
unset DOCKER_AUTH_CONFIG DOCKER_CONFIG REGISTRY_AUTH_FILE XDG_RUNTIME_DIR XDG_CONFIG_HOME
unset GOOGLE_APPLICATION_CREDENTIALS CLOUDSDK_CONFIG GCE_METADATA_HOST
export NO_GCE_CHECK=true
cleanup() {
	local status=$?
	registry_stop
	if [[ $status -ne 0 && -f $WORK/err ]]; then
		echo "--- last standard output" && tail -n 20 "$WORK/out"
		echo "--- last standard error" && tail -n 40 "$WORK/err"
	fi
	rm -rf "$WORK"
}
trap cleanup EXIT

fail() {
	echo "FAILED: $*" >&2
	exit 1
}

cip_run() {
	local wanted=$1 status=0
	shift
	"$CIP" "$@" >"$WORK/out" 2>"$WORK/err" </dev/null || status=$?
	[[ $status -eq $wanted ]] || fail "cip $* ended with $status, wanted $wanted"
}

tree_project() {
	local tree=$1 project=$2 source=$3 destination
	shift 3
	mkdir -p "$tree/manifests/$project" "$tree/images/$project"
	{
		printf 'registries:\n- name: %s\n  src: true\n' "$source"
		for destination in "$@"; do
			printf -- '- name: %s\n' "$destination"
		done
	} >"$tree/manifests/$project/promoter-manifest.yaml"
	: >"$tree/images/$project/images.yaml"
}

tree_image() {
	printf -- '- name: %s\n  dmap:\n' "$3" >>"$1/images/$2/images.yaml"
}

tree_digest() {
	local file=$1/images/$2/images.yaml digest=$3 tags
	shift 3
	tags=$(printf '"%s",' "$@")
	[[ $# -gt 0 ]] || tags=
	printf '    "%s": [%s]\n' "$digest" "${tags%,}" >>"$file"
}

expect_equal() {
	[[ $2 == "$3" ]] || fail "$1: wanted '$2', found '$3'"
}

expect_has() {
	grep -qF -- "$2" "$1" || fail "$1 lacks: $2"
}

expect_lacks() {
	! grep -qF -- "$2" "$1" || fail "$1 has: $2"
}

# docker-registry: ... "METHOD PATH HTTP/1.1" STATUS ...; the fake one: METHOD PATH STATUS BYTES
log_lines() {
	awk '/^[A-Z]+ [^ ]+ [0-9]+ [0-9]+$/ { print $1, $2, $3; next }
		/^[^"]*"[A-Z]+ [^ ]+ HTTP[^"]*" [0-9]+ / { sub(/^[^"]*"/, ""); print $1, $2, $4 }' "$1"
}

requests() {
	log_lines "$1" | grep -cE -- "${2:-.}" || true
}

log_mark() {
	log_lines "$1" | wc -l >"$1.mark"
}

log_since() {
	log_lines "$1" | tail -n "+$(($(cat "$1.mark") + 1))"
}

# Requests since the mark that match; waits for the log line of the last answer.
since() {
	sleep 0.1
	log_since "$1" | grep -cE -- "${2:-.}" || true
}

expect_report() {
	local found
	found=$(jq -c -r "$3" "$WORK/report.json") || fail "$1: the report is not there or no JSON"
	expect_equal "$1" "$2" "$found"
}

fake_start() {
	local directory=$1 tries=200
	shift
	mkdir -p "$directory"
	: >"$directory/faults"
	: >"$directory/access.log"
	"${CIP_FAKE_REGISTRY:?the fake registry}" --faults "$directory/faults" --access-log "$directory/access.log" \
		"$@" >"$directory/port" 2>"$directory/err" </dev/null &
	registry_pids+=("$!")
	until [[ -s $directory/port ]]; do
		((tries-- > 0)) || fail "the fake registry does not start: $(cat "$directory/err")"
		sleep 0.02
	done
	# shellcheck disable=SC2034 # for whoever sources this file
	FAKE_HOST=127.0.0.1:$(cat "$directory/port") FAKE_LOG=$directory/access.log
}

faults() {
	local directory=$1
	shift
	printf '%s\n' "$@" >"$directory/faults.new"
	mv "$directory/faults.new" "$directory/faults"
}
