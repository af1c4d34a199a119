# SPDX-License-Identifier: MIT
# rport: `make help` lists the targets.
#
# One makefile, one build folder per combination of PROFILE and CRYPTO. Everything except rport.o goes
# into librport.a, which unit tests, fuzzers and the binary link.

VERSION := 0.1.0

# release | debug | asan | tsan | fuzz | client: a release of the client alone, as small as can be
PROFILE ?= release
# openssl | mbedtls: the crypto backend of libssh
CRYPTO ?= openssl
FUZZ_SECONDS ?= 60
PREFIX ?= /usr/local

MAKEFLAGS += -rR --no-print-directory
.DELETE_ON_ERROR:
.SUFFIXES:
SHELL := /bin/sh
Q := $(if $(filter 1,$(V)),,@)

ifeq ($(filter $(PROFILE),release debug asan tsan fuzz client),)
$(error PROFILE is release, debug, asan, tsan, fuzz or client, not '$(PROFILE)')
endif
ifeq ($(filter $(CRYPTO),openssl mbedtls),)
$(error CRYPTO is openssl or mbedtls, not '$(CRYPTO)')
endif

B := build/$(PROFILE)-$(CRYPTO)

### Compiler and flags. RP_* are ours; CPPFLAGS, CFLAGS and LDFLAGS are the user's and come last.

# Only CC on the command line counts: one from the environment would not be a musl compiler.
ifneq ($(firstword $(origin CC)),command)
CC := $(if $(filter release client,$(PROFILE)),musl-gcc,$(if $(filter fuzz,$(PROFILE)),clang,gcc))
endif
TOOLCHAIN_release := musl
TOOLCHAIN_client := small
TOOLCHAIN := $(or $(TOOLCHAIN_$(PROFILE)),host)
AR := ar
LD := ld
OBJCOPY := objcopy
HOST_CC ?= gcc

DEPS := build/deps/$(TOOLCHAIN)
DEPS_SSH := build/deps/$(TOOLCHAIN)-$(CRYPTO)

RP_WARN := -Wall -Wextra -Wpedantic -Wformat=2 -Wconversion -Wsign-conversion -Wshadow -Wundef -Wvla \
	-Wcast-qual -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wimplicit-fallthrough \
	-Werror=format-security -Werror=implicit -Werror=incompatible-pointer-types \
	-Werror=int-conversion $(if $(filter 1 true yes,$(CI)),-Werror)
RP_CPPFLAGS := -D_GNU_SOURCE -DRP_VERSION='"$(VERSION)"' -DRP_CRYPTO='"$(CRYPTO)"' \
	-DPCRE2_CODE_UNIT_WIDTH=8 -DPCRE2_STATIC -DLIBSSH_STATIC -I.
RP_INCLUDES := -isystem $(DEPS_SSH)/include -isystem $(DEPS)/include
# Only ssh/ and the tests see libssh's private headers (and its config.h).
RP_SSH_INCLUDES := -isystem $(DEPS_SSH)/include/libssh-private

# Taken as far as the compiler knows them: $(B)/flags.mk holds what is left.
PROBE_CFLAGS := -fstack-clash-protection -fstack-protector-strong -fcf-protection=full \
	-fstrict-flex-arrays=3 -fzero-init-padding-bits=all -ftrivial-auto-var-init=zero \
	-fno-delete-null-pointer-checks -fno-strict-overflow -fno-strict-aliasing -Wtrampolines \
	-Wbidi-chars=any
PROBE_LDFLAGS := -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,-z,nodlopen -Wl,--as-needed \
	-Wl,--no-copy-dt-needed-entries

COMMON_C := -std=gnu17 -g -ffunction-sections -fdata-sections -fno-common \
	-ffile-prefix-map=$(CURDIR)=.
FRAMES := -fno-omit-frame-pointer -fno-optimize-sibling-calls
SAN_C := -fsanitize=address,undefined -fno-sanitize-recover=all -fsanitize-address-use-after-scope

CFLAGS_release := -O2 -idirafter $(DEPS)/kernel 
LDFLAGS_release := -static -Wl,--gc-sections -Wl,--build-id=sha1
CFLAGS_client := -Os -DRP_CLIENT_ONLY -idirafter $(DEPS)/kernel
LDFLAGS_client := $(LDFLAGS_release)
CFLAGS_debug := -Og $(FRAMES) -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
CFLAGS_asan := -O1 $(FRAMES) $(SAN_C)
LDFLAGS_asan := $(SAN_C)
CFLAGS_tsan := -O1 $(FRAMES) -fsanitize=thread
LDFLAGS_tsan := -fsanitize=thread
CFLAGS_fuzz := -O1 $(FRAMES) -fsanitize=fuzzer-no-link $(SAN_C) -DRP_FUZZING
LDFLAGS_fuzz := $(SAN_C)

RP_CFLAGS = $(COMMON_C) $(RP_WARN) $(CFLAGS_$(PROFILE)) $(PROBED_CFLAGS)
RP_LDFLAGS = $(LDFLAGS_$(PROFILE)) $(PROBED_LDFLAGS) $(SSH_LDFLAGS)

# The seam to libssh (architecture.md): our objects define ssh_socket_*, and functions of libssh that are
# wrapped call __wrap_NAME of ours. All of ssh/ is one member of librport.a, so that whoever uses
# any of it takes our socket layer too and socket.c.o never comes out of libssh.a.
SSH_WRAPS := ssh_analyze_banner ssh_send_banner ssh_packet_encrypt ssh_packet_decrypt
SSH_LDFLAGS := $(SSH_WRAPS:%=-Wl,--wrap=%)

LIBS = $(DEPS_SSH)/lib/libssh.a $(if $(filter openssl,$(CRYPTO)),$(DEPS_SSH)/lib/libcrypto.a) \
	$(DEPS)/lib/libmbedtls.a $(DEPS)/lib/libmbedx509.a $(DEPS)/lib/libmbedcrypto.a \
	$(DEPS)/lib/libuv.a $(DEPS)/lib/libcjson.a $(DEPS)/lib/libhttp_parser.a \
	$(DEPS)/lib/libpcre2-8.a $(if $(filter client,$(PROFILE)),,$(SERVER_LIBS))
SERVER_LIBS = $(DEPS)/lib/libsqlite3.a $(DEPS)/lib/libcrypt.a \
	$(DEPS)/lib/libz.a $(DEPS)/lib/libqrencode.a $(DEPS)/lib/liblodepng.a
SYSLIBS := -lpthread -lm
# musl's own allocator halves the packet path: mimalloc takes its place.
MALLOC_release := $(DEPS)/lib/mimalloc.o
MALLOC_client := $(MALLOC_release)

### Sources

FOLDERS := core http ssh acl cmdpolicy tunnel server client api
ALL_SRC := $(sort $(foreach d,$(FOLDERS),$(wildcard $(d)/*.c)))
# PROFILE=client: what the server alone has is not even there.
CLIENT_ONLY := $(filter client,$(PROFILE))
LIB_SRC := $(filter-out $(if $(CLIENT_ONLY),server/% api/% core/db.c core/alloc_libs.c http/compress.c),$(ALL_SRC))
# api/embedded.h: files that are part of the program.
OPENAPI_SRC := $(sort $(wildcard api/openapi/*.json))
EMBEDDED := build/gen/openapi.json $(sort $(wildcard api/docs/*)) api/install.sh
# The dashboard, unless WEBUI=no.
WEBUI ?= yes
WEBUI_ON := $(if $(filter no,$(WEBUI)),,$(wildcard webui/package.json))
LIB_OBJ := $(LIB_SRC:%.c=$(B)/%.o) $(if $(CLIENT_ONLY),,$(B)/gen/embedded.o)
MAIN_SRC := $(wildcard rport.c)
MAIN_OBJ := $(MAIN_SRC:%.c=$(B)/%.o)
HEADERS := $(sort $(foreach d,$(FOLDERS) test/lib,$(wildcard $(d)/*.h)))
TESTLIB_SRC := $(sort $(wildcard test/lib/*.c))
TESTLIB_OBJ := $(TESTLIB_SRC:%.c=$(B)/%.o)
UNIT_SRC := $(sort $(wildcard test/unit/test_*.c))
UNIT_BIN := $(UNIT_SRC:%.c=$(B)/%)
FUZZ_SRC := $(sort $(wildcard test/fuzz/fuzz_*.c))
FUZZ_BIN := $(FUZZ_SRC:%.c=$(B)/%)
E2E := $(sort $(wildcard test/e2e/*.sh))
BENCH_SRC := $(sort $(wildcard test/bench/*.c))
BENCH_BIN := $(BENCH_SRC:%.c=$(B)/%)
OWN_SRC := $(ALL_SRC) $(MAIN_SRC) $(TESTLIB_SRC) $(UNIT_SRC) $(FUZZ_SRC) $(BENCH_SRC) \
	$(wildcard test/fuzz/replay.c test/fuzz/recorder.c)

SSH_OBJ := $(filter $(B)/ssh/%,$(LIB_OBJ))
MEMBERS := $(filter-out $(SSH_OBJ),$(LIB_OBJ)) $(if $(SSH_OBJ),$(B)/ssh.o)
LIBRPORT := $(B)/librport.a
TESTLIB := $(B)/test/libtest.a
# build/rport is the release binary; with the other crypto backend it carries its name.
RESULT_release := build/rport$(if $(filter mbedtls,$(CRYPTO)),-mbedtls)
RESULT_client := build/rport-client$(if $(filter openssl,$(CRYPTO)),-openssl)
RPORT := $(or $(RESULT_$(PROFILE)),$(B)/rport)

### Building

.PHONY: all
all: $(LIBRPORT) $(if $(MAIN_SRC),$(RPORT)) ## build the binary (PROFILE=release CRYPTO=openssl)

# Packages for building, once; SETUP=no leaves the machine alone.
build/setup/%.stamp: scripts/setup
	$(Q)$(if $(filter no,$(SETUP)),mkdir -p build/setup && touch,scripts/setup $* && touch) $@

$(DEPS_SSH)/complete: scripts/deps scripts/deps-recipes | build/setup/build.stamp
	$(Q)scripts/deps $(TOOLCHAIN) $(CRYPTO)

$(DEPS_SSH)/versions: $(DEPS_SSH)/complete ;

$(B)/flags.mk: scripts/probe-flags Makefile | build/setup/build.stamp
	$(Q)mkdir -p $(@D)
	$(Q)scripts/probe-flags '$(CC)' $(PROBE_CFLAGS) -- $(PROBE_LDFLAGS) >$@

# The targets that compile nothing do not ask for a compiler either.
NO_COMPILE := help clean distclean uninstall check demo bench peer webui lint-webui format-webui test-webui test-browser \
	screenshots
ifneq ($(or $(filter-out $(NO_COMPILE),$(MAKECMDGOALS)),$(if $(MAKECMDGOALS),,all)),)
include $(B)/flags.mk
endif

# Other flags than last time build everything again.
FLAGS_NOW = $(CC) $(RP_CPPFLAGS) $(RP_CFLAGS) $(CPPFLAGS) $(CFLAGS) $(RP_LDFLAGS) $(LDFLAGS)
$(B)/flags.txt: FORCE
	@$(call WRITE_CHANGED,$(FLAGS_NOW))
# The archive must lose the members whose sources are gone.
$(B)/members.txt: FORCE
	@$(call WRITE_CHANGED,$(MEMBERS) $(SSH_OBJ))
$(B)/test-members.txt: FORCE
	@$(call WRITE_CHANGED,$(TESTLIB_OBJ))
WRITE_CHANGED = mkdir -p $(@D); printf '%s\n' '$(subst ','\'',$(1))' >$@.$$$$; \
	if cmp -s $@.$$$$ $@; then rm $@.$$$$; else mv $@.$$$$ $@; fi
.PHONY: FORCE
FORCE:

COMPILE = $(CC) $(RP_CPPFLAGS) $(EXTRA_INCLUDES) $(RP_INCLUDES) $(RP_CFLAGS) $(CPPFLAGS) $(CFLAGS)
$(B)/ssh/%.o $(B)/test/%.o: EXTRA_INCLUDES := $(RP_SSH_INCLUDES)

$(B)/%.o: %.c $(B)/flags.txt $(DEPS_SSH)/versions
	@mkdir -p $(@D)
	@$(if $(Q),echo "CC      $<")
	$(Q)$(COMPILE) -MMD -MP -c $< -o $@

build/gen/openapi.json: scripts/openapi $(OPENAPI_SRC)
	@mkdir -p $(@D)
	$(Q)scripts/openapi $(OPENAPI_SRC) >$@

build/gen/webui.txt: FORCE
	@$(call WRITE_CHANGED,$(if $(WEBUI_ON),yes,no))

### The dashboard (webui/README.md).

WEBUI_SRC := $(sort $(wildcard webui/*.html webui/*.json webui/*.js webui/*.ts webui/scripts/*) \
	$(shell find webui/src -type f ! -name schema.gen.ts 2>/dev/null))
NPM := npm --no-update-notifier --no-audit --no-fund --loglevel=error

# Scripts of packages are never run.
build/webui/modules.stamp: webui/package-lock.json webui/.npmrc | build/setup/webui.stamp
	@mkdir -p $(@D)
	@$(if $(Q),echo "NPM     webui")
	$(Q)cd webui && $(NPM) ci --ignore-scripts >/dev/null
	$(Q)touch $@

build/webui/types.stamp: build/gen/openapi.json build/webui/modules.stamp
	$(Q)cd webui && npm run --silent types >/dev/null
	$(Q)touch $@

# Types are not looked at here.
build/webui/stamp: build/webui/modules.stamp $(WEBUI_SRC)
	@$(if $(Q),echo "VITE    webui")
	$(Q)cd webui && npm run --silent build
	$(Q)touch $@

build/gen/embedded.c: scripts/embed $(EMBEDDED) build/gen/webui.txt $(if $(WEBUI_ON),build/webui/stamp)
	$(Q)scripts/embed $(EMBEDDED) $(if $(WEBUI_ON),--web build/webui/dist) >$@

$(B)/gen/embedded.o: build/gen/embedded.c $(B)/flags.txt
	@mkdir -p $(@D)
	$(Q)$(COMPILE) -MMD -MP -c $< -o $@

$(B)/ssh.o: $(SSH_OBJ) $(B)/members.txt
	$(Q)$(LD) -r -o $@ $(SSH_OBJ)

$(LIBRPORT): $(MEMBERS) $(B)/members.txt
	@$(if $(Q),echo "AR      $@")
	$(Q)rm -f $@ && $(AR) rcsD $@ $(MEMBERS)

# An archive, so that a test takes only the helpers it uses.
$(TESTLIB): $(TESTLIB_OBJ) $(B)/test-members.txt
	$(Q)rm -f $@ && $(AR) rcsD $@ $(TESTLIB_OBJ)

LINK = $(CC) $(RP_CFLAGS) $(CFLAGS) $(RP_LDFLAGS)
LINK_LIBS = $(LIBRPORT) $(LIBS) $(SYSLIBS) $(LDFLAGS)

$(B)/rport.full: $(MAIN_OBJ) $(LIBRPORT) $(LIBS) $(MALLOC_$(PROFILE))
	@$(if $(Q),echo "LD      $@")
	$(Q)$(LINK) -o $@ $(MAIN_OBJ) $(MALLOC_$(PROFILE)) $(LINK_LIBS)

.PHONY: client
client: ## the client alone, small (CRYPTO=mbedtls, the smallest, unless told otherwise)
	+$(Q)$(MAKE) PROFILE=client CRYPTO=$(if $(filter file,$(origin CRYPTO)),mbedtls,$(CRYPTO)) all

ifneq ($(filter release client,$(PROFILE)),)
$(RPORT): $(B)/rport.full
	@$(if $(Q),echo "STRIP   $@")
	$(Q)$(OBJCOPY) --only-keep-debug $< $(B)/rport.debug
	$(Q)$(OBJCOPY) --strip-all --add-gnu-debuglink=$(B)/rport.debug $< $(B)/rport
	$(Q)cp $(B)/rport $@.new && mv $@.new $@
else
$(RPORT): $(B)/rport.full
	$(Q)ln -f $< $@
endif

$(LIBS) $(MALLOC_release): $(DEPS_SSH)/versions ;

### Tests. Unit tests need the host's compiler: with the release profile they run in the debug one.

TEST_PROFILE := $(if $(filter release,$(PROFILE)),debug,$(PROFILE))
CORPUS = $(wildcard test/fuzz/corpus/$(1) test/fuzz/regressions/$(1))
PROVE := prove -m -f -o -j2
SAN_ENV := ASAN_OPTIONS=abort_on_error=1:detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1 \
	UBSAN_OPTIONS=abort_on_error=1:print_stacktrace=1 TSAN_OPTIONS=second_deadlock_stack=1 \
	LSAN_OPTIONS=print_suppressions=0

$(UNIT_SRC:%.c=$(B)/%.o): | build/setup/test.stamp

$(UNIT_BIN): $(B)/test/unit/%: $(B)/test/unit/%.o $(TESTLIB) $(LIBRPORT) $(LIBS)
	@$(if $(Q),echo "LD      $@")
	$(Q)$(LINK) -o $@ $< $(TESTLIB) $(LIBRPORT) $(LIBS) -lcmocka $(SYSLIBS) $(LDFLAGS)

# Run by what fuzz_cmdpolicy allows.
$(B)/test/fuzz/recorder: test/fuzz/recorder.c
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) -O1 -Wall -Wextra -o $@ $<
$(B)/test/fuzz/fuzz_cmdpolicy: | $(B)/test/fuzz/recorder

FUZZ_DRIVER := $(if $(filter fuzz,$(PROFILE)),,$(B)/test/fuzz/replay.o)
$(FUZZ_BIN): $(B)/test/fuzz/%: $(B)/test/fuzz/%.o $(FUZZ_DRIVER) $(TESTLIB) $(LIBRPORT) $(LIBS)
	@$(if $(Q),echo "LD      $@")
	$(Q)$(LINK) $(if $(FUZZ_DRIVER),,-fsanitize=fuzzer) -o $@ $< $(FUZZ_DRIVER) $(TESTLIB) \
		-Wl,--push-state,--as-needed -lcmocka -Wl,--pop-state $(LINK_LIBS)

.PHONY: test test-unit run-unit test-e2e run-e2e fuzz-replay run-replay fuzz peer
test: ## quick loop: unit tests, fuzz corpora and end-to-end tests with the debug profile
	+$(Q)$(MAKE) PROFILE=$(TEST_PROFILE) run-unit run-replay
	+$(Q)$(MAKE) PROFILE=$(TEST_PROFILE) test-e2e

test-unit: ## unit tests (PROFILE=debug, asan or tsan; T=name runs test_name alone)
	+$(Q)$(MAKE) PROFILE=$(TEST_PROFILE) run-unit

UNIT_RUN := $(if $(T),$(B)/test/unit/test_$(T),$(UNIT_BIN))
run-unit: $(UNIT_RUN) | build/setup/test.stamp
	$(Q)$(if $(UNIT_RUN),$(SAN_ENV) CMOCKA_MESSAGE_OUTPUT=TAP \
		$(PROVE) $(if $(T),-v) -e 'timeout -k 5 300' $(UNIT_RUN),echo 'no unit tests')

peer: build/peer ## the Go program that plays an installed client and server
build/peer: $(wildcard test/peer/*) | build/setup/test.stamp
	@$(if $(Q),echo "GO      $@")
	$(Q)test/peer/build $@

test-e2e: ## end-to-end tests against the binary of PROFILE and CRYPTO (T=name runs one)
	+$(Q)$(MAKE) PROFILE=$(PROFILE) all $(if $(wildcard test/peer/build),peer) build/setup/test.stamp
	+$(Q)$(MAKE) PROFILE=$(PROFILE) run-e2e

E2E_RUN := $(if $(T),test/e2e/$(T).sh,$(E2E))
run-e2e:
	$(Q)$(if $(E2E_RUN),$(SAN_ENV) RPORT=$(CURDIR)/$(RPORT) RPORT_PEER=$(CURDIR)/build/peer \
		RPORT_CRYPTO=$(CRYPTO) prove -m -f -o -j2 $(if $(T),-v) -e 'timeout -k 5 600' $(E2E_RUN),\
		echo 'no end-to-end tests')

# Vitest; then Chromium against the binary, with real clients.
.PHONY: test-webui test-browser run-browser screenshots
test-webui: build/webui/types.stamp ## unit tests of the dashboard
	$(Q)cd webui && npm run --silent test

test-browser: build/setup/browser.stamp build/setup/test.stamp ## the dashboard in Chromium (T=name runs one file)
	+$(Q)$(MAKE) PROFILE=$(PROFILE) all peer
	$(Q)cd webui && RPORT=$(CURDIR)/$(RPORT) RPORT_PEER=$(CURDIR)/build/peer npm run --silent test:browser -- $(T)

screenshots: build/setup/browser.stamp build/setup/test.stamp ## every page in both themes and two widths, into build/screenshots
	+$(Q)$(MAKE) PROFILE=$(PROFILE) all peer
	$(Q)cd webui && RPORT=$(CURDIR)/$(RPORT) RPORT_PEER=$(CURDIR)/build/peer npm run --silent screenshots -- $(T)

# The client alone with a server of the release.
CLIENT_E2E := $(filter-out test/e2e/client_link.sh,$(wildcard test/e2e/client_*.sh)) \
	$(addprefix test/e2e/,ours_ours.sh policy.sh pairing.sh jobs.sh tunnels.sh)
.PHONY: test-client
test-client: ## end-to-end tests of the client alone (make client)
	+$(Q)$(MAKE) PROFILE=release CRYPTO=openssl all
	+$(Q)$(MAKE) client $(if $(wildcard test/peer/build),peer) build/setup/test.stamp
	$(Q)RPORT=$(CURDIR)/$(RESULT_release) RPORT_CLIENT=$(CURDIR)/build/rport-client \
		RPORT_PEER=$(CURDIR)/build/peer RPORT_CRYPTO=openssl \
		prove -m -f -o -j2 $(if $(T),-v) -e 'timeout -k 5 600' \
		$(if $(T),test/e2e/$(T).sh,$(CLIENT_E2E))

.PHONY: stress-visitors
stress-visitors: ## ten minutes of visitors and targets that do not read (SLOW_SECONDS=600)
	+$(Q)$(MAKE) PROFILE=$(PROFILE) all $(if $(wildcard test/peer/build),peer) build/setup/test.stamp
	$(Q)SLOW_SECONDS=$(or $(SLOW_SECONDS),600) RPORT=$(CURDIR)/$(RPORT) \
		RPORT_PEER=$(CURDIR)/build/peer prove -v test/e2e/slow_visitors.sh

fuzz-replay: ## run every fuzz corpus twice through its target, without clang
	+$(Q)$(MAKE) PROFILE=$(TEST_PROFILE) run-replay

run-replay: $(FUZZ_BIN) | build/setup/test.stamp
	$(Q)$(foreach f,$(FUZZ_BIN),$(SAN_ENV) timeout -k 5 300 $(f) \
		$(call CORPUS,$(patsubst fuzz_%,%,$(notdir $(f)))) &&) \
		echo 'fuzz corpora replayed: $(words $(FUZZ_BIN)) targets'

fuzz: | build/setup/lint.stamp build/setup/test.stamp ## libFuzzer, FUZZ_SECONDS=60 for each target (T=name runs one)
	+$(Q)$(MAKE) PROFILE=fuzz run-fuzz

FUZZ_RUN := $(if $(T),$(B)/test/fuzz/fuzz_$(T),$(FUZZ_BIN))
.PHONY: run-fuzz
run-fuzz: $(FUZZ_RUN)
	$(Q)$(foreach f,$(FUZZ_RUN),$(call FUZZ_ONE,$(f),$(patsubst fuzz_%,%,$(notdir $(f)))) &&) true
# New inputs stay in build/fuzz/NAME; a failing one is written beside as crash-*.
FUZZ_ONE = echo "FUZZ    $(2)" && mkdir -p build/fuzz/$(2) && $(SAN_ENV) $(1) \
	-max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0 \
	-artifact_prefix=build/fuzz/$(2)/ build/fuzz/$(2) $(call CORPUS,$(2))

.PHONY: valgrind run-valgrind bench check demo
valgrind: | build/setup/test.stamp ## unit tests under valgrind
	+$(Q)$(MAKE) PROFILE=debug run-valgrind
VALGRIND := timeout -k 5 900 valgrind -q --error-exitcode=99 --leak-check=full \
	--errors-for-leak-kinds=definite,indirect --show-leak-kinds=definite,indirect
run-valgrind: $(UNIT_RUN)
	$(Q)$(if $(UNIT_RUN),RP_VALGRIND=1 CMOCKA_MESSAGE_OUTPUT=TAP \
		$(PROVE) $(if $(T),-v) -e '$(VALGRIND)' $(UNIT_RUN))

# chroot.sh is left out: valgrind is not in the folder that the test locks the program into.
E2E_VALGRIND := $(if $(T),test/e2e/$(T).sh,$(filter-out test/e2e/chroot.sh,$(E2E)))
.PHONY: valgrind-e2e
valgrind-e2e: | build/setup/test.stamp ## end-to-end tests under valgrind, with less bulk (T=name runs one)
	+$(Q)$(MAKE) PROFILE=debug all peer
	+$(Q)$(MAKE) PROFILE=debug run-valgrind-e2e
.PHONY: run-valgrind-e2e
run-valgrind-e2e:
	$(Q)RPORT_VALGRIND=1 RPORT_PATIENCE=5 RPORT_BULK_PART=50 RPORT=$(CURDIR)/$(RPORT) \
		RPORT_PEER=$(CURDIR)/build/peer RPORT_CRYPTO=$(CRYPTO) \
		prove -m -f -o $(if $(T),-v) -e 'timeout -k 5 1200' $(E2E_VALGRIND)

# BENCH='--quick --json FILE --readme' are options of test/bench/run.
bench: | build/setup/bench.stamp ## measure speed; prints one table
	+$(Q)$(MAKE) PROFILE=release all bench-programs
	$(Q)RPORT=$(CURDIR)/$(RESULT_release) RPORT_BENCH=$(CURDIR)/build/release-$(CRYPTO)/test/bench \
		test/bench/run $(BENCH)

# FLEET='CLIENTS JOBS'; a gigabyte of space for the default.
FLEET ?= 10000 1000000
.PHONY: bench-fleet
bench-fleet: | build/setup/bench.stamp ## the API's times with 10,000 clients and 1,000,000 jobs
	+$(Q)$(MAKE) PROFILE=release all bench-programs
	$(Q)RPORT=$(CURDIR)/$(RESULT_release) RPORT_BENCH=$(CURDIR)/build/release-$(CRYPTO)/test/bench \
		test/bench/fleet.sh $(FLEET)

.PHONY: bench-webui
bench-webui: build/setup/browser.stamp | build/setup/bench.stamp ## the dashboard's list of 10,000 clients in Chromium
	+$(Q)$(MAKE) PROFILE=release all bench-programs
	$(Q)cd webui && RPORT=$(CURDIR)/$(RESULT_release) \
		RPORT_BENCH=$(CURDIR)/build/release-$(CRYPTO)/test/bench node test/browser/bench.js

# Not all of test/lib: some of it needs cmocka, which there is only for the host.
BENCH_OBJ := $(patsubst %,$(B)/test/lib/%.o,ssh_pair mux_pair tunnel_rig prng)
.PHONY: bench-programs
bench-programs: $(BENCH_BIN)
$(BENCH_BIN): $(B)/test/bench/%: $(B)/test/bench/%.o $(BENCH_OBJ) $(LIBRPORT) $(LIBS) \
		$(MALLOC_$(PROFILE))
	@$(if $(Q),echo "LD      $@")
	$(Q)$(LINK) -o $@ $< $(MALLOC_$(PROFILE)) $(BENCH_OBJ) $(LINK_LIBS)

check: | build/setup/build.stamp build/setup/test.stamp build/setup/lint.stamp build/setup/browser.stamp ## all tests of the project
	+$(Q)scripts/check

demo: | build/setup/build.stamp build/setup/test.stamp ## start a server and a client, open a tunnel, run a command
	+$(Q)$(MAKE) PROFILE=release all
	$(Q)scripts/demo

.PHONY: check-openapi
check-openapi: | build/setup/test.stamp ## schemathesis (from PyPI) against the API (EXAMPLES=15 for each call, SEED=1)
	+$(Q)$(MAKE) PROFILE=$(TEST_PROFILE) all
	$(Q)RPORT=$(CURDIR)/build/$(TEST_PROFILE)-$(CRYPTO)/rport test/openapi/run

.PHONY: check-walk
check-walk: | build/setup/test.stamp ## the walk over all routes fails when a check of rights is taken away
	+$(Q)test/walk/run

# STRESS_SECONDS=60 of work, STRESS_CLIENTS=200.
.PHONY: stress
stress: | build/setup/test.stamp ## server under ThreadSanitizer, 200 clients, tunnels opening and closing; two minutes
	+$(Q)$(MAKE) PROFILE=release all peer
	+$(Q)$(MAKE) PROFILE=tsan all
	$(Q)RPORT=$(CURDIR)/build/tsan-$(CRYPTO)/rport RPORT_CLIENT=$(CURDIR)/$(RESULT_release) \
		RPORT_PEER=$(CURDIR)/build/peer test/stress/tsan.sh

.PHONY: stress-api
stress-api: | build/setup/test.stamp ## times of the API beside 200 clients that send measurements and four busy tunnels
	+$(Q)$(MAKE) PROFILE=release all peer
	$(Q)RPORT=$(CURDIR)/$(RESULT_release) RPORT_PEER=$(CURDIR)/build/peer test/stress/busy.sh

# AWAY_SECONDS=1800 of watching.
.PHONY: stress-away
stress-away: | build/setup/test.stamp ## memory of clients whose server is away, half an hour
	+$(Q)$(MAKE) PROFILE=release all
	$(Q)AWAY_SECONDS=$(or $(AWAY_SECONDS),1800) RPORT=$(CURDIR)/$(RESULT_release) test/stress/away.sh

### Static checks

TIDY_OK := $(LIB_SRC:%=build/tidy/%.ok) $(MAIN_SRC:%=build/tidy/%.ok)
LINT_DEPS := build/deps/host-openssl
LINT_INCLUDES = -isystem $(LINT_DEPS)/include/libssh-private -isystem $(LINT_DEPS)/include \
	-isystem build/deps/host/include

.PHONY: lint format format-check layers check-headers tidy cppcheck check-scripts check-man analyze
lint: format-check layers check-headers check-scripts check-man check-endpoints tidy cppcheck lint-webui ## all static checks

.PHONY: webui lint-webui format-webui
webui: build/webui/stamp ## build the dashboard alone, into build/webui/dist
lint-webui: build/webui/types.stamp ## ESLint, Prettier and vue-tsc for the dashboard
	$(Q)cd webui && npm run --silent lint
format-webui: build/webui/modules.stamp ## format the dashboard's sources
	$(Q)cd webui && npm run --silent format

format: ## format all sources
	$(Q)clang-format -i $(OWN_SRC) $(HEADERS)
# Other versions of clang-format judge a few constructs differently: 14 (Debian 12) decides.
format-check: | build/setup/lint.stamp
	$(Q)case $$(clang-format --version) in \
	*'version 14.'*) $(if $(OWN_SRC),clang-format --dry-run --Werror $(OWN_SRC) $(HEADERS),true) ;; \
	*) echo 'formatting not checked: this is not clang-format 14' ;; \
	esac

layers: ## include direction, third-party seams, file heads
	$(Q)scripts/check-layers
	$(Q)scripts/check-heads

check-headers: $(HEADERS:%=build/headers/%.ok) ## each header compiles alone
build/headers/%.h.ok: %.h $(HEADERS) build/deps/host-openssl/complete
	@mkdir -p $(@D)
	$(Q)printf '#include "$<"\nextern int rp_header_alone;\n' | $(HOST_CC) -x c $(RP_CPPFLAGS) $(LINT_INCLUDES) -std=gnu17 $(RP_WARN) \
		-Werror -fsyntax-only -
	@touch $@

tidy: $(TIDY_OK) ## clang-tidy
build/tidy/%.c.ok: %.c $(HEADERS) .clang-tidy build/deps/host-openssl/complete | build/setup/lint.stamp
	@mkdir -p $(@D)
	@$(if $(Q),echo "TIDY    $<")
	$(Q)clang-tidy --quiet --warnings-as-errors='*' $< -- $(RP_CPPFLAGS) $(LINT_INCLUDES) \
		-std=gnu17 $(RP_WARN) 2>$@.log || { cat $@.log; exit 1; }
	@touch $@

CPPCHECK := cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 -j2 \
	--enable=warning,performance,portability --cppcheck-build-dir=build/cppcheck \
	--suppress=missingIncludeSystem --suppress=unmatchedSuppression --suppress=internalAstError \
	--suppress=normalCheckLevelMaxBranches -D__linux__ \
	-DRP_VERSION='""' -DRP_CRYPTO='""' -I.
cppcheck: | build/setup/lint.stamp ## cppcheck
	@mkdir -p build/cppcheck
	@$(if $(Q),echo "CPPCHECK")
	$(Q)$(if $(LIB_SRC),$(CPPCHECK) $(LIB_SRC) $(MAIN_SRC))

check-scripts: | build/setup/lint.stamp
	$(Q)shellcheck -S warning -e SC1007 $(wildcard api/install.sh scripts/setup scripts/deps scripts/deps-fetch \
		scripts/deps-recipes scripts/demo scripts/check scripts/check-* scripts/probe-flags \
		.ci/run test/walk/run test/openapi/run test/peer/build test/bench/run test/bench/fleet.sh test/bench/lib/*.sh test/e2e/*.sh test/e2e/lib/*.sh)
	$(Q)$(if $(wildcard test/peer/build),test/peer/build --check)

.PHONY: check-endpoints endpoints
check-endpoints: build/gen/openapi.json | build/setup/test.stamp ## every endpoint has tests (test/endpoints.tsv)
	$(Q)test/endpoints check $<

TRACE := build/endpoints.trace
endpoints: build/gen/openapi.json | build/setup/test.stamp ## write test/endpoints.tsv anew from what the tests see
	$(Q)rm -f $(TRACE)
	+$(Q)RP_API_TRACE=$(CURDIR)/$(TRACE) $(MAKE) PROFILE=$(TEST_PROFILE) run-unit
	+$(Q)RP_API_TRACE=$(CURDIR)/$(TRACE) $(MAKE) PROFILE=$(TEST_PROFILE) test-e2e
	$(Q)test/endpoints update $< $(TRACE)

check-man: | build/setup/lint.stamp
	$(Q)$(if $(wildcard man/*),mandoc -T lint -W warning $(wildcard man/*))

analyze: build/deps/host-openssl/complete ## gcc -fanalyzer
	$(Q)$(foreach f,$(LIB_SRC) $(MAIN_SRC),echo "ANALYZE $(f)" && $(HOST_CC) $(RP_CPPFLAGS) \
		$(LINT_INCLUDES) -std=gnu17 -O2 -fanalyzer -c $(f) -o /dev/null &&) true

ifneq ($(DEPS_SSH),build/deps/host-openssl)
build/deps/host-openssl/complete: scripts/deps scripts/deps-recipes | build/setup/build.stamp
	$(Q)scripts/deps host openssl
endif

.PHONY: compile_commands.json
compile_commands.json: ## for editors and clang tools
	$(Q){ echo '['; $(foreach f,$(OWN_SRC),printf \
		'%s{"directory": "%s", "file": "%s", "arguments": [%s]}\n' "$$sep" '$(CURDIR)' '$(f)' \
		'$(call JSON_WORDS,clang $(RP_CPPFLAGS) $(LINT_INCLUDES) -std=gnu17 $(RP_WARN) -c $(f))'; \
		sep=,; ) echo ']'; } >$@
JSON_WORDS = $(subst $(space),$(comma) ,$(foreach w,$(subst ','\'',$(subst ',,$(1))),"$(subst ",\",$(w))"))
comma := ,
empty :=
space := $(empty) $(empty)

### Installing and cleaning

BINDIR = $(DESTDIR)$(PREFIX)/bin
MANDIR = $(DESTDIR)$(PREFIX)/share/man
DOCDIR = $(DESTDIR)$(PREFIX)/share/doc/rport
LINKS := rportd rport-client
MAN1 := $(sort $(wildcard man/*.1))
MAN5 := $(sort $(wildcard man/*.5))
MAN8 := $(sort $(wildcard man/*.8))
EXAMPLES := $(sort $(wildcard example/*.conf examples/*.conf *.example.conf))

.PHONY: install uninstall clean distclean help
install: all ## binary, its names, manual pages and example configurations (PREFIX, DESTDIR)
	$(Q)install -d $(BINDIR) $(DOCDIR) $(if $(MAN1),$(MANDIR)/man1) $(if $(MAN5),$(MANDIR)/man5) \
		$(if $(MAN8),$(MANDIR)/man8)
	$(Q)install -m 755 $(RPORT) $(BINDIR)/rport
	$(Q)for link in $(LINKS); do ln -sfn rport $(BINDIR)/$$link; done
	$(Q)$(if $(MAN1),install -m 644 $(MAN1) $(MANDIR)/man1)
	$(Q)$(if $(MAN5),install -m 644 $(MAN5) $(MANDIR)/man5)
	$(Q)$(if $(MAN8),install -m 644 $(MAN8) $(MANDIR)/man8)
	$(Q)install -m 644 LICENSE $(wildcard README.md) $(EXAMPLES) $(DOCDIR)

uninstall: ## remove what install put there
	$(Q)rm -f $(BINDIR)/rport $(LINKS:%=$(BINDIR)/%) $(patsubst man/%,$(MANDIR)/man1/%,$(MAN1)) \
		$(patsubst man/%,$(MANDIR)/man5/%,$(MAN5)) $(patsubst man/%,$(MANDIR)/man8/%,$(MAN8))
	$(Q)rm -rf $(DOCDIR)

clean: ## remove what was built here; dependencies and their sources stay
	$(Q)rm -rf build/release-* build/debug-* build/asan-* build/tsan-* build/fuzz-* build/gen build/headers \
		build/tidy build/cppcheck build/webui build/screenshots build/rport build/rport-mbedtls build/rport-client* build/client-* build/peer compile_commands.json

distclean: ## remove build/ altogether
	$(Q)rm -rf build webui/node_modules webui/src/api/schema.gen.ts compile_commands.json

help: ## this list
	@sed -n 's/^\([a-z0-9_.-]*\):[^#=]*## \(.*\)/\1	\2/p' Makefile | \
		awk -F'\t' '{ printf "%-22s %s\n", $$1, $$2 }'
	@echo 'Variables: PROFILE=release|debug|asan|tsan|fuzz|client CRYPTO=openssl|mbedtls V=1 CI=1'
	@echo '           DEPS_SRC=dir (unpacked sources) SETUP=no WEBUI=no CC CPPFLAGS CFLAGS LDFLAGS PREFIX DESTDIR'

-include $(LIB_OBJ:.o=.d) $(MAIN_OBJ:.o=.d) $(TESTLIB_OBJ:.o=.d) $(UNIT_BIN:=.d) $(FUZZ_BIN:=.d) \
	$(BENCH_BIN:=.d)
