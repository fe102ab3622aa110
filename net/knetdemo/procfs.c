// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: /proc/net/knetdemo
 */

#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/seq_file_net.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <net/net_namespace.h>

#include "access.h"
#include "knetdemo.h"
#include "procfs.h"
#include "tcp_conn.h"
#include "text.h"

/**
 * knd_proc_open - open a file that shows which hosts communicate
 * @inode: inode of the file
 * @file: file
 * @ops: operations that print the content
 * @size: size of the private data, which begins with a &struct knd_proc
 *
 * The open file holds the namespace until knd_proc_release().
 *
 * Context: process. procfs does not remove the file until this returns.
 * Return: 0, -EPERM without CAP_NET_ADMIN over the namespace, -ENXIO where the
 * namespace is being dismantled, or -ENOMEM.
 */
int knd_proc_open(struct inode *inode, struct file *file,
		  const struct seq_operations *ops, size_t size)
{
	struct knd_net *kn = pde_data(inode);
	struct knd_proc *p;

	if (!knd_may_look(kn))
		return -EPERM;
	if (!maybe_get_net(kn->net))
		return -ENXIO;
	p = __seq_open_private(file, ops, size);
	if (!p) {
		put_net(kn->net);
		return -ENOMEM;
	}
	p->kn = kn;
	netns_tracker_alloc(kn->net, &p->tracker, GFP_KERNEL);
	return 0;
}

/**
 * knd_proc_release - close a file of knd_proc_open()
 * @inode: inode of the file
 * @file: file
 *
 * Context: process.
 * Return: 0.
 */
int knd_proc_release(struct inode *inode, struct file *file)
{
	struct seq_file *seq = file->private_data;
	struct knd_proc *p = seq->private;

	put_net_track(p->kn->net, &p->tracker);
	return seq_release_private(inode, file);
}

/**
 * knd_proc_write - write to a file of knd_proc_open()
 * @file: file
 * @from: text in user memory
 * @size: length of the text, which is less than a page
 * @write: takes a copy of the text, with a NUL at its end, which it may
 *	overwrite; returns 0 or -errno
 *
 * Context: process.
 * Return: @size; -EPERM where the opener of @file may not configure, -EINVAL
 * for an empty or too long text or one with a NUL, -EFAULT, -ENOMEM, or what
 * @write returned.
 */
ssize_t knd_proc_write(struct file *file, const char __user *from, size_t size,
		       int (*write)(struct knd_net *kn, char *text))
{
	struct knd_net *kn = knd_proc_kn(file->private_data);
	char *text;
	int err;

	if (!knd_may_configure(kn, file))
		return -EPERM;
	if (!size || size >= PAGE_SIZE)
		return -EINVAL;
	text = memdup_user_nul(from, size);
	if (IS_ERR(text))
		return PTR_ERR(text);
	err = strlen(text) == size ? write(kn, text) : -EINVAL;
	kfree(text);
	return err ?: size;
}

/**
 * knd_proc_single_start - start of a file that is printed as a whole
 * @seq: file
 * @pos: position
 *
 * Return: SEQ_START_TOKEN at the beginning, else NULL.
 */
void *knd_proc_single_start(struct seq_file *seq, loff_t *pos)
{
	return *pos ? NULL : SEQ_START_TOKEN;
}

/**
 * knd_proc_single_next - end of a file that is printed as a whole
 * @seq: file
 * @v: unused
 * @pos: position
 *
 * Return: NULL.
 */
void *knd_proc_single_next(struct seq_file *seq, void *v, loff_t *pos)
{
	++*pos;
	return NULL;
}

/**
 * knd_proc_single_stop - nothing to unlock after such a file
 * @seq: file
 * @v: unused
 */
void knd_proc_single_stop(struct seq_file *seq, void *v)
{
}

static void *knd_proc_tcp_find(struct seq_file *seq, loff_t *pos)
{
	struct knd_net *kn = knd_proc_kn(seq);
	struct knd_conn *c;
	u32 id = *pos;

	if (*pos > INT_MAX)
		return NULL;
	c = knd_conn_next(kn, &id);
	*pos = id;
	return c;
}

/* The position is the number of a connection, or 0 for the header */
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

static int knd_proc_tcp_open(struct inode *inode, struct file *file)
{
	return knd_proc_open(inode, file, &knd_proc_tcp_ops,
			     sizeof(struct knd_proc));
}

/* "kill ID" or "kill all" */
static int knd_proc_tcp_verb(struct knd_net *kn, char *text)
{
	u32 id = 0;	/* all */
	char *word;

	text = strim(text);
	word = knd_text_word(&text);
	if (!word || strcmp(word, "kill"))
		return -EINVAL;
	word = knd_text_word(&text);
	if (!word || knd_text_word(&text))
		return -EINVAL;
	if (strcmp(word, "all") && knd_text_number(word, 10, 1, U32_MAX, &id))
		return -EINVAL;
	return knd_conn_kill(kn, id);
}

static ssize_t knd_proc_tcp_write(struct file *file, const char __user *from,
				  size_t size, loff_t *pos)
{
	return knd_proc_write(file, from, size, knd_proc_tcp_verb);
}

static const struct proc_ops knd_proc_tcp_fops = {
	.proc_open	= knd_proc_tcp_open,
	.proc_read_iter	= seq_read_iter,
	.proc_write	= knd_proc_tcp_write,
	.proc_lseek	= seq_lseek,
	.proc_release	= knd_proc_release,
};

static const struct seq_operations knd_proc_ftp_ops = {
	.start	= knd_proc_single_start,
	.next	= knd_proc_single_next,
	.stop	= knd_proc_single_stop,
	.show	= knd_ftp_show,
};

static int knd_proc_ftp_open(struct inode *inode, struct file *file)
{
	return knd_proc_open(inode, file, &knd_proc_ftp_ops,
			     sizeof(struct knd_proc));
}

static const struct proc_ops knd_proc_ftp_fops = {
	.proc_open	= knd_proc_ftp_open,
	.proc_read_iter	= seq_read_iter,
	.proc_lseek	= seq_lseek,
	.proc_release	= knd_proc_release,
};

/**
 * knd_proc_init - make the files of a namespace
 * @kn: the component in a namespace that is being set up
 *
 * Context: process.
 * Return: 0 or -ENOMEM; then there are none.
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
	if (!proc_create_data("tcp", 0600, kn->proc, &knd_proc_tcp_fops, kn))
		goto remove;
	if (!proc_create_net_single("udp", 0444, kn->proc, knd_udp_show, NULL))
		goto remove;
	if (knd_monitor_proc_init(kn))
		goto remove;
	if (!proc_create_data("ftp", 0400, kn->proc, &knd_proc_ftp_fops, kn))
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
 * Context: process, without &knd_net.lock: this waits for readers and writers,
 * which take it.
 */
void knd_proc_exit(struct knd_net *kn)
{
	remove_proc_subtree("knetdemo", kn->net->proc_net);
}
