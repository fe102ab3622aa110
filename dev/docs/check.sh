#!/bin/bash
# Run the commands of the documents in a guest and compare what they print, in
# KTAP. See extract.py for what counts as a command.
# check.sh [--show] [PAGE...]
#
# --show prints what each command printed. Without pages, all of them.

# shellcheck source=dev/lib.sh
. "$(dirname "$0")/../lib.sh"

show=
[ "${1:-}" != --show ] || { show=1; shift; }
cd "$TOP"
pages=("$@")
[ $# -gt 0 ] || pages=(README.md Documentation/networking/knetdemo.rst
	Documentation/networking/knetdemo-tour.rst)
work=$TOP/build/docs
rm -rf "$work"
mkdir -p "$work"
echo "TAP version 13"
"$PYTHON3" dev/docs/extract.py "$work/job.sh" "${pages[@]}" 2>&1 ||
	die "a block of commands has no mark, see above"
cp dev/docs/lib.sh dev/demo-guest.sh "$work/"
# The modules of the tour
PRODUCT=${PRODUCT:-$("$TOP/dev/kernel.sh" auto m)}
export PRODUCT
modules=$(CONFIG_SAMPLE_KNETDEMO=m "$TOP/dev/module.sh" "$PRODUCT" samples/knetdemo)
while read -r module; do
	cp "$module" "$work/"
done <<< "$modules"

# What they tell to make has to be there
while read -r target; do
	grep -qE "^([a-z-]+ )*$target( [a-z-]+)*:" Makefile ||
		die "'make $target' is in a document and not in the Makefile"
done < <(grep -ohE "^ *(    |[|] .)make [a-z][a-z-]*|\`\`?make [a-z][a-z-]*" \
	"${pages[@]}" | sed 's/.*make //' | sort -u |
	grep -vxE 'menuconfig|modules|is|headers|install|skels')

# Names and files of the source that they name have to be there, but for modules
# in lines of the log and for what the checklists tell to write
while read -r name; do
	[ -n "$(find net/knetdemo samples/knetdemo dev/then-and-now \
		tools/testing/selftests/net/knetdemo -name "$name")" ] ||
		grep -rqw -- "$name" net/knetdemo samples/knetdemo include/uapi \
			tools/testing/selftests/net/knetdemo ||
		die "$name is in a document and not in the source"
done < <(grep -ohE '\b(knd_[a-z0-9_]+|(KND|KNETDEMO)_[A-Z0-9_]+)\b|``[a-z0-9_-]+\.[ch]``' \
		"${pages[@]}" | tr -d '`' | sort -u |
	grep -vE '^knd_sample_(accept|connect)$|_(DAYTIME|daytime_serve)$' |
	grep -vxE 'knd_monitor_in_ops|knd_monitor_in|tcp_daytime\.c')

"$PYTHON3" dev/docs/rules.py "$TOP" ||
	die "the table of rules in the tour is not dev/rules"

rc=0
"$TOP/dev/vm.sh" -n docs -t 900 -f "$work" -- \
	"${show:+export SHOW=1;} bash /files/job.sh" | tr -d '\r' || rc=$?
exit "$rc"
