#!/bin/bash
# Prove that the series in patches/ can be applied patch by patch (TAP): each
# patch builds alone, without a warning.
#
# check-series.sh          as a module for the distribution's kernel, W=1 C=1
#                          (the release kernel's source where there is none);
#                          a guest loads each, and its services work
# check-series.sh --full   also for x86_64 built in, i386, arm64 and with clang,
#                          the kselftests and the tool
# check-series.sh N...     only these patches, counted through both series
#
# Only net/knetdemo is compiled, against headers that are there: a patch takes
# seconds. From one patch to the next make compiles what the patch changed.

# shellcheck source=dev/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=dev/repo.sh
. "$TOP/dev/repo.sh"
# shellcheck source=dev/objects.sh
. "$TOP/dev/objects.sh"

full=
only=()
for argument; do
	case $argument in
	--full) full=1 ;;
	[0-9]*) only+=("$argument") ;;
	*) die "dev/check-series.sh [--full] [N...]" ;;
	esac
done

src=$("$TOP/dev/source.sh")
repo=$TOP/build/series-check
stand=$TOP/build/series-stand
lock_file "$TOP/build/series-check.lock"

# A patch of the tree at a commit, without touching what it does not change
# stand_at COMMIT
stand_at()
{
	rm -rf "$stand.new"
	mkdir -p "$stand.new/include/uapi" "$stand/net/knetdemo"
	own_git "$repo" --work-tree="$stand.new" checkout -q "$1" -- .
	rsync -rlp --checksum --delete --exclude='*.o' --exclude='*.mod' \
		--exclude='.*.cmd' --exclude='.*.d' "$stand.new/" "$stand/"
}

# wanted N: is it one of those that were asked for?
wanted()
{
	local number

	[ ${#only[@]} -gt 0 ] || return 0
	for number in "${only[@]}"; do
		[ "$number" != "$1" ] || return 0
	done
	return 1
}

# Does a commit change files that match a pattern?
# changes COMMIT PATTERN
changes()
{
	own_git "$repo" diff --name-only "$1^" "$1" | grep -E "$2" > /dev/null
}

# What a log has that is a finding, and which of our functions no file has
# findings LOG OBJECT
findings()
{
	local found

	found=$(grep -E 'warning:|error:|Error [0-9]' "$1"
		"${KCROSS}nm" -u "$2" 2> /dev/null |
		sed -n 's/.* \(knd_.*\)/error: undefined reference to \1/p')
	[ -n "$found" ] || return 0
	sed "s,[^ ]*$stand/,," <<< "$found"
	return 1
}

# module_make HEADERS ARGUMENTS...: neither BTF nor debug information, which
# halves the time
module_make()
{
	local headers=$1 cc
	shift

	cc=$(sed -n 's/^CC = .*\(gcc-[0-9]*\)$/\1/p' "$headers/.kernelvariables")
	make -C "$headers" "M=$stand/net/knetdemo" "CC=$(ccached "${cc:-gcc}")" \
		CONFIG_KNETDEMO=m CONFIG_DEBUG_INFO= \
		CONFIG_DEBUG_INFO_BTF_MODULES= \
		"KCPPFLAGS=-I$stand/include -I$stand/include/uapi" \
		"-j$(nproc)" "$@"
}

# The module against the headers of a package
# build_headers HEADERS
build_headers()
{
	local log=$LOGS/series-module.log sparse=C=1 rc=0

	command -v sparse > /dev/null || sparse=
	module_make "$1" CONFIG_KNETDEMO_KUNIT_TEST=y W=1 $sparse CHECK=sparse \
		-k knetdemo.o > "$log" 2>&1 || rc=$?
	findings "$log" "$stand/net/knetdemo/knetdemo.o" || return 1
	[ "$rc" -eq 0 ] || { tail -n 5 "$log"; return 1; }
	# The one that can be loaded: not every kernel has KUnit
	module_make "$1" modules > "$log" 2>&1 ||
		{ tail -n 5 "$log"; return 1; }
	cp "$stand/net/knetdemo/knetdemo.ko" "$loadable/$n.ko"
}

# In a guest: each sysctl takes what it shows, and the services that a patch has
# do something. A table without its handlers builds as well as a whole one.
loaded='
rc=0
bad() { echo "patch ${ko##*/}: $*"; rc=1; }
rmmod knetdemo
for ko in $(ls /files/*.ko | sort -V); do
	insmod "$ko" || { bad insmod; continue; }
	for file in /proc/sys/net/knetdemo/*; do
		[ -e "$file" ] || continue
		value=$(cat "$file") && echo "$value" > "$file" &&
		[ "$(cat "$file")" = "$value" ] || bad "$file"
	done
	stats=/proc/net/knetdemo/stats
	cd /proc/sys/net/knetdemo 2> /dev/null || { rmmod knetdemo; continue; }
	if [ -e monitor ]; then
		echo 1 > monitor
		nc -z 127.0.0.1 9
		grep -qx "monitor_attempts 1" $stats || bad monitor
	fi
	if [ -e tcp ]; then
		echo 1 > tcp
		nc -z 127.0.0.1 60000 || bad tcp
	fi
	if [ -e udp ]; then
		nc -u -l 127.0.0.1 60001 > /tmp/datagram &
		until ss -Huln sport = 60001 | grep -q .; do sleep 0.1; done
		echo 1 > udp
		until grep -qx "udp_sent 1" $stats; do sleep 0.1; done
		until grep -q kernelsocket /tmp/datagram; do sleep 0.1; done
		kill $!
	fi
	cd /
	rmmod knetdemo || bad rmmod
done
exit $rc'
load_each() { "$TOP/dev/vm.sh" -n series -f "$loadable" -- "$loaded"; }

# The component in a kernel's tree; objects from the patch before are used
# build_objects TREE OBJECTS
build_objects()
{
	local log=$LOGS/series-objects.log sparse=C=1 rc=0

	command -v sparse > /dev/null || sparse=
	configure_objects "$1" "$2" "$TOP/dev/config/compile.config" \
		> "$LOGS/series-config.log" 2>&1 ||
		{ tail -n 5 "$LOGS/series-config.log"; return 1; }
	kmake "$1" "$2" $sparse CHECK=sparse -k net/knetdemo/ \
		> "$log" 2>&1 || rc=$?
	findings "$log" "$2/net/knetdemo/knetdemo.o" || return 1
	[ "$rc" -eq 0 ] || { tail -n 5 "$log"; return 1; }
}

# build_tools: the kselftests and the tool that exist so far
build_tools()
{
	local log=$LOGS/series-tools.log cc

	for cc in gcc clang; do
		command -v "$cc" > /dev/null || continue
		"$TOP/dev/selftests-tree.sh" "$stand" "$TOP/build/series-tools" \
			"$cc" > "$log" 2>&1 || { tail -n 20 "$log"; return 1; }
		! grep -E 'warning:' "$log" || return 1
	done
}

# each WHAT PATTERN COMMAND...: for each wanted patch that changes such files
each()
{
	local what=$1 pattern=$2 n=0 sha
	shift 2

	while read -r sha; do
		n=$((n + 1))
		wanted "$n" && changes "$sha" "$pattern" || continue
		stand_at "$sha"
		prove "$what, patch $n: $(own_git "$repo" log -1 --format=%s "$sha")" \
			"$@" || :
	done < <(own_git "$repo" rev-list --reverse "start..${SERIES[-1]}")
}

# In a tree of its own: ARCH CROSS COMPILER MODE
each_in_tree()
{
	local tree objects name

	KARCH=$1
	KCROSS=$2
	KCC=$(ccached "$2$3")
	KMODE=$4
	command -v "$2$3" > /dev/null ||
		{ prove "$1, $3: the compiler is there" false || :; return 0; }
	name=$(tree_name "$src")
	objects=$CACHE/build/$name-series-$1-$3-$4
	tree=$(tree_dir "$src" lint)
	in_tree() { refresh_tree "$src" "$tree" "$stand"; build_objects "$tree" "$objects"; }
	each "$1, $3, =$4" '^(net|include)/' in_tree
}

code='^(net|include)/'
make_base "$src" "$repo"
prove "git am takes the series" apply_series "$repo" ||
	{ proofs_end; exit 1; }
rc=0
distro=$("$TOP/dev/distro.sh" --kernel) || rc=$?
if [ "$rc" -eq 0 ]; then
	rm -rf "$stand"
	loadable=$TOP/build/series-loadable
	rm -rf "$loadable"
	mkdir "$loadable"
	each "module, W=1 C=1" "$code" build_headers \
		"$distro/root/usr/src/linux-headers-$(basename "$distro")"
	prove "a guest loads and uses each" load_each || :
else
	full=1
fi
if [ -n "$full" ]; then
	lock "build-$(tree_name "$src")-lint"
	"$TOP/dev/tree.sh" "$src" lint > /dev/null
	# What is laid there until the last patch are no edits, also if this is
	# interrupted
	touch "$(tree_dir "$src" lint)/.knetdemo-laying"
	each_in_tree x86_64 "" gcc y
	each_in_tree x86_64 "" clang m
	each_in_tree i386 "" gcc m
	each_in_tree arm64 aarch64-linux-gnu- gcc m
	unlock
	each "kselftests and tool" '^tools/' build_tools
fi
proofs_end
