#!/usr/bin/env bash
# What a run shows on a terminal and what it does not show elsewhere: progress, colours, summary, logs as JSON.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

registry_start "$WORK/one"
host=$REGISTRY_HOST
tree=$WORK/tree
tree_project "$tree" apps "$host/staging" "$host/prod"
tree_image "$tree" apps app
tree_digest "$tree" apps "$(push_image "$host" staging/app v1)" v1

# Both streams on a terminal of 80 columns.
on_terminal() {
	script -qec "stty cols 80; $*" /dev/null </dev/null >"$WORK/seen" || fail "$* ended with $?"
}
has_progress() { grep -q $'\e\[[0-9]A\e\[J' "$WORK/seen"; }
has_colours() { grep -q $'\e\[3[0-9]m' "$WORK/seen"; }
job="$CIP --thin-manifest-dir $tree --sign=false"

TERM=xterm on_terminal "$job"
has_progress || fail "no progress on a terminal"
has_colours || fail "no colours on a terminal"
expect_has "$WORK/seen" " requests"
# What was drawn is gone before the results are printed; the erasing may stand at the head of their first line.
sed -n '/promote  /,$p' "$WORK/seen" | sed '1s/^.*promote  /promote  /' >"$WORK/results"
expect_has "$WORK/results" "promote  "
expect_lacks "$WORK/results" $'\e['[0-9]A
NO_COLOR=1 TERM=xterm on_terminal "$job"
has_progress || fail "no progress without colours"
! has_colours || fail "colours in spite of NO_COLOR"
TERM=dumb on_terminal "$job"
! grep -q $'\e' "$WORK/seen" || fail "control sequences on a dumb terminal"
TERM=xterm on_terminal "$job --progress=never"
! has_progress || fail "progress in spite of --progress=never"
TERM=xterm on_terminal "$job --log-format=json"
! grep -q $'\e' "$WORK/seen" || fail "control sequences among JSON"

# Not a terminal: no control sequence anywhere, the plan and nothing else on standard output.
cip_run 0 --thin-manifest-dir "$tree" --sign=false
! grep -q $'\e' "$WORK/out" "$WORK/err" || fail "control sequences in a file"
expect_equal "lines of the plan" 1 "$(wc -l <"$WORK/out")"
expect_has "$WORK/err" "--confirm carries it out"
cip_run 0 --thin-manifest-dir "$tree" --log-format=json
expect_equal "lines of the plan about signing" 1 "$(grep -c "^sign " "$WORK/out")"
cip_run 0 --thin-manifest-dir "$tree" --sign=false
! grep "^sign " "$WORK/out" || fail "it would sign in spite of --sign=false"

status=0
"$CIP" --thin-manifest-dir "$tree" --sign=false >/dev/full 2>"$WORK/err" || status=$?
expect_equal "a plan that could not be written" 1 "$status"

# With --confirm the summary is the result.
cip_run 0 --thin-manifest-dir "$tree" --sign=false --confirm
expect_equal "the summary" "apps 0 1" "$(awk '$1 == "apps" { print $1, $2, $3 }' "$WORK/out")"
cip_run 0 --thin-manifest-dir "$tree" --sign=false --confirm
expect_equal "the summary of the second run" "apps 1" "$(awk '$1 == "apps" { print $1, $2 }' "$WORK/out")"
expect_has "$WORK/err" "nothing to do: 1 image in place"
