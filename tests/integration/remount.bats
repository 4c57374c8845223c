# mounts[].options "remount", and a propagation alone: both change what is mounted there already.
load ../lib/helpers

add_mount() { update_config '.mounts += [$m]' --argjson m "$1"; }
at() { grep " $1 " <<<"$stdout"; }

@test "remount: a file system becomes read-only" {
	add_mount '{"destination":"/proc","type":"proc","source":"proc","options":["remount","ro"]}'
	inside 'grep " /proc " /proc/self/mounts'
	contains "$(at /proc | awk '{ print "," $4 "," }')" ,ro,
	equals "$(at /proc | wc -l)" 1
}

@test "remount: its options change" {
	add_mount '{"destination":"/mnt","type":"tmpfs","source":"x","options":["size=8m"]}'
	add_mount '{"destination":"/mnt","type":"tmpfs","source":"x","options":["remount","size=1m"]}'
	inside 'grep " /mnt " /proc/self/mounts'
	contains "$stdout" size=1024k
	equals "$(at /mnt | wc -l)" 1
}

@test "remount: with bind only the mount changes, not the file system" {
	not_with crun "wants a source"
	not_with runc "drops the flags not named"
	add_mount '{"destination":"/mnt","type":"tmpfs","source":"x","options":["nosuid"]}'
	add_mount '{"destination":"/mnt","options":["remount","bind","ro"]}'
	inside 'grep " /mnt " /proc/self/mountinfo'
	contains "$(awk '{ print "," $6 "," }' <<<"$stdout")" ,ro, ,nosuid,
	contains "$stdout" "- tmpfs x rw"
}

@test "remount: where nothing is mounted it is an error" {
	add_mount '{"destination":"/mnt","source":"/mnt","options":["remount","bind","ro"]}'
	no run "$ID"
	[ "$FLAVOR" != ours ] || contains "$output" "mounts[7] (/mnt)" "nothing is mounted there"
}

@test "propagation alone changes the mount that is there" {
	ours_only "peers want a type"
	add_mount '{"destination":"/mnt","type":"tmpfs","source":"x"}'
	add_mount '{"destination":"/mnt","options":["shared"]}'
	inside 'grep " /mnt " /proc/self/mountinfo'
	contains "$stdout" shared:
	equals "$(at /mnt | wc -l)" 1
}
