# Mount options of config.md's table, one by one and recursive, as the kernel shows them.
load ../lib/helpers

# flags OPTION...: the per-mount flags of a bind mount of a tmpfs and of a tmpfs below it, and the
# file system's own.
flags() {
	local list
	mkdir -p "$T/src"
	cat >"$T/wrap" <<-SH
		mount -t tmpfs top "$T/src" && mkdir "$T/src/sub"
		mount -t tmpfs below "$T/src/sub"
		mount -o remount,bind,${OUTER:-rw} "$T/src/sub" && mount -o remount,bind,${OUTER:-rw} "$T/src"
		exec "\$@"
	SH
	list=$(printf '%s\n' "$@" | jq -R . | jq -s .)
	update_config '.mounts |= map(select(.destination != "/mnt")) + [{destination: "/mnt", source: $s, options: (["rbind"] + $o)}]' \
		--arg s "$T/src" --argjson o "$list"
	payload 'grep " /mnt" /proc/self/mountinfo'
	run apart timeout 60 sh "$T/wrap" "$RUNTIME" --root "$ROOT" run "$ID" 3>&-
	[ "$status" = 0 ] || fail "$*: $output"
	top=,$(awk '$5 == "/mnt" { print $6 }' <<<"$output"),
	below=,$(awk '$5 == "/mnt/sub" { print $6 }' <<<"$output"),
}
has() { [[ $1 == *,$2,* ]] || fail "$2 is not in $1"; }
lacks() { [[ $1 != *,$2,* ]] || fail "$2 is in $1"; }

@test "options: set on the mount itself only" {
	local o
	for o in ro nosuid nodev noexec noatime nodiratime; do
		flags "$o"
		has "$top" "$o"
		lacks "$below" "$o"
	done
}

@test "options: recursive ones reach what is below" {
	local o
	for o in rro rnosuid rnodev rnoexec rnoatime rnodiratime; do
		flags "$o"
		has "$top" "${o#r}"
		has "$below" "${o#r}"
	done
}

@test "options: recursive rnosymfollow" {
	not_with crun "it does not know the option"
	flags rnosymfollow
	has "$top" nosymfollow
	has "$below" nosymfollow
}

@test "options: recursive ones undo what the source has" {
	not_with runc "keeps the source's flags"
	local o
	OUTER=nosuid,nodev,noexec,ro
	for o in suid dev exec; do
		flags "r$o"
		lacks "$top" "no$o"
		lacks "$below" "no$o"
		has "$below" ro
	done
	flags rrw
	lacks "$below" ro
	has "$below" nosuid
}

@test "options: without any the source's flags stay" {
	OUTER=nosuid,nodev
	flags private
	has "$top" nosuid
	has "$top" nodev
	has "$below" nosuid
}

@test "options: strictatime and relatime" {
	flags strictatime
	lacks "$top" relatime
	has "$below" relatime
	flags rstrictatime
	lacks "$below" relatime
	OUTER=noatime flags rrelatime
	has "$below" relatime
}

@test "options: of the file system: lazytime, sync, dirsync, iversion, silent, loud" {
	not_with runc "passes \"defaults\" on to the file system, which refuses it"
	not_with crun "it does not know lazytime and iversion"
	update_config '.mounts += [{destination: "/mnt", type: "tmpfs", source: "x", options: ["lazytime", "sync", "dirsync", "iversion", "silent", "loud", "defaults"]}]'
	inside 'grep " /mnt " /proc/self/mountinfo'
	contains "${stdout#* - }" lazytime sync dirsync
}

@test "options: several in one string are the file system's, one by one" {
	update_config '.mounts += [{destination: "/mnt", type: "tmpfs", source: "x", options: ["size=1m,mode=0711"]}]'
	inside 'stat -c %a /mnt; grep " /mnt " /proc/self/mountinfo'
	equals "${lines[0]}" 711
	contains "$stdout" size=1024k
}

@test "options: an unknown one on a bind mount is only a warning" {
	not_with runc "an error there"
	mkdir "$T/src"
	update_config '.mounts += [{destination: "/mnt", source: $s, options: ["bind", "r0"]}]' --arg s "$T/src"
	inside true
	[ "$FLAVOR" != ours ] || contains "$stderr" 'mounts[7].options[1]' 'r0\" is not known'
}
