# SPDX-License-Identifier: GPL-2.0-only
#
# Everything that is fetched or built lands below build/. `make help` lists what
# can be asked for; V=1 shows the commands.

CFLAGS	?= -O2 -g
KERNEL	?= bookworm
# Another build folder, for another compiler or other flags.
B	?= build

# Kernels of another machine: what their guests run is built by another compiler, in
# a folder of its own, and brings its libraries.
foreign	:= $(filter arm64 s390x ppc64el,$(KERNEL))
cross_arm64	:= aarch64-linux-gnu-
cross_s390x	:= s390x-linux-gnu-
cross_ppc64el	:= powerpc64le-linux-gnu-
ifneq ($(foreign),)
B	:= build/$(foreign)
cross	:= $(cross_$(foreign))
CC	:= $(cross)gcc
LD	:= $(cross)ld
AR	:= $(cross)ar
OBJCOPY	:= $(cross)objcopy
CPPFLAGS += -isystem build/kernel/$(KERNEL)/usr/include
# Else a __u64 is no long long, which is what the tests print, on PowerPC.
CPPFLAGS += -D__SANE_USERSPACE_TYPES__
static	:= -static -Lbuild/kernel/$(KERNEL)/usr/lib/$(cross:-=)
endif

Q	:= $(if $(V),,@)
export V

cflags	 := -std=gnu11 -Wall -Wextra -Werror -MMD -MP -Ilib/include -Iuapi
soname	 := libshmring.so.0

all: lib module tests examples

help:
	@echo 'make [all]        the library, the module, the examples, the tests'
	@echo 'make run          stream FILE=..., then packets, through a ring in a virtual machine'
	@echo 'make test         every test; T=pattern: only the matching programs'
	@echo 'make test-long    the same, for longer'
	@echo 'make test-deep    what is too slow for that: kernels that look for bugs, and more;'
	@echo '                  test-deep-short: the most telling part, in some 10 minutes'
	@echo 'make bench        ways from one CPU to another, side by side; bench-quick: in a minute;'
	@echo '                  BENCH="options", ADAPTERS="files" (tests/bench/README.md)'
	@echo 'make bench-kernel ways from the kernel to a process, side by side in a virtual machine'
	@echo 'make check        static checks and sanitizers'
	@echo 'make coverage     what the tests execute of the library and the module; T=none: of the'
	@echo '                  library on this machine; T=pattern: in the guest, by these programs'
	@echo 'make install      on this machine: PREFIX=, DESTDIR=, KDIR=; install-lib, install-module'
	@echo 'make lib module tests examples    one part of all'
	@echo 'make clean        remove what was built; distclean: and what was fetched'

# --- What the machine lacks: packages are asked for, the rest is fetched

fetched_kernel	:= build/kernel/$(KERNEL)/.complete
fetched_tests	:= build/kselftest/.complete

packages:
	$(Q)tests/setup/packages $(foreign)

# Some are built here, and again when their configuration has changed.
built_kernels	:= $(filter-out guest,$(patsubst tests/setup/config/%.config,%,$(wildcard tests/setup/config/*.config)))

ifneq ($(filter $(KERNEL),$(built_kernels)),)
$(fetched_kernel): FORCE | packages
	$(Q)tests/setup/debug-kernel $(KERNEL)
else
$(fetched_kernel): | packages
	$(Q)tests/setup/kernel $(KERNEL)
endif

$(fetched_tests): | packages
	$(Q)tests/setup/kselftest

# --- The library. In the archive, too, names that are not its interface are its
# own affair: one object, whose hidden symbols no program can collide with.

OBJCOPY	?= objcopy

lib_objects := $(patsubst %.c,$(B)/obj/%.o,$(wildcard lib/*.c))
lib: $(B)/lib/libshmring.a $(B)/lib/libshmring.so

$(B)/obj/%.o: %.c Makefile | packages
	@echo "  CC      $<"
	@mkdir -p $(@D)
	$(Q)$(CC) $(cflags) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(lib_objects): cflags += -fPIC -fvisibility=hidden

$(B)/lib/libshmring.a: $(lib_objects) | packages
	@echo "  AR      $@"
	@mkdir -p $(@D)
	$(Q)$(LD) -r -o $(B)/lib/libshmring.o $(lib_objects)
	$(Q)$(OBJCOPY) --localize-hidden $(B)/lib/libshmring.o
	$(Q)rm -f $@ && $(AR) rcs $@ $(B)/lib/libshmring.o

$(B)/lib/libshmring.so: $(lib_objects) lib/shmring.map | packages
	@echo "  LD      $@"
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,$(soname) -Wl,-z,defs \
		-Wl,--version-script=lib/shmring.map -o $(@D)/$(soname) $(lib_objects)
	$(Q)ln -sf $(soname) $@

# --- The module

module_stamp := build/module/.$(KERNEL)
module: $(module_stamp)

# The folders are named so that a file's coming and going counts.
$(module_stamp): Kbuild kmod $(wildcard kmod/*.[ch] uapi uapi/linux uapi/linux/*.h) $(fetched_kernel)
	@echo "  MODULE  shmring.ko for $(KERNEL)"
	$(Q)tests/setup/module $(KERNEL) build/module Kbuild kmod uapi
	@touch $@

# Its tests' own module, with ends in the kernel
test_module_stamp := build/kernel-test/.$(KERNEL)
test-module: $(test_module_stamp)

$(test_module_stamp): lib/include/shmring_queue_raw.h $(wildcard tests/kernel/Kbuild tests/kernel/control.h tests/kernel/module tests/kernel/module/*.[ch]) $(module_stamp)
	@echo "  MODULE  shmring_test.ko for $(KERNEL)"
	$(Q)tests/setup/module $(KERNEL) build/kernel-test tests/kernel/Kbuild \
		tests/kernel/control.h tests/kernel/module kmod uapi \
		lib/include/shmring_queue_raw.h -- \
		KBUILD_EXTRA_SYMBOLS=$(CURDIR)/build/module/$$(basename $$(readlink -f build/kernel/$(KERNEL)))/Module.symvers
	@touch $@

# The benchmark's module, with the producers
bench_module_stamp := build/kernel-bench/.$(KERNEL)
bench-module: $(bench_module_stamp)

$(bench_module_stamp): $(wildcard tests/bench/kernel/Kbuild tests/bench/kernel/control.h tests/bench/kernel/module tests/bench/kernel/module/*.[ch]) $(module_stamp)
	@echo "  MODULE  shmring_bench.ko for $(KERNEL)"
	$(Q)tests/setup/module $(KERNEL) build/kernel-bench tests/bench/kernel/Kbuild \
		tests/bench/kernel/control.h tests/bench/kernel/module kmod uapi -- \
		KBUILD_EXTRA_SYMBOLS=$(CURDIR)/build/module/$$(basename $$(readlink -f build/kernel/$(KERNEL)))/Module.symvers
	@touch $@

# --- Examples and test programs: one of each lib/examples/NAME.c, and one of
# each tests/FOLDER/NAME_test.c with the folder's other files

examples := $(patsubst lib/examples/%.c,$(B)/examples/%,$(wildcard lib/examples/*.c))
examples: $(examples)

define link
	@echo "  LD      $@"
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(static) -o $@ $(filter %.o,$^) $(filter %.a,$^) -luring -lpthread
endef

$(examples): $(B)/examples/%: $(B)/obj/lib/examples/%.o $(B)/lib/libshmring.a
	$(link)

define test_folder
$(1)_programs := $$(patsubst tests/$(1)/%.c,$(B)/tests/%,$$(wildcard tests/$(1)/*_test.c))
$(1)_helpers := $$(patsubst %.c,$(B)/obj/%.o,$$(filter-out %_test.c,$$(wildcard tests/$(1)/*.c)))
test_programs += $$($(1)_programs)
test_objects += $$($(1)_helpers) $$(patsubst %.c,$(B)/obj/%.o,$$(wildcard tests/$(1)/*_test.c))
$$($(1)_programs): $(B)/tests/%: $(B)/obj/tests/$(1)/%.o $$($(1)_helpers) $(B)/lib/libshmring.a
	$$(link)
endef
test_programs :=
test_objects :=
$(foreach folder,ring queue device hunt kernel tap message bridge slab deep fuzz chaos hostile,$(eval $(call test_folder,$(folder))))

# Messages and bridges run on the byte ring's own fixtures.
$(message_programs) $(bridge_programs): $(B)/obj/tests/ring/ring.o

# Hunted ends stop fencing soon, so that their peers arm against both modes.
$(B)/obj/tests/hunt/ring_lib.o: cflags += -DSHMRING_FENCES=4

# Ends in the kernel are hunted like those of processes; their modules come and go.
$(kernel_programs): $(hunt_helpers) $(device_helpers)

# Deep tests go wherever the others do.
$(deep_programs): $(device_helpers) $(kernel_helpers) $(hunt_helpers) $(tap_helpers)

# These go by the device's calls, too, and know the pattern's bytes.
$(fuzz_programs) $(chaos_programs) $(hostile_programs): $(device_helpers) $(B)/obj/tests/ring/ring.o

# Among the honest ends are the kernel's.
$(hostile_programs): $(kernel_helpers) $(hunt_helpers)

# The benchmark is one of the tests; BPF's part of it wants what only the target
# bench-kernel asks for.
$(eval $(call test_folder,bench/kernel))
bpf_program := $(B)/bench/bench.bpf.o
ifneq ($(if $(foreign),,$(wildcard /usr/include/bpf/libbpf.h)),)
ifneq ($(shell command -v clang),)
$(B)/obj/tests/bench/kernel/bpf.o: $(bpf_program)
$(B)/obj/tests/bench/kernel/bpf.o: cflags += -DHAVE_LIBBPF -DBPF_PROGRAM='"$(bpf_program)"'
$(B)/tests/bench_test: LDFLAGS += -Wl,--no-as-needed -lbpf
endif
endif

$(bpf_program): tests/bench/kernel/bpf/bench.c tests/bench/kernel/control.h
	@echo "  BPF     $@"
	@mkdir -p $(@D)
	$(Q)clang -target bpf -O2 -g -Wall -Werror -Itests/bench/kernel \
		-isystem /usr/include/$(shell $(CC) -print-multiarch) -c -o $@ $<

# A program whose source has gone is a test no longer, and would count as forgotten.
tests: $(test_programs)
	$(Q)rm -f $(filter-out $(test_programs),$(wildcard $(B)/tests/*_test))
$(test_objects): cflags += -isystem build/kselftest
$(test_objects): | $(fetched_tests) $(if $(foreign),$(fetched_kernel))

# --- What there is to run

# What the guest of tests/vm/tap sends with
$(B)/vm/flood: $(B)/obj/tests/vm/flood.o
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

run: lib examples module $(B)/vm/flood
	$(Q)tests/vm/stream $(if $(FILE),"$(FILE)")
	$(Q)tests/vm/tap

selftest: | $(fetched_kernel)
	$(Q)tests/setup/module $(KERNEL) build/selftest tests/selftest/Kbuild tests/selftest/planted.c

# Bugs for the kernels that look for them, and a process that has a part in one
$(B)/vm/scribble: $(B)/obj/tests/deep/bugs/scribble.o
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

# What runs beside somebody else's fuzzer
$(B)/vm/others: $(B)/obj/tests/fuzz/others/others.o $(B)/obj/tests/fuzz/beside.o $(device_helpers) $(B)/obj/tests/ring/ring.o $(B)/lib/libshmring.a
	$(link)
$(B)/obj/tests/fuzz/others/others.o: cflags += -isystem build/kselftest
$(B)/obj/tests/fuzz/others/others.o: | $(fetched_tests)

bugs: $(B)/vm/scribble | $(fetched_kernel)
	$(Q)tests/setup/module $(KERNEL) build/bugs tests/deep/bugs/Kbuild tests/deep/bugs/bugs.c

run_tests = tests/run --kernel $(KERNEL) $(if $(T),--only "$(T)")

test: all selftest test-module bench-module bench-smoke
	$(Q)$(run_tests)

test-long: all selftest test-module bench-module bench-smoke
	$(Q)$(run_tests) --long

# What kernels of their own need is made by a make of their own.
deep_kernels := $(built_kernels) backports sid arm64 s390x ppc64el

test-deep: all selftest test-module bench-module $(B)/vm/others
	$(Q)for kernel in $(deep_kernels); do \
		$(MAKE) --no-print-directory KERNEL=$$kernel all test-module bench-module || exit; \
	done
	$(Q)for kernel in $(built_kernels); do \
		$(MAKE) --no-print-directory KERNEL=$$kernel bugs || exit; \
	done
	$(Q)$(run_tests) --deep

# One kernel of its own has to do.
test-deep-short: all selftest test-module bench-module
	$(Q)$(MAKE) --no-print-directory KERNEL=kasan test-module bench-module
	$(Q)$(run_tests) --deep --short

bench_make := $(MAKE) --no-print-directory -f tests/bench/Makefile B=$(B)
bench-smoke: lib
	$(Q)$(bench_make) smoke

bench bench-quick: lib
	$(Q)tests/setup/packages bench
	$(Q)rm -rf $(B)/bench/more
	$(Q)$(bench_make) ADAPTERS="$(ADAPTERS)"
	$(Q)ADAPTERS="$(ADAPTERS)" tests/bench/run $(if $(filter bench-quick,$@),--quick) $(value BENCH)

bench-kernel: module
	$(Q)tests/setup/packages bench
	$(Q)$(MAKE) --no-print-directory $(B)/tests/bench_test bench-module
	$(Q)tests/bench/kernel/run

check: all
	$(Q)tests/setup/packages check
	$(Q)tests/check/run

coverage: | packages $(fetched_tests)
	$(Q)[ "$(T)" = none ] || $(MAKE) --no-print-directory KERNEL=kasan build/kernel/kasan/.complete
	$(Q)tests/coverage/run kasan $(if $(T),"$(T)")

# --- Installing, on a machine whose kernel shall load the module

PREFIX	?= /usr/local
KDIR	?= /lib/modules/$(shell uname -r)/build
VERSION	:= 0.1
release	 = $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' "$(KDIR)/include/generated/utsrelease.h")
modules	 = /lib/modules/$(release)/updates

install: install-lib install-module

install-lib: lib
	install -d $(DESTDIR)$(PREFIX)/include/linux $(DESTDIR)$(PREFIX)/lib/pkgconfig
	install -m 644 lib/include/*.h $(DESTDIR)$(PREFIX)/include
	install -m 644 uapi/linux/*.h $(DESTDIR)$(PREFIX)/include/linux
	install -m 644 $(B)/lib/libshmring.a $(DESTDIR)$(PREFIX)/lib
	install -m 755 $(B)/lib/$(soname) $(DESTDIR)$(PREFIX)/lib
	ln -sf $(soname) $(DESTDIR)$(PREFIX)/lib/libshmring.so
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' lib/libshmring.pc.in \
		> $(DESTDIR)$(PREFIX)/lib/pkgconfig/libshmring.pc
	$(if $(DESTDIR),,ldconfig || true)

install-module: | packages
	$(Q)[ -e "$(KDIR)/include/generated/utsrelease.h" ] || \
		{ echo "install: no headers of a kernel in $(KDIR)" >&2; exit 1; }
	tests/setup/module "$(KDIR)" build/install Kbuild kmod uapi
	install -d $(DESTDIR)$(modules)
	install -m 644 $(addprefix build/install/$(release)/,shmring.ko shmring_tap.ko) $(DESTDIR)$(modules)
	$(if $(DESTDIR),,depmod $(release))
	install -d $(DESTDIR)/usr/lib/udev/rules.d
	install -m 644 kmod/60-shmring.rules $(DESTDIR)/usr/lib/udev/rules.d

clean:
	$(Q)[ ! -d build ] || find build -mindepth 1 -maxdepth 1 \
		! -name apt ! -name kernel ! -name kselftest ! -name litmus -exec rm -rf {} +

distclean:
	$(Q)rm -rf build

-include $(shell [ ! -d $(B)/obj ] || find $(B)/obj -name '*.d')

.PHONY: all help packages lib module examples tests run selftest bugs test-module bench-module bench-smoke bench bench-quick bench-kernel test test-long test-deep test-deep-short check coverage FORCE install install-lib install-module clean distclean
