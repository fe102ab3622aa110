/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Kernel networking demonstration and test services: /dev/knetdemo
 *
 * The device works on the network namespace in which it was opened.
 */

#ifndef _UAPI_LINUX_KNETDEMO_H
#define _UAPI_LINUX_KNETDEMO_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define KNETDEMO_IOC_MAGIC	0xDE

/*
 * Show only connections to this IPv4 address (network byte order);
 * INADDR_ANY shows all again. Replaces what was filtered before.
 */
#define KNETDEMO_IOC_FILTER_ADDRESS	_IOW(KNETDEMO_IOC_MAGIC, 0x01, __be32)

#endif /* _UAPI_LINUX_KNETDEMO_H */
