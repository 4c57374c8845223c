#!/bin/bash
# Makes the images of the engines' tests, as archives that every engine can load. No registry is asked.
# usage: tests/engines/images.sh DIR [critest]
#   DIR/busybox.tar    localhost/busybox:test, a busybox with its links and the user 1000
#   DIR/cri-*.tar      stand-ins for the images of Kubernetes' critest
set -euo pipefail
cd "$(dirname "$0")/../.."

out=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$out"

# archive ROOTFS CONFIG FILE NAME...: Docker's archive: a layer, a config with its sum, a manifest.
archive() {
	local root=$1 config=$2 file=$3 dir sum id
	shift 3
	dir=$(mktemp -d -p "$tmp")
	tar --numeric-owner --sort=name -C "$root" -cf "$dir/layer.tar" .
	sum=$(sha256sum "$dir/layer.tar")
	jq -cn --argjson config "$config" --arg sum "sha256:${sum%% *}" '{architecture: "amd64", os: "linux",
		created: "2024-01-01T00:00:00Z", config: $config, rootfs: {type: "layers", diff_ids: [$sum]},
		history: [{created: "2024-01-01T00:00:00Z", created_by: "tests/engines"}]}' >"$dir/config.json"
	id=$(sha256sum "$dir/config.json")
	mv "$dir/config.json" "$dir/${id%% *}.json"
	jq -cn --arg config "${id%% *}.json" '[{Config: $config, RepoTags: $ARGS.positional, Layers: ["layer.tar"]}]' \
		--args "$@" >"$dir/manifest.json"
	tar --numeric-owner -C "$dir" -cf "$file" manifest.json "${id%% *}.json" layer.tar
}

scripts/rootfs.sh busybox "$tmp/busybox"
chmod 755 "$tmp/busybox" # an image is read by other users, too
CGO_ENABLED=0 go build -ldflags '-s -w' -o "$tmp/busybox/bin/peer" ./tests/engines/peer
archive "$tmp/busybox" '{"Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"], "Cmd": ["sh"]}' "$out/busybox.tar" localhost/busybox:test
[ "${2:-}" = critest ] || exit 0

# What critest asks for, under the names that it knows: the real programs would come from a registry.
root=$tmp/busybox
# runc looks for a program in the image's $PATH only; without one, only an absolute path would do.
path='"Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]'
registry=registry.k8s.io/e2e-test-images
cp "$root/bin/peer" "$root/usr/sbin/nginx"
cp "$root/bin/peer" "$root/nonewprivs" && chmod 4755 "$root/nonewprivs"
mkdir -p "$root/var/run"
echo 'nobody:x:65534:65534:nobody:/:/bin/sh' >>"$root/etc/passwd"
# Hard links, as in the image that critest knows: it masks /bin/ls and goes on using /bin/sh.
find "$root" -lname /bin/busybox -exec ln -f "$root/bin/busybox" {} \;
# critest masks /bin/ls, too, and wants a shell that finds nothing else then. Debian's busybox would run its
# own ls without looking for a file, so the shell is a copy that does not have that name.
LC_ALL=C sed 's/\x00ls\x00ls/\x00lr\x00ls/' "$root/bin/busybox" >"$root/bin/sh.new"
chmod 755 "$root/bin/sh.new" && mv "$root/bin/sh.new" "$root/bin/sh"
if "$root/bin/sh" -c 'PATH=/nowhere ls /' 2>/dev/null; then echo "images: the shell still has an ls of its own" >&2; exit 1; fi
# What Debian's busybox leaves out.
printf '#!/bin/sh\npidof "$1"\n' >"$root/bin/pgrep"
printf '#!/bin/sh\ncat /proc/sysvipc/shm\n' >"$root/bin/ipcs"
chmod 755 "$root"/bin/{pgrep,ipcs}
web='echo $$ >/var/run/nginx.pid; exec -a \"nginx: master process nginx\" /usr/sbin/nginx serve'
archive "$root" "{$path, \"Cmd\": [\"sh\"]}" "$out/cri-busybox.tar" "$registry/busybox:1.29-2"
archive "$root" "{$path, \"Cmd\": [\"tail\", \"-f\", \"/dev/null\"]}" "$out/cri-pause.tar" localhost/pause:test
archive "$root" "{$path, \"Cmd\": [\"sh\", \"-c\", \"$web :80 page\"]}" "$out/cri-nginx.tar" "$registry/nginx:1.14-2"
archive "$root" "{$path, \"Cmd\": [\"sh\", \"-c\", \"$web :12003 page\"]}" "$out/cri-hostnet.tar" \
	gcr.io/k8s-staging-cri-tools/hostnet-nginx-amd64:latest
archive "$root" "{$path, \"Cmd\": [\"sh\", \"-c\", \"echo httpd -D FOREGROUND; exec peer serve :80 page\"]}" "$out/cri-httpd.tar" "$registry/httpd:2.4.39-4"
archive "$root" "{$path, \"Cmd\": [\"/nonewprivs\", \"euid\"]}" "$out/cri-nonewprivs.tar" "$registry/nonewprivs:1.3"
printf 'root:x:0:0:root:/root:/bin/sh\ndefault-user:x:1000:1000::/:/bin/sh\n' >"$root/etc/passwd"
printf 'root:x:0:\ndefault-user:x:1000:\ngroup-defined-in-image:x:50000:default-user\n' >"$root/etc/group"
archive "$root" "{$path, \"Cmd\": [\"sh\"], \"User\": \"1000\"}" "$out/cri-group.tar" \
	gcr.io/k8s-staging-cri-tools/test-image-predefined-group:latest
