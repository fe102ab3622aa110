#!/bin/bash
# Make the guest's userland, an initramfs of this machine's own tools, and
# print its name. No root: the archive says who owns what.

# shellcheck source=dev/lib.sh
. "$(dirname "$0")/lib.sh"

# Needed, then taken where they are installed
tools=(bash ip ss tc nft nc.openbsd ethtool unshare nsenter setpriv taskset timeout
	stdbuf stat readlink kmod sha256sum cmp dd head tail tr sort od seq sysctl)
optional=(perl strace python3.11 socat iperf3 curl wget lftp
	tcpdump perf lsns prlimit script)
# Servers, from the distribution's packages and not installed on this machine,
# where they would start, and exclude each other
servers=(vsftpd pure-ftpd inetutils-ftpd proftpd-core)
# Their programs, and what they are called in the guest
server_programs=(vsftpd pure-ftpd ftpd proftpd)

find_tool() { PATH=/usr/sbin:/usr/bin:/sbin:/bin command -v "$1"; }

files=()
for tool in "${tools[@]}"; do
	files+=("$(find_tool "$tool")") || die "no $tool on this machine"
done
for tool in "${optional[@]}"; do
	case $tool in
	perl|python3*) continue ;; # whole trees; kselftest does without
	esac
	! path=$(find_tool "$tool") || files+=("$path")
done
busybox=$(find_tool busybox) || die "no busybox on this machine"
ldd "$busybox" > /dev/null 2>&1 && die "busybox is not static: install busybox-static"
[ ! -e /usr/libexec/coreutils/libstdbuf.so ] ||
	files+=(/usr/libexec/coreutils/libstdbuf.so)

server_root=$CACHE/deb/servers-$(echo "${servers[@]}" | cksum | cut -d' ' -f1)
unpack_servers()
{
	local deb libs depth

	rm -rf "$server_root"
	mkdir -p "$server_root"
	cd "$server_root"
	apt-get -q download "${servers[@]}"
	# The libraries that they need, and those that these need: this machine
	# need not have them
	for depth in 1 2; do
		mapfile -t libs < <(for deb in *.deb; do
			dpkg-deb -f "$deb" Depends
		done | tr ',' '\n' | sed 's/^ *//; s/[ |(:].*//' |
			grep '^lib' | grep -v -e '^libc6$' -e '^libpam' | sort -u)
		echo "depth $depth: ${libs[*]}"
		apt-get -q download "${libs[@]}"
	done
	for deb in *.deb; do
		dpkg-deb -x "$deb" .
	done
	touch complete
}
if [ ! -e "$server_root/complete" ] && command -v apt-get > /dev/null; then
	lock servers
	[ -e "$server_root/complete" ] ||
		stage "FTP servers for the guest" servers unpack_servers
fi
for server in "${server_programs[@]}"; do
	[ ! -x "$server_root/usr/sbin/$server" ] ||
		files+=("$server_root/usr/sbin/$server")
done

key=$( { stat -L -c '%n %s %Y' "${files[@]}" "$busybox"
	 find "$TOP/dev/guest" -type f -exec cat {} +; cat "$TOP/dev/image.sh"; } | sha256sum | cut -c1-16)
image=$CACHE/out/image-$key.cpio
if [ -f "$image" ]; then
	echo "$image"
	exit
fi

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{bin,sbin,usr/bin,usr/sbin,etc,proc,sys,dev,tmp,run,root,files}
mkdir -p "$root"/var/{run,log,tmp} "$root"/usr/share "$root"/usr/lib

cp "$busybox" "$root/bin/busybox"
"$busybox" --list | grep -v '^busybox$' | while read -r applet; do
	ln -s /bin/busybox "$root/bin/$applet"
done
# The real tools stand before busybox's in PATH
for file in "${files[@]}"; do
	name=${file#"$server_root"}
	mkdir -p "$root$(dirname "$name")"
	cp -L --remove-destination "$file" "$root$name"
done
for link in modprobe insmod rmmod lsmod; do
	ln -s /usr/bin/kmod "$root/usr/sbin/$link"
done
# What the kernel itself runs when a module is missing (CONFIG_MODPROBE_PATH)
ln -s /usr/bin/kmod "$root/sbin/modprobe"
ln -sf nc.openbsd "$root/usr/bin/nc" 2> /dev/null ||
	ln -sf /bin/nc.openbsd "$root/usr/bin/nc"
[ -e "$root/usr/bin/nc.openbsd" ] ||
	cp -L "$(find_tool nc.openbsd)" "$root/usr/bin/nc.openbsd"
[ -e "$root/bin/bash" ] && [ ! -L "$root/bin/bash" ] ||
	ln -sf /usr/bin/bash "$root/bin/bash"

# This machine's libraries first: the others are as old as the packages
libs_of() { ldd "$@" 2> /dev/null || :; }
{ libs_of "${files[@]}"
  LD_LIBRARY_PATH=$(echo "$server_root"/usr/lib/*-linux-gnu) \
	libs_of "$server_root"/usr/sbin/*; } |
	sed -n 's,^\t\([^/ ]* => \)\?\(/[^ ]*\) (0x.*,\2,p' |
	sort -u | while read -r lib; do
	name=${lib#"$server_root"}
	[ ! -e "$root$name" ] || continue
	mkdir -p "$root$(dirname "$name")"
	cp -L --remove-destination "$lib" "$root$name"
done
# What name look-ups and log-ins by PAM want (vsftpd)
for lib in /lib/x86_64-linux-gnu/libnss_files.so.2 \
	   /lib/x86_64-linux-gnu/libgcc_s.so.1; do
	[ ! -e "$lib" ] || { mkdir -p "$root$(dirname "$lib")"
			     cp -L "$lib" "$root$lib"; }
done
[ ! -d /usr/share/iproute2 ] || cp -r /usr/share/iproute2 "$root/usr/share/"
[ ! -d /usr/lib/tc ] || cp -r /usr/lib/tc "$root/usr/lib/"
cp -r "$TOP"/dev/guest/. "$root/"
chmod +x "$root/init"
(cd "$root" && find . -mindepth 1 | sort |
	cpio -o -H newc -R 0:0 --quiet) > "$image.tmp"
mv "$image.tmp" "$image"
find "$CACHE/out" -maxdepth 1 -name 'image-*.cpio' -mtime +7 \
	! -name "$(basename "$image")" -delete
echo "$image"
