# shellcheck shell=bash
# The same work for each processor, on one, two and four; part of bench.sh.
# shellcheck disable=SC2154 # what bench.sh has set
#
# Instructions and cache lines are counted by lines.c. Times are those of boots
# without it, on as many processors as the host has.

case $(qemu-system-x86_64 --version) in
*"version "[0-8].*) plugin_version=1 ;;
*) plugin_version=2 ;;
esac

plugin()
{
	gcc -O2 -Wall -Wextra -shared -fPIC -fvisibility=hidden \
		"-DPLUGIN_VERSION=$plugin_version" \
		-o "$bench/lines.so" "$TOP/dev/bench/lines.c"
}
stage "plugin" bench-lines plugin

# boot_cpus N COUNTED: with "counted" the plugin looks on
boot_cpus()
{
	local out=$bench/raw/cpus/$1-${2:-time} plugin=()

	[ -z "${2:-}" ] ||
		plugin=(-p "$bench/lines.so,map=$product/System.map,out=$out.lines")
	say "$(printf '  %d processors, %-10s %27d s' "$1" "${2:-time}" \
		$((SECONDS - start)))"
	# QEMU can miss that a processor changes code which another one executes,
	# and the kernel dies of the breakpoint that it put there: boot again
	for _ in 1 2 3; do
		ACCEL=tcg CPUS=$1 "$TOP/dev/vm.sh" -k release \
			-n "bench-cpus-$1" -f "$files" "${plugin[@]}" -t 900 -- \
			"bash /files/guest.sh cpus:all '${CASES:-*}' 1 -t" \
			> "$out.tmp" 2> "$out.err" && break
		say "  $1 processors: $(tail -n 1 "$out.err")"
	done
	grep -a '^KB' "$out.tmp" > "$out" || :
	rm -f "$out.tmp"
	[ -s "$out.err" ] || rm -f "$out.err"
}

rm -rf "$bench/raw/cpus"
mkdir -p "$bench/raw/cpus"
for n in 1 2 4; do
	boot_cpus "$n" counted
	[ "$n" -gt "$(nproc)" ] || boot_cpus "$n"
done
"$PYTHON3" "$TOP/dev/bench/cpus.py" "$bench/raw/cpus" 1 2 4
say "  $((SECONDS - start)) s in all"
