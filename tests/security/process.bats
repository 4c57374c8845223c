# What a program inside has, sees and can reach: the runtime's binary, descriptors, capabilities, ids, cgroups.
load lib

sum() { sha256sum <"$RUNTIME"; }

@test "CVE-2019-5736: the entry point is /proc/self/exe" {
	local before
	before=$(sum)
	cat >rootfs/bin/shebang <<-'END'
		#!/proc/self/exe
	END
	chmod 755 rootfs/bin/shebang
	local program
	for program in /proc/self/exe /bin/shebang /proc/1/exe; do
		update_config '.process.args = [$p, "--version"]' --arg p "$program"
		attempt run "$ID"
		if [[ $stdout == *"${RUNTIME##*/} version"* ]]; then fail "the runtime's own binary ran in the container"; fi
	done
	equals "$(sum)" "$before"
}

@test "CVE-2019-5736: what runs in the container's place is a sealed copy" {
	requires command:gcc
	local before
	before=$(sum)
	running
	# As the created init: it waits with an executable of its own.
	cp -a "$BUNDLE" "$T/second"
	ok create --bundle "$T/second" "$ID-b"
	local exe pid
	pid=$(pid_of "$ID-b")
	exe=$(readlink "/proc/$pid/exe")
	case $exe in
	/memfd:* | *"(deleted)" | "/") ;; # runc: an overlay, or a memory file
	*) [ "$FLAVOR" != ours ] || fail "the init is $exe" ;;
	esac
	if [ "$FLAVOR" = ours ]; then
		! (echo x >"/proc/$pid/exe") 2>/dev/null || fail "the init's executable can be written to"
		# While it runs, any file refuses that; what stays so afterwards are the seals: SEAL, SHRINK, GROW, WRITE.
		requires command:perl
		equals "$(perl -e 'open F, "<", $ARGV[0] or die; print fcntl(F, 1034, 0)' "/proc/$pid/exe")" 15 # F_GET_SEALS
	fi
	ok delete --force "$ID-b"
	rm -rf "$T/second"
	equals "$(sum)" "$before"
}

# While processes are executed in it, a program in the container looks at all that /proc shows of them.
spied() {
	requires command:gcc
	c_helper spy "$BUNDLE/rootfs/bin/spy"
	update_config '.process.args = ["/bin/spy", $p] | .root.readonly = false' --arg p "$VICTIM/secret"
	rt run -d --pid-file "$T/pid" "$ID"
	[ "$status" = 0 ] || fail "it does not run"
	until_true grep -q ready "$T/stdout"
	local i before
	before=$(sum)
	for ((i = 0; i < ${1:-40}; i++)); do
		SBT_TEST=$ID timeout 30 "$RUNTIME" --root "$ROOT" exec "$ID" /bin/true >/dev/null 2>"$T/err" 3>&- </dev/null || fail "exec: $(cat "$T/err")"
	done
	cp "$T/stdout" "$T/spy.out" # rt writes there: the program's own output so far
	! grep escape "$T/spy.out" >&2 || fail "the program got hold of the host"
	equals "$(sum)" "$before"
}

@test "CVE-2016-9962: an exec'd process shows nothing of the host" {
	spied
}

@test "CVE-2016-9962: nor to a container with CAP_SYS_PTRACE" {
	not_with runc "its own binary, as a read-only overlay, is to be seen with that capability"
	update_config '.process.capabilities |= map_values(. + ["CAP_SYS_PTRACE"] | unique) | del(.process.capabilities.inheritable, .process.capabilities.ambient)'
	spied 80
}

@test "the runtime hides itself before its first child exists" {
	ours_only "runc does it in its C part"
	requires "root:without root it does not hide (see hide in main.go)" command:strace
	payload true
	SBT_TEST=$ID strace -f -qq -o "$T/trace" -e trace=prctl,clone,clone3,vfork,fork "$RUNTIME" --root "$ROOT" run "$ID" >"$T/o" 2>&1 3>&- </dev/null
	local hidden child
	hidden=$(grep -n 'PR_SET_DUMPABLE, *\(SUID_DUMP_DISABLE\|0\)' "$T/trace" | head -n1 | cut -d: -f1)
	child=$(grep -nE 'v?fork\(|clone3?\(' "$T/trace" | grep -v CLONE_THREAD | head -n1 | cut -d: -f1)
	[ -n "$hidden" ] && [ -n "$child" ] && [ "$hidden" -lt "$child" ] || fail "hidden in line $hidden, first child in line $child"
}

@test "an exec'd process hides itself before it joins the container" {
	ours_only "runc does it in its C part"
	requires root command:strace
	running
	SBT_TEST=$ID strace -f -qq -o "$T/trace" -e trace=execve,prctl,setns "$RUNTIME" --root "$ROOT" exec "$ID" /bin/true >"$T/o" 2>&1 3>&- </dev/null
	# Before it joins anything: execve(2) of the stage has made it visible again.
	local pid
	pid=$(awk '/execve\("\/proc\/self\/fd\// { print $1; exit }' "$T/trace")
	contains "$(awk -v pid="$pid" '$1 == pid && /(prctl|setns)\(/ { print; exit }' "$T/trace")" "prctl(PR_SET_DUMPABLE, SUID_DUMP_DISABLE"
}

@test "CVE-2024-21626: the working directory is a descriptor of the host's" {
	local n
	for n in 3 4 5 6 7 8 9 10 11 12 14 17 20; do
		update_config '.process.cwd = "/proc/self/fd/" + $n' --arg n "$n"
		payload "cat ../../../../../../..$VICTIM/secret; cat ..$VICTIM/secret; pwd"
		attempt run "$ID" 7</ 8</etc
		if grep -qx secret <<<"$stdout"; then fail "cwd was the host's, by descriptor $n"; fi
	done
	# A folder of the host's that the caller hands on: the program may have it, but not start in it.
	update_config '.process.cwd = "/proc/self/fd/3"'
	payload 'pwd; cat secret'
	status=0
	SBT_TEST=$ID timeout 60 "$RUNTIME" --root "$ROOT" run --preserve-fds 1 "$ID" >"$T/stdout" 2>"$T/stderr" 3<"$VICTIM" || status=$?
	collect "run with a folder of the host's as descriptor 3"
	if [ "$status" = 0 ] || grep -qx secret <<<"$stdout"; then fail "cwd was the host's, by a descriptor that was handed on"; fi
	update_config '.process.cwd = "/"'
	running
	status=0
	SBT_TEST=$ID timeout 60 "$RUNTIME" --root "$ROOT" exec --preserve-fds 1 --cwd /proc/self/fd/3 "$ID" cat secret >"$T/stdout" 2>"$T/stderr" 3<"$VICTIM" || status=$?
	collect "exec with a folder of the host's as descriptor 3"
	if [ "$status" = 0 ] || grep -qx secret <<<"$stdout"; then fail "cwd was the host's, by a descriptor that was handed on to exec"; fi
	for n in 3 5 6 7 8 9 10 12; do
		attempt exec --cwd "/proc/self/fd/$n" "$ID" cat "../../../../../..$VICTIM/secret" 7</ 8</etc
		if grep -qx secret <<<"$stdout"; then fail "exec --cwd was the host's, by descriptor $n"; fi
		attempt exec "$ID" "/proc/self/fd/$n/../../../../../bin/cat" "/proc/self/fd/$n/../../../../../..$VICTIM/secret" 7</ 8</etc
		if grep -qx secret <<<"$stdout"; then fail "the program was the host's, by descriptor $n"; fi
	done
}

@test "CVE-2024-21626: no descriptor of the runtime's is left in the program" {
	payload 'ls /proc/$$/fd; true'
	ok run "$ID" 7</ 8</etc 9<"$VICTIM/secret"
	equals "$(xargs <<<"$stdout")" "0 1 2"
	running
	ok exec "$ID" sh -c 'ls /proc/$$/fd; true' 7</ 8</etc 9<"$VICTIM/secret"
	equals "$(xargs <<<"$stdout")" "0 1 2"
}

@test "CVE-2022-24769, CVE-2022-29162, CVE-2022-27650, CVE-2025-27612: no inheritable capabilities" {
	update_config 'del(.process.capabilities.inheritable)'
	running
	ok exec "$ID" grep CapInh /proc/1/status
	equals "$(awk '{print $2}' <<<"$stdout")" 0000000000000000
	ok exec "$ID" grep CapInh /proc/self/status
	equals "$(awk '{print $2}' <<<"$stdout")" 0000000000000000
	ok exec --cap CAP_SYS_ADMIN "$ID" grep CapInh /proc/self/status
	equals "$(awk '{print $2}' <<<"$stdout")" 0000000000000000
	ok exec --cap CAP_SYS_ADMIN --user 1000 "$ID" grep -E 'CapInh|CapAmb' /proc/self/status
	equals "$(awk '{print $2}' <<<"$stdout" | sort -u)" 0000000000000000
}

@test "CVE-2022-36109, CVE-2023-25173: the caller's supplementary groups are gone" {
	requires "root:setgroups(2) wants CAP_SETGID" command:setpriv
	payload 'id -G; grep ^Groups: /proc/self/status'
	status=0
	SBT_TEST=$ID timeout 60 setpriv --groups 2000,2001 "$RUNTIME" --root "$ROOT" run "$ID" >"$T/stdout" 2>"$T/stderr" 3>&- </dev/null || status=$?
	collect "run with groups"
	equals "$status" 0
	equals "$(xargs <<<"$stdout")" "0 Groups:"
	update_config '.process.user = {uid: 1000, gid: 1000}'
	echo secret >rootfs/tmp/denied
	chown 0:1000 rootfs/tmp/denied && chmod 604 rootfs/tmp/denied # a group that must not read
	inside 'cat /tmp/denied 2>&1 || true'
	contains "$output" "Permission denied"
}

@test "CVE-2024-40635, CVE-2026-46680, CVE-2026-30892: ids out of range are no other user" {
	local id
	payload 'id -u'
	for id in 4294967296 -1 1.5 '"0"' 18446744073709551616; do
		update_config '.process.user.uid = 77777'
		sed -i "s/77777/$id/" config.json
		refused run "$ID"
	done
	ours_only "what exec -u takes differs"
	cp "$BATS_RUN_TMPDIR/base/config.json" config.json
	running
	for id in 1000: :0 0x0 ' 0' 4294967295 4294967296 +0 -0 root '' 1e3 '0 '; do
		[ -n "$id" ] || continue
		refused exec --user "$id" "$ID" id -u
		if grep -qx 0 <<<"$stdout"; then fail "--user '$id' is root"; fi
	done
}

@test "a setuid program gains nothing under noNewPrivileges" {
	requires command:gcc
	printf '#include <stdio.h>\n#include <unistd.h>\nint main(void) { printf("%%d\\n", geteuid()); return 0; }\n' >"$T/suid.c"
	gcc -static -o rootfs/bin/suid "$T/suid.c"
	chmod 4755 rootfs/bin/suid
	update_config '.process.user = {uid: 1000, gid: 1000} | .process.args = ["/bin/suid"]'
	ok run "$ID"
	equals "$stdout" 1000
	update_config '.process.noNewPrivileges = false' # to see that it is that
	ok run "$ID"
	equals "$stdout" 0
}

@test "CVE-2022-0492, CVE-2023-25809: cgroups cannot be made or changed from inside" {
	inside 'find /sys/fs/cgroup -mindepth 1 -type d 2>/dev/null | while read -r d; do mkdir $d/x 2>/dev/null && echo made $d/x; done
		find /sys/fs/cgroup -type f \( -name release_agent -o -name notify_on_release -o -name cgroup.procs -o -name memory.max -o -name "*.limit_in_bytes" \) |
		while read -r f; do { echo 1 > $f; } 2>/dev/null && echo wrote $f; done; true'
	equals "$stdout" ""
	update_config '.linux.namespaces |= map(select(.type != "cgroup"))'
	inside 'find /sys/fs/cgroup -mindepth 1 -type d 2>/dev/null | while read -r d; do mkdir $d/x 2>/dev/null && echo made $d/x; done
		mount -o remount,rw /sys/fs/cgroup 2>/dev/null && echo remounted; true'
	equals "$stdout" ""
}

@test "devices: a node that the container makes does not open" {
	requires cap_mknod
	[ -d /sys/fs/cgroup/devices ] || requires cgroup_v2
	update_config '.process.capabilities |= (.bounding += ["CAP_MKNOD"] | .permitted += ["CAP_MKNOD"] | .effective += ["CAP_MKNOD"])
		| .linux.resources.devices = [{allow: false, access: "rwm"}] | .root.readonly = false'
	local dev
	dev=$(lsblk -dnro MAJ:MIN 2>/dev/null | head -n1)
	[ -n "$dev" ] || dev=1:1 # /dev/mem
	payload 'for t in b c; do mknod /tmp/$t $t '"${dev/:/ }"' 2>/dev/null && head -c1 /tmp/$t > /dev/null 2>&1 && echo opened $t; done; head -c1 /dev/null && echo fine'
	ok run "$ID"
	equals "$stdout" fine
}

@test "user namespaces: root inside is nobody outside" {
	requires "root:only root maps host ids that are not in /etc/subuid (user_namespaces(7))" userns
	mkdir "$T/shared" && echo root >"$T/shared/root-only" && chmod 600 "$T/shared/root-only"
	chmod 777 "$T/shared"
	add_volume "$T/shared" /shared
	update_config '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 1000}]
		| .linux.gidMappings = .linux.uidMappings | .process.capabilities |= map_values(. + ["CAP_DAC_OVERRIDE", "CAP_CHOWN", "CAP_SETUID", "CAP_SYS_ADMIN"] | unique)
		| del(.process.capabilities.inheritable, .process.capabilities.ambient)'
	chown -hR 100000:100000 rootfs
	payload 'id -u; cat /shared/root-only; chown 0:0 /shared; echo x > /shared/mine; mknod /shared/sda b 8 0; cat /proc/self/setgroups; echo "0 0 1" > /proc/self/uid_map'
	attempt run "$ID"
	[[ $stdout != *$'\n'root$'\n'* ]] || fail "it read a file of the host's root"
	equals "$(stat -c %u "$T/shared/mine")" 100000
	[ ! -b "$T/shared/sda" ] || fail "it made a device"
	equals "$(stat -c %u:%a "$T/shared")" 0:777
}

@test "CVE-2021-43784: thousands of id mappings are an error, not a rewritten message" {
	update_config '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [range(70000) | {containerID: ., hostID: (100000 + .), size: 1}]
		| .linux.gidMappings = .linux.uidMappings'
	payload true
	refused run "$ID"
	[ "$FLAVOR" != ours ] || contains "$output" Mappings
}

@test "CVE-2020-15257: no abstract socket, and state that other users cannot read" {
	running
	if grep -aE "@.*(sandbox-runtime|runc|$ID)" /proc/net/unix; then fail "an abstract socket"; fi
	requires command:setpriv
	! setpriv --reuid 1234 --regid 1234 --clear-groups sh -c "cat '$ROOT'/*/* 2>/dev/null | grep ." || fail "a user reads the state (CVE-2021-41103)"
	local loose
	loose=$(find "$ROOT" -mindepth 1 \( -perm -002 -o -perm -020 \) ! -type l)
	equals "$loose" ""
}

@test "a paused or hostile init does not keep delete from its work" {
	requires freezer
	running 'trap "" TERM INT HUP; while :; do :; done'
	ok exec "$ID" sh -c 'for i in 1 2 3 4 5 6 7 8; do (trap "" TERM; while :; do sleep 0.01; done) & done; true' || :
	ok pause "$ID"
	RT_TIMEOUT=40 ok delete --force "$ID"
	[ ! -e "$ROOT/$ID" ] || fail "state is left"
}
