#!/usr/bin/env bash
# What stands beside images in their primary comes to all mirrors: byte for byte, each object read once, nothing written twice,
# nothing of a mirror lost. Requests are counted in the registries' own logs.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tests/integration/replicate_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/replicate_lib.sh"

registry_start "$WORK/registry"
host=$REGISTRY_HOST log=$REGISTRY_LOG
tree=$WORK/tree

# What is under a tag, or "none": at REPOSITORY TAG
at() { manifest_digest "$host" "$1" "$2" || echo none; }
writes() { since "$log" '^(POST|PUT|PATCH|DELETE)'; }

signed=$(push_image "$host" staging/signed v1)
unsigned=$(push_image "$host" staging/unsigned v1)
tree_project "$tree" web "$host/staging" "$host/a-prod" "$host/b-mirror" "$host/c-mirror"
tree_image "$tree" web signed
tree_digest "$tree" web "$signed" v1
tree_image "$tree" web unsigned
tree_digest "$tree" web "$unsigned" v1
cip_run 0 --thin-manifest-dir "$tree" --confirm --sign=false

# ---- without any signature: one list of each primary, and no more

log_mark "$log"
replicate 0 --confirm
expect_equal "requests without signatures" 2 "$(since "$log")"
expect_equal "lists of primaries" 2 "$(since "$log" '^GET /v2/a-prod/[a-z]+/tags/list')"

# ---- the plan

sig=$(signatures a-prod/signed "$(beside "$signed" sig)" one)
att=$(signatures a-prod/signed "$(beside "$signed" att)" statement)
sbom=$(signatures a-prod/signed "$(beside "$signed" sbom)" parts)
log_mark "$log"
replicate 0
expect_equal "lines of the plan" 6 "$(wc -l <"$WORK/out")"
expect_has "$WORK/out" "copy      $host/b-mirror/signed:$(beside "$signed" sig) from $host/a-prod/signed"
expect_has "$WORK/err" "6 to copy to mirrors"
expect_equal "requests of the plan" "4 lists" "$(since "$log") lists"

# ---- carried out; S = 1, K = 2 on one host: 1 + 3K for each object

log_mark "$log"
replicate 0 --confirm
if [[ -n $MOUNTS ]]; then
	expect_equal "requests of the copies" $((4 + 3 * (1 + 3 * 2))) "$(since "$log")"
fi
for mirror in b-mirror c-mirror; do
	expect_equal "signatures of $mirror" "$sig" "$(at $mirror/signed "$(beside "$signed" sig)")"
	expect_equal "attestations of $mirror" "$att" "$(at $mirror/signed "$(beside "$signed" att)")"
	expect_equal "parts of $mirror" "$sbom" "$(at $mirror/signed "$(beside "$signed" sbom)")"
done

# ---- again: lists, and a HEAD of each object and place, since this registry's lists say no digests

log_mark "$log"
replicate 0 --confirm
expect_equal "writes of the second run" 0 "$(writes)"
expect_equal "requests of the second run" 13 "$(since "$log")"
expect_has "$WORK/err" "copied 0 to mirrors; 6 in place before"
[[ ! -s $WORK/out ]] || fail "the second run says something"

# ---- a signature more in the primary: what a mirror holds is part of it

sig=$(signatures a-prod/signed "$(beside "$signed" sig)" one two)
replicate 0 --confirm
expect_equal "grown signatures" "$sig $sig" \
	"$(at b-mirror/signed "$(beside "$signed" sig)") $(at c-mirror/signed "$(beside "$signed" sig)")"
expect_has "$WORK/err" "copied 2 to mirrors; 4 in place before"

# ---- a mirror that holds more keeps it; where each lacks something, the mirror gets both parts, the primary's first

# The signatures in an image: texts_at REPOSITORY TAG
texts_at() {
	registry_curl --header "Accept: $registry_manifest_types" "http://$host/v2/$1/manifests/$2" |
		jq -r '[.layers[].annotations["dev.cosignproject.cosign/signature"]] | join(" ")'
}
more=$(signatures b-mirror/signed "$(beside "$signed" sig)" one two three)
other=$(signatures c-mirror/signed "$(beside "$signed" sig)" two four)
replicate 0
expect_has "$WORK/out" "has-more  $host/b-mirror/signed"
expect_equal "what a plan leaves" "$other" "$(at c-mirror/signed "$(beside "$signed" sig)")"
replicate 0 --confirm --output json
expect_equal "outcomes" '{"in-place":4,"has-more":1,"copy":0,"copied":0,"merged":1,"conflict":0,"failed":0,"not-done":0,"unlisted":0}' \
	"$(jq -c .totals "$WORK/out")"
expect_equal "a mirror that has more" "$more" "$(at b-mirror/signed "$(beside "$signed" sig)")"
expect_equal "both parts" "one two four" "$(texts_at c-mirror/signed "$(beside "$signed" sig)")"
for blob in $(registry_curl --header "Accept: $registry_manifest_types" \
	"http://$host/v2/c-mirror/signed/manifests/$(beside "$signed" sig)" | jq -r '.config.digest, .layers[].digest'); do
	registry_curl --head -o "$WORK/blob" "http://$host/v2/c-mirror/signed/blobs/$blob" || fail "a blob of both parts is missing"
done
log_mark "$log"
replicate 0 --confirm
expect_equal "writes after merging" 0 "$(writes)"
expect_equal "lines after merging" "has-more has-more" "$(cut -d ' ' -f 1 "$WORK/out" | paste -sd ' ')"

# ---- what is no collection of signatures, or too many of nobody knows whom, is reported and stays

other=$(signatures c-mirror/signed "$(beside "$signed" sbom)" elsewhere)
mapfile -t many < <(seq 101)
flood=$(signatures b-mirror/signed "$(beside "$signed" att)" "${many[@]}")
log_mark "$log"
replicate 3 --confirm --output json
expect_equal "writes of conflicts" 0 "$(writes)"
expect_equal "conflicts" "$host/b-mirror/signed $host/c-mirror/signed" \
	"$(jq -r '[.objects[] | select(.outcome == "conflict") | .destination] | join(" ")' "$WORK/out")"
expect_equal "what conflicts" "$other $flood" \
	"$(at c-mirror/signed "$(beside "$signed" sbom)") $(at b-mirror/signed "$(beside "$signed" att)")"
registry_curl --request DELETE "http://$host/v2/c-mirror/signed/manifests/$other"
registry_curl --request DELETE "http://$host/v2/b-mirror/signed/manifests/$flood"
replicate 0 --confirm
expect_equal "a mirror that lost it" "$sbom" "$(at c-mirror/signed "$(beside "$signed" sbom)")"

# ---- referrers, where an index under a tag lists them: with all that it lists, and merged like signatures

listed_at() {
	registry_curl --header "Accept: $registry_manifest_types" "http://$host/v2/$1/manifests/${signed/:/-}" |
		jq -r '[.manifests[].digest] | join(" ")'
}
first=$(referrer a-prod/signed "$signed" first)
second=$(referrer a-prod/signed "$signed" second)
index=$(referrers a-prod/signed "$signed" "$first" "$second")
third=$(referrer c-mirror/signed "$signed" third)
referrers c-mirror/signed "$signed" "$third" >"$WORK/digest"
replicate 0 --confirm --output json
expect_equal "outcomes of referrers" '[1,1]' "$(jq -c '[.totals.copied, .totals.merged]' "$WORK/out")"
expect_equal "index of a mirror" "$index" "$(at b-mirror/signed "${signed/:/-}")"
both=$(jq -rs '[.[].digest] | join(" ")' <<<"$first$second$third")
expect_equal "index of both parts" "$both" "$(listed_at c-mirror/signed)"
for digest in $both; do
	[[ $(at c-mirror/signed "$digest") == "$digest" ]] || fail "$digest is listed and not there"
done
log_mark "$log"
replicate 0 --confirm
expect_equal "writes after referrers" 0 "$(writes)"
registry_curl --request DELETE "http://$host/v2/a-prod/signed/manifests/$index"

# ---- mirrors on other hosts: an object of one layer costs at most 3 + 5K, each side its list

registry_start "$WORK/far1"
far1=$REGISTRY_HOST far1_log=$REGISTRY_LOG
registry_start "$WORK/far2"
far2=$REGISTRY_HOST far2_log=$REGISTRY_LOG
tree=$WORK/far
tree_project "$tree" web "$host/staging" "$host/a-prod" "$far1/mirror" "$far2/mirror"
tree_image "$tree" web signed
tree_digest "$tree" web "$signed" v1
cat >"$WORK/cip.yaml" <<-END
	signatures:
	  canonical_registry: $host/a-prod
END
sig=$(signatures a-prod/signed "$(beside "$signed" sig)" one)
for tag in att sbom; do
	registry_curl --request DELETE "http://$host/v2/a-prod/signed/manifests/$(at a-prod/signed "$(beside "$signed" $tag)")"
done
for file in "$log" "$far1_log" "$far2_log"; do
	log_mark "$file"
done
replicate 0 --confirm --config "$WORK/cip.yaml"
expect_equal "requests of the primary" $((1 + 3)) "$(since "$log")"
for file in "$far1_log" "$far2_log"; do
	[[ $(since "$file") -le $((1 + 5)) ]] || fail "$(since "$file") requests of a mirror: $(log_since "$file")"
done
for far in "$far1" "$far2"; do
	expect_equal "signatures at $far" "$sig" "$(manifest_digest "$far" mirror/signed "$(beside "$signed" sig)")"
done

# ---- of digests that nobody declares, as the scope says

undeclared=sha256:$(printf '%064d' 7)
sig=$(signatures a-prod/signed "$(beside "$undeclared" sig)" seven)
replicate 0 --confirm --config "$WORK/cip.yaml" --replicate-scope declared
expect_has "$WORK/err" "copied 0 to mirrors; 2 in place before"
replicate 0 --confirm --config "$WORK/cip.yaml"
expect_equal "an undeclared one" "$sig" "$(manifest_digest "$far1" mirror/signed "$(beside "$undeclared" sig)")"

# ---- a mirror that is down stops no other

sig=$(signatures a-prod/signed "$(beside "$undeclared" sig)" seven eight)
printf 'network: {retry_base: 1ms, retry_max: 5ms, attempts: 2}\n' >>"$WORK/cip.yaml"
registry_stop "$REGISTRY_PID"
replicate 3 --confirm --config "$WORK/cip.yaml" --output json
expect_equal "the mirror that is up" "$sig" "$(manifest_digest "$far1" mirror/signed "$(beside "$undeclared" sig)")"
expect_equal "the mirror that is down" "$far2/mirror/signed null" \
	"$(jq -r '.objects[] | select(.outcome == "unlisted") | "\(.destination) \(.tag)"' "$WORK/out")"
