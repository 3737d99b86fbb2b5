#!/usr/bin/env bash
# A part of the scale tree in which everything is in place costs one list a destination and no write, and 8 % of damage
# what it costs at least, in one run (bench/converge has the whole, and how that is computed).
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

bundle=${CIP_SHARED_DATA:-$CIP_SOURCE_DIR/../shared/data}/registry-scale.bundle
if [[ ! -r $bundle ]]; then
	echo "skipped: $bundle is not here"
	exit 0
fi
"$CIP_SOURCE_DIR/bench/converge" 'k8s-staging-[a-j]*' 8
