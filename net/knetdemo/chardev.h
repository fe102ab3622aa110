/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel networking demonstration and test services: /dev/knetdemo
 */

#ifndef _NET_KNETDEMO_CHARDEV_H
#define _NET_KNETDEMO_CHARDEV_H

struct knd_net;

int knd_chardev_init(void);
void knd_chardev_exit(void);
void knd_chardev_net_init(struct knd_net *kn);
void knd_chardev_pre_exit(struct knd_net *kn);

#endif /* _NET_KNETDEMO_CHARDEV_H */
