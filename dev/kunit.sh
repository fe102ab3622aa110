#!/bin/bash
# Run the KUnit suites under User Mode Linux, as kunit.py does it for anyone.
# kunit.sh JSON-RESULT
# kunit.sh -p LOG JSON-RESULT: only parse what another kernel's KUnit said

# shellcheck source=dev/lib.sh
. "$(dirname "$0")/lib.sh"

src=$("$TOP/dev/source.sh")
if [ "${1:-}" = -p ]; then
	# Its status is 0 if all passed
	"$PYTHON3" "$src/tools/testing/kunit/kunit.py" parse --json="$3" "$2"
	exit
fi
result=$1
lock "build-$(tree_name "$src")-uml"
tree=$("$TOP/dev/tree.sh" "$src" uml)
cd "$tree"
# What UML has by default and these suites do not need
without=(--kconfig_add=CONFIG_EXPERT=y --kconfig_add=CONFIG_CC_OPTIMIZE_FOR_SIZE=y)
for option in AIO BLOCK COMPACTION COREDUMP DNOTIFY ETHERNET ETHTOOL_NETLINK FW_LOADER \
	HID_SUPPORT HW_RANDOM HWMON INOTIFY_USER INPUT IO_URING IPV6_SIT LEGACY_PTYS \
	PTP_1588_CLOCK SECCOMP SERIO SUSPEND UML_PCI_OVER_VIRTIO USB_SUPPORT \
	VIRTIO_UML WIRELESS WLAN; do
	without+=("--kconfig_add=CONFIG_$option=n")
done
"$PYTHON3" tools/testing/kunit/kunit.py run --kunitconfig=net/knetdemo \
	--build_dir="$CACHE/build/$(tree_name "$src")-uml" --jobs="$(nproc)" \
	"${without[@]}" --make_options="CC=$(kcc)" --json="$result"
