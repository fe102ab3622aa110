#!/bin/bash
# Break a rule of kernel networking and show the test that notices.
# break.sh NUMBER|all|list
# break.sh --check NUMBER...	the same for several rules in one guest, in KTAP
#
# Each file in dev/rules/ has one rule, "name: value" lines:
#
#	rule	 what the component does, in one sentence
#	why	 what happens where somebody does not
#	function the function or structure in net/knetdemo that is changed
#	find	 a Perl regexp that has one match in it
#	put	 what stands there then; $1 and so on are the groups of "find"
#	kernel	 distro, or debug for a fault that only a debug kernel sees
#	test	 a command in the guest, in the directory of the kselftests
#	expect	 an extended regexp in what the test or the kernel says then
#	limit	 seconds after which the guest has hung, and that is the fault
#	provoke	 where the fault needs a rare event: what makes it happen,
#		 "function | find | put". Alone it must not fail the test.
#
# The anchor is looked up in the source as it is: where it is not found, or
# found twice, this is an error, so that no change of the code can make a rule
# void in silence. PRODUCT, in the environment, is what dev/kernel.sh has made and
# a caller wants. The status is 0 where the fault was noticed as expected.

# shellcheck source=dev/lib.sh
. "$(dirname "$0")/lib.sh"

rules=$TOP/dev/rules
work=$TOP/build/break

# field FILE NAME
field() { sed -n "s/^$2:[[:blank:]]*//p" "$1"; }

# The file of a rule
# file_of NUMBER
file_of()
{
	local found

	found=$(find "$rules" -name "$(printf '%02d' "$((10#$1))")-*")
	[ -f "$found" ] || die "there is no rule $1; 'make break RULE=list' names them"
	echo "$found"
}

# Change one place of the sources in a directory, or die
# change DIR FUNCTION FIND PUT
change()
{
	perl -0777 - "$@" << 'PERL' || die "rule $(basename "$file"): anchor not found"
use strict;
my ($dir, $function, $find, $put) = @ARGV;
my (@hits, $defined);
for my $file (glob("$dir/net/knetdemo/*.[ch]")) {
	open(my $in, '<', $file) or die "$file: $!\n";
	my $text = <$in>;
	close($in);
	# A function or an initialised structure, from its line to its brace
	while ($text =~ /^(?!\s)[^\n;]*\b\Q$function\E\b[^;{}]*\{\n.*?^\}/msg) {
		my ($begin, $body) = ($-[0], $&);
		$defined = $file;
		while ($body =~ /$find/sg) {
			my ($from, $to) = ($-[0], $+[0]);
			my $new = $put;
			my @group = map { defined $-[$_] ?
				substr($body, $-[$_], $+[$_] - $-[$_]) : '' }
				0 .. $#-;
			$new =~ s/\\n/\n/g;
			$new =~ s/\\t/\t/g;
			$new =~ s/\$(\d)/$group[$1]/g;
			push @hits, [$file, $text, $begin + $from,
				     $to - $from, $new];
		}
	}
}
die "no $function() in net/knetdemo\n" unless $defined;
die scalar(@hits) . " matches of $find in $function()\n" if @hits != 1;
my ($file, $text, $at, $len, $new) = @{$hits[0]};
substr($text, $at, $len) = $new;
open(my $out, '>', $file) or die "$file: $!\n";
print $out $text;
PERL
}

# The component as it is, in a tree to build it in
# fresh_tree DIR
fresh_tree()
{
	mkdir -p "$1"
	overlay_files | grep -E '^(net|include)/' |
		rsync -rlp --checksum --files-from=- "$TOP/" "$1/"
	prune_copies "$1" net/knetdemo include
}

# Change a tree as a rule says: with "provoke", only that part
# mutate TREE [provoke]
mutate()
{
	local part=() line

	line=$(field "$file" provoke)
	if [ -n "$line" ]; then
		mapfile -t part < <(sed 's/ | /\n/g' <<< "$line")
		change "$1" "${part[0]}" "${part[1]}" "${part[2]}"
	fi
	[ -n "${2:-}" ] || change "$1" "$(field "$file" function)" \
		"$(field "$file" find)" "$(field "$file" put)"
}

# Build a tree's module for a kernel
# build_module PRODUCT TREE
build_module()
{
	local headers cc=gcc name
	headers=$(readlink -f "$1/headers")

	if [ -f "$headers/.kernelvariables" ]; then
		name=$(sed -n 's/^CC = .*\(gcc-[0-9]*\)$/\1/p' "$headers/.kernelvariables")
		[ -z "$name" ] || ! command -v "$name" > /dev/null || cc=$name
	fi
	CCACHE_BASEDIR=$2 make -C "$headers" "M=$2/net/knetdemo" \
		"CC=$(ccached "$cc")" CONFIG_KNETDEMO=m CONFIG_DEBUG_INFO= \
		CONFIG_DEBUG_INFO_BTF_MODULES= CONFIG_KNETDEMO_KUNIT_TEST= \
		"KCPPFLAGS=-I$2/include -I$2/include/uapi" "-j$(nproc)" modules
}

# The kernel of a rule: sets product, kind
# kernel_of distro|debug
kernel_of()
{
	[ "$1" = distro ] && kind=auto || kind=$1
	if [ -n "${PRODUCT:-}" ] && [ "$(cat "$PRODUCT/kind")" = "$1" ]; then
		product=$PRODUCT
	else
		product=$("$TOP/dev/kernel.sh" "$kind" m)
	fi
}

# An archive with a module in the place of the kernel's own
# pack KO ARCHIVE
pack()
{
	local root path part

	for part in knetdemo modules; do
		[ -e "$product/$part.cpio" ] || continue
		path=$(cpio -t --quiet < "$product/$part.cpio" |
			grep '/knetdemo\.ko$') && break
	done
	[ -n "$path" ] || die "no module knetdemo in $product"
	root=$(mktemp -d)
	mkdir -p "$root/$(dirname "$path")"
	cp "$1" "$root/$path"
	(cd "$root" && find . -mindepth 1 | cpio -o -H newc -R 0:0 --quiet) > "$2"
	rm -r "$root"
}

# Run a command in a guest with the module of a tree
# boot NAME TREE LIMIT COMMAND: the status; what was said is in $log
boot()
{
	local name=$1 tree=$2 limit=$3 rc=0

	log=$LOGS/$name.log
	pack "$tree/net/knetdemo/knetdemo.ko" "$work/$name.cpio"
	PRODUCT=$product "$TOP/dev/vm.sh" -k "$kind" -m -n "$name" \
		-a "$work/$name.cpio" -t "$limit" -- \
		"cd /kselftest/net/knetdemo && $4" > "$log" 2>&1 || rc=$?
	# What the kernel said is a part of it
	cat "$LOGS/console-$name.log" >> "$log"
	return "$rc"
}

# What a reader wants to see of a failure
# excerpt LOG EXPECT
excerpt()
{
	grep -aE -m 1 -B 3 -A 14 "$2" <(tr -d '\r' < "$1") | cut -c1-160 |
		sed 's/^/    /'
}

one_rule()
{
	local file tree name rc=0 limit expect function
	file=$(file_of "$1")
	name=$(basename "$file")
	function=$(field "$file" function)
	expect=$(field "$file" expect)
	limit=$(field "$file" limit)

	echo "Rule ${name%%-*}: $(field "$file" rule)"
	echo "Without it: $(field "$file" why)"
	kernel_of "$(field "$file" kernel)"
	tree=$work/tree-$kind
	fresh_tree "$tree"
	if [ -n "$(field "$file" provoke)" ]; then
		mutate "$tree" provoke
		stage "what provokes the fault" "break-$name-provoke" \
			build_module "$product" "$tree"
		boot "break-$name-provoke" "$tree" "${limit:-300}" \
			"$(field "$file" test)" || {
			excerpt "$log" . >&2
			die "the test fails by what provokes the fault alone"
		}
		fresh_tree "$tree"
	fi
	mutate "$tree"
	echo "The change in $function():"
	diff -U 1 -r -x '*.o' -x '*.ko' -x '.*' -x '*.mod*' -x 'modules.order' \
		-x Module.symvers "$TOP/net/knetdemo" "$tree/net/knetdemo" |
		grep -E '^([-+@ ])' | grep -vE '^(---|\+\+\+) ' | sed 's/^/    /' || :
	stage "knetdemo.ko, broken" "break-$name-module" \
		build_module "$product" "$tree"
	echo "The test that guards it ($kind kernel): $(field "$file" test)"
	boot "break-$name" "$tree" "${limit:-300}" "$(field "$file" test)" || rc=$?

	if [ "$rc" -eq 0 ]; then
		echo "NOT NOTICED: the test passed, and the kernel is silent (${log#"$TOP"/})"
		return 1
	fi
	# Not in a pipe: grep stops at the first match, and pipefail is set
	if ! grep -qaE "$expect" <(tr -d '\r' < "$log"); then
		echo "FAILED OTHERWISE (status $rc, ${log#"$TOP"/}): no \"$expect\" in"
		tail -n 20 "$log" | sed 's/^/    /'
		return 1
	fi
	excerpt "$log" "$expect"
	echo "noticed (status $rc, ${log#"$TOP"/})"
}

list()
{
	local file

	for file in "$rules"/[0-9]*; do
		printf '%-4s%s\n' "$(basename "$file" | cut -d- -f1)" \
			"$(field "$file" rule)"
	done
}

# All tests of a kernel's rules with the component as it is: they pass, or what
# a broken rule shows proves nothing.
# control distro|debug
control()
{
	local file tests='' rc=0

	for file in "$rules"/[0-9]*; do
		[ "$(field "$file" kernel)" = "$1" ] || continue
		tests+="$(field "$file" test)"$'\n'
	done
	[ -n "$tests" ] || return 0
	# One test may guard several rules
	tests=$(sort -u <<< "$tests" | sed '/^$/d; s/$/ || exit 1/')
	kernel_of "$1"
	fresh_tree "$work/tree-$kind"
	stage "knetdemo.ko, as it is" "break-control-$1-module" \
		build_module "$product" "$work/tree-$kind"
	boot "break-control-$1" "$work/tree-$kind" 1200 "$tests" || rc=$?
	[ "$rc" -eq 0 ] || {
		echo "a test fails without any change (${log#"$TOP"/}):"
		grep -aE '^not ok|BUG|WARNING' "$log" | head -n 5
	}
	return "$rc"
}

all()
{
	local file number bad=() count=0 kernel

	for kernel in distro debug; do
		echo "The tests of the rules with nothing changed ($kernel)"
		control "$kernel" || bad+=("control-$kernel")
	done
	for file in "$rules"/[0-9]*; do
		number=$(basename "$file" | cut -d- -f1)
		echo
		(one_rule "$number") || bad+=("$number")
		count=$((count + 1))
	done
	echo
	echo "$count rules broken, $((count - ${#bad[@]})) noticed${bad:+, not: ${bad[*]}}"
	[ ${#bad[@]} -eq 0 ]
}

# Is every anchor in the source, once? Nothing is built.
anchors()
{
	local file failed=

	for file in "$rules"/[0-9]*; do
		fresh_tree "$work/anchors"
		(mutate "$work/anchors") || failed=1
		[ -z "$(field "$file" provoke)" ] || {
			fresh_tree "$work/anchors"
			(mutate "$work/anchors" provoke) || failed=1
		}
	done
	[ -z "$failed" ]
}

# Several rules in one guest, one module after the other
# check NUMBER...
check()
{
	local file number name tree rc=0 guest=0 n=0 ok job files

	kernel_of distro
	tree=$work/tree-$kind
	files=$work/files
	rm -rf "$files"
	mkdir -p "$files"
	job='cd /kselftest/net/knetdemo'$'\n'
	fresh_tree "$tree"
	stage "knetdemo.ko, as it is" break-check-module build_module "$product" "$tree"
	cp "$tree/net/knetdemo/knetdemo.ko" "$files/00.ko"
	for number; do
		file=$(file_of "$number")
		[ "$(field "$file" kernel)" = distro ] ||
			die "rule $number needs the debug kernel"
		fresh_tree "$tree"
		mutate "$tree"
		stage "knetdemo.ko, rule $number broken" "break-check-$number" \
			build_module "$product" "$tree"
		cp "$tree/net/knetdemo/knetdemo.ko" "$files/$number.ko"
		for name in 00 "$number"; do
			job+="rmmod knetdemo && insmod /files/$name.ko || exit 1"$'\n'
			job+="{ $(field "$file" test); } > /tmp/$number-$name 2>&1"$'\n'
			job+="echo \"rule $number $name \$?\""$'\n'
		done
		job+="sed 's/^/said $number: /' /tmp/$number-$number"$'\n'
	done
	job+="echo rules end"$'\n'
	PRODUCT=$product "$TOP/dev/vm.sh" -k "$kind" -m -n break-check -f "$files" \
		-t 600 -- "$job" > "$LOGS/break-check.log" 2>&1 || guest=$?
	echo "TAP version 13"
	echo "1..$(($# + 2))"
	anchors && ok=ok || { ok="not ok"; rc=1; }
	echo "$ok $((n += 1)) rules: every anchor is in the source"
	# 70: the kernel complained, as it may where a rule is broken
	grep -aq "^rules end" "$LOGS/break-check.log" &&
		[[ $guest = 0 || $guest = 70 ]] && ok=ok || { ok="not ok"; rc=1; }
	echo "$ok $((n += 1)) rules: the guest's end"
	for number; do
		file=$(file_of "$number")
		ok="not ok"
		if grep -aq "^rule $number 00 0" "$LOGS/break-check.log" &&
		   grep -aq "^rule $number $number [1-9]" "$LOGS/break-check.log" &&
		   grep -a "^said $number: " "$LOGS/break-check.log" |
			tr -d '\r' | sed "s/^said $number: //" |
			grep -qE "$(field "$file" expect)"; then
			ok=ok
		else
			rc=1
		fi
		echo "$ok $((n += 1)) rules: $(basename "$file") is noticed"
	done
	return "$rc"
}

mkdir -p "$work"
lock_file "$work/lock"
case ${1:-list} in
list)	list ;;
all)	all ;;
--check) shift; check "$@" ;;
--anchors) anchors ;;
*)	one_rule "$1" ;;
esac
