#!/usr/bin/env bash
# Every wrong answer at every request, of registries and of Sigstore: a run that says that all is well has left what an
# undisturbed run leaves, and every other is made good by the next. What lasts (a registry that takes no writes any more, a
# server that is down) holds up what needs it and nothing else, is told, and is made good when it has passed.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tests/integration/converge_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/converge_lib.sh"

# The fewest requests, since there are fifteen faults.
CONVERGE_OPTIONS=(--slsa=false)
FORM=legacy converge_all faults tiny
FORM=legacy converge_all refuse small
FORM=legacy converge_all down
