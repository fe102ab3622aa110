// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: /proc/net/knetdemo
 */

#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/seq_file_net.h>
#include <net/net_namespace.h>

#include "knetdemo.h"

/**
 * knd_proc_init - make the files of a namespace
 * @kn: the component in a namespace that is being set up
 *
 * Return: 0 or -ENOMEM.
 */
int __net_init knd_proc_init(struct knd_net *kn)
{
	struct net *net = kn->net;

	kn->proc = proc_net_mkdir(net, "knetdemo", net->proc_net);
	if (!kn->proc)
		return -ENOMEM;
	if (!proc_create_net_single("stats", 0444, kn->proc, knd_stats_show,
				    NULL))
		goto remove;
	if (!proc_create_net_single("udp", 0444, kn->proc, knd_udp_show, NULL))
		goto remove;
	if (knd_monitor_proc_init(kn))
		goto remove;
	return 0;

remove:
	knd_proc_exit(kn);
	return -ENOMEM;
}

/**
 * knd_proc_exit - remove the files of a namespace
 * @kn: the component in a namespace
 *
 * Context: process, &knd_net.lock not held: waits for readers and writers.
 */
void knd_proc_exit(struct knd_net *kn)
{
	remove_proc_subtree("knetdemo", kn->net->proc_net);
}
