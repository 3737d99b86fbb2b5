# shellcheck shell=bash
# The promotion that the converge tests disturb. Sourced after lib.sh.
#
#   converge_start DIR [small|tiny]
#                                  servers (staging, primary, two mirrors, Sigstore), images and a tree in DIR: an index
#                                  with two children, an image with two tags, a digest without one; small: only the last
#                                  and an image with one tag; tiny: that alone. The registries are of three kinds.
#   converge DIR EXPERIMENT [OPTION VALUE]...
#                                  the experiment (tests/integration/converge/main.c) with `cip --replicate` (SEPARATE=1: with
#                                  `cip replicate-signatures` after it); FORM is the form of signatures, CONVERGE_OPTIONS an array of more options;
#                                  BRANCH: of the tree, which is a repository then; OTHER_BRANCH and the array OTHER_OPTIONS: for
#                                  the other of two runs; FIRST_BRANCH: for a run before each experiment; LAST_WORD: runs of
#                                  the other before comparing; RECORDS: those of the other are compared, too
#   converge_all EXPERIMENT [small|tiny]
#                                  all of it, or under a sanitizer a part, on several worlds at a time; CONVERGE_PREPARE is
#                                  called with the directory of each
#
# A run takes ten times as long under a sanitizer. There only every seventh experiment is made, others in each of the two
# builds: seven has no common divisor with how many experiments there are at a request, so all kinds have their turn. STEP
# is for experiments whose number would be too much for an ordinary build, too.

: "${CIP_CONVERGE:?the program of tests/integration/converge}"
FORM=${FORM:-legacy}
[[ -v CONVERGE_OPTIONS ]] || CONVERGE_OPTIONS=()
OTHER_OPTIONS=()
converge_count=0
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
	tagless=$(IMAGE_SEED=tagless push_image "$staging" staging/app v0 0)
	tree_project "$directory/tree" web staging.example.com/staging mirror-a.example.com/prod primary.example.com/prod \
		mirror-b.example.com/prod
	tree_image "$directory/tree" web app
	[[ $size == tiny ]] || tree_digest "$directory/tree" web "$tagless"
	if [[ -n $size ]]; then
		tree_digest "$directory/tree" web "$single" v1
	else
		tree_digest "$directory/tree" web "$single" v1 v1.0
		index=$(INDEX_LAYERS=1 push_index "$staging" staging/multi v1)
		tree_image "$directory/tree" web multi
		tree_digest "$directory/tree" web "$index" v1
	fi
	converge_settings "$directory" >"$directory/settings"
}

# The job over the tree, or over a branch of it: converge_commands DIR MARK [BRANCH]; sets commands
converge_commands() {
	local directory=$1 mark=$2 source=(--thin-manifest-dir "$1/tree") settings=(--config "$1/run/cip.yaml" --confirm)
	[[ -z ${3:-} ]] || source=(--manifest-repo "$directory/tree" --manifest-ref "$3")
	commands=("$mark" "$CIP" "${source[@]}" "${settings[@]}" --threads 2 --max-signature-ops 2
		--identity-token "$directory/sigstore/token" --signature-format "$FORM" --sweep=0 "${CONVERGE_OPTIONS[@]}")
	[[ $mark == -- ]] || commands+=("${OTHER_OPTIONS[@]}")
	if [[ -n ${SEPARATE:-} ]]; then
		commands+=("$mark" "$CIP" replicate-signatures "${source[@]}" "${settings[@]}")
	else
		commands+=(--replicate)
	fi
}

converge() {
	local directory=$1 experiment=$2 name arguments=() commands
	shift 2
	for name in primary mirror-a mirror-b; do
		arguments+=(--destination "$name=$(cat "$directory/$name/host")")
	done
	arguments+=(--server "staging=$(cat "$directory/staging/host")" --server "fulcio=$(cat "$directory/sigstore/fulcio")"
		--server "rekor=$(cat "$directory/sigstore/rekor")" --directory "$directory/run" --settings "$directory/settings" "$@")
	[[ -z ${RECORDS:-} ]] || arguments+=(--records yes)
	[[ -z ${LAST_WORD:-} ]] || arguments+=(--last-word "$LAST_WORD")
	converge_commands "$directory" -- "${BRANCH:-}"
	arguments+=("${commands[@]}")
	if [[ -n ${FIRST_BRANCH:-} ]]; then
		converge_commands "$directory" == "$FIRST_BRANCH"
		arguments+=("${commands[@]}")
	fi
	if [[ -n ${OTHER_BRANCH:-} ]]; then
		converge_commands "$directory" ++ "$OTHER_BRANCH"
		arguments+=("${commands[@]}")
	fi
	"$CIP_CONVERGE" "$experiment" "${arguments[@]}"
}

converge_all() {
	local experiment=$1 size=${2:-} i step=${STEP:-1} offset=0 worlds=3 pids=() status=0
	converge_count=$((converge_count + 1))
	# There are no more than servers.
	[[ -z ${CIP_SANITIZE:-} || $experiment == down ]] || step=$((7 * step))
	[[ ${CIP_SANITIZE:-} != thread ]] || offset=3
	for ((i = 0; i < worlds; i++)); do
		converge_start "$WORK/$experiment$converge_count-$i" "$size"
		[[ -z ${CONVERGE_PREPARE:-} ]] || "$CONVERGE_PREPARE" "$WORK/$experiment$converge_count-$i"
		converge "$WORK/$experiment$converge_count-$i" "$experiment" --part "$((offset + i * step))/$((worlds * step))" \
			>"$WORK/$experiment$converge_count-$i.out" 2>"$WORK/$experiment$converge_count-$i.err" &
		pids+=("$!")
	done
	for ((i = 0; i < worlds; i++)); do
		wait "${pids[i]}" || status=1
		head -n 200 "$WORK/$experiment$converge_count-$i.out"
		tail -n 5 "$WORK/$experiment$converge_count-$i.err"
	done
	[[ $status -eq 0 ]] || fail "$experiment, form $FORM: not everything converges"
}
