# `make demo` and `make test` do all the set-up themselves; `make` lists what there is.
.DEFAULT_GOAL := help
.PHONY: help setup build demo install model test soak golden lint format bench docs clean

# SwiftPM reads where LibTorch lies from .libtorch/libtorch.pc, which set-up writes.
export PKG_CONFIG_PATH := $(CURDIR)/.libtorch$(if $(PKG_CONFIG_PATH),:$(PKG_CONFIG_PATH))

# A package of its own, which uses aginet's products as any other would; what is compiled of them serves both.
benchmarks := -c release --package-path Benchmarks --scratch-path .build
# SwiftPM does not see new files of a package that lies beside, nor whose plan lies there: what was planned before is forgotten.
replan := rm -f .build/release.yaml

# No test imports more than others may, so that modules are compiled as for the program, and once.
tests := swift test -c release --disable-testable-imports

sources := $(wildcard Sources Tests Package.swift Benchmarks)

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

setup: ## put LibTorch and the atlas in place (nothing to do when they are)
	@bash Support/setup.sh

build: setup ## build .build/release/aginet
	swift build -c release

demo: build ## generate a cohort, train, evaluate, synthesise, report
	.build/release/aginet demo --force

# Where the program goes; its models lie in share/aginet/models beside bin, and LibTorch stays where set-up put it.
PREFIX ?= $(HOME)/.local

install: build ## copy the program and its models to PREFIX (default ~/.local)
	install -D .build/release/aginet $(DESTDIR)$(PREFIX)/bin/aginet
	install -d $(DESTDIR)$(PREFIX)/share/aginet/models
	for model in $(wildcard Support/models/*.safetensors); do \
	  install -m 644 $$model $(DESTDIR)$(PREFIX)/share/aginet/models/ || exit 1; done

model: build ## train the model that is shipped again (needs ANATOMIES=folder of label maps; eight hours)
	@test -n "$(ANATOMIES)" || { echo "error: name the folder of label maps: make model ANATOMIES=..."; exit 3; }
	if [ -e model-run/checkpoints/last.safetensors ]; then go=--resume; else go="Support/models/physics-5.json --from physics-4"; fi; \
	  .build/release/aginet train $$go --anatomies "$(ANATOMIES)" -o model-run
	.build/release/aginet models average model-run physics-4 --share 0.15 -o model-run/averaged.safetensors --force
	.build/release/aginet models pack model-run/averaged.safetensors --card Support/models/card.json -o model-run/packed.safetensors --force

test: setup ## run every test
	bash Support/tests/setup.sh
	$(tests)
	$(replan)
	swift build $(benchmarks)
	.build/release/example
	$(replan)

soak: setup ## run the long forms of the tests, before a release (some hours; figures are printed as "soak: ...")
	AGINET_SOAK=1 $(tests)

golden: .golden/ready ## compute all golden files of the tests anew, with a Python of their own
	.golden/bin/python Support/golden/rewrite.py

.golden/ready: Support/golden/requirements.txt
	python3 -m venv .golden
	.golden/bin/pip install -q -r $<
	touch $@

lint: ## check the formatting
	swift format lint --strict -r $(sources)

format: ## format the sources
	swift format -i -r $(sources)

bench: setup ## measure beside PyTorch, on an idle machine, into Benchmarks/RESULTS.md (some 40 minutes)
	$(replan)
	swift build $(benchmarks) --product aginet-bench
	$(replan)
	.build/release/aginet-bench --compiled --output Benchmarks/RESULTS.md

docs: build ## build the documentation into .docs
	bash Support/docs.sh

clean: ## remove what was built (set-up's folders stay)
	rm -rf .build .docs
