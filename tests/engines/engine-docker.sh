# shellcheck shell=bash
# Docker: dockerd with a containerd of its own, the runtime added with --add-runtime.

# shellcheck source=tests/engines/docker-long.sh
. /src/tests/engines/docker-long.sh
# shellcheck source=tests/engines/docker-more.sh
. /src/tests/engines/docker-more.sh
export DOCKER_HOST=unix:///run/engine/docker.sock
image=localhost/busybox:test
# Cgroups that an engine makes for its own order and nobody ever removes.
# shellcheck disable=SC2034
keeps='cgroup /sys/fs/cgroup/[a-z_,]*/docker(/buildkit)?$'

engine_version() { dockerd --version | sed 's/Docker version \([0-9.]*\).*/\1/'; }

engine_start() {
	mkdir -p /run/engine /etc/docker
	docker_up
	docker load -i /lab/images/busybox.tar
	docker network create --internal private
}
# The firewall is this session's own, so iptables is on where the kernel has it.
docker_up() {
	local firewall=--iptables=true
	iptables -t nat -L -n >/dev/null 2>&1 || firewall=--iptables=false
	rm -f /run/engine/docker.pid
	# BuildKit does not take the default runtime but this one. case_build wants to know that it did.
	printf '#!/bin/sh\necho "$@" >>/run/engine/built\nexec %q "$@"\n' "$RT" >/run/engine/builder
	chmod 755 /run/engine/builder
	export DOCKER_BUILDKIT_RUNC_COMMAND=/run/engine/builder
	daemon docker dockerd --host "$DOCKER_HOST" --data-root /var/lib/docker --exec-root /run/engine/exec \
		--pidfile /run/engine/docker.pid --add-runtime "tested=$RT" --default-runtime tested \
		--storage-driver overlay2 --live-restore "$firewall"
	until_true docker version
}
engine_stop() {
	docker network rm private
	stop_daemon docker
	# With --live-restore dockerd leaves its containerd alone when it goes.
	local dir
	for dir in /proc/[0-9]*; do
		if has_line "$dir/cmdline" containerd.toml; then kill "${dir#/proc/}"; until_true gone "${dir#/proc/}"; fi
	done
	ip link delete docker0 || :
	findmnt -rno TARGET | grep -E '^/(run/engine|run/docker|var/lib/docker)/' | sort -r | xargs -r umount
}
engine_sweep() {
	docker ps -aq | xargs -r docker rm -fv
}

engine_cases() {
	echo run exit_code detached tty exec exec_tty exec_code pause stats events oom kill stop delete \
		memory cpu pids seccomp seccomp_off read_only user caps privileged nearly_privileged exec_privileged nonewprivs init pid_container \
		ipc_container network_container hostname sysctl ulimit tmpfs volume volume_ro device shm \
		healthcheck update restart restart_policy top rename_wait logs attach cp diff_commit \
		code_125 code_126 code_127 exec_126 exec_127 private_network build entrypoint \
		oom_score_adj cgroup_parent cgroupns host_namespaces masked daemon_killed parallel
	[ "$MODE" = fast ] || { more_cases; echo compose userns_remap recipe parallel_more; }
}

id=c$$ out=
box() { docker run "$@"; }
pid_of() { docker inspect -f '{{.State.Pid}}' "$1"; }
field() { docker inspect -f "{{.$2}}" "$1"; } # ID FIELD
is_field() { [ "$(field "$1" "$2")" = "$3" ]; }

case_run() {
	code 0 box --rm "$image" sh -c 'echo out; echo err >&2; echo $$'
	has "$out" out
	has "$out" err
	has "$out" 1
	is "$(docker info -f '{{.DefaultRuntime}}')" tested "default runtime"
}
case_exit_code() { code 7 box --rm "$image" sh -c 'exit 7'; code 143 box --rm "$image" sh -c 'kill -TERM $$; trap "exit 143" TERM; kill -TERM $$'; }
case_detached() {
	box -d --name "$id" "$image" sleep 100
	is "$(field "$id" State.Status)" running status
	is "$(tr '\0' ' ' <"/proc/$(pid_of "$id")/cmdline")" "sleep 100 " init
	docker rm -f "$id"
}
case_tty() {
	on_terminal docker run --rm -it "$image" sh -c "$(conversation 'tty; test -t 0 && test -t 2 && echo all; ls -l /dev/console')"
	has "$out" "got typed"
	has "$out" /dev/pts/0
	has "$out" all
	has "$out" /dev/console
}
case_exec() {
	box -d --name "$id" "$image" sleep 100
	code 0 docker exec "$id" sh -c 'echo here $PPID; cat /proc/1/cmdline'
	has "$out" "here 0"
	has "$out" sleep
	code 0 docker exec -u 1000:2000 -w /tmp -e A=b "$id" sh -c 'id -u; id -g; pwd; echo $A'
	is "$out" $'1000\n2000\n/tmp\nb'
	docker exec -d "$id" sleep 77
	until_true in_top "$id" "sleep 77"
	is "$(echo through | docker exec -i "$id" cat)" through "stdin of exec"
}
in_top() { docker top "$1" | grep "$2"; }
case_exec_tty() {
	box -d --name "$id" "$image" sleep 100
	on_terminal docker exec -it "$id" sh -c "$(conversation 'tty; test -t 1 && echo yes')"
	has "$out" "got typed"
	has "$out" /dev/pts/
	has "$out" yes
}
case_exec_code() {
	box -d --name "$id" "$image" sleep 100
	code 42 docker exec "$id" sh -c 'exit 42'
}
case_pause() {
	box -d --name "$id" "$image" sh -c 'while :; do :; done'
	docker pause "$id"
	is "$(field "$id" State.Status)" paused status
	local a pid
	pid=$(pid_of "$id")
	a=$(cpu_time "$pid")
	sleep 0.4
	is "$(cpu_time "$pid")" "$a" "processor time while paused"
	docker unpause "$id"
	is "$(field "$id" State.Status)" running status
}
case_stats() {
	settled_cgroups
	box -d --name "$id" -m 64m "$image" sh -c 'while :; do :; done'
	code 0 docker stats --no-stream --format '{{.MemUsage}} {{.CPUPerc}} {{.PIDs}}' "$id"
	has "$out" "/ 64MiB"
	lacks "$out" "0B / "
	lacks "$out" " 0.00%"
}
case_events() {
	local since
	since=$(date +%s)
	box --rm --name "$id" "$image" true
	code 0 docker events --since "$since" --until "$(($(date +%s) + 1))" --filter container="$id" --format '{{.Action}}'
	for action in create start die; do has "$out" "$action"; done
}
case_oom() {
	settled_cgroups
	code 137 box --name "$id" -m 16m --memory-swap 16m "$image" sh -c 'x=12345678; while :; do x=$x$x; done'
	is "$(field "$id" State.OOMKilled)" true State.OOMKilled
}
case_kill() {
	box -d --name "$id" "$image" sh -c 'trap "exit 5" USR1; while :; do sleep 0.1; done'
	until_true catches "$(pid_of "$id")" 10
	docker kill -s USR1 "$id"
	is "$(docker wait "$id")" 5 "exit code"
}
case_stop() {
	box -d --name "$id" "$image" sh -c 'trap "exit 0" TERM; while :; do sleep 0.1; done'
	until_true catches "$(pid_of "$id")" 15
	docker stop -t 30 "$id"
	is "$(field "$id" State.ExitCode)" 0 "exit code"
	docker start "$id"
	is "$(field "$id" State.Status)" running "status after a second start"
	box -d --name "$id-2" "$image" sleep 100
	docker stop -t 1 "$id-2"
	is "$(field "$id-2" State.ExitCode)" 137 "exit code of what ignores TERM"
}
case_delete() {
	box -d --name "$id" "$image" sleep 100
	local long
	long=$(field "$id" Id)
	code 1 docker rm "$id"
	docker rm -f "$id"
	is "$(find /sys/fs/cgroup -name "$long")" "" "cgroups left"
	is "$(find /run/engine /run/docker -name "$long" 2>/dev/null)" "" "state left"
}
case_memory() {
	box -d --name "$id" -m 32m --memory-reservation 16m --memory-swap 64m "$image" sleep 100
	is "$(in_cgroup "$(pid_of "$id")" memory memory.limit_in_bytes)" 33554432 memory.limit_in_bytes
	is "$(in_cgroup "$(pid_of "$id")" memory memory.soft_limit_in_bytes)" 16777216 memory.soft_limit_in_bytes
}
case_cpu() {
	box -d --name "$id" --cpus 0.5 --cpu-shares 512 --cpuset-cpus 0 "$image" sleep 100
	is "$(in_cgroup "$(pid_of "$id")" cpu cpu.cfs_quota_us)" 50000 cpu.cfs_quota_us
	is "$(in_cgroup "$(pid_of "$id")" cpu cpu.shares)" 512 cpu.shares
	is "$(in_cgroup "$(pid_of "$id")" cpuset cpuset.cpus)" 0 cpuset.cpus
}
case_pids() {
	box -d --name "$id" --pids-limit 9 "$image" sh -c 'sh -c "for i in 1 2 3 4 5 6 7 8 9 10 11; do sleep 100 & done"; exec sleep 100'
	is "$(in_cgroup "$(pid_of "$id")" pids pids.max)" 9 pids.max
	until_true pids_refused "$(pid_of "$id")"
}
case_seccomp() {
	code 0 box --rm "$image" sh -c 'grep Seccomp: /proc/self/status; unshare -U true || echo refused'
	has "$out" $'Seccomp:\t2'
	has "$out" refused
	# A profile of one's own: mkdir fails with the errno it asks for.
	echo '{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
		"syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]}' >/tmp/profile.json
	code 1 box --rm --security-opt seccomp=/tmp/profile.json "$image" mkdir /x
	has "$out" "No space left on device"
}
case_seccomp_off() {
	code 0 box --rm --security-opt seccomp=unconfined "$image" grep Seccomp: /proc/self/status
	has "$out" $'Seccomp:\t0'
}
case_read_only() {
	code 1 box --rm --read-only "$image" touch /x
	has "$out" "Read-only file system"
	code 0 box --rm --read-only --tmpfs /run "$image" touch /run/x
}
case_user() {
	code 0 box --rm -u user "$image" sh -c 'id -u; id -g; id -G; echo $HOME'
	is "$out" $'1000\n1000\n1000 2000\n/home/user'
	code 0 box --rm -u 1234:5 --group-add 7 "$image" id
	has "$out" "uid=1234 gid=5 groups=5,7"
}
case_caps() {
	code 0 box --rm "$image" grep CapEff /proc/self/status
	has "$out" 00000000a80425fb
	code 0 box --rm --cap-add SYS_ADMIN --cap-drop CHOWN "$image" grep CapEff /proc/self/status
	has "$out" 00000000a82425fa
	code 0 box --rm --cap-drop ALL "$image" grep CapEff /proc/self/status
	has "$out" 0000000000000000
}
case_privileged() {
	all_caps_or_skip box --rm --privileged "$image" true
	code 0 box --rm --privileged "$image" sh -c 'mount -t tmpfs t /mnt && echo mounted; ls /dev/kmsg; echo 1 >/proc/sys/net/ipv4/ip_forward && echo written'
	has "$out" mounted
	has "$out" /dev/kmsg
	has "$out" written
}
# The same without the one capability that some machines' root does not have.
case_nearly_privileged() {
	local drop=(--cap-drop SYS_RESOURCE)
	# Newer ones leave out by themselves what root lacks, and refuse to drop it.
	[[ $VERSION == 20.* ]] || drop=()
	code 0 box --rm --cap-add ALL "${drop[@]}" --security-opt seccomp=unconfined --device-cgroup-rule 'a *:* rwm' \
		"$image" sh -c 'mount -t tmpfs t /mnt && echo mounted; mknod /tmp/k c 1 11 && : >/tmp/k && echo opened; unshare -m true && echo unshared'
	for word in mounted opened unshared; do has "$out" "$word"; done
}
case_exec_privileged() {
	box -d --name "$id" "$image" sleep 100
	all_caps_or_skip docker exec --privileged "$id" true
	code 0 docker exec --privileged "$id" grep CapEff /proc/self/status
	lacks "$out" a80425fb
}
case_nonewprivs() {
	code 0 box --rm --security-opt no-new-privileges "$image" grep NoNewPrivs /proc/self/status
	has "$out" $'NoNewPrivs:\t1'
}
case_init() {
	code 3 box --rm --init "$image" sh -c 'cat /proc/1/comm; exit 3'
	has "$out" init
}
case_pid_container() {
	box -d --name "$id" "$image" sleep 111
	code 0 box --rm --pid "container:$id" "$image" ps
	has "$out" "sleep 111"
}
case_ipc_container() {
	box -d --name "$id" --ipc shareable "$image" sh -c 'echo shared >/dev/shm/f; sleep 100'
	until_true docker exec "$id" grep shared /dev/shm/f
	code 0 box --rm --ipc "container:$id" "$image" cat /dev/shm/f
	is "$out" shared
}
case_network_container() {
	box -d --name "$id" "$image" sh -c 'mkdir /www; echo page >/www/index.html; httpd -f -p 127.0.0.1:8080 -h /www'
	code 0 box --rm --network "container:$id" "$image" peer fetch http://127.0.0.1:8080/index.html
	is "$out" page
}
case_hostname() {
	code 0 box --rm -h boxed --domainname example.org --add-host other:10.1.2.3 "$image" sh -c 'hostname; cat /proc/sys/kernel/domainname; cat /etc/hosts'
	has "$out" boxed
	has "$out" example.org
	has "$out" 10.1.2.3
}
case_sysctl() {
	code 0 box --rm --sysctl net.ipv4.ip_forward=0 --sysctl kernel.msgmax=9000 "$image" cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax
	is "$out" $'0\n9000'
}
case_ulimit() {
	code 0 box --rm --ulimit nofile=100:200 --ulimit core=0 "$image" sh -c 'ulimit -n; ulimit -Hn; ulimit -c'
	is "$out" $'100\n200\n0'
}
case_tmpfs() {
	code 0 box --rm --tmpfs /t:size=1m,mode=1770,noexec "$image" sh -c 'grep " /t " /proc/mounts; stat -c %a /t'
	has "$out" size=1024k
	has "$out" noexec
	has "$out" 1770
}
case_volume() {
	docker volume create "$id"
	code 0 box --rm -v "$id:/v" "$image" sh -c 'echo kept >/v/f'
	code 0 box --rm -v "$id:/v" "$image" cat /v/f
	is "$out" kept
	docker volume rm "$id"
}
case_volume_ro() {
	mkdir -p /tmp/given && echo data >/tmp/given/file
	code 1 box --rm -v /tmp/given:/given:ro "$image" sh -c 'cat /given/file; : >/given/new'
	has "$out" data
	has "$out" "Read-only file system"
	code 0 box --rm -v /tmp/given:/given "$image" sh -c ': >/given/new'
	code 0 box --rm -v /tmp/given/file:/etc/one:ro "$image" cat /etc/one
	is "$out" data
}
case_device() {
	code 0 box --rm --device /dev/kmsg:/dev/log9 "$image" sh -c 'ls -l /dev/log9; : >/dev/log9 && echo opened'
	has "$out" "1,  11"
	has "$out" opened
	code 1 box --rm "$image" sh -c 'mknod /tmp/k c 1 11 && : >/tmp/k'
	has "$out" "Operation not permitted"
}
case_shm() {
	code 0 box --rm --shm-size 3m "$image" df -k /dev/shm
	has "$out" 3072
}
case_healthcheck() {
	box -d --name "$id" --health-cmd 'test -e /ok' --health-interval 300ms --health-retries 1 --health-start-period 0s "$image" sleep 100
	until_true is_field "$id" State.Health.Status unhealthy
	docker exec "$id" touch /ok
	until_true is_field "$id" State.Health.Status healthy
}
case_update() {
	box -d --name "$id" -m 64m --memory-swap 64m "$image" sleep 100
	docker update -m 48m --memory-swap 48m --cpu-shares 300 --pids-limit 50 "$id"
	is "$(in_cgroup "$(pid_of "$id")" memory memory.limit_in_bytes)" 50331648 memory.limit_in_bytes
	is "$(in_cgroup "$(pid_of "$id")" cpu cpu.shares)" 300 cpu.shares
	is "$(in_cgroup "$(pid_of "$id")" pids pids.max)" 50 pids.max
}
case_restart() {
	box -d --name "$id" "$image" sh -c 'echo started; trap "exit 0" TERM; while :; do sleep 0.1; done'
	until_true catches "$(pid_of "$id")" 15
	docker restart -t 30 "$id"
	until_true both_lines "$id"
}
both_lines() { [ "$(docker logs "$1" | grep -c started)" = 2 ]; }
case_restart_policy() {
	box -d --name "$id" --restart on-failure:2 "$image" false
	until_true is_field "$id" RestartCount 2
	until_true is_field "$id" State.Status exited
}
case_top() {
	box -d --name "$id" "$image" sh -c 'sleep 222 & wait'
	until_true in_top "$id" "sleep 222"
	code 0 docker top "$id" -o pid,comm
	has "$out" sleep
}
case_rename_wait() {
	box -d --name "$id" "$image" sh -c 'sleep 1; exit 9'
	docker rename "$id" "$id-new"
	is "$(docker wait "$id-new")" 9 "exit code"
}
case_logs() {
	box -d --name "$id" "$image" sh -c 'echo one; echo two >&2'
	docker wait "$id"
	is "$(docker logs "$id" 2>/dev/null)" one stdout
	is "$(docker logs "$id" 2>&1 >/dev/null)" two stderr
}
case_attach() {
	out=$(echo typed | docker run --rm -i "$image" cat)
	is "$out" typed
}
case_cp() {
	box -d --name "$id" "$image" sleep 100
	echo content >/tmp/to-copy
	docker cp /tmp/to-copy "$id:/tmp/copied"
	is "$(docker exec "$id" cat /tmp/copied)" content
	docker cp "$id:/tmp/copied" /tmp/back
	is "$(cat /tmp/back)" content
}
case_diff_commit() {
	box --name "$id" "$image" sh -c 'echo new >/new'
	code 0 docker diff "$id"
	has "$out" "A /new"
	docker commit "$id" localhost/committed:test
	is "$(docker run --rm localhost/committed:test cat /new)" new
	docker rm "$id"
	docker rmi -f localhost/committed:test
}
case_code_125() {
	code 125 box --rm -v /tmp/given:relative "$image" true
	code 125 box --rm --no-such-flag "$image" true
}
case_code_126() {
	code 126 box --rm "$image" /etc/passwd
	says "$out" "permission denied"
	code 126 box --rm "$image" /etc
}
case_code_127() {
	code 127 box --rm "$image" nosuchprogram
	has "$out" nosuchprogram
	code 127 box --rm "$image" /no/such/program
	says "$out" "no such file or directory"
}
case_exec_126() {
	box -d --name "$id" "$image" sleep 100
	code 126 docker exec "$id" /etc/passwd
	says "$out" "permission denied"
}
case_exec_127() {
	box -d --name "$id" "$image" sleep 100
	local got=0
	out=$(docker exec "$id" nosuchprogram 2>&1) || got=$?
	# 20.10 looks for a phrase that no runtime has for exec, and says 126.
	[[ $got == 127 || $VERSION == 20.* && $got == 126 ]] || fail "exit code $got: $out"
	has "$out" nosuchprogram
	is "$(field "$id" State.Status)" running status
}
case_private_network() {
	box -d --name "$id" --network private --network-alias web "$image" peer serve :80 page
	code 0 box --rm --network private "$image" peer fetch http://web/
	is "$out" page
	code 0 box --rm --network none "$image" sh -c 'ls /sys/class/net'
	is "$out" lo
}
case_build() {
	mkdir -p /tmp/build && cat >/tmp/build/Dockerfile <<-END
		FROM $image
		RUN echo built >/made && id -u >>/made
		USER 1000
		RUN id -u >/tmp/user; test "\$(id -u)" = 1000
		WORKDIR /tmp
		CMD cat /made /tmp/user
	END
	local buildkit both="0 1"
	[[ $VERSION != 20.* ]] || both=0 # its BuildKit takes the runc in $PATH, whatever one says
	for buildkit in $both; do
		rm -f /run/engine/built
		DOCKER_BUILDKIT=$buildkit code 0 docker build --no-cache --network none -t localhost/built:test /tmp/build
		[ "$buildkit" = 0 ] || has_line /run/engine/built run || fail "BuildKit used another runtime"
		code 0 box --rm localhost/built:test
		is "$out" $'built\n0\n1000'
		docker rmi -f localhost/built:test
	done
}
case_entrypoint() {
	code 0 box --rm --entrypoint echo "$image" a b
	is "$out" "a b"
}
case_oom_score_adj() {
	code 0 box --rm --oom-score-adj 500 "$image" cat /proc/self/oom_score_adj
	is "$out" 500
}
case_cgroup_parent() {
	box -d --name "$id" --cgroup-parent /engines-x "$image" sleep 100
	has "$(cat "/proc/$(pid_of "$id")/cgroup")" ":/engines-x/"
	docker rm -f "$id"
	find /sys/fs/cgroup -depth -path '*/engines-x*' -type d -exec rmdir {} +
}
case_cgroupns() {
	code 0 box --rm --cgroupns private "$image" sh -c 'grep -c ":/$" /proc/self/cgroup; ls -d /sys/fs/cgroup/memory'
	[ "$(head -n1 <<<"$out")" -gt 5 ] || fail "its cgroups are not the root: $out"
	code 0 box --rm --cgroupns host "$image" cat /proc/self/cgroup
	has "$out" ":/docker/"
	code 1 box --rm "$image" mkdir /sys/fs/cgroup/memory/x
	has "$out" "Read-only file system"
}
case_host_namespaces() {
	code 0 box --rm --network host --pid host --ipc host --uts host "$image" sh -c 'for n in net pid ipc uts; do readlink /proc/self/ns/$n; done'
	is "$out" "$(readlink /proc/self/ns/net /proc/self/ns/pid /proc/self/ns/ipc /proc/self/ns/uts)" namespaces
}
case_masked() {
	code 0 box --rm "$image" sh -c 'cat /proc/timer_list | wc -c; cat /proc/keys | wc -c; grep -c "^proc /proc/sys proc ro" /proc/mounts; (echo x >/proc/sys/kernel/hostname) 2>/dev/null || echo refused'
	has "$out" $'0\n0\n1'
	has "$out" refused
}
case_daemon_killed() {
	box -d --name "$id" "$image" sleep 100
	local pid
	pid=$(pid_of "$id")
	stop_daemon docker KILL
	docker_up
	is "$(field "$id" State.Status)" running "status after the daemon's death"
	is "$(pid_of "$id")" "$pid" pid
	is "$(docker exec "$id" echo alive)" alive
	docker stop -t 1 "$id"
	docker rm "$id"
}
many() { # N
	local i pids=()
	for i in $(seq "$1"); do
		box -d --name "$id-$i" --network none "$image" sleep 1000 &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" || fail "one of $1 did not start"; done
	is "$(docker ps -q | wc -l)" "$1" "running containers"
}
case_parallel() { many 10; }
case_parallel_more() { many 40; }
