# SPDX-License-Identifier: GPL-2.0-only
#
# knetdemo: what builds, boots, shows and tests the overlay. "make" lists it.
#
# Variables, on the command line or in the environment:
#   KERNEL=6.12	the distribution's linux-source package to build (7.3, ...)
#   KSRC=DIR	a kernel tree to build instead; it is never modified
#   CACHE=DIR	where sources and objects are kept (~/.cache/knetdemo)

export KERNEL KSRC CACHE
# The guest's shell expands what is in it, make does not
export KND_CMD := $(value CMD)

.PHONY: help demo check shell run kernel menuconfig tree patches lint setup \
	bench bench-time bench-profile \
	clean distclean

help:
	@echo 'knetdemo: networking inside the Linux kernel'
	@echo
	@echo '  make demo        build a kernel with knetdemo, boot it, show it at work'
	@echo '  make check       every test: KUnit, kselftests, both kernels, the series'
	@echo
	@echo '  make shell       a shell in the virtual machine'
	@echo "  make run CMD='...' [FILES=DIR] [DEBUG=1] [MODULE=1]"
	@echo '                   boot, put DIR at /files, run the command as root, show'
	@echo '                   its output and return its status'
	@echo '  make kernel      build the kernel only (DEBUG=1, MODULE=1)'
	@echo '  make menuconfig  the configuration of that kernel, with its menus'
	@echo '  make tree        the kernel tree with knetdemo in it; prints where it is'
	@echo '  make bench [ROLE=tcp]  what every role costs, beside what else there is'
	@echo '  make bench-time  the same in seconds, where KVM works'
	@echo '  make bench-profile CASE=ROLE/CASE/WHO  which functions the cost is in'
	@echo '  make patches     regenerate patches/ from the overlay'
	@echo '  make lint        checkpatch, sparse, W=1, kernel-doc, shellcheck, coccicheck'
	@echo '  make clean       remove build/; make distclean: the shared cache, too'
	@echo
	@echo 'Variables: KERNEL=6.12 (or 7.3, ...), KSRC=DIR (any kernel tree, never'
	@echo 'modified), CACHE=DIR (default ~/.cache/knetdemo). Logs: build/logs.'

KIND := $(if $(DEBUG),debug,release)
MODE := $(if $(MODULE),m,y)
VM_FLAGS := -k $(KIND) $(if $(MODULE),-m) $(if $(FILES),-f '$(FILES)') \
	$(if $(KUNIT),-u) $(if $(LIMIT),-t $(LIMIT))

setup:
	@dev/setup.sh

demo: setup
	@dev/demo.sh

check: setup
	@dev/check.sh

shell: setup
	@dev/vm.sh $(VM_FLAGS) -i -n shell --

run: setup
	$(if $(KND_CMD),,$(error make run wants CMD='...'))
	@dev/vm.sh $(VM_FLAGS) -- "$$KND_CMD"

kernel: setup
	@dev/kernel.sh $(KIND) $(MODE)

menuconfig:
	@dev/setup.sh libncurses-dev
	@dev/menuconfig.sh $(KIND) $(MODE)

tree: setup
	@dev/tree.sh "$$(dev/source.sh)" $(KIND)

patches:
	@dev/setup.sh git-absorb
	@dev/patches.sh

lint:
	@dev/setup.sh sparse coccinelle shellcheck codespell perl g++ \
		python3-docutils
	@dev/lint.sh

bench bench-time bench-profile:
	@dev/setup.sh gnuplot-nox vsftpd curl wget iperf3 libc6-dev
	@dev/bench/bench.sh $(if $(ROLE),-r '$(ROLE)') \
		$(if $(filter bench-time,$@),-t) \
		$(if $(filter bench-profile,$@),-p '$(CASE)')

clean:
	rm -rf build

distclean: clean
	rm -rf "$${CACHE:-$${XDG_CACHE_HOME:-$$HOME/.cache}/knetdemo}"
