# What a host can lack or do to a container's cgroup: a clear error, and nothing is left.
load ../lib/helpers
load ../lib/cgroups

setup() {
	make_bundle
	requires cgroups
	NAME=$ID-cg
	update_config '.linux.cgroupsPath = "/" + $p' --arg p "$NAME"
}

# apart SCRIPT: runs it in a mount namespace of its own, with $RT for the runtime.
apart() {
	status=0
	RT="$RUNTIME --root $ROOT" NAME=$NAME timeout "$((60 * ${SBT_SLOW:-1}))" \
		env ID="$ID" T="$T" SBT_TEST="$ID" unshare --mount --propagation private bash -euc "$1" >"$T/stdout" 2>"$T/stderr" 3>&- || status=$?
	collect "$1"
}

nothing_left() {
	equals "$(dirs "$NAME")" ""
	[ ! -e "$ROOT/$ID" ] || fail "the state is left"
}

@test "fault: a limit whose controller is missing" {
	requires cgroup_v1
	needs pids
	ours_only "the others ignore it, or say it differently"
	update_config '.linux.resources.pids = {limit: 20}'
	# a v1 hierarchy that is not mounted, in front of which something else is
	apart 'mount -t tmpfs none /sys/fs/cgroup/pids; $RT run "$ID"'
	[ "$status" != 0 ]
	contains "$output" linux.resources.pids.limit "no cgroup hierarchy with the pids controller"
	nothing_left
}

@test "fault: a limit whose controller is not passed down on v2" {
	requires cgroup_v2
	needs cpuset
	update_config '.linux.resources.unified = {"perf_event.max": "1"}'
	rt run "$ID"
	[ "$status" != 0 ]
	contains "$output" perf_event
	nothing_left
}

@test "fault: no cgroup file system at all" {
	apart 'mount -t tmpfs none /sys/fs/cgroup; $RT run "$ID"'
	[ "$status" != 0 ]
	[ "$FLAVOR" != ours ] || contains "$output" "no cgroup file system is mounted"
	nothing_left
}

@test "fault: a read-only cgroup file system" {
	apart 'awk "\$3 ~ /^cgroup/ { print \$2 }" /proc/mounts | while read -r m; do mount -o remount,bind,ro "$m"; done; $RT run "$ID"'
	[ "$status" != 0 ]
	contains "$output" "read-only file system"
	[ "$FLAVOR" != ours ] || contains "$output" linux.cgroupsPath "$NAME"
	nothing_left
}

@test "fault: one of several hierarchies is read-only" {
	requires cgroup_v1
	needs memory
	apart 'mount -o remount,bind,ro /sys/fs/cgroup/memory; $RT run "$ID"'
	[ "$status" != 0 ]
	contains "$output" /sys/fs/cgroup/memory "read-only file system"
	nothing_left
}

@test "fault: no permission" {
	requires command:setpriv
	# root without CAP_DAC_OVERRIDE below a folder that belongs to somebody else
	local d
	awk '$3 ~ /^cgroup/ { print $2 }' /proc/mounts | while read -r d; do
		mkdir "$d/$NAME-p" && chown 12345 "$d/$NAME-p" || return
	done
	update_config '.linux.cgroupsPath = "/" + $p + "-p/" + $p' --arg p "$NAME"
	apart 'setpriv --bounding-set -dac_override,-dac_read_search --inh-caps -dac_override,-dac_read_search $RT run "$ID"'
	rmdir /sys/fs/cgroup/"$NAME-p" /sys/fs/cgroup/*/"$NAME-p" 2>/dev/null || :
	[ "$status" != 0 ]
	contains "$output" "permission denied"
	[ "$FLAVOR" != ours ] || contains "$output" linux.cgroupsPath "$NAME-p"
	nothing_left
}

@test "fault: the cgroup is removed under us" {
	requires command_of_runtime:update
	needs pids
	payload 'exec sleep 1000'
	ok create "$ID"
	local pid d
	pid=$(pid_of)
	for d in $(dirs "$NAME"); do
		echo "$pid" >"${d%/"$NAME"}/cgroup.procs" || return
		rmdir "$d" || return
	done
	rt update --pids-limit 5 "$ID"
	[ "$status" != 0 ]
	[ "$FLAVOR" != ours ] || contains "$output" "is gone"
	ok delete --force "$ID"
	until_true gone "$pid"
	nothing_left
}

@test "fault: it is removed while the container runs; state, kill and delete go on" {
	payload 'exec sleep 1000'
	running
	local pid d
	pid=$(pid_of)
	for d in $(dirs "$NAME"); do
		echo "$pid" >"${d%/"$NAME"}/cgroup.procs" || return
		rmdir "$d" || return
	done
	equals "$(state_of)" running
	ok kill "$ID" KILL
	until_true is_status stopped
	ok delete "$ID"
	nothing_left
}

@test "fault: a full pids limit around the container" {
	requires cgroup_v2
	needs pids
	# v2 counts whoever is born there: the new init itself
	mkdir "/sys/fs/cgroup/$NAME-p"
	echo +pids >/sys/fs/cgroup/cgroup.subtree_control
	echo 0 >"/sys/fs/cgroup/$NAME-p/pids.max"
	update_config '.linux.cgroupsPath = "/" + $p + "-p/" + $p' --arg p "$NAME"
	rt run "$ID"
	rmdir "/sys/fs/cgroup/$NAME-p"
	[ "$status" != 0 ]
	contains "$output" "resource temporarily unavailable"
	[ "$FLAVOR" != ours ] || contains "$output" pids.max
	nothing_left
}

@test "fault: a full pids limit of the container, met by its program and by exec" {
	needs pids
	update_config '.linux.resources.pids = {limit: 3}'
	running 'sleep 1000 & sleep 1000 & wait'
	full() { [ "$(cg pids pids.current pids.current)" = 3 ]; }
	until_true full
	rt exec "$ID" sh -c 'sleep 1 & wait'
	[ "$status" != 0 ] || contains "$output" "can't fork"
	equals "$(state_of)" running
	ok delete --force "$ID"
	nothing_left
}

@test "shared: a cgroup with processes of another container is refused, and not touched" {
	running
	rt run -d "$ID-b"
	[ "$status" != 0 ]
	contains "$output" "container's cgroup is not empty: 1 process(es) found"
	equals "$(state_of)" running
	ok exec "$ID" true
}

@test "shared: a frozen cgroup is refused" {
	requires freezer
	local dir=/sys/fs/cgroup/freezer/$NAME file=freezer.state value=FROZEN
	! unified || dir=/sys/fs/cgroup/$NAME file=cgroup.freeze value=1
	mkdir "$dir"
	echo "$value" >"$dir/$file"
	rt run "$ID"
	rmdir "$dir" 2>/dev/null || :
	[ "$status" != 0 ]
	contains "$output" "frozen"
	nothing_left
}

@test "shared: an empty cgroup that is there already is taken over, limits included" {
	needs pids
	local dir=/sys/fs/cgroup/pids/$NAME
	! unified || dir=/sys/fs/cgroup/$NAME
	mkdir "$dir"
	update_config '.linux.resources.pids = {limit: 44}'
	running
	equals "$(cat "$dir/pids.max")" 44
	ok delete --force "$ID"
	nothing_left
}

@test "kill -9 of the runtime while it makes a container: delete --force removes the cgroups" {
	ours_only "the others leave them"
	local ms
	for ms in 2 4 6 8 10 14; do
		SBT_TEST=$ID timeout -s KILL "0.0$(printf %02d "$ms")" "$RUNTIME" --root "$ROOT" create "$ID" >/dev/null 2>&1 3>&- </dev/null || :
		ok delete --force "$ID"
		nothing_left
	done
}

@test "shared: a create that was refused leaves nothing that could harm the other container" {
	ours_only "the state folder is its own"
	running
	rt create "$ID-b"
	[ "$status" != 0 ]
	[ ! -e "$ROOT/$ID-b" ]
	ok delete --force "$ID-b"
	ok exec "$ID" true
}
