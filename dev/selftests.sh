#!/bin/bash
# Build and install the kselftests as a user would, and pack them for the guest.
# selftests.sh TREE OBJECTS OUT: the headers for user space are in OBJECTS

set -euo pipefail
tree=$1
objects=$2
out=$3

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
# A fresh directory, so that what the overlay no longer has is gone
rm -rf "$objects/kselftest/net/knetdemo"
make -C "$tree/tools/testing/selftests" "O=$objects" ARCH=x86_64 \
	TARGETS=net/knetdemo FORCE_TARGETS=1 \
	"INSTALL_PATH=$root/kselftest" install
if [ -d "$tree/tools/net/knetdemo" ]; then
	make -C "$tree/tools/net/knetdemo" "OUTPUT=$objects/tools/net/knetdemo/" \
		"CFLAGS=-O2 -g -isystem $objects/usr/include" \
		"DESTDIR=$root" prefix=/usr install
fi
(cd "$root" && find . -mindepth 1 | sort |
	cpio -o -H newc -R 0:0 --quiet) > "$out/selftests.cpio"
