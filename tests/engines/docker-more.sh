# shellcheck shell=bash disable=SC2154
# Docker's cases beyond the common ones: signals and terminals that are attached later, streams, hardened
# containers, mounts' propagation, limits of block devices.

more_cases() {
	echo stop_signal restart_always logs_follow attach_running start_attached signal_proxy streams exec_many workdir \
		hardened propagation read_only_tree systempaths block_io memory_more ipc_none
}

case_stop_signal() {
	box -d --name "$id" --stop-signal USR1 --stop-timeout 30 "$image" sh -c 'trap "exit 3" USR1; while :; do sleep 0.1; done'
	until_true catches "$(pid_of "$id")" 10
	docker stop "$id"
	is "$(field "$id" State.ExitCode)" 3 "exit code"
}
case_restart_always() {
	box -d --name "$id" --restart always "$image" sh -c 'sleep 0.2; exit 4'
	until_true restarted "$id" 2
	docker stop -t 1 "$id"
	is "$(field "$id" State.Status)" exited "status of what was stopped"
}
restarted() { [ "$(field "$1" RestartCount)" -ge "$2" ]; }
case_logs_follow() {
	box -d --name "$id" "$image" sh -c 'for i in 1 2 3 4 5; do echo "line $i"; sleep 0.2; done'
	code 0 docker logs -f "$id"
	is "$out" $'line 1\nline 2\nline 3\nline 4\nline 5'
}
# What is attached later gets the terminal that the container was made with.
case_attach_running() {
	box -dit --name "$id" "$image" sh -c 'until read -r -t 1 word; do echo ready; done; stty size; echo "got $word"'
	on_terminal docker attach "$id"
	has "$out" "got typed"
}
case_start_attached() {
	docker create -i --name "$id" "$image" sh -c 'cat; exit 6'
	local got=0
	out=$(echo typed | docker start -ai "$id") || got=$?
	is "$got" 6 "exit code"
	is "$out" typed
}
case_signal_proxy() {
	docker run --name "$id" "$image" sh -c 'trap "exit 8" TERM; echo ready; while :; do sleep 0.1; done' >/tmp/proxied 2>&1 &
	local pid=$! got=0
	until_true has_line /tmp/proxied ready
	kill "$pid"
	wait "$pid" || got=$?
	is "$got" 8 "exit code"
}
case_streams() {
	local want
	want=$(head -c 20000000 /dev/zero | sha256sum)
	is "$(head -c 20000000 /dev/zero | docker run --rm -i "$image" sha256sum)" "$want" "what went in"
	is "$(docker run --rm "$image" head -c 20000000 /dev/zero | sha256sum)" "$want" "what came out"
	box -d --name "$id" "$image" sleep 100
	is "$(head -c 20000000 /dev/zero | docker exec -i "$id" cat | sha256sum)" "$want" "what went through exec"
}
case_exec_many() {
	box -d --name "$id" "$image" sleep 100
	local i pids=()
	for i in $(seq 20); do
		(is "$(docker exec -e "N=$i" "$id" sh -c 'echo "$N"; exit 0')" "$i" "what exec $i says") &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" || fail "one of 20 failed"; done
	is "$(docker top "$id" -o pid | wc -l)" 2 "lines of top afterwards"
}
case_workdir() {
	code 0 box --rm -w /made/on/the/way "$image" pwd
	is "$out" /made/on/the/way
	code 0 box --rm -u 1000 -w /made/on/the/way "$image" stat -c %u .
	is "$out" 0 "owner of a folder that was made"
}
# All that people are told to switch on, at once.
case_hardened() {
	box -d --name "$id" --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges -u 1000:1000 \
		--pids-limit 20 -m 64m --network none --ipc none "$image" sleep 100
	code 0 docker exec "$id" sh -c 'exec 2>&1; id -u; grep -E "^(CapBnd|NoNewPrivs|Seccomp):" /proc/self/status; touch /tmp/x && echo written; touch /x; ls /sys/class/net'
	has "$out" $'1000\nCapBnd:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\nwritten\n'
	has "$out" "Read-only file system"
}
case_propagation() {
	mkdir -p /tmp/shared
	mount --bind /tmp/shared /tmp/shared
	mount --make-shared /tmp/shared
	mkdir -p /tmp/shared/{slave,private}
	box -d --name "$id" -v /tmp/shared:/slave:rslave "$image" sleep 100
	box -d --name "$id-2" -v /tmp/shared:/private:rprivate "$image" sleep 100
	mount -t tmpfs seen /tmp/shared/slave
	code 0 docker exec "$id" grep /slave/slave /proc/mounts
	code 1 docker exec "$id-2" grep /private/slave /proc/mounts
	docker rm -f "$id" "$id-2"
	umount /tmp/shared/slave /tmp/shared
}
# Newer ones make what is mounted below a read-only volume read-only, too, if the runtime's `features` says it can.
case_read_only_tree() {
	[[ $VERSION != 20.* ]] || skip "Docker 20.10 has no recursive read-only mounts"
	mkdir -p /tmp/tree/below
	mount -t tmpfs below /tmp/tree/below
	code 1 box --rm --mount type=bind,source=/tmp/tree,target=/tree,readonly,bind-recursive=readonly,bind-propagation=rprivate \
		"$image" touch /tree/below/x
	has "$out" "Read-only file system"
	code 0 box --rm --mount type=bind,source=/tmp/tree,target=/tree,readonly,bind-recursive=writable "$image" touch /tree/below/x
	umount /tmp/tree/below
}
case_systempaths() {
	code 0 box --rm --security-opt systempaths=unconfined "$image" sh -c 'grep -cE " /proc/(sys|keys|timer_list) " /proc/mounts; echo'
	is "$out" 0 "masked paths"
}
case_block_io() {
	local disk number
	disk=$(find /sys/block -mindepth 1 -maxdepth 1 -not -name 'loop*' -not -name 'ram*' | head -n1)
	[ -n "$disk" ] || skip "no disk here"
	number=$(cat "$disk/dev")
	mknod /dev/disk-of-$$ b "${number%:*}" "${number#*:}"
	box -d --name "$id" --device-read-bps "/dev/disk-of-$$:1mb" --device-write-iops "/dev/disk-of-$$:77" "$image" sleep 100
	rm /dev/disk-of-$$
	is "$(in_cgroup "$(pid_of "$id")" blkio blkio.throttle.read_bps_device)" "$number 1048576" read_bps_device
	is "$(in_cgroup "$(pid_of "$id")" blkio blkio.throttle.write_iops_device)" "$number 77" write_iops_device
}
case_memory_more() {
	box -d --name "$id" -m 32m --memory-swap 64m --memory-swappiness 10 --oom-kill-disable "$image" sleep 100
	local pid
	pid=$(pid_of "$id")
	is "$(in_cgroup "$pid" memory memory.memsw.limit_in_bytes)" 67108864 memory.memsw.limit_in_bytes
	is "$(in_cgroup "$pid" memory memory.swappiness)" 10 memory.swappiness
	has "$(in_cgroup "$pid" memory memory.oom_control)" "oom_kill_disable 1"
}
case_ipc_none() {
	code 0 box --rm --ipc none "$image" sh -c 'grep -c " /dev/shm " /proc/mounts; echo'
	is "$out" 0 "mounts of /dev/shm"
}
