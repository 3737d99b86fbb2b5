#!/usr/bin/env bash
# Referrers on a registry that has the API, and on two that have not: what is written is listed by the registry, and what is
# kept in the index under the tag is found by a client of others.
peers=$("$(dirname "${BASH_SOURCE[0]}")/../../tools/install-peers" --where) || exit 77
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../integration/lib.sh"
: "${CIP_REFERRERS_TOOL:?the tool}"

type=application/vnd.oci.image.manifest.v1+json

# artifact HOST FILE TYPE SUBJECT: a manifest that names the subject; its one blob is pushed. Its config has the same type:
# ggcr-registry lists that one.
artifact() {
	local host=$1 file=$2 artifact_type=$3 subject=$4 digest size
	printf '{}' >"$WORK/empty"
	digest=$(push_blob "$host" app "$WORK/empty")
	size=$(registry_curl -H "Accept: $type" "http://$host/v2/app/manifests/$subject" | wc -c)
	printf '{"schemaVersion":2,"mediaType":"%s","artifactType":"%s","config":{"mediaType":"%s","digest":"%s","size":2},"layers":[{"mediaType":"application/vnd.oci.empty.v1+json","digest":"%s","size":2}],"subject":{"mediaType":"%s","digest":"%s","size":%d}}' \
		"$type" "$artifact_type" "$artifact_type" "$digest" "$digest" "$type" "$subject" "$size" >"$file"
}

# both HOST HOW: two artifacts, one after the other and again
both() {
	local host=$1 how=$2
	subject=$(push_image "$host" app v1 1)
	artifact "$host" "$WORK/first" application/x.first "$subject"
	artifact "$host" "$WORK/second" application/x.second "$subject"
	first=$(registry_sha256 "$WORK/first") second=$(registry_sha256 "$WORK/second")
	expect_equal "$how: before" 0 "$("$CIP_REFERRERS_TOOL" list "$host" app "$subject" | grep -c sha256 || true)"
	"$CIP_REFERRERS_TOOL" put "$host" app "$subject" "$WORK/first"
	"$CIP_REFERRERS_TOOL" put "$host" app "$subject" "$WORK/second"
	"$CIP_REFERRERS_TOOL" put "$host" app "$subject" "$WORK/first" "$WORK/second"
	expect_equal "$how: listed" "by $how
$(printf '%s application/x.first\n%s application/x.second\n' "$first" "$second" | sort)" \
		"$("$CIP_REFERRERS_TOOL" list "$host" app "$subject" | sort)"
}

CIP_TEST_REGISTRY=$peers/ggcr-registry registry_start "$WORK/api"
api=$REGISTRY_HOST api_log=$REGISTRY_LOG
both "$api" api
expect_equal "listed by the registry" "$(printf '%s\n' "$first" "$second" | sort)" \
	"$(registry_curl "http://$api/v2/app/referrers/$subject" | jq -r '.manifests[].digest' | sort)"
expect_equal "writes of an index where there is the API" 0 "$(requests "$api_log" '^PUT /v2/app/manifests/sha256-')"

CIP_TEST_REGISTRY=$peers/distribution registry_start "$WORK/distribution"
both "$REGISTRY_HOST" tag
registry_start "$WORK/plain"
plain=$REGISTRY_HOST
both "$plain" tag

# Another client reads our index and carries both to the registry with the API.
cat >"$WORK/regsync.yaml" <<-END
	version: 1
	creds:
	- {registry: "$plain", tls: disabled}
	- {registry: "$api", tls: disabled}
	sync:
	- {source: "$plain/app:v1", target: "$api/copy:v1", type: image, referrers: true}
END
"$peers/regsync" once -c "$WORK/regsync.yaml" >"$WORK/out" 2>"$WORK/err"
expect_equal "carried by regsync" "by api
$(printf '%s application/x.first\n%s application/x.second\n' "$first" "$second" | sort)" \
	"$("$CIP_REFERRERS_TOOL" list "$api" copy "$subject" | sort)"
