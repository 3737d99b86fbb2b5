#!/usr/bin/env bash
# One bad entry stops nobody else: malformed entries, unreadable files, overlaps, tag moves, lost sources, chains and
# circles of projects, a registry that is down. Exit codes and --fail-on.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

registry_start "$WORK/one"
host=$REGISTRY_HOST

good=$(push_image "$host" staging/good v1)
moved=$(push_image "$host" staging/moved v1)
present=$(push_image "$host" prod/moved v1)
twice_a=$(push_image "$host" staging/twice v1)
twice_b=$(push_image "$host" staging/twice v2)
kept=$(push_image "$host" prod/kept v1)
deep=$(IMAGE_SEED=deep push_image "$host" staging/deep/good v1)
IMAGE_SEED=deep push_image "$host" prod/deep/good v1 >/dev/null
missing=sha256:$(printf '%064d' 7)

tree=$WORK/tree
tree_project "$tree" good "$host/staging" "$host/prod"
tree_image "$tree" good good
tree_digest "$tree" good "$good" v1
tree_digest "$tree" good "ha256:${good#sha256:}" v0

# A malformed digest keeps its tag reserved; the rest of the project goes on.
cip_run 3 --thin-manifest-dir "$tree" --sign=false --confirm
expect_equal "good beside malformed" "$good" "$(manifest_digest "$host" prod/good v1)"
expect_has "$WORK/err" "images/good/images.yaml:4:"
cip_run 2 --thin-manifest-dir "$tree" --parse-only
cip_run 0 --thin-manifest-dir "$tree" --sign=false --confirm --fail-on=lost
sed -i '/ha256:.*v0/d' "$tree/images/good/images.yaml"
cip_run 0 --thin-manifest-dir "$tree" --sign=false --confirm

# Lost: neither side holds it. A destination that holds it is tagged there although staging lost it.
tree_project "$tree" lost "$host/staging" "$host/prod"
tree_image "$tree" lost gone
tree_digest "$tree" lost "$missing" v1
tree_image "$tree" lost kept
tree_digest "$tree" lost "$kept" v1 v1-kept
cip_run 0 --thin-manifest-dir "$tree" --sign=false --confirm
expect_has "$WORK/err" "images/lost/images.yaml:3:"
expect_equal "tagged at the destination" "$kept" "$(manifest_digest "$host" prod/kept v1-kept)"
cip_run 3 --thin-manifest-dir "$tree" --sign=false --confirm --fail-on=lost

# A tag never moves; other tags of the digest are made.
tree_project "$tree" moved "$host/staging" "$host/prod"
tree_image "$tree" moved moved
tree_digest "$tree" moved "$moved" v1 v1-new
cip_run 3 --thin-manifest-dir "$tree" --sign=false --confirm
expect_equal "tag that may not move" "$present" "$(manifest_digest "$host" prod/moved v1)"
expect_equal "its sister" "$moved" "$(manifest_digest "$host" prod/moved v1-new)"
rm -r "$tree/manifests/moved" "$tree/images/moved"

# Overlap: the claims that overlap are left alone, everything else goes on.
tree_project "$tree" overlap-a "$host/staging" "$host/prod"
tree_image "$tree" overlap-a twice
tree_digest "$tree" overlap-a "$twice_a" shared only-a
tree_project "$tree" overlap-b "$host/staging" "$host/prod"
tree_image "$tree" overlap-b twice
tree_digest "$tree" overlap-b "$twice_b" shared only-b
cip_run 3 --thin-manifest-dir "$tree" --sign=false --confirm
expect_equal "a's own tag" "$twice_a" "$(manifest_digest "$host" prod/twice only-a)"
expect_equal "b's own tag" "$twice_b" "$(manifest_digest "$host" prod/twice only-b)"
! manifest_digest "$host" prod/twice shared >/dev/null || fail "a disputed tag was made"
rm -r "$tree/manifests/overlap-b" "$tree/images/overlap-b"
cip_run 0 --thin-manifest-dir "$tree" --sign=false --confirm
expect_equal "after the dispute" "$twice_a" "$(manifest_digest "$host" prod/twice shared)"

# In a dispute the claim that the registry fulfils stays in force.
tree_project "$tree" overlap-b "$host/staging" "$host/prod"
tree_image "$tree" overlap-b twice
tree_digest "$tree" overlap-b "$twice_b" shared only-b
cip_run 3 --thin-manifest-dir "$tree" --sign=false --confirm
expect_equal "the fulfilled claim" "$twice_a" "$(manifest_digest "$host" prod/twice shared)"
rm -r "$tree/manifests/overlap-b" "$tree/images/overlap-b"

# While a project's images cannot be read, nobody gets a new tag below its registries.
tree_project "$tree" broken "$host/staging" "$host/prod/deep"
echo "images: {" >"$tree/images/broken/images.yaml"
tree_project "$tree" neighbour "$host/staging" "$host/prod"
tree_image "$tree" neighbour deep/good
tree_digest "$tree" neighbour "$deep" v1 new-tag
cip_run 3 --thin-manifest-dir "$tree" --sign=false --confirm
! manifest_digest "$host" prod/deep/good new-tag >/dev/null || fail "a new tag below a frozen prefix"
expect_equal "what was there stays" "$deep" "$(manifest_digest "$host" prod/deep/good v1)"
cip_run 2 --thin-manifest-dir "$tree" --sign=false --confirm --strict
rm -r "$tree/manifests/broken" "$tree/images/broken"
cip_run 0 --thin-manifest-dir "$tree" --sign=false --confirm
expect_equal "after the repair" "$deep" "$(manifest_digest "$host" prod/deep/good new-tag)"

# dev -> staging -> production in one tree and one run.
dev=$(push_image "$host" dev/chain v1)
chain=$WORK/chain
tree_project "$chain" b-first "$host/dev" "$host/chain-staging"
tree_image "$chain" b-first chain
tree_digest "$chain" b-first "$dev" v1
tree_project "$chain" a-second "$host/chain-staging" "$host/chain-prod"
tree_image "$chain" a-second chain
tree_digest "$chain" a-second "$dev" v1
cip_run 0 --thin-manifest-dir "$chain" --sign=false
expect_has "$WORK/out" waiting
cip_run 0 --thin-manifest-dir "$chain" --sign=false --confirm
expect_equal "end of the chain" "$dev" "$(manifest_digest "$host" chain-prod/chain v1)"

# A circle is an error; others go on.
circle=$WORK/circle
tree_project "$circle" a "$host/ring-b" "$host/ring-a"
tree_image "$circle" a ring
tree_digest "$circle" a "$missing" v1
tree_project "$circle" b "$host/ring-a" "$host/ring-b"
tree_image "$circle" b ring
tree_digest "$circle" b "$missing" v1
tree_project "$circle" c "$host/dev" "$host/beside"
tree_image "$circle" c chain
tree_digest "$circle" c "$dev" v1
cip_run 3 --thin-manifest-dir "$circle" --sign=false --confirm
expect_equal "beside the circle" "$dev" "$(manifest_digest "$host" beside/chain v1)"

# A registry that is down holds up only what goes there.
registry_start "$WORK/down"
down=$REGISTRY_HOST
registry_stop "$REGISTRY_PID"
half=$WORK/half
tree_project "$half" half "$host/dev" "$down/prod" "$host/half"
tree_image "$half" half chain
tree_digest "$half" half "$dev" v1
cip_run 3 --thin-manifest-dir "$half" --sign=false --confirm
expect_equal "the mirror that is up" "$dev" "$(manifest_digest "$host" half/chain v1)"
expect_has "$WORK/err" "$down"

# A source that is down: nothing is known of it, so the plan promises nothing from it.
blind=$WORK/blind
tree_project "$blind" blind "$down/dev" "$host/blind"
tree_image "$blind" blind chain
tree_digest "$blind" blind "$dev" v1
cip_run 3 --thin-manifest-dir "$blind" --sign=false
expect_has "$WORK/out" "failed"
expect_lacks "$WORK/out" "promote  "
