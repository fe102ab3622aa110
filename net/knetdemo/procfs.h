/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel networking demonstration and test services: /proc/net/knetdemo
 */

#ifndef _NET_KNETDEMO_PROCFS_H
#define _NET_KNETDEMO_PROCFS_H

#include <linux/seq_file.h>
#include <linux/types.h>
#include <net/net_trackers.h>

struct file;
struct inode;
struct knd_net;

/**
 * struct knd_proc - first part of the private data of an open file
 * @kn: the component in the namespace of the file
 * @tracker: tracks the reference that the file holds to that namespace
 */
struct knd_proc {
	struct knd_net *kn;
	netns_tracker tracker;
};

static inline struct knd_net *knd_proc_kn(const struct seq_file *seq)
{
	return ((const struct knd_proc *)seq->private)->kn;
}

int knd_proc_open(struct inode *inode, struct file *file,
		  const struct seq_operations *ops, size_t size);
int knd_proc_release(struct inode *inode, struct file *file);
ssize_t knd_proc_write(struct file *file, const char __user *from, size_t size,
		       int (*write)(struct knd_net *kn, char *text));
void *knd_proc_single_start(struct seq_file *seq, loff_t *pos);
void *knd_proc_single_next(struct seq_file *seq, void *v, loff_t *pos);
void knd_proc_single_stop(struct seq_file *seq, void *v);
int knd_proc_init(struct knd_net *kn);
void knd_proc_exit(struct knd_net *kn);

/* monitor_proc.c */
int knd_monitor_proc_init(struct knd_net *kn);

#endif /* _NET_KNETDEMO_PROCFS_H */
