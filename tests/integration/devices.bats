# Devices: default nodes and links, linux.devices, masked and read-only paths, sysctl.
load ../lib/helpers

@test "devices: the default nodes" {
	requires "root:mknod(2) needs CAP_MKNOD of the host, so the nodes are the host's, bound"
	inside 'for d in null zero full random urandom tty; do stat -c "%n %t:%T %a %u:%g %F" /dev/$d; done'
	equals "$stdout" "/dev/null 1:3 666 0:0 character special file
/dev/zero 1:5 666 0:0 character special file
/dev/full 1:7 666 0:0 character special file
/dev/random 1:8 666 0:0 character special file
/dev/urandom 1:9 666 0:0 character special file
/dev/tty 5:0 666 0:0 character special file"
}

@test "devices: the default nodes work" {
	inside 'echo x > /dev/null; head -c 3 /dev/zero | wc -c; head -c 5 /dev/urandom | wc -c; echo x > /dev/full; true'
	equals "${lines[0]}/${lines[1]}" 3/5
	contains "$output" "No space left"
}

@test "devices: the default links" {
	inside 'for l in fd stdin stdout stderr; do readlink /dev/$l; done'
	equals "$(xargs <<<"$stdout")" "/proc/self/fd /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2"
}

@test "devices: nothing else of the host's" {
	inside 'find /dev -type b; find /dev -type c ! -path "/dev/pts/*" | sort | xargs'
	equals "$stdout" "/dev/full /dev/null /dev/random /dev/tty /dev/urandom /dev/zero"
}

@test "devices: own ones, with mode and owner" {
	requires "root:mknod(2) wants CAP_MKNOD of the host" cap_mknod
	update_config '.linux.devices = [
		{path: "/dev/kmsg2", type: "c", major: 1, minor: 11, fileMode: 416, uid: 1000, gid: 2000},
		{path: "/dev/deep/er/blk", type: "b", major: 7, minor: 200, fileMode: 384},
		{path: "/dev/uns", type: "u", major: 1, minor: 3, fileMode: 438},
		{path: "/dev/pipe", type: "p", fileMode: 438}]'
	inside 'stat -c "%n %t:%T %a %u:%g %F" /dev/kmsg2 /dev/deep/er/blk /dev/uns /dev/pipe'
	equals "${lines[0]}" "/dev/kmsg2 1:b 640 1000:2000 character special file"
	equals "${lines[1]}" "/dev/deep/er/blk 7:c8 600 0:0 block special file"
	equals "${lines[2]}" "/dev/uns 1:3 666 0:0 character special file"
	contains "${lines[3]}" "666 0:0 fifo"
}

@test "devices: the device cgroup denies what is not allowed" {
	requires "root:mknod(2) wants CAP_MKNOD of the host" cgroup_v1 cap_mknod
	update_config '.linux.resources.devices = [{allow: false, access: "rwm"}] | .process.noNewPrivileges = false
		| .process.capabilities |= map_values(. + ["CAP_MKNOD"]) | .root.readonly = false'
	inside 'head -c1 /dev/null && mknod /tmp/kmsg c 1 11 && head -c1 /tmp/kmsg; true'
	contains "$output" "not permitted"
}

@test "devices: a wrong type is an error that names it" {
	update_config '.linux.devices = [{path: "/dev/x", type: "z", major: 1, minor: 3}]'
	no run "$ID"
	contains "$output" z
	[ "$FLAVOR" != ours ] || contains "$output" "linux.devices[0].type"
}

@test "devices: inside a user namespace the host's nodes are bound" {
	in_userns
	inside 'stat -c "%t:%T" /dev/null; echo x > /dev/null && echo writable'
	equals "$stdout" 1:3$'\n'writable
}

@test "maskedPaths: files read as empty, folders list nothing" {
	update_config '.linux.maskedPaths = ["/proc/kcore", "/proc/timer_list", "/sys/firmware", "/etc", "/does/not/exist"]'
	inside 'head -c1 /proc/kcore | wc -c; wc -c < /proc/timer_list; ls -A /sys/firmware | wc -l; ls -A /etc | wc -l; touch /etc/x 2>&1'" || true"
	equals "$(head -n4 <<<"$stdout" | xargs)" "0 0 0 0"
	contains "$output" "Read-only"
}

@test "readonlyPaths: a folder and a file" {
	update_config '.root.readonly = false | .linux.readonlyPaths = ["/proc/sys", "/home", "/etc/passwd", "/does/not/exist"]'
	inside 'touch /home/x; echo x > /etc/passwd; echo y > /proc/sys/kernel/hostname; touch /fine && echo fine' || true
	equals "$(grep -c 'Read-only' <<<"$output")" 3
	contains "$output" fine
}

@test "readonlyPaths: flags of the mount below are kept" {
	mkdir "$T/src"
	update_config '.mounts += [{destination: "/mnt", type: "bind", source: $s, options: ["bind", "nosuid", "nodev"]}] | .linux.readonlyPaths = ["/mnt"]' --arg s "$T/src"
	inside 'awk "\$5 == \"/mnt\" { o = \$6 } END { print o }" /proc/self/mountinfo'
	contains "$stdout" ro nosuid nodev
}

@test "sysctl: of a new namespace" {
	update_config '.linux.sysctl = {"net.ipv4.ip_forward": "1", "kernel.msgmax": "8193", "fs.mqueue.msg_max": "11"}'
	inside 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax /proc/sys/fs/mqueue/msg_max'
	equals "$(xargs <<<"$stdout")" "1 8193 11"
	equals "$(cat /proc/sys/kernel/msgmax)" 8192
}

@test "sysctl: one of the whole host is refused" {
	update_config '.linux.sysctl = {"vm.swappiness": "13"}'
	no run "$ID"
	contains "$output" vm.swappiness
	[ "$(cat /proc/sys/vm/swappiness)" != 13 ]
}

@test "sysctl: one of a namespace that is the host's is refused" {
	update_config '.linux.namespaces |= map(select(.type != "network")) | .mounts |= map(select(.type != "sysfs"))
		| .linux.sysctl = {"net.ipv4.ip_forward": "1"}'
	no run "$ID"
	contains "$output" net.ipv4.ip_forward
}

@test "sysctl: an unknown key is an error" {
	update_config '.linux.sysctl = {"net.no.such.key": "1"}'
	no run "$ID"
	contains "$output" "no"
}

@test "devices: inside a user namespace: nodes that config.json lists, and a pipe" {
	not_with runc "looks for the pipe on the host"
	in_userns
	update_config '.linux.devices = [{path: "/dev/kmsg", type: "c", major: 1, minor: 11},
		{path: "/dev/deep/pipe", type: "p", fileMode: 384, uid: 7, gid: 8}]'
	inside 'stat -c "%t:%T" /dev/kmsg; stat -c "%F %a %u:%g" /dev/deep/pipe'
	equals "${lines[0]}" 1:b
	equals "${lines[1]}" "fifo 600 7:8"
}

@test "devices: inside a user namespace: one that the host lacks is an error that names it" {
	not_with crun "makes an empty file"
	in_userns
	update_config '.linux.devices = [{path: "/dev/sbt-missing", type: "c", major: 1, minor: 11}]'
	no run "$ID"
	contains "$output" /dev/sbt-missing
	[ "$FLAVOR" != ours ] || contains "$output" "linux.devices[0]"
}

@test "devices: another file in its place is an error that names it" {
	not_with runc "cannot do without a mount on /dev"
	not_with crun "leaves the file"
	requires "root:mknod(2) wants CAP_MKNOD of the host" cap_mknod
	mkdir -p rootfs/dev
	update_config '.mounts |= map(select(.destination | startswith("/dev") | not)) | .root.readonly = false
		| .linux.devices = [{path: "/dev/there", type: "c", major: 1, minor: 3, fileMode: 438}]'
	touch rootfs/dev/there
	no run "$ID"
	contains "$output" "linux.devices[0] (/dev/there)" "another file exists there"
	rm rootfs/dev/there && mknod rootfs/dev/there c 1 5
	no run "$ID"
	contains "$output" "another file exists there"
	rm rootfs/dev/there && mknod rootfs/dev/there c 1 3
	inside 'stat -c %t:%T /dev/there'
	equals "$stdout" 1:3
}

@test "devices: a default one gives way to what is mounted over it" {
	update_config '.mounts += [{destination: "/dev/random", source: "/dev/urandom", options: ["bind"]}]'
	inside 'stat -c %t:%T /dev/random'
	equals "$stdout" 1:9
}

@test "devices: inside a user namespace: a default one gives way too, unless /dev is mounted later" {
	not_with runc "binds the host's over it"
	not_with crun "binds the host's over it"
	in_userns
	update_config '.mounts += [{destination: "/dev/random", source: "/dev/urandom", options: ["bind"]}]'
	inside 'stat -c %t:%T /dev/random /dev/zero; grep -c " /dev/random " /proc/self/mountinfo'
	equals "$(xargs <<<"$stdout")" "1:9 1:5 1"
	update_config '.mounts |= [.[-1]] + .[:-1]'
	inside 'stat -c %t:%T /dev/random'
	equals "$stdout" 1:8
	# An image whose /dev has the files that an earlier container has left for its binds.
	update_config '.mounts |= map(select(.destination | startswith("/dev") | not)) | .root.readonly = false'
	inside 'stat -c %t:%T /dev/random'
	equals "$stdout" 1:8
	inside 'stat -c %t:%T /dev/random'
	equals "$stdout" 1:8
}

@test "sysctl: names with slashes, and with both" {
	not_with runc "takes the name as it is"
	not_with crun "takes the name as it is"
	update_config '.linux.sysctl = {"net/ipv4/ip_forward": "1", "net.ipv4.conf.lo.log_martians": "1", "net/ipv4/conf/lo/proxy_arp": "1"}'
	inside 'cat /proc/sys/net/ipv4/conf/lo/log_martians /proc/sys/net/ipv4/conf/lo/proxy_arp'
	equals "$(xargs <<<"$stdout")" "1 1"
}

@test "sysctl: a value that the kernel refuses is an error that names the key" {
	update_config '.linux.sysctl = {"kernel.shmmni": "nonsense"}'
	no run "$ID"
	contains "$output" kernel.shmmni
	[ "$FLAVOR" != ours ] || contains "$output" "linux.sysctl[kernel.shmmni]" "invalid argument"
}
