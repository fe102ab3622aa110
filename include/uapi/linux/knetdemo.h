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

#define KNETDEMO_UDP_MAGIC	0x6b6e6475	/* "kndu" */

/*
 * In front of each datagram where udp_stamp is 1, in network byte order. What
 * a run sends has the numbers 0, 1, 2, ... whether the stack took it or not.
 */
struct knetdemo_udp_stamp {
	__be32 magic;	/* KNETDEMO_UDP_MAGIC */
	__be32 run;	/* number of the run in its network namespace */
	__be64 seq;	/* number of the datagram in the run */
	__be64 tx_ns;	/* CLOCK_REALTIME just before the send, in ns */
};

#endif /* _UAPI_LINUX_KNETDEMO_H */
