# shellcheck shell=bash
# The real Sigstore on loopback: Fulcio, Rekor 1 over Trillian, Rekor 2, a timestamp authority, and an OIDC issuer of
# ours (cip-fake-sigstore, of which nothing else is used). Sourced after something that sets -euo pipefail and sources
# tools/lib/registry.sh, whose registry_stop also stops what is started here.
#
#   sigstore_peers                    where the programs are; ends with 77 where they have not been built. Called
#                                     before HOME changes
#   sigstore_start DIR [INTERVAL]     starts all on free ports; state and logs go into DIR. INTERVAL is that of Rekor 2's
#                                     checkpoints, for which a writer waits (default: 200ms). Sets:
#      FULCIO_URL REKOR1_URL REKOR2_URL TSA_URL ISSUER
#      TRUSTED_ROOT                   both logs are in it
#      SIGNING_CONFIG, SIGNING_CONFIG_REKOR1
#                                     Rekor 2 with a timestamp, and Rekor 1
#   identity_token EMAIL              prints one that Fulcio accepts for an hour
#   cosign ARGUMENT...                version 3; output in DIR/cosign.out and .err
#   cosign_write FORM COMMAND ...     cosign sign, attest, sign-blob or attest-blob with these services; FORM is legacy,
#                                     or a bundle with an entry in rekor1 or rekor2
#   cosign_read COMMAND EMAIL ...     cosign verify, verify-attestation or verify-blob: signed by EMAIL?
#   cosign_accepts COMMAND EMAIL ...  fails unless it says so, and also that nobody else did
#   cosign2_accepts FORM COMMAND EMAIL ...
#                                     the same of images by version 2, if that has been built (tools/install-peers cosign2)
#   fulcio_certificates               how many it has issued
#
# One stack at a time on a machine: timestamp-server insists on port 2112 for its metrics, so the next one waits.

declare -A sigstore_pids=()

sigstore_peers() {
	local install
	install=$(dirname "${BASH_SOURCE[0]}")/../../tools/install-peers
	SIGSTORE_PEERS=$("$install" --where sigstore) || exit 77
	SIGSTORE_COSIGN2=
	! "$install" --where cosign2 >/dev/null 2>&1 || SIGSTORE_COSIGN2=$SIGSTORE_PEERS/cosign2
}

# Different ones, below those that the kernel gives to clients, and not taken now.
sigstore_free_ports() {
	local wanted=$1 port
	local -A chosen=()
	while ((${#chosen[@]} < wanted)); do
		port=$((RANDOM % 12000 + 20000))
		(: >"/dev/tcp/127.0.0.1/$port") 2>/dev/null || chosen[$port]=1
	done
	echo "${!chosen[@]}"
}

# sigstore_run NAME PROGRAM [ARGUMENT...]; nothing of the caller's environment takes part.
sigstore_run() {
	local name=$1
	shift
	env -i PATH="$PATH" HOME="$SIGSTORE" "$@" >"$SIGSTORE/$name.out" 2>"$SIGSTORE/$name.log" </dev/null 9>&- &
	registry_pids+=("$!")
	sigstore_pids[$name]=$!
}

sigstore_fail() {
	echo "the Sigstore stack does not start: $*" >&2
	tail -n 5 "$SIGSTORE"/*.log "$SIGSTORE"/*.out >&2
	return 1
}

# sigstore_wait NAME URL
sigstore_wait() {
	local tries=400
	until curl --silent --fail --noproxy '*' --output /dev/null "$2"; do
		((tries-- > 0)) && kill -0 "${sigstore_pids[$1]}" || sigstore_fail "$1 does not answer at $2" || return
		sleep 0.05
	done
}

# sigstore_first_line NAME: what the program says when it serves
sigstore_first_line() {
	local tries=400
	until [[ -s $SIGSTORE/$1.out ]]; do
		((tries-- > 0)) && kill -0 "${sigstore_pids[$1]}" || sigstore_fail "$1 says nothing" || return
		sleep 0.05
	done
	head -n 1 "$SIGSTORE/$1.out"
}

sigstore_start() {
	local interval=${2:-200ms}
	local -a ports
	SIGSTORE=$1
	mkdir -p "$SIGSTORE/issuer"
	exec 9>"$SIGSTORE_PEERS/../port-2112.lock"
	flock 9

	read -r -a ports < <(sigstore_free_ports 8)
	TSA_URL=http://127.0.0.1:${ports[0]}/api/v1/timestamp REKOR1_URL=http://127.0.0.1:${ports[1]}
	REKOR2_URL=http://127.0.0.1:${ports[2]} FULCIO_URL=http://127.0.0.1:${ports[3]}
	sigstore_run timestamp-server "$SIGSTORE_PEERS/timestamp-server" serve --host 127.0.0.1 --port "${ports[0]}" \
		--timestamp-signer memory --disable-ntp-monitoring --cleanup-timeout 1s
	sigstore_run trillian "$SIGSTORE_PEERS/trillian-memory"
	sigstore_run issuer "${CIP_FAKE_SIGSTORE:?}" --directory "$SIGSTORE/issuer"

	openssl genpkey -algorithm ed25519 -out "$SIGSTORE/rekor2.pem"
	openssl pkey -in "$SIGSTORE/rekor2.pem" -pubout -out "$SIGSTORE/rekor2.pub"
	sigstore_run rekor2 "$SIGSTORE_PEERS/rekor-tiles" serve --http-port "${ports[2]}" --http-address 127.0.0.1 \
		--grpc-port "${ports[4]}" --grpc-address 127.0.0.1 --http-metrics-port "${ports[5]}" --hostname 127.0.0.1 \
		--storage-dir "$SIGSTORE/tiles" --signer-filepath "$SIGSTORE/rekor2.pem" \
		--checkpoint-interval "$interval" --batch-max-age 50ms

	sigstore_first_line issuer >"$SIGSTORE/ready"
	ISSUER=$(sed -n 's/^OIDC_URL=//p' "$SIGSTORE/issuer/endpoints")
	printf '{"OIDCIssuers": {"%s": {"IssuerURL": "%s", "ClientID": "sigstore", "Type": "email"}}}' "$ISSUER" "$ISSUER" \
		>"$SIGSTORE/fulcio.json"
	sigstore_run fulcio "$SIGSTORE_PEERS/fulcio" serve --ca ephemeralca --ct-log-url= --config-path "$SIGSTORE/fulcio.json" \
		--host 127.0.0.1 --port "${ports[3]}" --grpc-host 127.0.0.1 --grpc-port "${ports[6]}" \
		--metrics-port "${ports[7]}" --legacy-unix-domain-socket "$SIGSTORE/fulcio.sock"

	# Its index of entries by subject wants a database; nobody here searches.
	sigstore_run rekor1 "$SIGSTORE_PEERS/rekor-server" serve --trillian_log_server.address 127.0.0.1 \
		--trillian_log_server.port "$(sigstore_first_line trillian)" --rekor_server.signer memory \
		--rekor_server.hostname 127.0.0.1 --rekor_server.address 127.0.0.1 --port "${ports[1]}" --enable_retrieve_api=false \
		--enabled_api_endpoints getLogInfo,getPublicKey,getLogProof,createLogEntry,getLogEntryByIndex,getLogEntryByUUID

	sigstore_wait timestamp-server "${TSA_URL%/api/*}/ping"
	sigstore_wait fulcio "$FULCIO_URL/healthz"
	sigstore_wait rekor1 "$REKOR1_URL/ping"
	sigstore_wait rekor2 "$REKOR2_URL/healthz"
	sigstore_trust
}

sigstore_trust() {
	local since=start-time=2024-01-01T00:00:00Z operator=operator=local
	TRUSTED_ROOT=$SIGSTORE/trusted_root.json
	SIGNING_CONFIG=$SIGSTORE/signing_config.json SIGNING_CONFIG_REKOR1=$SIGSTORE/signing_config_rekor1.json
	registry_curl -o "$SIGSTORE/fulcio.pem" "$FULCIO_URL/api/v1/rootCert"
	registry_curl -o "$SIGSTORE/rekor1.pub" "$REKOR1_URL/api/v1/log/publicKey"
	registry_curl -o "$SIGSTORE/tsa.pem" "$TSA_URL/certchain"
	cosign trusted-root create --fulcio "url=$FULCIO_URL,certificate-chain=$SIGSTORE/fulcio.pem" \
		--rekor "url=$REKOR1_URL,public-key=$SIGSTORE/rekor1.pub,$since" \
		--rekor "url=$REKOR2_URL,public-key=$SIGSTORE/rekor2.pub,$since,origin=127.0.0.1" \
		--tsa "url=$TSA_URL,certificate-chain=$SIGSTORE/tsa.pem" --out "$TRUSTED_ROOT"
	cosign signing-config create --fulcio "url=$FULCIO_URL,api-version=1,$since,$operator" \
		--oidc-provider "url=$ISSUER,api-version=1,$since,$operator" \
		--rekor "url=$REKOR2_URL,api-version=2,$since,$operator" --rekor-config ANY \
		--tsa "url=$TSA_URL,api-version=1,$since,$operator" --tsa-config ANY --out "$SIGNING_CONFIG"
	cosign signing-config create --fulcio "url=$FULCIO_URL,api-version=1,$since,$operator" \
		--oidc-provider "url=$ISSUER,api-version=1,$since,$operator" \
		--rekor "url=$REKOR1_URL,api-version=1,$since,$operator" --rekor-config ANY --out "$SIGNING_CONFIG_REKOR1"
}

identity_token() {
	registry_curl "$ISSUER/token?email=$1&lifetime=3600"
}

cosign() {
	"$SIGSTORE_PEERS/cosign" "$@" >"$SIGSTORE/cosign.out" 2>"$SIGSTORE/cosign.err" </dev/null
}

cosign_write() {
	local form=$1 command=$2
	local -a to
	shift 2
	case $form in
	legacy) to=(--new-bundle-format=false --use-signing-config=false --fulcio-url "$FULCIO_URL" --rekor-url "$REKOR1_URL") ;;
	rekor1) to=(--signing-config "$SIGNING_CONFIG_REKOR1") ;;
	rekor2) to=(--signing-config "$SIGNING_CONFIG") ;;
	esac
	[[ $command == *-blob* ]] || to+=(--allow-http-registry)
	cosign "$command" --yes "${to[@]}" --trusted-root "$TRUSTED_ROOT" "$@" || {
		cat "$SIGSTORE/cosign.err" >&2
		return 1
	}
}

cosign_read() {
	local command=$1 email=$2
	local -a from=()
	shift 2
	[[ $command == *-blob* ]] || from=(--allow-http-registry)
	cosign "$command" "${from[@]}" --trusted-root "$TRUSTED_ROOT" --insecure-ignore-sct --certificate-identity "$email" \
		--certificate-oidc-issuer "$ISSUER" "$@"
}

cosign_accepts() {
	local command=$1 email=$2
	shift 2
	cosign_read "$command" "$email" "$@" || fail "cosign $command $*: $(cat "$SIGSTORE/cosign.err")"
	! cosign_read "$command" nobody@example.com "$@" || fail "cosign $command $*: accepts another identity"
	grep -qF "$email" "$SIGSTORE/cosign.err" || fail "cosign $command $*: does not say who signed"
}

# Its --trusted-root is for bundles only.
cosign2_accepts() {
	local form=$1 command=$2 email=$3
	local -a from=(--new-bundle-format --trusted-root "$TRUSTED_ROOT")
	shift 3
	[[ -n $SIGSTORE_COSIGN2 ]] || return 0
	case $form in
	legacy) from=() ;;
	rekor2) from+=(--use-signed-timestamps) ;;
	esac
	SIGSTORE_ROOT_FILE=$SIGSTORE/fulcio.pem SIGSTORE_REKOR_PUBLIC_KEY=$SIGSTORE/rekor1.pub \
		"$SIGSTORE_COSIGN2" "$command" "${from[@]}" --allow-http-registry --insecure-ignore-sct \
		--certificate-identity "$email" --certificate-oidc-issuer "$ISSUER" "$@" \
		>"$SIGSTORE/cosign.out" 2>"$SIGSTORE/cosign.err" </dev/null || fail "cosign 2 $command $*: $(cat "$SIGSTORE/cosign.err")"
}

fulcio_certificates() {
	grep -c CreateSigningCertificate "$SIGSTORE/fulcio.out" || true
}
