# shellcheck shell=bash disable=SC2034
# Real programs under limits: a data base, a web server, compilers, Python's own tests. "workloads-podman" runs
# them on the "workloads" tree with an overlay of each container's own on top, "workloads-docker" as an image.

# The command of the engine, where a container's root comes from, how it gets an init.
case $ENGINE in
*-docker)
	# shellcheck source=tests/engines/engine-docker.sh
	. /src/tests/engines/engine-docker.sh
	en() { docker "$@"; }
	root=(localhost/workloads:test) init=(--init)
	engine_start() {
		mkdir -p /run/engine /etc/docker
		docker_up
		tar -C /workloads --exclude='./dev/*' --exclude='./proc/*' --exclude='./sys/*' -c . | docker import - "${root[0]}"
	}
	;;
*)
	# shellcheck source=tests/engines/engine-podman.sh
	. /src/tests/engines/engine-podman.sh
	en() { pm "$@"; }
	root=(--rootfs /workloads:O) init=(--init --init-path /usr/bin/catatonit)
	;;
esac
# Python's tests take a minute by themselves.
LIMIT=600

engine_cases() { echo postgresql nginx c_compile go_compile python_tests; }
limits=(-m 768m --cpus 1.5 --pids-limit 300)
# work [OPTION...] -- COMMAND...: a container without a network, under the limits.
work() {
	local options=()
	while [ "$1" != -- ]; do options+=("$1"); shift; done
	shift
	en run --network none "${limits[@]}" "${options[@]}" "${root[@]}" "$@"
}

case_postgresql() {
	work -d --name "$id" --user postgres -- sh -c 'PATH=$PATH:$(echo /usr/lib/postgresql/*/bin); export PATH
		initdb -D /tmp/db >/tmp/initdb.log && exec postgres -D /tmp/db -k /tmp -c fsync=off'
	until_true en exec --user postgres "$id" psql -h /tmp -c 'select 1' postgres
	en exec --user postgres "$id" pgbench -h /tmp -i -s 2 postgres
	code 0 en exec --user postgres "$id" pgbench -h /tmp -c 4 -j 2 -T 6 postgres
	has "$out" "number of failed transactions: 0"
	figure "pgbench, transactions/s" "$(sed -n 's/^tps = \([0-9]*\).*/\1/p' <<<"$out")"
	# What was moved has to be the same in all three tables.
	code 0 en exec --user postgres "$id" psql -h /tmp -At -c 'select (select sum(abalance) from pgbench_accounts) =
		(select sum(bbalance) from pgbench_branches) and (select count(*) from pgbench_history) > 100' postgres
	is "$out" t "balance"
	en stop -t 20 "$id"
	is "$(field "$id" State.ExitCode)" 0 "exit code of a stopped postgres"
}
# Restarted while a second container keeps asking; both in the network of the session.
case_nginx() {
	en run --network host "${limits[@]}" -d --name "$id" "${root[@]}" sh -c '
		head -c 20000 /dev/zero >/var/www/html/index.html; exec nginx -g "daemon off;"'
	en run --network host "${limits[@]}" -d --name "$id-load" "${root[@]}" sh -c '
		while :; do ab -q -r -n 1000 -c 10 http://127.0.0.1/ >/dev/null 2>&1; done'
	local round
	for round in first second; do
		until_true en exec "$id" ab -q -n 10 http://127.0.0.1/
		code 0 en exec "$id" ab -q -n 5000 -c 20 http://127.0.0.1/
		has "$out" "Failed requests:        0"
		has "$out" "Complete requests:      5000"
		figure "nginx under load, requests/s, $round" "$(sed -n 's/^Requests per second: *\([0-9]*\).*/\1/p' <<<"$out")"
		[ "$round" = second ] || en restart -t 30 "$id"
	done
	is "$(field "$id-load" State.Status)" running "status of the load"
}
case_c_compile() {
	code 0 work --rm -- sh -ec 'cd /tmp
		for i in 1 2 3 4 5 6 7 8; do printf "int f%s(int x) { int s = 0; for (int i = 0; i < x; i++) s += i %% %s; return s; }\n" $i $i >f$i.c; done
		{ for i in 1 2 3 4 5 6 7 8; do echo "int f$i(int);"; done; echo "#include <stdio.h>"
		printf "%s\n" "int main(void) { printf(\"%d\\n\", f1(100) + f2(100) + f3(100) + f8(100)); }"; } >main.c
		printf "prog: main.o f1.o f2.o f3.o f4.o f5.o f6.o f7.o f8.o\n\t\$(CC) -o \$@ \$^\n" >Makefile
		make -s -j4 CFLAGS=-O2 && ./prog'
	is "$out" $((0 + 50 + 99 + 12 * 28 + 6)) "what the program prints"
}
case_go_compile() {
	[ -x /usr/local/go/bin/go ] || skip "Go is not in /usr/local/go"
	code 0 work --rm -v /usr/local/go:/usr/local/go:ro -- sh -ec 'mkdir /tmp/primes && cd /tmp/primes && cat >main.go <<-END
			package main

			import ("encoding/json"; "os"; "sync")

			func prime(n int) bool {
				for i := 2; i*i <= n; i++ { if n%i == 0 { return false } }
				return n > 1
			}

			func main() {
				var wg sync.WaitGroup
				found := make([]bool, 100)
				for n := range found { wg.Add(1); go func() { defer wg.Done(); found[n] = prime(n) }() }
				wg.Wait()
				sum := 0
				for n, ok := range found { if ok { sum += n } }
				json.NewEncoder(os.Stdout).Encode(map[string]int{"sum": sum})
			}
		END
		export PATH=$PATH:/usr/local/go/bin HOME=/tmp CGO_ENABLED=0
		go mod init example.org/primes 2>/dev/null
		go build -o primes . && ./primes'
	is "$out" '{"sum":1060}' "what the program prints"
}
# The numbers of tests that passed and that skip themselves have to be the same with every runtime.
case_python_tests() {
	# An overlay names other inodes in a listing than in stat; test_os minds.
	code 0 work --rm --tmpfs /tmp:exec,mode=1777 "${init[@]}" -- sh -c 'python3 -m test -v test_json test_os test_subprocess \
		test_threading test_signal test_tempfile test_shutil >/tmp/log 2>&1
		echo "ended with $?"; tail -n 40 /tmp/log
		echo "passed and skipped: $(grep -c "\.\.\. ok$" /tmp/log), $(grep -c "\.\.\. skipped" /tmp/log)"'
	has "$out" "Tests result: SUCCESS"
	has "$out" "ended with 0"
	figure "Python's tests, passed and skipped" "$(sed -n 's/^passed and skipped: //p' <<<"$out")"
}
