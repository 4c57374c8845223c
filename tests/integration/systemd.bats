# --systemd-cgroup: the cgroup is a scope of systemd's, root's or the user's own.
load ../lib/helpers
load ../lib/cgroups

setup() {
	make_bundle
	[ -d /run/systemd/system ] || skip "systemd does not run here"
	CTL=(systemctl)
	if [ "$(id -u)" != 0 ]; then
		requires cgroup_v2
		CTL=(systemctl --user)
		"${CTL[@]}" show-environment >/dev/null 2>&1 || skip "this user has no systemd of their own"
	fi
	UNIT=sbt-$ID.scope
	RT_GLOBAL=(--systemd-cgroup)
	update_config '.linux.cgroupsPath = ":sbt:" + $id' --arg id "$ID"
}

teardown() {
	clean_up
	[ ! -d /run/systemd/system ] || no_unit "$UNIT"
}

no_unit() {
	until_true unloaded "$1"
}
unloaded() { [ "$("${CTL[@]}" show -P LoadState "$1")" = not-found ]; }
property() { "${CTL[@]}" show -P "$1" "$UNIT"; }

@test "systemd: a delegated scope is made, and is gone after delete" {
	running
	contains "$(cat "/proc/$(pid_of)/cgroup")" "/$UNIT"
	equals "$(property ActiveState) $(property Delegate)" "active yes"
	contains "$(property Description)" "$ID"
	ok delete --force "$ID"
	no_unit "$UNIT"
	equals "$(dirs "$UNIT")" ""
}

@test "systemd: run in the foreground leaves nothing" {
	inside 'cat /proc/self/cgroup'
	no_unit "$UNIT"
}

@test "systemd: a slice of several parts" {
	[ "$(id -u)" = 0 ] || skip "root's"
	update_config '.linux.cgroupsPath = "sbt-inner.slice:sbt:" + $id' --arg id "$ID"
	running
	contains "$(cat "/proc/$(pid_of)/cgroup")" "/sbt.slice/sbt-inner.slice/$UNIT"
	ok delete --force "$ID"
	"${CTL[@]}" stop sbt-inner.slice sbt.slice
}

@test "systemd: limits are known to it, and in force" {
	needs pids
	needs cpu
	update_config '.linux.resources.pids = {limit: 30} | .linux.resources.cpu = {shares: 512, quota: 20000, period: 100000}'
	! has memory || update_config '.linux.resources.memory = {limit: 67108864}'
	running
	! has memory || equals "$(cg memory memory.limit_in_bytes memory.max)" 67108864
	equals "$(cg pids pids.max pids.max)" 30
	equals "$(property TasksMax)" 30
	equals "$(property CPUQuotaPerSecUSec)" 200ms
	if unified; then
		equals "$(property CPUWeight)" 59
		! has memory || equals "$(property MemoryMax)" 67108864
	else
		equals "$(property CPUShares)" 512
	fi
}

@test "systemd: update changes both" {
	needs pids
	running
	local memory=()
	! has memory || memory=(--memory 50331648)
	ok update "${memory[@]}" --pids-limit 25 "$ID"
	! has memory || equals "$(cg memory memory.limit_in_bytes memory.max)" 50331648
	equals "$(cg pids pids.max pids.max) $(property TasksMax)" "25 25"
	"${CTL[@]}" daemon-reload # systemd writes what it knows again
	equals "$(cg pids pids.max pids.max)" 25
	! has memory || equals "$(cg memory memory.limit_in_bytes memory.max)" 50331648
}

@test "systemd: properties by annotation" {
	update_config '.annotations += {"org.systemd.property.TimeoutStopUSec": "uint64 123000000",
		"org.systemd.property.Description": "'"'made by a test'"'"}'
	running
	equals "$(property TimeoutStopUSec) $(property Description)" "2min 3s made by a test"
	ok delete --force "$ID"
	update_config '.annotations += {"org.systemd.property.TimeoutStopUSec": "uint64 soon"}'
	rt run "$ID"
	[ "$status" != 0 ]
	contains "$output" TimeoutStopUSec
}

@test "systemd: exec, pause and kill work in the scope" {
	running
	inside=$(cut -d: -f3 <"/proc/$(pid_of)/cgroup" | tail -n1)
	ok exec -d "$ID" sleep 5000
	ok ps --format json "$ID"
	equals "$(jq length <<<"$stdout")" 2
	local pid
	for pid in $(jq '.[]' <<<"$stdout"); do contains "$(cat "/proc/$pid/cgroup")" "$inside"; done
	ok pause "$ID"
	equals "$(state_of)" paused
	ok resume "$ID"
	ok kill "$ID" KILL
	until_true is_status stopped
	ok delete "$ID"
}

@test "systemd: a unit in use is refused, and not touched" {
	running
	rt run -d "$ID-b"
	[ "$status" != 0 ]
	ok exec "$ID" true
	equals "$(property ActiveState)" active
}

@test "systemd: a create that fails leaves no unit" {
	update_config '.process.args = ["/no/such/program"]'
	rt run "$ID"
	[ "$status" != 0 ]
	no_unit "$UNIT"
	update_config '.process.args = ["true"] | .linux.resources.cpu = {cpus: "4000"}'
	needs cpuset
	rt run "$ID"
	[ "$status" != 0 ]
	no_unit "$UNIT"
}

@test "systemd: a path of another form is refused" {
	update_config '.linux.cgroupsPath = "/sbt/" + $id' --arg id "$ID"
	rt run "$ID"
	[ "$status" != 0 ]
	contains "$output" 'expected cgroupsPath to be of format "slice:prefix:name"'
	update_config '.linux.cgroupsPath = "a/b:sbt:" + $id' --arg id "$ID"
	rt run "$ID"
	[ "$status" != 0 ]
}

@test "systemd: its absence is an error" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	status=0
	SBT_TEST=$ID unshare --mount --propagation private bash -euc \
		'mount -t tmpfs none /run/systemd; "$@"' - "$RUNTIME" --root "$ROOT" --systemd-cgroup run "$ID" >"$T/stdout" 2>"$T/stderr" 3>&- || status=$?
	collect "run without systemd"
	[ "$status" != 0 ]
	contains "$output" "systemd not running on this host"
}
