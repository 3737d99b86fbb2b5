# shellcheck shell=bash
# The promotion that the converge tests disturb. Sourced after lib.sh.
#
#   converge_start DIR [small]     servers (staging, primary, two mirrors, Sigstore), images and a tree in DIR: an index
#                                  with two children, an image with two tags, a digest without one; small: only the last
#                                  and an image with one tag. The registries are of three kinds.
#   converge DIR EXPERIMENT [OPTION VALUE]...
#                                  the experiment (tests/integration/converge/main.c) with `cip` and the replication of what
#                                  it signed; FORM is the form of signatures
#   converge_all EXPERIMENT [small] all of it, or under a sanitizer a part, on two worlds at a time
#
# A run takes ten times as long under a sanitizer. There only every STEPth experiment is made, in both builds others
# (STEP has no common divisor with the number of experiments at a request, so that in the course of requests all of them
# have their turn). An ordinary build makes every one.

: "${CIP_CONVERGE:?the program of tests/integration/converge}"
FORM=${FORM:-legacy}
unset SIGSTORE_ID_TOKEN TUF_MIRROR TUF_ROOT TUF_ROOT_JSON

converge_settings() {
	cat <<-END
		registries:
		  staging.example.com: {endpoint: '@staging@', plain_http: true}
		  primary.example.com: {endpoint: '@primary@', plain_http: true}
		  mirror-a.example.com: {endpoint: '@mirror-a@', plain_http: true}
		  mirror-b.example.com: {endpoint: '@mirror-b@', plain_http: true}
		network: {retry_base: 1ms, retry_max: 2ms, attempts: 2}
		sigstore:
		  fulcio_url: http://@fulcio@
		  rekor_url: http://@rekor@
		  trusted_root: $1/sigstore/trusted_root.json
		signatures:
		  identities:
		    primary.example.com/prod: registry.example.com
		    mirror-a.example.com/prod: registry.example.com
		    mirror-b.example.com/prod: registry.example.com
		  canonical_registry: primary.example.com
	END
}

converge_start() {
	local directory=$1 size=${2:-} index single tagless
	mkdir -p "$directory/run"
	# Nothing here uses TLS, and the certificates of the system take longer to read than a run lasts.
	openssl req -x509 -newkey ed25519 -nodes -keyout /dev/null -out "$directory/ca.pem" -subj /CN=none 2>/dev/null
	export SSL_CERT_FILE=$directory/ca.pem SSL_CERT_DIR=$directory
	fake_start "$directory/staging" --relative-location
	local staging=$FAKE_HOST
	fake_start "$directory/primary" --google --relative-location
	echo "$FAKE_HOST" >"$directory/primary/host"
	fake_start "$directory/mirror-a" --relative-location
	echo "$FAKE_HOST" >"$directory/mirror-a/host"
	fake_start "$directory/mirror-b" --google --relative-location --single-post yes
	echo "$FAKE_HOST" >"$directory/mirror-b/host"
	echo "$staging" >"$directory/staging/host"
	fake_sigstore_start "$directory/sigstore"
	echo "${FULCIO_URL#http://}" >"$directory/sigstore/fulcio"
	echo "${REKOR_URL#http://}" >"$directory/sigstore/rekor"
	single=$(push_image "$staging" staging/app v1 1)
	tagless=$(IMAGE_SEED=tagless push_image "$staging" staging/app v0 1)
	tree_project "$directory/tree" web staging.example.com/staging mirror-a.example.com/prod primary.example.com/prod \
		mirror-b.example.com/prod
	tree_image "$directory/tree" web app
	tree_digest "$directory/tree" web "$tagless"
	if [[ $size == small ]]; then
		tree_digest "$directory/tree" web "$single" v1
	else
		tree_digest "$directory/tree" web "$single" v1 v1.0
		index=$(push_index "$staging" staging/multi v1)
		tree_image "$directory/tree" web multi
		tree_digest "$directory/tree" web "$index" v1
	fi
	converge_settings "$directory" >"$directory/settings"
}

converge() {
	local directory=$1 experiment=$2 name servers=()
	shift 2
	for name in primary mirror-a mirror-b; do
		servers+=(--destination "$name=$(cat "$directory/$name/host")")
	done
	servers+=(--server "staging=$(cat "$directory/staging/host")" --server "fulcio=$(cat "$directory/sigstore/fulcio")"
		--server "rekor=$(cat "$directory/sigstore/rekor")")
	"$CIP_CONVERGE" "$experiment" "${servers[@]}" --directory "$directory/run" --settings "$directory/settings" "$@" \
		-- "$CIP" --thin-manifest-dir "$directory/tree" --config "$directory/run/cip.yaml" --confirm --threads 2 \
		--max-signature-ops 2 --identity-token "$directory/sigstore/token" --signature-format "$FORM" \
		-- "$CIP" replicate-signatures --thin-manifest-dir "$directory/tree" --config "$directory/run/cip.yaml" --confirm
}

converge_all() {
	local experiment=$1 size=${2:-} i step=1 offset=0 pids=() status=0
	case ${CIP_SANITIZE:-} in
	address | undefined) step=${STEP:-7} ;;
	thread) step=${STEP:-7} offset=3 ;;
	esac
	for i in 0 1; do
		converge_start "$WORK/$experiment$i" "$size"
		converge "$WORK/$experiment$i" "$experiment" --part "$((offset + i * step))/$((2 * step))" \
			>"$WORK/$experiment$i.out" 2>"$WORK/$experiment$i.err" &
		pids+=("$!")
	done
	for i in 0 1; do
		wait "${pids[i]}" || status=1
		head -n 200 "$WORK/$experiment$i.out"
		tail -n 5 "$WORK/$experiment$i.err"
	done
	[[ $status -eq 0 ]] || fail "$experiment, form $FORM: not everything converges"
}
