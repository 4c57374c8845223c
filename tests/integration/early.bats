# start, kill and delete before the Go runtime exists: the plain cases, and that all others go on in Go.
load ../lib/helpers

setup() {
	make_bundle
	ours_only "how it begins is its own affair"
	requires command:strace
}

# traced COMMAND...: rt under strace; $threads counts the threads that Go made, none if it never began.
traced() {
	status=0
	strace -f -o "$T/trace" -e trace=clone,clone3,rt_sigaction "$RUNTIME" --root "$ROOT" "${RT_GLOBAL[@]}" "$@" \
		>"$T/stdout" 2>"$T/stderr" 3>&- || status=$?
	collect "$*"
	threads=$(grep -c CLONE_THREAD "$T/trace" || :)
}
in_early() { equals "$threads" 0; }
in_go() { [ "$threads" -gt 0 ] || fail "Go has not begun"; }

@test "early: start, kill and delete of a plain container end before Go begins" {
	payload 'trap "exit 3" TERM; echo begun; while :; do sleep 0.05; done'
	ok create "$ID"
	traced start "$ID"
	equals "$status" 0
	in_early
	equals "$(state_of)" running
	traced kill "$ID"
	equals "$status" 0
	in_early
	until_true is_status stopped
	traced delete "$ID"
	equals "$status" 0
	in_early
	no state "$ID"
	contains "$output" "does not exist"
}

@test "early: delete ends what was only created, and with --force what runs, and nothing else" {
	ok create "$ID"
	traced delete "$ID"
	equals "$status" 0
	in_early
	running
	local init
	init=$(pid_of)
	traced delete "$ID"
	equals "$status" 1
	in_go
	contains "$output" "that is not stopped"
	[ -d "/proc/$init" ]
	traced delete --force "$ID"
	equals "$status" 0
	in_early
	gone "$init"
}

@test "early: the flags that containerd gives are plain; the log file is there afterwards" {
	RT_GLOBAL=(--log "$T/log.json" --log-format json)
	running
	rm -f "$T/log.json"
	traced kill "$ID" 9
	in_early
	[ -f "$T/log.json" ]
	until_true is_status stopped
	traced delete --force "$ID"
	equals "$status" 0
	in_early
}

@test "early: a program that cannot be executed is explained as ever" {
	printf 'no program' >rootfs/bin/odd
	chmod 755 rootfs/bin/odd
	update_config '.process.args = ["/bin/odd"]'
	ok create "$ID"
	traced start "$ID"
	equals "$status" 1
	in_go
	contains "$output" "process.args[0] (/bin/odd)" "exec format error"
	equals "$(state_of)" stopped
}

@test "early: hooks and a second start go on in Go" {
	update_config '.hooks.poststart = [{path: "/bin/sh", args: ["sh", "-c", "echo hook >" + $f]}]' --arg f "$T/hooked"
	payload 'exec sleep 1000'
	ok create "$ID"
	traced start "$ID"
	equals "$status" 0
	in_go
	equals "$(<"$T/hooked")" hook
	traced start "$ID"
	equals "$status" 1
	contains "$output" "cannot start a container in the running state"
	traced delete "$ID"
	equals "$status" 1
	contains "$output" "that is not stopped"
}

@test "early: a paused container is killed" {
	requires cgroups freezer
	running
	ok pause "$ID"
	traced kill "$ID" KILL
	equals "$status" 0
	in_go
	until_true is_status stopped
}

@test "early: delete without a PID namespace goes on in Go, which ends what is left" {
	requires root:'a new proc file system without a PID namespace of its own'
	update_config 'del(.linux.namespaces[] | select(.type == "pid"))'
	running 'sleep 1000 & echo $! >/tmp/left; exec sleep 1000'
	kill -9 "$(pid_of)"
	until_true is_status stopped
	traced delete "$ID"
	equals "$status" 0
	in_go
}

@test "early: delete waits for the lock, and another process of the same number is no init" {
	running
	exec 9<"$ROOT/$ID"
	flock 9
	"$RUNTIME" --root "$ROOT" delete --force "$ID" 3>&- 9>&- &
	local pid=$!
	sleep 0.3
	kill -0 "$pid" || fail "it did not wait"
	exec 9>&-
	wait "$pid"
	running
	local init
	init=$(pid_of)
	jq -c '.start += 1' "$ROOT/$ID/state.json" >"$T/s" && cp "$T/s" "$ROOT/$ID/state.json"
	traced kill "$ID" KILL
	equals "$status" 1
	contains "$output" "container not running"
	[ -d "/proc/$init" ]
	kill -9 "$init"
}

@test "early: programs have the caller's timer slack, whatever the runtime's own threads have" {
	[ -w /proc/self/timerslack_ns ] || skip "the kernel has no /proc/PID/timerslack_ns"
	payload 'cat /proc/self/timerslack_ns; exec sleep 1000'
	(
		echo 70000 >"/proc/$BASHPID/timerslack_ns"
		ok run -d "$ID"
		until_true grep -qx 70000 "$T/stdout"
		ok exec "$ID" cat /proc/self/timerslack_ns
		equals "$stdout" 70000
		ok spawn -- cat /proc/self/timerslack_ns
		equals "$stdout" 70000
	)
}
