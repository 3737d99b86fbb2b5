#!/usr/bin/env bash
# SIGKILL before and after every request of a promotion with signing to two mirrors, then a run that nobody disturbs: tags,
# images and claims are as if there had been one run only, and a run more writes nothing.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tests/integration/converge_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/converge_lib.sh"

FORM=legacy converge_all kill
# Fewer requests, in both forms, and the replication as a command of its own.
CONVERGE_OPTIONS=(--slsa=false)
FORM=both SEPARATE=1 converge_all kill tiny
