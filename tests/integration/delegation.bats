# What a container may do with its own cgroup: namespace, ownership, cgroups below.
load ../lib/helpers
load ../lib/cgroups

setup() {
	make_bundle
	requires cgroups
	update_config '.linux.cgroupsPath = "/" + $p' --arg p "$ID-cg"
}

@test "cgroup namespace: the container's cgroup is its root" {
	update_config '.linux.namespaces |= map(select(.type != "cgroup"))'
	inside 'cat /proc/self/cgroup'
	contains "$stdout" "/$ID-cg"
	update_config '.linux.namespaces += [{type: "cgroup"}]'
	inside 'cat /proc/self/cgroup'
	[[ $stdout != *"$ID-cg"* ]]
}

@test "cgroup mount: read-only unless asked for" {
	not_with runc "leaves the tmpfs with the hierarchies of v1 writable"
	inside 'cd /sys/fs/cgroup; for d in . *; do mkdir $d/x 2>/dev/null && echo made; done; echo end'
	equals "$stdout" end
}

@test "cgroup mount: the container sees its own limits" {
	needs pids
	update_config '.linux.resources.pids = {limit: 27}'
	inside 'cat /sys/fs/cgroup/pids.max 2>/dev/null || cat /sys/fs/cgroup/pids/pids.max'
	equals "$stdout" 27
}

# in_userns [OPTION]: the container's root is 100000 outside; its cgroup mount is writable unless "ro".
in_userns() {
	requires userns
	chown -R 100000:100000 rootfs
	update_config '.linux.namespaces += [{type: "user"}, {type: "cgroup"}] | .linux.namespaces |= unique
		| .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
		| .linux.gidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
		| .mounts |= map(if .type == "cgroup" then .options = ["nosuid", "noexec", "nodev", "relatime", $o] else . end)' \
		--arg o "${1:-rw}"
}

@test "delegation: on v2 the cgroup belongs to the container's root, its limits don't" {
	requires cgroup_v2
	in_userns
	running
	local dir f
	dir=$(cgdir memory)
	equals "$(stat -c %u "$dir")" 100000
	while read -r f; do
		[ ! -e "$dir/$f" ] || equals "$f $(stat -c %u "$dir/$f")" "$f 100000"
	done </sys/kernel/cgroup/delegate
	equals "$(stat -c %u "$dir/memory.max")" 0
	equals "$(stat -c %u "$dir/pids.max")" 0
	ok exec "$ID" mkdir /sys/fs/cgroup/below
	ok exec "$ID" rmdir /sys/fs/cgroup/below
	rt exec "$ID" sh -c 'echo max >/sys/fs/cgroup/pids.max'
	[ "$status" != 0 ]
}

@test "delegation: not where the mount is read-only, and not on v1" {
	in_userns ro
	! unified || { running && equals "$(stat -c %u "$(cgdir memory)")" 0; return; }
	in_userns rw
	needs memory
	running
	equals "$(stat -c %u "$(cgdir memory)")" 0
}

@test "nested: exec finds its way when the container has made cgroups of its own" {
	requires cgroup_v2
	update_config '.mounts |= map(if .type == "cgroup" then .options -= ["ro"] else . end)'
	running 'cd /sys/fs/cgroup && mkdir init && echo $$ >init/cgroup.procs && echo +pids >cgroup.subtree_control && exec sleep 1000'
	inner() { grep -q pids "/sys/fs/cgroup/$ID-cg/cgroup.subtree_control"; }
	until_true inner
	ok exec "$ID" cat /proc/self/cgroup
	contains "$stdout" /init
	ok ps --format json "$ID"
	equals "$(jq length <<<"$stdout")" 1
	ok exec --cgroup /init "$ID" cat /proc/self/cgroup
	contains "$stdout" /init
	rt exec --cgroup /../.. "$ID" true
	[ "$status" != 0 ]
	ok delete --force "$ID"
	equals "$(dirs "$ID-cg")" ""
}

@test "born in it: on v2 nothing is moved by cgroup.procs" {
	requires cgroup_v2 command:strace
	ours_only "how it does this is its own matter"
	payload true
	timeout 60 strace -f -e trace=clone3,openat -o "$T/calls" "$RUNTIME" --root "$ROOT" run "$ID" >/dev/null 2>&1 3>&- </dev/null
	grep -q CLONE_INTO_CGROUP "$T/calls"
	equals "$(grep -c "$ID.*cgroup.procs.*O_WRONLY" "$T/calls")" 0
}

@test "relative path: next to the runtime's own cgroup" {
	update_config '.linux.cgroupsPath = $p' --arg p "$ID-cg"
	running
	contains "$(cat "/proc/$(pid_of)/cgroup")" "/$ID-cg"
}
