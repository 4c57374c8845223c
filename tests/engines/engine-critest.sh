# shellcheck shell=bash
# Kubernetes' view: critest against containerd's CRI plugin. Each of its tests becomes a row.

sock=/run/engine/containerd.sock
# Cgroups that an engine makes for its own order and nobody ever removes.
# shellcheck disable=SC2034
keeps='cgroup /sys/fs/cgroup/[a-z_,]*/k8s.io$'
# All tests in one call.
# shellcheck disable=SC2034
LIMIT=1500

engine_version() { containerd --version | awk '{ sub(/^v/, "", $3); sub(/[~+].*/, "", $3); print $3 }'; }

engine_start() {
	mkdir -p /run/engine /etc/cni/net.d /opt/cni
	ln -sfn /usr/lib/cni /opt/cni/bin
	cat >/etc/cni/net.d/10-bridge.conflist <<-END
		{"cniVersion": "0.4.0", "name": "pods", "plugins": [
		  {"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": true, "hairpinMode": true,
		   "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.88.0.0/16"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
		  {"type": "portmap", "capabilities": {"portMappings": true}}]}
	END
	# What docs/engines.md says to write down is the only place where the runtime is named.
	cat >/run/engine/config.toml <<-END
		root = "/var/lib/containerd"
		state = "/run/engine/state"
		$(recipe /etc/containerd/config.toml)
		[grpc]
		  address = "$sock"
		[plugins."io.containerd.grpc.v1.cri"]
		  sandbox_image = "localhost/pause:test"
		  restrict_oom_score_adj = true
		  [plugins."io.containerd.grpc.v1.cri".containerd]
		    default_runtime_name = "sandbox"
	END
	daemon containerd containerd --config /run/engine/config.toml
	until_true ctr -a "$sock" version
	local file
	for file in /lab/images/cri-*.tar; do ctr -a "$sock" -n k8s.io image import "$file"; done
}
engine_stop() {
	local sandbox
	for sandbox in $(ctr -a "$sock" -n k8s.io task ls -q); do ctr -a "$sock" -n k8s.io task rm -f "$sandbox"; done
	stop_daemon containerd
	ip link delete cni0 || :
	# Pods' network name spaces and mounts of those that critest itself left.
	findmnt -rno TARGET | grep -E '^/(run/engine|run/netns|run/containerd|var/lib/containerd)' | sort -r | xargs -r umount
	rm -rf /run/netns /var/run/netns
}
engine_sweep() { :; }
engine_cases() { echo finished; }

# The image manager's tests pull from registries that are not there.
case_finished() {
	settled_cgroups
	/lab/opt/critest --runtime-endpoint "unix://$sock" --runtime-handler sandbox --ginkgo.no-color --ginkgo.skip 'Image Manager' \
		--ginkgo.junit-report "$(report)" --ginkgo.timeout 20m >"/lab/results/critest.$RTNAME.tests.log" 2>&1 </dev/null || :
	local line name status ms why
	while IFS= read -r line; do
		name=$(sed -n 's/.* name="\([^"]*\)".*/\1/p' <<<"$line" | sed 's/^\[It\] //; s/&#34;/"/g; s/&#39;/\x27/g; s/&amp;/\&/g; s/\[k8s.io\] //')
		status=$(sed -n 's/.* status="\([^"]*\)".*/\1/p' <<<"$line")
		ms=$(sed -n 's/.* time="\([0-9]*\)\.\([0-9]\{3\}\).*/\1\2/p' <<<"$line")
		[[ $name == \[* ]] && continue # set-up and tear-down of the suite
		why=
		case $status in
		passed) status=ok ;;
		skipped) status=skip why='critest skips it' ;;
		*) status=FAIL why=$(grep -A3 -F "$name" "$(report)" | sed -n 's/.*<failure message="\([^"]*\)".*/\1/p' | head -n1) ;;
		esac
		[ "$status$(grep -c . <<<"$why")" = skip1 ] && filtered "$name" && continue
		record "$name" "$status" "$((10#${ms:-0}))" "$(tr '\t' ' ' <<<"$why" | cut -c1-500)"
	done < <(grep '<testcase ' "$(report)")
	[ -e "$(report)" ] || fail "no report: $(tail -n3 /lab/results/critest."$RTNAME".tests.log)"
}
report() { echo "/lab/results/critest.$RTNAME.xml.log"; }
# Left out by our own filter is no result, benchmarks neither.
filtered() { [[ $1 == *"Image Manager"* || $1 == *"benchmark"* || $1 == *"CRI Benchmark"* ]]; }
