#!/bin/bash
# Compile the kselftests and the tool of a part of a tree as a user would, with
# one compiler. selftests-tree.sh PART DIR gcc|clang
#
# PART has tools/ and include/uapi of the component at some patch; the rest of
# what they need comes from the source that dev/source.sh finds.

# shellcheck source=dev/lib.sh
. "$(dirname "$0")/lib.sh"

part=$1
dir=$2
compiler=$3
src=$("$TOP/dev/source.sh")
headers=$CACHE/build/$(basename "$src")-headers
tree=$dir/tree
objects=$dir/$compiler
llvm=()
[ "$compiler" = gcc ] || llvm=(LLVM=1)

if [ ! -e "$headers/done" ]; then
	lock headers
	make -C "$src" "O=$headers" ARCH=x86_64 headers "-j$(nproc)"
	touch "$headers/done"
	unlock
fi
mkdir -p "$tree" "$objects/usr"
(cd "$src" && rsync -aR tools/testing/selftests/{Makefile,lib.mk} \
	tools/testing/selftests/*.{h,sh} \
	tools/testing/selftests/{kselftest,lib,net/lib,net/lib.sh} \
	tools/{scripts,build,include} scripts/subarch.include "$tree/")
rsync -a --delete "$headers/usr/include" "$objects/usr/"
if [ -f "$part/include/uapi/linux/knetdemo.h" ]; then
	(cd "$headers" && "$src/scripts/headers_install.sh" \
		"$part/include/uapi/linux/knetdemo.h" \
		"$objects/usr/include/linux/knetdemo.h")
fi
for sub in tools/testing/selftests/net/knetdemo tools/net/knetdemo; do
	[ -d "$part/$sub" ] || continue
	mkdir -p "$tree/$sub"
	rsync -a --checksum --delete "$part/$sub/" "$tree/$sub/"
done
if [ -f "$tree/tools/testing/selftests/net/knetdemo/Makefile" ]; then
	make -C "$tree/tools/testing/selftests" "O=$objects" ARCH=x86_64 \
		TARGETS=net/knetdemo FORCE_TARGETS=1 "-j$(nproc)" "${llvm[@]}"
fi
[ -f "$tree/tools/net/knetdemo/Makefile" ] || exit 0
rsync -a --checksum "$part/include" "$tree/"
if [ "$compiler" = gcc ] && command -v aarch64-linux-gnu-gcc > /dev/null; then
	make -C "$tree/tools/net/knetdemo" "OUTPUT=$dir/arm64/" \
		CROSS_COMPILE=aarch64-linux-gnu-
fi
make -C "$tree/tools/net/knetdemo" "OUTPUT=$objects/tool/" "CC=$compiler"
