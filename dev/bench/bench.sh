#!/bin/bash
# Measure every role beside what a user would use instead.
# bench.sh [-r ROLE] [-t] [-p CASE]
#
#	-r  one role only: monitor, tcp, udp or ftp; or cpus, which compares one
#	    processor with two and four, see cpus.sh
#	-t  nanoseconds under KVM instead of instructions
#	-p  which functions execute the instructions of one case: ROLE/CASE/WHO
#	    as in the table, * allowed (tcp/echo-64/knetdemo)
#
# The output of each boot is kept in build/bench/raw. From it report.py makes the
# tables, the TSV, the plots and the lines about the targets.

# shellcheck source=dev/lib.sh
. "$(dirname "$0")/../lib.sh"

roles=(monitor tcp udp ftp)
seconds=
profile=
while getopts 'r:tp:' option; do
	case $option in
	r) roles=("$OPTARG") ;;
	t) seconds=1 ;;
	p) profile=$OPTARG ;;
	*) die "usage: bench.sh [-r ROLE] [-t] [-p CASE]" ;;
	esac
done
if [ -n "$profile" ]; then
	[[ $profile == */*/* ]] ||
		die "CASE=$profile is not ROLE/CASE/WHO, such as tcp/echo-64/knetdemo"
	roles=("${profile%%/*}")
fi
for role in "${roles[@]}"; do
	[[ $role == @(monitor|tcp|udp|ftp|cpus) ]] ||
		die "ROLE=$role is none of monitor, tcp, udp, ftp, cpus"
done

bench=$TOP/build/bench
files=$bench/files
mkdir -p "$files"
start=$SECONDS
product=${PRODUCT:-$("$TOP/dev/kernel.sh" release y)}
# The same kernel for all boots, although the overlay may change meanwhile
export PRODUCT=$product
"$TOP/dev/image.sh" > "$bench/image"

compile()
{
	# By these two addresses the plugins see a measurement begin and end
	gcc -O2 -static -D_GNU_SOURCE -Wall -Wextra -Wno-missing-field-initializers \
		-I"$TOP/include/uapi" \
		-Wl,--section-start=.kbmark0=0x10000000 \
		-Wl,--section-start=.kbmark1=0x10001000 \
		-o "$files/kbench" "$TOP"/dev/bench/{kbench,tcp,udp,ftp,cpus}.c
	cp "$TOP/dev/bench/guest.sh" "$files/"
}

empty_hook()
{
	local objects tree

	objects=$(readlink "$product/objects")
	tree=$(readlink "$product/source")
	lock "build-$(basename "$objects")"
	mkdir -p "$bench/empty_hook"
	cp "$TOP"/dev/bench/empty_hook/* "$bench/empty_hook/"
	make -C "$tree" "O=$objects" ARCH=x86_64 "CC=$(kcc)" modules_prepare
	make -C "$tree" "O=$objects" ARCH=x86_64 "CC=$(kcc)" \
		KBUILD_MODPOST_WARN=1 "M=$bench/empty_hook" modules
	cp "$bench/empty_hook/empty_hook.ko" "$files/"
	exec {LOCK_FD}>&-
}

# The peers that are programs of the distribution
archive()
{
	local root file tool paths=()

	for tool in curl wget vsftpd iperf3 ethtool; do
		paths+=("$(PATH=/usr/sbin:/usr/bin:/sbin:/bin command -v "$tool")")
	done
	root=$(mktemp -d)
	{ ldd "${paths[@]}" 2> /dev/null || :; } |
		sed -n 's,^\t\([^/ ]* => \)\?\(/[^ ]*\) (0x.*,\2,p' |
		sort -u > "$root.list"
	printf '%s\n' "${paths[@]}" >> "$root.list"
	while read -r file; do
		mkdir -p "$root$(dirname "$file")"
		cp -L "$file" "$root$file"
	done < "$root.list"
	(cd "$root" && find . -mindepth 1 | sort |
		cpio -o -H newc -R 0:0 --quiet) > "$bench/tools.cpio"
	rm -rf "$root" "$root.list"
}

stage "kbench" bench-kbench compile
if [ "$(cat "$bench/hook-for" 2> /dev/null)" != "$product" ]; then
	stage "empty hook" bench-hook empty_hook
	echo "$product" > "$bench/hook-for"
fi
stage "peers" bench-peers archive

# The boots of a role, ROLE:CASE; those of the monitor differ in the hook only
boots()
{
	local n

	case $1 in
	monitor)
		printf 'monitor:%s\n' 'none:no hook' 'empty:empty hook' \
			'off:knetdemo off' 'on:knetdemo, no rule' \
			'log:knetdemo, log line' 'nft-counter:nft SYN counter' \
			'nft-log:nft log' 'kprobe:kprobe event' \
			'tracepoint:inet_sock_set_state'
		for n in 1 8 64; do
			echo "monitor:rules-$n:knetdemo, rules: $n"
		done
		;;
	tcp)
		echo tcp:cost
		for n in 1000 10000; do
			printf "tcp:memory:$n/%s\n" epoll knetdemo 'client alone'
		done
		;;
	udp) printf 'udp:%s\n' gso nogso ;;
	ftp) echo ftp:get ;;
	esac
}

# one_boot SEED NUMBER BOOT: keep the output of kbench in raw/
one_boot()
{
	local seed=$1 boot=$3 name out vm rc=0

	name=${boot%%:*}-$(printf '%02d' "$2")-$(tr -c 'a-z0-9\n' - <<< "${boot#*:}")
	out=$bench/raw/$seed/$name
	mkdir -p "$bench/raw/$seed"
	trap 'kill "$vm" 2> /dev/null; exit 130' TERM
	SEED=$seed "$TOP/dev/vm.sh" "${mode[@]}" -k release -n "bench-$name-$seed" \
		-f "$files" -a "$bench/tools.cpio" -t 900 -- \
		"bash /files/guest.sh '$boot' '*' $reps ${seconds:+-t}" \
		> "$out.tmp" 2> "$out.err" &
	vm=$!
	wait "$vm" || rc=$?
	if [ "$rc" -ne 0 ]; then
		say "  boot $boot, seed $seed: status $rc: $(tail -n 1 "$out.err")"
	fi
	grep -a '^KB' "$out.tmp" > "$out" || :
	rm -f "$out.tmp"
	[ -s "$out.err" ] || rm -f "$out.err"
}

if [ "${roles[*]}" = cpus ]; then
	# shellcheck source=dev/bench/cpus.sh
	. "$TOP/dev/bench/cpus.sh"
	exit
fi

mode=(-c)
reps=7
# shellcheck disable=SC2206 # SEEDS=1 is one boot of each, for who is in a hurry
seeds=(${SEEDS:-1 2})
jobs=$(nproc)
if [ -n "$seconds" ]; then
	"$TOP/dev/vm.sh" -n bench-probe -- true
	if [ "$(cat "$CACHE/kvm-$(cat /proc/sys/kernel/random/boot_id)" \
		2> /dev/null)" != yes ]; then
		say "bench-time: no guest boots under KVM on this machine, and an emulated processor's seconds say nothing; 'make bench' counts instructions instead"
		exit 0
	fi
	mode=()
	jobs=1
	bench+=/time
fi
if [ -n "$profile" ]; then
	# shellcheck source=dev/bench/profile.sh
	. "$TOP/dev/bench/profile.sh"
	exit
fi

# End the guests, too
trap 'kill $(jobs -p) 2> /dev/null; wait; exit 130' INT TERM

running=0
for role in "${roles[@]}"; do
	rm -f "$bench"/raw/*/"$role"-*
	number=0
	while read -r boot; do
		for seed in "${seeds[@]}"; do
			if [ "$running" -ge "$jobs" ]; then
				wait -n || :
				running=$((running - 1))
			fi
			say "$(printf '  %-34s seed %d %26d s' "$boot" "$seed" \
				$((SECONDS - start)))"
			one_boot "$seed" "$number" "$boot" < /dev/null &
			running=$((running + 1))
		done
		number=$((number + 1))
	done < <(boots "$role")
done
wait

if grep -q . "$bench"/raw/1/* 2> /dev/null; then
	"$PYTHON3" "$TOP/dev/bench/report.py" "$bench" ${seconds:+-t} \
		"${roles[@]}"
fi
say "  $((SECONDS - start)) s in all"
