# kill -9 at any moment costs nothing: strace ends a process at the Nth of the system calls that change
# something, the runtime as well as the init, for each N. Then delete --force leaves nothing, and the id is free.
load lib

setup() {
	requires command:strace
	ours_only "peers leave things behind"
	make_bundle
	VICTIM=$T/host
	mkdir "$VICTIM"
	BEFORE=$(look)
	payload 'exec sleep 1000'
}

# What changes the host, tells another process something, or waits for it.
CALLS=mkdir,mkdirat,mknodat,rename,renameat,renameat2,unlink,unlinkat,rmdir,write,clone,clone3,vfork,execve,socketpair,sendto,sendmsg
CALLS+=,recvmsg,memfd_create,pidfd_open,pidfd_send_signal,kill,unshare,setns,pivot_root,move_mount,umount2,prlimit64,wait4,flock,ftruncate,exit_group

# killed N ARGS...: sets $survived if nothing was killed.
killed() {
	local n=$1
	shift
	survived=
	SBT_TEST=$ID timeout -k 5 60 strace -f -qq -o "$T/trace" -e "trace=$CALLS" -e "inject=$CALLS:signal=KILL:when=$n" \
		"$RUNTIME" --root "$ROOT" "$@" >"$T/o" 2>&1 3>&- </dev/null || :
	grep -q 'INJECTED\|killed by SIGKILL' "$T/trace" || survived=1
}

# clean N: what the killed one left can be removed, whatever it is, and no process goes on.
clean() {
	ok delete --force "$ID"
	[ ! -e "$ROOT/$ID" ] || fail "state is left (call $1)"
	"$TOP/scripts/leakcheck.sh" "$T/" "$ID" 3>&- || fail "left on the host (call $1): $(tail -n 3 "$T/trace")"
}

# each STEP ARGS...: with N = 1, 1+STEP... until the command gets through. The first is chosen by chance, so
# that a few runs have tried all; STEP=1 tries all at once.
each() {
	local step=${STEP:-$1} n rounds=0 through=0
	shift
	for ((n = 1 + RANDOM % step; n < 200; n += step)); do
		rounds=$((rounds + 1))
		prepare
		killed "$n" "$@"
		clean "$n"
		[ -z "$survived" ] || through=$((through + 1))
		[ "$through" -lt 2 ] || break
	done
	[ "$rounds" -gt 4 ] || fail "only $rounds rounds: strace has injected nothing"
	[ "$through" = 2 ] || fail "never got through"
}
prepare() { :; }

# every_call ARGS...: at each single call. strace counts each system call for itself, so that with all of them
# most are passed over: too few are left of a command that makes only some.
every_call() {
	local all=$CALLS count call n kills=0
	prepare
	killed 10000 "$@"
	clean "none"
	cp "$T/trace" "$T/calls"
	while read -r count call; do
		for ((n = 1; n <= count; n++)); do
			prepare
			CALLS=$call killed "$n" "$@"
			[ -n "$survived" ] || kills=$((kills + 1))
			clean "$call $n"
		done
	done < <(grep -oE "\\b(${all//,/|})\\(" "$T/calls" | tr -d '(' | sort | uniq -c)
	[ "$kills" -gt 4 ] || fail "only $kills times killed: $(<"$T/calls")"
}

@test "create is killed at each of its calls" {
	each 6 create "$ID"
	ok create "$ID"
	ok start "$ID"
}

@test "run is killed at each of its calls" {
	payload true
	each 8 run "$ID"
	ok run "$ID"
}

@test "start is killed at each of its calls" {
	prepare() { ok create "$ID"; }
	every_call start "$ID"
	ok create "$ID"
}

@test "delete is killed at each of its calls" {
	prepare() {
		ok create "$ID"
		ok start "$ID"
	}
	every_call delete --force "$ID"
	ok create "$ID"
}

@test "exec is killed at each of its calls, and the container stays as it is" {
	local n through=0 step=${STEP:-8}
	running
	for ((n = 1 + RANDOM % step; n < 200; n += step)); do
		killed "$n" exec "$ID" true
		[ -z "$survived" ] || through=$((through + 1))
		[ "$through" -lt 2 ] || break
	done
	[ "$through" = 2 ] || fail "never got through"
	is_status running || fail "the container is $(state_of)"
	ok exec "$ID" echo fine
	equals "$stdout" fine
	until_true only_sleep
}
only_sleep() { [ "$("$RUNTIME" --root "$ROOT" ps --format json "$ID" 3>&- | jq length)" = 1 ]; }
