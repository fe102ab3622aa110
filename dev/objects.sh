# shellcheck shell=bash
# Objects of net/knetdemo alone, for lint.sh and patches.sh: compiled with flags
# of their own, without building a kernel and without disturbing kernel.sh.

# The architecture and the compiler, for all functions here
KARCH=x86_64
KCROSS=
KCC=$(kcc)
# As a module (m) or built in (y)
KMODE=m

# kmake TREE OBJECTS ARGUMENTS...
kmake()
{
	local tree=$1 objects=$2
	shift 2

	make -C "$tree" "O=$objects" "ARCH=$KARCH" "CROSS_COMPILE=$KCROSS" \
		"CC=$KCC" "PYTHON3=$PYTHON3" "-j$(nproc)" W=1 "$@"
}

# tinyconfig with the options of files, where the kernel has them. KNETDEMO
# and the KUnit tests are taken or it fails.
# configure_objects TREE OBJECTS FILES...
configure_objects()
{
	local tree=$1 objects=$2 wanted=$2/.knetdemo-wanted
	shift 2

	mkdir -p "$objects"
	{
		cat "$@"
		echo CONFIG_KNETDEMO=$KMODE
		echo CONFIG_KNETDEMO_KUNIT_TEST=y
	} > "$wanted.new"
	if ! cmp -s "$wanted.new" "$wanted" || [ ! -f "$objects/.config" ]; then
		rm -f "$wanted"
		kmake "$tree" "$objects" tinyconfig
		mv "$wanted.new" "$wanted"
	fi
	# All of it each time: an older tree had no option for the tests
	cat "$wanted" >> "$objects/.config"
	kmake "$tree" "$objects" olddefconfig
	grep -qx CONFIG_KNETDEMO=$KMODE "$objects/.config"
}

# Compile every file of net/knetdemo. What is found goes to the standard output
# in a way that "stage" shows: a warning is an error, and so is the name of a
# function that no file has.
# compile_objects TREE OBJECTS [ARGUMENTS...]
compile_objects()
{
	local log=$2/.knetdemo-compile missing

	# Made from scratch, as make says nothing about what is up to date
	rm -rf "$2/net/knetdemo"
	kmake "$@" net/knetdemo/ 2>&1 | tee "$log" || return 1
	! grep -q 'warning:' "$log" || return 1
	missing=$("${KCROSS}nm" -u "$2/net/knetdemo/knetdemo.o" |
		  sed -n 's/.* \(knd_.*\)/ERROR: undefined reference to \1/p') ||
		return 1
	[ -z "$missing" ] || { echo "$missing"; return 1; }
}
