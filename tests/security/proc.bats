# Writes to /proc that a mount redirects, masks that are not what they seem, and terminals that are somebody else's.
load lib

fake_proc() { # a folder that looks like a procfs
	mkdir -p "$VICTIM/proc/self/attr/apparmor" "$VICTIM/proc/thread-self/attr/apparmor" "$VICTIM/proc/sys/net/ipv4" "$VICTIM/proc/sys/kernel"
	local f
	for f in self/attr/exec self/attr/apparmor/exec thread-self/attr/exec thread-self/attr/apparmor/exec self/attr/keycreate \
		sys/net/ipv4/ip_forward sys/kernel/msgmax; do
		echo 0 >"$VICTIM/proc/$f"
	done
	BEFORE=$(look)
}

@test "CVE-2019-16884, CVE-2025-62596: a volume on /proc takes the label's write" {
	fake_proc
	update_config '.process.apparmorProfile = "docker-default"
		| .mounts |= map(if .destination == "/proc" then {destination: "/proc", type: "bind", source: $s, options: ["rbind"]} else . end)' --arg s "$VICTIM/proc"
	payload 'echo ran'
	attempt run "$ID"
	# Where there is no AppArmor at all, ours says so and goes on; never because of what lies on /proc.
	[[ $stdout != *ran* || $stderr == *"does not run AppArmor"* ]] || fail "it ran without its label"
}

@test "CVE-2019-16884: a volume on /proc/self/attr" {
	fake_proc
	update_config '.process.selinuxLabel = "system_u:system_r:container_t:s0"'
	add_volume "$VICTIM/proc/self/attr" /proc/self/attr
	payload 'echo ran'
	refused run "$ID"
	[[ $stdout != *ran* ]] || fail "it ran without its label"
}

@test "CVE-2025-52881: a volume on /proc/sys takes a sysctl's write" {
	fake_proc
	add_volume "$VICTIM/proc/sys" /proc/sys
	update_config '.linux.sysctl = {"net.ipv4.ip_forward": "1", "kernel.msgmax": "8191"} | .linux.readonlyPaths = [] | .linux.maskedPaths = []'
	# Either it is refused or the value has got where it belongs; the victim is looked at afterwards.
	payload 'umount /proc/sys 2>/dev/null; cat /proc/sys/net/ipv4/ip_forward'
	attempt run "$ID"
}

@test "sysctl: a key cannot climb out of /proc/sys" {
	local key
	payload true
	for key in "kernel/../../self/attr/exec" "../sysrq-trigger" "net/../../sysrq-trigger" "net.ipv4.../../../../sysrq-trigger" "/kernel/core_pattern" kernel.core_pattern; do
		update_config '.linux.sysctl = {($k): "1"}' --arg k "$key"
		refused run "$ID"
	done
	[ "$(cat /proc/sys/kernel/core_pattern)" != 1 ] || fail "core_pattern of the host is 1"
}

@test "CVE-2025-31133, CVE-2025-62161: /dev/null of the container is a link while paths are masked" {
	local i
	mkdir "$T/dev"
	: >"$T/dev/null" # not even a device
	ln -s "$VICTIM/secret" "$T/dev/evil"
	update_config '.mounts |= map(select(.destination | startswith("/dev") | not))'
	add_volume "$T/dev" /dev
	echo 'mine' >rootfs/etc/masked
	# A hostile image has the target of the link as well.
	mkdir -p "rootfs${VICTIM%/*}/host" && echo inside >"rootfs$VICTIM/secret"
	update_config '.linux.maskedPaths = ["/etc/masked", "/proc/timer_list", "/proc/kcore"] | .root.readonly = false'
	payload 'for f in /etc/masked /proc/timer_list /proc/kcore; do [ -e $f ] || continue; [ "$(stat -c %F:%t:%T $f)" = "character special file:1:3" ] || exit 7
			[ -z "$(head -c1 $f)" ] || exit 8; done; echo gone > /etc/masked; exit 0'
	race "$T/dev/null" "$T/dev/evil"
	for ((i = 0; i < ROUNDS; i++)); do
		attempt run "$ID"
		# A runtime may notice the trick and refuse; it must not run with a mask that is none.
		[ "$status" -lt 2 ] || fail "a mask is no /dev/null (exit code $status)"
	done
	equals "$(cat rootfs/etc/masked)" mine
	rm -rf "rootfs${T:?}"
}

@test "GHSA-3q8j-pf29-vwv8: a read-only path is exchanged while it is made so" {
	local i
	mkdir -p "$T/vol/a" "$T/vol/b"
	add_volume "$T/vol" /vol
	update_config '.linux.readonlyPaths = ["/vol/a"]'
	# Whichever of the two folders it was: it is a mount of its own now, and read-only.
	payload 'n=0; while read -r _ _ _ _ at flags _; do case $at:$flags in /vol/?:ro*) n=1;; /vol/?:*) exit 8;; esac; done < /proc/self/mountinfo
		[ $n = 1 ] || exit 7'
	race "$T/vol/a" "$T/vol/b"
	for ((i = 0; i < ROUNDS; i++)); do
		attempt run "$ID"
		[ "$status" -lt 2 ] || fail "not read-only (exit code $status)"
		rm -f "$T/vol/"?/x
	done
}

@test "masked and read-only paths cannot be had back from inside" {
	update_config '.linux.maskedPaths = ["/proc/kcore", "/etc/masked"] | .linux.readonlyPaths = ["/proc/sys"]'
	mkdir rootfs/etc/masked && echo mine >rootfs/etc/masked/file
	inside 'umount /etc/masked; umount /proc/sys; mount -o remount,rw /proc/sys; mount -t proc proc /mnt; unshare -m umount /etc/masked
		mount --bind /proc /mnt; cat /etc/masked/file; echo x > /proc/sys/kernel/hostname; cat /mnt/sys/kernel/hostname; true'
	equals "$stdout" ""
}

@test "CVE-2025-52565: a fake devpts in a volume, and /dev/console a link" {
	mkdir "$T/pts"
	echo "not a terminal" >"$VICTIM/tty"
	BEFORE=$(look)
	ln -s "$VICTIM/tty" "$T/pts/ptmx"
	ln -s "$VICTIM/tty" "$T/pts/0"
	update_config '.process.terminal = true | .mounts |= map(if .destination == "/dev/pts" then {destination: "/dev/pts", type: "bind", source: $s,
		options: ["rbind"]} else . end)' --arg s "$T/pts"
	payload 'echo ran'
	refused run "$ID"
	# An honest devpts: the console is a slave of it, wherever the image's /dev/console points.
	cp "$BATS_RUN_TMPDIR/base/config.json" config.json
	mkdir -p rootfs/dev
	rm -rf rootfs/dev/*
	ln -s "$VICTIM/tty" rootfs/dev/console
	update_config '.process.terminal = true | .mounts |= map(select(.destination != "/dev")) | .root.readonly = false'
	payload 'stat -L -c "%F %t" /dev/console > /result; stat -L -c "%F %t" /proc/self/fd/0 >> /result'
	SBT_TEST=$ID timeout 60 "$RECVTTY" "$T/console" >"$T/tty.out" 2>&1 3>&- </dev/null &
	local tty=$!
	until_true test -S "$T/console"
	attempt run -d --console-socket "$T/console" "$ID"
	if [ "$status" = 0 ]; then
		wait "$tty" || :
		equals "$(sort -u rootfs/result)" "character special file 88"
	else
		kill "$tty" 2>/dev/null || :
	fi
	rm -rf "rootfs${T:?}"
}

@test "nobody programs the host by a hook of the image: no file of the root is executed or loaded by the runtime" {
	requires command:strace
	# Trojans where a runtime that enters the root too early would look (CVE-2019-14271, CVE-2026-41567).
	mkdir -p rootfs/lib rootfs/etc
	printf '#!/bin/sh\necho trojan > /trojan\n' >rootfs/bin/newuidmap
	cp rootfs/bin/newuidmap rootfs/bin/newgidmap
	chmod 755 rootfs/bin/new?idmap
	echo /lib/trojan.so >rootfs/etc/ld.so.preload
	cp rootfs/bin/newuidmap rootfs/lib/trojan.so
	cp rootfs/bin/newuidmap rootfs/lib/libnss_files.so.2
	payload 'exit 0'
	SBT_TEST=$ID strace -f -qq -o "$T/trace" -e trace=open,openat,execve "$RUNTIME" --root "$ROOT" run "$ID" >"$T/o" 2>&1 3>&- </dev/null
	! grep -E 'ld.so.preload|trojan|libnss_|new[ug]idmap' "$T/trace" | grep -v ENOENT | grep -E "\"$BUNDLE|\"/lib/(trojan|libnss)" ||
		fail "the runtime has looked at the image's files"
	[ ! -e rootfs/trojan ] || fail "a program of the image ran too early"
}
