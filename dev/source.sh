#!/bin/bash
# Find or get the pristine kernel source and print its directory.
#
# KSRC=DIR is taken as it is. Otherwise KERNEL=6.12 (or 7.3 ...) names the
# distribution's package linux-source-KERNEL: unpacked in the cache once, from
# the configured suites or, if they lack it, from a newer one of the same
# mirror, through a state of apt's that is our own.

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

package=linux-source-$KERNEL
apt=(-o APT::Sandbox::User=)
has_package()
{
	apt-cache "${apt[@]}" show --no-all-versions "$package" \
		> /dev/null 2>&1
}

# Debian's own suite and mirror, in either of apt's two formats
configured()
{
	local file files=()

	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
		[ ! -f "$file" ] || files+=("$file")
	done
	awk '
	FNR == 1 { uri = "" }
	$1 == "URIs:" { uri = $2 }
	$1 == "Suites:" && uri { print uri, $2 }
	$1 == "deb" {
		i = 2
		if ($i ~ /^\[/) { while ($i !~ /\]$/) i++; i++ }
		print $i, $(i + 1)
	}' "${files[@]}" 2> /dev/null |
	grep -E '/debian/? (bookworm|trixie|forky)$' | head -n 1
}

# newer_suite URI SUITE: use the first newer suite that has the package
newer_suite()
{
	local uri=$1 suite=$2 key state=$CACHE/apt candidate

	key=/usr/share/keyrings/debian-archive-keyring.gpg
	mkdir -p "$state"/{parts,lists/partial,cache/archives/partial}
	apt+=(-o Dir::State::Lists="$state/lists"
	      -o Dir::Cache="$state/cache")
	# The configured suites, as they are now
	if apt-get "${apt[@]}" -q update && has_package; then
		return 0
	fi
	apt+=(-o Dir::Etc::sourcelist=/dev/null
	      -o Dir::Etc::sourceparts="$state/parts")
	while read -r candidate; do
		printf 'deb [signed-by=%s] %s %s main\n' "$key" "$uri" \
			"$candidate" > "$state/parts/newer.list"
		apt-get "${apt[@]}" -q update || continue
		! has_package || return 0
	done < <(
		seen=
		for name in bookworm trixie forky; do
			if [ "$name" = "$suite" ]; then
				seen=1
				echo "$name-backports"
			elif [ -n "$seen" ]; then
				printf '%s\n' "$name" "$name-backports"
			fi
		done
		echo sid
	)
	return 1
}

get()
{
	local mirror tmp version

	if ! has_package; then
		read -r -a mirror < <(configured) || return 2
		newer_suite "${mirror[@]}" || return 2
	fi
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

# apt's lists may never have been fetched on a new machine
try_get()
{
	local rc=0

	get || rc=$?
	if [ "$rc" -eq 2 ]; then
		echo "ERROR: no suite of the configured mirror has $package;" \
			"name a kernel tree with KSRC=DIR"
	fi
	return "$rc"
}
stage "kernel source ($package)" source try_get
newest
