# Idmapped mounts: mounts[].uidMappings and gidMappings.
load ../lib/helpers

setup() {
	make_bundle
	requires "root:mount_setattr(2) maps ids for CAP_SYS_ADMIN in the user namespace of the file system only" userns idmap
	mkdir "$T/src" && touch "$T/src/file" && chown 1000:1000 "$T/src" "$T/src/file"
}
idmapped() { # OPTION: 1000 on disk is 0 in the container, and the other way round when writing
	update_config '.mounts += [{destination: "/mnt", type: "bind", source: $s, options: ["bind", $o],
		uidMappings: [{containerID: 1000, hostID: 0, size: 1}, {containerID: 0, hostID: 1000, size: 1}],
		gidMappings: [{containerID: 1000, hostID: 0, size: 1}, {containerID: 0, hostID: 1000, size: 1}]}]' --arg s "$T/src" --arg o "$1"
}

@test "idmap: owners are mapped, without a container user namespace" {
	idmapped idmap
	inside 'stat -c %u:%g /mnt/file; touch /mnt/new'
	equals "$stdout" 0:0
	equals "$(stat -c %u:%g "$T/src/new")" 1000:1000
}

@test "idmap: ridmap reaches submounts" {
	mkdir "$T/src/sub" "$T/other"
	touch "$T/other/file" && chown 1000:1000 "$T/other/file"
	idmapped ridmap
	update_config '.mounts[-1].options = ["rbind", "ridmap"]'
	cat >"$T/wrap" <<-SH
		mount --bind "$T/other" "$T/src/sub"
		exec "\$@"
	SH
	payload 'stat -c %u /mnt/sub/file'
	run unshare -m sh "$T/wrap" "$RUNTIME" --root "$ROOT" run "$ID"
	equals "$output" 0
}

@test "idmap: read-only at the same time" {
	idmapped idmap
	update_config '.mounts[-1].options += ["ro"]'
	inside 'touch /mnt/x 2>&1; stat -c %u /mnt/file'
	contains "$stdout" "Read-only"
	equals "${lines[-1]}" 0
}

@test "idmap: inside a user namespace" {
	update_config '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
		| .linux.gidMappings = .linux.uidMappings
		| .mounts += [{destination: "/mnt", type: "bind", source: $s, options: ["bind", "idmap"],
			uidMappings: [{containerID: 0, hostID: 100000, size: 65536}], gidMappings: [{containerID: 0, hostID: 100000, size: 65536}]}]' --arg s "$T/src"
	chown -hR 100000:100000 rootfs
	inside 'stat -c %u:%g /mnt/file'
	equals "$stdout" 1000:1000
}

@test "idmap: only one of the two maps is an error" {
	idmapped idmap
	update_config 'del(.mounts[-1].gidMappings)'
	rt run "$ID"
	[ "$status" != 0 ]
}

@test "idmap: the container's own mappings, without any of the mount's" {
	not_with crun "wants the mappings written down"
	update_config '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
		| .linux.gidMappings = .linux.uidMappings | .mounts += [{destination: "/mnt", type: "bind", source: $s, options: ["bind", "idmap"]}]' --arg s "$T/src"
	chown -hR 100000:100000 rootfs
	inside 'stat -c %u:%g /mnt/file'
	equals "$stdout" 1000:1000
}

@test "idmap: a single file" {
	idmapped idmap
	update_config '.mounts[-1].source += "/file" | .mounts[-1].destination = "/etc/passwd"'
	inside 'stat -c %u:%g /etc/passwd'
	equals "$stdout" 0:0
}

@test "idmap: a file system that is mounted new" {
	not_with runc "for bind mounts only"
	idmapped idmap
	update_config '.mounts[-1] += {type: "tmpfs", source: "x", options: ["idmap"]}'
	inside 'stat -c %u:%g /mnt'
	equals "$stdout" 1000:1000
}

@test "idmap: only the top where it is not recursive" {
	mkdir "$T/src/sub" "$T/other"
	touch "$T/other/file" && chown 1000:1000 "$T/other/file"
	idmapped idmap
	update_config '.mounts[-1].options = ["rbind", "idmap"]'
	cat >"$T/wrap" <<-SH
		mount --bind "$T/other" "$T/src/sub"
		exec "\$@"
	SH
	payload 'stat -c %u /mnt/file /mnt/sub/file'
	run unshare -m sh "$T/wrap" "$RUNTIME" --root "$ROOT" run "$ID"
	equals "$(xargs <<<"$output")" "0 1000"
}

@test "idmap: without mappings and without a user namespace it is an error that names the option" {
	update_config '.mounts += [{destination: "/mnt", source: $s, options: ["bind", "idmap"]}]' --arg s "$T/src"
	no run "$ID"
	[ "$FLAVOR" != ours ] || contains "$output" "mounts[7].options[1]" "needs uidMappings and gidMappings"
}

@test "idmap: a file system that cannot is an error that says so" {
	idmapped idmap
	update_config '.mounts[-1].source = "/proc"'
	no run "$ID"
	[ "$FLAVOR" != ours ] || contains "$output" "mounts[7]" "may not support id-mapped mounts"
}
