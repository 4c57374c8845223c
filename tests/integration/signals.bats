# kill, and the signals that run passes on.
load ../lib/helpers

# A container that writes down the signal it got.
catcher() {
	update_config '.root.readonly = false'
	running 'for s in HUP INT QUIT USR1 USR2 TERM WINCH CONT; do trap "echo $s > /got" $s; done; echo up > /up; while :; do sleep 0.02; done'
	until_true [ -e "$BUNDLE/rootfs/up" ]
}
got() { equals "$(cat "$BUNDLE/rootfs/got" 2>/dev/null)" "$1"; }

@test "kill: by name, with and without SIG, in any case, and by number" {
	catcher
	local s
	for s in USR1:USR1 SIGUSR2:USR2 usr1:USR1 sighup:HUP 2:INT 12:USR2 15:TERM; do
		ok kill "$ID" "${s%:*}"
		until_true got "${s#*:}"
	done
}

@test "kill: TERM when none is given" {
	catcher
	ok kill "$ID"
	until_true got TERM
}

@test "kill: an unknown signal is an error" {
	running
	no kill "$ID" NONSENSE
	contains "$output" NONSENSE
	no kill "$ID" 9999
}

@test "kill: signal 0 only asks" {
	running
	ok kill "$ID" 0
	equals "$(state_of)" running
}

@test "kill: KILL ends it" {
	running
	ok kill "$ID" KILL
	until_true is_status stopped
}

@test "kill: of a created container" {
	ok create "$ID"
	ok kill "$ID" KILL
	until_true is_status stopped
}

@test "kill: of a stopped one is an error that engines know" {
	running
	ok kill "$ID" KILL
	until_true is_status stopped
	no kill "$ID" KILL
	contains "$output" "container not running"
}

@test "kill: of an unknown one is an error that engines know" {
	no kill "$ID" KILL
	contains "$output" "does not exist"
}

@test "kill --all: accepted, and ends everything in the container" {
	running 'sleep 3000 & sleep 3001 & wait'
	until_true sh -c '[ "$(pgrep -c -f "^sleep 300[01]$")" = 2 ]'
	ok kill --all "$ID" KILL
	until_true is_status stopped
	until_true sh -c '! pgrep -f "^sleep 300[01]$"'
}

@test "kill --all: of a container that shares the host's pid namespace" {
	requires cgroups
	update_config '.linux.namespaces |= map(select(.type != "pid"))'
	running 'sleep 3100 & sleep 3101 & wait'
	until_true sh -c '[ "$(pgrep -c -f "^sleep 310[01]$")" = 2 ]'
	ok kill --all "$ID" KILL
	until_true sh -c '! pgrep -f "^sleep 310[01]$"'
	until_true is_status stopped
}

@test "delete --force: of a container that shares the host's pid namespace and whose init is dead" {
	requires cgroups
	update_config '.linux.namespaces |= map(select(.type != "pid"))'
	running 'sleep 3200 & wait'
	until_true pgrep -f '^sleep 3200$'
	kill -KILL "$(pid_of)"
	until_true is_status stopped
	ok delete --force "$ID"
	until_true sh -c '! pgrep -f "^sleep 3200$"'
}

@test "run: passes signals on and gives the exit code back" {
	local s
	update_config '.root.readonly = false'
	payload 'for s in HUP INT QUIT USR1 USR2 TERM; do trap "echo $s >> /got" $s; done; trap "exit 33" ALRM; echo up > /up; while :; do sleep 0.02; done'
	# What the runtime's caller ignores, as nohup(1) makes it with HUP, it ignores too.
	SBT_TEST=$ID env --default-signal=HUP "$RUNTIME" --root "$ROOT" run "$ID" </dev/null >"$T/o" 2>&1 3>&- &
	local runtime=$!
	until_true [ -e "$BUNDLE/rootfs/up" ]
	for s in HUP QUIT USR1 USR2 TERM; do
		kill -"$s" "$runtime"
		until_true grep -qx "$s" "$BUNDLE/rootfs/got"
	done
	kill -ALRM "$runtime"
	status=0
	wait "$runtime" || status=$?
	equals "$status" 33
	[ ! -e "$ROOT/$ID" ]
}

@test "run: ended by a signal that was passed on" {
	payload 'trap "exit 3" TERM; echo up; while :; do sleep 0.02; done'
	SBT_TEST=$ID "$RUNTIME" --root "$ROOT" run "$ID" </dev/null >"$T/o" 2>&1 3>&- &
	local runtime=$!
	until_true grep -q up "$T/o"
	kill -TERM "$runtime"
	status=0
	wait "$runtime" || status=$?
	equals "$status" 3
}
