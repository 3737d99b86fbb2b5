#!/usr/bin/env bash
# Authentication against docker-registry: htpasswd over TLS, tokens from a token server. Who may do what, what it
# costs in requests, what is said when it is refused, and that no secret shows up anywhere.
# shellcheck source=tests/integration/auth_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/auth_lib.sh"

# run WANTED-EXIT ARGUMENTS...: no secret may be said, however much is said
run() {
	local wanted=$1 secret
	shift
	cip_run "$wanted" --sign=false --log-level=trace --report-file "$WORK/report.json" "$@"
	for secret in r-secret w-secret wrong-secret "$(printf 'writer:w-secret' | base64)" eyJ; do
		expect_lacks "$WORK/err" "$secret"
		expect_lacks "$WORK/out" "$secret"
		expect_lacks "$WORK/report.json" "$secret"
	done
}

make_certificate
registry_start "$WORK/plain"
plain=$REGISTRY_HOST
web=$(push_image "$plain" staging/web v1 3)

# ---- htpasswd over TLS

htpasswd -nbB -C 4 writer w-secret >"$WORK/htpasswd" 2>/dev/null
REGISTRY_HTTP_TLS_CERTIFICATE=$WORK/ca.pem REGISTRY_HTTP_TLS_KEY=$WORK/key.pem REGISTRY_AUTH=htpasswd \
	REGISTRY_AUTH_HTPASSWD_REALM=test REGISTRY_AUTH_HTPASSWD_PATH=$WORK/htpasswd registry_start "$WORK/secure"
secure=$REGISTRY_HOST secure_log=$REGISTRY_LOG
printf 'registries:\n  "%s": {ca: %s}\n' "$secure" "$WORK/ca.pem" >"$WORK/cip.yaml"
tree_project "$WORK/basic" web "$plain/staging" "$secure/prod"
tree_image "$WORK/basic" web web
tree_digest "$WORK/basic" web "$web" v1
basic=(--thin-manifest-dir "$WORK/basic" --config "$WORK/cip.yaml")

run 3 "${basic[@]}" --confirm
expect_has "$WORK/err" "$secure refused anonymous access"
authfile "$WORK/wrong.json" "$secure" writer wrong-secret
run 3 "${basic[@]}" --confirm --dest-authfile "$WORK/wrong.json"
expect_has "$WORK/err" "$secure refused the credentials of $WORK/wrong.json"
expect_equal "writes without credentials" 0 "$(requests "$secure_log" '^(POST|PUT|PATCH|DELETE)')"

authfile "$WORK/right.json" "$secure" writer w-secret
# The source side's file is not the destination side's.
run 3 "${basic[@]}" --src-authfile "$WORK/right.json"
log_mark "$secure_log"
run 0 "${basic[@]}" --confirm --dest-authfile "$WORK/right.json"
expect_equal "requests that were refused" 1 "$(since "$secure_log" ' 401$')"
# challenge, list, 4 uploads of 2 requests, manifest
expect_equal "requests in all" 11 "$(since "$secure_log")"
REGISTRY_CURL=(-u writer:w-secret --cacert "$WORK/ca.pem") REGISTRY_SCHEME=https
expect_equal "what arrived" "prod/web v1 $web" "$(registry_contents "$secure")"
REGISTRY_CURL=() REGISTRY_SCHEME=http

# ---- the places where docker and podman keep what they log in with, and a helper

log_mark "$secure_log"
REGISTRY_AUTH_FILE=$WORK/right.json run 0 "${basic[@]}"
DOCKER_AUTH_CONFIG=$(cat "$WORK/right.json") REGISTRY_AUTH_FILE=$WORK/wrong.json run 0 "${basic[@]}"
mkdir -p "$HOME/.docker" "$WORK/bin"
printf '{"credHelpers":{"%s":"test"},"auths":{"%s":{"auth":"%s"}}}' "$secure" "$secure" "$(printf 'writer:wrong-secret' | base64)" \
	>"$HOME/.docker/config.json"
cat >"$WORK/bin/docker-credential-test" <<-END
	#!/bin/sh
	read -r server
	[ "\$1" = get ] && [ "\$server" = "$secure" ] || exit 1
	[ -z "\$CIP" ] || exit 1
	printf '{"ServerURL":"%s","Username":"writer","Secret":"w-secret"}' "\$server"
END
chmod +x "$WORK/bin/docker-credential-test"
run 3 "${basic[@]}"
expect_has "$WORK/err" "docker-credential-test: not found"
PATH=$WORK/bin:$PATH run 0 "${basic[@]}"
expect_equal "writes of looks" 0 "$(since "$secure_log" '^(POST|PUT|PATCH|DELETE)')"
rm "$HOME/.docker/config.json"

printf '{"auths":' >"$WORK/broken.json"
cip_run 2 "${basic[@]}" --dest-authfile "$WORK/broken.json"
expect_has "$WORK/err" "--dest-authfile: $WORK/broken.json:1:"
cip_run 2 "${basic[@]}" --dest-authfile "$WORK/absent.json"
cip_run 2 "${basic[@]}" --dest-creds writer:w-secret
expect_has "$WORK/err" "--dest-authfile"
expect_lacks "$WORK/err" w-secret

# ---- tokens

cat >"$WORK/users" <<-END
	reader r-secret pull staging/ prod/
	writer w-secret pull,push staging/ prod/
	half h-secret pull,push prod/
	- - pull public/
END
token_server "$WORK/tokens"
tokens=$TOKEN_LOG
registry_start "$WORK/token"
app=$(push_image "$REGISTRY_HOST" staging/app v1 3)
more=$(for i in 2 3 4 5; do push_image "$REGISTRY_HOST" staging/app "v$i" 3; done)
tool=$(push_image "$REGISTRY_HOST" staging/tool v1 2)
kit=$(push_image "$REGISTRY_HOST" staging/kit v1 2)
open=$(push_image "$REGISTRY_HOST" public/open v1 1)
registry_stop "$REGISTRY_PID"
token_registry "$WORK/token"
host=$REGISTRY_HOST log=$REGISTRY_LOG
contents() { find "$WORK/token/data" -type f | LC_ALL=C sort; }

tree=$WORK/tree
tree_project "$tree" app "$host/staging" "$host/prod"
tree_image "$tree" app app
tree_digest "$tree" app "$app" v1
authfile "$WORK/reader.json" "$host" reader r-secret
authfile "$WORK/writer.json" "$host" writer w-secret
authfile "$WORK/half.json" "$host" half h-secret
authfile "$WORK/bad.json" "$host" writer wrong-secret
contents >"$WORK/before"

# Whoever may only read can plan, and is never asked for more.
run 0 --thin-manifest-dir "$tree" --src-authfile "$WORK/reader.json" --dest-authfile "$WORK/reader.json"
expect_equal "tokens with push in a dry run" 0 "$(requests "$tokens" push)"
expect_equal "challenges of a dry run" 1 "$(requests "$log" ' 401$')"
expect_equal "tokens of a dry run" 2 "$(requests "$tokens")"
run 3 --thin-manifest-dir "$tree" --src-authfile "$WORK/reader.json" --dest-authfile "$WORK/reader.json" --confirm
expect_has "$WORK/err" "$host refused the credentials of $WORK/reader.json"
contents | cmp - "$WORK/before" || fail "read-only credentials wrote something"

log_mark "$tokens"
run 3 --thin-manifest-dir "$tree" --dest-authfile "$WORK/bad.json" --confirm
expect_has "$WORK/err" "it refused the credentials of $WORK/bad.json"
run 3 --thin-manifest-dir "$tree" --confirm
expect_has "$WORK/err" "$host refused anonymous access"
contents | cmp - "$WORK/before" || fail "wrong credentials wrote something"

# A whole promotion: one challenge, one token.
log_mark "$log"
log_mark "$tokens"
REGISTRY_AUTH_FILE=$WORK/writer.json run 0 --thin-manifest-dir "$tree" --confirm
expect_equal "challenges of a promotion" 1 "$(since "$log" ' 401$')"
expect_equal "tokens of a promotion" \
	"GET /token?repository:prod/app:pull,push+repository:staging/app:pull 200" "$(log_since "$tokens")"
# challenge, list, manifest, 4 mounts, manifest
expect_equal "requests of a promotion" 8 "$(since "$log")"
log_mark "$tokens"
REGISTRY_AUTH_FILE=$WORK/writer.json run 0 --thin-manifest-dir "$tree" --confirm
expect_equal "tokens of a second run" 1 "$(since "$tokens")"

# Many images at once: still one token for the two repositories, however many ask for it at the same moment.
for digest in $more; do
	tree_digest "$tree" app "$digest" "v-${digest:7:8}"
done
log_mark "$log"
log_mark "$tokens"
REGISTRY_AUTH_FILE=$WORK/writer.json run 0 --thin-manifest-dir "$tree" --confirm
expect_equal "tokens of many images" \
	"GET /token?repository:prod/app:pull,push+repository:staging/app:pull 200" "$(log_since "$tokens")"
expect_equal "challenges of many images" 1 "$(since "$log" ' 401$')"
# challenge, list, one tag there, and each a manifest, 4 mounts, a manifest
expect_equal "requests of many images" $((3 + 4 * 6)) "$(since "$log")"

# Two sides: who writes may not read the source; nothing is mounted.
tree_image "$tree" app tool
tree_digest "$tree" app "$tool" v1
log_mark "$log"
run 0 --thin-manifest-dir "$tree" --src-authfile "$WORK/reader.json" --dest-authfile "$WORK/half.json" --confirm
expect_equal "mounts" 0 "$(since "$log" 'mount=.* 201$')"
expect_equal "uploads" 3 "$(since "$log" '^PUT /v2/prod/tool/blobs/.* 201$')"

# The same from cip.yaml, which goes before the variables and behind the flags.
tree_image "$tree" app kit
tree_digest "$tree" app "$kit" v1
printf 'r-secret\n' >"$WORK/r-secret"
printf 'h-secret\n' >"$WORK/h-secret"
cat >"$WORK/sides.yaml" <<-END
	registries:
	  "$host":
	    credentials:
	      source: {username: reader, password_file: r-secret}
	      destination: {username: half, password_file: h-secret}
END
sides=(--thin-manifest-dir "$tree" --config "$WORK/sides.yaml" --confirm)
run 3 "${sides[@]}" --dest-authfile "$WORK/bad.json"
log_mark "$log"
REGISTRY_AUTH_FILE=$WORK/bad.json run 0 "${sides[@]}"
expect_equal "mounts with cip.yaml" 0 "$(since "$log" 'mount=.* 201$')"
expect_equal "uploads with cip.yaml" 3 "$(since "$log" '^PUT /v2/prod/kit/blobs/.* 201$')"
printf 'registries:\n  "%s": {credentials: {username: writer, password: w-secret}}\n' "$host" >"$WORK/literal.yaml"
run 2 --thin-manifest-dir "$tree" --config "$WORK/literal.yaml"
expect_has "$WORK/err" "secrets do not stand in this file"

# Anonymous tokens.
tree_project "$WORK/public" open "$host/public" "$plain/public"
tree_image "$WORK/public" open open
tree_digest "$WORK/public" open "$open" v1
run 0 --thin-manifest-dir "$WORK/public" --confirm

# Tokens that have expired when they come: an end, not a circle.
touch "$WORK/tokens/expired"
log_mark "$tokens"
run 3 --thin-manifest-dir "$tree" --dest-authfile "$WORK/writer.json"
expect_has "$WORK/err" "$host refused the credentials of $WORK/writer.json"
[[ $(since "$tokens") -le 6 ]] || fail "tokens that do not help were asked for $(since "$tokens") times"
rm "$WORK/tokens/expired"

# Identity tokens, by POST; a token server that knows only GET; one that gives one scope at a time.
for option in "" --no-post --one-scope; do
	# shellcheck disable=SC2086 # none or one word
	token_server "$WORK/more$option" $option
	cp -r "$WORK/token/data" "$WORK/data"
	mkdir -p "$WORK/token$option.d"
	mv "$WORK/data" "$WORK/token$option.d/data"
	rm -rf "$WORK/token$option.d/data/docker/registry/v2/repositories/prod"
	token_registry "$WORK/token$option.d"
	printf '{"auths":{"%s":{"identitytoken":"w-secret"}}}' "$REGISTRY_HOST" >"$WORK/identity.json"
	rm -rf "$WORK/again"
	tree_project "$WORK/again" app "$REGISTRY_HOST/staging" "$REGISTRY_HOST/prod"
	tree_image "$WORK/again" app app
	tree_digest "$WORK/again" app "$app" v1
	REGISTRY_AUTH_FILE=$WORK/identity.json run 0 --thin-manifest-dir "$WORK/again" --confirm
	method=POST
	[[ $option != --no-post ]] || method=GET
	[[ $(requests "$TOKEN_LOG" "^$method .* 200$") -gt 0 ]] || fail "$option: no token by $method"
	[[ $(requests "$TOKEN_LOG") -le 5 ]] || fail "$option: $(requests "$TOKEN_LOG") token requests"
done
