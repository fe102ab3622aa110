#!/bin/bash
# Install what the builds and the guest need, where it is missing.
# setup.sh [more packages...]

# shellcheck source=dev/lib.sh
. "$(dirname "$0")/lib.sh"

packages=(
	# the kernel
	gcc make flex bison bc libelf-dev libssl-dev xz-utils rsync cpio kmod
	ccache git python3 patch
	# the virtual machine and its userland
	qemu-system-x86 busybox-static bash iproute2 nftables netcat-openbsd
	ethtool util-linux coreutils procps
	# what the FTP servers in it are linked with, see image.sh
	libwrap0 libsodium23 libpam0g
)
packages+=("$@")

# The tool is also built and tested as a program of 32 bits. The metapackage for
# that (gcc-multilib) would remove the cross compilers that make lint wants.
if command -v apt-cache > /dev/null && [ "$(uname -m)" = x86_64 ]; then
	major=$(gcc -dumpversion 2> /dev/null) ||
		major=$(apt-cache depends gcc 2> /dev/null |
			sed -n 's/.*Depends: gcc-\([0-9]*\)$/\1/p' | head -n 1)
	[ -z "$major" ] || packages+=(libc6-dev-i386 "lib32gcc-${major%%.*}-dev")
fi

if ! command -v dpkg-query > /dev/null; then
	for tool in gcc make flex bison bc rsync cpio qemu-system-x86_64 \
		    busybox bash ip nft nc ethtool; do
		command -v "$tool" > /dev/null ||
			die "$tool is missing, and this is no Debian system: install what stands for: ${packages[*]}"
	done
	exit 0
fi

# shellcheck disable=SC2016 # dpkg's own format
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2> /dev/null |
	    sed -n 's/^installed //p')
missing=()
for package in "${packages[@]}"; do
	grep -qx "$package" <<< "$installed" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo > /dev/null ||
		die "these packages are missing, and there is no sudo to install them: ${missing[*]}"
	as_root=(sudo)
fi
install()
{
	"${as_root[@]}" apt-get -q update
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q install \
		-y --no-install-recommends "${missing[@]}"
}
say "  installing: ${missing[*]}"
stage "packages" setup install
