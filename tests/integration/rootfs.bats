# root: what the container sees as /.
load ../lib/helpers

@test "root: read-only" {
	payload 'touch /x 2>&1; grep " / " /proc/mounts'
	ok run "$ID"
	contains "${lines[0]}" "Read-only file system"
	[[ ${lines[1]} == *" ro,"* ]]
}

@test "root: writable" {
	update_config '.root.readonly = false'
	inside 'echo text > /written && cat /written'
	equals "$stdout" text
	equals "$(<"$BUNDLE/rootfs/written")" text
}

@test "root: an absolute path" {
	mv rootfs "$T/other"
	mkdir rootfs
	update_config '.root.path = $p' --arg p "$T/other"
	inside 'echo fine'
	equals "$stdout" fine
}

@test "root: a symlink to a folder" {
	not_with runc "refuses a symlink as root.path"
	mv rootfs "$T/other"
	ln -s "$T/other" rootfs
	inside 'echo fine'
	equals "$stdout" fine
}

@test "root: nothing of the host's tree is left, and no old root" {
	inside 'awk "{print \$5}" /proc/self/mountinfo | sort | uniq -d; ls -A / | grep "^\."; cat /proc/self/mountinfo'
	! grep -q "$T/state" <<<"$stdout" || fail "the state folder is visible"
	equals "$(grep -c ' / / ' <<<"$stdout")" 0
}

@test "root: --no-pivot works too" {
	payload 'echo fine; ls /'
	ok run --no-pivot "$ID"
	contains "$stdout" fine proc
}

@test "root: rootfsPropagation" {
	local how
	for how in private slave unbindable; do
		update_config '.linux.rootfsPropagation = $h' --arg h "$how"
		inside 'grep " / / \| / / rw\| / / ro\|^[^-]* / " /proc/self/mountinfo | head -n1; awk "\$5 == \"/\"" /proc/self/mountinfo'
		case $how in
		private) ! [[ $stdout == *master:* || $stdout == *shared:* ]] ;;
		unbindable) contains "$stdout" unbindable ;;
		esac
	done
}

@test "root: rootfsPropagation shared" {
	update_config '.linux.rootfsPropagation = "shared"'
	inside 'awk "\$5 == \"/\"" /proc/self/mountinfo'
	contains "$stdout" "shared:"
}

@test "root: no mount of the container shows on the host" {
	running
	equals "$(grep -c "$T/" /proc/self/mountinfo)" 0
}

@test "root: /proc/self/exe of the payload is its own program" {
	inside 'readlink /proc/self/exe; readlink /proc/1/exe'
	equals "${lines[0]}" /bin/busybox
	equals "${lines[1]}" /bin/busybox
}
