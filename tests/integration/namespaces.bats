# linux.namespaces: each one new, absent, or joined by its path; user namespaces and their maps.
load ../lib/helpers

without() { update_config '.linux.namespaces |= map(select(.type != $t))' --arg t "$1"; }
with() { update_config '.linux.namespaces |= map(select(.type != $t)) + [{type: $t}]' --arg t "$1"; }
joined() { update_config '.linux.namespaces |= map(select(.type != $t)) + [{type: $t, path: $p}]' --arg t "$1" --arg p "$2"; }
mapped() { # HOSTID SIZE: a user namespace with this range, and a root file system that it owns
	with user
	update_config '.linux.uidMappings = [{containerID: 0, hostID: $h, size: $n}] | .linux.gidMappings = .linux.uidMappings' \
		--argjson h "$1" --argjson n "$2"
	chown -hR "$1:$1" rootfs
}

# The file in /proc/self/ns of each type.
file_of() {
	case $1 in
	network) echo net ;;
	mount) echo mnt ;;
	*) echo "$1" ;;
	esac
}

@test "namespaces: new ones differ from the host's" {
	with cgroup
	inside 'for n in pid net ipc uts mnt cgroup; do readlink /proc/self/ns/$n; done'
	local n i=0
	for n in pid net ipc uts mnt cgroup; do
		[ "${lines[i++]}" != "$(readlink "/proc/self/ns/$n")" ] || fail "$n is the host's"
	done
}

@test "namespaces: those not listed are the host's" {
	requires "root:a user namespace may not mount the proc file system of a PID namespace that is the host's"
	local t
	for t in network ipc uts pid; do
		without "$t"
		# hostname, sysfs and mqueue need namespaces of their own
		update_config 'del(.hostname) | .mounts |= map(select(.type != "mqueue" and .type != "sysfs")) | .linux.maskedPaths = [] | .linux.readonlyPaths = []'
		inside "readlink /proc/self/ns/$(file_of "$t")"
		equals "$stdout" "$(readlink "/proc/self/ns/$(file_of "$t")")"
	done
}

@test "namespaces: joined by path" {
	requires "root:the test keeps namespaces by mounting them on the host"
	local t path
	cp config.json "$T/first.json"
	for t in network ipc uts cgroup; do
		path=$T/ns-$t
		cp "$T/first.json" config.json
		touch "$path"
		case $t in
		network) unshare --net="$path" true ;;
		ipc) unshare --ipc="$path" true ;;
		uts) unshare --uts="$path" true ;;
		cgroup) unshare --cgroup="$path" true ;;
		esac
		joined "$t" "$path"
		[ "$t" != uts ] || update_config 'del(.hostname)'
		payload "readlink /proc/self/ns/$(file_of "$t")"
		rt run "$ID"
		local want
		want="$(file_of "$t"):[$(stat -L -c %i "$path")]"
		umount "$path" && rm "$path"
		equals "$stdout" "$want"
	done
}

@test "namespaces: pid joined by path" {
	requires "root:setns(2) wants CAP_SYS_ADMIN in the user namespace that owns the other one"
	running
	local first
	first=$(pid_of)
	joined pid "/proc/$first/ns/pid"
	payload 'readlink /proc/self/ns/pid; cat /proc/1/comm'
	ok run "$ID-b"
	equals "${lines[0]}" "$(readlink "/proc/$first/ns/pid")"
	equals "${lines[1]}" sleep
}

@test "namespaces: network and ipc of another container, as in a pod" {
	requires "root:setns(2) wants CAP_SYS_ADMIN in the user namespace that owns the other one"
	running
	local first
	first=$(pid_of)
	joined network "/proc/$first/ns/net"
	joined ipc "/proc/$first/ns/ipc"
	inside2 'readlink /proc/self/ns/net; readlink /proc/self/ns/ipc'
	contains "$stdout" "$(readlink "/proc/$first/ns/net")" "$(readlink "/proc/$first/ns/ipc")"
}
inside2() {
	payload "$1"
	ok run "$ID-b"
}

@test "namespaces: a mount namespace joined by path" {
	running
	joined mount "/proc/$(pid_of)/ns/mnt"
	not_with runc "joining a mount namespace with a root of its own is refused"
	not_with crun "joining a mount namespace with a root of its own is refused"
	rt run "$ID-b"
	[ "$status" = 0 ] || [ "$status" = 1 ]
}

@test "namespaces: one listed twice is an error" {
	update_config '.linux.namespaces += [{type: "network"}]'
	no run "$ID"
	contains "$output" network
	[ "$FLAVOR" != ours ] || contains "$output" "linux.namespaces["
}

@test "namespaces: an unknown type is an error" {
	update_config '.linux.namespaces += [{type: "nonsense"}]'
	no run "$ID"
	contains "$output" nonsense
}

@test "namespaces: a missing path is an error" {
	joined network "$T/missing"
	no run "$ID"
	contains "$output" "$T/missing"
}

@test "namespaces: a path of another type is an error" {
	joined network /proc/self/ns/uts
	rt run "$ID"
	[ "$status" != 0 ]
}

@test "namespaces: lo is up in a new network namespace, and there is nothing else" {
	requires "root:/sys is the host's, bound, and shows its network"
	inside 'cat /sys/class/net/lo/flags; ls /sys/class/net | xargs'
	(("${lines[0]}" & 1)) || fail "lo is down"
	[[ ${lines[1]} != *eth* ]]
}

@test "time: a namespace with offsets" {
	requires time_ns
	with time
	update_config '.linux.timeOffsets = {boottime: {secs: 100000000, nanosecs: 1}, monotonic: {secs: 50000000}}'
	inside 'cut -d. -f1 /proc/uptime; cat /proc/self/timens_offsets'
	[ "${lines[0]}" -gt 100000000 ]
	equals "$(tr -s ' ' <<<"${lines[2]}")" "boottime 100000000 1"
}

@test "userns: a range of ids" {
	requires "root:only root maps host ids that are not in /etc/subuid (user_namespaces(7))" userns
	mapped 100000 65536
	inside 'id -u; cat /proc/self/uid_map /proc/self/gid_map; stat -c %u /bin/busybox'
	equals "${lines[0]}" 0
	equals "$(tr -s ' ' <<<"${lines[1]}")" " 0 100000 65536"
	equals "$(tr -s ' ' <<<"${lines[2]}")" " 0 100000 65536"
	equals "${lines[3]}" 0
}

@test "userns: several ranges" {
	requires "root:only root maps host ids that are not in /etc/subuid (user_namespaces(7))" userns
	mapped 100000 1000
	update_config '.linux.uidMappings += [{containerID: 1000, hostID: 300000, size: 10}, {containerID: 5000, hostID: 200000, size: 1}]
		| .linux.gidMappings = .linux.uidMappings | .process.user = {uid: 5000, gid: 1003}'
	running
	equals "$(stat -c %u "/proc/$(pid_of)")" 200000
	equals "$(awk '/^Gid/ {print $2}' "/proc/$(pid_of)/status")" 300003
	equals "$(wc -l <"/proc/$(pid_of)/uid_map")" 3
}

@test "userns: identity map keeps the root's own files" {
	requires "root:only root maps host ids that are not in /etc/subuid (user_namespaces(7))" userns
	with user
	update_config '.linux.uidMappings = [{containerID: 0, hostID: 0, size: 4294967295}] | .linux.gidMappings = .linux.uidMappings'
	inside 'id -u; grep -c . /proc/self/uid_map'
	equals "$stdout" 0$'\n'1
}

@test "userns: additional groups and devices work inside" {
	in_userns
	update_config '.process.user.additionalGids = [10, 20]'
	inside 'grep Groups /proc/self/status; echo x > /dev/null && head -c1 /dev/zero | wc -c'
	contains "${lines[0]}" "10 20"
	equals "${lines[1]}" 1
}

@test "userns: joined by path together with the other namespaces" {
	in_userns
	running
	local first
	first=$(pid_of)
	joined user "/proc/$first/ns/user"
	joined network "/proc/$first/ns/net"
	joined ipc "/proc/$first/ns/ipc"
	update_config 'del(.linux.uidMappings, .linux.gidMappings)'
	inside2 'readlink /proc/self/ns/user; readlink /proc/self/ns/net; id -u'
	equals "${lines[0]}" "$(readlink "/proc/$first/ns/user")"
	equals "${lines[1]}" "$(readlink "/proc/$first/ns/net")"
	equals "${lines[2]}" 0
}

@test "userns: a user outside the map is an error that names it" {
	in_userns
	update_config '.process.user.uid = 70000'
	rt run "$ID"
	[ "$status" != 0 ]
	[ "$FLAVOR" != ours ] || contains "$output" "process.user.uid"
}

@test "userns: maps without a user namespace are an error" {
	not_with runc "ignores the maps"
	update_config '.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 1000}]'
	no run "$ID"
	contains "$output" uidMappings
}
