# A user without privileges: flags of the host's mounts that a user namespace cannot change.
load ../lib/helpers

setup() {
	make_bundle
	requires "root:the test mounts on the host before it becomes a user" userns command:setpriv
	ours_only "the error's text is its own"
	"$RUNTIME" spec --rootless --bundle "$T" 3>&-
	jq --arg s "$T/src" '.process.terminal = false | .linux.uidMappings[0].hostID = 65534 | .linux.gidMappings[0].hostID = 65534
		| .process.args = ["grep", " /mnt ", "/proc/self/mountinfo"] | .mounts += [{destination: "/mnt", source: $s, options: ["bind"]}]' \
		"$T/config.json" >config.json
	mkdir "$T/src" "$ROOT"
	chown -R 65534:65534 "$BUNDLE" "$ROOT"
	# Where the runtime is, need not be reachable for that user.
	cp "$RUNTIME" "$T/rt" && chmod 755 "$T/rt"
	cat >"$T/wrap" <<-SH
		mount -t tmpfs -o nosuid,nodev,ro x "$T/src"
		exec setpriv --reuid 65534 --regid 65534 --clear-groups "$T/rt" --root "$ROOT" run "$ID"
	SH
}
with_option() {
	update_config '.mounts[-1].options = ["bind", $o]' --arg o "$1"
	run timeout 60 unshare -m sh "$T/wrap" 3>&-
}

@test "locked: ro alone leaves the others as they are" {
	with_option ro
	equals "$status" 0
	contains "$output" " ro,nosuid,nodev"
}

@test "locked: the error says which flag and what to write instead" {
	local o
	for o in suid dev rw; do
		with_option "$o"
		equals "$status" 1
		case $o in rw) want=ro ;; *) want=no$o ;; esac
		contains "$output" "mounts[" "$T/src is mounted $want on the host" "write \"$want\" instead of \"$o\" in mounts["
	done
}

@test "locked: the access times too" {
	with_option noatime
	equals "$status" 1
	contains "$output" "is mounted relatime on the host" 'write "relatime"'
}
