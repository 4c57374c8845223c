# linux.seccomp: calls made from inside containers, by tests/lib/call.c, and what came of them.
load ../lib/helpers

setup() {
	[ "$(uname -m)" = x86_64 ] || skip "the helper that makes the calls is written for x86_64"
	requires command:gcc
	make_bundle
	call_helper "$BUNDLE/rootfs/bin/call"
}
teardown() {
	[ -z "${AGENT_PID:-}" ] || kill "$AGENT_PID" 2>/dev/null || :
	clean_up
}

# call_helper FILE: compiled once per run.
call_helper() {
	local made=$BATS_RUN_TMPDIR/call tmp
	if [ ! -e "$made" ]; then
		tmp=$(mktemp "$BATS_RUN_TMPDIR/call.XXXXXX")
		gcc -O1 -static -nostdlib -fno-stack-protector -o "$tmp" "$TOP/tests/lib/call.c"
		chmod 755 "$tmp"
		mv -T "$tmp" "$made"
	fi
	cp "$made" "$1"
}

# What a program and runc's own Go code under the filter need; the rest is refused.
BASE='["read","write","close","close_range","fcntl","openat","openat2","newfstatat","fstat","readlinkat","execve","exit","exit_group",
	"futex","mmap","munmap","mprotect","madvise","brk","rt_sigaction","rt_sigprocmask","rt_sigreturn","sigaltstack","nanosleep",
	"sched_yield","sched_getaffinity","epoll_create1","epoll_ctl","epoll_pwait","eventfd2","pipe2","clone","clone3","gettid","getpid",
	"tgkill","prctl","capget","capset","setgroups","setresuid","setresgid","setuid","setgid","chdir","fchdir","getcwd","faccessat2",
	"statfs","fstatfs","arch_prctl","set_tid_address","rseq","getrandom","prlimit64","lseek","getdents64","recvmsg","sendmsg","dup3",
	"umask","statx","getppid","getuid","geteuid","getgid","getegid","fchown","mount_setattr","kill"]'

# profile JQ: linux.seccomp. calls CALL...: what the container runs; $stdout is one result per line.
profile() { update_config ".linux.seccomp = ($1)" --argjson base "$BASE" --arg sock "$T/agent.sock"; }
calls() { update_config '.process.args = ["/bin/call"] + ($calls | split(" "))' --arg calls "$*"; }
results() { # WANT...: of the calls
	ok run "$ID"
	equals "$(xargs <<<"$stdout")" "$*"
}
# The beginning of a profile with one rule, for acct.
allow_all='{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["acct"], action: '

@test "seccomp: errno is EPERM unless errnoRet says otherwise" {
	profile '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [
		{names: ["acct"], action: "SCMP_ACT_ERRNO"},
		{names: ["chroot"], action: "SCMP_ACT_ERRNO", errnoRet: 41},
		{names: ["sync"], action: "SCMP_ACT_ERRNO", errnoRet: 0}]}'
	calls 163,1 161,1 162 39
	results 1 41 ok ok
}

@test "seccomp: the default action, its errno, and allowed calls" {
	profile '{defaultAction: "SCMP_ACT_ERRNO", syscalls: [{names: $base, action: "SCMP_ACT_ALLOW"}]}'
	calls 39 163,1 161,1
	results ok 1 1
	profile '{defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 95, syscalls: [{names: $base, action: "SCMP_ACT_ALLOW"}]}'
	results ok 95 95
}

@test "seccomp: kill, kill process, kill thread" {
	local action
	calls 39 163,1 39
	for action in SCMP_ACT_KILL SCMP_ACT_KILL_PROCESS SCMP_ACT_KILL_THREAD; do
		profile "$allow_all \"$action\"}]}"
		rt run "$ID"
		equals "$status" 159 # 128 + SIGSYS
		equals "$stdout" ok
	done
}

@test "seccomp: kill thread spares the other threads, kill process does not" {
	calls thread 163,1
	profile "$allow_all \"SCMP_ACT_KILL_THREAD\"}]}"
	ok run "$ID"
	equals "$stdout" "the first thread lives"
	profile "$allow_all \"SCMP_ACT_KILL_PROCESS\"}]}"
	rt run "$ID"
	equals "$status:$stdout" 159:
}

@test "seccomp: trap is a signal that can be caught" {
	profile "$allow_all \"SCMP_ACT_TRAP\"}]}"
	calls trap 163,1
	ok run "$ID"
	equals "$(head -n1 <<<"$stdout")" "trapped 163 errno 0"
	calls 163,1
	rt run "$ID"
	equals "$status:$stdout" 159:
}

@test "seccomp: trace without a tracer is ENOSYS, log lets the call happen" {
	profile '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [
		{names: ["acct"], action: "SCMP_ACT_TRACE", errnoRet: 7}, {names: ["getppid"], action: "SCMP_ACT_LOG"}]}'
	calls 163,1 110
	results 38 ok
}

# args CONDITIONS: acct, with these conditions, gets errno 41; without, it is allowed, and EFAULT.
conditions() {
	profile '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["kcmp"], action: "SCMP_ACT_ERRNO", errnoRet: 41, args: '"$1"'}]}'
}
# kcmp(2) of process 0 with process 0 is ESRCH.
@test "seccomp: all operators compare 64 bits" {
	conditions '[{index: 2, op: "SCMP_CMP_EQ", value: 4294967301}]'
	calls 312,0,0,0x100000005 312,0,0,5 312,0,0,0x200000005
	results 41 3 3
	conditions '[{index: 2, op: "SCMP_CMP_NE", value: 4294967301}]'
	results 3 41 41
	conditions '[{index: 2, op: "SCMP_CMP_LT", value: 4294967301}]'
	calls 312,0,0,0x100000004 312,0,0,0x100000005 312,0,0,0x200000000 312,0,0,6 312,0,0,0x8000000000000000
	results 41 3 3 41 3
	conditions '[{index: 2, op: "SCMP_CMP_LE", value: 4294967301}]'
	results 41 41 3 41 3
	conditions '[{index: 2, op: "SCMP_CMP_GT", value: 4294967301}]'
	results 3 3 41 3 41
	conditions '[{index: 2, op: "SCMP_CMP_GE", value: 4294967301}]'
	results 3 41 41 3 41
	conditions '[{index: 2, op: "SCMP_CMP_MASKED_EQ", value: 64424509455, valueTwo: 12884901889}]' # 0xf0000000f, 0x300000001
	calls 312,0,0,0x300000001 312,0,0,0xff3000000f1 312,0,0,1 312,0,0,0x200000001
	results 41 41 3 3
}

@test "seccomp: conditions of one rule must all hold; an argument named twice makes two rules" {
	conditions '[{index: 0, op: "SCMP_CMP_EQ", value: 0}, {index: 2, op: "SCMP_CMP_EQ", value: 7}]'
	calls 312,0,0,7 312,0,0,8 312,1,0,7
	results 41 3 3
	conditions '[{index: 2, op: "SCMP_CMP_EQ", value: 7}, {index: 2, op: "SCMP_CMP_EQ", value: 8}]'
	calls 312,0,0,7 312,0,0,8 312,0,0,9
	results 41 41 3
}

# Without IA32_EMULATION the kernel has no 32-bit calls: int 0x80 is a fault then.
needs_x86() {
	[ "$("$BUNDLE/rootfs/bin/call" x86:20 2>/dev/null)" = ok ] || skip "this kernel runs no 32-bit calls"
}

@test "seccomp: 32-bit calls go by their own numbers where x86 is listed" {
	needs_x86
	profile '{defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86"], syscalls: [
		{names: ["chroot"], action: "SCMP_ACT_ERRNO", errnoRet: 41}]}'
	calls x86:61,1 161,1 x86:20 # 161 is chroot on x86_64, 61 on x86
	results 41 41 ok
}

@test "seccomp: on x86 only the lower 32 bits of an argument count" {
	needs_x86
	profile '{defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86"], syscalls: [
		{names: ["kcmp"], action: "SCMP_ACT_ERRNO", errnoRet: 41, args: [{index: 2, op: "SCMP_CMP_EQ", value: 5}]}]}'
	calls x86:349,0,0,5 x86:349,0,0,6 312,0,0,5 312,0,0,0x100000005
	results 41 3 41 3
}

@test "seccomp: a 32-bit call kills where x86 is not listed" {
	needs_x86
	profile '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["acct"], action: "SCMP_ACT_ERRNO"}]}'
	calls 39 x86:20 39
	rt run "$ID"
	equals "$status:$stdout" 159:ok
}

@test "seccomp: an x32 call kills where x32 is not listed, and is answered where it is" {
	profile '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["acct"], action: "SCMP_ACT_ERRNO"}]}'
	calls 39 x32:163,1
	rt run "$ID"
	equals "$status:$stdout" 159:ok
	profile '{defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X32"], syscalls: [
		{names: ["acct"], action: "SCMP_ACT_ERRNO", errnoRet: 41}]}'
	calls 163,1 x32:163,1
	results 41 41
}

@test "seccomp: ENOSYS for numbers above the newest one that the profile names" {
	# 442 is mount_setattr, the newest in the list; 441 epoll_pwait2, 443 quotactl_fd, 451 cachestat; 1000 is nothing yet.
	profile '{defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 95, syscalls: [{names: $base, action: "SCMP_ACT_ALLOW"}]}'
	calls 441 443 451 1000 163,1 39
	results 95 38 38 38 95 ok
	# A rule that only refuses it makes a call known just the same.
	profile '{defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 95, syscalls: [{names: $base, action: "SCMP_ACT_ALLOW"},
		{names: ["cachestat"], action: "SCMP_ACT_ERRNO", errnoRet: 41}]}'
	results 95 95 41 38 95 ok
}

@test "seccomp: no ENOSYS rule where the default action lets calls happen" {
	profile '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["chroot"], action: "SCMP_ACT_ERRNO"}]}'
	calls 1000 451,99 163,1
	results 38 9 1 # no such call; no such descriptor; no CAP_SYS_PACCT: the kernel's own answers
	profile '{defaultAction: "SCMP_ACT_LOG", syscalls: [{names: ["chroot"], action: "SCMP_ACT_ERRNO"}]}'
	results 38 9 1
}

@test "seccomp: names that nobody knows are skipped" {
	profile '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["this_is_no_call", "acct"], action: "SCMP_ACT_ERRNO", errnoRet: 41}]}'
	calls 163,1
	results 41
}

@test "seccomp: every flag is taken, alone and together" {
	local flags
	calls 163,1
	for flags in '[]' '["SECCOMP_FILTER_FLAG_TSYNC"]' '["SECCOMP_FILTER_FLAG_LOG"]' '["SECCOMP_FILTER_FLAG_SPEC_ALLOW"]' \
		'["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"]'; do
		profile '{defaultAction: "SCMP_ACT_ALLOW", flags: '"$flags"', syscalls: [{names: ["acct"], action: "SCMP_ACT_ERRNO", errnoRet: 41}]}'
		results 41
	done
}

@test "seccomp: SPEC_ALLOW is the default, an empty list of flags is not" {
	requires command:strace
	local flags want
	calls 39
	# Under strace newuidmap is an ordinary program, since nobody may trace what he has no right to: one id.
	[ "$(id -u)" = 0 ] || update_config '.linux.uidMappings |= .[:1] | .linux.gidMappings |= .[:1]'
	while read -r flags want; do
		profile '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["acct"], action: "SCMP_ACT_ERRNO"}]} + '"$flags"
		strace -f -qq -o "$T/trace" -e trace=seccomp,prctl "$RUNTIME" --root "$ROOT" run "$ID" >"$T/o" 2>&1 3>&- </dev/null
		# runc takes prctl(2), which has no flags, where there are none
		grep -E 'SECCOMP_SET_MODE_FILTER|PR_SET_SECCOMP' "$T/trace" | grep -vw NULL >"$T/loads" || fail "no filter is loaded"
		case $want in
		no) ! grep SPEC_ALLOW "$T/loads" || fail "with $flags" ;;
		*) grep -q "$want" "$T/loads" || fail "no $want with $flags: $(cat "$T/loads")" ;;
		esac
	done <<-'END'
		{} SECCOMP_FILTER_FLAG_SPEC_ALLOW
		{flags:[]} no
		{flags:["SECCOMP_FILTER_FLAG_SPEC_ALLOW"]} SECCOMP_FILTER_FLAG_SPEC_ALLOW
		{flags:["SECCOMP_FILTER_FLAG_LOG"]} SECCOMP_FILTER_FLAG_LOG
	END
}

@test "seccomp: with and without noNewPrivileges, as root, as a user, with no capability at all" {
	local nnp user caps
	profile '{defaultAction: "SCMP_ACT_ERRNO", syscalls: [{names: $base, action: "SCMP_ACT_ALLOW"}]}'
	calls 39 163,1
	for nnp in true false; do
		for user in 0 1000; do
			for caps in '["CAP_KILL"]' '[]'; do
				update_config '.process.noNewPrivileges = $n | .process.user = {uid: $u, gid: $u}
					| .process.capabilities = {bounding: $c, permitted: $c, effective: $c}' --argjson n "$nnp" --argjson u "$user" --argjson c "$caps"
				results ok 1
			done
		done
	done
}

@test "seccomp: CAP_SYS_ADMIN, which loading takes, is not left to the program" {
	profile '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["acct"], action: "SCMP_ACT_ERRNO"}]}'
	update_config '.process.noNewPrivileges = false'
	inside 'grep -E "^Cap(Prm|Eff|Bnd)|^Seccomp:" /proc/self/status'
	equals "$(grep -c '0000000020000420$' <<<"$stdout")" 3
	contains "$stdout" "2"
}

@test "seccomp: exec'd processes are under the filter too" {
	profile '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["acct"], action: "SCMP_ACT_ERRNO", errnoRet: 41}]}'
	running
	ok exec "$ID" /bin/call 163,1 39
	equals "$(xargs <<<"$stdout")" "41 ok"
	ok exec --user 1000 --no-new-privs "$ID" /bin/call 163,1
	equals "$stdout" 41
}

@test "seccomp: a program cannot load a laxer filter over it" {
	profile '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["acct"], action: "SCMP_ACT_ERRNO", errnoRet: 41}]}'
	inside 'grep -E "^(NoNewPrivs|Seccomp|Seccomp_filters):" /proc/self/status; /bin/call 163,1'
	contains "$stdout" "41"
	equals "$(sed -n 's/^Seccomp:\s*//p' <<<"$stdout")" 2
}

# As a user, with the container in a user namespace of one id.
@test "seccomp: without root" {
	requires "root:the test becomes a user of its own" userns command:setpriv
	profile '{defaultAction: "SCMP_ACT_ERRNO", syscalls: [{names: $base, action: "SCMP_ACT_ALLOW"}]}'
	calls 39 163,1
	update_config '.linux.namespaces |= map(select(.type != "network")) + [{type: "user"}] | del(.linux.resources)
		| .linux.uidMappings = [{containerID: 0, hostID: 1234, size: 1}] | .linux.gidMappings = .linux.uidMappings
		| .mounts |= map(select(.type != "cgroup" and .type != "sysfs") | .options |= ((. // []) | map(select(startswith("gid=") | not))))'
	chown -hR 1234:1234 "$BUNDLE"
	install -d -o 1234 -g 1234 -m 700 "$ROOT" "$T/run"
	local nnp runtime=$T/runtime
	cp "$RUNTIME" "$runtime" # wherever the original is, a user reaches this one
	setpriv --reuid 1234 --regid 1234 --clear-groups "$runtime" --version >/dev/null 2>&1 3>&- ||
		skip "a user cannot execute this ${RUNTIME##*/}: its libraries are not readable"
	for nnp in true false; do
		update_config '.process.noNewPrivileges = $n' --argjson n "$nnp"
		chown 1234:1234 "$BUNDLE/config.json"
		status=0
		SBT_TEST=$ID XDG_RUNTIME_DIR=$T/run timeout 60 setpriv --reuid 1234 --regid 1234 --clear-groups \
			"$runtime" --root "$ROOT" --rootless=true run --bundle "$BUNDLE" "$ID" >"$T/stdout" 2>"$T/stderr" 3>&- </dev/null || status=$?
		collect "run as a user"
		equals "$status:$(xargs <<<"$stdout")" "0:ok 1"
	done
}

# agent OPTIONS...: listens at $T/agent.sock; $T/agent.log has what it was told, $T/states the states.
agent() {
	rm -f "$T/agent.sock"
	"$TOP/build/bin/agent" --state "$T/states" "$@" "$T/agent.sock" >"$T/agent.log" 2>&1 3>&- &
	AGENT_PID=$!
	until_true test -S "$T/agent.sock"
}
notify() { # FLAGS...: acct, getpriority and kcmp are reported
	profile '{defaultAction: "SCMP_ACT_ALLOW", listenerPath: $sock, listenerMetadata: "some words", flags: '"${1:-[]}"', syscalls: [
		{names: ["acct", "getpriority", "kcmp"], action: "SCMP_ACT_NOTIFY"}]}'
}

@test "notify: an agent answers with an errno" {
	agent --errno 77
	notify
	calls 163,1 140 39
	results 77 77 ok
	equals "$(awk '{print $1}' "$T/agent.log" | xargs)" "163 140"
}

@test "notify: an agent lets the call go on" {
	agent --continue
	notify
	calls 312 140
	results 3 ok # kcmp(2) of process 0 is ESRCH
}

@test "notify: with WAIT_KILLABLE_RECV" {
	not_with runc "1.3 does not know this flag"
	agent --errno 77
	notify '["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]'
	calls 163,1
	results 77
}

@test "notify: the agent gets the container process state" {
	agent
	notify
	payload 'exec sleep 1000'
	update_config '.annotations = {"some.key": "some value"}'
	ok create "$ID"
	equals "$(jq -r '.fds | join(" ")' "$T/states")" seccompFd
	equals "$(jq -r .metadata "$T/states")" "some words"
	equals "$(jq -r .state.id "$T/states")" "$ID"
	equals "$(jq -r .state.bundle "$T/states")" "$BUNDLE"
	equals "$(jq -r .state.status "$T/states")" creating
	equals "$(jq -r .pid "$T/states")" "$(pid_of)"
	equals "$(jq -r .state.pid "$T/states")" "$(pid_of)"
	contains "$(cat "$T/states")" "some value" ociVersion
	ok start "$ID"
	equals "$(wc -l <"$T/states")" 1
}

@test "notify: also for an exec'd process, with its own pid and the container's state" {
	agent --errno 77
	notify
	running
	ok exec "$ID" /bin/call 163,1
	equals "$stdout" 77
	equals "$(wc -l <"$T/states")" 2
	equals "$(tail -n1 "$T/states" | jq -r .state.status)" running
	equals "$(tail -n1 "$T/states" | jq -r .state.pid)" "$(pid_of)"
	[ "$(tail -n1 "$T/states" | jq -r .pid)" != "$(pid_of)" ] || fail "the exec'd process has the pid of the init"
}

@test "notify: without noNewPrivileges" {
	agent --errno 77
	notify
	update_config '.process.noNewPrivileges = false'
	calls 163,1
	results 77
}

@test "notify: an agent that dies leaves nobody hanging" {
	agent --die
	notify
	calls 163,1 163,1 39
	results 38 38 ok # ENOSYS, from the kernel
	AGENT_PID=
}

@test "notify: no agent is an error, and nothing is left" {
	notify
	calls 39
	rt run "$ID"
	[ "$status" != 0 ] || fail "it ran"
	contains "$output" agent.sock
	[ ! -e "$ROOT/$ID" ] || fail "state is left"
}

@test "notify: refused as the default action, and for write" {
	local p
	agent
	calls 39
	for p in '{defaultAction: "SCMP_ACT_NOTIFY", listenerPath: $sock}' \
		'{defaultAction: "SCMP_ACT_ALLOW", listenerPath: $sock, syscalls: [{names: ["write"], action: "SCMP_ACT_NOTIFY"}]}'; do
		profile "$p"
		rt run "$ID"
		[ "$status" != 0 ] || fail "it ran: $p"
		contains "$output" SCMP_ACT_NOTIFY
	done
	equals "$(cat "$T/states" 2>/dev/null)" ""
}

# --- answers instead of riddles

# The kernel prints at most ten records in five seconds; under load one of ours may be left out.
named() { # COMMAND...: run or exec, whose program is killed
	local i
	for ((i = 0; i < 20; i++)); do
		rt "$@"
		equals "$status" 159
		contains "$stderr" linux.seccomp
		if [[ $stderr == *"acct (163, SCMP_ARCH_X86_64)"* ]]; then return; fi
		contains "$stderr" "does not say" # never a wrong name
		sleep 1
	done
	fail "the system call was not named in 20 tries"
}

@test "killed: run and exec name the system call, where the kernel's log tells" {
	ours_only "peers do not look"
	[ "$(readlink /proc/self/ns/pid)" = "pid:[4026531836]" ] || skip "the kernel's log has the numbers of the initial pid namespace"
	head -c0 /dev/kmsg 2>/dev/null || skip "the kernel's log cannot be read here"
	profile "$allow_all \"SCMP_ACT_KILL_PROCESS\"}]}"
	calls 163,1
	named run "$ID"
	running
	named exec "$ID" /bin/call 163,1
	equals "$(grep -c sandbox-runtime: <<<"$stderr")" 1
}

@test "killed: a program that ends by SIGSYS without a filter is not said to have one" {
	ours_only "peers say nothing"
	update_config '.process.args = ["sh", "-c", "kill -SYS $$; sleep 10"]'
	payload 'exec sleep 1000'
	ok run -d "$ID"
	rt exec "$ID" sh -c 'kill -SYS $$'
	equals "$status:$stderr" 159:
}

# broken JQ TEXT...: a profile that is refused, with an error that has all of TEXT.
broken() {
	profile "$1"
	no run "$ID"
	shift
	contains "$stderr" "$@"
	[ "$(grep -c . <<<"$stderr")" = 1 ] || fail "more than one line"
	[ ! -e "$ROOT/$ID" ] || fail "state is left"
}

@test "broken: every mistake in a profile is named by its rule" {
	ours_only "peers name no field"
	local good='{names: ["chroot"], action: "SCMP_ACT_ERRNO"}'
	calls 39
	broken '{defaultAction: "SCMP_ACT_DENY"}' linux.seccomp.defaultAction SCMP_ACT_DENY
	broken '{syscalls: ['"$good"']}' linux.seccomp.defaultAction
	broken '{defaultAction: 7}' linux.seccomp.defaultAction string
	broken '{defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 4096}' linux.seccomp.defaultErrnoRet 4095
	broken '{defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: -1}' linux.seccomp.defaultErrnoRet
	broken '{defaultAction: "SCMP_ACT_ALLOW", defaultErrnoRet: 1}' linux.seccomp.defaultErrnoRet
	broken '{defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86", "SCMP_ARCH_Z80"]}' 'linux.seccomp.architectures[1]' SCMP_ARCH_Z80
	broken '{defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_S390X"]}' 'linux.seccomp.architectures[0]' "byte order"
	broken '{defaultAction: "SCMP_ACT_ALLOW", flags: ["SECCOMP_FILTER_FLAG_LOG", "FAST"]}' 'linux.seccomp.flags[1]' FAST
	broken '{defaultAction: "SCMP_ACT_ALLOW", flags: ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]}' 'linux.seccomp.flags[0]' SCMP_ACT_NOTIFY
	broken '{defaultAction: "SCMP_ACT_ALLOW", listenerMetadata: "x"}' linux.seccomp.listenerMetadata listenerPath
	broken '{defaultAction: "SCMP_ACT_ALLOW", syscalls: {}}' linux.seccomp.syscalls array
	broken '{defaultAction: "SCMP_ACT_ALLOW", syscalls: ['"$good"', {names: [], action: "SCMP_ACT_ERRNO"}]}' 'linux.seccomp.syscalls[1].names'
	broken '{defaultAction: "SCMP_ACT_ALLOW", syscalls: ['"$good"', {names: ["acct", ""], action: "SCMP_ACT_ERRNO"}]}' 'linux.seccomp.syscalls[1].names[1]'
	broken '{defaultAction: "SCMP_ACT_ALLOW", syscalls: ['"$good"', {names: ["acct"], action: "SCMP_ACT_NO"}]}' 'linux.seccomp.syscalls[1].action' SCMP_ACT_NO
	broken '{defaultAction: "SCMP_ACT_ALLOW", syscalls: ['"$good"', {names: ["acct"]}]}' 'linux.seccomp.syscalls[1].action'
	broken '{defaultAction: "SCMP_ACT_ALLOW", syscalls: ['"$good"', {names: ["acct"], action: "SCMP_ACT_ERRNO", errnoRet: 5000}]}' 'linux.seccomp.syscalls[1].errnoRet' 5000
	broken '{defaultAction: "SCMP_ACT_ALLOW", syscalls: ['"$good"', {names: ["acct"], action: "SCMP_ACT_KILL", errnoRet: 5}]}' 'linux.seccomp.syscalls[1].errnoRet'
	broken '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["acct"], action: "SCMP_ACT_NOTIFY"}]}' 'linux.seccomp.syscalls[0].action' listenerPath
	broken '{defaultAction: "SCMP_ACT_ALLOW", listenerPath: "agent.sock", syscalls: [{names: ["acct"], action: "SCMP_ACT_NOTIFY"}]}' linux.seccomp.listenerPath
	local args='{defaultAction: "SCMP_ACT_ALLOW", syscalls: ['"$good"', {names: ["acct"], action: "SCMP_ACT_ERRNO", args: '
	broken "$args"'[{index: 6, op: "SCMP_CMP_EQ", value: 0}]}]}' 'linux.seccomp.syscalls[1].args[0].index'
	broken "$args"'[{index: 0, op: "SCMP_CMP_EQ", value: 0}, {index: 1, op: "=", value: 0}]}]}' 'linux.seccomp.syscalls[1].args[1].op'
	broken "$args"'[{index: 0, op: "SCMP_CMP_EQ", value: -1}]}]}' 'linux.seccomp.syscalls[1].args[0].value'
	broken '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [
		{names: ["acct"], action: "SCMP_ACT_ERRNO", errnoRet: 5, args: [{index: 0, op: "SCMP_CMP_EQ", value: 1}]},
		{names: ["acct"], action: "SCMP_ACT_ERRNO", errnoRet: 6, args: [{index: 0, op: "SCMP_CMP_EQ", value: 1}]}]}' \
		'linux.seccomp.syscalls[1]' 'linux.seccomp.syscalls[0]' acct contradicts
	# 2000 different values of one argument do not fit into the 4096 instructions that the kernel takes.
	broken '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [range(2100) | {names: ["acct"], action: "SCMP_ACT_ERRNO", args: [
		{index: 0, op: "SCMP_CMP_EQ", value: (. * 4294967297)}]}]}' linux.seccomp instructions 4096
}
