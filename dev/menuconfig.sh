#!/bin/bash
# The menus of the kernel that dev/ builds: a look, or a change that lasts until
# dev/config/ changes. menuconfig.sh release|debug y|m

# shellcheck source=dev/lib.sh
. "$(dirname "$0")/lib.sh"

product=$("$TOP/dev/kernel.sh" "$1" "$2")
tree=$(readlink "$product/source")
objects=$(readlink "$product/objects")
before=$(sha256sum < "$objects/.config")
make -C "$tree" "O=$objects" ARCH=x86_64 "CC=$(kcc)" menuconfig
if [ "$(sha256sum < "$objects/.config")" != "$before" ]; then
	say "The configuration changed; this builds it, and 'make kernel' goes back:"
	say "  make -C $tree O=$objects ARCH=x86_64 -j$(nproc) bzImage modules"
fi
