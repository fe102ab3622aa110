#!/bin/bash
# Build a kernel and print the directory of its products.
# kernel.sh release|debug y|m
# kernel.sh release|debug y|m --configure	only its .config
# kernel.sh distro m		the distribution's binary kernel, see distro.sh
# kernel.sh auto m		that one or, where there is none, the release kernel
#
# Objects stay in one directory per tree and kind; what comes out is kept under
# a name made of everything that went in, so that nothing is built twice and
# "make" is not even asked when nothing changed.
#
# Products: bzImage, config, source (the tree), objects (the O= directory),
# selftests.cpio (the installed kselftests), modules.cpio (with m), headers (what
# modules of one's own are built against), kind and mode (the arguments).

# shellcheck source=dev/lib.sh
. "$(dirname "$0")/lib.sh"

kind=$1
mode=$2
case $kind in
distro) exec "$TOP/dev/distro.sh" ;;
auto)
	rc=0
	"$TOP/dev/distro.sh" || rc=$?
	[ "$rc" -eq 3 ] || exit "$rc"
	say "  no binary kernel to be had: building one from source"
	kind=release
	;;
esac
cc=$(kcc)
src=$("$TOP/dev/source.sh")
name=$(tree_name "$src")
objects=$(objects_dir "$src" "$kind")
tree=$(tree_dir "$src" "$kind")

optional=("$TOP/dev/config/optional.config")
[ ! -f "$TOP/dev/config/$kind-optional.config" ] ||
	optional+=("$TOP/dev/config/$kind-optional.config")
fragments=("$TOP/dev/config/base.config" "$TOP/dev/config/$kind.config"
	"${optional[@]}")
own=$(own_config "$kind")
if [ -s "$own" ]; then
	say "  with the options of ${own#"$TOP"/}"
	fragments+=("$own")
fi

# What goes in: source, overlay, changes, configuration, compiler, these scripts
fingerprint()
{
	echo "$name $kind $mode"
	if [ -n "$KSRC" ]; then
		(cd "$src" && find . -path ./.git -prune -o -type f \
			-printf '%p %s %T@\n' | sort)
	fi
	[ ! -d "$tree" ] || (cd "$tree" && edited_files "$src" . |
		xargs -r sha256sum)
	gcc --version | head -n 1
	ld --version | head -n 1
	grep -h -A99 '^kernel [^D]' "$TOP"/dev/series/*/*.txt
	(cd "$TOP" && { overlay_files | grep -v '^Documentation/'
		printf '%s\n' dev/kernel.sh dev/selftests.sh
		printf '%s\n' "${fragments[@]#"$TOP"/}"
		} | sort -u | xargs sha256sum)
}

# Before the fingerprint, as another clone's build changes the tree
lock "build-$name-$kind"
# What was edited in the tree since is refused or recorded first
if [ -d "$tree" ] && [ -n "$(touched_files "$tree")" ]; then
	"$TOP/dev/tree.sh" "$src" "$kind" > /dev/null
fi
out=$CACHE/out/$name-$kind-$mode-$(fingerprint | sha256sum | cut -c1-16)
if [ -e "$out/done" ] && [ -z "${3:-}" ]; then
	touch "$out"
	echo "$out"
	exit
fi

"$TOP/dev/tree.sh" "$src" "$kind" > /dev/null
if [ -d "$objects" ] && [ "$(cat "$objects/.knetdemo-cache" 2> /dev/null)" != "$CACHE" ]; then
	say "  the cache was moved or is of an older version: the $kind kernel is built anew"
	rm -rf "$objects"
fi
mkdir -p "$objects"
echo "$CACHE" > "$objects/.knetdemo-cache"
kmake=(make -C "$tree" "O=$objects" ARCH=x86_64 "CC=$cc" "PYTHON3=$PYTHON3"
	"-j$(nproc)" KBUILD_BUILD_USER=knetdemo KBUILD_BUILD_HOST=knetdemo
	KBUILD_BUILD_VERSION=1
	"KBUILD_BUILD_TIMESTAMP=Thu Jan  1 00:00:00 UTC 2026")

configure()
{
	local wanted=$objects/.knetdemo-wanted line option bad=0

	{
		cat "${fragments[@]}"
		echo
		echo "CONFIG_KNETDEMO=$mode"
		if grep -q 'config KNETDEMO_KUNIT_TEST' \
			"$tree/net/knetdemo/Kconfig"; then
			echo "CONFIG_KNETDEMO_KUNIT_TEST=y"
		fi
	} | latest_options > "$wanted.new"
	if cmp -s "$wanted.new" "$wanted" && [ -f "$objects/.config" ]; then
		"${kmake[@]}" olddefconfig
	else
		rm -f "$wanted"
		"${kmake[@]}" tinyconfig
		(cd "$objects" && "$tree/scripts/kconfig/merge_config.sh" -m \
			-O "$objects" "$objects/.config" "$wanted.new")
		"${kmake[@]}" olddefconfig
		while read -r line; do
			case $line in
			CONFIG_*)
				grep -qxF "$line" "$objects/.config" && continue
				;;
			"# CONFIG_"*)
				option=${line#\# }
				grep -q "^${option%% *}=" "$objects/.config" ||
					continue
				;;
			*)
				continue
				;;
			esac
			! cat "${optional[@]}" | grep -qxF "$line" || continue
			echo "ERROR: kconfig did not take: $line"
			bad=1
		done < "$wanted.new"
		[ "$bad" -eq 0 ] || return 1
		mv "$wanted.new" "$wanted"
	fi
}

stage "configuration ($name, $kind, KNETDEMO=$mode)" "config-$name-$kind" configure
[ -z "${3:-}" ] || exit 0
# With Module.symvers, for modules of one's own
targets=(bzImage modules)
stage "kernel ($name, $kind, KNETDEMO=$mode)" "kernel-$name-$kind-$mode" \
	"${kmake[@]}" "${targets[@]}"

rm -rf "$out"
mkdir -p "$out"
stage "headers" "headers-$name-$kind" "${kmake[@]}" headers
stage "kselftests" "selftests-$name-$kind" \
	"$TOP/dev/selftests.sh" "$tree" "$objects" "$out"
cp "$objects/arch/x86/boot/bzImage" "$out/bzImage"
cp "$objects/System.map" "$out/System.map"
cp "$objects/.config" "$out/config"
ln -s "$tree" "$out/source"
ln -s "$objects" "$out/objects"
ln -s "$objects" "$out/headers"
echo "$kind" > "$out/kind"
echo "$mode" > "$out/mode"
if [ "$mode" = m ]; then
	root=$(mktemp -d)
	stage "modules_install" "modules-$name-$kind" "${kmake[@]}" \
		"INSTALL_MOD_PATH=$root" modules_install
	rm -f "$root"/lib/modules/*/{build,source}
	(cd "$root" && find . -mindepth 1 | sort |
		cpio -o -H newc -R 0:0 --quiet) > "$out/modules.cpio"
	rm -rf "$root"
fi
touch "$out/done"
# The sixteen latest of a kind are kept, for clones and for those who go back
# and forth
find "$CACHE/out" -maxdepth 1 -name "$name-$kind-$mode-*" -printf '%T@ %p\n' |
	sort -rn | tail -n +17 | cut -d' ' -f2- | xargs -r rm -rf
echo "$out"
