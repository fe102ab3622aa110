// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: /proc/net/knetdemo
 */

#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/seq_file_net.h>
#include <linux/string.h>
#include <linux/user_namespace.h>
#include <net/net_namespace.h>

#include "knetdemo.h"

static void *knd_proc_tcp_find(struct seq_file *seq, loff_t *pos)
{
	struct knd_net *kn = knd_pernet(seq_file_net(seq));
	struct knd_conn *c;
	u32 id = *pos;

	if (*pos > INT_MAX)
		return NULL;
	c = knd_conn_next(kn, &id);
	*pos = id;
	return c;
}

/* Positions are the numbers of connections, 0 is the heading */
static void *knd_proc_tcp_start(struct seq_file *seq, loff_t *pos)
{
	return *pos ? knd_proc_tcp_find(seq, pos) : SEQ_START_TOKEN;
}

static void *knd_proc_tcp_next(struct seq_file *seq, void *v, loff_t *pos)
{
	if (v != SEQ_START_TOKEN)
		knd_conn_put(v);
	++*pos;
	return knd_proc_tcp_find(seq, pos);
}

static void knd_proc_tcp_stop(struct seq_file *seq, void *v)
{
	if (v && v != SEQ_START_TOKEN)
		knd_conn_put(v);
}

static int knd_proc_tcp_show(struct seq_file *seq, void *v)
{
	if (v == SEQ_START_TOKEN)
		seq_puts(seq, "id service local peer state in out age_ms idle_ms\n");
	else
		knd_conn_show(seq, v);
	return 0;
}

static const struct seq_operations knd_proc_tcp_ops = {
	.start	= knd_proc_tcp_start,
	.next	= knd_proc_tcp_next,
	.stop	= knd_proc_tcp_stop,
	.show	= knd_proc_tcp_show,
};

/* "kill ID" or "kill all" */
static int knd_proc_tcp_write(struct file *file, char *buf, size_t size)
{
	struct net *net = seq_file_net(file->private_data);
	char *verb, *word;
	u32 id = 0;

	if (net->user_ns != &init_user_ns ||
	    !file_ns_capable(file, net->user_ns, CAP_NET_ADMIN))
		return -EPERM;

	if (strlen(buf) != size)
		return -EINVAL;
	verb = strim(buf);
	word = strpbrk(verb, " \t");
	if (!word)
		return -EINVAL;
	*word++ = '\0';
	word = skip_spaces(word);
	if (strcmp(verb, "kill"))
		return -EINVAL;
	if (strcmp(word, "all") && (kstrtou32(word, 10, &id) || !id))
		return -EINVAL;
	return knd_conn_kill(knd_pernet(net), id);
}

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
	if (!proc_create_net_data_write("tcp", 0600, kn->proc,
					&knd_proc_tcp_ops, knd_proc_tcp_write,
					sizeof(struct seq_net_private), NULL))
		goto remove;
	if (!proc_create_net_single("udp", 0444, kn->proc, knd_udp_show, NULL))
		goto remove;
	if (knd_monitor_proc_init(kn))
		goto remove;
	if (!proc_create_net_single("ftp", 0400, kn->proc, knd_ftp_show, NULL))
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
