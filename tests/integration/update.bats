# update: changes what it is told to, keeps the rest, and survives as the container's truth.
load ../lib/helpers
load ../lib/cgroups

setup() {
	make_bundle
	requires cgroups command_of_runtime:update
}

# limits [ID]: everything that update can change, as the kernel has it.
limits() {
	local c files f dir id=${1:-$ID}
	for c in memory cpu cpuset pids blkio; do
		has "$c" || continue
		dir=$(cgdir "$c" "$id")
		case $c in
		memory) files="memory.limit_in_bytes memory.soft_limit_in_bytes memory.memsw.limit_in_bytes memory.max memory.low memory.swap.max" ;;
		cpu) files="cpu.shares cpu.cfs_quota_us cpu.cfs_period_us cpu.cfs_burst_us cpu.idle cpu.weight cpu.max cpu.max.burst cpu.rt_period_us cpu.rt_runtime_us" ;;
		cpuset) files="cpuset.cpus cpuset.mems" ;;
		pids) files=pids.max ;;
		blkio) files="blkio.weight blkio.bfq.weight io.weight io.bfq.weight" ;;
		esac
		for f in $files; do
			[ ! -e "$dir/$f" ] || printf '%s %s\n' "$f" "$(<"$dir/$f")"
		done
	done
}

@test "update: every flag" {
	needs memory
	needs cpu
	needs cpuset
	needs pids
	running
	ok update --memory 64M --memory-reservation 33554432 --pids-limit 50 --cpu-share 512 \
		--cpu-quota 30000 --cpu-period 60000 --cpuset-cpus 0 --cpuset-mems 0 "$ID"
	equals "$(cg memory memory.limit_in_bytes memory.max)" 67108864
	equals "$(cg memory memory.soft_limit_in_bytes memory.low)" 33554432
	equals "$(cg pids pids.max pids.max)" 50
	equals "$(cg cpuset cpuset.cpus cpuset.cpus)" 0
	equals "$(cg cpuset cpuset.mems cpuset.mems)" 0
	if unified; then
		equals "$(cg cpu - cpu.weight)" 59
		equals "$(cg cpu - cpu.max)" "30000 60000"
	else
		equals "$(cg cpu cpu.shares -)" 512
		equals "$(cg cpu cpu.cfs_quota_us -) $(cg cpu cpu.cfs_period_us -)" "30000 60000"
	fi
}

@test "update: what is not named stays" {
	needs memory
	needs pids
	update_config '.linux.resources.memory = {limit: 67108864} | .linux.resources.pids = {limit: 30}'
	running
	ok update --pids-limit 40 "$ID"
	equals "$(cg memory memory.limit_in_bytes memory.max)" 67108864
	ok update --memory 50331648 "$ID"
	equals "$(cg pids pids.max pids.max)" 40
	equals "$(cg memory memory.limit_in_bytes memory.max)" 50331648
	[ "$FLAVOR" = ours ] || return 0
	# the container's truth is all of them together
	equals "$(jq -c '[.memory.limit, .pids.limit]' "$ROOT/$ID/resources.json")" "[50331648,40]"
}

@test "update: quota and period one after the other, and the quota lifted" {
	needs cpu
	update_config '.linux.resources.cpu = {quota: 20000, period: 50000}'
	running
	ok update --cpu-period 80000 "$ID"
	ok update --cpu-quota 40000 "$ID"
	if unified; then equals "$(cg cpu - cpu.max)" "40000 80000"; else
		equals "$(cg cpu cpu.cfs_quota_us -) $(cg cpu cpu.cfs_period_us -)" "40000 80000"
	fi
	ok update --cpu-quota -1 "$ID"
	if unified; then equals "$(cg cpu - cpu.max)" "max 80000"; else
		equals "$(cg cpu cpu.cfs_quota_us -) $(cg cpu cpu.cfs_period_us -)" "-1 80000"
	fi
}

@test "update --resources: a file, and stdin" {
	needs pids
	needs memory
	running
	echo '{"pids": {"limit": 33}, "memory": {"limit": 67108864}}' >"$T/r.json"
	ok update --resources "$T/r.json" "$ID"
	equals "$(cg pids pids.max pids.max) $(cg memory memory.limit_in_bytes memory.max)" "33 67108864"
	echo '{"pids": {"limit": 34}}' >"$T/in"
	ok update -r - "$ID" <"$T/in"
	equals "$(cg pids pids.max pids.max) $(cg memory memory.limit_in_bytes memory.max)" "34 67108864"
}

@test "update: of a created container holds after start" {
	needs pids
	payload 'exec sleep 1000'
	ok create "$ID"
	ok update --pids-limit 21 "$ID"
	ok start "$ID"
	equals "$(cg pids pids.max pids.max)" 21
}

@test "update: of a paused container" {
	needs pids
	requires freezer
	running
	ok pause "$ID"
	ok update --pids-limit 22 "$ID"
	equals "$(cg pids pids.max pids.max)" 22
	equals "$(state_of)" paused
}

@test "update: of a stopped or unknown one is an error" {
	running
	ok kill "$ID" KILL
	until_true is_status stopped
	no update --pids-limit 5 "$ID"
	no update --pids-limit 5 "$ID-x"
	contains "$output" "does not exist"
}

@test "update: bad values are refused, and nothing is changed" {
	needs pids
	needs cpuset
	update_config '.linux.resources.pids = {limit: 30}'
	running
	limits >"$T/before"
	rt update --pids-limit many "$ID"
	[ "$status" != 0 ]
	contains "$output" pids-limit
	rt update --memory 12parsecs "$ID"
	[ "$status" != 0 ]
	rt update --pids-limit 40 --cpuset-cpus 4000 "$ID"
	[ "$status" != 0 ]
	[ "$FLAVOR" != ours ] || contains "$output" linux.resources.cpu.cpus
	echo '{"pids": {"limit": "x"}}' >"$T/in"
	rt update --resources - "$ID" <"$T/in"
	[ "$status" != 0 ]
	not_with runc "does not take back what it has written before the error"
	if has blkio; then # written after pids
		echo '{"pids": {"limit": 40}, "blockIO": {"throttleReadBpsDevice": [{"major": 4000, "minor": 9, "rate": 1}]}}' >"$T/in"
		no update --resources - "$ID" <"$T/in"
		contains "$output" blockIO.throttleReadBpsDevice
	fi
	limits | diff "$T/before" -
}

@test "update: a memory limit below what is in use is refused with checkBeforeUpdate" {
	needs memory
	update_config '.linux.resources.memory = {limit: 134217728, checkBeforeUpdate: true}'
	running 'head -c 40m /dev/zero >/dev/shm/x; exec sleep 1000'
	used() { [ "$(cg memory memory.usage_in_bytes memory.current)" -gt 40000000 ]; }
	until_true used
	echo '{"memory": {"limit": 20971520, "checkBeforeUpdate": true}}' >"$T/in"
	rt update --resources - "$ID" <"$T/in"
	[ "$status" != 0 ]
	equals "$(state_of)" running
	equals "$(cg memory memory.limit_in_bytes memory.max)" 134217728
}

# what_can: of all flags, those that this host can do: the flag, its place in linux.resources, and a
# range of values that fit whatever the others are (quota is at least 1000, burst at most that; realtime
# takes little of the root's budget; swap includes memory).
what_can() {
	printf '%s\n' "pids-limit pids.limit 10 99" "cpu-share cpu.shares 2 9999" "cpu-quota cpu.quota 1000 50000" \
		"cpu-period cpu.period 50000 99999" "cpuset-cpus cpu.cpus 0 0" "cpuset-mems cpu.mems 0 0" \
		"memory memory.limit 67108864 134217728" "memory-reservation memory.reservation 1048576 33554432" \
		"kernel-memory - 1 9" "kernel-memory-tcp - 1 9"
	local f
	f=$(cgdir cpu)
	[ ! -e "$f/cpu.idle" ] || echo "cpu-idle cpu.idle 0 1"
	[ ! -e "$f/cpu.cfs_burst_us" ] && [ ! -e "$f/cpu.max.burst" ] || echo "cpu-burst cpu.burst 0 1000"
	[ ! -e "$f/cpu.rt_runtime_us" ] || printf '%s\n' "cpu-rt-period cpu.realtimePeriod 500000 999999" "cpu-rt-runtime cpu.realtimeRuntime 1000 9999"
	f=$(cgdir memory)
	[ ! -e "$f/memory.memsw.limit_in_bytes" ] && [ ! -e "$f/memory.swap.max" ] || echo "memory-swap memory.swap 134217728 268435456"
	! has blkio || ! ls "$(cgdir blkio)"/{blkio,blkio.bfq,io,io.bfq}.weight >/dev/null 2>&1 || echo "blkio-weight blockIO.weight 10 1000"
}

# some: one to three of them with a value each; page-aligned, where the kernel would round.
some() {
	shuf -n "$((RANDOM % 3 + 1))" "$T/can" | while read -r flag path from to; do
		local v=$((from + (RANDOM * 32768 + RANDOM) % (to - from + 1)))
		[ "$v" -lt 1048576 ] || v=$((v / 4096 * 4096))
		echo "$flag $path $v"
	done
}

# as_json: those lines as linux.resources; a later line goes over an earlier one.
as_json() {
	jq -Rcn 'reduce (inputs | split(" ") | select(.[1] != "-")) as [$f, $path, $v]
		({}; setpath($path | split("."); if $f | startswith("cpuset") then $v else $v | tonumber end))'
}

@test "update: any sequence, by flags and --resources, equals the one combined update" {
	ours_only "runc's update of quota and period depends on their order"
	needs memory
	needs cpu
	needs cpuset
	needs pids
	RANDOM=${SBT_SEED:-$$}
	echo "seed ${SBT_SEED:-$$}"
	update_config '.linux.resources.memory.limit = 100663296' # v2 takes a limit of swap only beside one of memory
	running
	ok run -d "$ID-one"
	what_can >"$T/can"
	local round i flags
	: >"$T/used"
	for round in 1 2 3 4 5 6 7 8; do
		: >"$T/all"
		for i in 1 2 3; do
			some | tee "$T/some" >>"$T/all"
			if ((RANDOM % 2)); then
				mapfile -t flags < <(awk '{ print "--" $1 "=" $3 }' "$T/some")
				ok update "${flags[@]}" "$ID"
			else
				as_json <"$T/some" | tee "$T/in"
				ok update --resources - "$ID" <"$T/in"
			fi
		done
		cut -d ' ' -f 1 "$T/all" >>"$T/used"
		as_json <"$T/all" | tee "$T/in"
		ok update --resources - "$ID-one" <"$T/in"
		limits "$ID" >"$T/a"
		limits "$ID-one" >"$T/b"
		diff "$T/a" "$T/b"
	done
	echo "flags in use: $(sort -u "$T/used" | xargs)"
	(($(sort -u "$T/used" | wc -l) >= 8))
	# and it has changed something
	ok update --pids-limit 123 "$ID-one"
	limits "$ID-one" >"$T/b"
	run diff "$T/a" "$T/b"
	[ "$status" != 0 ]
}
