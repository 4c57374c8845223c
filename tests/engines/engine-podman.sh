# shellcheck shell=bash
# podman with conmon. "podman" is root's; "podman-rootless" is a user's of its own.

# shellcheck source=tests/engines/podman-more.sh
. /src/tests/engines/podman-more.sh
image=localhost/busybox:test
# Cgroups that an engine makes for its own order and nobody ever removes.
# podman 4.3 also forgets a pod's own cgroup in hierarchies without a controller, whatever the runtime.
# shellcheck disable=SC2034
keeps='cgroup /sys/fs/cgroup/(systemd|unified)/libpod_parent/[0-9a-f]{64}$|cgroup /sys/fs/cgroup/[a-z_,]*/(libpod_parent|engines)(/x)?(/conmon)?$|mount /(var/lib/containers/storage/overlay|run/engine/[a-z]*|run/netns)$|process .*(catatonit|podman pause)|netns /run/netns$'

engine_version() { podman --version | sed 's/podman version \([0-9.]*\).*/\1/'; }

engine_start() {
	mkdir -p /run/engine /etc/containers
	echo '{"default": [{"type": "insecureAcceptAnything"}]}' >/etc/containers/policy.json
	if [ "$ENGINE" = podman-rootless ]; then
		useradd -m -u 1500 alice
		echo 'alice:300000:65536' | tee /etc/subuid >/etc/subgid
		mkdir -p /run/user/1500
		chown alice: /run/user/1500
		chmod 666 /dev/fuse /dev/net/tun
		chmod 777 /lab/results
		install -d -o alice /lab/home
	fi
	pm load -i /lab/images/busybox.tar
}
pm() {
	local settings=(--cgroup-manager cgroupfs --events-backend file --log-level error)
	[ -z "$RT" ] || settings+=(--runtime "$RT")
	if [ "$ENGINE" = podman-rootless ]; then
		setpriv --reuid alice --regid alice --init-groups env HOME=/lab/home XDG_RUNTIME_DIR=/run/user/1500 USER=alice \
			PATH="$PATH" podman "${settings[@]}" --root /lab/home/storage --runroot /run/user/1500/containers --tmpdir /run/user/1500/libpod "$@"
	else
		podman "${settings[@]}" --root /var/lib/containers/storage --runroot /run/engine/containers --tmpdir /run/engine/libpod "$@"
	fi
}
engine_stop() {
	pm rm -fa -t 0
	pm pod rm -fa
	local dir
	for dir in /proc/[0-9]*; do # a rootless podman keeps its user namespace with a process that waits
		if has_line "$dir/cmdline" catatonit || has_line "$dir/cmdline" rootless; then kill -KILL "${dir#/proc/}"; fi
	done
	rm -rf /run/netns/*
}
engine_sweep() {
	pm pod ls -q | xargs -r -n1 echo | while read -r p; do pm pod rm -f -t 0 "$p"; done
	pm rm -fa -t 0
}

engine_cases() {
	local both="run exit_code detached tty exec exec_tty exec_code exec_user read_only user caps seccomp nonewprivs
		hostname ulimit tmpfs volume volume_ro logs healthcheck pods code_125 code_126 code_127 exec_126_127
		rootfs_folder stop restart top inspect_pid init events network_container pid_container masked sysctl"
	[ "$MODE" = fast ] || more_cases
	if [ "$ENGINE" = podman-rootless ]; then
		echo "$both" rootless_ids
	else
		echo "$both" pause stats oom kill memory cpu pids uidmap userns_auto update privileged device cgroupns \
			cgroup_parent cleanup parallel
	fi
}

id=c$$ out=
# Networks need netavark and a firewall; what concerns the runtime is that it joins what podman made.
box() { pm run --network none "$@"; }
pid_of() { pm inspect -f '{{.State.Pid}}' "$1"; }
field() { pm inspect -f "{{.$2}}" "$1"; }
is_field() { [ "$(field "$1" "$2")" = "$3" ]; }

case_run() {
	code 0 box --rm "$image" sh -c 'echo out; echo err >&2; echo $$'
	has "$out" out
	has "$out" err
	has "$out" 1
}
case_exit_code() { code 7 box --rm "$image" sh -c 'exit 7'; }
case_detached() {
	box -d --name "$id" "$image" sleep 100
	is "$(field "$id" State.Status)" running status
	is "$(tr '\0' ' ' <"/proc/$(pid_of "$id")/cmdline")" "sleep 100 " init
	is "$(field "$id" OCIRuntime)" "$RT" runtime
}
case_tty() {
	on_terminal pm run --network none --rm -it "$image" sh -c "$(conversation 'tty; test -t 0 && test -t 2 && echo all; ls /dev/console')"
	has "$out" "got typed"
	has "$out" all
	has "$out" /dev/pts/0
	has "$out" /dev/console
}
case_exec() {
	box -d --name "$id" "$image" sleep 100
	code 0 pm exec "$id" sh -c 'echo here $PPID; cat /proc/1/cmdline'
	has "$out" "here 0"
	has "$out" sleep
	is "$(echo through | pm exec -i "$id" cat)" through "stdin of exec"
}
case_exec_tty() {
	box -d --name "$id" "$image" sleep 100
	on_terminal pm exec -it "$id" sh -c "$(conversation tty)"
	has "$out" "got typed"
	has "$out" /dev/pts/
}
case_exec_code() {
	box -d --name "$id" "$image" sleep 100
	code 42 pm exec "$id" sh -c 'exit 42'
}
case_exec_user() {
	box -d --name "$id" "$image" sleep 100
	code 0 pm exec -u 1000:2000 -w /tmp -e A=b "$id" sh -c 'id -u; id -g; pwd; echo $A'
	is "$out" $'1000\n2000\n/tmp\nb'
}
case_exec_126_127() {
	box -d --name "$id" "$image" sleep 100
	code 126 pm exec "$id" /etc/passwd
	code 127 pm exec "$id" nosuchprogram
	is "$(field "$id" State.Status)" running status
}
case_code_125() { code 125 box --rm --no-such-flag "$image" true; }
case_code_126() {
	code 126 box --rm "$image" /etc/passwd
	says "$out" "permission denied"
}
case_code_127() {
	code 127 box --rm "$image" nosuchprogram
	has "$out" nosuchprogram
	code 127 box --rm "$image" /no/such/program
}
case_read_only() {
	code 1 box --rm --read-only "$image" touch /x
	has "$out" "Read-only file system"
	code 0 box --rm --read-only "$image" touch /tmp/x
}
case_user() {
	code 0 box --rm -u user "$image" sh -c 'id -u; id -g; echo $HOME'
	is "$out" $'1000\n1000\n/home/user'
	code 0 box --rm -u 1234:5 --group-add 7 "$image" id
	has "$out" "uid=1234"
	has "$out" "gid=5"
}
case_caps() {
	code 0 box --rm --cap-drop ALL "$image" grep CapEff /proc/self/status
	has "$out" 0000000000000000
	code 0 box --rm --cap-add SYS_ADMIN "$image" sh -c 'mount -t tmpfs t /mnt && echo mounted'
	has "$out" mounted
}
case_seccomp() {
	code 0 box --rm "$image" grep Seccomp: /proc/self/status
	has "$out" $'Seccomp:\t2'
	code 0 box --rm --security-opt seccomp=unconfined "$image" grep Seccomp: /proc/self/status
	has "$out" $'Seccomp:\t0'
}
case_nonewprivs() {
	code 0 box --rm --security-opt no-new-privileges "$image" grep NoNewPrivs /proc/self/status
	has "$out" $'NoNewPrivs:\t1'
}
case_hostname() {
	code 0 box --rm -h boxed --add-host other:10.1.2.3 "$image" sh -c 'hostname; cat /etc/hosts'
	has "$out" boxed
	has "$out" 10.1.2.3
}
case_ulimit() {
	code 0 box --rm --ulimit nofile=100:200 --ulimit nproc=500:600 "$image" sh -c 'ulimit -n; ulimit -Hn'
	is "$out" $'100\n200'
}
case_sysctl() {
	code 0 box --rm --sysctl net.ipv4.ip_forward=1 "$image" cat /proc/sys/net/ipv4/ip_forward
	is "$out" 1
}
case_tmpfs() {
	code 0 box --rm --tmpfs /t:size=1m,mode=1770,noexec "$image" sh -c 'grep " /t " /proc/mounts; stat -c %a /t'
	has "$out" size=1024k
	has "$out" noexec
	has "$out" 1770
}
case_volume() {
	code 0 box --rm -v "$id:/v" "$image" sh -c 'echo kept >/v/f'
	code 0 box --rm -v "$id:/v" "$image" cat /v/f
	is "$out" kept
	pm volume rm "$id"
}
case_volume_ro() {
	mkdir -p "/tmp/given-$ENGINE" && echo data >"/tmp/given-$ENGINE/file"
	code 1 box --rm -v "/tmp/given-$ENGINE:/given:ro" "$image" sh -c 'cat /given/file; : >/given/new'
	has "$out" data
	has "$out" "Read-only file system"
}
case_logs() {
	box --name "$id" "$image" sh -c 'echo one; echo two >&2'
	is "$(pm logs "$id" 2>/dev/null)" one stdout
	is "$(pm logs "$id" 2>&1 >/dev/null)" two stderr
}
case_healthcheck() {
	box -d --name "$id" --health-cmd 'test -e /ok' --health-interval disable --health-retries 1 "$image" sleep 100
	code 1 pm healthcheck run "$id"
	pm exec "$id" touch /ok
	code 0 pm healthcheck run "$id"
}
case_pods() {
	# The pause image of a pod would come from a registry; the pod's first container can be any.
	pm pod create --name "p$id" --network none --infra-image "$image" --infra-command "sleep 1000"
	pm run -d --pod "p$id" --name "$id-a" "$image" peer serve 127.0.0.1:8080 page
	code 0 pm run --rm --pod "p$id" "$image" peer fetch http://127.0.0.1:8080/
	is "$out" page
	pm pod stop -t 1 "p$id"
	pm pod rm -f "p$id"
}
case_rootfs_folder() {
	local dir=/lab/folder-$ENGINE
	mkdir -p "$dir"
	tar -xOf /lab/images/busybox.tar layer.tar | tar -x -C "$dir"
	[ "$ENGINE" = podman ] || chown -R alice: "$dir"
	code 0 pm run --network none --rm --rootfs "$dir" sh -c 'echo in; ls /bin/busybox; touch /made'
	has "$out" in
	[ -e "$dir/made" ] || fail "what it wrote is not in the folder"
}
case_stop() {
	box -d --name "$id" "$image" sh -c 'trap "exit 0" TERM; while :; do sleep 0.1; done'
	until_true catches "$(pid_of "$id")" 15
	pm stop -t 30 "$id"
	is "$(field "$id" State.ExitCode)" 0 "exit code"
	box -d --name "$id-2" "$image" sleep 100
	pm stop -t 1 "$id-2"
	is "$(field "$id-2" State.ExitCode)" 137 "exit code of what ignores TERM"
}
logged_starts() { [ "$(pm logs "$1" | grep -c started)" = "$2" ]; }
case_restart() {
	box -d --name "$id" "$image" sh -c 'echo started; sleep 100'
	until_true logged_starts "$id" 1
	pm restart -t 1 "$id"
	until_true logged_starts "$id" 2
}
in_top() { pm top "$1" pid comm | grep "$2"; }
case_top() {
	box -d --name "$id" "$image" sh -c 'sleep 222 & wait'
	until_true in_top "$id" sleep
}
case_inspect_pid() {
	box -d --name "$id" "$image" sleep 100
	[ -d "/proc/$(pid_of "$id")" ] || fail "no such process"
}
case_init() {
	code 3 box --rm --init --init-path /usr/bin/catatonit "$image" sh -c 'cat /proc/1/comm; exit 3'
}
has_event() { pm events --stream=false --filter container="$1" | grep "$2"; }
case_events() {
	box --rm --name "$id" "$image" true
	for action in create start died; do until_true has_event "$id" "$action"; done
}
case_network_container() {
	box -d --name "$id" "$image" peer serve 127.0.0.1:8080 page
	code 0 pm run --rm --network "container:$id" "$image" peer fetch http://127.0.0.1:8080/
	is "$out" page
}
case_pid_container() {
	box -d --name "$id" "$image" sleep 111
	code 0 box --rm --pid "container:$id" "$image" ps
	has "$out" "sleep 111"
}
case_masked() {
	code 0 box --rm "$image" sh -c 'cat /proc/timer_list | wc -c; cat /proc/keys | wc -c; (echo x >/proc/sys/kernel/hostname) 2>/dev/null || echo refused'
	has "$out" $'0\n0\n'
	has "$out" refused
}
case_pause() {
	box -d --name "$id" "$image" sh -c 'while :; do :; done'
	pm pause "$id"
	is "$(field "$id" State.Status)" paused status
	local a pid
	pid=$(pid_of "$id")
	a=$(cpu_time "$pid")
	sleep 0.4
	is "$(cpu_time "$pid")" "$a" "processor time while paused"
	pm unpause "$id"
	is "$(field "$id" State.Status)" running status
}
case_stats() {
	settled_cgroups
	box -d --name "$id" -m 64m "$image" sh -c 'while :; do :; done'
	code 0 pm stats --no-stream --format '{{.MemUsage}} {{.PIDs}}' "$id"
	has "$out" "67.11MB"
}
case_oom() {
	settled_cgroups
	code 137 box --name "$id" -m 16m --memory-swap 16m "$image" sh -c 'x=12345678; while :; do x=$x$x; done'
}
case_kill() {
	box -d --name "$id" "$image" sh -c 'trap "exit 5" USR1; while :; do sleep 0.1; done'
	until_true catches "$(pid_of "$id")" 10
	pm kill -s USR1 "$id"
	is "$(pm wait "$id")" 5 "exit code"
}
case_memory() {
	box -d --name "$id" -m 32m "$image" sleep 100
	is "$(in_cgroup "$(pid_of "$id")" memory memory.limit_in_bytes)" 33554432 memory.limit_in_bytes
}
case_cpu() {
	box -d --name "$id" --cpus 0.5 --cpu-shares 512 "$image" sleep 100
	is "$(in_cgroup "$(pid_of "$id")" cpu cpu.cfs_quota_us)" 50000 cpu.cfs_quota_us
	is "$(in_cgroup "$(pid_of "$id")" cpu cpu.shares)" 512 cpu.shares
}
case_pids() {
	box -d --name "$id" --pids-limit 9 "$image" sleep 100
	is "$(in_cgroup "$(pid_of "$id")" pids pids.max)" 9 pids.max
}
case_uidmap() {
	code 0 box --rm --uidmap 0:100000:5000 --gidmap 0:100000:5000 "$image" sh -c 'cat /proc/self/uid_map; id -u; touch /x'
	has "$out" "100000       5000"
	box -d --name "$id" --uidmap 0:100000:5000 "$image" sleep 100
	is "$(awk '/^Uid:/ { print $2 }' "/proc/$(pid_of "$id")/status")" 100000 "uid on the host"
	code 0 pm exec "$id" id -u
	is "$out" 0
}
case_userns_auto() {
	# podman 5's libsubid looks the name up, so the user must be there.
	id containers >/dev/null 2>&1 || useradd -r containers
	echo 'containers:500000:65536' | tee /etc/subuid >/etc/subgid
	code 0 box --rm --userns auto:size=4096 "$image" cat /proc/self/uid_map
	has "$out" " 500000 "
}
case_update() {
	if ! pm update --help >/dev/null 2>&1; then skip "this podman has no update"; fi
	box -d --name "$id" -m 64m --memory-swap 64m "$image" sleep 100
	pm update -m 48m --cpu-shares 300 "$id"
	is "$(in_cgroup "$(pid_of "$id")" memory memory.limit_in_bytes)" 50331648 memory.limit_in_bytes
	is "$(in_cgroup "$(pid_of "$id")" cpu cpu.shares)" 300 cpu.shares
}
case_privileged() {
	all_caps_or_skip box --rm --privileged "$image" true
	code 0 box --rm --privileged "$image" sh -c 'mount -t tmpfs t /mnt && echo mounted'
	has "$out" mounted
}
case_device() {
	code 0 box --rm --device /dev/kmsg:/dev/log9 "$image" sh -c 'ls -l /dev/log9; : >/dev/log9 && echo opened'
	has "$out" "1,  11"
	has "$out" opened
}
case_cgroupns() {
	code 0 box --rm --cgroupns private "$image" sh -c 'grep ":memory:" /proc/self/cgroup'
	has "$out" ":memory:/"
	lacks "$out" libpod
}
case_cgroup_parent() {
	box -d --name "$id" --cgroup-parent /engines/x "$image" sleep 100
	has "$(cat "/proc/$(pid_of "$id")/cgroup")" ":/engines/x/"
	pm rm -f -t 0 "$id"
}
case_cleanup() {
	box -d --name "$id" "$image" sleep 100
	local long
	long=$(field "$id" Id)
	kill -KILL "$(pid_of "$id")"
	until_true is_field "$id" State.Status exited
	is "$(field "$id" State.ExitCode)" 137 "exit code"
	pm rm "$id"
	is "$(find /sys/fs/cgroup -name "*$long*")" "" "cgroups left"
}
case_parallel() {
	local i pids=()
	for i in $(seq 10); do
		box -d --name "$id-$i" "$image" sleep 1000 &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" || fail "one of 10 did not start"; done
	is "$(pm ps -q | wc -l)" 10 "running containers"
}
case_rootless_ids() {
	code 0 box --rm "$image" sh -c 'cat /proc/self/uid_map; id -u'
	has "$out" "0       1500          1"
	box -d --name "$id" "$image" sleep 100
	is "$(awk '/^Uid:/ { print $2 }' "/proc/$(pid_of "$id")/status")" 1500 "uid on the host"
	code 0 box --rm --userns keep-id "$image" id -u
	is "$out" 1500
}
