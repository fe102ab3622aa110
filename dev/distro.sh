#!/bin/bash
# Get the distribution's binary kernel, build knetdemo as a module for it, and
# print the directory of the products, as dev/kernel.sh does.
#
# distro.sh		the products: bzImage, config, System.map, headers (the
#			directory that "make -C" takes), selftests.cpio and two
#			archives of modules: the kernel's own and knetdemo
# distro.sh --kernel	only the kernel and its headers; their directory
# distro.sh --get	what it calls itself to fetch them
#
# The packages are unpacked into the cache, never installed. The kernel is
# shared by all clones; the module and the kselftests are each clone's own.
# Status 3: there is no such kernel for this machine; build one from source.

# shellcheck source=dev/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=dev/apt.sh
. "$TOP/dev/apt.sh"

readonly FLAVOUR=cloud-amd64

newest() { find "$CACHE/distro" -maxdepth 1 -name "$KERNEL.*-$FLAVOUR" \
	2> /dev/null | sort -V | tail -n 1; }

# The compiler that built the kernel, which has the options that its headers want
# compiler HEADERS
compiler()
{
	local cc

	cc=$(sed -n 's/^CC = .*\(gcc-[0-9]*\)$/\1/p' "$1/.kernelvariables")
	command -v "$cc" > /dev/null || return 1
	echo "$cc"
}

# unusable REASON...
unusable()
{
	# What "stage" shows as the reason
	echo "ERROR: $*"
	exit 3
}

# Find the kernel's packages and unpack them under their final name, since the
# headers' makefiles name their own place.
get()
{
	local image abi dir=$CACHE/distro/new packages deb root headers

	find_packages \
		"linux-image-${KERNEL/./\\.}\.[0-9.]+\+deb[0-9.]+-$FLAVOUR(-unsigned)?" \
		> "$CACHE/distro/name" ||
		unusable "no suite has a $FLAVOUR kernel $KERNEL"
	image=$(cat "$CACHE/distro/name")
	abi=${image#linux-image-}
	abi=${abi%-unsigned}
	# Newer packages of images only name those with the kernel and the modules
	mapfile -t packages < <(apt-cache "${apt[@]}" depends "$image" \
			"linux-headers-$abi" |
		sed -nE 's/^ +Depends: (linux-(headers-.*-common|kbuild-.*|binary-.*|modules-.*))/\1/p' |
		sort -u)

	rm -rf "$dir"
	mkdir -p "$dir/deb" "$dir/root"
	(cd "$dir/deb" && apt-get "${apt[@]}" -q download "$image" \
		"linux-headers-$abi" "${packages[@]}")
	for deb in "$dir"/deb/*.deb; do
		dpkg -x "$deb" "$dir/root"
	done
	rm -rf "$dir/deb"
	# Debian 13 has /usr/lib/modules, Debian 12 /lib/modules
	if [ -d "$dir/root/usr/lib/modules" ]; then
		mkdir -p "$dir/root/lib"
		mv "$dir/root/usr/lib/modules" "$dir/root/lib/"
	fi
	rm -f "$dir/root/lib/modules/$abi"/{build,source}
	[ -f "$dir/root/boot/vmlinuz-$abi" ] ||
		unusable "$image has no kernel where one was expected"
	mv "$dir/root/boot/vmlinuz-$abi" "$dir/bzImage"
	mv "$dir/root/boot/config-$abi" "$dir/config"
	mv "$dir/root/boot/System.map-$abi" "$dir/System.map"
	(cd "$dir/root" && find lib/modules | sort |
		cpio -o -H newc -R 0:0 --quiet) > "$dir/modules.cpio"
	headers=$dir/root/usr/src/linux-headers-$abi
	compiler "$headers" > /dev/null ||
		unusable "$abi wants another compiler: $(grep '^CC =' "$headers/.kernelvariables")"
	# A tool that was linked for a newer distribution does not run here
	"$headers/scripts/mod/modpost" < /dev/null > /dev/null 2> "$dir/err" || :
	! grep -qE 'GLIBC|not found' "$dir/err" ||
		unusable "$(head -n 1 "$dir/err")"
	# "include /usr/src/linux-headers-...-common/Makefile"
	root=$CACHE/distro/$abi/root
	sed -i "s,/usr/src/,$root/usr/src/," "$headers/Makefile"
	echo "$CACHE" > "$dir/cache"
	rm -rf "$CACHE/distro/$abi"
	mv "$dir" "$CACHE/distro/$abi"
}

# Not in a condition, where the shell would go on after a failed command
if [ "${1:-}" = --get ]; then
	get
	exit
fi

[ -z "$KSRC" ] && command -v apt-get > /dev/null &&
	[ "$(uname -m)" = x86_64 ] || exit 3
mkdir -p "$CACHE/distro"
lock distro
distro=$(newest)
if [ -n "$distro" ] && [ "$(cat "$distro/cache")" != "$CACHE" ]; then
	say "  the cache was moved: the headers of $(basename "$distro") are unpacked again"
	rm -rf "$distro"
	distro=
fi
if [ -z "$distro" ]; then
	(stage "binary kernel (Debian's $FLAVOUR $KERNEL)" distro \
		"$TOP/dev/distro.sh" --get) || exit 3
	distro=$(newest)
fi
unlock
if [ "${1:-}" = --kernel ]; then
	echo "$distro"
	exit
fi

abi=$(basename "$distro")
headers=$distro/root/usr/src/linux-headers-$abi
work=$TOP/build/distro/$abi
mkdir -p "$work"
lock_file "$TOP/build/distro.lock"

# Objects stay in the clone, beside copies of the sources: 6.12 has no way to
# keep the objects of an external module elsewhere.
build_module()
{
	local cc

	mkdir -p "$work/module"
	overlay_files | grep -E '^(net|include)/' |
		rsync -rlp --checksum --files-from=- "$TOP/" "$work/module/"
	prune_copies "$work/module" net/knetdemo include
	cc=$(compiler "$headers")
	# Neither BTF nor debug information: half the time of a build
	CCACHE_BASEDIR=$work make -C "$headers" \
		"M=$work/module/net/knetdemo" "CC=$(ccached "$cc")" \
		CONFIG_KNETDEMO=m CONFIG_DEBUG_INFO= \
		CONFIG_DEBUG_INFO_BTF_MODULES= \
		"KCPPFLAGS=-I$work/module/include -I$work/module/include/uapi" \
		"-j$(nproc)" modules
	pack_module
}

# The module in an archive, with depmod's files for it and the kernel's own
pack_module()
{
	local root=$work/root

	rm -rf "$root"
	mkdir -p "$root/lib/modules/$abi/extra"
	cp "$distro/root/lib/modules/$abi"/modules.{order,builtin,builtin.modinfo} \
		"$root/lib/modules/$abi/"
	cp "$work/module/net/knetdemo/knetdemo.ko" "$root/lib/modules/$abi/extra/"
	ln -s "$distro/root/lib/modules/$abi/kernel" "$root/lib/modules/$abi/kernel"
	PATH=$PATH:/sbin:/usr/sbin depmod -b "$root" "$abi"
	rm "$root/lib/modules/$abi/kernel"
	(cd "$root" && find lib/modules/"$abi" | sort |
		cpio -o -H newc -R 0:0 --quiet) > "$out/knetdemo.cpio.new"
	mv "$out/knetdemo.cpio.new" "$out/knetdemo.cpio"
}

out=$work/product
mkdir -p "$out"
module_inputs()
{
	cd "$TOP"
	echo "$distro"
	overlay_files | grep -E '^(net|include)/' | xargs sha256sum
	sha256sum dev/distro.sh dev/lib.sh
}
selftest_inputs()
{
	cd "$TOP"
	echo "$distro"
	overlay_files | grep -E '^(tools|include)/' | xargs sha256sum
	sha256sum dev/distro.sh dev/selftests.sh dev/lib.sh
}

# The kselftests, in just those parts of a kernel tree that they need
# build_selftests SRC
build_selftests()
{
	local src=$1 tree=$work/tree objects=$work/objects headers

	headers=$CACHE/build/$(basename "$src")-headers
	if [ ! -e "$headers/done" ]; then
		lock headers
		make -C "$src" "O=$headers" ARCH=x86_64 headers "-j$(nproc)"
		touch "$headers/done"
		unlock
	fi
	mkdir -p "$tree" "$objects/usr"
	rsync -a --delete "$headers/usr/include" "$objects/usr/"
	(cd "$headers" && "$src/scripts/headers_install.sh" \
		"$TOP/include/uapi/linux/knetdemo.h" \
		"$objects/usr/include/linux/knetdemo.h")
	(cd "$src" && rsync -aR --delete tools/testing/selftests/{Makefile,lib.mk} \
		tools/testing/selftests/*.{h,sh} \
		tools/testing/selftests/{kselftest,lib,net/lib,net/lib.sh} \
		tools/{scripts,build,include} scripts/subarch.include "$tree/")
	overlay_files | grep '^tools/' |
		rsync -rlp --checksum --files-from=- "$TOP/" "$tree/"
	prune_copies "$tree" tools/testing/selftests/net/knetdemo
	"$TOP/dev/selftests.sh" "$tree" "$objects" "$out"
}

# Is FILE what was made of the inputs that the rest of the line prints?
fresh() { [ -f "$1" ] && [ "$(cat "$1.inputs" 2> /dev/null)" = "$2" ]; }

inputs=$(module_inputs | sha256sum)
if ! fresh "$out/knetdemo.cpio" "$inputs"; then
	rm -f "$out/knetdemo.cpio.inputs"
	stage "knetdemo.ko ($abi)" "module-$abi" build_module
	echo "$inputs" > "$out/knetdemo.cpio.inputs"
fi
inputs=$(selftest_inputs | sha256sum)
if ! fresh "$out/selftests.cpio" "$inputs"; then
	rm -f "$out/selftests.cpio.inputs"
	src=$("$TOP/dev/source.sh")
	stage "kselftests" "selftests-$abi" build_selftests "$src"
	echo "$inputs" > "$out/selftests.cpio.inputs"
fi
for file in bzImage config System.map; do
	ln -sfn "$distro/$file" "$out/$file"
done
ln -sfn "$headers" "$out/headers"
ln -sfn "$distro/modules.cpio" "$out/modules.cpio"
echo m > "$out/mode"
echo distro > "$out/kind"
echo "$out"
