# mounts[].options "tmpcopyup": a tmpfs that begins with the files below it.
load ../lib/helpers

setup() {
	make_bundle
	not_with crun "copies the contents only"
	mkdir -p rootfs/data/sub
	echo text >rootfs/data/sub/file
	owner=0:0 # without root it has to stay the user's own
	if [ "$(id -u)" = 0 ]; then owner=1000:2000 && chown "$owner" rootfs/data/sub/file; fi
	chmod 4755 rootfs/data/sub/file
	ln -s sub/file rootfs/data/link
	ln -s /outside rootfs/data/away
	chmod 1770 rootfs/data/sub
	update_config '.mounts += [{destination: "/data", type: "tmpfs", source: "x", options: ["tmpcopyup"]}]'
}

@test "tmpcopyup: modes, owners, links" {
	inside 'stat -c "%a %u:%g %F" /data/sub/file /data/sub; readlink /data/link; readlink /data/away; cat /data/link'
	equals "${lines[0]}" "4755 $owner regular file"
	contains "${lines[1]}" "1770 0:0 directory"
	equals "$(tail -n3 <<<"$stdout" | xargs)" "sub/file /outside text"
}

@test "tmpcopyup: the image is not written to" {
	inside 'echo changed > /data/sub/new; rm -r /data/sub; ls /data'
	equals "$(<rootfs/data/sub/file)" text
	[ ! -e rootfs/data/sub/new ]
}

@test "tmpcopyup: read-only once the files are in" {
	update_config '.mounts[-1].options += ["ro", "nosuid"]'
	inside 'cat /data/sub/file; touch /data/x 2>&1; awk "\$5 == \"/data\" { print \$6 }" /proc/self/mountinfo'
	equals "${lines[0]}" text
	contains "$stdout" Read-only ro,nosuid
}

@test "tmpcopyup: a missing folder is made empty" {
	update_config '.root.readonly = false | .mounts[-1].destination = "/not/there"'
	inside 'ls -A /not/there | wc -l; touch /not/there/x && echo writable'
	equals "$(xargs <<<"$stdout")" "0 writable"
}

@test "tmpcopyup: more than fits is an error that names the mount" {
	head -c 200000 /dev/zero >rootfs/data/big
	update_config '.mounts[-1].options += ["size=64k"]'
	no run "$ID"
	[ "$FLAVOR" != ours ] || contains "$output" "mounts[7] (/data)" "no space left on device"
}

@test "tmpcopyup: on another type than tmpfs it is an error" {
	not_with runc "ignores it there"
	update_config '.mounts[-1] += {type: "proc"}'
	rt run "$ID"
	[ "$status" != 0 ]
	[ "$FLAVOR" != ours ] || contains "$output" "mounts[7].options[0]" tmpcopyup
}

@test "tmpcopyup: in a user namespace" {
	requires "root:only root maps host ids that are not in /etc/subuid (user_namespaces(7))" userns
	update_config '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
		| .linux.gidMappings = .linux.uidMappings'
	chown -hR 100000:100000 rootfs
	chown 100007:100008 rootfs/data/sub/file
	inside 'stat -c "%u:%g" /data/sub/file; cat /data/sub/file'
	equals "$(xargs <<<"$stdout")" "7:8 text"
}

@test "tmpcopyup: a file of another id that a user cannot give away is an error that says so" {
	[ "$(id -u)" != 0 ] || skip "root can"
	[ -n "$(range_of /etc/subuid)" ] || skip "this user has no further ids"
	jq '.root.readonly = false | del(.mounts[-1]) | .process.args = ["chown", "1000", "/data/sub/file"]
		| .process.capabilities |= map_values(. + ["CAP_CHOWN"])' config.json >"$T/c"
	mkdir "$T/chown" && mv "$T/c" "$T/chown/config.json" && ln -s "$BUNDLE/rootfs" "$T/chown/rootfs"
	ok run --bundle "$T/chown" "$ID-chown"
	no run "$ID"
	contains "$output" "(/data)" "operation not permitted" "can't give files away"
}
