#!/bin/bash
# The menus of the kernel that dev/ builds from source. What is changed there is
# kept in build/config/KIND.config, which dev/kernel.sh takes for this clone's
# kernels of that kind from then on. menuconfig.sh release|debug y|m

# shellcheck source=dev/lib.sh
. "$(dirname "$0")/lib.sh"

kind=$1
src=$("$TOP/dev/source.sh")
own=$(own_config "$kind")
"$TOP/dev/kernel.sh" "$kind" "$2" --configure
lock "build-$(tree_name "$src")-$kind"
tree=$(tree_dir "$src" "$kind")
objects=$(objects_dir "$src" "$kind")
before=$(mktemp)
trap 'rm -f "$before"' EXIT
cp "$objects/.config" "$before"
# MENU: another of kconfig's front ends, such as olddefconfig or nconfig
make -C "$tree" "O=$objects" ARCH=x86_64 "CC=$(kcc)" "${MENU:-menuconfig}"
# How knetdemo itself is built is what MODULE=1 says
changes=$("$tree/scripts/diffconfig" -m "$before" "$objects/.config" |
	grep -vE '\bCONFIG_KNETDEMO[= ]') || :
[ -n "$changes" ] || exit 0

mkdir -p "$(dirname "$own")"
touch "$own"
{ cat "$own"; echo "$changes"; } | latest_options > "$own.new"
mv "$own.new" "$own"
flags="TREE=1"
[ "$kind" != debug ] || flags="DEBUG=1"
say "Kept in ${own#"$TOP"/}:"
sed 's/^/    /' "$own" >&2
say "'make shell $flags' builds and boots it; remove that file to go back."
