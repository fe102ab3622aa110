# shellcheck shell=bash
# What the scripts of the exercises share

# shellcheck source=dev/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

LAB=$TOP/dev/lab
SAMPLES=$TOP/samples/knetdemo
WORK=$TOP/build/lab
mkdir -p "$WORK"

# The exercises, as "4-accept"
exercises() { (cd "$SAMPLES" && ls [0-9]*.c) | sed 's/\.c$//' | sort -n; }

# The exercise that "4", "accept" or "4-accept" stands for
# exercise_name WHAT
exercise_name()
{
	local name

	while read -r name; do
		case $1 in
		"$name" | "${name%%-*}" | "${name#*-}")
			echo "$name"
			return
			;;
		esac
	done < <(exercises)
	die "N=$1 is no exercise: $(exercises | tr '\n' ' ')"
}

# Its module, as "knd-sample-accept"
module_of() { echo "knd-sample-${1#*-}"; }

# The skeleton of an exercise, on standard output
skeleton() { (cd "$SAMPLES" && awk -f "$LAB/skeleton.awk" "$1.c"); }

# The guest's kernel, with what modules are built against and without knetdemo,
# whose build a student need not wait for: a directory like dev/kernel.sh's
# lab_product KIND
lab_product()
{
	local kind=$1 distro rc=0 out=$WORK/product

	case $kind in
	auto | distro)
		distro=$("$TOP/dev/distro.sh" --kernel) || rc=$?
		;;
	*) rc=3 ;;
	esac
	if [ "$rc" -eq 3 ]; then
		"$TOP/dev/kernel.sh" "$kind" m
		return
	fi
	[ "$rc" -eq 0 ] || exit "$rc"
	mkdir -p "$out"
	ln -sfn "$distro/bzImage" "$out/bzImage"
	ln -sfn "$distro/root/usr/src/linux-headers-$(basename "$distro")" \
		"$out/headers"
	echo lab > "$out/kind"
	# Nothing is loaded but the student's module
	echo y > "$out/mode"
	echo "$out"
}

# The program that checks, for the guest
build_checker()
{
	local out=$WORK/labcheck

	if [ -n "$(find "$LAB/check" -newer "$out" 2> /dev/null)" ] ||
	   [ ! -x "$out" ]; then
		stage "the checkers" lab-checkers gcc -std=gnu11 -O2 -static \
			-Wall -Wextra -Wno-unused-parameter \
			-Wno-missing-field-initializers -Werror \
			-I"$TOP/include/uapi" -o "$out" "$LAB"/check/*.c
	fi
}

# Put a solution where it is built as a module
# place DIR EXERCISE FILE NAME
place()
{
	local dir=$1 exercise=$2 file=$3 name=$4

	mkdir -p "$dir"
	cmp -s "$file" "$dir/$exercise.c" || cp "$file" "$dir/$exercise.c"
	kbuild_file "$exercise" "$name" > "$dir/Kbuild.new"
	cmp -s "$dir/Kbuild.new" "$dir/Kbuild" &&
		rm "$dir/Kbuild.new" || mv "$dir/Kbuild.new" "$dir/Kbuild"
}

# Its Kbuild file. Parts that are still to be written leave names unused.
# kbuild_file EXERCISE NAME
kbuild_file()
{
	cat <<- KBUILD
	obj-m := $2.o
	$2-y := $1.o
	ccflags-y += -Wno-unused-variable -Wno-unused-but-set-variable
	ccflags-y += -Wno-unused-function -Wno-unused-label
	KBUILD
}

# Build the modules of directories, as far as they compile; fails where one does
# not. What the compiler says is in DIR/log, the modules are where their sources
# are.
# build_modules DIR NAME...
build_modules()
{
	local dir=$1 kernel rc=0 name good=()
	shift

	kernel=$(readlink -f "$PRODUCT/headers")
	printf 'obj-m += %s/\n' "$@" > "$dir/Kbuild"
	if ! make_modules -k > "$dir/log" 2>&1; then
		rc=1
		for name; do
			compgen -G "$dir/$name/*.o" > /dev/null || continue
			good+=("$name")
		done
	fi
	[ "$rc" -eq 0 ] || [ "${#good[@]}" -eq 0 ] || {
		printf 'obj-m += %s/\n' "${good[@]}" > "$dir/Kbuild"
		make_modules > "$dir/log.again" 2>&1 || :
	}
	return "$rc"
}

# make for what build_modules has set up
make_modules()
{
	local cc=gcc name

	if [ -f "$kernel/.kernelvariables" ]; then
		name=$(sed -n 's/^CC = .*\(gcc-[0-9]*\)$/\1/p' \
			"$kernel/.kernelvariables")
		[ -z "$name" ] || ! command -v "$name" > /dev/null || cc=$name
	fi
	make -C "$kernel" "M=$dir" "CC=$(ccached "$cc")" CONFIG_DEBUG_INFO= \
		CONFIG_DEBUG_INFO_BTF_MODULES= \
		"KCPPFLAGS=-I$TOP/include -I$TOP/include/uapi" \
		"-j$(nproc)" "$@" modules
}

# What the compiler said about one of them, with the name of the source
# build_messages DIR NAME SOURCE
build_messages()
{
	sed -n "s,^$1/$2/,$3/,p" "$1/log"
}

# The kernel's source, where the cache has it: a task names lines in it, and a
# student need not wait for it
source_if_there()
{
	local found

	[ -z "$KSRC" ] || { echo "$KSRC"; return; }
	found=$(find "$CACHE/src" -maxdepth 1 -name "linux-$KERNEL.*" \
		! -name '*.tmp' | sort -V | tail -n 1)
	echo "$found"
}
