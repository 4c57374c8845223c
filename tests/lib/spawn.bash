# Helpers of the spawn suites: the command and the probe where everybody can execute them, and every
# test as root and as an ordinary user.
#
#   $T      a folder of the test's own, which everybody may enter; $SPAWN the runtime in it, $PROBE the probe
#   $WHO    root or user, within a function that `each` calls
# shellcheck shell=bash disable=SC2034,SC2154
load ../lib/helpers

# An id that nobody has: what the sandbox must not see belongs to others.
USER_ID=61234

setup() {
	ours_only "spawn is no command of OCI"
	requires "root:each test runs as root and as a user" userns
	T=$BATS_TEST_TMPDIR
	ID=${SBT_RUN:-sbt.$PPID}-${BATS_SUITE_TEST_NUMBER}t
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$T"
	mkdir -p "$BATS_FILE_TMPDIR/bin"
	chmod 755 "$BATS_RUN_TMPDIR"/file* "$BATS_FILE_TMPDIR" "$BATS_FILE_TMPDIR/bin"
	SPAWN=$BATS_FILE_TMPDIR/bin/sandbox-runtime
	PROBE=$BATS_FILE_TMPDIR/bin/probe
	[ -e "$SPAWN" ] || cp "$RUNTIME" "$SPAWN"
	[ -e "$PROBE" ] || cp "$TOP/build/bin/probe" "$PROBE"
	cd "$T" || return
}

teardown() {
	[ -n "${T:-}" ] || return 0
	cd / || return
	[ ! -e "$T/background" ] || xargs kill -KILL <"$T/background" 2>/dev/null || :
	"$TOP/scripts/leakcheck.sh" "$T/" "$ID" 3>&- || fail "left on the host"
}

# as_user COMMAND...: as the ordinary user, without any group or capability.
as_user() { setpriv --reuid $USER_ID --regid $USER_ID --clear-groups --inh-caps=-all --bounding-set=-all "$@"; }
# me COMMAND...: as $WHO.
me() { if [ "$WHO" = root ]; then "$@"; else as_user "$@"; fi; }

# each FUNCTION: calls it as root, then as the ordinary user.
each() {
	for WHO in root user; do
		echo "--- as $WHO"
		"$1"
	done
}

# spawn ARGS...: runs it as $WHO; sets $status, $stdout, $stderr, $output and $lines. Input is empty.
spawn() {
	status=0
	SBT_TEST=$ID me timeout --foreground -k 5 "${RT_TIMEOUT:-60}" "$SPAWN" spawn "$@" >"$T/stdout" 2>"$T/stderr" </dev/null 3>&- 4>&- || status=$?
	collect "spawn $*"
}

# background ARGS...: the command itself as a job, $! is its pid. What it prints goes to $T/out.
background() {
	if [ "$WHO" = root ]; then
		export SBT_TEST=$ID
		exec "$SPAWN" spawn "$@"
	else
		export SBT_TEST=$ID
		exec setpriv --reuid $USER_ID --regid $USER_ID --clear-groups --inh-caps=-all --bounding-set=-all "$SPAWN" spawn "$@"
	fi </dev/null >"$T/out" 2>"$T/err" 3>&- 4>&- &
	echo $! >>"$T/background"
}

# result FILTER: of what --json printed last, after the program's own words.
result() { tail -n1 "$T/stderr" | jq -r "$1" | xargs; }

# gives WANT ARGS...: spawn ARGS has to print exactly WANT on stdout and succeed.
gives() {
	local want=$1
	shift
	spawn "$@"
	equals "$status/$stdout" "0/$want"
}

# probe WANT FLAGS... -- WHAT: the probe in a sandbox that can see it.
probe() {
	local want=$1
	shift
	local flags=()
	while [ "$1" != -- ]; do
		flags+=("$1")
		shift
	done
	shift
	gives "$want" --bind-ro "$PROBE:/probe" "${flags[@]}" -- /probe "$@"
}

# outside WANT WHAT: the probe without a sandbox, as $WHO: the attempt works where nothing forbids it.
outside() {
	local want=$1
	shift
	equals "$(me "$PROBE" "$@" </dev/null 2>&1 3>&-)" "$want"
}

# refused FIELD ARGS...: an error that names the field, exit code 1, the program not run.
refused() {
	local field=$1
	shift
	rm -f "$T/ran"
	spawn "$@"
	[ "$status" != 0 ] || fail "accepted"
	contains "$stderr" "$field"
	equals "$(wc -l <"$T/stderr")" 1
}

# milliseconds since some moment
now() { local t=${EPOCHREALTIME/[.,]/}; echo $((t / 1000)); }
