# shellcheck shell=bash
# containerd through ctr: the plain task interface, with the shim io.containerd.runc.v2.

# Cgroups that an engine makes for its own order and nobody ever removes.
# shellcheck disable=SC2034
keeps='cgroup /sys/fs/cgroup/[a-z_,]*/engines$'
sock=/run/engine/containerd.sock
image=localhost/busybox:test
spare=/lab/spare

engine_version() { containerd --version | awk '{ sub(/^v/, "", $3); sub(/[~+].*/, "", $3); print $3 }'; }

engine_start() {
	mkdir -p /run/engine "$spare"
	cat >/run/engine/config.toml <<-END
		version = 2
		root = "/var/lib/containerd"
		state = "/run/engine/state"
		disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
		[grpc]
		  address = "$sock"
	END
	containerd_up
	ctl image import /lab/images/busybox.tar
	bundle_rootfs
}
bundle_rootfs() { mkdir -p "$spare/rootfs" && tar -xOf /lab/images/busybox.tar layer.tar | tar -x -C "$spare/rootfs"; }

containerd_up() {
	daemon containerd containerd --config /run/engine/config.toml
	until_true ctl version
}

engine_stop() {
	stop_daemon containerd
}

engine_sweep() {
	local id
	for id in $(ctl task ls -q); do
		ctl task kill -s KILL -a "$id"
		sleep 0.2
		ctl task rm -f "$id"
	done
	for id in $(ctl container ls -q); do ctl container rm "$id"; done
	find /sys/fs/cgroup -depth -path '*/engines-x*' -type d -exec rmdir {} +
}

engine_cases() {
	echo run exit_code detached tty exec exec_tty exec_code pause metrics events oom kill kill_all delete \
		memory cpu pids seccomp userns read_only user cwd_env caps nosuchcmd notexec nonewprivs \
		cgroup_path device hostname mount_ro privileged update checkpoint_absent ps shim_gone daemon_killed parallel recipe
	[ "$MODE" = fast ] || echo parallel100
}

ctl() { ctr -a "$sock" -n engines "$@"; }
# box ARGS...: ctr run with the runtime under test. $id is the container of this case.
id=c$$ out=
box() { ctl run --runtime io.containerd.runc.v2 --runc-binary "$RT" "$@"; }
pid_of() { ctl task ls | awk -v id="$1" '$1 == id { print $2 }'; }
status_of() { ctl task ls | awk -v id="$1" '$1 == id { print $3 }'; }
has_status() { [ "$(status_of "$1")" = "$2" ]; }
drop() { # ID: what a user does to be rid of a container
	ctl task kill -s KILL "$1" 2>/dev/null || :
	until_true has_status "$1" STOPPED
	ctl task rm "$1"
	ctl container rm "$1"
}

case_run() {
	code 0 box --rm "$image" "$id" sh -c 'echo out; echo err >&2; hostname'
	has "$out" out
	has "$out" err
}
# The recipe's own line; critest has its configuration.
case_recipe() {
	local line
	line=$(recipe "for one container:")
	has "$line" "ctr run"
	export CONTAINERD_ADDRESS=$sock CONTAINERD_NAMESPACE=engines
	code 0 sh -ec "$line"
}
case_exit_code() { code 7 box --rm "$image" "$id" sh -c 'exit 7'; }
case_detached() {
	box -d "$image" "$id" sleep 100
	is "$(status_of "$id")" RUNNING status
	is "$(tr '\0' ' ' <"/proc/$(pid_of "$id")/cmdline")" "sleep 100 " "init"
	drop "$id"
}
case_tty() {
	on_terminal ctr -a "$sock" -n engines run --rm -t --runtime io.containerd.runc.v2 --runc-binary "$RT" \
		"$image" "$id" sh -c "$(conversation 'tty; test -t 0 && test -t 2 && echo all')"
	has "$out" "got typed"
	has "$out" /dev/pts/0
	has "$out" all
}
case_exec() {
	box -d "$image" "$id" sleep 100
	code 0 ctl task exec --exec-id e1 "$id" sh -c 'echo here $PPID; cat /proc/1/cmdline'
	has "$out" "here 0"
	has "$out" sleep
	code 0 ctl task exec --exec-id e2 --cwd /tmp --user 1000:1000 "$id" sh -c 'pwd; id -u; id -g'
	is "$out" $'/tmp\n1000\n1000'
	drop "$id"
}
case_exec_tty() {
	box -d "$image" "$id" sleep 100
	on_terminal ctr -a "$sock" -n engines task exec --exec-id e1 -t "$id" sh -c "$(conversation 'tty; test -t 1 && echo yes')"
	has "$out" "got typed"
	has "$out" /dev/pts/
	has "$out" yes
	drop "$id"
}
case_exec_code() {
	box -d "$image" "$id" sleep 100
	code 42 ctl task exec --exec-id e1 "$id" sh -c 'exit 42'
	code 1 ctl task exec --exec-id e2 "$id" /no/such/program
	says "$out" "no such file or directory"
	is "$(status_of "$id")" RUNNING "status after a failed exec"
	drop "$id"
}
case_pause() {
	box -d "$image" "$id" sh -c 'while :; do :; done'
	ctl task pause "$id"
	is "$(status_of "$id")" PAUSED status
	local a pid
	pid=$(pid_of "$id")
	a=$(cpu_time "$pid")
	sleep 0.5
	is "$(cpu_time "$pid")" "$a" "processor time while paused"
	ctl task resume "$id"
	is "$(status_of "$id")" RUNNING status
	until_true cpu_time_above "$pid" "$a"
	drop "$id"
}
case_metrics() {
	settled_cgroups
	box -d --memory-limit 67108864 "$image" "$id" sleep 100
	code 0 ctl task metrics "$id"
	has "$out" "memory.usage_in_bytes"
	[[ $out =~ memory.limit_in_bytes[[:space:]]+67108864 || $out =~ 67108864 ]] || say "limit is not in ctr's table: $out"
	[[ $out =~ memory.usage_in_bytes[[:space:]]+[1-9] ]] || fail "memory in use is 0: $out"
	drop "$id"
}
# subscribed FILE: does what happens reach the `ctl events` that writes FILE?
subscribed() {
	ctr -a "$sock" namespaces label engines "touched=$EPOCHREALTIME"
	has_line "$1" /namespaces/update
}
case_events() {
	ctl events >/tmp/events 2>&1 &
	local pid=$!
	until_true subscribed /tmp/events
	until_true run_is_told /tmp/events
	kill "$pid"
}
# run_is_told FILE: are the four events of one run in it? containerd 2's shim may be gone before the last
# of them is on its way, with any runtime, so the case may take more than one run.
run_is_told() {
	local one=$id-$EPOCHREALTIME topic
	box --rm "$image" "$one" true
	sleep 0.5
	for topic in create start exit delete; do grep "/tasks/$topic .*\"container_id\":\"$one\"" "$1" || return; done
}
case_oom() {
	settled_cgroups
	ctl events >/tmp/events-oom 2>&1 &
	local pid=$!
	until_true subscribed /tmp/events-oom
	code 137 box --rm --memory-limit 16777216 "$image" "$id" sh -c 'x=12345678; while :; do x=$x$x; done'
	until_true has_line /tmp/events-oom /tasks/oom
	kill "$pid"
}
case_kill() {
	box -d "$image" "$id" sh -c 'trap "exit 5" USR1; while :; do sleep 0.1; done'
	until_true catches "$(pid_of "$id")" 10
	ctl task kill -s USR1 "$id"
	until_true has_status "$id" STOPPED
	code 0 ctl task rm "$id"
	has "$out" "exit code 5"
	ctl container rm "$id"
	code 1 ctl task kill "$id"
	has "$out" "not found"
}
has_processes() { [ "$(in_cgroup "$1" pids pids.current)" = "$2" ]; }
case_kill_all() {
	box -d "$image" "$id" sh -c 'sleep 200 & sleep 201 & wait'
	local pid
	pid=$(pid_of "$id")
	until_true has_processes "$pid" 3
	ctl task kill -a -s KILL "$id"
	until_true has_status "$id" STOPPED
	ctl task rm "$id" || is $? 137 "code of task rm"
	ctl container rm "$id"
	! pgrep -f 'sleep 20[01]' || fail "processes are left"
}
case_delete() {
	box -d "$image" "$id" sleep 100
	code 1 ctl task rm "$id"
	is "$(status_of "$id")" RUNNING "status after a refused delete"
	code 0 ctl task rm -f "$id"
	has "$out" "exit code 137"
	ctl container rm "$id"
	is "$(find /sys/fs/cgroup -name "$id")" "" "cgroups left"
	is "$(find /run -name "$id" -not -path '*/fifo/*')" "" "state left"
}
case_memory() {
	box -d --memory-limit 33554432 "$image" "$id" sleep 100
	is "$(in_cgroup "$(pid_of "$id")" memory memory.limit_in_bytes)" 33554432 memory.limit_in_bytes
	drop "$id"
}
case_cpu() {
	box -d --cpus 0.5 "$image" "$id" sleep 100
	is "$(in_cgroup "$(pid_of "$id")" cpu cpu.cfs_quota_us)" 50000 cpu.cfs_quota_us
	is "$(in_cgroup "$(pid_of "$id")" cpu cpu.cfs_period_us)" 100000 cpu.cfs_period_us
	drop "$id"
}
# with_spec FILTER ARGS...: ctr makes config.json from flags alone; --config takes a spec of our own.
with_spec() {
	local filter=$1
	shift
	ctr oci spec >/tmp/spec.json
	jq --arg root "$spare/rootfs" ".process.args = [\"sleep\", \"100\"] | .process.terminal = false | .process.env = [\"PATH=/usr/bin:/bin:/sbin\"] | .root = {path: \$root, readonly: true} |
		.linux.cgroupsPath = \"/engines/$id\" | $filter" /tmp/spec.json >/tmp/spec-$id.json
	box --config "/tmp/spec-$id.json" "$@" "$id"
}
case_pids() {
	with_spec '.linux.resources.pids.limit = 9 | .process.args = ["sh", "-c",
		"sh -c \"for i in 1 2 3 4 5 6 7 8 9 10 11; do sleep 100 & done\"; exec sleep 100"]' -d
	is "$(in_cgroup "$(pid_of "$id")" pids pids.max)" 9 pids.max
	until_true pids_refused "$(pid_of "$id")"
	drop "$id"
}
case_seccomp() {
	code 0 box --rm "$image" "$id" grep Seccomp: /proc/self/status
	has "$out" $'Seccomp:\t0'
	code 0 box --rm --seccomp "$image" "$id" sh -c 'grep Seccomp: /proc/self/status; unshare -U true || echo refused'
	has "$out" $'Seccomp:\t2'
	has "$out" refused
}
case_userns() {
	chown 100000:100000 "$spare" 2>/dev/null || :
	with_spec '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] |
		.linux.gidMappings = .linux.uidMappings | .process.args = ["sh", "-c", "cat /proc/self/uid_map; id -u; sleep 100"] |
		.mounts |= map(select(.type != "cgroup"))' -d
	local pid
	pid=$(pid_of "$id")
	is "$(awk '/^Uid:/ { print $2 }' "/proc/$pid/status")" 100000 "uid on the host"
	is "$(awk '{ print $1, $2, $3 }' "/proc/$pid/uid_map")" "0 100000 65536" uid_map
	drop "$id"
}
case_read_only() {
	code 1 box --rm --read-only "$image" "$id" touch /x
	has "$out" "Read-only file system"
	code 0 box --rm "$image" "$id" touch /x
}
case_user() {
	with_spec '.process.user = {uid: 1000, gid: 2000, additionalGids: [7]} | .process.args = ["id"]' --rm >/tmp/user.out
	has "$(cat /tmp/user.out)" "uid=1000(user) gid=2000(extra) groups=7" id
}
case_cwd_env() {
	code 0 box --rm --cwd /tmp --env 'A=b c' "$image" "$id" sh -c 'pwd; echo "$A"'
	is "$out" $'/tmp\nb c'
}
case_caps() {
	code 0 box --rm "$image" "$id" grep CapEff /proc/self/status
	has "$out" 00000000a80425fb
	code 0 box --rm --cap-add CAP_SYS_ADMIN --cap-drop CAP_CHOWN "$image" "$id" grep CapEff /proc/self/status
	has "$out" 00000000a82425fa
}
case_nosuchcmd() {
	code 1 box --rm "$image" "$id" /no/such/program
	has "$out" /no/such/program
	says "$out" "no such file or directory"
	code 1 box --rm "$image" "$id-2" nosuchprogram
	has "$out" "executable file not found in \$PATH"
}
case_notexec() {
	code 1 box --rm "$image" "$id" /etc/passwd
	says "$out" "permission denied"
}
case_nonewprivs() {
	code 0 box --rm "$image" "$id" grep NoNewPrivs /proc/self/status
	has "$out" $'NoNewPrivs:\t1'
	code 0 box --rm --allow-new-privs "$image" "$id" grep NoNewPrivs /proc/self/status
	has "$out" $'NoNewPrivs:\t0'
}
case_cgroup_path() {
	box -d --cgroup /engines-x/y "$image" "$id" sleep 100
	has "$(cat "/proc/$(pid_of "$id")/cgroup")" ":/engines-x/y"
	drop "$id"
}
case_device() {
	code 0 box --rm --device /dev/kmsg "$image" "$id" sh -c 'ls -l /dev/kmsg; : >/dev/kmsg && echo opened'
	has "$out" "1,  11"
	has "$out" opened
	code 1 box --rm --cap-add CAP_MKNOD "$image" "$id-2" sh -c 'mknod /tmp/k c 1 11 && : </tmp/k'
	has "$out" "Operation not permitted"
}
case_hostname() {
	with_spec '.hostname = "boxed" | .process.args = ["hostname"]' --rm >/tmp/hostname.out
	is "$(cat /tmp/hostname.out)" boxed hostname
}
case_mount_ro() {
	mkdir -p /tmp/given && echo data >/tmp/given/file
	code 1 box --rm --mount type=bind,src=/tmp/given,dst=/given,options=rbind:ro "$image" "$id" sh -c 'cat /given/file; : >/given/new'
	has "$out" data
	has "$out" "Read-only file system"
}
case_privileged() {
	code 0 box --rm --privileged "$image" "$id" sh -c 'grep CapEff /proc/self/status; mount -t tmpfs t /mnt && echo mounted'
	has "$out" mounted
}
case_update() {
	box -d --memory-limit 67108864 "$image" "$id" sleep 100
	if ! ctl task --help | grep -q update; then
		# ctr has no update; the shim calls the runtime's own, which is what matters.
		echo '{"memory": {"limit": 50331648}}' >/tmp/resources
		"$RT" --root "$(runtime_root)" update --resources /tmp/resources "$id"
	fi
	is "$(in_cgroup "$(pid_of "$id")" memory memory.limit_in_bytes)" 50331648 memory.limit_in_bytes
	drop "$id"
}
runtime_root() { echo /run/containerd/runc/engines; }
case_checkpoint_absent() {
	box -d "$image" "$id" sleep 100
	if command -v criu >/dev/null; then skip "criu is here; checkpoints are tested elsewhere"; fi
	code 1 ctl task checkpoint "$id"
	is "$(status_of "$id")" RUNNING "status after a refused checkpoint"
	drop "$id"
}
case_ps() {
	box -d "$image" "$id" sh -c 'sleep 200 & wait'
	until_true has_processes "$(pid_of "$id")" 2
	code 0 ctl task ps "$id"
	is "$(grep -c '^[0-9]' <<<"$out")" 2 "number of processes"
	drop "$id"
}
# The shim dies: containerd has to clean up with nothing but `delete --force`.
case_shim_gone() {
	box -d "$image" "$id" sleep 100
	local pid shim
	pid=$(pid_of "$id")
	shim=$(awk '/^PPid:/ { print $2 }' "/proc/$pid/status")
	kill -KILL "$shim"
	until_true gone "$pid"
	until_true no_task "$id"
	ctl container rm "$id"
	until_true no_cgroup "$id"
}
no_task() { [ -z "$(pid_of "$1")" ]; }
no_cgroup() { [ -z "$(find /sys/fs/cgroup -type d -name "$1")" ]; }

case_daemon_killed() {
	box -d "$image" "$id" sleep 100
	box -d "$image" "$id-2" sleep 100
	stop_daemon containerd KILL
	containerd_up
	is "$(status_of "$id")" RUNNING "status after the daemon's death"
	code 0 ctl task exec --exec-id e1 "$id" echo alive
	is "$out" alive
	drop "$id"
	drop "$id-2"
}
start_many() { # N: in parallel
	local i pids=()
	for i in $(seq "$1"); do
		box -d "$image" "$id-$i" sleep 1000 &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" || fail "one of $1 did not start"; done
}
parallel_starts() {
	local i start
	start=$(now_ms)
	start_many "$1"
	is "$(ctl task ls | grep -c RUNNING)" "$1" "number of running containers"
	[ "$ENGINE" != density ] || figure "$1 parallel starts, containers/s" $(($1 * 1000 / ($(now_ms) - start)))
	for i in $(seq "$1"); do ctl task kill -s KILL "$id-$i"; done
	for i in $(seq "$1"); do
		until_true has_status "$id-$i" STOPPED
		ctl task rm "$id-$i" 2>/dev/null || :
		ctl container rm "$id-$i"
	done
	is "$(ctl task ls -q)" "" "tasks left"
}
case_parallel() { parallel_starts 10; }
case_parallel100() { parallel_starts 100; }
