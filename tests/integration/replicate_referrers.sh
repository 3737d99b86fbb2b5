#!/usr/bin/env bash
# What only a referrers API lists: asked for where bundles are signed, copied by digest, and listed at each mirror, whether that
# has the API or an index under a tag. An index of a primary without the API comes with all that it lists.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tests/integration/replicate_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/replicate_lib.sh"
# shellcheck source=tools/lib/sigstore.sh
. "$CIP_SOURCE_DIR/tools/lib/sigstore.sh"

fake_start "$WORK/plain"
plain=$FAKE_HOST plain_log=$FAKE_LOG
fake_start "$WORK/google" --google --referrers yes
google=$FAKE_HOST google_log=$FAKE_LOG
fake_start "$WORK/api" --referrers yes
host=$FAKE_HOST log=$FAKE_LOG
logs=("$plain_log" "$google_log" "$log")
cat >"$WORK/cip.yaml" <<-END
	signatures: {canonical_registry: $host/primary}
END
mark() { for file in "${logs[@]}"; do log_mark "$file"; done; }
all_since() { for file in "${logs[@]}"; do since "$file" "${1:-.}"; done | paste -sd ' '; }

# What the API lists: listed HOST REPOSITORY
listed() { registry_curl "http://$1/v2/$2/referrers/$image" | jq -r '[.manifests[].digest] | sort | join(" ")'; }
# What the index under the tag lists
indexed() {
	registry_curl --header "Accept: $registry_manifest_types" "http://$1/v2/$2/manifests/${image/:/-}" |
		jq -r '[.manifests[].digest] | sort | join(" ")'
}
digests() { jq -rs '[.[].digest] | sort | join(" ")'; }
go() { replicate "$1" --config "$WORK/cip.yaml" "${@:2}"; }

image=$(push_image "$host" staging/app v1)
tree=$WORK/tree
tree_project "$tree" web "$host/staging" "$host/primary" "$host/mirror" "$plain/mirror" "$google/mirror"
tree_image "$tree" web app
tree_digest "$tree" web "$image" v1
cip_run 0 --thin-manifest-dir "$tree" --confirm --sign=false

one=$(referrer primary/app "$image" one)
two=$(referrer primary/app "$image" two)
both=$(digests <<<"$one$two")
expect_equal "at the primary" "$both" "$(listed "$host" primary/app)"

# ---- asked for only where bundles are signed

mark
go 0 --confirm
expect_equal "requests where only .sig are signed" "0 0 1" "$(all_since)"
printf 'sigstore: {signature_format: both}\n' >>"$WORK/cip.yaml"
go 0 --confirm --referrers never
expect_equal "at a mirror" "" "$(listed "$host" mirror/app)"
mark
go 0
expect_equal "planned" 3 "$(grep -c '^copy ' "$WORK/out")"
expect_has "$WORK/out" "copy      $google/mirror/app:${image/:/-} from $host/primary/app"
expect_equal "referrers asked for" "1 0 2" "$(all_since /referrers/)"
expect_equal "writes of a plan" "0 0 0" "$(all_since '^(POST|PUT|PATCH|DELETE)')"

# ---- brought

mark
go 0 --confirm
expect_equal "outcomes" "copied copied copied" "$(cut -d ' ' -f 1 "$WORK/out" | paste -sd ' ')"
expect_equal "at the mirror on the same host" "$both" "$(listed "$host" mirror/app)"
expect_equal "at the mirror without the API" "$both" "$(indexed "$plain" mirror/app)"
expect_equal "at the mirror that is listed" "$both" "$(listed "$google" mirror/app)"
expect_equal "reads at the primary of each manifest" "1 1" \
	"$(for digest in $both; do since "$log" "^GET /v2/primary/app/manifests/$digest"; done | paste -sd ' ')"
mark
go 0 --confirm
expect_equal "writes of the second run" "0 0 0" "$(all_since '^(POST|PUT|PATCH|DELETE)')"
expect_equal "lines of the second run" "" "$(cat "$WORK/out")"
expect_equal "requests where a list names manifests" 1 "$(since "$google_log")"

# ---- one more at the primary, and one that only a mirror has

three=$(referrer primary/app "$image" three)
primary_host=$host host=$google
own=$(referrer mirror/app "$image" own)
host=$primary_host
go 0 --confirm
expect_equal "all at the mirror that has its own" "$(digests <<<"$one$two$three$own")" "$(listed "$google" mirror/app)"
expect_equal "the index has grown" "$(digests <<<"$one$two$three")" "$(indexed "$plain" mirror/app)"

# ---- a mirror that takes nothing stops no other

four=$(referrer primary/app "$image" four)
faults "$WORK/plain" "PUT * 1+ status 403" "POST * 1+ status 403"
go 3 --confirm
expect_equal "outcomes" "copied copied failed" "$(cut -d ' ' -f 1 "$WORK/out" | sort | paste -sd ' ')"
expect_has "$WORK/out" "failed    $plain/mirror/app:${image/:/-}"
faults "$WORK/plain"
go 0 --confirm
expect_equal "after that" "$(digests <<<"$one$two$three$four")" "$(indexed "$plain" mirror/app)"

# ---- from an index to mirrors with the API: all that it lists is there by digest

cat >"$WORK/cip.yaml" <<-END
	signatures: {canonical_registry: $plain/primary}
END
image=$(push_image "$host" staging/indexed v1)
tree=$WORK/indexed
tree_project "$tree" web "$host/staging" "$plain/primary" "$host/back" "$google/back"
tree_image "$tree" web indexed
tree_digest "$tree" web "$image" v1
cip_run 0 --thin-manifest-dir "$tree" --confirm --sign=false
host=$plain
one=$(referrer primary/indexed "$image" one)
two=$(referrer primary/indexed "$image" two)
referrers primary/indexed "$image" "$one" "$two" >"$WORK/digest"
host=$primary_host
go 0 --confirm
for mirror in "$host" "$google"; do
	expect_equal "listed at $mirror" "$(digests <<<"$one$two")" "$(listed "$mirror" back/indexed)"
done

# ---- in one run of the job: the bundles that it has just attached

fake_sigstore_start "$WORK/sigstore"
unset SIGSTORE_ID_TOKEN TUF_MIRROR TUF_ROOT TUF_ROOT_JSON
cat >"$WORK/cip.yaml" <<-END
	sigstore:
	  fulcio_url: $FULCIO_URL
	  rekor_url: $REKOR_URL
	  trusted_root: $WORK/sigstore/trusted_root.json
	signatures: {canonical_registry: $host/primary}
END
image=$(push_image "$host" staging/bundled v1)
tree=$WORK/bundled
tree_project "$tree" web "$host/staging" "$host/primary" "$host/mirror" "$plain/mirror" "$google/mirror"
tree_image "$tree" web bundled
tree_digest "$tree" web "$image" v1
for i in 1 2; do
	mark
	cip_run 0 --thin-manifest-dir "$tree" --confirm --config "$WORK/cip.yaml" --sweep=0 --identity-token "$WORK/sigstore/token" \
		--certificate-identity promoter@example.com --certificate-oidc-issuer "$OIDC_URL" \
		--signature-format bundle --replicate
done
expect_equal "writes of the second run" "0 0 0" "$(all_since '^(POST|PUT|PATCH|DELETE)')"
signed=$(listed "$host" primary/bundled)
[[ -n $signed ]] || fail "nothing was signed"
expect_equal "bundles at the mirror" "$signed" "$(listed "$host" mirror/bundled)"
expect_equal "bundles at the mirror without the API" "$signed" "$(indexed "$plain" mirror/bundled)"
expect_equal "bundles at the mirror that is listed" "$signed" "$(listed "$google" mirror/bundled)"
