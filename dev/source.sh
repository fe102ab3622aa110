#!/bin/bash
# Find or get the pristine kernel source and print its directory.
#
# KSRC=DIR is taken as it is. Otherwise KERNEL=6.12 (or 7.3 ...) names the
# distribution's package linux-source-KERNEL: unpacked in the cache once, from
# the configured suites or, if they lack it, from a newer one of the same
# mirror (dev/apt.sh).

# shellcheck source=dev/lib.sh
. "$(dirname "$0")/lib.sh"

if [ -n "$KSRC" ]; then
	[ -f "$KSRC/Kbuild" ] && [ -f "$KSRC/net/Kconfig" ] ||
		die "KSRC=$KSRC is no kernel tree"
	[ ! -e "$KSRC/.config" ] && [ ! -d "$KSRC/include/config" ] ||
		die "KSRC=$KSRC was built in place, which breaks builds outside of it: run 'make mrproper' there or name a clean tree"
	cd "$KSRC" && pwd
	exit
fi

[[ $KERNEL =~ ^[0-9]+\.[0-9]+$ ]] ||
	die "KERNEL=$KERNEL is no version such as 6.12 or 7.3"

newest() { find "$CACHE/src" -maxdepth 1 -name "linux-$KERNEL.*" \
	! -name '*.tmp' | sort -V | tail -n 1; }

lock source
found=$(newest)
if [ -n "$found" ]; then
	echo "$found"
	exit
fi

command -v apt-get > /dev/null ||
	die "no linux-source-$KERNEL without apt: name a kernel tree with KSRC=DIR"

# shellcheck source=dev/apt.sh
. "$TOP/dev/apt.sh"

package=linux-source-$KERNEL

get()
{
	local tmp version

	find_packages "$package" || {
		echo "ERROR: no suite of the configured mirror has $package;" \
			"name a kernel tree with KSRC=DIR"
		exit 2
	}
	rm -rf "$CACHE/deb/new" "$CACHE/src/new.tmp"
	mkdir -p "$CACHE/deb/new" "$CACHE/src/new.tmp"
	(cd "$CACHE/deb/new" && apt-get "${apt[@]}" -q download "$package")
	dpkg -x "$CACHE"/deb/new/*.deb "$CACHE/deb/new/x"
	tmp=$CACHE/src/new.tmp
	tar -C "$tmp" --strip-components=1 -xf \
		"$CACHE/deb/new/x/usr/src/$package.tar.xz"
	rm -rf "$CACHE/deb/new"
	version=$(sed -n 's/^VERSION = //p;s/^PATCHLEVEL = /./p;s/^SUBLEVEL = /./p' \
		  "$tmp/Makefile" | head -n 3 | tr -d '\n')
	mv "$tmp" "$CACHE/src/linux-$version"
}

stage "kernel source ($package)" source get
newest
