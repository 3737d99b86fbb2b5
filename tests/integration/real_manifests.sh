#!/usr/bin/env bash
# The real manifests of the Kubernetes project, read from Git: commits along the whole history hold exactly what an
# independent reader of their lines finds; every entry of HEAD is lost on empty registries; the few that exist arrive.
# 20 commits and a registry in memory; with CIP_TEST_FULL=1 200 commits and docker-registry.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

bundle=${CIP_SHARED_DATA:-$CIP_SOURCE_DIR/../shared/data}/promoter-manifests.bundle
if [[ ! -r $bundle ]]; then
	echo "skipped: $bundle is not here"
	exit 0
fi
full=${CIP_TEST_FULL:-}
git clone --quiet --bare -b dev "$bundle" "$WORK/manifests.git"
mkdir -m 700 "$WORK/cache"
from_git=(--manifest-repo "$WORK/manifests.git" --manifest-path k8s.gcr.io --cache-dir "$WORK/cache")

# ---- What is declared, commit by commit

# oracle COMMIT: sets $WORK/expected and writes its findings to $WORK/expected.findings
oracle() {
	rm -rf "$WORK/checkout"
	mkdir "$WORK/checkout"
	git -C "$WORK/manifests.git" archive "$1" k8s.gcr.io | tar -x -C "$WORK/checkout"
	awk -f "$CIP_SOURCE_DIR/tests/integration/count_manifests.awk" \
		"$WORK"/checkout/k8s.gcr.io/manifests/*/promoter-manifest.yaml \
		"$WORK"/checkout/k8s.gcr.io/images/*/images.yaml >"$WORK/oracle" || fail "the oracle cannot read commit $1"
	grep -E '^[a-z]+ [0-9]+$' "$WORK/oracle" | grep -vE '^(pairs|quarantined) ' >"$WORK/expected"
	sed -nE 's/^(images[^ ]*) malformed .*/\1 malformed/p; s/^overlap .*/overlap/p' "$WORK/oracle" |
		sort >"$WORK/expected.findings"
}

counted() { sed -n "s/^$1 //p" "$WORK/oracle"; }

check_commit() {
	local commit=$1 wanted=0
	oracle "$commit"
	[[ ! -s $WORK/expected.findings ]] || wanted=2
	cip_run "$wanted" "${from_git[@]}" --manifest-ref "$commit" --parse-only
	expect_has "$WORK/err" "$commit"
	sed -E 's/^source repositories/sources/; s/ +/ /; s/^([a-z]+ [0-9]+).*/\1/' "$WORK/out" |
		grep -v '^findings ' >"$WORK/found"
	diff "$WORK/expected" "$WORK/found" || fail "commit $commit: counts"
	sed -nE 's/^k8s\.gcr\.io\/(images[^ ]*:[0-9]+):[0-9]+: malformed: .*/\1 malformed/p; s/.*: (overlap|invalid-file|tree): .*/\1/p' \
		"$WORK/err" | sort >"$WORK/found.findings"
	diff "$WORK/expected.findings" "$WORK/found.findings" || fail "commit $commit: findings"
}

commits=${full:+200}
commits=${commits:-20}
git -C "$WORK/manifests.git" rev-list HEAD >"$WORK/history"
awk -v total="$(wc -l <"$WORK/history")" -v wanted="$commits" \
	'int(NR * wanted / total) > int((NR - 1) * wanted / total)' "$WORK/history" >"$WORK/commits"
expect_equal "commits to read" "$commits" "$(wc -l <"$WORK/commits")"
while read -r commit; do
	check_commit "$commit"
done <"$WORK/commits"

head=$(head -n 1 "$WORK/history")
check_commit "$head"
expect_equal "findings of HEAD" images/k8s-staging-build-image/images.yaml:247 "$(sed 's/ malformed//' "$WORK/expected.findings")"
expect_has "$WORK/err" '"ha256:3ddfc2cef8dd9f8776d145809c187fb8051bd355b5d3ebca5447d33304869e17"'

# ---- The job over all of HEAD: each host of the manifests is an empty registry

declare -A host_of log_of
hosts=$(sed -nE 's/^ *-? *name: *([a-z0-9.-]+)\/.*/\1/p' "$WORK"/checkout/k8s.gcr.io/manifests/*/*.yaml | sort -u)
expect_equal "hosts of HEAD" "asia.gcr.io eu.gcr.io gcr.io us.gcr.io" "$(tr '\n' ' ' <<<"$hosts" | sed 's/ $//')"
echo "registries:" >"$WORK/cip.yaml"
for name in $hosts; do
	if [[ $full ]]; then
		registry_start "$WORK/$name"
		host_of[$name]=$REGISTRY_HOST log_of[$name]=$REGISTRY_LOG
	else
		fake_start "$WORK/$name"
		host_of[$name]=$FAKE_HOST log_of[$name]=$FAKE_LOG
	fi
	printf '  %s: {endpoint: "%s"}\n' "$name" "${host_of[$name]}" >>"$WORK/cip.yaml"
done
job=("${from_git[@]}" --config "$WORK/cip.yaml" --sign=false --report-file "$WORK/report.json")
mirrors=(us.gcr.io eu.gcr.io asia.gcr.io)

writes() {
	local name sum=0
	for name in $hosts; do
		sum=$((sum + $(requests "${log_of[$name]}" '^(POST|PUT|PATCH|DELETE)')))
	done
	echo "$sum"
}

pairs=$(counted pairs) quarantined=$(counted quarantined)
cip_run 3 "${job[@]}" --confirm
expect_report "commit" "$head" .source.commit
expect_report "pairs" "$((pairs + quarantined))" .totals.digests
expect_report "repositories" "$(counted repositories)" .totals.destinations
expect_report "edges" "$(counted edges)" .totals.edges
expect_report "outcomes" "lost $pairs, quarantined $quarantined" \
	'.totals.outcomes | to_entries | map(select(.value > 0)) | sort_by(.key) | map("\(.key) \(.value)") | join(", ")'
expect_report "records" "$pairs $quarantined" \
	'[.records[].outcome] | "\(map(select(. == "lost")) | length) \(map(select(. == "quarantined")) | length)"'
# Each entry is said once, with its place; the mirrors of it are in the report.
jq -r '.records[] | select(.outcome == "lost") | "\(.file):\(.line):\(.column)"' "$WORK/report.json" | sort -u >"$WORK/lost"
sed -nE 's/^k8s\.gcr\.io\/([^ ]*): lost: .*/\1/p' "$WORK/err" | sort >"$WORK/said"
diff "$WORK/lost" "$WORK/said" || fail "entries said to be lost"
expect_equal "writes" 0 "$(writes)"

cip_run 0 "${job[@]}" --fail-on=invalid-file,overlap,tag-move,cycle,error
expect_report "lost in a dry run" "$pairs" .totals.outcomes.lost
cip_run 3 "${job[@]}" --fail-on=lost

# ---- Some entries replaced by images that exist: exactly those arrive

git -C "$WORK/manifests.git" worktree add --quiet --detach "$WORK/edit" "$head"
: >"$WORK/wanted"
replace() {
	local project=$1 image=$2 tag=$3 source=$4 file=$WORK/edit/k8s.gcr.io/images/$1/images.yaml digest old destination
	digest=$("${@:5}" "${host_of[gcr.io]}" "$source/$image" "$tag")
	# The digest with this tag in the entry of this image.
	old=$(awk -v image="$image" -v tag="\"$tag\"" '/- name:/ {here = $3 == image} here && index($0, tag)' "$file" |
		sed -nE 's/^ *"(sha256:[0-9a-f]{64})".*/\1/p')
	[[ -n $old ]] || fail "$file has no $image:$tag"
	sed -i "s/$old/$digest/" "$file"
	sed -nE 's/^ *-? *name: *[a-z]+\.gcr\.io\/(k8s-artifacts.*)/\1/p' \
		"$WORK/edit/k8s.gcr.io/manifests/$project/promoter-manifest.yaml" | sort -u | while read -r destination; do
		echo "$destination/$image $tag $digest" >>"$WORK/wanted"
	done
}
replace k8s-staging-coredns coredns v1.7.0 k8s-staging-coredns push_index
replace k8s-staging-metrics-server metrics-server v0.4.1 k8s-staging-metrics-server push_image
replace k8s-staging-kas-network-proxy proxy-agent v0.0.10 k8s-staging-kas-network-proxy push_image
sort -o "$WORK/wanted" "$WORK/wanted"
expect_equal "replaced" 3 "$(wc -l <"$WORK/wanted")"
git -C "$WORK/edit" -c user.name=test -c user.email=test@example.com commit --quiet --all --message "Images that exist"
git -C "$WORK/manifests.git" branch --quiet edited "$(git -C "$WORK/edit" rev-parse HEAD)"
for name in $hosts; do
	log_mark "${log_of[$name]}"
done

cip_run 3 "${job[@]}" --manifest-ref edited --confirm
expect_report "outcomes" "lost $((pairs - 9)), promoted 9, quarantined $quarantined" \
	'.totals.outcomes | to_entries | map(select(.value > 0)) | sort_by(.key) | map("\(.key) \(.value)") | join(", ")'
for name in "${mirrors[@]}"; do
	while read -r repository tag digest; do
		expect_equal "$name/$repository:$tag" "$digest" "$(manifest_digest "${host_of[$name]}" "$repository" "$tag")"
	done <"$WORK/wanted"
	# Nothing else: all that was written belongs to these.
	cut -d' ' -f1 "$WORK/wanted" | sort -u >"$WORK/repositories"
	expect_equal "what was written to other repositories of $name" "" \
		"$(log_since "${log_of[$name]}" | grep -E '^(POST|PUT|PATCH|DELETE)' | grep -vFf <(sed 's|.*|/v2/&/|' "$WORK/repositories") || true)"
	expect_equal "tags written to $name" 3 "$(log_since "${log_of[$name]}" | grep -cE '^PUT [^ ]*/manifests/[^: ]* 201' || true)"
done

written=$(writes)
cip_run 3 "${job[@]}" --manifest-ref edited --confirm
expect_report "in place the second time" 9 '.totals.outcomes["in-place"]'
expect_equal "writes of the second run" "$written" "$(writes)"
