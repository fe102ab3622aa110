# shellcheck shell=bash
# Which functions the instructions of one case went to; part of bench.sh.
# shellcheck disable=SC2154 # what bench.sh has set

role=${profile%%/*}
case_who=${profile#*/}
case $role in
monitor)
	boot=$(boots monitor | grep -m 1 ":${profile##*/}\$") ||
		die "no hook is called ${profile##*/}"
	;;
tcp)
	boot=tcp:cost
	;;
udp)
	boot=udp:gso
	[[ $case_who != nogso-* ]] || boot=udp:nogso
	;;
ftp)
	boot=ftp:get
	;;
esac

plugin()
{
	local version major

	version=$(qemu-system-x86_64 --version |
		sed -n '1s/.*version \([0-9.]*\).*/\1/p')
	major=${version%%.*}
	gcc -O2 -Wall -Wextra -shared -fPIC -fvisibility=hidden \
		-DPLUGIN_VERSION=$((major < 9 ? 1 : 2)) \
		-o "$bench/profile.so" "$TOP/dev/bench/profile.c"
}
stage "profiler" bench-profiler plugin

name=$(tr -c 'A-Za-z0-9\n' - <<< "$profile")
mkdir -p "$bench/profile"
rm -f "$bench/profile/$name.raw"
"$TOP/dev/vm.sh" -c -k release -n "bench-profile" -f "$files" \
	-a "$bench/tools.cpio" -t 900 \
	-p "$bench/profile.so,out=$bench/profile/$name.raw" -- \
	"bash /files/guest.sh '$boot' '$case_who' 3" | grep -a '^KB' \
	> "$bench/profile/$name.kb" || die "no case is called $profile"
[ -s "$bench/profile/$name.raw" ] ||
	die "QEMU's plugin wrote nothing: $(cat "$bench/profile/$name.kb")"
"$PYTHON3" "$TOP/dev/bench/symbols.py" "$bench/profile/$name" \
	"$product/System.map" "$files/kbench"
