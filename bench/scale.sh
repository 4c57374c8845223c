#!/bin/bash
# Measures whether run, state and list get slower with 10, 100 and 1000 idle containers: ours beside
# crun and runc, interleaved, and puts the table into docs/performance.md.
#
# usage: bench/scale.sh [OPTION...]       as root; options of bench, for example --scale 10,100
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
exec "$here/run.sh" --scale 10,100,1000 --write "$here/../docs/performance.md" "$@"
