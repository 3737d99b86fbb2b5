#!/usr/bin/env bash
# The index of referrers that is kept under a tag on docker-registry is read by a client of others: regsync carries all that
# it lists to a registry with the API.
peers=$("$(dirname "${BASH_SOURCE[0]}")/../../tools/install-peers" --where registries) || exit 77
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../integration/lib.sh"

registry_start "$WORK/plain"
plain=$REGISTRY_HOST
CIP_TEST_REGISTRY=$peers/ggcr-registry registry_start "$WORK/api"
api=$REGISTRY_HOST

expect_equal "what was written" "tag 3 2" "$("$(dirname "$CIP")/tests/integration/referrers_probe" "$plain")"
subject=$(manifest_digest "$plain" prod/app v1)
registry_curl -H "Accept: $registry_manifest_types" "http://$plain/v2/prod/app/manifests/${subject/:/-}" |
	jq -r '.manifests[].digest' | sort >"$WORK/written"
cat >"$WORK/regsync.yaml" <<-END
	version: 1
	creds:
	- {registry: "$plain", tls: disabled}
	- {registry: "$api", tls: disabled}
	sync:
	- {source: "$plain/prod/app:v1", target: "$api/copy:v1", type: image, referrers: true}
END
"$peers/regsync" once -c "$WORK/regsync.yaml" >"$WORK/out" 2>"$WORK/err"
registry_curl "http://$api/v2/copy/referrers/$subject" | jq -r '.manifests[].digest' | sort >"$WORK/carried"
expect_equal "carried" 3 "$(wc -l <"$WORK/carried")"
cmp "$WORK/written" "$WORK/carried" || fail "regsync carried something else"
