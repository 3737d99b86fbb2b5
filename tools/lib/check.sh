# shellcheck shell=bash
# What the checks share. Sourced; leaves the caller in the root of the repository.
#
#   source_files PATTERN...   files of the repository that match, tracked or new, sorted
#   report TEXT...            one finding
#   finish HOW_TO_MEND        ends the check: silent success, or the number of findings and what to do

cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit

# shellcheck disable=SC2034 # used by the checks
ROOMS=(base image net registry signer replicator reconciler cli)

source_files() {
	local file
	{
		git ls-files --cached --others --exclude-standard -- "$@" 2>/dev/null ||
			{ echo "the checks need a Git checkout" >&2 && return 1; }
	} | sort -u | while read -r file; do
		# A file that was removed and not committed is still listed.
		[[ ! -f $file ]] || echo "$file"
	done
}

findings=0

report() {
	printf '%s\n' "$*"
	findings=$((findings + 1))
}

finish() {
	if ((findings > 0)); then
		printf '\n%s: %d to mend. %s\n' "$(basename "$0")" "$findings" "$*"
		exit 1
	fi
	exit 0
}
