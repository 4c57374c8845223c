# Building and testing sandbox-runtime. `make help` lists the targets.
#
# A suite is a folder tests/NAME with an executable `run` that prints TAP; it becomes the target NAME
# and a part of `make test`. The first comment after the `#!` line is its text in `make help`.

SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PREFIX  ?= /usr/local
DESTDIR ?=
# Any other drop-in: make integration RUNTIME=runc
RUNTIME ?= $(CURDIR)/sandbox-runtime

# No cgo and no init() of package cli's documentation writer: both cost start-up time.
# The program is entered in package early. With ENTRY= it is entered in Go, and all is done there.
ENTRY         ?= -E github.com/sandbox-runtime/sandbox-runtime/libsandbox/early.entry
GOFLAGS_BUILD := -tags urfave_cli_no_docs -trimpath -ldflags '-s -w $(ENTRY)'
export GOFLAGS ?= -buildvcs=false

SUITES := $(patsubst tests/%/run,%,$(wildcard tests/*/run))
TALLY  := build/bin/tally

export RUNTIME RECVTTY := $(CURDIR)/build/bin/recvtty

.PHONY: help
help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' Makefile
	@for s in $(SUITES); do printf '  %-13s %s\n' $$s "$$(sed -n '2s/^# //p' tests/$$s/run)"; done

.PHONY: build
build: ## build ./sandbox-runtime (or OUT=...), one static binary without cgo
	CGO_ENABLED=0 go build $(GOFLAGS_BUILD) -o $(or $(OUT),sandbox-runtime) .

.PHONY: install
install: build ## install into $(DESTDIR)$(PREFIX)
	install -D -m 0755 sandbox-runtime $(DESTDIR)$(PREFIX)/bin/sandbox-runtime

.PHONY: demo
demo: ## build, then run a shell in a container and show what happens
	@./scripts/demo.sh

.PHONY: test
test: ## run everything; ends with "N passed, N failed, N skipped"
	@./scripts/run-suites.sh check unit $(SUITES)

.PHONY: check
check: $(TALLY) ## vet, staticcheck, gofmt, shellcheck, layers
	@./scripts/check.sh | $(TALLY) tap check

.PHONY: unit
unit: $(TALLY) ## all Go tests, golden plans and fuzz seeds included
	@go test -json ./... | $(TALLY) go unit

.PHONY: golden
golden: $(TALLY) ## golden plans only: config.json to printed plan
	@go test -json -run Golden ./... | $(TALLY) go golden

.PHONY: fuzz-seeds
fuzz-seeds: $(TALLY) ## the fuzz targets on their stored inputs only
	@go test -json -run '^Fuzz' ./... | $(TALLY) go fuzz-seeds

# Suites run in a session of their own making: ours is built first, a peer is taken as it is.
.PHONY: $(SUITES)
$(SUITES): $(TALLY) helpers
	@[ "$(RUNTIME)" != "$(CURDIR)/sandbox-runtime" ] || $(MAKE) --no-print-directory -s build
	@tests/$@/run $(ARGS) | $(TALLY) tap $@

.PHONY: engines-full
engines-full: build ## every engine and case, ours beside runc and crun, as a table (an hour)
	@scripts/with-cgroups.sh tests/engines/run.sh --full --jobs 3 RUNTIME=ours,runc,crun $(ARGS)

.PHONY: exec-full
exec-full: build helpers ## 10,000 execs in a row, 200 at once: nothing may grow (some minutes)
	@EXECS=10000 PARALLEL=200 tests/integration/run tests/integration/exec-many.bats

.PHONY: rootless-full
rootless-full: build helpers ## the whole bats suite as a user without privileges (some minutes)
	@tests/rootless/run --full $(ARGS)

.PHONY: vm-full
vm-full: ## all of tests/integration in the VM, as root and as a user (an hour); ARGS="--bats exec.bats -" for some
	@VM_TIMEOUT=$${VM_TIMEOUT:-7200} tests/vm/run.sh $(or $(ARGS),--full)

.PHONY: sabotage
sabotage: $(TALLY) build helpers ## break the source in one place after the other: the tests must notice (ARGS="-f NAME -jobs 2")
	@tests/sabotage/run.sh $(ARGS) | $(TALLY) tap $@

.PHONY: helpers
helpers:
	@mkdir -p build/bin
	@for d in tests/cmd/*/; do CGO_ENABLED=0 go build -o build/bin/ ./$$d; done

$(TALLY): $(wildcard tests/cmd/tally/*.go)
	@mkdir -p build/bin
	@CGO_ENABLED=0 go build -o $@ ./tests/cmd/tally

.PHONY: bench
bench: build ## compare with crun, runc and a C floor; ARGS="--budget --rounds 200", see bench/run.sh
	@bench/run.sh $(ARGS)

.PHONY: clean
clean: ## remove what was built
	rm -rf sandbox-runtime build
