# shellcheck shell=bash
# Starts the Sigstore of the tests (tests/fakes/sigstore.h) on free loopback ports. To be sourced after
# tools/lib/registry.sh, whose registry_stop also stops what is started here.
#
#   fake_sigstore_start DIR [OPTION...]   the program is CIP_FAKE_SIGSTORE; its options are in
#                                     tests/fakes/sigstore/main.c. What it writes goes into DIR: trusted_root.json,
#                                     signing_config.json (Rekor 1), signing_config_rekor_v2.json, token, requests.log,
#                                     root.json (of the TUF repository that has trusted_root.json and signing_config.json).
#                                     Sets OIDC_URL, FULCIO_URL, REKOR_URL, REKOR2_URL, TSA_URL, TUF_URL. Not in a subshell.
#   fake_sigstore_token [QUERY]       prints another token than DIR/token: email=, sub=, issuer=, audience=,
#                                     verified=false, lifetime=SECONDS
#   fake_sigstore_fault [RULE]        what goes wrong from now on; none: nothing any more

fake_sigstore_start() {
	local directory=$1 tries=400
	shift
	mkdir -p "$directory"
	"${CIP_FAKE_SIGSTORE:?the Sigstore of the tests}" --directory "$directory" "$@" \
		>"$directory/ready" 2>"$directory/err" </dev/null &
	registry_pids+=("$!")
	until [[ -s $directory/ready ]]; do
		if ((tries-- == 0)); then
			echo "the Sigstore of the tests does not start: $(cat "$directory/err")" >&2
			return 1
		fi
		sleep 0.02
	done
	# shellcheck source=/dev/null
	. "$directory/endpoints"
}

fake_sigstore_token() {
	registry_curl "$OIDC_URL/token?${1:-}"
}

fake_sigstore_fault() {
	if [[ $# -eq 0 ]]; then
		registry_curl --request DELETE "$OIDC_URL/admin/faults"
	else
		registry_curl --data-binary "$1" "$OIDC_URL/admin/faults"
	fi
}
