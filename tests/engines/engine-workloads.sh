# shellcheck shell=bash
# Real programs under limits, through podman: a data base, a web server, compilers, Python's own tests.
# Their root is the "workloads" tree with an overlay of each container's own on top.

# shellcheck source=tests/engines/engine-podman.sh
. /src/tests/engines/engine-podman.sh
tree=/workloads:O
# Python's tests take a minute by themselves.
# shellcheck disable=SC2034
LIMIT=600

engine_cases() { echo postgresql nginx c_compile go_compile python_tests; }
limits=(-m 768m --cpus 1.5 --pids-limit 300)
work() { pm run --network none "${limits[@]}" "$@"; }

case_postgresql() {
	work -d --name "$id" --user postgres --rootfs "$tree" sh -c 'PATH=$PATH:$(echo /usr/lib/postgresql/*/bin); export PATH
		initdb -D /tmp/db >/tmp/initdb.log && exec postgres -D /tmp/db -k /tmp -c fsync=off'
	until_true pm exec --user postgres "$id" psql -h /tmp -c 'select 1' postgres
	pm exec --user postgres "$id" pgbench -h /tmp -i -s 2 postgres
	code 0 pm exec --user postgres "$id" pgbench -h /tmp -c 4 -j 2 -T 6 postgres
	has "$out" "number of failed transactions: 0"
	figure "pgbench, transactions/s" "$(sed -n 's/^tps = \([0-9]*\).*/\1/p' <<<"$out")"
	# What was moved has to be the same in all three tables.
	code 0 pm exec --user postgres "$id" psql -h /tmp -At -c 'select (select sum(abalance) from pgbench_accounts) =
		(select sum(bbalance) from pgbench_branches) and (select count(*) from pgbench_history) > 100' postgres
	is "$out" t "balance"
	pm stop -t 20 "$id"
	is "$(field "$id" State.ExitCode)" 0 "exit code of a stopped postgres"
}
# Restarted while a second container keeps asking; both in the network of the session.
case_nginx() {
	pm run --network host "${limits[@]}" -d --name "$id" --rootfs "$tree" sh -c '
		head -c 20000 /dev/zero >/var/www/html/index.html; exec nginx -g "daemon off;"'
	pm run --network host "${limits[@]}" -d --name "$id-load" --rootfs "$tree" sh -c '
		while :; do ab -q -r -n 1000 -c 10 http://127.0.0.1/ >/dev/null 2>&1; done'
	local round
	for round in first second; do
		until_true pm exec "$id" ab -q -n 10 http://127.0.0.1/
		code 0 pm exec "$id" ab -q -n 5000 -c 20 http://127.0.0.1/
		has "$out" "Failed requests:        0"
		has "$out" "Complete requests:      5000"
		figure "nginx under load, requests/s, $round" "$(sed -n 's/^Requests per second: *\([0-9]*\).*/\1/p' <<<"$out")"
		[ "$round" = second ] || pm restart -t 30 "$id"
	done
	is "$(field "$id-load" State.Status)" running "status of the load"
}
case_c_compile() {
	code 0 work --rm --rootfs "$tree" sh -ec 'cd /tmp
		for i in 1 2 3 4 5 6 7 8; do printf "int f%s(int x) { int s = 0; for (int i = 0; i < x; i++) s += i %% %s; return s; }\n" $i $i >f$i.c; done
		{ for i in 1 2 3 4 5 6 7 8; do echo "int f$i(int);"; done; echo "#include <stdio.h>"
		printf "%s\n" "int main(void) { printf(\"%d\\n\", f1(100) + f2(100) + f3(100) + f8(100)); }"; } >main.c
		printf "prog: main.o f1.o f2.o f3.o f4.o f5.o f6.o f7.o f8.o\n\t\$(CC) -o \$@ \$^\n" >Makefile
		make -s -j4 CFLAGS=-O2 && ./prog'
	is "$out" $((0 + 50 + 99 + 12 * 28 + 6)) "what the program prints"
}
case_go_compile() {
	[ -x /usr/local/go/bin/go ] || skip "Go is not in /usr/local/go"
	code 0 work --rm -v /usr/local/go:/usr/local/go:ro -v /src/tests/engines/peer:/peer:ro --rootfs "$tree" sh -ec 'cd /peer
		export PATH=$PATH:/usr/local/go/bin HOME=/tmp GOFLAGS=-buildvcs=false CGO_ENABLED=0 GO111MODULE=off
		go build -o /tmp/peer . && /tmp/peer euid'
	is "$out" "Effective uid: 0"
}
case_python_tests() {
	# An overlay names other inodes in a listing than in stat; test_os minds.
	code 0 work --rm --tmpfs /tmp --init --init-path /usr/bin/catatonit --rootfs "$tree" python3 -m test test_json test_os test_subprocess \
		test_threading test_signal test_tempfile test_shutil
	has "$out" "Tests result: SUCCESS"
}
