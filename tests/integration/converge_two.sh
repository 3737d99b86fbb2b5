#!/usr/bin/env bash
# Two runs at once never undo each other. While each request of a run is held, another run is made from start to end; then the
# request goes on, or its run is killed. And two that start together, as the scheduler pleases. Everything is there
# then, at most one signature or record more than after one run, and a run more writes nothing.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tests/integration/converge_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/converge_lib.sh"

FORM=legacy converge_all overlap tiny
FORM=both converge_all together small
