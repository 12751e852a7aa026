# What a contributor runs. `make` alone explains it.
.DEFAULT_GOAL := help

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

# The tools' dependencies are pinned apart from the program's.
SQLC := CGO_ENABLED=0 go tool -modfile=tools.mod sqlc
LINT := CGO_ENABLED=0 go tool -modfile=lint.mod golangci-lint
# Where it is, once it was built: k8stest is a module of its own, in which go cannot run it.
LINT_PATH := CGO_ENABLED=0 go tool -modfile=lint.mod -n golangci-lint | tail -1

# Two test binaries at once: each may have a PostgreSQL of its own.
TEST := go test -p 2 -count=1 -timeout 15m
PKG ?= ./...
ARGS ?=
FOR ?= 1m
RUNS ?= 5000
STEPS ?= 30

.PHONY: help
help: ## Explain the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo; echo "  PKG=./db/... ARGS='-run Name -v' narrow test, test-race and bench"

.PHONY: run
run: postgres build ## Serve on 127.0.0.1:8080 with a private database, play a demo, go on until Ctrl-C
	@scripts/run.sh

.PHONY: build
build: ## Build bin/provflow
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/provflow ./cmd/provflow

.PHONY: test
test: postgres ## Run the tests, against a real PostgreSQL
	$(TEST) $(ARGS) $(PKG)

.PHONY: test-race
test-race: postgres ## Run the tests with the race detector (needs a C compiler)
	CGO_ENABLED=1 $(TEST) -race $(ARGS) $(PKG)

.PHONY: test-k8s
test-k8s: postgres ## Run the tests of watching clusters, against a real API server (a module of its own)
	cd k8stest && go test -mod=mod -p 2 -count=1 -parallel 4 -timeout 15m $(ARGS) .

.PHONY: crash
crash: postgres ## Break three replicas and their PostgreSQL for FOR (1m), then count what was lost
	go test -v -tags crash -count=1 -timeout 2h ./cmd/provflow/crash $(ARGS) -args -for=$(FOR)

.PHONY: bench
bench: postgres ## Run the benchmarks
	go test -p 1 -run '^$$' -bench . -benchmem $(ARGS) $(PKG)

.PHONY: soak
soak: postgres ## Play many random histories against the model: make soak RUNS=5000 STEPS=40
	$(TEST) -v -timeout 0 $(ARGS) ./cmd/provflow/modeltest -rapid.checks=$(RUNS) -rapid.steps=$(STEPS)

.PHONY: mutants
mutants: postgres ## Break a copy of the program in many ways, each of which a test must see: make mutants M=name
	go run ./scripts/mutants $(M)

.PHONY: lint
lint: ## Check style, mistakes, and who imports whom
	@unformatted=$$(git ls-files -z --cached --others --exclude-standard '*.go' | xargs -0 gofmt -l 2>/dev/null); \
		if [ -n "$$unformatted" ]; then echo "not gofmt'd:"; echo "$$unformatted"; exit 1; fi
	$(LINT) run
	@$(MAKE) --no-print-directory lint-k8s FAST=--fast-only

.PHONY: lint-k8s
lint-k8s: ## Check k8stest in full, by what needs types too: two minutes more of Kubernetes' sources
	cd k8stest && CGO_ENABLED=0 $$(cd .. && $(LINT_PATH)) run --modules-download-mode=mod $(FAST)

.PHONY: verify
verify: ## Check that generated code and go.mod are current, and vet
	$(SQLC) diff
	go mod tidy -diff
	go vet ./...
	cd k8stest && go vet -mod=mod .

.PHONY: generate
generate: postgres ## Generate the query code, the API's description and that of the schema analytics
	$(SQLC) generate
	go test ./api -run TestSpecIsCurrent -update -count=1 >/dev/null
	go test ./db -run 'TestTheDocumentationOfTheSchemaIsCurrent|TestTheSchemaStaysCompatible' -update -count=1 >/dev/null

.PHONY: postgres
postgres: ## Make sure there is a PostgreSQL to start (installed, or fetched into .postgres)
	@scripts/postgres.sh

.PHONY: clean
clean: ## Remove what was built and fetched; the data in .data stays
	rm -rf bin .postgres
