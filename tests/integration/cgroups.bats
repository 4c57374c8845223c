# cgroupsPath: a cgroup is made, entered and removed. Limits have a suite of their own.
load ../lib/helpers

# dirs NAME: this container's cgroups in all hierarchies.
dirs() { find /sys/fs/cgroup -type d -name "$1" 2>/dev/null; }

@test "cgroup: made at create, entered, removed by delete" {
	requires cgroups
	update_config '.linux.cgroupsPath = "/" + $p' --arg p "$ID-cg"
	payload "$TERM_ENDS"
	ok create "$ID"
	[ "$(dirs "$ID-cg" | wc -l)" -gt 0 ]
	contains "$(cat "/proc/$(pid_of)/cgroup")" "/$ID-cg"
	ok delete --force "$ID"
	equals "$(dirs "$ID-cg")" ""
}

@test "cgroup: of a v1 host, in every hierarchy" {
	requires cgroups cgroup_v1
	update_config '.linux.cgroupsPath = "/" + $p' --arg p "$ID-cg"
	running
	local d c
	for d in memory pids cpu devices freezer; do
		c=$(awk -F: -v d="$d" '{ n = split($2, a, ","); for (i = 1; i <= n; i++) if (a[i] == d) print $3 }' "/proc/$(pid_of)/cgroup")
		contains "$c" "/$ID-cg"
	done
}

@test "cgroup: a path of several parts; only what was made is removed" {
	requires cgroups
	update_config '.linux.cgroupsPath = "/" + $p + "/a/b"' --arg p "$ID-cg"
	payload true
	ok run "$ID"
	equals "$(dirs b | grep -F "$ID")" ""
	# runc and others leave the parents, which may be shared: they are the caller's.
	local d
	dirs "$ID-cg" | while read -r d; do rmdir "$d/a" "$d" || return; done
}

@test "cgroup: without cgroupsPath the id is its name" {
	requires cgroups
	running
	contains "$(cat "/proc/$(pid_of)/cgroup")" "/$ID"
}

@test "cgroup: children are in it, and run in the foreground cleans up" {
	requires cgroups
	running 'sleep 999 & exec sleep 1000'
	local pid child
	pid=$(pid_of)
	until_true grep -q . "/proc/$pid/task/$pid/children"
	child=$(xargs <"/proc/$pid/task/$pid/children")
	equals "$(cat "/proc/$child/cgroup")" "$(cat "/proc/$pid/cgroup")"
	contains "$(cat "/proc/$child/cgroup")" "/$ID"
	payload 'exit 7'
	rt run "$ID-f"
	equals "$status" 7
	equals "$(dirs "$ID-f")" ""
}

@test "cgroup: a failing create leaves none" {
	requires cgroups
	update_config '.process.args = ["/no/such/program"]'
	rt create "$ID"
	[ "$status" != 0 ]
	equals "$(dirs "$ID")" ""
}

@test "cgroup: two containers of different ids do not share it" {
	requires cgroups
	payload 'exec sleep 1000'
	ok run -d "$ID"
	ok run -d "$ID-b"
	[ "$(cat "/proc/$(pid_of)/cgroup")" != "$(cat "/proc/$(pid_of "$ID-b")/cgroup")" ]
}

@test "cgroup: a path that leads out by .. stays in the hierarchy" {
	requires cgroups
	update_config '.linux.cgroupsPath = "/../../../" + $p' --arg p "$ID-cg"
	payload true
	rt run "$ID"
	[ ! -e "/sys/$ID-cg" ] && [ ! -e "/$ID-cg" ]
}
