# linux.resources: every limit arrives in the kernel, or create fails and names it.
load ../lib/helpers
load ../lib/cgroups

setup() {
	make_bundle
	requires cgroups
}

# refused FIELD PART...: create fails because of this field, and leaves nothing (see teardown).
refused() {
	rt run -d "$ID"
	[ "$status" != 0 ] || fail "this limit was accepted"
	[ "$FLAVOR" != ours ] || contains "$output" "$@"
}

# block_device: MAJOR:MINOR of one that can be throttled.
block_device() {
	local f
	for f in /sys/block/*/queue; do
		f=${f%/queue}
		[[ $f == */loop* || $f == */ram* || $f == */zram* ]] || { cat "$f/dev"; return; }
	done
	skip "this host has no block device"
}

@test "memory: limit and reservation" {
	needs memory
	update_config '.linux.resources.memory = {limit: 67108864, reservation: 33554432}'
	running
	equals "$(cg memory memory.limit_in_bytes memory.max)" 67108864
	equals "$(cg memory memory.soft_limit_in_bytes memory.low)" 33554432
}

@test "memory: -1 is no limit" {
	needs memory
	update_config '.linux.resources.memory = {limit: 67108864}'
	running
	equals "$(cg memory memory.limit_in_bytes memory.max)" 67108864
	ok update --memory -1 "$ID"
	if unified; then
		equals "$(cg memory - memory.max)" max
	else
		[ "$(cg memory memory.limit_in_bytes -)" -gt 1000000000000 ]
	fi
}

@test "memory: the limit is enforced" {
	needs memory
	update_config '.linux.resources.memory = {limit: 33554432}'
	inside 'dd if=/dev/zero of=/dev/null bs=100M count=1; echo "code $?"'
	contains "$stdout" "code 137"
}

@test "memory: swap, the sum of both on v1, the difference on v2" {
	needs memory
	update_config '.linux.resources.memory = {limit: 67108864, swap: 100663296}'
	local file=memory.memsw.limit_in_bytes want=100663296
	! unified || file=memory.swap.max want=33554432
	payload 'exec sleep 1000'
	rt run -d "$ID"
	if [ "$status" = 0 ]; then
		equals "$(cat "$(cgdir memory)/$file")" "$want"
	else # a kernel without swap accounting can't do this
		contains "$output" "${file#memory.}"
		[ "$FLAVOR" != ours ] || contains "$output" linux.resources.memory.swap
	fi
}

@test "memory: swap below the limit is refused" {
	needs memory
	update_config '.linux.resources.memory = {limit: 67108864, swap: 33554432}'
	refused linux.resources.memory.swap "memory+swap limit should be >= memory limit"
}

@test "memory: disableOOMKiller and swappiness on v1, refused on v2" {
	needs memory
	update_config '.linux.resources.memory = {disableOOMKiller: true, swappiness: 30}'
	if unified; then
		refused linux.resources.memory.disableOOMKiller
		update_config '.linux.resources.memory = {swappiness: 30}'
		refused linux.resources.memory.swappiness
		return
	fi
	running
	contains "$(cg memory memory.oom_control -)" "oom_kill_disable 1"
	equals "$(cg memory memory.swappiness -)" 30
}

@test "memory: 512 KiB are enough, because nothing of the runtime is charged" {
	needs memory
	not_with runc "its init is a Go program"
	not_with crun "its init is a C program of more than that"
	tiny_program rootfs/p
	update_config '.process.args = ["/p"] | .linux.resources.memory = {limit: 524288}'
	local i
	for i in 1 2 3; do
		ok run -d "$ID"
		equals "$(state_of)" running
		equals "$(cg memory memory.limit_in_bytes memory.max)" 524288
		[ "$(cg memory memory.usage_in_bytes memory.current)" -gt 0 ]
		ok delete --force "$ID"
	done
}

@test "cpu: shares, quota, period" {
	needs cpu
	update_config '.linux.resources.cpu = {shares: 2048, quota: 20000, period: 50000}'
	running
	if unified; then
		equals "$(cg cpu - cpu.weight)" 174
		equals "$(cg cpu - cpu.max)" "20000 50000"
	else
		equals "$(cg cpu cpu.shares -)" 2048
		equals "$(cg cpu cpu.cfs_quota_us -) $(cg cpu cpu.cfs_period_us -)" "20000 50000"
	fi
}

@test "cpu: shares become weights by the curve of runc 1.3.2 and crun 1.23" {
	needs cpu
	requires cgroup_v2
	running
	local pair
	for pair in 2:1 512:59 1024:100 2048:174 262144:10000; do
		ok update --cpu-share "${pair%:*}" "$ID"
		equals "$(cg cpu - cpu.weight)" "${pair#*:}"
	done
}

@test "cpu: the quota is enforced" {
	needs cpu
	update_config '.linux.resources.cpu = {quota: 5000, period: 100000}'
	running 'while :; do :; done'
	throttled() { [ "$(cg cpu cpu.stat cpu.stat | awk '/^nr_throttled/ { print $2 }')" -gt 0 ]; }
	until_true throttled
}

@test "cpu: burst" {
	needs cpu
	update_config '.linux.resources.cpu = {quota: 50000, period: 100000, burst: 10000}'
	payload 'exec sleep 1000'
	rt run -d "$ID"
	if [ "$status" = 0 ]; then
		equals "$(cg cpu cpu.cfs_burst_us cpu.max.burst)" 10000
	else # before Linux 5.14
		contains "$output" linux.resources.cpu.burst
	fi
}

@test "cpu: idle" {
	needs cpu
	update_config '.linux.resources.cpu = {idle: 1}'
	payload 'exec sleep 1000'
	rt run -d "$ID"
	if [ "$status" = 0 ]; then
		equals "$(cg cpu cpu.idle cpu.idle)" 1
	else # before Linux 5.15
		contains "$output" linux.resources.cpu.idle
	fi
}

@test "cpu: realtime, or an error that names it" {
	needs cpu
	update_config '.linux.resources.cpu = {realtimePeriod: 1000000, realtimeRuntime: 10000}'
	payload 'exec sleep 1000'
	rt run -d "$ID"
	if [ "$status" = 0 ]; then
		not_with crun "ignores it on v2"
		not_with runc "ignores it on v2"
		equals "$(cg cpu cpu.rt_runtime_us -)" 10000
	else # v2 has none, and most kernels have no CONFIG_RT_GROUP_SCHED, or the parent has no budget
		[ "$FLAVOR" != ours ] || contains "$output" linux.resources.cpu.realtime
	fi
}

@test "cpu: shares out of range are refused on v1" {
	needs cpu
	requires cgroup_v1
	update_config '.linux.resources.cpu = {shares: 262145}'
	refused linux.resources.cpu.shares "maximum allowed cpu-shares is 262144"
}

@test "cpuset: cpus and mems" {
	needs cpuset
	update_config '.linux.resources.cpu = {cpus: "0", mems: "0"}'
	inside 'grep -E "^(Cpus|Mems)_allowed_list" /proc/self/status'
	equals "$stdout" $'Cpus_allowed_list:\t0\nMems_allowed_list:\t0'
}

@test "cpuset: a CPU that does not exist is refused" {
	needs cpuset
	update_config '.linux.resources.cpu = {cpus: "4000"}'
	refused linux.resources.cpu.cpus 4000
}

@test "pids: a limit, 0 means one, -1 means none" {
	needs pids
	local pair
	for pair in 20:20 -1:max; do
		update_config '.linux.resources.pids = {limit: $n}' --argjson n "${pair%:*}"
		running
		equals "$(cg pids pids.max pids.max)" "${pair#*:}"
		ok delete --force "$ID"
	done
	not_with crun "takes 0 for none"
	not_with runc "before 1.4 takes 0 for none"
	update_config '.linux.resources.pids = {limit: 0}'
	running
	equals "$(cg pids pids.max pids.max)" 1
}

@test "pids: the limit is enforced" {
	needs pids
	update_config '.linux.resources.pids = {limit: 8}'
	payload 'i=0; while [ $i -lt 20 ]; do sleep 100 & i=$((i + 1)); done; echo all'
	rt run "$ID"
	contains "$output" "can't fork"
}

@test "blockIO: weight, or an error that names it" {
	needs blkio
	update_config '.linux.resources.blockIO = {weight: 500}'
	payload 'exec sleep 1000'
	rt run -d "$ID"
	if [ "$status" != 0 ]; then # without BFQ, and before that without CFQ, there is none
		[ "$FLAVOR" != ours ] || contains "$output" linux.resources.blockIO.weight
		return
	fi
	local dir found=
	dir=$(cgdir blkio)
	for f in blkio.weight:500 blkio.bfq.weight:500 io.bfq.weight:500 "io.weight:default 4950" "io.bfq.weight:default 500"; do
		[ ! -e "$dir/${f%%:*}" ] || ! grep -qx "${f#*:}" "$dir/${f%%:*}" || found=$f
	done
	[ -n "$found" ] || fail "no file holds the weight"
}

@test "blockIO: a weight out of range is refused" {
	needs blkio
	update_config '.linux.resources.blockIO = {weight: 1001}'
	refused linux.resources.blockIO.weight
}

@test "blockIO: rates of a device" {
	needs blkio
	local dev
	dev=$(block_device)
	update_config '.linux.resources.blockIO = {
		throttleReadBpsDevice: [{major: $a, minor: $b, rate: 1048576}],
		throttleWriteIOPSDevice: [{major: $a, minor: $b, rate: 300}]}' --argjson a "${dev%:*}" --argjson b "${dev#*:}"
	running
	if unified; then
		contains "$(cg blkio - io.max)" "$dev rbps=1048576" wiops=300
	else
		equals "$(cg blkio blkio.throttle.read_bps_device -)" "$dev 1048576"
		equals "$(cg blkio blkio.throttle.write_iops_device -)" "$dev 300"
	fi
}

@test "blockIO: a device that does not exist is refused" {
	needs blkio
	update_config '.linux.resources.blockIO = {throttleReadBpsDevice: [{major: 4000, minor: 9, rate: 1048576}]}'
	refused 'linux.resources.blockIO.throttleReadBpsDevice[0].rate' 4000:9
}

@test "hugepageLimits: enforced, or an error that names the field" {
	update_config '.linux.resources.hugepageLimits = [{pageSize: "2MB", limit: 4194304}]'
	if ! has hugetlb; then
		not_with runc "leaves out what this host has no controller for"
		refused 'linux.resources.hugepageLimits[0].limit' hugetlb
		return
	fi
	running
	equals "$(cg hugetlb hugetlb.2MB.limit_in_bytes hugetlb.2MB.max)" 4194304
}

@test "network: class and priorities of v1, or an error that names the field" {
	update_config '.linux.resources.network = {classID: 1048577}'
	if has net_cls && ! unified; then
		running
		equals "$(cg net_cls net_cls.classid -)" 1048577
	else
		not_with runc "ignores it without the controller"
		refused linux.resources.network.classID
	fi
	[ ! -d "$ROOT/$ID" ] || ok delete --force "$ID"
	update_config '.linux.resources.network = {priorities: [{name: "lo", priority: 3}]}'
	if has net_prio && ! unified; then
		running
		contains "$(cg net_prio net_prio.ifpriomap -)" "lo 3"
	else
		not_with runc "ignores it without the controller"
		refused 'linux.resources.network.priorities[0]'
	fi
}

@test "rdma: of a device that is not there, an error that names it" {
	update_config '.linux.resources.rdma = {"none0": {hcaHandles: 3, hcaObjects: 10}}'
	not_with runc "ignores it without the controller"
	refused 'linux.resources.rdma["none0"]'
}

@test "unified: files by name on v2, an error on v1" {
	needs memory
	update_config '.linux.resources.unified = {"memory.high": "50331648"}'
	if ! unified; then
		refused 'linux.resources.unified["memory.high"]' "cgroup v1"
		return
	fi
	running
	equals "$(cg memory - memory.high)" 50331648
	ok delete --force "$ID"
	update_config '.linux.resources.unified = {"nonsense.max": "1"}'
	refused 'linux.resources.unified["nonsense.max"]' nonsense
	update_config '.linux.resources.unified = {"../memory.high": "1"}'
	refused linux.resources.unified
}

@test "devices: denied unless a rule allows it" {
	requires cap_mknod
	local d dev=
	for d in fuse loop-control vhost-net rtc0 ttyS0 hpet; do # not allowed by default, harmless to open
		if [ -c "/dev/$d" ] && (: <"/dev/$d") 2>/dev/null; then dev=$(stat -c '%Hr %Lr' "/dev/$d") && break; fi
	done
	[ -n "$dev" ] || skip "this host has no device for the test"
	update_config '.process.capabilities |= map_values(. + ["CAP_MKNOD"])'
	inside "mknod /dev/k c $dev; (: </dev/k) 2>&1; echo code \$?"
	contains "$stdout" "code 1" "Operation not permitted"
	update_config '.linux.resources.devices += [{allow: true, type: "c", major: $a, minor: $b, access: "r"}]' \
		--argjson a "${dev% *}" --argjson b "${dev#* }"
	inside "mknod /dev/k c $dev; (: </dev/k) && echo opened; (: >>/dev/k) 2>/dev/null || echo not for writing"
	contains "$stdout" opened "not for writing"
}
