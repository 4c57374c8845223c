# features, entry by entry: each one that it lists is carried out, and its effect looked at. An entry that
# these tests do not know fails them. What this host cannot show is a skip with its reason.
load ../lib/helpers

setup() {
	make_bundle
	requires command_of_runtime:features
	ours_only "peers list what they pass on to the kernel, and lack some"
	"$RUNTIME" features >"$T/features.json" 3>&-
}
feature() { jq -r "$1" "$T/features.json"; }
listed() { jq -e "$1 | index(\$v) != null" --arg v "$2" "$T/features.json" >/dev/null; }

# --- mount options. All in one container: each on a mount of its own, at /m/OPTION.

MOUNTS=()
mount_json() { MOUNTS+=("$1"); }
option_list() { printf '"%s",' "$@" | sed 's/,$//'; }
new_fs() { # OPTION [FIRST-OPTION]: a tmpfs
	mount_json "{\"destination\": \"/m/$1\", \"type\": \"tmpfs\", \"source\": \"x\", \"options\": [$(option_list ${2:+"$2"} "$1")]}"
}
changed() { # OPTION FIRST-OPTION: a tmpfs and one in it are remounted with the second, and then, the outer one, with the first
	local at
	for at in "/m/$1" "/m/$1/sub"; do mount_json "{\"destination\": \"$at\", \"type\": \"tmpfs\", \"source\": \"x\"}"; done
	# Not by the first mount itself: a tmpfs becomes read-only when all is in it.
	for at in "/m/$1" "/m/$1/sub"; do
		[[ $2 == size=* ]] || mount_json "{\"destination\": \"$at\", \"options\": [$(option_list bind remount "$2")]}"
	done
	mount_json "{\"destination\": \"/m/$1\", \"options\": [$(option_list bind remount "$1")]}"
}
from_src() { # OPTION: a bind of $T/src, which is shared, with all below it
	mount_json "{\"destination\": \"/m/$1\", \"source\": \"$T/src\", \"options\": [$(option_list rbind "$1")]}"
}

# The flag of mountinfo that an option without its r sets (+flag), clears (-flag), or that is there anyway (=).
effect() {
	case $1 in
	ro) echo +ro ;; rw) echo -ro ;;
	nosuid | nodev | noexec | noatime | nodiratime | nosymfollow) echo "+$1" ;;
	suid | dev | exec | diratime | symfollow) echo "-no$1" ;;
	atime) echo -noatime ;;
	relatime) echo +relatime ;; nostrictatime) echo +relatime ;;
	strictatime | norelatime) echo -relatime ;;
	*) return 1 ;;
	esac
}
before() { # EFFECT OPTION: an option that makes it visible
	case $1:$2 in
	+relatime:*nostrictatime) echo strictatime ;;
	+relatime:*) echo noatime ;;
	-relatime:*) echo relatime ;;
	-*) echo "${1#-}" ;;
	esac
}

# prepare OPTION adds its mounts; check OPTION looks at $stdout, which is mountinfo and more.
prepare() {
	local o=$1 e
	case $o in
	bind | rbind) mount_json "{\"destination\": \"/m/$o\", \"source\": \"$T/src\", \"options\": [\"$o\"]}" ;;
	remount) changed remount ro && MOUNTS[-1]=${MOUNTS[-1]/'"remount","remount"'/'"remount","rw"'} ;;
	shared | slave | private | unbindable | rshared | rslave | rprivate | runbindable) from_src "$o" ;;
	async) new_fs async sync ;; nolazytime) new_fs nolazytime lazytime ;;
	sync | dirsync | lazytime | iversion | noiversion | mand | nomand | defaults | loud | silent) new_fs "$o" ;;
	tmpcopyup) new_fs tmpcopyup && mkdir -p rootfs/m/tmpcopyup && touch rootfs/m/tmpcopyup/below ;;
	idmap | ridmap)
		from_src "$o"
		MOUNTS[-1]="${MOUNTS[-1]%\}}, \"uidMappings\": [{\"containerID\": 77, \"hostID\": 0, \"size\": 10}],
			\"gidMappings\": [{\"containerID\": 77, \"hostID\": 0, \"size\": 10}]}"
		;;
	*)
		if e=$(effect "$o"); then
			if [[ $e == +* && $e != +relatime ]]; then new_fs "$o"; else changed "$o" "$(before "$e" "$o")"; fi
		elif [[ $o == r* ]] && e=$(effect "${o#r}"); then
			case $e in
			+relatime) changed "$o" "$(before "$e" "$o")" ;;
			+*) changed "$o" size=1m ;;
			*) changed "$o" "$(before "$e" "$o")" ;;
			esac
		else
			fail "these tests do not know the mount option $o"
		fi
		;;
	esac
}

line_of() { awk -v at="/m/$1" '$5 == at' <<<"$stdout" | tail -n1; }
flags_of() { line_of "$1" | cut -d' ' -f6; }
has_flag() { [[ ,$(flags_of "$1"), == *,$2,* ]]; }
wanted() { # MOUNT EFFECT OPTION
	case $2 in
	+*) has_flag "$1" "${2#+}" ;; -*) ! has_flag "$1" "${2#-}" ;;
	esac || fail "option $3: want $2 at /m/$1, which has $(flags_of "$1")"
}
tag_of() { line_of "$1" | sed 's/ - .*//' | cut -d' ' -f7- | sed 's/:[0-9]*//g'; }
super_of() { line_of "$1" | sed 's/.* - //' | cut -d' ' -f3; }

look_at() {
	local o=$1 e
	case $o in
	bind) equals "$(grep ^bind: <<<"$stdout")" "bind: sub" ;;
	rbind) contains "$stdout" "rbind: sub in" ;;
	remount) wanted remount -ro remount ;;
	shared | rshared) equals "$o $(tag_of "$o" | cut -d' ' -f1)" "$o shared" ;;
	slave | rslave) equals "$o $(tag_of "$o")" "$o master" ;;
	private | rprivate) equals "$o $(tag_of "$o")" "$o " ;;
	unbindable | runbindable) equals "$o $(tag_of "$o")" "$o unbindable" ;;
	async) [[ ,$(super_of async), != *,sync,* ]] || fail "async: $(super_of async)" ;;
	nolazytime) [[ ,$(super_of nolazytime), != *,lazytime,* ]] || fail "nolazytime: $(super_of nolazytime)" ;;
	sync | dirsync | lazytime) contains ",$(super_of "$o")," ",$o," ;;
	# The kernel shows nothing of these; since 5.15 it has no mandatory locks.
	iversion | noiversion | mand | nomand | defaults | loud | silent) [ -n "$(line_of "$o")" ] || fail "$o: not mounted" ;;
	tmpcopyup) contains "$stdout" "tmpcopyup: below" ;;
	idmap) contains "$stdout" "idmap: 0 77" ;;
	ridmap) contains "$stdout" "ridmap: 0 0" ;;
	*)
		if e=$(effect "$o"); then
			wanted "$o" "$e" "$o"
			if [[ $e == -* ]]; then ! wanted "$o/sub" "$e" "$o" 2>/dev/null || fail "$o is recursive"; fi
		else
			e=$(effect "${o#r}")
			wanted "$o" "$e" "$o" && wanted "$o/sub" "$e" "$o"
		fi
		;;
	esac
	case $o in
	rshared) equals "sub of $o $(tag_of "$o/sub" | cut -d' ' -f1)" "sub of $o shared" ;;
	rslave) equals "sub of $o $(tag_of "$o/sub")" "sub of $o master" ;;
	rprivate) equals "sub of $o $(tag_of "$o/sub")" "sub of $o " ;;
	runbindable) equals "sub of $o $(tag_of "$o/sub")" "sub of $o unbindable" ;;
	esac
}

@test "features: each mount option has its effect" {
	requires "root:the test mounts on the host"
	local o tried=()
	mkdir -p "$T/src/sub" "$T/other"
	touch "$T/src/file" "$T/other/in"
	chown 77:77 "$T/src/file" "$T/other/in"
	for o in $(feature '.mountOptions[]'); do
		case $o in idmap | ridmap) idmap_works || continue ;; esac
		prepare "$o"
		tried+=("$o")
	done
	printf '%s\n' "${MOUNTS[@]}" | jq -s . >"$T/mounts.json"
	update_config '.mounts += $m[0] | .root.readonly = false' --slurpfile m "$T/mounts.json"
	payload 'cat /proc/self/mountinfo
		for o in bind rbind; do echo $o: sub $(ls /m/$o/sub); done; echo tmpcopyup: $(ls /m/tmpcopyup)
		for o in idmap ridmap; do echo $o: $(stat -c %u /m/$o/file /m/$o/sub/in 2>/dev/null); done'
	# On a host whose mounts are shared, as systemd makes them.
	status=0
	SBT_TEST=$ID timeout 120 unshare -m sh -c 'mount --bind "$2/src" "$2/src" && mount --bind "$1" "$2/src/sub" && mount --make-rshared "$2/src" && shift 2 && exec "$@"' - \
		"$T/other" "$T" "$RUNTIME" --root "$ROOT" run "$ID" >"$T/stdout" 2>"$T/stderr" 3>&- </dev/null || status=$?
	collect "run with ${#MOUNTS[@]} mounts"
	equals "$status" 0
	for o in "${tried[@]}"; do look_at "$o"; done
	[ "${#tried[@]}" -gt 55 ] || fail "only ${#tried[@]} options were tried"
}

@test "features: a mount option that is not listed is not one" {
	local o
	for o in rsync rasync rmand rlazytime nosync copy-symlink src-nofollow noremount RO Ro " ro" "ro " rro2 xro user bindd rbin; do
		! listed .mountOptions "$o" || fail "$o is listed"
		cp "$BATS_RUN_TMPDIR/base/config.json" .
		update_config '.mounts += [{destination: "/mnt", type: "tmpfs", source: "x", options: [$o]}] | .process.args = ["true"]' --arg o "$o"
		no run "$ID"
		contains "$output" "mounts[" "$o"
	done
}

# --- namespaces, capabilities, versions

@test "features: each capability that the runtime holds can be given, and no other name" {
	requires root
	update_config '.process.capabilities = {bounding: $c, permitted: $c, effective: $c}' --argjson c "$(feature '.linux.capabilities | tojson')"
	inside 'grep -E "^Cap(Bnd|Prm|Eff)" /proc/self/status'
	local held
	held=$(awk '/^CapPrm/ {print $2}' /proc/self/status)
	equals "$(awk '{print $2}' <<<"$stdout" | sort -u)" "$held"
	local name
	for name in CAP_NONSENSE NET_ADMIN cap_net_admin "CAP_NET_ADMIN "; do
		! listed .linux.capabilities "$name" || fail "$name is listed"
		update_config '.process.capabilities = {bounding: [$n], permitted: [$n], effective: [$n]}' --arg n "$name"
		inside 'grep ^CapEff /proc/self/status'
		contains "$stderr" "process.capabilities" "$name"
		contains "$stdout" 0000000000000000
	done
}

@test "features: a namespace, a hook that is not listed" {
	local t
	update_config 'del(.hostname)'
	for t in syslog mnt net NETWORK ""; do
		! listed .linux.namespaces "$t" || fail "$t is listed"
		update_config '.linux.namespaces = [{type: "mount"}, {type: $t}]' --arg t "$t"
		no run "$ID"
		contains "$output" "linux.namespaces[1]"
	done
	cp "$BATS_RUN_TMPDIR/base/config.json" .
	update_config '.hooks = {afterLunch: [{path: "/bin/sh", args: ["sh", "-c", $c]}]}' --arg c "echo x >$T/ran"
	inside true
	[ ! -e "$T/ran" ] || fail "an unknown hook was run"
}

@test "features: both versions of the specification, and none above" {
	local v
	for v in "$(feature .ociVersionMin)" "$(feature .ociVersionMax)"; do
		update_config '.ociVersion = $v' --arg v "$v"
		inside true
	done
	for v in 0.9.0 2.0.0 x; do
		update_config '.ociVersion = $v' --arg v "$v"
		no run "$ID"
		contains "$output" ociVersion
	done
}

# --- seccomp. The call is chmod, whose second argument tells conditions apart.

profile() { update_config '.linux.seccomp = ('"$1"')' "${@:2}"; }
RULE='{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["chmod"], action: $a, args: [{index: 1, value: 416, valueTwo: $two, op: $op}]},
	{names: ["fchmodat", "fchmodat2"], action: $a, args: [{index: 2, value: 416, valueTwo: $two, op: $op}]}]}'

# tried ACTION OPERATOR [VALUETWO]: $stdout are the modes of 600, 640, 750 that could be set.
tried() {
	profile "$RULE" --arg a "$1" --arg op "$2" --argjson two "${3:-0}"
	payload 'touch /tmp/f; for m in 600 640 750; do chmod $m /tmp/f 2>/tmp/why && echo $m; done; cat /tmp/why'
	rt run "$ID"
}

@test "features: each seccomp action" {
	local a
	update_config '.mounts += [{destination: "/tmp", type: "tmpfs", source: "x"}]'
	for a in $(feature '.linux.seccomp.actions[]'); do
		if [ "$a" = SCMP_ACT_NOTIFY ]; then # with an agent: seccomp.bats
			profile '{defaultAction: "SCMP_ACT_ALLOW", listenerPath: "/no/agent", syscalls: [{names: ["chmod", "fchmodat", "fchmodat2"], action: $a}]}' --arg a "$a"
			no run "$ID"
			contains "$output" /no/agent
			continue
		fi
		tried "$a" SCMP_CMP_EQ
		case $a in
		SCMP_ACT_ALLOW | SCMP_ACT_LOG) equals "$a $(xargs <<<"$stdout")" "$a 600 640 750" ;;
		SCMP_ACT_ERRNO) equals "$(sed '/chmod/d' <<<"$stdout" | xargs)" "600 750" ;;
		SCMP_ACT_TRACE) equals "$(sed '/chmod/d' <<<"$stdout" | xargs)" "600 750" ;;
		# The shell's chmod may be a process of its own, or the shell itself.
		SCMP_ACT_KILL | SCMP_ACT_KILL_PROCESS | SCMP_ACT_KILL_THREAD | SCMP_ACT_TRAP)
			[ "$status" = 159 ] || equals "$a $(xargs <<<"$stdout")" "$a 600 750" ;;
		*) fail "these tests do not know the action $a" ;;
		esac
	done
	for a in SCMP_ACT_NONSENSE ALLOW scmp_act_allow; do
		profile '{defaultAction: $a}' --arg a "$a"
		no run "$ID"
		contains "$output" linux.seccomp.defaultAction "$a"
	done
}

@test "features: each seccomp operator" {
	local o want two
	update_config '.mounts += [{destination: "/tmp", type: "tmpfs", source: "x"}]'
	for o in $(feature '.linux.seccomp.operators[]'); do
		two=0
		case $o in # 416 is 0640
		SCMP_CMP_EQ) want="600 750" ;; SCMP_CMP_NE) want=640 ;;
		SCMP_CMP_LT) want="640 750" ;; SCMP_CMP_LE) want=750 ;;
		SCMP_CMP_GT) want="600 640" ;; SCMP_CMP_GE) want=600 ;;
		SCMP_CMP_MASKED_EQ) two=384 want="640 750" ;; # 0640 & mode == 0600
		*) fail "these tests do not know the operator $o" ;;
		esac
		tried SCMP_ACT_ERRNO "$o" "$two"
		equals "$o $(sed '/chmod/d' <<<"$stdout" | xargs)" "$o $want"
	done
	for o in SCMP_CMP_XOR EQ; do
		tried SCMP_ACT_ERRNO "$o"
		equals "$status" 1
		contains "$output" linux.seccomp.syscalls "$o"
	done
}

@test "features: each seccomp architecture is loaded, and each flag" {
	[ "$(uname -m)" = x86_64 ] || [ "$(uname -m)" = aarch64 ] || skip "which byte orders differ is written for x86_64 and aarch64"
	# What a program of another machine would be answered is tested on the filter itself (libsandbox/seccomp).
	local a
	for a in $(feature '.linux.seccomp.archs[]'); do
		profile '{defaultAction: "SCMP_ACT_ALLOW", architectures: [$a], syscalls: [{names: ["chmod", "fchmodat"], action: "SCMP_ACT_ERRNO"}]}' --arg a "$a"
		case $a in
		SCMP_ARCH_S390* | SCMP_ARCH_PPC | SCMP_ARCH_PPC64 | SCMP_ARCH_MIPS | SCMP_ARCH_MIPS64 | SCMP_ARCH_MIPS64N32 | SCMP_ARCH_PARISC* | SCMP_ARCH_M68K | SCMP_ARCH_SHEB)
			payload true # one filter cannot be for both this machine and one of the other byte order
			no run "$ID"
			contains "$output" "linux.seccomp.architectures[0]" "byte orders differ"
			continue
			;;
		esac
		inside 'grep ^Seccomp: /proc/self/status'
		contains "$stdout" 2
	done
	for a in $(feature '.linux.seccomp.supportedFlags[]'); do
		[ "$a" != SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV ] || continue # with an agent: seccomp.bats, "WAIT_KILLABLE_RECV"
		profile '{defaultAction: "SCMP_ACT_ALLOW", flags: [$a], syscalls: [{names: ["chmod", "fchmodat"], action: "SCMP_ACT_ERRNO"}]}' --arg a "$a"
		inside 'grep ^Seccomp: /proc/self/status'
		contains "$stdout" 2
	done
	profile '{defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_Z80"]}'
	no run "$ID"
	contains "$output" "linux.seccomp.architectures" SCMP_ARCH_Z80
	profile '{defaultAction: "SCMP_ACT_ALLOW", flags: ["SECCOMP_FILTER_FLAG_NONSENSE"]}'
	no run "$ID"
	contains "$output" "linux.seccomp.flags" SECCOMP_FILTER_FLAG_NONSENSE
}

# --- the rest of .linux

@test "features: each mode and flag of memoryPolicy" {
	[ -e /proc/self/numa_maps ] || skip "the kernel has no NUMA"
	local m f nodes want
	for m in $(feature '.linux.memoryPolicy.modes[]'); do
		nodes=0
		case $m in
		MPOL_DEFAULT) want=default nodes= ;; MPOL_LOCAL) want=local nodes= ;;
		MPOL_BIND) want=bind:0 ;; MPOL_INTERLEAVE) want=interleave:0 ;; MPOL_PREFERRED) want=prefer:0 ;;
		MPOL_PREFERRED_MANY) want="prefer (many):0" ;; MPOL_WEIGHTED_INTERLEAVE) want="weighted interleave:0" ;;
		*) fail "these tests do not know the mode $m" ;;
		esac
		update_config '.linux.memoryPolicy = {mode: $m, nodes: $n}' --arg m "$m" --arg n "$nodes"
		payload 'head -n1 /proc/self/numa_maps'
		rt run "$ID"
		case $m:$output in # newer than this kernel
		MPOL_PREFERRED_MANY:*"nvalid argument"* | MPOL_WEIGHTED_INTERLEAVE:*"nvalid argument"*) continue ;;
		esac
		equals "$status" 0
		contains "$stdout" " $want"
	done
	for f in $(feature '.linux.memoryPolicy.flags[]'); do
		case $f in
		MPOL_F_STATIC_NODES) want=bind=static:0 ;; MPOL_F_RELATIVE_NODES) want=bind=relative:0 ;;
		MPOL_F_NUMA_BALANCING) want=bind ;; # shown since Linux 6.7 only
		*) fail "these tests do not know the flag $f" ;;
		esac
		update_config '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "0", flags: [$f]}' --arg f "$f"
		inside 'head -n1 /proc/self/numa_maps'
		contains "$stdout" " $want"
	done
	update_config '.linux.memoryPolicy = {mode: "MPOL_BEST", nodes: "0"}'
	no run "$ID"
	contains "$output" linux.memoryPolicy.mode
	update_config '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_BEST"]}'
	no run "$ID"
	contains "$output" "linux.memoryPolicy.flags"
}

@test "features: cgroup v1" {
	equals "$(feature .linux.cgroup.v1)" true
	requires root cgroup_v1
	update_config '.linux.resources.pids = {limit: 44}'
	inside 'cat /sys/fs/cgroup/pids/pids.max'
	equals "$stdout" 44
}

@test "features: cgroup v2" {
	equals "$(feature .linux.cgroup.v2)" true
	requires root cgroup_v2
	update_config '.linux.resources.pids = {limit: 44}'
	inside 'cat /sys/fs/cgroup/pids.max'
	equals "$stdout" 44
}

@test "features: systemd's cgroups" {
	equals "$(feature '.linux.cgroup | .systemd and .systemdUser')" true
	RT_GLOBAL=(--systemd-cgroup)
	update_config '.linux.cgroupsPath = ":sbt:" + $id' --arg id "$ID"
	payload 'true'
	if [ ! -d /run/systemd/system ]; then
		no run "$ID"
		contains "$output" "systemd not running"
		skip "systemd does not run here; that it is asked for is seen"
	fi
	ok run "$ID"
}

@test "features: rdma" {
	equals "$(feature .linux.cgroup.rdma)" true
	update_config '.linux.resources.rdma = {"sbt0": {hcaHandles: 3}}'
	payload true
	no run "$ID"
	contains "$output" linux.resources.rdma
	grep -qw rdma /proc/cgroups || skip "this kernel has no rdma controller; that it is asked for is seen"
}

@test "features: AppArmor, SELinux and resctrl are asked for" {
	equals "$(feature '.linux | .apparmor.enabled and .selinux.enabled and .intelRdt.enabled and .intelRdt.schemata and .intelRdt.monitoring')" true
	local missing=
	if [ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ]; then # labels.bats confines by a profile
		update_config '.process.apparmorProfile = "sbt-not-loaded"'
		payload true
		no run "$ID"
		contains "$output" process.apparmorProfile
	else missing+=" AppArmor"; fi
	cp "$BATS_RUN_TMPDIR/base/config.json" .
	update_config '.process.selinuxLabel = "system_u:system_r:sbt_t:s0"'
	payload true
	no run "$ID"
	contains "$output" process.selinuxLabel
	grep -qw selinuxfs /proc/filesystems || missing+=" SELinux"
	cp "$BATS_RUN_TMPDIR/base/config.json" .
	update_config '.linux.intelRdt = {schemata: ["NONSENSE:0=f"], enableMonitoring: true}'
	payload true
	no run "$ID"
	contains "$output" linux.intelRdt
	grep -q ' - resctrl ' /proc/self/mountinfo || missing+=" resctrl"
	[ -z "$missing" ] || skip "this host does not run$missing: only the refusals were seen"
}

@test "features: idmap and netDevices" {
	equals "$(feature '.linux | .mountExtensions.idmap.enabled and .netDevices.enabled')" true
	requires root command:ip
	update_config '.linux.netDevices = {"sbt0": {name: "inside0"}}'
	payload 'cat /sys/class/net/inside0/address'
	run timeout 60 unshare -n sh -c 'ip link add sbt0 type veth peer name sbt1 && ip link set sbt0 address 02:00:00:00:98:77 && exec "$@"' - \
		"$RUNTIME" --root "$ROOT" run "$ID" 3>&-
	equals "$output" 02:00:00:00:98:77
	requires idmap
	mkdir "$T/src" && touch "$T/src/file" && chown 88:88 "$T/src/file"
	update_config 'del(.linux.netDevices) | .mounts += [{destination: "/mnt", source: $s, options: ["bind", "idmap"],
		uidMappings: [{containerID: 88, hostID: 0, size: 1}], gidMappings: [{containerID: 88, hostID: 0, size: 1}]}]' --arg s "$T/src"
	inside 'stat -c %u /mnt/file'
	equals "$stdout" 0
}

@test "features: annotations" {
	local k
	for k in $(feature '.annotations | keys[]'); do
		case $k in
		io.sandbox-runtime.version) contains "$("$RUNTIME" --version | head -n1)" "$(feature ".annotations[\"$k\"]")" ;;
		io.sandbox-runtime.commit) contains "$("$RUNTIME" --version)" "commit: $(feature ".annotations[\"$k\"]")" ;;
		io.sandbox-runtime.go) contains "$("$RUNTIME" --version)" "go: $(feature ".annotations[\"$k\"]")" ;;
		io.sandbox-runtime.seccomp.backend) [[ $(feature ".annotations[\"$k\"]") =~ ^(go|libseccomp) ]] ;;
		org.opencontainers.runc.checkpoint.enabled)
			rt checkpoint --help
			[ "$([ "$status" = 0 ] && echo true || echo false)" = "$(feature ".annotations[\"$k\"]")" ] || fail "checkpoint: exit code $status"
			;;
		*) fail "these tests do not know the annotation $k" ;;
		esac
	done
	equals "$(feature '.potentiallyUnsafeConfigAnnotations | join(" ")')" org.systemd.property.
}
