#!/usr/bin/env bash
# What the other converge tests compare with is what it should be: a run that nobody disturbs leaves every tag, image,
# signature and record in the primary and in both mirrors, and the next one writes nothing.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tests/integration/converge_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/converge_lib.sh"

# count WHAT PATTERN: lines of the dump, in each of the three destinations
count() {
	local name
	for name in primary mirror-a mirror-b; do
		expect_equal "$FORM: $1 at $name" "$3" "$(grep -cE "^$name/$2" "$WORK/claims" || true)"
	done
}

converge_start "$WORK/world"
for FORM in legacy bundle both; do
	converge "$WORK/world" once >"$WORK/claims" 2>"$WORK/err" || fail "$FORM: $(tail -n 30 "$WORK/claims")"
	count tags 'prod/[a-z]+ tag (v1|v1.0) sha256:' 3
	count images 'prod/[a-z]+ image sha256:' 5
	count 'all lines about tags' '[^ ]+ tag ' 3
	legacy=3 bundles=0
	[[ $FORM == legacy ]] || bundles=3
	[[ $FORM != bundle ]] || legacy=0
	count signatures '[^ ]+ sig promoter@example.com [^ ]+ .*"docker-manifest-digest"' "$legacy"
	count records '[^ ]+ att promoter@example.com [^ ]+ .*"predicateType":"https://k8s.io/promo-tools/promotion/v1"' "$legacy"
	count provenances '[^ ]+ att promoter@example.com [^ ]+ .*"predicateType":"https://slsa.dev/provenance/v1"' "$legacy"
	count 'signatures in bundles' '[^ ]+ bundle promoter@example.com [^ ]+ .*cosign/sign/v1' "$bundles"
	count 'attestations in bundles' '[^ ]+ bundle promoter@example.com [^ ]+ .*promo-tools/promotion/v1"' "$((2 * bundles))"
done
