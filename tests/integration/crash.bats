# The runtime is killed at any moment: delete --force cleans up, and no orphan stays.
load ../lib/helpers

setup() {
	make_bundle
	ours_only "peers leave things behind"
}

# killed_at MILLISECONDS COMMAND...: starts the runtime and ends it with KILL after that time.
killed_at() {
	local ms=$1
	shift
	SBT_TEST=$ID "$RUNTIME" --root "$ROOT" "$@" </dev/null >"$T/o" 2>&1 3>&- &
	local pid=$!
	sleep "0.0$ms"
	kill -KILL "$pid" 2>/dev/null || :
	wait "$pid" 2>/dev/null || :
}
clean() {
	ok delete --force "$ID"
	[ ! -e "$ROOT/$ID" ] || fail "state is left after $1"
	"$TOP/scripts/leakcheck.sh" "$T/" "$ID" 3>&- || fail "left after $1"
}

@test "crash: create killed at 40 different moments" {
	local i
	payload 'exec sleep 1000'
	for i in $(seq 40); do
		killed_at "$(printf '%02d' $((i % 14)))$((RANDOM % 10))" create "$ID"
		clean "create killed, round $i"
	done
}

@test "crash: run killed at 30 different moments" {
	local i
	payload 'exec sleep 1000'
	for i in $(seq 30); do
		killed_at "$(printf '%02d' $((i % 20)))$((RANDOM % 10))" run "$ID"
		clean "run killed, round $i"
	done
}

@test "crash: start killed, delete killed" {
	local i
	payload 'exec sleep 1000'
	for i in $(seq 15); do
		ok create "$ID"
		killed_at "00$((RANDOM % 10))" start "$ID"
		killed_at "00$((RANDOM % 10))" delete --force "$ID"
		clean "delete killed, round $i"
	done
}

@test "crash: a create that dies leaves no waiting init" {
	local i
	payload 'exec sleep 1000'
	for i in 1 2 3 4 5 6 7 8; do
		killed_at "00$i" create "$ID"
		# Either it got as far as a created container, or nothing runs.
		if [ "$(state_of 2>/dev/null)" != created ]; then
			until_true no_process
		fi
		clean "create killed after $i ms"
	done
}
no_process() { ! "$TOP/scripts/leakcheck.sh" "$ID" | grep -q ^process; }

@test "crash: the same id can be created again right after" {
	payload true
	killed_at 004 create "$ID"
	ok delete --force "$ID"
	ok run "$ID"
}
