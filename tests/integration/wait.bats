# wait, and what state says of an end. No peer has this.
load ../lib/helpers

setup() {
	make_bundle
	ours_only "no peer has wait"
}

recorded() { # SCRIPT: a detached container whose end is recorded
	payload "$1"
	ok run --detach --record-exit "$ID"
}
keeper_of() { # the keeper is the init's parent
	local pid
	pid=$(awk '/^PPid/ {print $2}' "/proc/$(pid_of)/status")
	[ "$(tr '\0' ' ' <"/proc/$pid/cmdline")" = "sandbox-runtime: keeper " ] || fail "parent is $pid: $(tr '\0' ' ' <"/proc/$pid/cmdline")"
	echo "$pid"
}
# begin_wait ARGS...: wait in the background; it is certainly waiting when this returns. its_end: how it went.
begin_wait() {
	SBT_TEST=$ID timeout 60 "$RUNTIME" --root "$ROOT" wait "$@" >"$T/wait.out" 2>"$T/wait.err" 3>&- &
	WAITER=$!
	until_true waiting
}
waiting() { # in poll(2) or flock(2), not still in its preparations
	local child
	child=$(pgrep -P "$WAITER") && grep -qE "poll|lock" "/proc/$child/task/"*/wchan "/proc/$child/task/"*/stack
}
its_end() {
	status=0
	wait "$WAITER" || status=$?
	mv "$T/wait.out" "$T/stdout" && mv "$T/wait.err" "$T/stderr"
	collect "wait $ID"
}

@test "wait: after the end, by a keeper: code, times, memory; as often as asked" {
	recorded 'exit 7'
	rt wait "$ID"
	equals "$status" 7
	contains "$stdout" "exited with code 7" "user " "system "
	rt wait --format json "$ID"
	equals "$status" 7
	equals "$(jq -c '[.id, .exitCode, .signal, .userNs >= 0, .systemNs >= 0, .maxRssBytes > 0]' <<<"$stdout")" \
		"[\"$ID\",7,null,true,true,true]"
	equals "$(date -d "$(jq -r .finishedAt <<<"$stdout")" +%Y)" "$(date +%Y)"
}

@test "wait: before the end, by a keeper" {
	recorded "$TERM_ENDS"
	begin_wait "$ID"
	ok kill "$ID" TERM
	its_end
	equals "$status" 3
}

@test "wait: a signal is 128+N and has its name" {
	recorded 'exec sleep 1000'
	ok kill "$ID" KILL
	rt wait "$ID"
	equals "$status" 137
	contains "$stdout" "killed by signal 9 (SIGKILL)"
	rt wait --format json "$ID"
	equals "$(jq -c '[.exitCode, .signal]' <<<"$stdout")" '[137,"SIGKILL"]'
}

@test "wait: out of memory is told apart from a KILL" {
	requires cgroups
	[ -d /sys/fs/cgroup/memory ] || grep -qw memory /sys/fs/cgroup/cgroup.controllers || skip "no memory cgroup here"
	update_config '.linux.resources.memory = {limit: 20000000}'
	recorded 'x=a; while :; do x=$x$x; done'
	rt wait --format json "$ID"
	equals "$status" 137
	equals "$(jq -c '[.signal, .oomKilled]' <<<"$stdout")" '["SIGKILL",true]'
	[ "$(jq .peakMemoryBytes <<<"$stdout")" -gt 10000000 ]
	rt wait "$ID"
	contains "$stdout" "out of memory"
	ok delete "$ID"
	recorded 'exec sleep 1000'
	ok kill "$ID" KILL
	rt wait --format json "$ID"
	equals "$(jq -c '[.signal, .oomKilled]' <<<"$stdout")" '["SIGKILL",false]'
}

@test "wait: state shows a recorded end, only of a stopped container" {
	recorded "$TERM_ENDS"
	equals "$(state_of "$ID" .exit)" null
	ok kill "$ID" TERM
	rt wait "$ID"
	equals "$(state_of "$ID" '.status, .exit.exitCode' | xargs)" "stopped 3"
	# What engines read is what it was.
	equals "$(state_of "$ID" '.id, .pid' | xargs)" "$ID 0"
}

@test "wait: the keeper is small, holds nothing but the record, and ends with the container" {
	recorded 'exec sleep 1000'
	local pid fds
	pid=$(keeper_of)
	[ "$(awk '/^VmRSS/ {print $2}' "/proc/$pid/status")" -lt 200 ]
	fds=$(find "/proc/$pid/fd" -type l -exec readlink {} +)
	equals "$fds" "$ROOT/$ID/exit"
	equals "$(readlink "/proc/$pid/cwd")" /
	ok delete --force "$ID"
	until_true gone "$pid"
}

@test "wait: without --record-exit there is no keeper, and no process of the runtime" {
	running
	local pid
	pid=$(awk '/^PPid/ {print $2}' "/proc/$(pid_of)/status")
	[[ $(tr '\0' ' ' <"/proc/$pid/cmdline") != *keeper* ]]
	[ ! -e "$ROOT/$ID/exit" ]
}

@test "wait: the caller's pipes do not stay open" {
	payload 'exec sleep 1000 >/dev/null 2>&1 </dev/null'
	# cat ends when the last writer does.
	timeout 20 bash -c '"$@" | cat' - "$RUNTIME" --root "$ROOT" run -d --record-exit "$ID" 3>&-
	is_status running
}

@test "wait: a keeper that was killed is said to be the reason" {
	recorded 'exec sleep 1000'
	local keeper
	keeper=$(keeper_of)
	kill -KILL "$keeper"
	until_true gone "$keeper"
	is_status running
	ok kill "$ID" KILL
	until_true is_status stopped
	rt wait "$ID"
	equals "$status" 255
	contains "$stderr" "the exit code is not known" "the process that was to record it was killed"
	equals "$(state_of "$ID" .exit)" null
	ok delete "$ID"
}

@test "wait: of a container that nobody records, it is the kernel who says it" {
	[ "$(printf '%s\n' 6.15 "$(uname -r)" | sort -V | head -n1)" = 6.15 ] || skip "needs Linux 6.15: PIDFD_INFO_EXIT"
	running "$TERM_ENDS"
	begin_wait --format json "$ID"
	ok kill "$ID" TERM
	its_end
	equals "$status" 3
	equals "$(jq -c '[.exitCode, .userNs, .finishedAt]' <<<"$stdout")" '[3,null,null]'
}

@test "wait: after the end of one that nobody has recorded, it says who would have" {
	running
	ok kill "$ID" KILL
	until_true is_status stopped
	rt wait "$ID"
	equals "$status" 255
	contains "$stderr" "the exit code is not known" "--record-exit"
}

@test "wait: in the foreground every end is recorded, also for who waits while it is deleted" {
	payload 'exit 4'
	rt run --keep "$ID"
	equals "$status" 4
	rt wait "$ID"
	equals "$status" 4
	ok delete "$ID"
	payload "$TERM_ENDS"
	SBT_TEST=$ID "$RUNTIME" --root "$ROOT" run "$ID" </dev/null >/dev/null 2>&1 3>&- &
	local run=$!
	until_true is_status running
	begin_wait --format json "$ID"
	ok kill "$ID" TERM
	its_end
	equals "$status" 3
	equals "$(jq -c '[.exitCode, .userNs >= 0]' <<<"$stdout")" '[3,true]'
	wait "$run" || :
	until_true test ! -e "$ROOT/$ID"
}

@test "wait: ten at the same time" {
	recorded "$TERM_ENDS"
	local i pids=() status
	for i in 0 1 2 3 4 5 6 7 8 9; do
		SBT_TEST=$ID timeout 60 "$RUNTIME" --root "$ROOT" wait "$ID" >/dev/null 2>&1 3>&- &
		pids+=($!)
	done
	ok kill "$ID" TERM
	for i in "${pids[@]}"; do
		status=0
		wait "$i" || status=$?
		equals "$status" 3
	done
}

@test "wait: what goes wrong before the program runs is said by run, and leaves nothing" {
	update_config '.process.args = ["no-such-program"]'
	no run --detach --record-exit "$ID"
	contains "$stderr" "executable file not found"
	equals "$(wc -l <"$T/stderr")" 1
	[ ! -e "$ROOT/$ID" ]
}

@test "wait: descriptors for the program pass through the keeper" {
	payload 'cat <&3; echo $LISTEN_FDS'
	echo three >"$T/3"
	status=0
	"$RUNTIME" --root "$ROOT" run -d --record-exit --preserve-fds 1 "$ID" 3<"$T/3" >"$T/stdout" 2>"$T/stderr" || status=$?
	rt_out=$status
	until_true grep -q three "$T/stdout"
	equals "$rt_out" 0
}

@test "wait: errors" {
	rt wait
	equals "$status" 255
	rt wait "$ID"
	equals "$status" 255
	contains "$stderr" "does not exist"
	rt wait --format xml "$ID"
	equals "$status" 255
	contains "$stderr" "--format"
}
