#!/usr/bin/env bash
# Text from outside (manifests, names of files, registries' errors and headers, flags) reaches a terminal, a log line, the
# report or a listing only escaped: no control characters, no bidirectional overrides, no broken UTF-8, and nothing
# that looks like a line of ours.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

fake_start "$WORK/source"
source=$FAKE_HOST
fake_start "$WORK/target"
target=$FAKE_HOST

# In sequence: title and clear-screen sequences, a C1 CSI, a bidirectional override, a zero-width joiner of directions, bad
# UTF-8, and a forged line.
evil=$'\e[2J\e]0;owned\a\xc2\x9b31m\xe2\x80\xae\xe2\x81\xa6\xff\xfe\r\nFORGED line'
# The same as JSON and YAML may write it.
evil_json='\u001b[2J\u001b]0;owned\u0007\u009b31m\u202e\u2066\r\nFORGED line'

# clean FILE...: plain text with newlines and nothing else.
clean() {
	local file
	for file; do
		! LC_ALL=C grep -aqP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\x8e\x8f\xaa-\xae]|\xe2\x81[\xa6-\xa9]' "$file" ||
			fail "$what: $file has raw control characters: $(LC_ALL=C grep -aP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\x8e\x8f\xaa-\xae]|\xe2\x81[\xa6-\xa9]' "$file" | head -n 2 | od -c | head -n 20)"
		iconv --from-code=UTF-8 --to-code=UTF-8 "$file" >/dev/null || fail "$what: $file is no UTF-8"
		! grep -q '^FORGED' "$file" || fail "$what: $file has a forged line"
	done
}

# clean_run WHAT EXIT ARGUMENTS...: in text and in JSON, with everything that is ever said.
clean_run() {
	what=$1
	cip_run "$2" "${@:3}" --log-level=trace
	clean "$WORK/out" "$WORK/err"
	cp "$WORK/err" "$WORK/text"
	cip_run "$2" "${@:3}" --log-level=trace --log-format=json
	clean "$WORK/out" "$WORK/err"
	jq --exit-status --slurp 'map(has("time") and has("level") and has("message")) | all' "$WORK/err" >/dev/null ||
		fail "$what: a log line is no JSON object of ours"
}

# ---- What registries say

tree=$WORK/tree
image=$(push_image "$source" staging/app v1)
tree_project "$tree" app "$source/staging" "$target/prod"
tree_image "$tree" app app
tree_digest "$tree" app "$image" v1
printf 'network: {attempts: 2, retry_base: 1ms, retry_max: 2ms}\n' >"$WORK/cip.yaml"
job=(--thin-manifest-dir "$tree" --config "$WORK/cip.yaml" --sign=false --report-file "$WORK/report.json")

printf '{"errors":[{"code":"%s","message":"%s","detail":"%s"}]}' "$evil_json" "$evil_json" "$evil_json" >"$WORK/escaped.json"
printf '{"errors":[{"code":"DENIED","message":"%s"}]}' "${evil//$'\r\n'/ }" >"$WORK/raw.json"
printf '<html>%s</html>' "$evil" >"$WORK/page.html"
header=${evil//$'\r\n'/ }

# said WHERE EXIT RULE...: the registry says it; it stands in the report, escaped once by JSON
said() {
	faults "$WORK/$1" "${@:3}"
	clean_run "${*:3}" "$2" "${job[@]}" --confirm
	clean "$WORK/report.json"
	jq . "$WORK/report.json" >/dev/null || fail "$what: the report is no JSON"
	clean_run "${*:3}, dry" "$2" "${job[@]}"
	faults "$WORK/$1"
}
for status in 400 401 403 404 418 500; do
	for body in escaped.json raw.json page.html; do
		wanted=3
		# Its own 404 says that it is not there, whatever the words.
		[[ $status != 404 ]] || wanted=0
		said source "$wanted" "* */manifests/* 1+ file $status application/json $WORK/$body"
	done
done
# It is said, not dropped.
faults "$WORK/source" "GET */manifests/* 1+ file 403 application/json $WORK/escaped.json"
cip_run 3 "${job[@]}" --confirm
expect_has "$WORK/err" ': status 403: '
expect_has "$WORK/err" '\x1b[2J'
expect_report "in the report" true '.records[0].message | contains("\u001b[2J")'
said source 3 "* */manifests/* 1+ redirect http://$header/"
said source 3 "* */manifests/* 1+ status 401 WWW-Authenticate: Basic realm=\"$header\""
said source 3 "* */manifests/* 1+ status 429 Retry-After: $header"
said target 3 "GET */tags/list* 1+ file 500 text/plain $WORK/page.html"
said target 3 "GET */tags/list* 1+ file 200 text/plain $WORK/page.html"
faults "$WORK/target"
push_image "$target" prod/app other >/dev/null
said target 3 "GET */tags/list* 1+ header Link: <http://$header/>; rel=\"next\""
printf '{"name":"%s","tags":["%s","v0"],"%s":1}' "$evil_json" "$evil_json" "$evil_json" >"$WORK/list.json"
faults "$WORK/target" "GET */tags/list* 1+ file 200 application/json $WORK/list.json"
clean_run "names in a list" 0 "${job[@]}"
faults "$WORK/target" "POST */uploads/* 1+ status 202 Location: $header"
clean_run "place to upload to" 3 "${job[@]}" --confirm
faults "$WORK/target" "PUT */manifests/* 1+ file 400 application/json $WORK/escaped.json"
clean_run "refused manifest" 3 "${job[@]}" --confirm
faults "$WORK/target" "PUT */manifests/* 1+ header Docker-Content-Digest: $header"
clean_run "digest that was stored" 0 "${job[@]}" --confirm
faults "$WORK/target"
printf '{"schemaVersion":2,"mediaType":"%s","config":{"digest":"%s","size":1},"layers":[]}' "$evil_json" "$evil_json" >"$WORK/manifest.json"
poison=$(registry_sha256 "$WORK/manifest.json")
faults "$WORK/source" "* */manifests/$poison 1+ file 200 application/vnd.oci.image.manifest.v1+json $WORK/manifest.json"
tree_digest "$tree" app "$poison" v2
clean_run "manifest" 3 "${job[@]}" --confirm
faults "$WORK/source"

# ---- What manifests say

hostile=$WORK/hostile
tree_project "$hostile" good "$source/staging" "$target/prod"
tree_image "$hostile" good app
tree_digest "$hostile" good "$image" v1
name=$'p\e[31m\xe2\x80\xae\nFORGED'
tree_project "$hostile" "$name" "$source/staging" "$target/again"
yaml_evil='\x1b[2J\u009b\u202e\r\nFORGED line'
cat >"$hostile/images/$name/images.yaml" <<-END
	- name: "app$yaml_evil"
	  dmap:
	    "sha256:$yaml_evil": ["v1"]
	    "$image": ["v1$yaml_evil"]
	- name: app
	  dmap:
	    "$image": ["v9"]
END
clean_run "entries" 2 --thin-manifest-dir "$hostile" --parse-only
clean_run "entries in a run" 3 --thin-manifest-dir "$hostile" --sign=false --confirm --report-file "$WORK/report.json"
clean "$WORK/report.json"
clean_run "entries in a snapshot" 3 --thin-manifest-dir "$hostile" --manifest-based-snapshot-of "$target"
printf '"%s": 1\n' "$yaml_evil" >"$hostile/images/$name/images.yaml"
clean_run "unknown key" 2 --thin-manifest-dir "$hostile" --parse-only
printf -- '- name: a\n  "%s": 1\n  dmap: !%s {}\n' "$yaml_evil" 'tag%1b' >"$hostile/images/$name/images.yaml"
clean_run "unknown field" 2 --thin-manifest-dir "$hostile" --parse-only
printf -- '- name: %s\n' "$evil" >"$hostile/images/$name/images.yaml"
clean_run "raw bytes" 2 --thin-manifest-dir "$hostile" --parse-only
printf 'registries:\n- name: "gcr.io/%s"\n  src: true\n- name: "x%s"\n  service-account: "%s"\n' \
	"$yaml_evil" "$yaml_evil" "$yaml_evil" >"$hostile/manifests/$name/promoter-manifest.yaml"
clean_run "registries" 2 --thin-manifest-dir "$hostile" --parse-only
rm "$hostile/images/$name/images.yaml"
clean_run "missing file" 2 --thin-manifest-dir "$hostile" --parse-only
mkdir "$hostile/manifests/$evil"
touch "$hostile/images/$evil"
clean_run "names of other things" 2 --thin-manifest-dir "$hostile" --parse-only

# ---- What flags, paths and configuration say

clean_run "directory" 1 --thin-manifest-dir "/nowhere/$evil" --parse-only
clean_run "file" 1 --manifest "/nowhere/$evil" --parse-only
clean_run "repository" 1 --manifest-repo "/nowhere/$evil" --parse-only
clean_run "report" 1 "${job[@]}" --confirm --report-file "/nowhere/$evil"
clean_run "configuration" 2 --thin-manifest-dir "$tree" --config "/nowhere/$evil"
printf 'registries:\n  "h%s": {endpoint: "%s"}\n"%s": 1\n' "$yaml_evil" "$yaml_evil" "$yaml_evil" >"$WORK/evil.yaml"
clean_run "inside of a configuration" 2 --thin-manifest-dir "$tree" --config "$WORK/evil.yaml"
what=flags
for arguments in "--$evil" "$evil" "--threads=$evil" "--fail-on=$evil" "--log-level=$evil" "--output=$evil"; do
	cip_run 2 --thin-manifest-dir "$tree" "$arguments"
	clean "$WORK/out" "$WORK/err"
done
