# shellcheck shell=bash
# What the benchmarks share: where things are, how a run is measured, what machine this is. Sourced first.
#
#   bench_machine                  one line: cores, memory, processor, system
#   bench_tree BUNDLE BRANCH       clones a bundle of ../shared/data below WORK; prints the path
#   bench_megabytes KIB
#   bench_run COMMAND...           runs it; sets CPU (seconds, user + system), WALL (seconds), RSS (KiB) and STATUS
#   bench_programs                 builds bench-floor and bench-delay-proxy; prints the directory they are in
#   bench_load                     how busy the machine is: runnable processes, mean of the last minute

set -euo pipefail

CIP_SOURCE_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CIP=${CIP:-$CIP_SOURCE_DIR/build/cip}
DATA=${CIP_SHARED_DATA:-$CIP_SOURCE_DIR/../shared/data}
WORK=$(mktemp -d)

[[ -x $CIP ]] || { echo "build first: tools/test, or cmake -B build -DCMAKE_BUILD_TYPE=Release && cmake --build build" >&2; exit 1; }

bench_machine() {
	printf '%s cores, %s GiB, %s, %s\n' "$(nproc)" "$(awk '/MemTotal/ {print int($2 / 1048576 + 0.5)}' /proc/meminfo)" \
		"$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(. /etc/os-release && echo "$PRETTY_NAME")"
}

bench_tree() {
	[[ -r $DATA/$1 ]] || { echo "$DATA/$1 is not here" >&2; return 1; }
	git clone --quiet -b "$2" "$DATA/$1" "$WORK/${1%.bundle}"
	echo "$WORK/${1%.bundle}"
}

# GNU time measures the child alone and tells its largest resident size.
bench_run() {
	local start user system
	STATUS=0
	start=$EPOCHREALTIME
	command time --format '%U %S %M' --output "$WORK/time" "$@" >"$WORK/out" 2>"$WORK/err" </dev/null || STATUS=$?
	WALL=$(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN {printf "%.3f", b - a}')
	read -r user system RSS < <(tail -n 1 "$WORK/time")
	CPU=$(awk -v u="$user" -v s="$system" 'BEGIN {printf "%.2f", u + s}')
	: "$CPU" "$WALL" "$RSS" "$STATUS"
}

bench_megabytes() {
	awk -v kib="$1" 'BEGIN {printf "%.1f", kib / 1024}'
}

bench_programs() {
	local build=${CIP_BUILD:-$CIP_SOURCE_DIR/build}
	cmake --build "$build" --target bench >/dev/null
	echo "$build/bench"
}

bench_load() {
	cut -d' ' -f1 /proc/loadavg
}

# The middle one of an odd number of lines.
bench_median() {
	sort -g | awk '{line[NR] = $1} END {print line[int((NR + 1) / 2)]}'
}
