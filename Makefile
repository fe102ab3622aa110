# SPDX-License-Identifier: GPL-2.0-only
#
# knetdemo: what builds, boots, shows and tests the overlay. "make" lists it.
#
# Variables, on the command line or in the environment:
#   TREE=1	a kernel built from source and not the distribution's binary one
#   KERNEL=6.12	the version: linux-image and linux-source packages (7.3, ...).
#		Said here, it means the source.
#   KSRC=DIR	a kernel tree to build instead; it is never modified
#   CACHE=DIR	where sources and objects are kept (~/.cache/knetdemo)

export KERNEL KSRC CACHE
# The guest's shell expands what is in it, make does not
export KND_CMD := $(value CMD)

.PHONY: help demo check shell run module kernel menuconfig tree patches lint setup \
	check-series series bench bench-time bench-profile break \
	exercise try solution grade \
	clean distclean

help:
	@echo 'knetdemo: networking inside the Linux kernel'
	@echo
	@echo '  make demo        build a kernel with knetdemo, boot it, show it at work'
	@echo '  make check       every test: KUnit, kselftests, both kernels, the series'
	@echo
	@echo '  make shell       a shell in the virtual machine'
	@echo "  make run CMD='...' [FILES=DIR] [MODULES=DIR] [DEBUG=1]"
	@echo '                   boot, load knetdemo and the modules of a directory, put'
	@echo '                   FILES at /files, run the command as root, show its'
	@echo '                   output and return its status'
	@echo '  make module DIR=DIR   build the modules of a directory (Kbuild, obj-m)'
	@echo '                   against the kernel of the virtual machine'
	@echo '  make exercise N=4   the task and the skeleton of an exercise, 1 to 8'
	@echo '  make try N=4        build what you wrote, load it in the guest, check it'
	@echo '  make solution N=4   the difference between it and the sample'
	@echo '  make grade DIR=DIR  check many solutions, DIR/*/4-accept.c, a line each'
	@echo '  make kernel      build a kernel with knetdemo in it (DEBUG=1, MODULE=1)'
	@echo '  make menuconfig  the configuration of that kernel, with its menus'
	@echo '  make tree        the kernel tree with knetdemo in it; prints where it is'
	@echo '  make bench [ROLE=tcp]  what every role costs, beside what else there is;'
	@echo '                   ROLE=cpus: on one, two and four processors'
	@echo '  make bench-time  the same in seconds, where KVM works'
	@echo '  make bench-profile CASE=ROLE/CASE/WHO  which functions the cost is in'
	@echo '  make break RULE=n    break a rule of kernel networking, show the test that'
	@echo '                   notices; RULE=list names them, RULE=all breaks each'
	@echo '  make patches     regenerate patches/ from the overlay'
	@echo '  make check-series [FULL=1]   build each patch of the series alone'
	@echo '  make series      the series as b4 branches, ready to be sent'
	@echo '  make lint        checkpatch, sparse, W=1, kernel-doc, shellcheck, coccicheck'
	@echo '  make clean       remove build/; make distclean: the shared cache, too'
	@echo
	@echo "The kernel is the distribution's, with knetdemo as a module. TREE=1 builds"
	@echo 'one from source, with knetdemo in it (MODULE=1: as a module), and so do'
	@echo 'KERNEL=6.12 (or 7.3, ...) and KSRC=DIR (any kernel tree, never modified).'
	@echo 'CACHE=DIR (default ~/.cache/knetdemo). Logs: build/logs.'

# Kernels from source: which one, and how knetdemo is configured in it
SOURCE := $(if $(DEBUG),debug,release)
MODE := $(if $(MODULE),m,y)
# What is booted
KIND := $(if $(TREE)$(KERNEL)$(KSRC)$(DEBUG),$(SOURCE),auto)
VM_FLAGS := -k $(KIND) $(if $(MODULE),-m) $(if $(FILES),-f '$(FILES)') \
	$(foreach dir,$(MODULES),-M '$(dir)') \
	$(if $(KUNIT),-u) $(if $(LIMIT),-t $(LIMIT))

setup:
	@dev/setup.sh

demo: setup
	@dev/demo.sh $(VM_FLAGS)

check: setup
	@dev/setup.sh sparse
	@dev/check.sh

shell: setup
	@dev/vm.sh $(VM_FLAGS) -i -n shell --

run: setup
	$(if $(KND_CMD),,$(error make run wants CMD='...'))
	@dev/vm.sh $(VM_FLAGS) -- "$$KND_CMD"

module: setup
	$(if $(DIR),,$(error make module wants DIR=... with a Kbuild file))
	@dev/module.sh "$$(dev/kernel.sh $(KIND) $(if $(filter auto,$(KIND)),m,$(MODE)))" '$(DIR)'

# The exercises: samples/knetdemo, checked in the guest
exercise:
	$(if $(N),,$(error make $(@) wants N=, 1 to 8))
	@dev/lab/exercise.sh '$(N)'

try: setup
	$(if $(N),,$(error make $(@) wants N=, 1 to 8))
	@dev/lab/try.sh $(KIND) '$(N)' $(if $(DIR),'$(DIR)')

solution:
	$(if $(N),,$(error make $(@) wants N=, 1 to 8))
	@dev/lab/solution.sh '$(N)' $(if $(DIR),'$(DIR)')

grade: setup
	$(if $(DIR),,$(error make grade wants DIR=... with solutions))
	@dev/lab/grade.sh $(KIND) '$(DIR)'

kernel: setup
	@dev/kernel.sh $(SOURCE) $(MODE)

menuconfig:
	@dev/setup.sh libncurses-dev
	@dev/menuconfig.sh $(SOURCE) $(MODE)

tree: setup
	@dev/tree.sh "$$(dev/source.sh)" $(SOURCE)

patches:
	@dev/patches.sh

# FULL=1: all architectures, clang, built in, the kselftests
check-series: setup
	@dev/setup.sh sparse $(if $(FULL),clang lld gcc-aarch64-linux-gnu \
		libc6-dev-arm64-cross perl)
	@dev/check-series.sh $(if $(FULL),--full)

# The series as b4 prep branches, and what b4 would send
series:
	@dev/setup.sh b4
	@dev/b4.sh

lint:
	@dev/setup.sh sparse coccinelle shellcheck codespell perl pylint g++ \
		python3-docutils gcc-s390x-linux-gnu gcc-aarch64-linux-gnu clang
	@dev/lint.sh

bench bench-time bench-profile:
	@dev/setup.sh gnuplot-nox vsftpd curl wget iperf3 libc6-dev
	@dev/bench/bench.sh $(if $(ROLE),-r '$(ROLE)') \
		$(if $(filter bench-time,$@),-t) \
		$(if $(filter bench-profile,$@),-p '$(CASE)')

break: setup
	$(if $(RULE),,$(error make break wants RULE=NUMBER, all or list))
	@dev/break.sh '$(RULE)'

clean:
	rm -rf build

distclean: clean
	rm -rf "$${CACHE:-$${XDG_CACHE_HOME:-$$HOME/.cache}/knetdemo}"
