#!/bin/bash
# Breaks the source in one place after the other and wants the tests to notice; see README.md.
# usage: tests/sabotage/run.sh [-f PATTERN] [-jobs N] [-apply] [TABLE...]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(realpath "$here/../..")
[ "$(id -u)" = 0 ] || { echo "1..0 # skip needs root: the tests run in namespaces of their own"; exit 0; }
[[ ${*: -1} == *.txt ]] || set -- "$@" "$here"/*.txt
exec "$top/build/bin/sabotage" -top "$top" -runtime "$top/sandbox-runtime" "$@"
