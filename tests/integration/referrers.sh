#!/usr/bin/env bash
# Referrers on a real registry: docker-registry has no API for them, and ignores conditions on a PUT; with CIP_TEST_REGISTRY
# one that has the API. Each referrer costs its PUT; the API is asked once whether it keeps its word, the index is read,
# written and read again.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

probe=$(dirname "$CIP")/tests/integration/referrers_probe
[[ -x $probe ]] || fail "$probe is not built"
registry_start "$WORK/one"
log_mark "$REGISTRY_LOG"
found=$("$probe" "$REGISTRY_HOST")
case ${CIP_TEST_REGISTRY:-docker-registry} in
*ggcr-registry)
	# It lists no types that tell them apart.
	expect_equal "what is listed" "api 3 3" "$found"
	# Nor does it say OCI-Subject, so every one is looked for.
	expect_equal "looks at the API while writing, and lists" $((3 + 2)) "$(since "$REGISTRY_LOG" '^GET [^ ]*/referrers/')"
	expect_equal "writes of an index" 0 "$(since "$REGISTRY_LOG" '^PUT [^ ]*/manifests/sha256-')"
	;;
*)
	expect_equal "what is listed" "tag 3 2" "$found"
	expect_equal "questions for the API, by each client once" 2 "$(since "$REGISTRY_LOG" '^GET [^ ]*/referrers/')"
	expect_equal "writes of the index" 3 "$(since "$REGISTRY_LOG" '^PUT [^ ]*/manifests/sha256-')"
	expect_equal "reads of the index" $((3 * 2 + 2)) "$(since "$REGISTRY_LOG" '^GET [^ ]*/manifests/sha256-')"
	;;
esac
