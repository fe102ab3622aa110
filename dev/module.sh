#!/bin/bash
# Build a directory that has a Kbuild file or a Makefile with obj-m as modules
# against the guest's kernel, and print the modules that came out.
# module.sh PRODUCT DIR
#
# PRODUCT is what dev/kernel.sh printed. The objects are in build/module/, beside
# a copy of the sources, so that the directory stays as it is; what compilers say
# names the files in the directory.

# shellcheck source=dev/lib.sh
. "$(dirname "$0")/lib.sh"

product=$1
[ -n "$2" ] && [ -d "$2" ] || die "DIR=$2 is no directory"
dir=$(cd "$2" && pwd)
[ -f "$dir/Kbuild" ] || [ -f "$dir/Makefile" ] ||
	die "there is neither a Kbuild file nor a Makefile in $dir"
[ -e "$product/headers" ] ||
	die "no headers for modules in $product: a kernel without CONFIG_MODULES?"

kernel=$(readlink -f "$product/headers")
# One copy for each kernel and directory
copy=$TOP/build/module/$(printf '%s %s' "$kernel" "$dir" | sha256sum |
	cut -c1-8)-$(basename "$dir")
mkdir -p "$TOP/build/module"
lock_file "$copy.lock"

cc=gcc
if [ -f "$kernel/.kernelvariables" ]; then
	name=$(sed -n 's/^CC = .*\(gcc-[0-9]*\)$/\1/p' "$kernel/.kernelvariables")
	[ -z "$name" ] || ! command -v "$name" > /dev/null || cc=$name
fi

build()
{
	local rc=0

	rsync -rlpt --delete --exclude='*.o' --exclude='*.ko' --exclude='*.mod*' \
		--exclude='.*.cmd' --exclude='.*.d' --exclude=modules.order \
		--exclude=Module.symvers "$dir/" "$copy/"
	make -C "$kernel" "M=$copy" "CC=$(ccached "$cc")" CONFIG_DEBUG_INFO= \
		CONFIG_DEBUG_INFO_BTF_MODULES= CONFIG_SAMPLE_KNETDEMO=m \
		"KCPPFLAGS=-I$TOP/include -I$TOP/include/uapi" \
		"-j$(nproc)" modules > "$copy.out" 2>&1 || rc=$?
	sed "s,$copy/,${dir/#"$PWD"\//}/,g" "$copy.out"
	return "$rc"
}

[ ! -f "$copy/modules.order" ] || rm "$copy/modules.order"
stage "modules of $(basename "$dir")" "module-$(basename "$dir")" build
# Warnings are a reader's business, too
grep -E 'warning:|note:' "$LOGS/module-$(basename "$dir").log" >&2 || :
[ -s "$copy/modules.order" ] || die "$dir builds no module: does it say obj-m?"
while read -r object; do
	object=${object#"$copy/"}
	echo "$copy/${object%.o}.ko"
done < "$copy/modules.order"
