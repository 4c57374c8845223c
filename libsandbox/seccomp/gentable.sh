#!/bin/sh
# Writes syscalls.txt, the table of system call numbers, from the kernel headers in Debian's
# linux-libc-dev (sid: one package carries every architecture). Needs apt-get, dpkg and awk.
#
#   ./gentable.sh            download the headers and write syscalls.txt
#   ./gentable.sh DIR        use headers already unpacked in DIR (DIR/usr/include/...)
#
# s390 (31 bit) has left the kernel, so its column comes from scmp_sys_resolver (package seccomp)
# where that is installed; its table is frozen.
# shellcheck disable=SC2086,SC2094 # $opts is words; what is appended to is only read for lines that are there
set -eu
cd "$(dirname "$0")"
out=$PWD/syscalls.txt
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
root=${1:-}
if [ -z "$root" ]; then
	mkdir -p "$tmp/lists/partial"
	echo 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian sid main' >"$tmp/sources.list"
	opts="-o Dir::Etc::sourcelist=$tmp/sources.list -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists=$tmp/lists"
	apt-get -q $opts update >&2
	(cd "$tmp" && apt-get -q $opts download linux-libc-dev >&2 && dpkg -x linux-libc-dev_*.deb x)
	root=$tmp/x
fi
inc=$root/usr/include

# column name, then the header that holds it below $inc, in the order of the columns in arch.go
columns='
x86_64 x86_64-linux-gnu/asm/unistd_64.h
x86 i386-linux-gnu/asm/unistd_32.h
x32 x86_64-linux-gnu/asm/unistd_x32.h
aarch64 aarch64-linux-gnu/asm/unistd_64.h
arm arm-linux-gnueabihf/asm/unistd-eabi.h
riscv64 riscv64-linux-gnu/asm/unistd_64.h
s390x s390x-linux-gnu/asm/unistd_64.h
s390 -
ppc64 powerpc64le-linux-gnu/asm/unistd_64.h
ppc powerpc-linux-gnu/asm/unistd_32.h
mips mips-linux-gnu/asm/unistd_o32.h
mips64 mips64-linux-gnuabi64/asm/unistd_n64.h
mips64n32 mips64-linux-gnuabi64/asm/unistd_n32.h
loongarch64 loongarch64-linux-gnu/asm/unistd_64.h
parisc hppa-linux-gnu/asm/unistd_32.h
parisc64 hppa-linux-gnu/asm/unistd_64.h
m68k m68k-linux-gnu/asm/unistd_32.h
sh sh4-linux-gnu/asm/unistd_32.h
'
: >"$tmp/all"
echo "$columns" | while read -r name file; do
	[ -n "$name" ] || continue
	[ "$file" != - ] || continue
	# Lines read "#define __NR_name 12" or "#define __NR_name (BASE + 12)"; the base (x32's bit,
	# the offset of the MIPS ABIs) is added by arch.go.
	awk -v col="$name" '/^#define __NR_[a-z_0-9A-Z]+[ \t]/ {
		n = substr($2, 6); v = $0
		sub(/^#define [^ \t]+[ \t]+/, "", v); gsub(/[()]/, "", v); sub(/^.*\+ */, "", v)
		if (n ~ /^(syscalls|Linux|reserved|unused|32_)/ || n ~ /reserved[0-9]/ || v !~ /^[0-9]+$/) next
		print n, col, v }' "$inc/$file" >>"$tmp/all"
done
grep -q ' arm ' "$tmp/all"
grep '^arm_sync_file_range arm ' "$tmp/all" | sed 's/^arm_sync_file_range/sync_file_range2/' >>"$tmp/all" || true
if command -v scmp_sys_resolver >/dev/null; then
	awk '{print $1}' "$tmp/all" | sort -u | while read -r n; do
		v=$(scmp_sys_resolver -a s390 "$n")
		if [ "$v" -ge 0 ]; then
			echo "$n s390 $v"
		elif [ "$v" -le -100 ] && [ "$v" -ge -224 ] && [ "$n" != semtimedop ]; then
			# A part of socketcall(2) or ipc(2): its direct number is that of s390x, if any. Only
			# semtimedop is direct on s390x alone.
			sed -n "s/^$n s390x \([0-9]*\)$/$n s390 \1/p" "$tmp/all"
		fi
	done >>"$tmp/all"
fi
# One line a name, sorted bytewise, every line equally long, so that a lookup is a binary search
# in the text itself: the name in 28 columns, then four columns a number and a space.
LC_ALL=C sort "$tmp/all" | awk -v columns="$columns" '
	BEGIN { n = split(columns, f); for (i = 1; i <= n; i += 2) col[++c] = f[i] }
	function flush(  i, s) {
		if (cur == "") return
		s = sprintf("%-28s", cur)
		for (i = 1; i <= c; i++) s = s sprintf(" %4s", (col[i] in v) ? v[col[i]] : "-")
		print s; delete v }
	$1 != cur { flush(); cur = $1 }
	{ v[$2] = $3 }
	END { flush() }' >"$tmp/table"
awk 'length($0) != 28 + 18 * 5 { print "bad line: " $0; exit 1 }' "$tmp/table" >&2
mv "$tmp/table" "$out"
wc -l "$out" >&2
