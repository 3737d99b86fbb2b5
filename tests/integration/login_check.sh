#!/usr/bin/env bash
# cip login-check: what it finds out about registries that are open, want a password or a token, or are not there; that
# it writes nothing anywhere; how it says it and how it ends.
# shellcheck source=tests/integration/auth_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/auth_lib.sh"

# check WANTED-EXIT ARGUMENTS...: no secret may be said
check() {
	local wanted=$1 secret
	shift
	cip_run "$wanted" login-check --log-level=trace "$@"
	for secret in r-secret w-secret wrong-secret "$(printf 'writer:w-secret' | base64)" eyJ; do
		expect_lacks "$WORK/err" "$secret"
		expect_lacks "$WORK/out" "$secret"
	done
}

# expect_row REGISTRY SIDE CREDENTIALS PULL PUSH
expect_row() {
	awk -v wanted="$*" '{$1 = $1} $0 == wanted {found = 1} END {exit !found}' "$WORK/out" || fail "no row: $*"
}

# Everything that registries store, directories too: a session that was opened is one.
stored() {
	(cd "$WORK" && find open basic token -path '*/data/*' | LC_ALL=C sort)
}

# a tree whose images are all called app; the digest is nowhere
tree() {
	local tree=$1
	shift
	rm -rf "$tree"
	tree_project "$tree" app "$@"
	tree_image "$tree" app app
	tree_digest "$tree" app "sha256:$(printf '%064d' 7)" v1
}

make_certificate
htpasswd -nbB -C 4 writer w-secret >"$WORK/htpasswd" 2>/dev/null
registry_start "$WORK/open"
open=$REGISTRY_HOST open_log=$REGISTRY_LOG
push_image "$open" staging/app v1 1 >/dev/null
REGISTRY_HTTP_TLS_CERTIFICATE=$WORK/ca.pem REGISTRY_HTTP_TLS_KEY=$WORK/key.pem REGISTRY_AUTH=htpasswd \
	REGISTRY_AUTH_HTPASSWD_REALM=test REGISTRY_AUTH_HTPASSWD_PATH=$WORK/htpasswd registry_start "$WORK/basic"
basic=$REGISTRY_HOST basic_log=$REGISTRY_LOG
cat >"$WORK/users" <<-END
	reader r-secret pull staging/ prod/
	writer w-secret pull,push staging/ prod/
END
token_server "$WORK/tokens"
token_registry "$WORK/token"
token=$REGISTRY_HOST token_log=$REGISTRY_LOG
printf 'registries:\n  "%s": {ca: %s}\n' "$basic" "$WORK/ca.pem" >"$WORK/cip.yaml"
stored >"$WORK/before"

# ---- Everything would do

authfile "$WORK/basic.json" "$basic" writer w-secret
authfile "$WORK/writer.json" "$token" writer w-secret
authfile "$WORK/reader.json" "$token" reader r-secret
jq -s '{auths: (.[0].auths + .[1].auths)}' "$WORK/basic.json" "$WORK/writer.json" >"$WORK/both.json"
tree "$WORK/all" "$open/staging" "$open/prod" "$basic/prod" "$token/prod/deep"
all=(--thin-manifest-dir "$WORK/all" --config "$WORK/cip.yaml")
for log in "$open_log" "$basic_log" "$token_log"; do log_mark "$log"; done
check 0 "${all[@]}" --dest-authfile "$WORK/both.json"
expect_row REGISTRY SIDE CREDENTIALS PULL PUSH
expect_row "$open/staging" source none granted -
expect_row "$open/prod" destination none granted granted
expect_row "$basic/prod" destination "$WORK/both.json" granted granted
expect_row "$token/prod/deep" destination "$WORK/both.json" granted granted
expect_equal "lines" 5 "$(wc -l <"$WORK/out")"
expect_equal "tokens" "GET /token?repository:prod/deep/app:pull 200 GET /token?repository:prod/deep/app:pull,push 200" \
	"$(log_lines "$TOKEN_LOG" | LC_ALL=C sort | tr '\n' ' ' | sed 's/ $//')"
for log in "$open_log" "$basic_log" "$token_log"; do
	expect_equal "$log: what could write" 0 "$(since "$log" '^(POST|PATCH|DELETE)')"
	expect_equal "$log: what was written" 0 "$(since "$log" '^PUT .* 2..$')"
done

# ---- The same for machines, and which side has which file

check 3 "${all[@]}" --src-authfile "$WORK/both.json" --output=json
jq -e . "$WORK/out" >"$WORK/report.json" || fail "no JSON"
expect_report "what would do" "destination false,destination false,destination true,source true" \
	'[.registries[] | "\(.side) \(.suffices)"] | sort | join(",")'
expect_report "the credentials of sources" "[null]" '[.registries[] | select(.side == "source") | .credentials]'
expect_report "a refusal" "refused 401 refused null" ".registries[] | select(.registry == \"$basic/prod\") |
	\"\(.pull.right) \(.pull.status) \(.push.right) \(.credentials)\""
expect_report "no push for sources" '[null]' '[.registries[] | select(.side == "source") | .push]'

# ---- Who may not, and what is advised

check 3 "${all[@]}" --dest-authfile "$WORK/reader.json"
expect_row "$token/prod/deep" destination "$WORK/reader.json" granted refused
expect_row "$basic/prod" destination none refused refused
expect_has "$WORK/out" "log in with \"docker login $basic\""
expect_has "$WORK/out" "give their account the right to push to $token/prod/deep/app"
authfile "$WORK/wrong.json" "$token" writer wrong-secret
check 3 "${all[@]}" --dest-authfile "$WORK/wrong.json"
expect_row "$token/prod/deep" destination "$WORK/wrong.json" refused refused
tree "$WORK/nowhere" "$open/staging" "$token/else"
check 3 --thin-manifest-dir "$WORK/nowhere" --dest-authfile "$WORK/writer.json"
expect_row "$token/else" destination "$WORK/writer.json" refused refused

# ---- Variables, helpers, credentials by path

DOCKER_AUTH_CONFIG=$(cat "$WORK/both.json") check 0 "${all[@]}"
expect_row "$basic/prod" destination DOCKER_AUTH_CONFIG granted granted
mkdir -p "$HOME/.docker" "$WORK/bin"
printf '{"credHelpers":{"%s":"test"}}' "$basic" >"$HOME/.docker/config.json"
check 3 "${all[@]}" --dest-authfile "$WORK/writer.json"
expect_row "$basic/prod" destination failed not reached not reached
expect_has "$WORK/out" "docker-credential-test: not found"
printf '#!/bin/sh\nprintf %s' "'{\"Username\":\"writer\",\"Secret\":\"w-secret\"}'" >"$WORK/bin/docker-credential-test"
chmod +x "$WORK/bin/docker-credential-test"
PATH=$WORK/bin:$PATH check 0 "${all[@]}" --dest-authfile "$WORK/writer.json"
expect_row "$basic/prod" destination docker-credential-test granted granted
rm "$HOME/.docker/config.json"

tree_image "$WORK/all" app tool
tree_digest "$WORK/all" app "sha256:$(printf '%064d' 8)" v1
jq -s --arg tool "$token/prod/deep/tool" '.[0].auths[$tool] = .[1].auths[] | .[0]' "$WORK/both.json" "$WORK/reader.json" \
	>"$WORK/paths.json"
check 3 "${all[@]}" --dest-authfile "$WORK/paths.json"
expect_row "$token/prod/deep/app" destination "$WORK/paths.json" granted granted
expect_row "$token/prod/deep/tool" destination "$WORK/paths.json" granted refused

# ---- Registries that are not there, cannot be trusted, or answer otherwise

registry_start "$WORK/gone"
gone=$REGISTRY_HOST
registry_stop "$REGISTRY_PID"
fake_start "$WORK/odd"
odd=$FAKE_HOST
faults "$WORK/odd" 'GET */manifests/* 1+ status 404' 'PUT * 1+ status 405'
make_certificate
printf 'network: {attempts: 1}\nregistries:\n  "%s": {ca: %s}\n' "$basic" "$WORK/ca.pem" >"$WORK/cip.yaml"
tree "$WORK/bad" "$open/staging" "$gone/prod" "$odd/prod" "$open/prod" "$basic/prod"
check 3 --thin-manifest-dir "$WORK/bad" --config "$WORK/cip.yaml"
expect_row "$gone/prod" destination none not reached not reached
expect_row "$odd/prod" destination none unknown refused
expect_row "$open/prod" destination none granted granted
expect_row "$basic/prod" destination none not reached not reached
expect_has "$WORK/out" "trust it: \"ca\" of the registry"
expect_has "$WORK/err" "3 of 5 would not be let in"
expect_has "$WORK/out" "check the name, the way there"

stored | cmp - "$WORK/before" || fail "something was written"

# ---- Usage

check 2
check 2 --thin-manifest-dir "$WORK/all" --confirm
check 2 --thin-manifest-dir "$WORK/all" --output=yaml
check 2 --thin-manifest-dir "$WORK/all" --dest-creds a:b
check 1 --thin-manifest-dir "$WORK/none"
printf 'registries: [' >"$WORK/bad/manifests/app/promoter-manifest.yaml"
check 3 --thin-manifest-dir "$WORK/bad"
expect_has "$WORK/err" "1 projects were left out"
