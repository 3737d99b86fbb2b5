#!/usr/bin/env bash
# The command line without a registry: help, version, wrong usage, --parse-only, snapshots; what goes to which
# stream, exit codes, and that documents and examples use only flags that exist.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

wrong() {
	local message=$1
	shift
	cip_run 2 "$@"
	expect_has "$WORK/err" "$message"
	[[ ! -s $WORK/out ]] || fail "cip $*: wrong usage wrote to standard output"
	expect_equal "lines about cip $*" 1 "$(wc -l <"$WORK/err")"
}

# ---- help and version

for arguments in --help -h help "help help" "help version" "version --help" "--confirm --help" version --version; do
	# shellcheck disable=SC2086 # words
	cip_run 0 $arguments
	[[ -s $WORK/out && ! -s $WORK/err ]] || fail "cip $arguments: wanted text on standard output only"
	expect_equal "lines of cip $arguments over 100 columns" 0 "$(awk 'length > 100' "$WORK/out" | wc -l)"
done
cip_run 0 --help
expect_equal "help by flag and by command" "" "$(diff "$WORK/out" <("$CIP" help))"
expect_lacks "$WORK/out" --use-prow-manifest-diff
expect_lacks "$WORK/out" --max-image-size
cp "$WORK/out" "$WORK/help"
cip_run 0 version
grep -qE '^cip [0-9]+\.[0-9]+\.[0-9]+ \(commit [0-9a-f]+(-dirty)?|unknown\)$' "$WORK/out" || fail "version: $(cat "$WORK/out")"
cip_run 2
[[ ! -s $WORK/out && -s $WORK/err ]] || fail "without arguments: wanted short help on standard error"

! "$CIP" --help >/dev/full 2>/dev/null || fail "--help to a full disk ended with 0"

# ---- what the installation takes from it

cip_run 0 help --man
if command -v groff >/dev/null; then
	expect_equal "complaints of groff" "" "$(groff -man -Tutf8 -ww "$WORK/out" 2>&1 >/dev/null)"
fi
for shell in bash zsh fish; do
	cip_run 0 help "--completion=$shell"
	expect_has "$WORK/out" thin-manifest-dir
	cp "$WORK/out" "$WORK/completion.$shell"
done

# What bash would offer for the words given, the last one unfinished.
cat >"$WORK/offers" <<-'END'
	. "$0" || exit
	compopt() { :; }
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	_cip && echo "${COMPREPLY[*]}"
END
offers() {
	bash -c "$(cat "$WORK/offers")" "$WORK/completion.bash" "$@"
}
expect_equal "completion of a flag" --thin-manifest-dir "$(offers cip --thi)"
expect_equal "completion of a value" "csv" "$(offers cip --output = c)"
expect_equal "completion of a command's value" "table" "$(offers cip login-check --output = t)"
expect_equal "completion of a command's flag" "--threads" "$(offers cip login-check --thr)"
expect_equal "completion of a status flag" "--all" "$(offers cip status --al)"
expect_equal "completion of a command" "version" "$(offers cip vers)"
expect_equal "completion of a topic" "help" "$(offers cip help h)"
(cd "$CIP_SOURCE_DIR" && expect_equal "completion of a directory" "tests/unit" "$(offers cip --thin-manifest-dir tests/uni)")

# ---- wrong usage

wrong 'unknown flag --manifset; did you mean --manifest?' --manifset=x
wrong 'there is no command "versoin"; did you mean "cip version"?' versoin
wrong '"none" is none of all|declared' replicate-signatures --manifest x --replicate-scope none
wrong 'sigcheck: this version of cip cannot' sigcheck
wrong 'use-prow-manifest-diff: this version of cip cannot' --manifest x --use-prow-manifest-diff
wrong 'exclude each other' --manifest x --certificate-identity a --certificate-identity-regexp b
wrong 'unexpected argument "false"; write --confirm=false' --manifest x --confirm false
wrong 'needs a value' --manifest
wrong 'say where the manifests are' --confirm
wrong 'only one of' --manifest a --thin-manifest-dir b
wrong 'goes with --manifest-repo only' --thin-manifest-dir b --manifest-path c
wrong 'is not a number from 1' --manifest a --threads 0
wrong 'write it like 20s' --manifest a --grace 20
wrong 'no finding "losst"; did you mean lost?' --manifest a --fail-on losst
wrong 'evil\x1b[2J' "--evil"$'\e[2J'

# ---- --parse-only

tree=$WORK/tree
digest=sha256:$(printf '%064d' 1)
tree_project "$tree" good example.com/staging us.example.com/prod eu.example.com/prod
tree_image "$tree" good app
tree_digest "$tree" good "$digest" v1 latest

cip_run 0 --thin-manifest-dir "$tree" --parse-only
count() { awk -v name="$1" '$1 == name { print $2 }' "$WORK/out"; }
expect_equal projects 1 "$(count projects)"
expect_equal digests 1 "$(count digests)"
expect_equal tags 2 "$(count tags)"
expect_equal edges 4 "$(count edges)"
expect_equal repositories 2 "$(count repositories)"
expect_equal findings 0 "$(count findings)"
[[ ! -s $WORK/err ]] || fail "--parse-only without findings wrote to standard error"
cip_run 1 --thin-manifest-dir "$WORK/nowhere" --parse-only
expect_has "$WORK/err" "$WORK/nowhere"
cip_run 1 --manifest "$WORK/nothing.yaml" --parse-only
expect_has "$WORK/err" "$WORK/nothing.yaml"

tree_digest "$tree" good "ha256:${digest#sha256:}" v2
cip_run 2 --thin-manifest-dir "$tree" --parse-only
grep -qE "^$tree/images/good/images.yaml:4:[0-9]+: malformed: " "$WORK/err" || fail "no finding with its place"
expect_equal findings 1 "$(count findings)"
cip_run 0 --thin-manifest-dir "$tree/" --parse-only --fail-on=overlap
grep -q "^$tree/images/good" "$WORK/err" || fail "a finding that does not fail is not said"
cip_run 2 --thin-manifest-dir "$tree" --parse-only --log-format=json
expect_equal "a finding in JSON" "malformed $tree/images/good/images.yaml 4 error" \
	"$(jq -r '"\(.finding) \(.file) \(.line) \(.level)"' "$WORK/err")"

# ---- a snapshot needs no registry either

cip_run 3 --thin-manifest-dir "$tree" --manifest-based-snapshot-of us.example.com/prod
printf -- '- name: app\n  dmap:\n    "%s": ["latest", "v1"]\n\n' "$digest" | cmp - "$WORK/out" || fail "snapshot: $(cat "$WORK/out")"
expect_has "$WORK/err" "not in the snapshot"
cip_run 0 --thin-manifest-dir "$tree" --manifest-based-snapshot-of us.example.com/prod --output csv --fail-on none
expect_equal "lines of the snapshot" "app@$digest,app:latest" "$(head -n 1 "$WORK/out")"
cip_run 2 --thin-manifest-dir "$tree" --manifest-based-snapshot-of us.example.com/prod --strict
[[ ! -s $WORK/out ]] || fail "--strict printed a snapshot"

# ---- outputs that cannot be written

full() {
	local status=0
	"$CIP" "$@" >/dev/full 2>"$WORK/err" || status=$?
	expect_equal "exit code of cip $* on a full disk" 1 "$status"
}
full --thin-manifest-dir "$tree" --parse-only
expect_has "$WORK/err" "standard output"
full --thin-manifest-dir "$tree" --manifest-based-snapshot-of us.example.com/prod
full version
cip_run 1 --thin-manifest-dir "$tree" --confirm --sign=false --report-file "$WORK/no/such/report.json"
expect_has "$WORK/err" "$WORK/no/such"

# ---- --strict stops before a registry is asked; the report says why

cip_run 2 --thin-manifest-dir "$tree" --confirm --strict --report-file "$WORK/report.json"
expect_has "$WORK/err" "malformed 1"
expect_equal "the report of --strict" "malformed true" \
	"$(jq -r '"\(.findings[0].kind) \(.error != null)"' "$WORK/report.json")"

# ---- the wrong shape

rm -r "$tree/images"
cip_run 2 --thin-manifest-dir "$tree" --parse-only
cip_run 1 --thin-manifest-dir "$tree" --confirm --sign=false
expect_has "$WORK/err" "tree: missing"

# ---- a configuration with faults is wrong usage

printf 'registries:\n  example.com: {endpiont: x}\n' >"$WORK/cip.yaml"
tree_project "$WORK/plain" p example.com/a example.com/b
cip_run 2 --thin-manifest-dir "$WORK/plain" --config "$WORK/cip.yaml" --parse-only
expect_has "$WORK/err" "cip.yaml:2:"
cp "$WORK/cip.yaml" "$WORK/plain/cip.yaml"
cip_run 2 --thin-manifest-dir "$WORK/plain" --config "$WORK/plain/cip.yaml" --parse-only

# ---- documents and examples use flags that exist

flags_in() { grep -hoE '(^|[ `"'\''(])--[a-z][a-z-]+' "$@" | grep -oE -- '--.*' | sort -u; }
cd "$CIP_SOURCE_DIR"
"$CIP" help --man | sed 's/\\-/-/g' >"$WORK/man"
for file in README.md docs/operations.md docs/errors.md prow/*; do
	[[ -f $file ]] || continue
	# shellcheck disable=SC2016 # backquotes of Markdown
	for flag in $(flags_in <(grep -E '(^| |`)cip |^ *- --|`--' "$file")); do
		grep -qE -- "$flag([^a-z-]|\$)" "$WORK/man" || fail "$file names $flag, which does not exist"
	done
done
for code in 0 1 2 3 130 143; do
	grep -qE "^\| *\`?$code\`? " docs/errors.md || fail "docs/errors.md lacks the exit code $code"
done
