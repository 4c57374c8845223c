# spawn: what a hostile program tries. Each attempt is first shown to work where the one thing that is
# to stop it is missing: outside, or with the flag that takes it away.
load ../lib/spawn

@test "spawn: /etc/shadow and the homes cannot be read, not as the name of root either" {
	secrets() {
		WHO=root outside ok open /etc/shadow
		mkdir -p "$T/home" && echo secret >"$T/home/secret" && chmod -R a+rX "$T/home"
		outside ok open "$T/home/secret"
		local flags
		for flags in "" "--user 0" "--profile permissive" "--seccomp none"; do
			# shellcheck disable=SC2086
			probe ENOENT $flags -- open "$T/home/secret"
			# shellcheck disable=SC2086
			probe ENOENT $flags -- open /etc/shadow
			# shellcheck disable=SC2086
			gives "" $flags -- sh -c 'ls -d /home/* /root 2>/dev/null; :'
		done
		probe ok --bind-ro "$T/home" -- open "$T/home/secret" # with the flag that shows it
		# The host's files, shown: their owners' rights still count, and root is not mapped.
		probe EACCES --bind-ro /etc:/etc -- open /etc/shadow
	}
	each secrets
	WHO=user
	probe EACCES --user 0 --bind-ro /etc:/etc -- open /etc/shadow
}

@test "spawn: .. and symbolic links lead nowhere else" {
	links() {
		rm -rf "$T/box" && mkdir -p "$T/box/shared" && echo secret >"$T/box/secret"
		ln -s "$T/box/secret" "$T/box/shared/abs"
		ln -s ../secret "$T/box/shared/rel"
		ln -s ../../../../../../../../.."$T/box/secret" "$T/box/shared/up"
		chmod -R a+rX "$T/box"
		local name
		for name in abs rel up; do outside ok open "$T/box/shared/$name"; done
		for name in abs rel up; do probe ENOENT --bind-ro "$T/box/shared:/s" -- open "/s/$name"; done
		probe ENOENT --bind-ro "$T/box/shared:/s" -- open /s/../secret
		probe ENOENT -- open "/proc/1/root$T/box/secret" || probe EACCES -- open "/proc/1/root$T/box/secret"
		probe ENOENT -- open "/proc/self/root$T/box/secret"
		probe ENOENT --cwd /tmp -- open "/proc/self/cwd/..$T/box/secret"
		gives "" -- sh -c "ln -s $T/box/secret /tmp/l; cat /tmp/l 2>/dev/null; :"
	}
	each links
}

@test "spawn: a link that the sandbox's owner planted does not move a mount" {
	planted() {
		rm -rf "$T/root" && mkdir -p "$T/root/bin" "$T/root/usr" && cp "$(command -v busybox)" "$T/root/bin/busybox"
		ln -s /usr "$T/root/data"
		local id=$USER_ID
		[ "$WHO" = user ] || id=65534
		chown -hR "$id:$id" "$T/root"
		# Links are resolved inside the root: the tmpfs is on the root's /usr, where the program finds it, not on the
		# host's.
		gives "" --root "$T/root" --tmpfs /data -- /bin/busybox touch /data/x
		equals "$(ls "$T/root/usr")" ""
		rmdir "$T/root/proc" && ln -s / "$T/root/proc"
		refused /proc --root "$T/root" -- /bin/busybox true # proc goes over no link
	}
	each planted
}

@test "spawn: a server on the host's loopback cannot be reached" {
	loopback() {
		me "$PROBE" listen 127.0.0.1:0 >"$T/address" 3>&- &
		local server=$!
		until_true grep -q : "$T/address"
		{ echo "$server"; pgrep -P "$server"; } >>"$T/background" || : # for teardown, where the test fails
		local address
		address=$(<"$T/address")
		outside ok connect "$address"
		probe ok --net host -- connect "$address"
		probe ECONNREFUSED -- connect "$address"
		probe ENETUNREACH -- connect 192.0.2.1:80
		end_job "$server"
		rm "$T/address"
	}
	each loopback
}

# end_job PID: a job that ran `me`, with what it started.
end_job() {
	pkill -KILL -P "$1" || :
	kill -KILL "$1" 2>/dev/null || :
	wait "$1" 2>/dev/null || :
}

@test "spawn: an abstract unix socket of the host cannot be reached" {
	abstract() {
		local name=@sbt-$RANDOM-$RANDOM
		me "$PROBE" listen "$name" >"$T/address" 3>&- &
		local server=$!
		until_true grep -q "$name" "$T/address"
		{ echo "$server"; pgrep -P "$server"; } >>"$T/background" || :
		outside ok connect "$name"
		probe ok --net host -- connect "$name"
		probe ECONNREFUSED -- connect "$name"
		end_job "$server"
		rm "$T/address"
	}
	each abstract
}

@test "spawn: no ptrace" {
	ptrace() {
		outside ok traceme
		probe EPERM -- traceme
		probe ok --seccomp unrestricted -- traceme # the filter is what stops it
		probe EPERM --seccomp unrestricted -- seize 1
	}
	each ptrace
}

@test "spawn: no mount, not in a user namespace of its own either" {
	mounts() {
		outside ok userns-mount
		probe EPERM -- mount
		spawn --bind-ro "$PROBE:/probe" -- /probe userns-mount
		[ "$stdout" != ok ] || fail "mounted"
		probe ok --seccomp none -- userns-mount # the filter is what stops it
		probe EPERM --seccomp none -- mount
		WHO=root gives EPERM --user 0 --bind-ro "$PROBE:/probe" --seccomp none -- /probe mount # no capability
	}
	each mounts
}

@test "spawn: a setuid program gives nothing" {
	setuid() {
		cp "$PROBE" "$T/setuid" && chown 0:0 "$T/setuid" && chmod 4755 "$T/setuid"
		WHO=user
		equals "$(me "$T/setuid" uid)" 0
		WHO=$1
		local id=$USER_ID
		[ "$WHO" = user ] || id=65534
		gives "$id" --bind-ro "$T/setuid:/setuid" -- /setuid uid
		# With the mount's nosuid and with no_new_privs; the latter alone is enough.
		gives "$id" --bind-ro "$T/setuid:/setuid" --seccomp none -- /setuid uid
	}
	setuid root
	setuid user
	WHO=root
	gives 65534 --share user --bind-ro "$T/setuid:/setuid" --seccomp none -- /setuid uid
}

@test "spawn: what the caller has open is closed" {
	inherited() {
		exec 8</etc/passwd 9>"$T/nine"
		contains " $(me "$PROBE" fds </dev/null) " " 8 9 "
		local out
		out=$(me "$SPAWN" spawn --bind-ro "$PROBE:/probe" -- /probe fds </dev/null 3>&-)
		equals "$out" "0 1 2"
		# Nor does the init hold any of them.
		out=$(me "$SPAWN" spawn --seccomp none -- sh -c 'ls -l /proc/1/fd 2>&1 | grep -c -e passwd -e nine' </dev/null 3>&-) || :
		equals "$out" 0
		exec 8<&- 9>&-
	}
	each inherited
}

@test "spawn: nothing can be typed into the terminal (TIOCSTI)" {
	terminal() {
		# As root: with CAP_SYS_ADMIN, or where the sysctl dev.tty.legacy_tiocsti is on, it works outside.
		equals "$(WHO=root on_terminal "$PROBE" tiocsti)" ok
		equals "$(on_terminal "$PROBE" tty)" ok
		equals "$(on_terminal "$SPAWN" spawn --tty=false --bind-ro "$PROBE:/probe" --seccomp none -- /probe tiocsti)" EPERM
		equals "$(on_terminal "$SPAWN" spawn --tty=false --bind-ro "$PROBE:/probe" --seccomp none -- /probe tty)" ENXIO
	}
	each terminal
}

# on_terminal COMMAND...: as $WHO, as a session's leader on a terminal of its own.
on_terminal() {
	local setpriv=
	[ "$WHO" = root ] || setpriv="setpriv --reuid $USER_ID --regid $USER_ID --clear-groups --inh-caps=-all --bounding-set=-all"
	script -qec "$setpriv $*" /dev/null </dev/null 3>&- | tr -d '\r^D\b' | grep -oE 'ok|E[A-Z]+' | tail -n1
}

@test "spawn: other processes can be neither seen nor signalled" {
	others() {
		sleep 1000 3>&- &
		local other=$!
		gives "" -- sh -c "kill -0 $other 2>/dev/null && echo seen; :"
		gives "" -- sh -c "cat /proc/$other/cmdline 2>/dev/null; :"
		kill "$other"
		# With the host's processes shared it is there.
		[ "$WHO" = user ] || gives shares --share pid -- sh -c "[ $$ != 0 ] && [ -d /proc ] && echo shares" || :
	}
	each others
}

@test "spawn: no device, no kernel setting" {
	devices() {
		gives "console fd full null ptmx pts random shm stderr stdin stdout tty urandom zero" -- sh -c 'ls /dev | grep -v ^core | xargs' ||
			gives "fd full null ptmx pts random shm stderr stdin stdout tty urandom zero" -- sh -c 'ls /dev | grep -v ^core | xargs'
		gives no -- sh -c 'mknod /tmp/d c 1 3 2>/dev/null || echo no'
		gives no --seccomp none -- sh -c 'mknod /tmp/d c 1 3 2>/dev/null || echo no'
		gives no --seccomp none -- sh -c 'echo 1 2>/dev/null >/proc/sys/kernel/core_pattern || echo no'
		gives no --user 0 --seccomp none -- sh -c 'echo 1 2>/dev/null >/proc/sysrq-trigger || echo no'
	}
	each devices
}
