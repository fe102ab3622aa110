#!/bin/bash
# What became of the programs of the lab and of the article: compile each of
# them against the guest's kernel, as it was then and as it is now, and compare
# what the compiler says with the comment at the head of the file. In KTAP.
# check.sh [HEADERS VERSION]
#
# A file has two programs, chosen by THEN. Lines "// 6.12: builds" or "// 6.12:
# error: TEXT" are what is expected of the older one (TEXT is an extended
# regexp); the newer one builds. A file without a line for a version is not asked
# about it. HEADERS is a directory to build modules against; without it, that
# of the guest's kernel.

# shellcheck source=dev/lib.sh
. "$(dirname "$0")/../lib.sh"

here=$TOP/dev/then-and-now
if [ $# -eq 2 ]; then
	headers=$1
	version=$2
else
	product=$("$TOP/dev/kernel.sh" auto m)
	headers=$(readlink -f "$product/headers")
	version=$KERNEL
fi
cc=gcc
if [ -f "$headers/.kernelvariables" ]; then
	name=$(sed -n 's/^CC = .*\(gcc-[0-9]*\)$/\1/p' "$headers/.kernelvariables")
	[ -z "$name" ] || ! command -v "$name" > /dev/null || cc=$name
fi

# compile WHEN FLAGS: all programs, the compiler's words in $work/WHEN.log
compile()
{
	local dir=$work/$1 objects

	mkdir -p "$dir"
	cp "$here"/*.c "$dir/"
	objects=("$here"/*.c)
	objects=("${objects[@]##*/}")
	objects=("${objects[@]/%.c/.o}")
	printf 'obj-m += %s\n' "${objects[@]}" > "$dir/Kbuild"
	# Each object on its own, and what fails does not stop the others
	make -k -C "$headers" "M=$dir" "CC=$(ccached "$cc")" \
		CONFIG_DEBUG_INFO= CONFIG_DEBUG_INFO_BTF= "KCFLAGS=$2" \
		"-j$(nproc)" "${objects[@]}" > "$work/$1.log" 2>&1 || :
}

# errors WHEN FILE: what the compiler said about it
errors()
{
	sed -nE "s,^[^ ]*/$1/$2:[0-9]+:([0-9]+:)? (fatal )?(error: .*),\3,p" \
		"$work/$1.log" | sed "s/‘/'/g; s/’/'/g"
}

work=$TOP/build/then-and-now/$version
rm -rf "$work"
mkdir -p "$work"
compile "then" -DTHEN
compile now ""

n=0
failed=0
result()
{
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $n $2"
	else
		echo "not ok $n $2"
		failed=1
	fi
}

echo "TAP version 13"
files=("$here"/*.c)
known=$(grep -l "^// $version: " "${files[@]}" | wc -l)
echo "1..$((${#files[@]} + known))"
for path in "${files[@]}"; do
	file=${path##*/}
	now=$work/now/${file%.c}.o
	status=0
	[ -f "$now" ] || status=1
	result "$status" "$file: what it is now builds with $version"
	[ -f "$now" ] || errors now "$file" | sed 's/^/# /'

	want=$(sed -n "s,^// $version: ,,p" "$path")
	said=$(errors "then" "$file")
	[ -n "$want" ] || continue
	status=1
	if [ "$want" = builds ]; then
		[ ! -f "$work/then/${file%.c}.o" ] || status=0
	elif [ ! -f "$work/then/${file%.c}.o" ]; then
		! grep -qE "${want#error: }" <<< "$said" || status=0
	fi
	result "$status" "$file: what it was then: $version $want"
	[ "$status" -eq 0 ] || sed 's/^/# /' <<< "${said:-it builds}"
done
exit "$failed"
