# The processes of a cgroup: ps, kill --all, pause, and delete of what is hard to delete.
load ../lib/helpers
load ../lib/cgroups

setup() {
	make_bundle
	requires cgroups
}

# count N: that many processes in the container.
count() { [ "$(SBT_TEST=$ID "$RUNTIME" --root "$ROOT" ps --format json "$ID" | jq length)" = "$1" ]; }
thousand() { [ "$(cg pids cgroup.procs cgroup.procs | wc -l)" = 1000 ]; }
no_pid_namespace() { update_config '.linux.namespaces |= map(select(.type != "pid"))'; }
SLEEPERS='i=0; while [ $i -lt 9 ]; do sleep 5000 & i=$((i + 1)); done; wait'

@test "ps: json lists every process by its id on the host" {
	requires command_of_runtime:ps
	running "$SLEEPERS"
	until_true count 10
	ok ps --format json "$ID"
	local pid
	for pid in $(jq '.[]' <<<"$stdout"); do
		contains "$(readlink "/proc/$pid/ns/pid")" "$(readlink "/proc/$(pid_of)/ns/pid")"
	done
}

@test "ps: a table with the columns that were asked for" {
	requires command_of_runtime:ps
	running "$SLEEPERS"
	until_true count 10
	ok ps "$ID"
	equals "$(grep -c ' sleep 5000$' <<<"$stdout")" 9
	ok ps "$ID" -o pid,args
	equals "$(head -n1 <<<"$stdout" | xargs)" "PID COMMAND"
	equals "$(grep -c ' sleep 5000$' <<<"$stdout")" 9
	rt ps --format xml "$ID"
	[ "$status" != 0 ]
}

@test "ps: an exec'd process is listed, one of the host is not" {
	requires command_of_runtime:ps
	running
	ok exec -d "$ID" sleep 5000
	until_true count 2
	ok ps --format json "$ID"
	equals "$(jq "index($$)" <<<"$stdout")" null
}

@test "kill --all: every process gets the signal" {
	not_with runc "1.3 needs a container without a PID namespace"
	not_with crun "has no such flag for a container with a PID namespace"
	update_config '.root.readonly = false'
	running 'trap : USR1; for i in 1 2 3; do sh -c "trap \"echo x >>/got\" USR1; echo r >>/ready; while :; do sleep 0.1; done" & done; while :; do wait; done'
	three() { [ "$(grep -c . "$1")" -ge 3 ]; }
	until_true three rootfs/ready
	ok kill --all "$ID" USR1
	until_true three rootfs/got
	equals "$(state_of)" running
}

@test "kill --all KILL: a container without a PID namespace ends as a whole" {
	no_pid_namespace
	running "$SLEEPERS"
	until_true count 10
	local pids
	pids=$(SBT_TEST=$ID "$RUNTIME" --root "$ROOT" ps --format json "$ID" | jq '.[]')
	ok kill --all "$ID" KILL
	until_true is_status stopped
	local pid
	for pid in $pids; do until_true gone "$pid"; done
}

@test "delete --force: a container without a PID namespace ends as a whole" {
	no_pid_namespace
	running "$SLEEPERS"
	until_true count 10
	local pids pid
	pids=$(SBT_TEST=$ID "$RUNTIME" --root "$ROOT" ps --format json "$ID" | jq '.[]')
	ok delete --force "$ID"
	for pid in $pids; do until_true gone "$pid"; done
}

@test "delete: after the init has ended, processes it has left in the cgroup go too" {
	no_pid_namespace
	running 'sleep 5000 & sleep 5000 & until [ -e /dev/shm/go ]; do sleep 0.1; done'
	until_true count 4
	kill -KILL "$(pid_of)"
	until_true is_status stopped
	ok delete "$ID"
}

@test "delete --force: of a thousand processes" {
	update_config 'del(.process.rlimits)'
	running 'i=0; while [ $i -lt 999 ]; do sleep 5000 & i=$((i + 1)); done; wait'
	SBT_SLOW=6 until_true thousand
	ok delete --force "$ID"
	equals "$(dirs "$ID")" ""
}

@test "delete --force: of a thousand processes without a PID namespace" {
	no_pid_namespace
	running 'i=0; while [ $i -lt 999 ]; do sleep 5000 & i=$((i + 1)); done; wait'
	SBT_SLOW=6 until_true thousand
	ok delete --force "$ID"
	equals "$(dirs "$ID")" ""
}

@test "delete --force: of a frozen cgroup, with and without a PID namespace" {
	not_with runc "gives up on one without a PID namespace"
	requires freezer command_of_runtime:pause
	running "$SLEEPERS"
	ok pause "$ID"
	ok delete --force "$ID"
	equals "$(dirs "$ID")" ""
	no_pid_namespace
	running "$SLEEPERS"
	ok pause "$ID"
	ok delete --force "$ID"
	equals "$(dirs "$ID")" ""
}

@test "delete --force: of a cgroup that somebody else has frozen" {
	requires freezer
	running "$SLEEPERS"
	local dir
	dir=$(cgdir freezer)
	if unified; then echo 1 >"$dir/cgroup.freeze"; else echo FROZEN >"$dir/freezer.state"; fi
	ok delete --force "$ID"
	equals "$(dirs "$ID")" ""
}

@test "delete --force: of processes in cgroups below the container's" {
	running 'sleep 5000 & sleep 5000 & wait'
	until_true count 3
	local c dir pid root
	root=$(pid_of)
	pid=$(pgrep -P "$root" | head -n1)
	for c in memory pids freezer devices name=systemd; do
		has "$c" || [ "$c" = name=systemd ] || continue
		dir=$(cgdir "$c")
		[ -n "$dir" ] || continue
		mkdir -p "$dir/a/b"
		echo "$pid" >"$dir/a/b/cgroup.procs"
	done
	ok ps --format json "$ID"
	equals "$(jq length <<<"$stdout")" 3
	ok delete --force "$ID"
	equals "$(dirs "$ID")" ""
}

@test "delete --force: of processes in cgroups below, without a PID namespace" {
	no_pid_namespace
	running 'sleep 5000 & sleep 5000 & wait'
	until_true count 3
	local c dir pid root
	root=$(pid_of)
	pid=$(pgrep -P "$root" | head -n1)
	for c in memory pids freezer devices name=systemd; do
		has "$c" || [ "$c" = name=systemd ] || continue
		dir=$(cgdir "$c")
		[ -n "$dir" ] || continue
		mkdir -p "$dir/a/b"
		echo "$pid" >"$dir/a/b/cgroup.procs"
	done
	ok delete --force "$ID"
	equals "$(dirs "$ID")" ""
	until_true gone "$pid"
}


@test "pause: every process stops, and all go on after resume" {
	requires freezer command_of_runtime:pause
	update_config '.root.readonly = false'
	running 'for i in 1 2 3; do sh -c "while :; do echo x >>/t; sleep 0.02; done" & done; wait'
	ticking() { [ -s rootfs/t ] && [ "$(stat -c %s rootfs/t)" -gt "$1" ]; }
	until_true ticking 3
	ok pause "$ID"
	equals "$(state_of)" paused
	local before
	before=$(stat -c %s rootfs/t)
	sleep 0.3
	equals "$(stat -c %s rootfs/t)" "$before"
	ok resume "$ID"
	until_true ticking "$before"
}

@test "pause: a created container, and one that was paused stays so for exec" {
	requires freezer command_of_runtime:pause
	running
	ok pause "$ID"
	rt exec "$ID" true
	[ "$status" != 0 ]
	contains "$output" paused
	ok resume "$ID"
	ok exec "$ID" true
}
