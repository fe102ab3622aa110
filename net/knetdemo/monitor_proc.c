// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: files of the monitor,
 * /proc/net/knetdemo/filter and /proc/net/knetdemo/connections
 */

#include <linux/module.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/poll.h>
#include <linux/proc_fs.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/string_helpers.h>
#include <linux/time64.h>
#include <linux/user_namespace.h>
#include <net/net_namespace.h>

#include "knetdemo.h"
#include "monitor_filter.h"
#include "monitor_parse.h"
#include "monitor_ring.h"
#include "procfs.h"

static int knd_filter_show(struct seq_file *seq, void *v)
{
	struct knd_net *kn = knd_proc_kn(seq);
	const struct knd_filter *filter;
	int i;

	seq_printf(seq, "%10s %20s %s\n", "ID", "HITS", "RULE");

	mutex_lock(&kn->lock);
	filter = rcu_dereference_protected(kn->mon.filter,
					   lockdep_is_held(&kn->lock));
	for (i = 0; filter && i < filter->n; i++) {
		const struct knd_rule *rule = &filter->rule[i];

		seq_printf(seq, "%10u %20llu ", rule->id,
			   (u64)atomic64_read(&filter->hits[i]));
		if (i < filter->n4)
			seq_printf(seq, "%pI4/%u", &rule->addr.ip, rule->plen);
		else
			seq_printf(seq, "%pI6c/%u", &rule->addr.in6,
				   rule->plen);
		if (rule->port_min == rule->port_max)
			seq_printf(seq, " %u", rule->port_min);
		else if (rule->port_min || rule->port_max != U16_MAX)
			seq_printf(seq, " %u-%u", rule->port_min,
				   rule->port_max);
		seq_putc(seq, '\n');
	}
	mutex_unlock(&kn->lock);
	return 0;
}

static const struct seq_operations knd_filter_ops = {
	.start	= knd_proc_single_start,
	.next	= knd_proc_single_next,
	.stop	= knd_proc_single_stop,
	.show	= knd_filter_show,
};

static int knd_filter_open(struct inode *inode, struct file *file)
{
	return knd_proc_open(inode, file, &knd_filter_ops,
			     sizeof(struct knd_proc));
}

static ssize_t knd_filter_write(struct file *file, const char __user *from,
				size_t size, loff_t *pos)
{
	return knd_proc_write(file, from, size, knd_monitor_filter);
}

static const struct proc_ops knd_filter_fops = {
	.proc_open	= knd_filter_open,
	.proc_read_iter	= seq_read_iter,
	.proc_write	= knd_filter_write,
	.proc_lseek	= seq_lseek,
	.proc_release	= knd_proc_release,
};

/* Differs from each count, so that the first listing always ends with one */
#define KND_LOST_UNKNOWN	U64_MAX

/**
 * struct knd_connections - an open file "connections"
 * @p: the namespace; the first member, as knd_proc_open() requires
 * @first: the reader does not want attempts up to this sequence number
 * @last: number of the latest attempt when this listing began
 * @read: how many records the reader got
 * @lost: number of lost attempts in the latest line with a count, or
 *	KND_LOST_UNKNOWN before there was one
 * @ended: read() returned 0 for this listing
 * @rec: the record that was found last; its number is 0 where there is none
 *
 * The position in the file is 0 for the header, the number of a record, or the
 * last number plus 1 for the count. A reader that continues behind the end gets
 * a listing of the attempts since then, so the file can be followed.
 *
 * &seq_file.lock protects all members.
 */
struct knd_connections {
	struct knd_proc p;
	u64 first;
	u64 last;
	u64 read;
	u64 lost;
	bool ended;
	struct knd_record rec;
};

static u64 knd_connections_lost(const struct knd_connections *c)
{
	return c->last - c->first - c->read;
}

/*
 * Find the first record from *pos on, and move *pos to it. Returns the record,
 * &c->last for the count, or NULL where there is nothing new to print.
 */
static void *knd_connections_find(struct seq_file *seq, loff_t *pos)
{
	struct knd_net *kn = knd_proc_kn(seq);
	struct knd_connections *c = seq->private;
	struct knd_ring *ring;
	u64 n = *pos;
	int err;

	ring = rcu_dereference_protected(kn->mon.ring,
					 lockdep_is_held(&kn->lock));
	if (ring && c->last > ring->size)
		n = max(n, c->last - ring->size + 1);
	for (; ring && n <= c->last; n++) {
		/* Nothing preempts the writer, so it is done soon: spin */
		while ((err = knd_ring_get(ring, n, &c->rec)) == -EAGAIN)
			cpu_relax();
		if (!err)
			break;
		cond_resched();
	}
	*pos = n;
	if (n > c->last) {
		c->rec.seq = 0;
		if (knd_connections_lost(c) != c->lost)
			return &c->last;
		/* Nothing more was lost: no count */
		++*pos;
		return NULL;
	}
	c->read++;
	return &c->rec;
}

static void *knd_connections_start(struct seq_file *seq, loff_t *pos)
{
	struct knd_net *kn = knd_proc_kn(seq);
	struct knd_connections *c = seq->private;
	u64 latest = atomic64_read(&kn->mon.attempts);

	/* The ring must not be replaced until knd_connections_stop() */
	mutex_lock(&kn->lock);
	if (!*pos) {
		c->first = 0;
		c->last = latest;
		c->read = 0;
		c->lost = KND_LOST_UNKNOWN;
		c->ended = false;
		c->rec.seq = 0;
		return SEQ_START_TOKEN;
	}
	if (*pos > c->last + 1) {
		/*
		 * read() returns 0 once after each listing, so that cat ends
		 * even while connections are made.
		 */
		if (!c->ended || latest == c->last) {
			c->ended = true;
			return NULL;
		}
		c->lost = knd_connections_lost(c);
		c->ended = false;
		*pos = c->last + 1;
		c->last = latest;
	}
	/* It was found before, but the buffer had no room for its line */
	if (c->rec.seq == *pos)
		return &c->rec;
	return knd_connections_find(seq, pos);
}

static void *knd_connections_next(struct seq_file *seq, void *v, loff_t *pos)
{
	struct knd_connections *c = seq->private;

	++*pos;
	return v == &c->last ? NULL : knd_connections_find(seq, pos);
}

static void knd_connections_stop(struct seq_file *seq, void *v)
{
	mutex_unlock(&knd_proc_kn(seq)->lock);
}

/* The letters are those of tcpdump */
static const char *knd_connections_flags(u16 flags, char buf[10])
{
	static const char letters[] = "FSRPAUEWe";
	int i, n = 0;

	for (i = 0; letters[i]; i++)
		if (flags & BIT(i))
			buf[n++] = letters[i];
	buf[n] = '\0';
	return buf;
}

/* Number of the process in a pid namespace, or 0 if it is not in that */
static pid_t knd_connections_pid(const struct knd_record *rec,
				 const struct pid_namespace *ns)
{
	int i;

	if (ns == &init_pid_ns)
		return rec->pid;
	for (i = 0; i < KND_PID_LEVELS; i++)
		if (rec->pids[i].ns == ns->ns.inum)
			return rec->pids[i].nr;
	return 0;
}

#define KND_ORIGIN_NAME(origin, name)	name,

static int knd_connections_show(struct seq_file *seq, void *v)
{
	static const char * const origins[] = {
		KND_ORIGINS(KND_ORIGIN_NAME, KND_ORIGIN_NAME)
	};
	char src[sizeof("[]:65535") + INET6_ADDRSTRLEN];
	char dst[sizeof("[]:65535") + INET6_ADDRSTRLEN];
	struct knd_connections *c = seq->private;
	const struct knd_record *rec = v;
	struct sockaddr_in6 saddr, daddr;
	char flags[10], pid[12] = "-", rule[12] = "-";
	time64_t sec;
	u32 nsec;

	if (v == SEQ_START_TOKEN) {
		seq_printf(seq, "%12s %-27s %-47s %-47s %-6s %10s %7s %-15s %10s %-8s %5s %10s %s\n",
			   "SEQ", "TIME", "SOURCE", "DESTINATION", "FROM",
			   "UID", "PID", "DEV", "MARK", "FLAGS", "DATA", "RULE",
			   "COMM");
		return 0;
	}
	if (v == &c->last) {
		seq_printf(seq, "# attempts %llu read %llu lost %llu\n",
			   c->last, c->read, knd_connections_lost(c));
		return 0;
	}

	sec = div_u64_rem(rec->time, NSEC_PER_SEC, &nsec);
	knd_flow_sockaddrs(&rec->flow, &saddr, &daddr);
	snprintf(src, sizeof(src), "%pISpc", &saddr);
	snprintf(dst, sizeof(dst), "%pISpc", &daddr);
	if (rec->pid)
		snprintf(pid, sizeof(pid), "%d",
			 knd_connections_pid(rec, task_active_pid_ns(current)));
	if (rec->rule)
		snprintf(rule, sizeof(rule), "%u", rec->rule);
	seq_printf(seq, "%12llu %ptT.%06uZ %-47s %-47s %-6s %10u %7s %-15s 0x%08x %-8s %5u %10s ",
		   rec->seq, &sec, nsec / (u32)NSEC_PER_USEC, src, dst,
		   origins[rec->origin],
		   from_kuid_munged(seq_user_ns(seq), rec->uid), pid, rec->dev,
		   rec->mark, knd_connections_flags(rec->flow.flags, flags),
		   rec->flow.data, rule);
	if (rec->pid && *rec->comm)
		seq_escape_str(seq, rec->comm,
			       ESCAPE_NAP | ESCAPE_HEX | ESCAPE_APPEND, " \\");
	else
		seq_putc(seq, '-');
	seq_putc(seq, '\n');
	return 0;
}

static const struct seq_operations knd_connections_ops = {
	.start	= knd_connections_start,
	.next	= knd_connections_next,
	.stop	= knd_connections_stop,
	.show	= knd_connections_show,
};

static int knd_connections_open(struct inode *inode, struct file *file)
{
	int err;

	/*
	 * poll() leaves entries in &knd_monitor.wait. The open file holds the
	 * namespace, but unloading the module frees &struct knd_net of all
	 * namespaces, so it must hold the module as well.
	 */
	if (!try_module_get(THIS_MODULE))
		return -ENXIO;
	err = knd_proc_open(inode, file, &knd_connections_ops,
			    sizeof(struct knd_connections));
	if (err)
		module_put(THIS_MODULE);
	return err;
}

static int knd_connections_release(struct inode *inode, struct file *file)
{
	knd_proc_release(inode, file);
	module_put(THIS_MODULE);
	return 0;
}

/* Readable until read() has returned 0, and then when there is a new record */
static __poll_t knd_connections_poll(struct file *file,
				     struct poll_table_struct *wait)
{
	struct seq_file *seq = file->private_data;
	struct knd_connections *c = seq->private;
	struct knd_monitor *mon = &c->p.kn->mon;
	__poll_t mask = 0;

	poll_wait(file, &mon->wait, wait);
	/*
	 * Queue the entry before reading @attempts. Pairs with
	 * atomic64_inc_return(), which the hook does before it looks for
	 * entries. Without both, a record could come without a wake-up.
	 */
	smp_mb();
	mutex_lock(&seq->lock);
	if (!c->ended || (u64)atomic64_read(&mon->attempts) != c->last)
		mask = EPOLLIN | EPOLLRDNORM;
	mutex_unlock(&seq->lock);
	return mask;
}

/*
 * SEEK_HOLE with offset 0 skips all records so far. It returns 0, as the seeks
 * of /dev/kmsg do: offsets count the bytes that were read. SEEK_END is an
 * error, since tail would take the result for the size of an empty file.
 */
static loff_t knd_connections_lseek(struct file *file, loff_t offset,
				    int whence)
{
	struct seq_file *seq = file->private_data;
	struct knd_connections *c = seq->private;
	struct knd_monitor *mon = &c->p.kn->mon;

	if (whence == SEEK_SET && !offset) {
		/* seq_lseek() does nothing where the offset is 0 already */
		mutex_lock(&seq->lock);
		seq->index = 0;
		seq->count = 0;
		seq->from = 0;
		seq->read_pos = 0;
		c->ended = false;
		file->f_pos = 0;
		mutex_unlock(&seq->lock);
		return 0;
	}
	if (whence != SEEK_HOLE)
		return seq_lseek(file, offset, whence);
	if (offset)
		return -ENXIO;

	mutex_lock(&seq->lock);
	c->last = atomic64_read(&mon->attempts);
	c->first = c->last;
	c->read = 0;
	c->lost = 0;
	c->ended = true;
	c->rec.seq = 0;
	seq->index = c->last + 2;
	seq->count = 0;
	seq->from = 0;
	/* At offset 0 seq_read_iter() would start from the header */
	seq->read_pos = 1;
	file->f_pos = 1;
	mutex_unlock(&seq->lock);
	return 0;
}

static const struct proc_ops knd_connections_fops = {
	.proc_open	= knd_connections_open,
	.proc_read_iter	= seq_read_iter,
	.proc_lseek	= knd_connections_lseek,
	.proc_poll	= knd_connections_poll,
	.proc_release	= knd_connections_release,
};

/**
 * knd_monitor_proc_init - make the files of the monitor
 * @kn: the component in a namespace that is being set up
 *
 * Context: process.
 * Return: 0 or -ENOMEM. The files are removed with &knd_net.proc.
 */
int __net_init knd_monitor_proc_init(struct knd_net *kn)
{
	if (!proc_create_data("filter", 0600, kn->proc, &knd_filter_fops, kn))
		return -ENOMEM;
	if (!proc_create_data("connections", 0400, kn->proc,
			      &knd_connections_fops, kn))
		return -ENOMEM;
	return 0;
}
