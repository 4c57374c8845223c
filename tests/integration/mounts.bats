# mounts: the default ones, binds, tmpfs, their options and propagation.
load ../lib/helpers

# options DESTINATION: the per-mount options as the container sees them.
options() { awk -v d="$1" '$5 == d { print $6 }' <<<"$stdout" | tail -n1; }
add_mount() { update_config '.mounts += [$m]' --argjson m "$1"; }

@test "mounts: all that spec writes" {
	inside 'cat /proc/self/mountinfo'
	local want type place
	while read -r type place want; do
		equals "$(awk -v d="$place" '$5 == d { for (i = 7; $i != "-"; i++); print $(i+1) }' <<<"$stdout" | tail -n1)" "$type"
		local o
		for o in ${want//,/ }; do contains ",$(options "$place")," ",$o,"; done
	done <<-'LIST'
		proc /proc rw
		tmpfs /dev nosuid
		devpts /dev/pts nosuid,noexec
		tmpfs /dev/shm nosuid,nodev,noexec
		mqueue /dev/mqueue nosuid,nodev,noexec
		sysfs /sys nosuid,nodev,noexec,ro
	LIST
}

@test "mounts: proc is the container's own" {
	inside 'ls -d /proc/[0-9]* | wc -l; cat /proc/1/comm; true'
	[ "${lines[0]}" -lt 5 ]
	equals "${lines[1]}" sh
}

@test "mounts: devpts is a new instance and /dev/ptmx belongs to it" {
	inside 'readlink /dev/ptmx; ls /dev/pts; stat -c %a /dev/pts/ptmx'
	equals "${lines[0]}" pts/ptmx
	equals "${lines[1]}/${lines[2]}" ptmx/666
}

@test "bind: a folder" {
	mkdir "$T/src" && echo content >"$T/src/file"
	add_mount '{"destination":"/mnt","type":"bind","source":"'"$T"'/src","options":["bind"]}'
	inside 'cat /mnt/file; echo written > /mnt/new'
	equals "$stdout" content
	equals "$(<"$T/src/new")" written
}

@test "bind: type may be missing or be \"none\"" {
	mkdir "$T/src" && echo content >"$T/src/file"
	add_mount '{"destination":"/mnt","source":"'"$T"'/src","options":["rbind"]}'
	add_mount '{"destination":"/opt","type":"none","source":"'"$T"'/src","options":["rbind"]}'
	inside 'cat /mnt/file /opt/file'
	equals "$stdout" content$'\n'content
}

@test "bind: a file, and a missing file target is made" {
	echo content >"$T/src"
	update_config '.root.readonly = false'
	add_mount '{"destination":"/etc/passwd","type":"bind","source":"'"$T"'/src","options":["bind","ro"]}'
	add_mount '{"destination":"/deep/er/file","type":"bind","source":"'"$T"'/src","options":["bind"]}'
	inside 'cat /etc/passwd /deep/er/file; (echo x > /etc/passwd) 2>&1; true'
	equals "${lines[0]}/${lines[1]}" content/content
	contains "${lines[2]}" "Read-only file system"
}

@test "bind: a missing folder target is made, also below a read-only root" {
	mkdir "$T/src" && touch "$T/src/file"
	add_mount '{"destination":"/a/b/c","type":"bind","source":"'"$T"'/src","options":["bind"]}'
	inside 'ls /a/b/c'
	equals "$stdout" file
}

@test "bind: read-only" {
	mkdir "$T/src"
	add_mount '{"destination":"/mnt","type":"bind","source":"'"$T"'/src","options":["bind","ro"]}'
	inside 'touch /mnt/x 2>&1 || cat /proc/self/mountinfo'
	contains "$stdout" "Read-only file system"
	contains ",$(options /mnt)," ",ro,"
	# It is the mount that is read-only, not the source.
	touch "$T/src/x"
}

@test "bind: nosuid, nodev, noexec, noatime" {
	requires "root:a user namespace may not change the atime setting of a mount it did not make (mount_namespaces(7))"
	mkdir "$T/src"
	add_mount '{"destination":"/mnt","type":"bind","source":"'"$T"'/src","options":["bind","nosuid","nodev","noexec","noatime"]}'
	inside 'cat /proc/self/mountinfo; cp /bin/busybox /mnt/ls; /mnt/ls 2>&1; true'
	local o
	for o in nosuid nodev noexec noatime; do contains ",$(options /mnt)," ",$o,"; done
	contains "${lines[-1]}" "ermission denied"
}

@test "bind: a symlink source is followed on the host, a symlink target inside the root" {
	mkdir "$T/src" && touch "$T/src/file"
	ln -s "$T/src" "$T/link"
	ln -s /mnt rootfs/inner
	add_mount '{"destination":"/inner","type":"bind","source":"'"$T"'/link","options":["bind"]}'
	inside 'ls /mnt'
	equals "$stdout" file
}

@test "bind: a target that leads out of the root by .. or an absolute symlink stays inside" {
	mkdir "$T/src" "$T/outside"
	touch "$T/src/file"
	update_config '.root.readonly = false'
	ln -s "$T/outside" rootfs/escape
	add_mount '{"destination":"/escape","type":"bind","source":"'"$T"'/src","options":["bind"]}'
	inside "ls $T/outside; ls /escape"
	equals "$stdout" file$'\n'file
	equals "$(ls "$T/outside")" ""
}

@test "rbind: brings submounts, bind does not" {
	requires "root:the test mounts on the host"
	mkdir -p "$T/src/sub"
	cat >"$T/wrap" <<-SH
		mount -t tmpfs none "$T/src/sub" && touch "$T/src/sub/file"
		exec "\$@"
	SH
	add_mount '{"destination":"/mnt","type":"bind","source":"'"$T"'/src","options":["rbind"]}'
	add_mount '{"destination":"/opt","type":"bind","source":"'"$T"'/src","options":["bind"]}'
	payload 'ls /mnt/sub; echo --; ls /opt/sub'
	run unshare -m sh "$T/wrap" "$RUNTIME" --root "$ROOT" run "$ID"
	equals "$output" file$'\n'--
}

@test "rbind ro: only the top; rro: all of it" {
	requires "root:the test mounts on the host"
	mkdir -p "$T/src/sub"
	cat >"$T/wrap" <<-SH
		mount -t tmpfs none "$T/src/sub"
		exec "\$@"
	SH
	add_mount '{"destination":"/mnt","type":"bind","source":"'"$T"'/src","options":["rbind","ro"]}'
	add_mount '{"destination":"/opt","type":"bind","source":"'"$T"'/src","options":["rbind","rro"]}'
	payload 'touch /mnt/x || touch /mnt/sub/y && echo sub is writable; touch /opt/x; touch /opt/sub/y'
	run unshare -m sh "$T/wrap" "$RUNTIME" --root "$ROOT" run "$ID"
	contains "$output" "/mnt/x: Read-only" "sub is writable" "/opt/x: Read-only" "/opt/sub/y: Read-only"
}

@test "bind: propagation" {
	local how
	mkdir "$T/src"
	for how in rprivate rslave rshared private slave shared unbindable; do
		update_config '.mounts |= map(select(.destination != "/mnt")) + [{destination:"/mnt",type:"bind",source:$s,options:["bind",$h]}]' \
			--arg s "$T/src" --arg h "$how"
		inside 'cat /proc/self/mountinfo'
		local line
		line=$(grep ' /mnt ' <<<"$stdout")
		case $how in
		*shared) contains "$line" shared: ;;
		unbindable) contains "$line" unbindable ;;
		*private) [[ $line != *shared:* && $line != *master:* ]] || fail "$how: $line" ;;
		esac
	done
}

@test "tmpfs: size, mode, owner and flags" {
	add_mount '{"destination":"/mnt","type":"tmpfs","source":"tmpfs","options":["nosuid","noexec","size=1m","mode=0757","uid=1000","gid=2000"]}'
	inside 'stat -c "%a %u %g" /mnt; df -k /mnt | tail -n1; dd if=/dev/zero of=/mnt/f bs=1k count=2000 2>&1; cat /proc/self/mountinfo'
	equals "${lines[0]}" "757 1000 2000"
	contains "${lines[1]}" " 1024 "
	contains "$stdout" "No space left on device"
	contains ",$(options /mnt)," ",noexec,"
}

@test "tmpfs: on a missing folder, read-only, and keeping the mode of the folder below" {
	update_config '.root.readonly = false'
	mkdir -m 0700 rootfs/sec
	add_mount '{"destination":"/new/one","type":"tmpfs","source":"x","options":["ro"]}'
	add_mount '{"destination":"/sec","type":"tmpfs","source":"x"}'
	inside 'touch /new/one/x 2>&1; stat -c %a /sec'
	contains "${lines[0]}" "Read-only"
	equals "${lines[1]}" 700
}

# podman's pods have a read-only /dev.
@test "tmpfs: read-only once devices, further mounts and the working directory are made in it" {
	update_config '(.mounts[] | select(.destination == "/dev").options) += ["ro"] | .process.cwd = "/plain/work"'
	add_mount '{"destination":"/plain","type":"tmpfs","source":"t","options":["ro"]}'
	add_mount '{"destination":"/plain/below","type":"tmpfs","source":"b"}'
	inside 'pwd; ls -d /dev/null /dev/pts; : >/dev/null; touch /plain/below/x && echo written
		for d in /dev /plain; do touch $d/x 2>&1; done; :'
	contains "$stdout" /plain/work "/dev/null"$'\n'/dev/pts written "/dev/x: Read-only" "/plain/x: Read-only"
}

@test "tmpfs: read-only, and a later entry makes it writable again" {
	add_mount '{"destination":"/plain","type":"tmpfs","source":"t","options":["ro"]}'
	add_mount '{"destination":"/plain","options":["remount","rw"]}'
	add_mount '{"destination":"/other","type":"tmpfs","source":"t","options":["ro"]}'
	inside 'touch /plain/x && echo written; touch /other/x 2>&1; :'
	contains "$stdout" written "/other/x: Read-only"
}

@test "tmpfs: tmpcopyup brings the contents" {
	mkdir -p rootfs/data/sub
	echo text >rootfs/data/sub/file
	add_mount '{"destination":"/data","type":"tmpfs","source":"x","options":["tmpcopyup"]}'
	inside 'cat /data/sub/file; echo changed > /data/sub/file'
	equals "$stdout" text
	equals "$(<rootfs/data/sub/file)" text
}

@test "mounts: order is kept, a later one may lie in an earlier one" {
	mkdir "$T/src" && touch "$T/src/file"
	add_mount '{"destination":"/mnt","type":"tmpfs","source":"x"}'
	add_mount '{"destination":"/mnt/in/side","type":"bind","source":"'"$T"'/src","options":["bind"]}'
	inside 'ls /mnt/in/side'
	equals "$stdout" file
}

@test "mounts: many" {
	local i
	mkdir "$T/src"
	update_config '.mounts += [range(100) | {destination: "/mnt/\(.)", type: "bind", source: $s, options: ["bind"]}] | .root.readonly = false' --arg s "$T/src"
	inside 'grep -c " /mnt/" /proc/self/mountinfo'
	equals "$stdout" 100
}

@test "mounts: relatime, strictatime, nodiratime, sync as given" {
	add_mount '{"destination":"/mnt","type":"tmpfs","source":"x","options":["strictatime","nodiratime","sync"]}'
	inside 'grep " /mnt " /proc/self/mountinfo'
	contains "$stdout" nodiratime sync
	[[ $stdout != *relatime* ]]
}

@test "mounts: nosymfollow" {
	not_with crun "it does not know the option"
	add_mount '{"destination":"/mnt","type":"tmpfs","source":"x","options":["nosymfollow"]}'
	inside 'ln -s /etc/passwd /mnt/l; cat /mnt/l 2>&1 || echo refused'
	contains "$stdout" refused
}

@test "mounts: overlay" {
	requires fs:overlay
	mkdir "$T/low" "$T/up" "$T/work" && echo low >"$T/low/f"
	add_mount '{"destination":"/mnt","type":"overlay","source":"overlay","options":["lowerdir='"$T/low"',upperdir='"$T/up"',workdir='"$T/work"'"]}'
	inside 'cat /mnt/f; echo up > /mnt/f'
	equals "$stdout" low
	equals "$(<"$T/up/f")" up
	rm -rf "$T/work"
}

@test "mounts: cgroup, of a v1 or hybrid host" {
	requires cgroup_v1
	add_mount '{"destination":"/sys/fs/cgroup","type":"cgroup","source":"cgroup","options":["nosuid","noexec","nodev","relatime","ro"]}'
	inside 'ls /sys/fs/cgroup; grep "/sys/fs/cgroup/pids " /proc/self/mountinfo; mkdir /sys/fs/cgroup/pids/x 2>&1; cat /sys/fs/cgroup/pids/cgroup.procs'
	contains "$stdout" memory pids devices "Read-only file system"
	# Only the container's own part of the tree: its init is number 1 in it.
	contains $'\n'"$stdout"$'\n' $'\n1\n'
}

@test "mounts: a mistake is named by its field" {
	add_mount '{"destination":"/mnt","type":"nosuchfs","source":"x"}'
	no run "$ID"
	contains "$output" "no such device"
	[ "$FLAVOR" != ours ] || contains "$output" nosuchfs "mounts[$(jq '.mounts | length - 1' "$BUNDLE/config.json")]"
}

@test "mounts: a missing bind source is an error" {
	add_mount '{"destination":"/mnt","type":"bind","source":"'"$T"'/missing","options":["bind"]}'
	no run "$ID"
	contains "$output" "$T/missing" "no such file or directory"
}
