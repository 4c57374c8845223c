# shellcheck shell=bash disable=SC2154
# Docker's longer cases: compose, and daemons of their own: one whose containers have user namespaces, one that is
# set up as docs/engines.md says.

case_compose() {
	local compose=(docker compose)
	docker compose version >/dev/null 2>&1 || compose=(docker-compose)
	mkdir -p /tmp/compose && cat >/tmp/compose/docker-compose.yml <<-END
		version: "2.4"
		services:
		  store:
		    image: $image
		    command: peer serve :80 stored
		    networks: [inner]
		  front:
		    image: $image
		    command: peer relay :80 http://store/
		    networks: [inner]
		    depends_on: [store]
		  client:
		    image: $image
		    command: sh -c 'peer fetch http://front/ && sleep 100'
		    networks: [inner]
		networks:
		  inner:
		    internal: true
	END
	(cd /tmp/compose && "${compose[@]}" -p "$id" up -d) || fail "compose up"
	until_true compose_says "${compose[@]}"
	(cd /tmp/compose && "${compose[@]}" -p "$id" down -t 1)
	is "$(docker ps -q)" "" "containers after down"
}
compose_says() { (cd /tmp/compose && "$@" -p "$id" logs client | grep stored); }

# A second daemon state of the same binary: its containers have user namespaces.
case_userns_remap() {
	echo 'engines:200000:65536' >/etc/subuid
	cp /etc/subuid /etc/subgid
	id engines 2>/dev/null || useradd -u 1999 engines
	mkdir -p /lab/remapped
	# Its own network: with --bridge none it would take the other daemon's docker0 away.
	setsid unshare --net dockerd --host unix:///run/engine/remap.sock --data-root /lab/remapped --exec-root /run/engine/exec2 \
		--pidfile /run/engine/remap.pid --add-runtime "tested=$RT" --default-runtime tested --storage-driver overlay2 \
		--userns-remap engines --bridge none --iptables=false >/lab/results/remap.log 2>&1 </dev/null &
	local pid=$!
	export DOCKER_HOST=unix:///run/engine/remap.sock
	until_true docker version
	docker load -i /lab/images/busybox.tar
	code 0 box --rm "$image" sh -c 'cat /proc/self/uid_map; id -u; touch /x; stat -c %u /x; ls -ln /etc/passwd; grep CapEff /proc/self/status'
	has "$out" "200000      65536"
	has "$out" $'\n0\n0\n'
	box -d --name "$id" --read-only --tmpfs /t "$image" sleep 100
	is "$(awk '/^Uid:/ { print $2 }' "/proc/$(pid_of "$id")/status")" 200000 "uid on the host"
	is "$(docker exec "$id" id -u)" 0 "uid in exec"
	docker rm -f "$id"
	kill "$pid"
	until_true gone "$pid"
	# Newer ones mount their folder onto itself and leave it so.
	findmnt -rno TARGET | grep ^/lab/remapped | sort -r | xargs -r umount -l
}

# A daemon that knows nothing but what docs/engines.md says to write down.
case_recipe() {
	recipe "/etc/docker/daemon.json" >/etc/docker/daemon.json
	mkdir -p /lab/recipe
	export DOCKER_HOST=unix:///run/engine/recipe.sock
	setsid unshare --net dockerd --host "$DOCKER_HOST" --data-root /lab/recipe --exec-root /run/engine/exec3 \
		--pidfile /run/engine/recipe.pid --bridge none --iptables=false >/lab/results/recipe.log 2>&1 </dev/null &
	local pid=$!
	until_true docker version
	rm /etc/docker/daemon.json
	docker load -i /lab/images/busybox.tar
	code 0 sh -ec "$(recipe "Then restart dockerd")"
	has "$out" '"sandbox":{"path":"/usr/local/bin/sandbox-runtime"'
	is "$(docker inspect -f '{{.HostConfig.Runtime}}' one)" sandbox runtime
	docker rm one
	kill "$pid"
	until_true gone "$pid"
	findmnt -rno TARGET | grep ^/lab/recipe | sort -r | xargs -r umount -l
}
