#!/usr/bin/env bash
# Logging in to Google's registries: which credentials make which token, who is impersonated when, who never sees a
# token, and that nothing of it shows up anywhere.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

: "${CIP_GOOGLE_API:?a fake of the endpoints of Google}"

# run WANTED-EXIT ARGUMENTS...: no secret may be said, however much is said
run() {
	local wanted=$1 secret
	shift
	cip_run "$wanted" --sign=false --log-level=trace --report-file "$WORK/report.json" "$@"
	for secret in ya29. refresh-secret client-secret subject-secret header-secret BEGIN eyJ hidden; do
		expect_lacks "$WORK/err" "$secret"
		expect_lacks "$WORK/out" "$secret"
		[[ ! -f $WORK/report.json ]] || expect_lacks "$WORK/report.json" "$secret"
	done
}

api=$WORK/api api_log=$WORK/api/access.log
mkdir "$api"
echo "seed w" >"$api/issued"
: >"$api_log"
"$CIP_GOOGLE_API" "$api" >"$api/port" 2>"$api/err" &
registry_pids+=("$!")
for ((tries = 500; tries > 0; tries--)); do
	[[ ! -s $api/port ]] || break
	sleep 0.02
done
[[ -s $api/port ]] || fail "the fake of Google does not start: $(cat "$api/err")"
google=127.0.0.1:$(cat "$api/port")

fake_start "$WORK/registry" --google --issued "$api/issued"
host=$FAKE_HOST log=$FAKE_LOG
REGISTRY_CURL=(-H "Authorization: Bearer seed")
app=$(push_image "$host" staging/app v1 2)
tool=$(push_image "$host" staging/tool v1 2)
more=$(push_image "$host" staging/more v1 2)
last=$(push_image "$host" staging/last v1 2)
tree=$WORK/tree
tree_project "$tree" app gcr.io/staging gcr.io/prod
tree_image "$tree" app app
tree_digest "$tree" app "$app" v1
printf 'registries:\n  gcr.io: {endpoint: "%s", endpoint_credentials: true}\n' "$host" >"$WORK/cip.yaml"
job=(--thin-manifest-dir "$tree" --config "$WORK/cip.yaml")

# ---- nothing to log in with

run 3 "${job[@]}"
expect_has "$WORK/err" "gcr.io refused anonymous access"

# ---- every kind of file; a plan asks for no more than reading where Google lets it

for kind in key user federated subject impersonated; do
	log_mark "$log"
	log_mark "$api_log"
	GOOGLE_APPLICATION_CREDENTIALS=$api/$kind.json run 0 "${job[@]}"
	expect_equal "$kind: refused requests" 0 "$(since "$log" ' 40[13]$')"
	case $kind in
	key) wanted="POST /token 200" ;;
	user) wanted="POST /token 200" ;;
	federated) wanted="GET /subject 200
POST /sts 200
POST /v1/projects/-/serviceAccounts/deploy@p:generateAccessToken 200" ;;
	subject) wanted="POST /sts 200" ;;
	impersonated) wanted="POST /token 200
POST /v1/projects/-/serviceAccounts/deploy@p:generateAccessToken 200" ;;
	esac
	expect_equal "$kind: requests for tokens" "$wanted" "$(log_since "$api_log")"
	right=r
	[[ $kind != user ]] || right=w
	expect_equal "$kind: right of the token" "$right" "$(tail -n 1 "$api/issued" | cut -d' ' -f2)"
done

# gcloud's own place, and the metadata server of the machine.
mkdir -p "$HOME/.config/gcloud"
cp "$api/user.json" "$HOME/.config/gcloud/application_default_credentials.json"
run 0 "${job[@]}"
rm -r "$HOME/.config/gcloud"
log_mark "$api_log"
NO_GCE_CHECK='' GCE_METADATA_HOST=$google HTTP_PROXY=http://127.0.0.1:1 http_proxy=http://127.0.0.1:1 run 0 "${job[@]}"
expect_equal "metadata" "GET /computeMetadata/v1/instance/service-accounts/default/token 200" "$(log_since "$api_log")"

# ---- would it get in? Asked beforehand, without writing.

log_mark "$log"
GOOGLE_APPLICATION_CREDENTIALS=$api/key.json cip_run 0 login-check "${job[@]}"
expect_has "$WORK/out" "Google's $api/key.json  granted  granted"
expect_equal "what a check sends" 3 "$(since "$log" ' 404$')"
expect_equal "what a check sends besides" 3 "$(since "$log")"

# ---- a whole promotion: one token, no challenge

log_mark "$log"
log_mark "$api_log"
GOOGLE_APPLICATION_CREDENTIALS=$api/key.json run 0 "${job[@]}" --confirm
expect_equal "refused requests of a promotion" 0 "$(since "$log" ' 40[13]$')"
expect_equal "tokens of a promotion" 1 "$(since "$api_log")"
# list, manifest, 3 mounts, manifest
expect_equal "requests of a promotion" 6 "$(since "$log")"

# ---- what went wrong

printf '{"type":"authorized_user","client_id":"client","client_secret":"client-secret","refresh_token":"stale","token_uri":"http://%s/token"}' \
	"$google" >"$WORK/stale.json"
GOOGLE_APPLICATION_CREDENTIALS=$WORK/stale.json run 3 "${job[@]}"
expect_has "$WORK/err" "$WORK/stale.json: $google/token: status 400 (invalid_request): the credentials were refused"
sed "s|http://$google/token|https://evil.example/token|" "$api/key.json" >"$WORK/evil.json"
GOOGLE_APPLICATION_CREDENTIALS=$WORK/evil.json run 3 "${job[@]}"
expect_has "$WORK/err" "is no https URL of one of Google's hosts"

# ---- a machine that stands in for the registry sees nothing unless that was said

printf 'registries:\n  gcr.io: {endpoint: "%s"}\n' "$host" >"$WORK/untold.yaml"
log_mark "$api_log"
GOOGLE_APPLICATION_CREDENTIALS=$api/key.json run 3 --thin-manifest-dir "$tree" --config "$WORK/untold.yaml"
expect_has "$WORK/err" "gcr.io refused anonymous access"
tree_project "$WORK/other" app "$host/staging" "$host/prod"
tree_image "$WORK/other" app app
tree_digest "$WORK/other" app "$app" v1
GOOGLE_APPLICATION_CREDENTIALS=$api/key.json run 3 --thin-manifest-dir "$WORK/other"
expect_equal "tokens for others" 0 "$(since "$api_log")"

# ---- service-account of a manifest: listed, and only to write

sed -i 's|^- name: gcr.io/prod$|&\n  service-account: writer@p.iam.gserviceaccount.com|' "$tree/manifests/app/promoter-manifest.yaml"
tree_image "$tree" app tool
tree_digest "$tree" app "$tool" v1
cp "$WORK/cip.yaml" "$WORK/impersonate.yaml"
printf 'google:\n  impersonate: [writer@p.iam.gserviceaccount.com]\n  iam_endpoint: http://%s\n' "$google" \
	>>"$WORK/impersonate.yaml"
listed=(--thin-manifest-dir "$tree" --config "$WORK/impersonate.yaml")
export GOOGLE_APPLICATION_CREDENTIALS=$api/key.json
log_mark "$api_log"
run 0 "${listed[@]}"
expect_equal "impersonations of a plan" "POST /token 200" "$(log_since "$api_log")"
log_mark "$api_log"
run 0 "${listed[@]}" --confirm
expect_equal "impersonations of a promotion" \
	"POST /token 200
POST /v1/projects/-/serviceAccounts/writer@p.iam.gserviceaccount.com:generateAccessToken 200" "$(log_since "$api_log" | sort)"
tree_image "$tree" app more
tree_digest "$tree" app "$more" v1
log_mark "$api_log"
run 0 "${job[@]}" --confirm
expect_equal "impersonations of who is not listed" "POST /token 200" "$(log_since "$api_log")"

# ---- each side has its own

cat >"$WORK/sides.yaml" <<-END
	registries:
	  gcr.io:
	    endpoint: "$host"
	    endpoint_credentials: true
	    credentials:
	      source: {google: {file: "$api/user.json"}}
	      destination: {google: {file: "$api/subject.json"}}
END
tree_image "$tree" app last
tree_digest "$tree" app "$last" v1
unset GOOGLE_APPLICATION_CREDENTIALS
log_mark "$api_log"
run 0 --thin-manifest-dir "$tree" --config "$WORK/sides.yaml" --confirm
expect_equal "tokens of two sides" "POST /sts 200
POST /token 200" "$(log_since "$api_log" | sort)"
expect_equal "what arrived" "$last" "$(manifest_digest "$host" prod/last v1)"
