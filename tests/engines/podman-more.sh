# shellcheck shell=bash disable=SC2154
# podman's cases beyond the common ones: what it hands to a runtime that Docker does not, such as hooks, file
# descriptors, readiness, a personality, proc's options; Kubernetes' YAML; images from containers.

more_cases() { # for root and for a user
	echo stop_signal logs_follow attach_running start_attached streams exec_many cp_commit kube hooks preserve_fds \
		sdnotify systemd_mode personality proc_opts mask umask workdir hardened mount_types exec_privileged recipe
	[ "$ENGINE" = podman-rootless ] || echo idmapped_volume propagation
}

case_stop_signal() {
	box -d --name "$id" --stop-signal USR1 --stop-timeout 30 "$image" sh -c 'trap "exit 3" USR1; while :; do sleep 0.1; done'
	until_true catches "$(pid_of "$id")" 10
	pm stop "$id"
	is "$(field "$id" State.ExitCode)" 3 "exit code"
}
case_logs_follow() {
	box -d --name "$id" "$image" sh -c 'for i in 1 2 3 4 5; do echo "line $i"; sleep 0.2; done'
	code 0 pm logs -f "$id"
	is "$out" $'line 1\nline 2\nline 3\nline 4\nline 5'
}
case_attach_running() {
	box -dit --name "$id" "$image" sh -c 'until read -r -t 1 word; do echo ready; done; stty size; echo "got $word"'
	on_terminal pm attach "$id"
	has "$out" "got typed"
}
case_start_attached() {
	pm create --network none -i --name "$id" "$image" sh -c 'cat; exit 6'
	local got=0
	out=$(echo typed | pm start -ai "$id") || got=$?
	is "$got" 6 "exit code"
	is "$out" typed
}
case_streams() {
	local want
	want=$(head -c 20000000 /dev/zero | sha256sum)
	is "$(head -c 20000000 /dev/zero | pm run --network none --rm -i "$image" sha256sum)" "$want" "what went in"
	box -d --name "$id" "$image" sleep 100
	is "$(head -c 20000000 /dev/zero | pm exec -i "$id" cat | sha256sum)" "$want" "what went through exec"
}
case_exec_many() {
	box -d --name "$id" "$image" sleep 100
	local i pids=()
	for i in $(seq 10); do
		(is "$(pm exec -e "N=$i" "$id" sh -c 'echo "$N"')" "$i" "what exec $i says") &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" || fail "one of 10 failed"; done
}
case_cp_commit() {
	box -d --name "$id" "$image" sleep 100
	echo content >"/tmp/to-copy-$ENGINE"
	pm cp "/tmp/to-copy-$ENGINE" "$id:/tmp/copied"
	is "$(pm exec "$id" cat /tmp/copied)" content
	pm cp "$id:/tmp/copied" - | tar -xO >/tmp/back
	is "$(cat /tmp/back)" content
	pm commit "$id" localhost/committed:test
	pm rm -f -t 0 "$id"
	is "$(box --rm localhost/committed:test cat /tmp/copied)" content "content of the image"
	pm rmi -f localhost/committed:test
}
# A pod as Kubernetes would take it.
case_kube() {
	mkdir -p "/tmp/kube-$ENGINE"
	cat >"/tmp/kube-$ENGINE/pod.yaml" <<-END
		apiVersion: v1
		kind: Pod
		metadata:
		  name: k$id
		spec:
		  hostNetwork: true
		  containers:
		  - name: main
		    image: $image
		    imagePullPolicy: Never
		    command: [sh, -c, "id -u; cat /given/file; sleep 100"]
		    securityContext: {runAsUser: 1000, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
		    volumeMounts:
		    - {name: given, mountPath: /given, readOnly: true}
		  volumes:
		  - name: given
		    hostPath: {path: /tmp/kube-$ENGINE, type: Directory}
	END
	echo kept >"/tmp/kube-$ENGINE/file"
	pm play kube "/tmp/kube-$ENGINE/pod.yaml"
	until_true kube_says "k$id-main" kept
	is "$(pm exec "k$id-main" sh -c 'id -u; grep CapBnd /proc/self/status; touch /x 2>/dev/null || echo refused')" \
		$'1000\nCapBnd:\t0000000000000000\nrefused'
	code 0 pm generate kube "k$id"
	has "$out" "kind: Pod"
	pm play kube --down "/tmp/kube-$ENGINE/pod.yaml"
}
kube_says() { pm logs "$1" | grep "$2"; }
case_hooks() {
	local dir=/tmp/hooks-$ENGINE stage
	rm -rf "$dir"
	mkdir -p "$dir/seen"
	chmod 777 "$dir/seen"
	printf '#!/bin/sh\njq -r "\\"\\(.status) \\(.id)\\"" >"%s/seen/$1"\n' "$dir" >"$dir/hook"
	chmod 755 "$dir/hook"
	for stage in prestart createRuntime poststart poststop; do
		printf '{"version": "1.0.0", "hook": {"path": "%s/hook", "args": ["hook", "%s"], "env": ["PATH=/usr/bin:/bin"]}, "when": {"always": true}, "stages": ["%s"]}' \
			"$dir" "$stage" "$stage" >"$dir/$stage.json"
	done
	pm --hooks-dir "$dir" run --network none --name "$id" "$image" true
	local long
	long=$(field "$id" Id)
	until_true test -s "$dir/seen/poststop"
	for stage in prestart createRuntime poststart poststop; do has "$(cat "$dir/seen/$stage")" "$long" "the state that $stage got"; done
	has "$(cat "$dir/seen/poststop")" stopped
}
case_preserve_fds() {
	echo "by descriptor" >"/tmp/fd-$ENGINE"
	is "$(box --rm --preserve-fds 1 "$image" cat /proc/self/fd/3 3<"/tmp/fd-$ENGINE")" "by descriptor" "what run reads"
	box -d --name "$id" "$image" sleep 100
	is "$(pm exec --preserve-fds 1 "$id" sh -c 'cat <&3' 3<"/tmp/fd-$ENGINE")" "by descriptor" "what exec reads"
}
# The container says itself when it is ready, and the word goes through the runtime to who started podman.
case_sdnotify() {
	local socket=/tmp/notify-$ENGINE heard=/tmp/heard-$ENGINE pid
	rm -f "$socket"
	tar -xOf /lab/images/busybox.tar layer.tar | tar -xO ./bin/peer >/tmp/peer
	chmod 755 /tmp/peer
	/tmp/peer hear "$socket" >"$heard" &
	pid=$!
	until_true test -S "$socket"
	chmod 777 "$socket"
	NOTIFY_SOCKET=$socket box -d --name "$id" --sdnotify container "$image" sh -c 'peer say READY=1; sleep 100'
	until_true has_line "$heard" READY=1
	until_true has_line "$heard" MAINPID=
	kill "$pid"
}
case_systemd_mode() {
	code 0 box --rm --systemd always "$image" sh -c 'echo "$container"; for d in /run /run/lock /tmp /var/log/journal; do grep -o " $d tmpfs" /proc/mounts; done'
	has "$out" $' /run tmpfs\n /run/lock tmpfs\n /tmp tmpfs\n /var/log/journal tmpfs'
}
case_personality() {
	code 0 box --rm --personality LINUX32 "$image" uname -m
	is "$out" i686
}
case_proc_opts() {
	code 0 box --rm --security-opt proc-opts=hidepid=2 "$image" sh -c 'grep "^proc /proc " /proc/mounts'
	[[ $out == *hidepid=2* || $out == *hidepid=invisible* ]] || fail "no hidepid: $out"
}
case_mask() {
	code 0 box --rm --security-opt mask=/etc/group:/home "$image" sh -c 'cat /etc/group; ls /home; echo end'
	is "$out" end
	code 0 box --rm --security-opt unmask=ALL "$image" sh -c 'grep -cE " /proc/(sys|keys|timer_list) " /proc/mounts; echo'
	is "$out" 0 "masked paths"
}
case_umask() {
	code 0 box --rm --umask 0027 "$image" sh -c 'umask; touch /x; stat -c %a /x'
	is "$out" $'0027\n640'
}
case_workdir() {
	code 0 box --rm -w /tmp "$image" pwd
	is "$out" /tmp
}
case_hardened() {
	box -d --name "$id" --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges -u 1000:1000 --ipc none "$image" sleep 100
	code 0 pm exec "$id" sh -c 'exec 2>&1; id -u; grep -E "^(CapBnd|NoNewPrivs|Seccomp):" /proc/self/status; touch /tmp/x && echo written; touch /x || ls /sys/class/net'
	has "$out" $'1000\nCapBnd:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\nwritten\n'
	has "$out" "Read-only file system"
}
case_mount_types() {
	code 0 box --rm --mount type=devpts,destination=/pts --mount type=tmpfs,destination=/t,tmpfs-size=1m --shm-size 3m "$image" \
		sh -c 'grep -oE " /(pts|t|dev/shm) (devpts|tmpfs) " /proc/mounts | sort; df -k /dev/shm'
	has "$out" $' /dev/shm tmpfs \n /pts devpts \n /t tmpfs '
	has "$out" 3072
}
case_exec_privileged() {
	box -d --name "$id" "$image" sleep 100
	all_caps_or_skip pm exec --privileged "$id" true
	code 0 pm exec --privileged "$id" grep CapEff /proc/self/status
	lacks "$out" 800405fb
}
# Files of a user of the host show as the container's own, though it has other ids.
case_idmapped_volume() {
	mkdir -p /tmp/owned
	echo mine >/tmp/owned/file
	chown -R 0:0 /tmp/owned
	code 0 box --rm --uidmap 0:100000:5000 --gidmap 0:100000:5000 -v /tmp/owned:/owned:idmap "$image" \
		sh -c 'stat -c %u /owned/file; touch /owned/new'
	is "$out" 0 "owner inside"
	is "$(stat -c %u /tmp/owned/new)" 0 "owner outside of what it wrote"
}
case_propagation() {
	mkdir -p /tmp/shared
	mount --bind /tmp/shared /tmp/shared
	mount --make-shared /tmp/shared
	mkdir -p /tmp/shared/slave
	box -d --name "$id" -v /tmp/shared:/slave:rslave "$image" sleep 100
	box -d --name "$id-2" -v /tmp/shared:/private:rprivate "$image" sleep 100
	mount -t tmpfs seen /tmp/shared/slave
	code 0 pm exec "$id" grep /slave/slave /proc/mounts
	code 1 pm exec "$id-2" grep /private/slave /proc/mounts
	pm rm -f -t 0 "$id" "$id-2"
	umount /tmp/shared/slave /tmp/shared
}
# The lines of docs/engines.md, with no more than where this session has its storage.
case_recipe() {
	local file=/etc/containers/containers.conf line words
	[ "$ENGINE" = podman ] || file=/lab/home/.config/containers/containers.conf
	line=$(recipe "For one container:")
	has "$line" "podman --runtime /usr/local/bin/sandbox-runtime run"
	read -ra words <<<"${line#podman }"
	code 0 plain "${words[@]}"
	mkdir -p "$(dirname "$file")"
	recipe "containers.conf\`" >"$file"
	code 0 plain info --format '{{.Host.OCIRuntime.Path}}'
	is "$out" /usr/local/bin/sandbox-runtime
	code 0 plain run --network none --name "$id" "$image" true
	is "$(field "$id" OCIRuntime)" sandbox runtime
	plain rm -f -t 0 "$id" # while podman still knows its runtime
	rm "$file"
}
# podman as it is, but for what has nothing to do with the runtime.
plain() { RT='' pm "$@"; }
