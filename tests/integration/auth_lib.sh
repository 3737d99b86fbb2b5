# shellcheck shell=bash
# What the tests of authentication share, besides lib.sh. Sourced instead of it.
#
#   authfile FILE HOST USER PASSWORD   writes a file as docker's
#   make_certificate                   of 127.0.0.1: $WORK/ca.pem, its key $WORK/key.pem
#   token_server DIR [OPTION...]       starts one for the users in $WORK/users: sets TOKEN_URL, TOKEN_LOG
#   token_registry DIR                 starts a docker-registry with tokens of the last token server

# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

: "${CIP_TOKEN_SERVER:?the token server}"

authfile() {
	printf '{"auths":{"%s":{"auth":"%s"}}}' "$2" "$(printf '%s:%s' "$3" "$4" | base64 -w0)" >"$1"
}

make_certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test -keyout "$WORK/key.pem" \
		-out "$WORK/ca.pem" -addext subjectAltName=IP:127.0.0.1 2>/dev/null
}

token_server() {
	local directory=$1 tries=200
	shift
	mkdir -p "$directory"
	: >"$directory/access.log"
	"$CIP_TOKEN_SERVER" --key "$WORK/key.pem" --certificate "$WORK/ca.pem" --users "$WORK/users" \
		--access-log "$directory/access.log" --expired-file "$directory/expired" "$@" >"$directory/port" 2>"$directory/err" &
	registry_pids+=("$!")
	until [[ -s $directory/port ]]; do
		((tries-- > 0)) || fail "the token server does not start: $(cat "$directory/err")"
		sleep 0.02
	done
	# shellcheck disable=SC2034 # for whoever sources this file
	TOKEN_URL=http://127.0.0.1:$(cat "$directory/port")/token TOKEN_LOG=$directory/access.log
}

token_registry() {
	REGISTRY_AUTH=token REGISTRY_AUTH_TOKEN_REALM=$TOKEN_URL REGISTRY_AUTH_TOKEN_SERVICE=test \
		REGISTRY_AUTH_TOKEN_ISSUER=test-issuer REGISTRY_AUTH_TOKEN_ROOTCERTBUNDLE=$WORK/ca.pem registry_start "$1"
}
