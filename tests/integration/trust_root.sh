#!/usr/bin/env bash
# Where the trust root comes from, through the commands: TUF by flags and by variables, its cache, and what is said when the
# repository cannot be asked.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

unset TUF_MIRROR TUF_ROOT TUF_ROOT_JSON
fake=$WORK/sigstore cache=$WORK/cache
fake_sigstore_start "$fake"
echo "an artifact" >"$WORK/artifact"
signer=(--certificate-identity promoter@example.com --certificate-oidc-issuer "$OIDC_URL")
flags=(--tuf-mirror "$TUF_URL" --tuf-root "$fake/root.json" --tuf-cache "$cache")

# verify EXIT ARGUMENT...
verify() {
	cip_run "$1" verify-bundle --bundle "$WORK/bundle" "${signer[@]}" "${@:2}" "$WORK/artifact"
}

# ---- trust root and services both come from the repository

cip_run 0 sign-bundle --bundle "$WORK/bundle" --identity-token "$fake/token" "${flags[@]}" "$WORK/artifact"
verify 0 "${flags[@]}"
kept=$(echo "$cache"/*)
expect_equal "what is kept" "signing_config.v0.2.json snapshot.json targets targets.json timestamp.json trusted_root.json" \
	"$(cd "$kept" && find . -name '[a-z]*.json' -printf '%f\n' -o -name targets -printf '%f\n' | sort | xargs)"
expect_equal "mode of the cache" 700 "$(stat -c %a "$kept")"

# Without the flags: variables; and the usual place of the cache.
TUF_MIRROR=$TUF_URL/ TUF_ROOT_JSON=$fake/root.json verify 0
[[ -s $HOME/.sigstore/root/$(basename "$kept")/timestamp.json ]] || fail "nothing was kept in $HOME/.sigstore/root"
TUF_MIRROR=$TUF_URL TUF_ROOT_JSON=$fake/root.json TUF_ROOT=$WORK/elsewhere verify 0
[[ -d $WORK/elsewhere ]] || fail "TUF_ROOT was not used"

# ---- what must not be

chmod 0777 "$kept"
verify 2 "${flags[@]}"
expect_has "$WORK/err" "$kept"
chmod 0700 "$kept"
verify 2 --tuf-mirror "$TUF_URL" --tuf-cache "$cache"
expect_has "$WORK/err" "needs its initial root.json"
verify 1 --tuf-mirror "$TUF_URL" --tuf-cache "$cache" --tuf-root "$fake/trusted_root.json"
expect_has "$WORK/err" "initial root"
verify 1 --tuf-mirror "$TUF_URL" --tuf-cache "$cache" --tuf-root "$CIP_SOURCE_DIR/signer/data/public-good-root.json"
expect_has "$WORK/err" "trust root of $TUF_URL"

# ---- the job: once in a run, not at all where nothing is signed, and first of all

registry_start "$WORK/registry"
host=$REGISTRY_HOST tree=$WORK/tree
for i in 1 2; do
	digest=$(IMAGE_SEED=$i push_image "$host" "staging/app$i" v1 1)
	tree_project "$tree" "app$i" "$host/staging" "$host/prod"
	tree_image "$tree" "app$i" "app$i"
	tree_digest "$tree" "app$i" "$digest" v1
done
nobody=(--tuf-mirror http://127.0.0.1:1 --tuf-root "$fake/root.json" --tuf-cache "$WORK/unused")
job() {
	cip_run "$1" --thin-manifest-dir "$tree" --identity-token "$fake/token" "${signer[@]}" "${@:2}"
}
job 0 --parse-only "${nobody[@]}"
job 0 --sign=false "${nobody[@]}"
[[ ! -e $WORK/unused ]] || fail "TUF without anything to sign"
job 1 --confirm "${nobody[@]}"
expect_has "$WORK/err" "--built-in-trusted-root"
expect_equal "writes before there was trust" 0 "$(grep -cE '^(PUT|PATCH) .*/prod/' "$REGISTRY_LOG" || true)"
job 0 --confirm "${flags[@]}" --log-level info
expect_equal "trust roots loaded" 1 "$(grep -c "trust root: trusted_root.json of $TUF_URL (version 1)" "$WORK/err")"

# ---- nobody answers: nothing that is kept stands in for the repository, and the message says what would

registry_stop
verify 1 "${flags[@]}"
expect_has "$WORK/err" "(without asking anybody: --trusted-root FILE, or --built-in-trusted-root)"
verify 0 --trusted-root "$fake/trusted_root.json"
verify 0 --trusted-root "$kept/targets/trusted_root.json"
