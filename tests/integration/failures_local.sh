#!/usr/bin/env bash
# What goes wrong on our own side: reports that cannot be written, files that cannot be read, configurations that govern
# themselves, and nothing valid to do. Each says so, ends as documented and leaves nothing half done.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

fake_start "$WORK/registry"
host=$FAKE_HOST log=$FAKE_LOG
image=$(push_image "$host" staging/app v1)
tree=$WORK/tree
tree_project "$tree" app "$host/staging" "$host/prod"
tree_image "$tree" app app
tree_digest "$tree" app "$image" v1
job=(--thin-manifest-dir "$tree" --sign=false --confirm)

# Others can reach what is meant for them; the rest is their own.
chmod 755 "$WORK"
as_nobody=()
[[ $(id -u) -ne 0 ]] || as_nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)

# ---- The report

# no_report DIRECTORY: neither a report nor what was to become one
no_report() {
	expect_equal "what is in $1" "${2:-}" "$(ls -A "$1")"
}

# Places that can be seen to be wrong are said before anything is promoted.
log_mark "$log"
for place in "$WORK/none/report.json" "$WORK" /proc/report.json; do
	cip_run 1 "${job[@]}" --report-file "$place"
	expect_has "$WORK/err" "report: cannot write $place: "
done
mkdir "$WORK/locked"
chmod 555 "$WORK/locked"
if [[ ${#as_nobody[@]} -eq 0 ]] || "${as_nobody[@]}" test -x "$CIP"; then
	status=0
	"${as_nobody[@]}" "$CIP" "${job[@]}" --report-file "$WORK/locked/report.json" >"$WORK/out" 2>"$WORK/err" || status=$?
	expect_equal "exit code when the directory is read-only" 1 "$status"
	expect_has "$WORK/err" "report: cannot write $WORK/locked/report.json: Permission denied"
	no_report "$WORK/locked"
fi
expect_equal "requests before the report is known to have a place" 0 "$(since "$log")"

# A disk that is full at the end: the old report stays, no half one, and the job was done.
disk=$WORK/disk
mkdir "$disk"
echo '"old"' >"$disk/report.json"
# The limit is on files, so what is said goes through a pipe. ThreadSanitizer writes a file before main begins.
if [[ ${CIP_SANITIZE:-} != thread ]]; then
	{ (ulimit -f 0 && exec "$CIP" "${job[@]}" --report-file "$disk/report.json") 2>&1 || echo "exit $?"; } </dev/null |
		cat >"$WORK/err"
	expect_has "$WORK/err" "report: cannot write $disk/report.json: File too large"
	expect_has "$WORK/err" "exit 1"
	no_report "$disk" report.json
	expect_equal "the old report" '"old"' "$(cat "$disk/report.json")"
fi

# A real full disk, in a mount namespace of its own.
cat >"$WORK/full-disk" <<-'END'
	mount -t tmpfs -o size=16k none "$1" && echo mounted || exit 0
	cd "$1" && shift
	echo '"old"' >report.json
	cat /dev/zero >filler 2>/dev/null
	"$@"
	echo "exit $?"
	ls -A
	cat report.json
END
unshare --mount bash "$WORK/full-disk" "$disk" "$CIP" "${job[@]}" --report-file "$disk/report.json" \
	>"$WORK/out" 2>"$WORK/err" </dev/null || true
if grep -q '^mounted$' "$WORK/out"; then
	expect_has "$WORK/err" "report: cannot write $disk/report.json: No space left on device"
	expect_equal "exit, files, the old report" $'exit 1\nfiller\nreport.json\n"old"' "$(tail -n 4 "$WORK/out")"
else
	echo "no disk of our own could be mounted: only the limit of file sizes was tested"
fi
cip_run 1 "${job[@]}" --report-file /dev/full
expect_has "$WORK/err" "report: cannot write /dev/full: No space left on device"
expect_equal "promoted all the same" "$image" "$(manifest_digest "$host" prod/app v1)"

# Standard output that cannot be written is no success either, and the report is written all the same.
status=0
"$CIP" "${job[@]}" --report-file "$WORK/report.json" >/dev/full 2>"$WORK/err" || status=$?
expect_equal "exit code when standard output is full" 1 "$status"
expect_report "report" 1 '.totals.outcomes["in-place"]'

# It is written when the job cannot be done, too.
rm "$WORK/report.json"
cip_run 1 --thin-manifest-dir "$WORK/nowhere" --confirm --report-file "$WORK/report.json"
expect_report "error" true ".error.message | contains(\"$WORK/nowhere\")"

# ---- Files that cannot be read


other=$(push_image "$host" staging/other v1)
tree_project "$tree" other "$host/staging" "$host/again"
tree_image "$tree" other other
tree_digest "$tree" other "$other" v1
file=$tree/images/app/images.yaml
cp "$file" "$WORK/images.yaml"
chmod 000 "$file"
status=0
"${as_nobody[@]}" "$CIP" "${job[@]}" >"$WORK/out" 2>"$WORK/err" || status=$?
expect_equal "exit code when a file cannot be read" 3 "$status"
expect_has "$WORK/err" "$file: invalid-file: cannot open images.yaml: Permission denied"
expect_equal "the other project" "$other" "$(manifest_digest "$host" again/other v1)"

# What is no file at all makes the tree one of the wrong shape: nothing is done.
for what in fifo loop link directory; do
	rm -rf "$file"
	case $what in
	fifo) mkfifo "$file" ;;
	loop) ln -s images.yaml "$file" ;;
	link) ln -s /etc/hostname "$file" ;;
	directory) mkdir "$file" ;;
	esac
	log_mark "$log"
	cip_run 1 "${job[@]}"
	grep -qE "^$file: tree: ." "$WORK/err" || fail "$what: no finding names $file"
	expect_has "$WORK/err" "nothing is done"
	expect_equal "requests with a $what in the tree" 0 "$(since "$log")"
	cip_run 2 "${job[@]}" --parse-only
done

# Bounds: a file that is too large, YAML that is too deep, a bomb of aliases, bytes that are no text.
rm -rf "$file"
head -c 40000000 /dev/zero | tr '\0' '#' >"$file"
cip_run 3 "${job[@]}"
expect_has "$WORK/err" "$file: invalid-file: "
{ printf -- '- name: app\n  dmap: ' && head -c 100000 /dev/zero | tr '\0' '['; } >"$file"
cip_run 3 "${job[@]}"
expect_has "$WORK/err" "$file:2:"
printf 'a: &a [x,x,x,x]\nb: &b [*a,*a,*a,*a]\nc: [*b,*b,*b,*b]\n' >"$file"
cip_run 3 "${job[@]}"
expect_has "$WORK/err" "$file:1:"
printf -- '- name: app\n  dmap:\n    "\xff\xfe": []\n' >"$file"
cip_run 3 "${job[@]}"
expect_has "$WORK/err" "$file:"
rm "$file"
cp "$WORK/images.yaml" "$file"
cip_run 0 "${job[@]}"

# ---- Configuration: wrong usage, before anything else

cip_run 2 "${job[@]}" --config "$WORK/none.yaml"
expect_has "$WORK/err" "$WORK/none.yaml"
printf 'registry: {}\n' >"$WORK/cip.yaml"
cip_run 2 "${job[@]}" --config "$WORK/cip.yaml"
expect_has "$WORK/err" "cip.yaml:1:1: unknown key \"registry\": expected registries, network, git, google, sigstore or signatures"
printf 'registries:\n  %s: {plain_http: maybe}\nnetwork:\n  attempts: many\n' "$host" >"$WORK/cip.yaml"
cip_run 2 "${job[@]}" --config "$WORK/cip.yaml"
expect_has "$WORK/err" "cip.yaml:2:"
expect_has "$WORK/err" "cip.yaml:4:"
printf 'registries:\n  %s: {ca: none.pem}\n' "$host" >"$WORK/cip.yaml"
cip_run 2 "${job[@]}" --config "$WORK/cip.yaml"
expect_has "$WORK/err" "$WORK/none.pem"
printf 'registries:\n  %s: {plain_http: true}\n' "$host" >"$WORK/cip.yaml"
cip_run 0 "${job[@]}" --config "$WORK/cip.yaml"
expect_has "$WORK/err" "warning $host: plain_http: "

# Whoever may change the manifests may not change how they are treated.
mkdir "$tree/deep"
cp "$WORK/cip.yaml" "$tree/deep/cip.yaml"
ln -s "$WORK/cip.yaml" "$tree/link.yaml"
ln -s "$tree/deep/cip.yaml" "$WORK/out-of-tree.yaml"
for config in "$tree/deep/cip.yaml" "$tree/link.yaml" "$WORK/out-of-tree.yaml" "$tree/images/../deep/cip.yaml"; do
	cip_run 2 "${job[@]}" --config "$config"
	expect_has "$WORK/err" "lies in the manifest tree"
done
(cd "$tree/deep" && cip_run 2 "${job[@]}" --config cip.yaml)
# It is never searched for.
cp "$WORK/cip.yaml" "$tree/cip.yaml"
(cd "$tree" && cip_run 0 "${job[@]}" && expect_lacks "$WORK/err" plain_http)

# ---- Nothing valid to do is said

empty=$WORK/empty
tree_project "$empty" app "$host/staging" "$host/prod"
cip_run 0 --thin-manifest-dir "$empty" --sign=false --confirm
expect_has "$WORK/err" "the manifests declare nothing that could be promoted"
tree_image "$empty" app app
tree_digest "$empty" app "ha256:${image#sha256:}" v1
log_mark "$log"
cip_run 3 --thin-manifest-dir "$empty" --sign=false --confirm
expect_has "$WORK/err" "nothing to promote"
expect_has "$WORK/err" "finished with findings: malformed 1"
echo '{' >"$empty/images/app/images.yaml"
cip_run 3 --thin-manifest-dir "$empty" --sign=false --confirm
expect_has "$WORK/err" "the manifests declare nothing that could be promoted"
expect_has "$WORK/err" "finished with findings: invalid-file"
expect_equal "requests" 0 "$(since "$log" '^(POST|PUT|PATCH|DELETE)')"
