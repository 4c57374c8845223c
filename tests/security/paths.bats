# A path in an image or volume leads out of the root file system.
load lib

# A volume that another container of the attacker's has too: there "a" is now a folder, now a link.
hostile_volume() {
	mkdir -p "$T/vol/a"
	ln -s "$1" "$T/vol/b"
	add_volume "$T/vol" /vol
}

@test "CVE-2021-30465: a mount's target is exchanged with a link to the host" {
	local i
	hostile_volume "$VICTIM"
	mkdir -p "$T/vol/a/dir"
	update_config '.mounts += [{destination: "/vol/a/dir", type: "tmpfs", source: "evil", options: ["size=1m"]}]'
	# A mount that went to the host's tree is gone after pivot_root: the container would run without it.
	payload 'grep -q " evil " /proc/self/mountinfo || exit 7; cat "$VICTIM/secret" 2>/dev/null && exit 8; exit 0'
	update_config '.process.env += ["VICTIM=" + $v]' --arg v "$VICTIM"
	race "$T/vol/a" "$T/vol/b"
	for ((i = 0; i < ROUNDS; i++)); do
		attempt run "$ID"
		[ "$status" -lt 2 ] || fail "mounted outside of the container (exit code $status)"
	done
	rm -rf "rootfs${T:?}"
}

@test "CVE-2024-45310: missing mount targets are not made through a link" {
	local i
	hostile_volume "$VICTIM"
	update_config '.mounts += [{destination: "/vol/a/new/deep", type: "tmpfs", source: "evil"}, {destination: "/vol/a/file", type: "bind",
		source: "/dev/null", options: ["bind"]}]'
	payload true
	race "$T/vol/a" "$T/vol/b"
	for ((i = 0; i < ROUNDS; i++)); do
		attempt run "$ID"
		rm -rf "$T/vol/a/new" "$T/vol/b/new" 2>/dev/null || :
	done
	stop_race
	# And without a race: what is missing is made inside the root, or nowhere.
	update_config '.mounts[-2].destination = "/vol/b/new" | .mounts[-1].destination = "/vol/b/file"'
	[ -L "$T/vol/b" ] || mv -T --exchange "$T/vol/a" "$T/vol/b" 2>/dev/null || { mv "$T/vol/b" "$T/vol/c" && mv "$T/vol/a" "$T/vol/b"; }
	attempt run "$ID"
	rm -rf "$BUNDLE/rootfs${VICTIM:?}"
}

@test "CVE-2019-18837: a bind through a link of the image" {
	rm -rf rootfs/etc
	ln -s "$VICTIM/etc" rootfs/etc
	echo mine >"$T/hosts"
	update_config '.mounts += [{destination: "/etc/hosts", type: "bind", source: $s, options: ["bind"]}]' --arg s "$T/hosts"
	payload 'cat /etc/hosts || exit 7'
	# It is refused (1), or is where the program looks: resolved on the host, it would be lost with the host's tree.
	attempt run "$ID"
	[ "$status" = 1 ] || equals "$status/$stdout" 0/mine
	# The same with the link's target in the image as well.
	mkdir -p "rootfs$VICTIM/etc" && : >"rootfs$VICTIM/etc/hosts"
	attempt run "$ID"
	[ "$status" = 1 ] || equals "$status/$stdout" 0/mine
	rm -rf "rootfs/${T#/}"
	rm rootfs/etc && ln -s ../../host/etc rootfs/etc
	attempt run "$ID"
	[ "$status" = 1 ] || equals "$status/$stdout" 0/mine
}

@test "CVE-2026-41579, CVE-2026-47766: /dev of the image is a link to the host" {
	local target
	update_config '.mounts |= map(select(.destination | startswith("/dev") | not))' # or a tmpfs would cover it
	payload true
	for target in "$VICTIM" ../../host; do
		rm -rf rootfs/dev
		ln -s "$target" rootfs/dev
		attempt run "$ID"
		attempt create "$ID"
		attempt delete --force "$ID"
	done
}

@test "linux.devices: a node is not made through a link" {
	requires cap_mknod
	ln -s "$VICTIM" rootfs/nodes
	update_config '.linux.devices = [{path: "/nodes/dir/node", type: "c", major: 1, minor: 3, uid: 12, gid: 13},
		{path: "/nodes/secret", type: "c", major: 1, minor: 3, uid: 12, gid: 13}]'
	payload true
	attempt run "$ID"
}

@test "CVE-2023-27561, CVE-2019-19921, CVE-2025-54867: /proc or /sys of the image is a link" {
	local dir target
	payload true
	for dir in proc sys; do
		for target in /evil "$VICTIM" ../../host; do
			rm -rf "rootfs/$dir" rootfs/evil
			mkdir -p rootfs/evil/self/attr
			ln -s "$target" "rootfs/$dir"
			refused run "$ID"
			[[ $output == *"ordinary directory"* ]] || [ "$FLAVOR" != ours ] || fail "the reason is missing"
		done
		rm "rootfs/$dir"
	done
}

@test "process.cwd is not made through a link" {
	ln -s "$VICTIM" rootfs/job
	update_config '.process.cwd = "/job/new" | .root.readonly = false'
	payload 'pwd -P'
	attempt run "$ID"
	rm -rf "rootfs${VICTIM:?}"
}

@test "tmpcopyup brings nothing of the host's" {
	ours_only "the option is ours and crun's"
	ln -s "$VICTIM" rootfs/data
	mkdir rootfs/more
	ln -s "$VICTIM/secret" rootfs/more/link
	update_config '.mounts += [{destination: "/data", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup"]},
		{destination: "/more", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup"]}]'
	payload 'cat /data/secret /more/link; ls -l /more'
	attempt run "$ID"
	! grep -qx secret <<<"$stdout" || fail "the host's file was copied"
	mkdir -p "rootfs$VICTIM" # the same with the link's target in the image as well
	attempt run "$ID"
	! grep -qx secret <<<"$stdout" || fail "the host's file was copied"
	rm -rf "rootfs${VICTIM:?}"
}

@test "the home folder is looked up in the image, whatever its passwd is" {
	printf 'root:x:0:0::/host-home:/bin/sh\n' >"$T/passwd"
	rm rootfs/etc/passwd
	ln -s "$T/passwd" rootfs/etc/passwd
	inside 'echo $HOME'
	equals "$stdout" /
	rm rootfs/etc/passwd
	not_with runc "it waits for somebody to write to it"
	mkfifo rootfs/etc/passwd # nobody writes: must not hang
	RT_TIMEOUT=20 attempt run "$ID"
}

@test "CVE-2016-3697: a numeric user is not looked up in the image" {
	printf '1000:x:0:0::/:/bin/sh\nroot:x:0:0::/:/bin/sh\n' >rootfs/etc/passwd
	update_config '.process.user = {uid: 1000, gid: 1000}'
	inside 'id -u; id -g'
	equals "$(xargs <<<"$stdout")" "1000 1000"
}

@test "a link on the host's side of a volume's name stays the host's affair: only the named folder is seen" {
	mkdir "$T/shared"
	ln -s "$VICTIM/secret" "$T/shared/abs"
	ln -s ../host/secret "$T/shared/rel"
	add_volume "$T/shared" /shared
	inside 'cat /shared/abs /shared/rel /shared/../../host/secret 2>/dev/null; cd /shared && cat ../../host/secret ../host/secret 2>/dev/null; true'
	equals "$stdout" ""
}
