#!/bin/bash
# Boot a kernel in QEMU and run something in it.
# vm.sh [-k auto|distro|release|debug] [-m] [-M DIR]... [-f DIR] [-a CPIO]
#	[-t SECONDS] [-l] [-i] [-n NAME] [-c] [-u] [-p PLUGIN] -- COMMAND
#
#	-k  which kernel (auto), see kernel.sh	-m  knetdemo as a module, loaded
#	-M  build the modules of a directory, load them before the command
#	-f  a directory to find at /files	-t  the limit (600 s)
#	-l  look for leaked memory at the end	-i  an interactive shell
#	-n  name of the log			-c  count instructions (one CPU)
#	-u  run the KUnit suites when knetdemo starts
#	-a  one more archive for the guest	-p  a plugin for QEMU, with its options
#
# In the environment: MEMORY is the guest's in MiB, CPUS is the number of its
# processors (2), APPEND is more of the kernel's command line.
#
# The command's output is ours, its status too. What the kernel says goes to a
# log; any complaint there is a failure, whatever the command said.

# shellcheck source=dev/lib.sh
. "$(dirname "$0")/lib.sh"

kind=auto
mode=y
module_dirs=()
files=
archive=
plugin=
limit=600
leaks=
interactive=
name=run
counting=
kunit=0
while getopts 'k:mM:f:a:t:lin:cup:' option; do
	case $option in
	k) kind=$OPTARG ;;
	m) mode=m ;;
	M) module_dirs+=("$OPTARG") ;;
	f) files=$OPTARG ;;
	a) archive=$OPTARG ;;
	p) plugin=$OPTARG ;;
	t) limit=$OPTARG ;;
	l) leaks=1 ;;
	i) interactive=1 ;;
	n) name=$OPTARG ;;
	c) counting=1 ;;
	u) kunit=1 ;;
	*) die "usage: vm.sh [-k KIND] [-m] [-M DIR] [-f DIR] [-t SECONDS] [-l] [-i] -- COMMAND" ;;
	esac
done
shift $((OPTIND - 1))
case $kind in
auto | distro) mode=m ;;
esac
[ -z "$files" ] || [ -d "$files" ] || die "FILES=$files is no directory"
command -v qemu-system-x86_64 > /dev/null ||
	die "no qemu-system-x86_64: run 'make setup', or install QEMU"

# PRODUCT: what dev/kernel.sh has made and a caller wants for all its boots
product=${PRODUCT:-$("$TOP/dev/kernel.sh" "$kind" "$mode")}
[ ! -e "$product/kind" ] || kind=$(cat "$product/kind")
[ ! -e "$product/mode" ] || mode=$(cat "$product/mode")
modules=()
for dir in "${module_dirs[@]}"; do
	built=$("$TOP/dev/module.sh" "$product" "$dir")
	mapfile -t -O "${#modules[@]}" modules <<< "$built"
done
image=$("$TOP/dev/image.sh")
# What lets a guest live on where QEMU ran a breakpoint that was removed. Built
# once for each kernel.
stale=
if [ -z "$counting" ] && [ -e "$product/headers" ]; then
	source=$TOP/dev/guest/stale_int3/stale_int3.c
	stale=$TOP/build/stale_int3/$(readlink -f "$product/headers" | sha256sum |
		cut -c1-8).ko
	if [ ! "$stale" -nt "$source" ]; then
		mkdir -p "$(dirname "$stale")"
		cp "$("$TOP/dev/module.sh" "$product" "$(dirname "$source")")" \
			"$stale"
	fi
fi
run=$(mktemp -d)
console=$LOGS/console-$name.log
qemu_pid=
cleanup()
{
	trap '' INT TERM
	[ -z "$qemu_pid" ] || kill "$qemu_pid" 2> /dev/null || :
	rm -rf "$run"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# Instructions are counted on one processor. Everything else has two, which the
# guest checks, since a kernel without ACPI finds only those in sockets of their own.
cpus=${CPUS:-2}
[ -z "$counting" ] || cpus=1
smp=(-smp "$cpus,sockets=$cpus,cores=1,threads=1")

# The command, its surroundings and the files, as one more archive
mkdir "$run/root"
printf '%s\n' "$*" > "$run/root/job"
{
	[ -z "$leaks" ] || echo "export KND_LEAKS=1"
	[ -z "$interactive" ] ||
		echo "export KND_INTERACTIVE=1 KND_TTY='$(stty size 2> /dev/null)'"
	[ "$mode" = y ] || echo "export KND_MODULE=1"
	echo "export KND_CPUS=$cpus"
	[ "$kind" != debug ] || echo "export KSFT_MACHINE_SLOW=yes"
} > "$run/root/job.env"
[ -z "$stale" ] || cp "$stale" "$run/root/stale_int3.ko"
number=10
for ko in "${modules[@]}"; do
	# In the order in which they were named and listed
	mkdir -p "$run/root/modules/$number"
	cp "$ko" "$run/root/modules/$number/"
	number=$((number + 1))
done
if [ -n "$files" ]; then
	mkdir "$run/root/files"
	cp -rL "$files/." "$run/root/files/"
fi
(cd "$run/root" && find . -mindepth 1 | cpio -o -H newc -R 0:0 --quiet) \
	> "$run/job.cpio"
initrd=("$image")
for part in selftests modules knetdemo; do
	[ ! -e "$product/$part.cpio" ] || initrd+=("$product/$part.cpio")
done
[ -z "$archive" ] || initrd+=("$archive")
cat "${initrd[@]}" "$run/job.cpio" > "$run/initrd"

memory=2048
[ "$kind" != debug ] || memory=4096
memory=${MEMORY:-$memory}
append="console=ttyS0 panic=-1 reboot=k quiet loglevel=7 kunit.enable=$kunit"
[ "$kind" != debug ] || append+=" hung_task_panic=0 kmemleak=on"
# shellcheck disable=SC2054 # the commas are qemu's
qemu=(qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot
	-m "$memory" -kernel "$product/bzImage" -initrd "$run/initrd"
	-device virtio-rng-pci
	-serial "file:$console" -serial "file:$run/status"
	-chardev stdio,id=out,signal=off
	-device virtio-serial-pci -device virtconsole,chardev=out)
# shellcheck disable=SC2054 # so are these
tcg=(-accel tcg,thread=multi -cpu qemu64,+rdrand "${smp[@]}")

# A KVM that opens and makes a VM may still boot none: trust it only after a
# guest has come to its end under it. Asked once for a machine's boot.
kvm_works()
{
	local answer

	[ -w /dev/kvm ] || return 1
	answer=$CACHE/kvm-$(cat /proc/sys/kernel/random/boot_id)
	if [ ! -f "$answer" ]; then
		rm -f "$CACHE"/kvm-*
		: > "$run/probe"
		printf 'true\n' > "$run/root/job"
		(cd "$run/root" && printf '%s\n' job | cpio -o -H newc -R 0:0 \
			--quiet) > "$run/probe.cpio"
		cat "$image" "$run/probe.cpio" > "$run/probe.initrd"
		# In braces, as the shell itself tells of one that aborted
		{
			timeout 20 qemu-system-x86_64 -nodefaults \
				-no-user-config -display none -no-reboot \
				-m 512 -accel kvm -cpu host \
				-kernel "$product/bzImage" \
				-initrd "$run/probe.initrd" \
				-append "panic=-1 reboot=k quiet" -serial null \
				-serial "file:$run/probe" || :
		} > /dev/null 2>&1
		if [ "$(tr -d '\r' < "$run/probe")" = 0 ]; then
			echo yes > "$answer"
		else
			echo no > "$answer"
		fi
	fi
	[ "$(cat "$answer")" = yes ]
}

# The rate of this machine's time stamp counter, measured once for its boot
tsc_khz()
{
	local answer

	[ "$(uname -m)" = x86_64 ] || return 0
	answer=$CACHE/tsc-$(cat /proc/sys/kernel/random/boot_id)
	if [ ! -s "$answer" ]; then
		rm -f "$CACHE"/tsc-*
		gcc -O2 -o "$run/tsc" "$TOP/dev/tsc.c"
		"$run/tsc" > "$run/khz"
		mv "$run/khz" "$answer"
	fi
	cat "$answer"
}

if [ -n "$counting" ]; then
	qemu+=(-accel tcg -icount "shift=0,sleep=off" "${smp[@]}"
		-cpu "qemu64,+rdrand" -seed "${SEED:-1}"
		-rtc "base=2024-01-01,clock=vm")
	append="console=ttyS0 panic=-1 reboot=k quiet loglevel=3 kunit.enable=$kunit"
	append+=" mitigations=off tsc=reliable tsc_early_khz=1000000"
	# Else the kernel polls the clock for 100 ms to learn that timer's rate,
	# which takes QEMU 12 s in this mode
	append+=" nolapic_timer"
elif [ "${ACCEL:-}" != tcg ] && [ -z "$plugin" ] && kvm_works; then
	qemu+=(-accel kvm -cpu host "${smp[@]}")
else
	qemu+=("${tcg[@]}")
	# Emulated processors read the host's counter. The kernel finds them out
	# of step, as they do not run at the same time, and cannot measure the
	# rate on a busy host. It would count jiffies instead, of which such a
	# host loses most, or ask the HPET, for which QEMU stops the processors.
	khz=$(tsc_khz)
	[ -z "$khz" ] || append+=" tsc=reliable tsc_early_khz=$khz"
	# Such a processor speculates on nothing. Without these the kselftests
	# take a fifth less of the host's time on a distribution's kernel.
	append+=" mitigations=off init_on_alloc=0"
fi

[ -z "$plugin" ] || qemu+=(-plugin "$plugin")
append+=" ${APPEND:-}"
: > "$console"
: > "$run/status"
start=$SECONDS
if [ -n "$interactive" ]; then
	saved=$(stty -g 2> /dev/null || :)
	[ -z "$saved" ] || stty raw -echo
	"${qemu[@]}" -append "$append" || :
	[ -z "$saved" ] || stty "$saved"
	exit 0
fi
"${qemu[@]}" -append "$append" < /dev/null 2> "$run/qemu.err" &
qemu_pid=$!
while kill -0 "$qemu_pid" 2> /dev/null; do
	if [ $((SECONDS - start)) -ge "$limit" ]; then
		kill "$qemu_pid" 2> /dev/null || :
		wait "$qemu_pid" 2> /dev/null || :
		qemu_pid=
		say "knetdemo: no end after $limit s; the console's last lines (${console#"$TOP"/}):"
		tail -n 25 "$console" | sed 's/^/    /' >&2
		exit 124
	fi
	sleep 0.1
done
wait "$qemu_pid" || :
qemu_pid=

rc=$(tr -dc '0-9' < "$run/status")
if [ -z "$rc" ]; then
	say "knetdemo: the guest ended without a status; the console's last lines (${console#"$TOP"/}):"
	{ cat "$run/qemu.err"; tail -n 25 "$console"; } | sed 's/^/    /' >&2
	exit 125
fi
if complaints=$("$TOP/dev/complaints.sh" "$console"); then
	say "knetdemo: the kernel complained (${console#"$TOP"/}):"
	sed 's/^/    /' <<< "$complaints" >&2
	[ "$rc" -ne 0 ] || rc=70
fi
exit "$rc"
