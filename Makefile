# What a developer runs. Each target sets up what it needs.
.DEFAULT_GOAL := build
.PHONY: build setup setup-test setup-lint setup-bench setup-fuzz setup-test-deb demo test lint bench bench-vm soak test-cfi test-vm fuzz \
	fuzz-bpf install uninstall deb test-deb

# Loading programs into the kernel takes root: through sudo where we are not.
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
# Programs under test are built as the user and run as root.
RUNNER := CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER

# $(call need,what is missing and why,test,packages)
need = @{ $(2); } >/dev/null 2>&1 || { echo "setup: installing $(3): $(1)"; \
	$(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq $(3) >/dev/null; }

build: setup
	cargo build --release

setup:
	@command -v cargo >/dev/null || { echo "setup: needs Rust; see https://rustup.rs" >&2; exit 1; }
	$(call need,to compile the BPF programs,command -v clang,clang)
	$(call need,to compile libbpf and the fixtures,command -v cc && command -v make,build-essential)
	$(call need,libbpf finds its libraries by it,command -v pkg-config,pkg-config)
	$(call need,libbpf reads ELF files with it,pkg-config --exists libelf,libelf-dev)
	$(call need,libelf needs it,pkg-config --exists zlib,zlib1g-dev)

setup-lint: setup
	$(call need,to check the format of the BPF programs,command -v clang-format,clang-format)
	$(call need,to check scripts,command -v shellcheck,shellcheck)
	$(call need,to check pages of the manual,command -v groff,groff-base)

need_perf = $(call need,to compare with,perf --version,linux-perf || $(SUDO) apt-get install -y -qq linux-tools-generic)

setup-test: setup
	$(call need,to link fixtures with it,command -v ld.lld,lld)
	$(call need,to compress symbols with it,command -v xz,xz-utils)
	$(call need,to see the terminal interface in it,command -v tmux,tmux)
	$(call need,to sample it,test -x /usr/bin/python3,python3)
	$(call need,to sample it,test -x /usr/bin/perl,perl)
	$(call need,to sample it,command -v git,git)
	$(call need,to sample it,command -v g++,g++)
	$(call need,to sample it,command -v node,nodejs)
	$(call need,to sample it,command -v java && command -v javac,default-jdk-headless)
	$(need_perf)

# $(call need_peer,program,crate and features): where it does not build, the others are compared.
need_peer = @[ -x target/peers/bin/$(1) ] || { echo "setup: building $(1) to compare with"; \
	CARGO_PROFILE_RELEASE_DEBUG=0 cargo install --quiet --locked --root target/peers $(2) || \
	echo "setup: $(1) does not build here: it is left out" >&2; }

setup-bench: setup
	$(need_perf)
	$(call need,to compare with,command -v bpftrace,bpftrace)
	$(call need,to be sampled,command -v node,nodejs)
	$(call need,to be sampled,command -v g++,g++)
	$(call need,to be sampled,test -x /usr/bin/python3,python3)
	$(call need_peer,samply,samply)
	$(call need_peer,probee,profile-bee --no-default-features)

setup-fuzz: setup
	$(call need,to fuzz the unwinder,ls "$$(clang -print-runtime-dir)"/libclang_rt.fuzzer*,libclang-rt-$$(clang -dumpversion | cut -d. -f1)-dev)

demo: build
	@[ -z "$(SUDO)" ] || command -v sudo >/dev/null || \
		{ echo "demo: sampling takes root: run it as root, or install sudo" >&2; exit 1; }
	@mkdir -p target/demo
	cc -O1 -g -fno-omit-frame-pointer -mno-omit-leaf-frame-pointer -pthread assets/demo.c -o target/demo/demo
	$(SUDO) target/release/somno --verbose record -o target/demo/demo.svg -- target/demo/demo

# What one test needs, and no package of Debian 12 has: it is ignored where this is empty.
NEW_PYTHON := $(shell ls -d ~/.pyenv/versions/3.1[2-9]*/bin/python3 /usr/bin/python3.1[2-9] 2>/dev/null)

# Where this kernel cannot defer, or GUEST is set, live tests run in a guest. One that is not there fails.
HERE := $(if $(GUEST),,$(shell grep -m 1 -o bpf_task_work_schedule_resume /proc/kallsyms))
QUIET_TESTS := $(filter-out live vm,$(patsubst tests/%.rs,%,$(patsubst %/main.rs,%.rs,$(wildcard tests/*.rs tests/*/main.rs))))

test: setup-test setup-fuzz
	@[ -z "$(SUDO)" ] || command -v sudo >/dev/null || \
		{ echo "test: sampling takes root: run it as root, or install sudo" >&2; exit 1; }
	$(MAKE) fuzz-bpf SECONDS=10 SEED=1
ifeq ($(HERE),)
	@echo "test: live tests run in a guest, emulated: $(if $(GUEST),GUEST is set,this kernel cannot defer)"
	cargo test --lib $(addprefix --test ,$(QUIET_TESTS))
	$(MAKE) test-vm KERNEL=newest
else
	$(if $(NEW_PYTHON),$(if $(SUDO),$(RUNNER)="sudo -E") cargo test --test live -- --ignored python)
	$(if $(SUDO),$(RUNNER)="sudo -E") cargo test --lib --tests
endif

lint: setup-lint
	cargo fmt --check
	cargo clippy --all-targets -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" cargo doc --no-deps --document-private-items
	clang-format --dry-run --Werror bpf/*.c bpf/*.h tests/*/*.c tests/*/*.h
	shellcheck --external-sources --source-path=SCRIPTDIR tests/vm/setup tests/vm/fetch-kernel tests/vm/boot tests/vm/system tests/deb tests/soak benches/guest \
		assets/deb/build .ci/run
	shellcheck --shell=dash tests/vm/init
	! for page in man/*.[157]; do groff -ww -man -Tutf8 $$page 2>&1 >/dev/null; done | grep .

# What `make` has built, where it belongs. Under sudo there may be no cargo, so nothing is built anew.
PREFIX := /usr/local
DESTDIR :=
ZSH := share/zsh/site-functions
TO = $(DESTDIR)$(PREFIX)

target/release/somno:
	$(MAKE) build

install: target/release/somno
	install -D -m 755 target/release/somno $(TO)/bin/somno
	for section in 1 5 7; do install -D -m 644 -t $(TO)/share/man/man$$section man/*.$$section || exit; done
	install -D -m 644 assets/completions/somno.bash $(TO)/share/bash-completion/completions/somno
	install -D -m 644 assets/completions/_somno $(TO)/$(ZSH)/_somno
	install -D -m 644 assets/completions/somno.fish $(TO)/share/fish/vendor_completions.d/somno.fish
	install -D -m 644 -t $(TO)/share/doc/somno assets/somno.toml README.md CHANGELOG.md LICENSE-APACHE LICENSE-MIT

uninstall:
	rm -f $(TO)/bin/somno $(TO)/share/bash-completion/completions/somno $(TO)/$(ZSH)/_somno \
		$(TO)/share/fish/vendor_completions.d/somno.fish
	for section in 1 5 7; do for page in man/*.$$section; do \
		rm -f $(TO)/share/man/man$$section/$${page##*/} || exit; done; done
	rm -rf $(TO)/share/doc/somno

deb: build
	assets/deb/build

setup-test-deb: setup
	$(call need,to make a clean system,command -v mmdebstrap,mmdebstrap)

# SUITE=<a release of Debian>
test-deb: setup-test-deb build
	$(SUDO) tests/deb "$$(assets/deb/build)"

# PART=peers|unwinding|...; RUNS=<rounds>; of the peers also RATES="<samples a second>..." and WORK=<percent>
bench: setup-bench
	$(if $(SUDO),$(RUNNER)="sudo -E") cargo bench -- $(PART)

# The peers once more in an emulated guest, with one among them that looks for tracefs. RUNS, RATES and WORK as above.
bench-vm: setup-bench
	$(call need_peer,lightswitch,lightswitch --no-default-features)
	tests/vm/setup
	$(RUNNER)=benches/guest cargo bench --bench compare -- peers

# An hour, or SOAK=<seconds>, of everything, under a load that changes.
SOAK := 3600

soak: build
	$(SUDO) tests/soak target/release/somno $(SOAK)

# Every row of the largest binaries against gimli's: minutes.
CFI_FILES = $(wildcard /lib/x86_64-linux-gnu/libc.so.6 /lib64/ld-linux-x86-64.so.2 /lib/x86_64-linux-gnu/libm.so.6 \
	/usr/lib/x86_64-linux-gnu/libstdc++.so.6 /usr/lib/x86_64-linux-gnu/libcrypto.so.* /usr/bin/python3 /usr/bin/perl \
	/usr/bin/git /usr/lib/gcc/x86_64-linux-gnu/*/cc1plus \
	$(shell rustc --print sysroot 2>/dev/null)/lib/librustc_driver-*.so \
	$(shell rustc --print sysroot 2>/dev/null)/lib/libLLVM.so.*)

test-cfi: setup
	FILES="$(CFI_FILES)" cargo test --release --test cfi -- --nocapture

# SECONDS=<n>. What is found stays in target/fuzz/*-corpus; a crash fails and leaves its input in target/fuzz.
SECONDS := 60
# SEED=<n>: where random numbers begin; 0: anywhere.
SEED := 0

fuzz: setup-fuzz
	SOMNO_CHANGES=$$((2000 * $(SECONDS))) cargo test --release --lib --test fuzz damage_is_harmless
	$(MAKE) fuzz-bpf

# What of bpf/ also compiles as ordinary C: each for so long, from what was found worth keeping.
FUZZERS := unwind symbols modules

fuzz-bpf: $(FUZZERS:%=target/fuzz/%)
	for fuzzer in $(FUZZERS); do mkdir -p target/fuzz/$$fuzzer-corpus && \
		target/fuzz/$$fuzzer -max_total_time=$(SECONDS) -seed=$(SEED) -artifact_prefix=target/fuzz/$$fuzzer- \
		-print_final_stats=1 target/fuzz/$$fuzzer-corpus tests/fuzz/$$fuzzer-corpus || exit; done

target/fuzz/%: tests/fuzz/%.c tests/fuzz/check.h $(wildcard bpf/*.h) | setup-fuzz
	@mkdir -p target/fuzz
	clang -O1 -g -Wall -Werror -Wno-unused-function -Wno-gnu-variable-sized-type-not-at-end \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -iquote bpf $< -o $@

# KERNEL="6.12 6.18 6.19 newest", or some of them; without it, all. LANE=short leaves the live tests out,
# LIVE="<parts of names>" all others of them. PROFILE= is the one that tests are built with otherwise.
PROFILE := --release

test-vm: setup-test
	tests/vm/setup
	KERNEL="$(KERNEL)" LANE="$(LANE)" LIVE="$(LIVE)" cargo test $(PROFILE) --test vm -- --nocapture
