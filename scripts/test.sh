#!/bin/bash
# Installs what the tests need on a bare Debian and runs all of them.
# usage: scripts/test.sh
set -euo pipefail
cd "$(dirname "$0")/.."

./scripts/install-deps.sh test
command -v go >/dev/null || export PATH=$PATH:/usr/local/go/bin
exec ./.ci/run
