# A Debian tree made by debootstrap: bash, python3, apt, a process tree, a signal, an exit code.
load ../lib/helpers

setup() {
	make_bundle
	requires "root:debootstrap makes device nodes, and files of many owners" command:debootstrap
	DEBIAN=$("$TOP/scripts/rootfs.sh" debian 3>&-)
	# Read-only: the tree is shared by all tests, and by later runs.
	update_config '.root.path = $d | .process.env = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
		| .mounts += [{destination: "/tmp", type: "tmpfs", source: "tmpfs"}]' --arg d "$DEBIAN"
	rm -rf "$BUNDLE/rootfs" && mkdir "$BUNDLE/rootfs"
}
bash_payload() { update_config '.process.args = ["bash", "-c", $s]' --arg s "$1"; }

@test "Debian: bash" {
	bash_payload 'declare -A a=([x]=1); echo "${BASH_VERSION%%.*} ${a[x]} $(id -un) $$"; diff <(echo a) <(echo a) && echo same'
	ok run "$ID"
	equals "${lines[0]}" "5 1 root 1"
	equals "${lines[1]}" same
}

@test "Debian: python3" {
	update_config '.process.args = ["python3", "-c", $s]' --arg s 'import os, socket, threading, subprocess
t = threading.Thread(target=lambda: print("thread")); t.start(); t.join()
print(os.getpid(), socket.gethostname(), subprocess.check_output(["echo", "child"]).decode().strip(), sum(range(10**6)))
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(); c = socket.create_connection(s.getsockname()); print("loopback")'
	ok run "$ID"
	contains "$stdout" thread "child 499999500000" loopback
}

@test "Debian: apt-get --version, dpkg and the dynamic loader" {
	bash_payload 'apt-get --version | head -n1; dpkg -l bash | tail -n1; ldd /bin/bash | grep -c libc.so'
	ok run "$ID"
	contains "$stdout" "apt " "ii  bash"
	equals "${lines[-1]}" 1
}

@test "Debian: a process tree, its signals and exit codes" {
	bash_payload 'for i in 1 2 3; do (for j in 1 2; do sleep 1000 & done; wait) & done; sleep 0.3
		echo "$(ls -d /proc/[0-9]* | wc -l)"; pids=$(jobs -p); kill $pids; wait; echo "$?"; (exit 44); exit $?'
	rt run "$ID"
	equals "$status" 44
	[ "${lines[0]}" -ge 10 ]
}

@test "Debian: a signal from outside and its exit code" {
	bash_payload 'trap "exit 66" TERM; while :; do sleep 0.05; done'
	SBT_TEST=$ID "$RUNTIME" --root "$ROOT" run "$ID" </dev/null >"$T/o" 2>&1 3>&- &
	until_true is_status running
	sleep 0.3
	ok kill "$ID" TERM
	status=0
	wait $! || status=$?
	equals "$status" 66
}

@test "Debian: as an ordinary user, without capabilities" {
	update_config '.process.user = {uid: 1000, gid: 1000} | .process.capabilities = {}'
	bash_payload 'id -u; touch /tmp/mine && stat -c %u /tmp/mine; touch /etc/x 2>&1; cat /etc/shadow 2>&1; true'
	ok run "$ID"
	equals "${lines[0]}/${lines[1]}" 1000/1000
	contains "$output" "Read-only file system" "Permission denied"
}
