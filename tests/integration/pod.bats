# A container in the namespaces of another one, with the mounts that belong to them.
load ../lib/helpers

joined() { update_config '.linux.namespaces |= map(select(.type != $t)) + [{type: $t, path: $p}]' --arg t "$1" --arg p "$2"; }

@test "pod: pid, ipc, network, uts joined, and proc, mqueue, sysfs, devpts mounted in them" {
	cp config.json "$T/first.json"
	payload 'echo queue > /dev/mqueue/made; exec sleep 1000'
	ok run -d "$ID"
	until_true test -e "/proc/$(pid_of)/root/dev/mqueue/made"
	local first t
	first=$(pid_of)
	cp "$T/first.json" config.json
	for t in pid:pid ipc:ipc network:net uts:uts; do joined "${t%:*}" "/proc/$first/ns/${t#*:}"; done
	update_config 'del(.hostname)'
	if [ "$(id -u)" != 0 ]; then # the others are the user namespace's
		joined user "/proc/$first/ns/user"
		update_config 'del(.linux.uidMappings, .linux.gidMappings)'
	fi
	payload 'cat /proc/1/comm; ls /dev/mqueue; ls /sys/class/net; ls /dev/pts; hostname; readlink /proc/self/ns/pid'
	ok run "$ID-b"
	contains "$stdout" sleep made lo ptmx "$(jq -r .hostname "$T/first.json")" "$(readlink "/proc/$first/ns/pid")"
}

@test "pod: the same in a user namespace that is joined too" {
	in_userns
	payload 'echo queue > /dev/mqueue/made; exec sleep 1000'
	ok run -d "$ID"
	until_true test -e "/proc/$(pid_of)/root/dev/mqueue/made"
	local first t
	first=$(pid_of)
	for t in user:user pid:pid ipc:ipc network:net uts:uts; do joined "${t%:*}" "/proc/$first/ns/${t#*:}"; done
	update_config 'del(.hostname, .linux.uidMappings, .linux.gidMappings)'
	payload 'cat /proc/1/comm; ls /dev/mqueue; ls /sys/class/net; ls /dev/pts; id -u; readlink /proc/self/ns/user'
	ok run "$ID-b"
	contains "$stdout" sleep made lo ptmx "$(readlink "/proc/$first/ns/user")"
}

@test "pod: a new pid namespace in a joined user namespace has its own proc" {
	in_userns
	running
	joined user "/proc/$(pid_of)/ns/user"
	update_config 'del(.linux.uidMappings, .linux.gidMappings)'
	payload 'readlink /proc/self; cat /proc/1/comm; true'
	ok run "$ID-b"
	equals "${lines[1]}" sh
}

@test "pod: the id map of a joined user namespace serves idmap without a map of its own" {
	requires "root:mount_setattr(2) maps ids for CAP_SYS_ADMIN in the user namespace of the file system only" userns idmap
	ours_only "peers want the mappings written down"
	in_userns
	running
	joined user "/proc/$(pid_of)/ns/user"
	mkdir "$T/src" && touch "$T/src/file" && chown 5:6 "$T/src/file"
	update_config 'del(.linux.uidMappings, .linux.gidMappings) | .mounts += [{destination: "/mnt", source: $s, options: ["bind", "idmap"]}]' --arg s "$T/src"
	payload 'stat -c %u:%g /mnt/file'
	ok run "$ID-b"
	equals "$stdout" 5:6
}
