#!/usr/bin/env bash
# Registries that fail, lie or are hostile, one scene each: the exit code, an error a person can act on, nothing half
# written, everything else done, and a second run without the fault that completes.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

fake_start "$WORK/source"
source=$FAKE_HOST
fake_start "$WORK/target"
target=$FAKE_HOST target_log=$FAKE_LOG

cat >"$WORK/cip.yaml" <<-END
	network: {attempts: 3, retry_base: 1ms, retry_max: 5ms, connect_timeout: 2s, first_byte_timeout: 1s, stall_timeout: 1s}
END

# scene NAME: a project with two images, "bad" whose way will be disturbed, and "good". Sets name, tree, bad, good.
scene() {
	name=$1 tree=$WORK/tree-$1
	bad=$(IMAGE_SEED="bad $1" push_image "$source" "staging/$1/bad" v1 2)
	good=$(IMAGE_SEED="good $1" push_image "$source" "staging/$1/good" v1 1)
	tree_project "$tree" "$1" "$source/staging/$1" "$target/prod/$1"
	tree_image "$tree" "$1" bad
	tree_digest "$tree" "$1" "$bad" v1 v1.0
	tree_image "$tree" "$1" good
	tree_digest "$tree" "$1" "$good" v1
}

go() {
	local wanted=$1
	shift
	cip_run "$wanted" --thin-manifest-dir "$tree" --config "$WORK/cip.yaml" --sign=false --confirm \
		--report-file "$WORK/report.json" "$@"
}

# disturbed EXIT [TEXT...]: the run says these texts on the line of "bad" and leaves nothing of it behind; "good" arrives.
disturbed() {
	local wanted=$1 text
	shift
	go "$wanted"
	grep -F -- "prod/$name/bad" "$WORK/err" >"$WORK/line" || fail "$name: nothing is said about prod/$name/bad"
	for text; do
		expect_has "$WORK/line" "$text"
	done
	expect_equal "$name: lines about one image" 1 "$(wc -l <"$WORK/line")"
	expect_has "$WORK/line" "@$bad: "
	nothing_of_bad
	expect_equal "$name: the good image" "$good" "$(manifest_digest "$target" "prod/$name/good" v1)"
	expect_report "$name: outcome of the good image" promoted '.records[] | select(.destination | endswith("/good")).outcome'
}

nothing_of_bad() {
	local reference
	for reference in v1 v1.0 "$bad"; do
		! manifest_digest "$target" "prod/$name/bad" "$reference" >/dev/null ||
			fail "$name: prod/$name/bad has $reference"
	done
}

failed_with() {
	expect_report "$name: outcome and kind of error" "failed $1" \
		'.records[] | select(.destination | endswith("/bad")) | "\(.outcome) \(.error_kind)"'
}

# repaired: without faults the next run completes.
repaired() {
	faults "$WORK/source"
	faults "$WORK/target"
	go 0
	for reference in v1 v1.0 "$bad"; do
		expect_equal "$name: after the repair" "$bad" "$(manifest_digest "$target" "prod/$name/bad" "$reference")"
	done
	log_mark "$target_log"
	go 0
	expect_equal "$name: writes when all is in place" 0 "$(since "$target_log" '^(POST|PUT|PATCH|DELETE)')"
}

# strike NAME EXIT KIND RULE TEXT...: one disturbance of the image "bad" from its report to its repair. In RULE, S and T are
# its repository at the source and at the target.
strike() {
	local wanted=$2 kind=$3 rule=$4
	scene "$1"
	rule=${rule// S/ \/v2\/staging\/$name\/bad}
	if [[ $rule == *" T"* ]]; then
		faults "$WORK/target" "${rule// T/ \/v2\/prod\/$name\/bad}"
	else
		faults "$WORK/source" "$rule"
	fi
	disturbed "$wanted" "${@:5}"
	[[ -z $kind ]] || failed_with "$kind"
	repaired
}

# ---- The source's manifest

strike auth-401 3 auth 'GET S/manifests/* 1+ status 401' "$source" 'status 401' 'by fault'
strike auth-403 3 auth 'GET S/manifests/* 1+ status 403' "$source" 'status 403' 'by fault'
strike broken-500 3 transient 'GET S/manifests/* 1+ status 500' "GET $source/staging/broken-500/bad/manifests/sha256:" 'status 500'
strike flipped 3 digest 'GET S/manifests/* 1+ flip-bit' "GET $source/staging/flipped/bad/manifests/sha256:" 'hash to sha256:'
strike truncated 3 transient 'GET S/manifests/* 1+ truncate' "$source" 'after 3 attempts' 'bytes remaining'
strike reset 3 transient 'GET S/manifests/* 1+ reset-before' "$source" 'after 3 attempts'
strike silent 3 timeout 'GET S/manifests/* 1+ stall' "$source" 'no answer within 1000 ms'
strike endless-headers 3 '' 'GET S/manifests/* 1+ endless-headers' "$source" '64 KiB or 200 lines of headers'
strike gigabyte 3 too-large 'GET S/manifests/* 1+ gigabyte' "$source" '1073741824 bytes, more than the 8388608 allowed'
strike metadata-service 3 invalid 'GET S/manifests/* 1+ redirect http://169.254.169.254/latest/' "$source" \
	'redirect' '169.254.169.254' 'may not name'
strike private-address 3 invalid 'GET S/manifests/* 1+ redirect http://10.0.0.1/' "$source" '10.0.0.1, a private address'
strike redirect-loop 3 invalid 'GET S/manifests/* 1+ redirect S/manifests/again' "$source" 'more than 5 redirects'

# One failure is passed over.
scene passing
faults "$WORK/source" "GET /v2/staging/passing/bad/manifests/* 1 status 503" "GET /v2/staging/passing/bad/blobs/* 1 truncate"
faults "$WORK/target" "POST /v2/prod/passing/bad/* 1 status 502" "PUT /v2/prod/passing/bad/manifests/v1 1 status 503"
go 0
expect_lacks "$WORK/err" error
expect_equal "after passing failures" "$bad" "$(manifest_digest "$target" prod/passing/bad v1)"

# A 404 is no failure: the image is lost.
scene gone
faults "$WORK/source" "GET /v2/staging/gone/bad/manifests/* 1+ status 404"
go 0
expect_has "$WORK/err" ": lost: $target/prod/gone/bad@$bad: neither $source/staging/gone/bad nor the destination holds it"
nothing_of_bad
go 3 --fail-on=lost
repaired

# ---- The source's blobs: nothing of them is passed on whole, and no manifest is written without them

strike blob-401 3 auth 'GET S/blobs/* 1+ status 401' "GET $source/staging/blob-401/bad/blobs/sha256:" 'status 401'
strike blob-404 3 '' 'GET S/blobs/* 1+ status 404' "GET $source/staging/blob-404/bad/blobs/sha256:" 'status 404' 'incomplete'
strike blob-500 3 transient 'GET S/blobs/* 1+ status 500' "GET $source/staging/blob-500/bad/blobs/sha256:" 'status 500'
strike blob-flipped 3 digest 'GET S/blobs/* 1+ flip-bit' "GET $source/staging/blob-flipped/bad/blobs/sha256:" 'hash to sha256:'
strike blob-truncated 3 transient 'GET S/blobs/* 1+ truncate' "GET $source/staging/blob-truncated/bad/blobs/sha256:" 'bytes remaining'
strike blob-reset 3 transient 'GET S/blobs/* 1+ reset-mid' "GET $source/staging/blob-reset/bad/blobs/sha256:"
strike blob-stalled 3 timeout 'GET S/blobs/* 1+ stall-mid' "GET $source/staging/blob-stalled/bad/blobs/sha256:"
strike blob-metadata-service 3 invalid 'GET S/blobs/* 1+ redirect http://169.254.169.254/latest/' '169.254.169.254'
strike blob-https-only 3 '' 'GET S/blobs/* 1+ redirect file:///etc/passwd' "$source" 'redirect'

# Storage elsewhere is what registries redirect blobs to.
scene elsewhere
fake_start "$WORK/storage"
IMAGE_SEED="bad elsewhere" push_image "$FAKE_HOST" staging/elsewhere/bad v1 2 >/dev/null
for blob in $(registry_curl -H "Accept: $registry_manifest_types" "http://$source/v2/staging/elsewhere/bad/manifests/v1" |
	jq -r '.config.digest, .layers[].digest'); do
	echo "GET /v2/staging/elsewhere/bad/blobs/$blob 1+ redirect http://$FAKE_HOST/v2/staging/elsewhere/bad/blobs/$blob?signature=SECRET"
done >"$WORK/rules"
mapfile -t rules <"$WORK/rules"
faults "$WORK/source" "${rules[@]}"
go 0 --log-level=trace
expect_equal "through a redirect" "$bad" "$(manifest_digest "$target" prod/elsewhere/bad v1)"
expect_lacks "$WORK/err" SECRET
expect_lacks "$WORK/report.json" SECRET
faults "$WORK/source"

# ---- Manifests that are none; their digests are right

# poison NAME MEDIA-TYPE FILE EXIT TEXT...: "bad" is declared with the digest of the file, which the source serves.
poison() {
	local wanted=$4 type=$2 file=$3 real
	scene "$1"
	real=$bad
	bad=$(registry_sha256 "$file")
	sed -i "s/$real/$bad/" "$tree/images/$name/images.yaml"
	faults "$WORK/source" "* /v2/staging/$name/bad/manifests/$bad 1+ file 200 $type $file"
	disturbed "$wanted" "${@:5}"
	expect_report "$name: outcome" failed '.records[] | select(.destination | endswith("/bad")).outcome'
	# Replaced by the image that was meant, it arrives.
	sed -i "s/$bad/$real/" "$tree/images/$name/images.yaml"
	bad=$real
	repaired
}

oci=application/vnd.oci.image.manifest.v1+json
printf '[]' >"$WORK/list.json"
printf '{"schemaVersion":2,"config":{"digest":"sha256:0","size":1},"layers":[]}' >"$WORK/short-digest.json"
printf '<html>not found</html>' >"$WORK/page.html"
printf '{"schemaVersion":1,"name":"a/b","tag":"v1","fsLayers":[{"blobSum":"sha256:%064d"}],"history":[{"v1Compatibility":"{}"}]}' 1 >"$WORK/schema1.json"
{
	printf '{"schemaVersion":2,"annotations":{"a":"'
	head -c 9000000 /dev/zero | tr '\0' a
	printf '"}}'
} >"$WORK/large.json"
{
	printf '{"schemaVersion":2,"layers":'
	head -c 100000 /dev/zero | tr '\0' '['
} >"$WORK/deep.json"
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"%s","digest":"sha256:%064d","size":-5}]}' \
	"$oci" 1 >"$WORK/negative.json"
poison no-object "$oci" "$WORK/list.json" 3 "$source/staging/no-object/bad"
poison short-digest "$oci" "$WORK/short-digest.json" 3 "$source/staging/short-digest/bad" sha256:0
poison web-page text/html "$WORK/page.html" 3 "$source/staging/web-page/bad"
poison schema1 application/vnd.docker.distribution.manifest.v1+prettyjws "$WORK/schema1.json" 3 "$source/staging/schema1/bad" 'schema 1'
poison large "$oci" "$WORK/large.json" 3 "$source/staging/large/bad" 8388608
poison deep "$oci" "$WORK/deep.json" 3 "$source/staging/deep/bad"
poison negative-size application/vnd.oci.image.index.v1+json "$WORK/negative.json" 3 "$source/staging/negative-size/bad"

# ---- The target refuses

strike post-401 3 auth 'POST T/* 1+ status 401' "POST $target/prod/post-401/bad/blobs/uploads/" 'status 401'
strike post-404 3 '' 'POST T/* 1+ status 404' "POST $target/prod/post-404/bad/blobs/uploads/" 'status 404'
strike upload-500 3 transient 'PUT T/blobs/* 1+ status 500' "$target/prod/upload-500/bad/blobs/sha256:" 'status 500'
strike upload-reset 3 transient 'PUT T/blobs/* 1+ reset-before' "$target/prod/upload-reset/bad/blobs/sha256:"
strike upload-elsewhere 3 invalid 'POST T/* 1+ status 202 Location: http://169.254.169.254/upload' '169.254.169.254'
strike upload-nowhere 3 invalid 'POST T/* 1+ status 202' "POST $target/prod/upload-nowhere/bad/blobs/uploads/" Location
strike put-403 3 auth 'PUT T/manifests/* 1+ status 403' "PUT $target/prod/put-403/bad/manifests/v1: status 403"
strike put-500 3 transient 'PUT T/manifests/* 1+ status 500' "PUT $target/prod/put-500/bad/manifests/v1" 'status 500'
strike put-413 3 too-large 'PUT T/manifests/* 1+ status 413' "PUT $target/prod/put-413/bad/manifests/v1" 'status 413'

# It says that it stored something else: that is said, though what it holds is right.
scene stored-other
faults "$WORK/target" "PUT /v2/prod/stored-other/bad/manifests/* 1+ wrong-digest-header"
go 3
expect_has "$WORK/err" "PUT $target/prod/stored-other/bad/manifests/v1: $bad was sent, the registry says it stored sha256:"
failed_with digest
repaired

# One tag of two: the first is complete, the next run adds the other and nothing else.
scene half
faults "$WORK/target" "PUT /v2/prod/half/bad/manifests/v1.0 1+ status 500"
go 3
expect_has "$WORK/err" "PUT $target/prod/half/bad/manifests/v1.0"
expect_equal "half: the first tag" "$bad" "$(manifest_digest "$target" prod/half/bad v1)"
expect_report "half: what was done" "v1 written, v1.0 nothing" \
	'.records[] | select(.destination | endswith("/bad")).tags | map("\(.name) \(.done)") | join(", ")'
faults "$WORK/target"
log_mark "$target_log"
go 0
expect_equal "half: writes of the repair" "PUT /v2/prod/half/bad/manifests/v1.0 201" \
	"$(log_since "$target_log" | grep -E '^(POST|PUT|PATCH|DELETE)')"

# ---- What cannot be read is unknown, and unknown never leads to a write

# unknown NAME RULE TEXT...: the target has v1 on another digest, but does not let that be seen.
unknown() {
	local rule=$2 other
	scene "$1"
	other=$(IMAGE_SEED="other $1" push_image "$target" "prod/$1/bad" v1 1)
	faults "$WORK/target" "${rule// T/ \/v2\/prod\/$name\/bad}"
	log_mark "$target_log"
	go 3
	expect_equal "$name: writes while the tags are unknown" "" \
		"$(log_since "$target_log" | grep -E "^(POST|PUT|PATCH|DELETE) /v2/prod/$name/bad/${writes:-}" || true)"
	grep -F -- "prod/$name/bad" "$WORK/err" >"$WORK/line" || fail "$name: nothing is said about prod/$name/bad"
	for text in "${@:3}"; do
		expect_has "$WORK/line" "$text"
	done
	expect_report "$name: outcome" failed '.records[] | select(.destination | endswith("/bad")).outcome'
	expect_report "$name: the good image" promoted '.records[] | select(.destination | endswith("/good")).outcome'
	faults "$WORK/target"
	# Seen at last, it is a tag that must not move; its sister is made.
	go 3
	expect_has "$WORK/err" ": tag-move: $target/prod/$name/bad:v1 is at $other"
	expect_equal "$name: v1" "$other" "$(manifest_digest "$target" "prod/$name/bad" v1)"
	expect_equal "$name: v1.0" "$bad" "$(manifest_digest "$target" "prod/$name/bad" v1.0)"
}

printf '{"name":"x","tags":["v0","v2"' >"$WORK/unclosed.json"
printf '{"name":"x","tags":["v0",7]}' >"$WORK/number.json"
printf '{"name":"x","tags":["v0"]} {}' >"$WORK/two.json"
printf '{"errors":[]}' >"$WORK/no-list.json"
list=application/json
unknown list-401 'GET T/tags/list* 1+ status 401' "$target/prod/list-401/bad" 'status 401'
unknown list-500 'GET T/tags/list* 1+ status 500' "$target/prod/list-500/bad" 'status 500'
unknown list-cut 'GET T/tags/list* 1+ truncate' "$target/prod/list-cut/bad" 'bytes remaining'
unknown list-unclosed "GET T/tags/list* 1+ file 200 $list $WORK/unclosed.json" "$target/prod/list-unclosed/bad"
unknown list-number "GET T/tags/list* 1+ file 200 $list $WORK/number.json" "$target/prod/list-number/bad"
unknown list-two "GET T/tags/list* 1+ file 200 $list $WORK/two.json" "$target/prod/list-two/bad"
unknown list-page "GET T/tags/list* 1+ file 200 text/html $WORK/page.html" "$target/prod/list-page/bad"
unknown list-missing "GET T/tags/list* 1+ file 200 $list $WORK/no-list.json" "$target/prod/list-missing/bad"
unknown list-moved 'GET T/tags/list* 1+ redirect http://169.254.169.254/' '169.254.169.254'
unknown list-for-ever 'GET T/tags/list* 1+ header Link: </v2/prod/list-for-ever/bad/tags/list?n=1&last=v0>; rel="next"' \
	"$target/prod/list-for-ever/bad"
unknown list-next-elsewhere 'GET T/tags/list* 1+ header Link: <http://169.254.169.254/>; rel="next"' '169.254.169.254'
unknown list-next-broken 'GET T/tags/list* 1+ header Link: <; rel="next"' "$target/prod/list-next-broken/bad"
# Here only v1 is unknown.
writes="manifests/(v1 |sha256)"
unknown head-500 'HEAD T/manifests/v1 1+ status 500' "$target/prod/head-500/bad"
unknown head-silent 'HEAD T/manifests/v1 1+ stall' "$target/prod/head-silent/bad"
writes=

# ---- A registry that is down holds up only what goes there

scene down
fake_start "$WORK/down"
registry_stop "${registry_pids[-1]}"
down=$FAKE_HOST
printf -- '- name: %s/prod\n' "$down" >>"$tree/manifests/down/promoter-manifest.yaml"
go 3
expect_equal "down: at the mirror that is up" "$bad" "$(manifest_digest "$target" prod/down/bad v1)"
expect_has "$WORK/err" "$down/prod/bad@$bad: "
expect_has "$WORK/err" "onnect"
expect_report "down: outcomes" "failed 2, promoted 2" \
	'[.records[].outcome] | group_by(.) | map("\(.[0]) \(length)") | join(", ")'
sed -i "\\|name: $down/|d" "$tree/manifests/down/promoter-manifest.yaml"
go 0
tree=$WORK/tree-source-down
tree_project "$tree" source-down "$down/staging" "$target/prod/source-down"
tree_image "$tree" source-down app
tree_digest "$tree" source-down "$bad" v1
log_mark "$target_log"
go 3
expect_has "$WORK/err" "$target/prod/source-down/app@$bad: after "
expect_has "$WORK/err" " attempts: GET $down/staging/app/manifests/"
expect_report "source down: outcome" failed '.records[].outcome'
expect_equal "source down: writes" 0 "$(since "$target_log" '^(POST|PUT|PATCH|DELETE)')"

# ---- Many entries of a registry that is down say why once, and how many they are

tree=$WORK/tree-many-down
tree_project "$tree" many-down "$source/staging" "$down/prod/many"
for ((i = 0; i < 30; i++)); do
	tree_image "$tree" many-down "app$i"
	tree_digest "$tree" many-down "$bad" v1
done
go 3 --threads=4
expect_report "many down: records" 30 '[.records[] | select(.outcome == "failed")] | length'
said=$(grep -c ": error: $down/prod/many/" "$WORK/err")
[[ $said -ge 1 && $said -le 10 ]] || fail "many down: $said lines"
more=$(sed -n "s|.* $down: \([0-9]*\) more entries failed for the same reason: not asked again .*|\1|p" "$WORK/err")
expect_equal "many down: what is said and what is counted" 30 "$((said + more))"
