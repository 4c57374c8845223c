#!/bin/bash
# Static checks over Go and shell, printed as TAP: one line a check, its output below a failed one.
# usage: scripts/check.sh
set -uo pipefail
cd "$(dirname "$0")/.." || exit

tools=tests/tools/go.mod # its own module: what only checks need is no dependency of the runtime
mapfile -t gofiles < <(git ls-files -co --exclude-standard '*.go')
mapfile -t shellfiles < <(git ls-files -co --exclude-standard '*.sh' '*.bash' .ci/run 'tests/*/run')
mapfile -t batsfiles < <(git ls-files -co --exclude-standard '*.bats')
n=0

# check NAME COMMAND...: prints one TAP line.
check() {
	local name=$1 out verdict=ok
	shift
	out=$("$@" 2>&1) || verdict='not ok'
	printf '%s %d %s\n' "$verdict" $((++n)) "$name"
	[ "$verdict" = ok ] || printf '%s\n' "$out" | sed 's/^/# /'
}

formatted() { # gofmt -l is silent about what is in order
	local out
	out=$(gofmt -l "${gofiles[@]}") && [ -z "$out" ] || { printf 'gofmt would change:\n%s\n' "$out"; false; }
}

# A folder without a C compiler can still build: the default build must never come to need cgo.
builds() { CGO_ENABLED=0 go build -tags urfave_cli_no_docs -o /dev/null ./...; }

echo "1..8"
check "gofmt" formatted
check "go build without cgo" builds
check "go build for arm64" env GOARCH=arm64 CGO_ENABLED=0 go build -o /dev/null ./...
check "go vet" go vet ./...
check "staticcheck" go tool -modfile="$tools" staticcheck ./...
check "layers: pure packages are pure, imports point downwards, no path strings in a root" go run ./tests/cmd/layers
check "shellcheck of scripts" shellcheck -x "${shellfiles[@]}"
# bats' own syntax is known to shellcheck; SC2034 and SC2154: variables shared with the helper.
# SC2030, SC2031, SC2153: bats runs each test in a shell of its own; that is meant.
check "shellcheck of bats files" shellcheck -x -s bash -e SC2034,SC2154,SC2030,SC2031,SC2153 "${batsfiles[@]:-/dev/null}"
