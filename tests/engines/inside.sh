#!/bin/bash
# Runs an engine's cases with one runtime, inside a session.
# usage: inside.sh ENGINE RTNAME RT fast|full [CASE...]      (by run.sh, through session.sh)
set -uo pipefail

here=/src/tests/engines
export ENGINE=$1 RTNAME=$2 RT=$3 MODE=$4
shift 4
# shellcheck source=tests/engines/lib.sh
. "$here/lib.sh"
# shellcheck source=/dev/null
. "$here/engine-${ENGINE%%-*}.sh"

if [ "${1:-}" = --call ]; then # one function, in the shell that `timeout` watches
	set -e
	"$2"
	exit
fi

mkdir -p /lab/results
VERSION=${VERSION:-$(engine_version)}
export VERSION
printf '%s\t%s\n' "$RTNAME" "$("$RT" --version | head -n1)" >/lab/results/versions.tsv
before=$(snapshot)

# try_case NAME: $verdict, and $reason for what is not ok.
try_case() {
	local name=$1 log=/lab/results/$ENGINE.$RTNAME.$1.log got=0
	verdict=ok reason=
	timeout -k 5 "${LIMIT:-180}" "$here/inside.sh" "$ENGINE" "$RTNAME" "$RT" "$MODE" --call "case_$name" \
		>"$log" 2>&1 </dev/null || got=$?
	case $got in
	0) ;;
	77) verdict=skip reason=$(sed -n 's/^SKIP: //p' "$log" | tail -n1) ;;
	124 | 137) verdict=FAIL reason="not finished after ${LIMIT:-180} s: $(tail -n1 "$log")" ;;
	*) verdict=FAIL reason=$(grep -m1 '^FAIL: ' "$log" || tail -n1 "$log") ;;
	esac
	reason=$(printf '%s' "${reason#FAIL: }" | tr '\t\n' '  ' | cut -c1-600)
}
sweep() { engine_sweep >>"/lab/results/$ENGINE.$RTNAME.sweep.log" 2>&1 </dev/null; }

# run_case NAME: engines have races of their own, so what fails is tried once more. The table says so.
run_case() {
	local name=$1 verdict reason start
	start=$(now_ms)
	try_case "$name"
	sweep
	if [ "$verdict" = FAIL ]; then
		local first=$reason log=/lab/results/$ENGINE.$RTNAME.$name
		mv "$log.log" "$log.first.log"
		say "first try of $name: $first"
		try_case "$name"
		sweep
		[ "$verdict" != ok ] || reason="first try: $first"
	fi
	record "$name" "$verdict" $(($(now_ms) - start)) "$reason"
}

if "$0" "$ENGINE" "$RTNAME" "$RT" "$MODE" --call engine_start >/lab/results/"$ENGINE.$RTNAME.start.log" 2>&1; then
	if [ $# = 0 ]; then
		# shellcheck disable=SC2046
		set -- $(engine_cases)
	fi
	for name in "$@"; do
		run_case "$name"
	done
else
	record start FAIL 0 "$(tail -n1 "/lab/results/$ENGINE.$RTNAME.start.log")"
fi
engine_stop >/lab/results/"$ENGINE.$RTNAME.stop.log" 2>&1
for _ in $(seq 50); do # what was killed may take a moment to be reaped
	left=$(comm -13 <(sort <<<"$before") <(snapshot | sort) | grep -vE "^(${keeps:-nothing})")
	[ -n "$left" ] || break
	sleep 0.1
done
if [ -n "$left" ]; then
	record leaks FAIL 0 "$(paste -sd' ' <<<"$left" | cut -c1-600)"
else
	record leaks ok 0 ""
fi
