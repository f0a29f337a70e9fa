# Everything that is done with this repository. `make help` lists the targets.
# Only Go is needed for build, run, test, bench, crash, simulate and fuzz.

GO        ?= go
BIN       := bin
VERSION   := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
COMMIT    := $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
LDFLAGS   := -X main.version=$(VERSION) -X main.commit=$(COMMIT)
TOOLS     ?= $(or $(CI_CACHE),$(HOME)/.cache/payonce-tools)
GOLANGCI  := $(TOOLS)/bin/golangci-lint-2.15.0
GOFUMPT   := $(TOOLS)/bin/gofumpt-0.12.0
# Packages whose goroutines share memory.
RACE      := ./accept/... ./access/... ./api/... ./client/... ./cmd/... ./engine/... ./gateway/... ./restore/... ./telemetry/... ./workers/...

KILLS     ?= 200
SEEDS     ?= 100000
# A count, not a duration: at the end of a duration the toolchain at times reports a failure of its own (go.dev/issue/75804).
FUZZTIME  ?= 50000x
ARGS      ?=

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/payonce, with the version from git
	@mkdir -p $(BIN)
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN)/payonce ./cmd/payonce

.PHONY: run
run: build ## start everything on this machine: API, workers, Stripe stand-in (ARGS="--listen ... --data ...")
	@exec $(BIN)/payonce dev $(ARGS)

.PHONY: test
test: ## run all tests
	$(GO) test ./...

.PHONY: race
race: ## run the tests of concurrent packages with the race detector
	$(GO) test -race $(RACE)

.PHONY: lint
lint: $(GOLANGCI) $(GOFUMPT) ## check formatting and code
	@test -z "$$($(GOFUMPT) -l $$(git ls-files '*.go' | grep -v '\.gen\.go$$'))" || { $(GOFUMPT) -l $$(git ls-files '*.go' | grep -v '\.gen\.go$$'); echo 'run make format'; exit 1; }
	$(GO) vet ./...
	$(GOLANGCI) run ./...

.PHONY: format
format: $(GOFUMPT) ## format the code
	$(GOFUMPT) -w $$(git ls-files '*.go' | grep -v '\.gen\.go$$')

.PHONY: spec
spec: ## lint the OpenAPI description (needs npm)
	cd api && REDOCLY_TELEMETRY=off npx --yes @redocly/cli@2.77.0 lint --config redocly.yaml openapi.yaml

.PHONY: generate
generate: ## generate code from the OpenAPI description
	$(GO) generate ./...

.PHONY: golden
golden: ## write the golden files and generated documents anew
	$(GO) test ./cmd/payonce -run 'Golden|Docs' -update

.PHONY: bench
bench: build ## measure speed (FULL=1: an hour, with 5 million records); method and figures in docs/performance.md
	$(GO) run ./bench -payonce $(BIN)/payonce $(if $(FULL),-full) $(ARGS)

.PHONY: bench-go
bench-go: ## run the Go benchmarks of the hot paths
	$(GO) test -run '^$$' -bench . -benchmem ./engine/embedded ./gateway ./events ./api ./accept

.PHONY: crash
crash: build ## kill the server KILLS times under load and check every promise
	$(GO) run ./crashtest -payonce $(BIN)/payonce -kills $(KILLS) $(ARGS)

.PHONY: simulate
simulate: ## run the simulation with SEEDS seeds
	$(GO) run ./simulation/simulate -seeds $(SEEDS) $(ARGS)

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME
	@set -e; for file in $$(grep -rl --include='*_test.go' '^func Fuzz' .); do \
	  for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' $$file); do \
	    echo "$$(dirname $$file) $$target"; \
	    $(GO) test $$(dirname $$file) -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME); \
	  done; \
	done

.PHONY: specmock
specmock: ## compare the Stripe stand-in with Stripe's own description
	cd gateway/sandbox/specmock && $(GO) test ./...

.PHONY: aws-tools
aws-tools: ## install the stand-ins for AWS (needs a JDK, npm and mvn)
	@tools/aws/install $(TOOLS)/aws

.PHONY: test-aws
test-aws: aws-tools ## run the tests of the engine aws against the stand-ins
	$(GO) test -tags aws -timeout 10m ./engine/aws/...

.PHONY: aws-local
aws-local: aws-tools ## start the stand-ins for AWS and print their settings; Ctrl-C ends them (ARGS="-sqs-port ...")
	@mkdir -p $(BIN)
	@$(GO) build -o $(BIN)/aws-local ./engine/aws/standin/local
	@exec $(BIN)/aws-local $(ARGS)

.PHONY: infra-check
infra-check: infra/node_modules/.package-lock.json ## check the AWS stack: permissions, types, synthesis, rule packs, policies (needs npm)
	$(GO) test ./engine/aws/permissions
	cd infra && npm run --silent check

infra/node_modules/.package-lock.json: infra/package.json infra/package-lock.json
	cd infra && npm ci --prefer-offline --ignore-scripts --no-audit --no-fund
	@touch $@

.PHONY: ci
ci: ## what continuous integration runs
	.ci/run

.PHONY: clean
clean: ## remove what make made; ./data stays
	rm -rf $(BIN)

# Tools are built from source at a pinned version and kept under that version's name.
$(GOLANGCI):
	GOBIN=$(TOOLS)/build $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
	@mkdir -p $(TOOLS)/bin && mv $(TOOLS)/build/golangci-lint $@

$(GOFUMPT):
	GOBIN=$(TOOLS)/build $(GO) install mvdan.cc/gofumpt@v0.12.0
	@mkdir -p $(TOOLS)/bin && mv $(TOOLS)/build/gofumpt $@
