// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: the monitor's files,
 * /proc/net/knetdemo/filter and /proc/net/knetdemo/connections
 */

#include <linux/capability.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/proc_fs.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/seq_file_net.h>
#include <linux/string.h>
#include <linux/string_helpers.h>
#include <linux/time64.h>
#include <linux/user_namespace.h>
#include <net/net_namespace.h>

#include "knetdemo.h"

static int knd_filter_show(struct seq_file *seq, void *v)
{
	struct knd_net *kn = knd_pernet(seq_file_single_net(seq));
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

static int knd_filter_write(struct file *file, char *text, size_t size)
{
	struct seq_file *seq = file->private_data;
	struct net *net = seq_file_single_net(seq);

	if (net->user_ns != &init_user_ns ||
	    !file_ns_capable(file, net->user_ns, CAP_NET_ADMIN))
		return -EPERM;
	if (strlen(text) != size)
		return -EINVAL;
	return knd_monitor_filter(knd_pernet(net), text);
}

/**
 * struct knd_connections - an open file "connections"
 * @p: for seq_file_net()
 * @last: number of the latest attempt when this listing began
 * @read: how many records were found for it so far
 * @rec: the record found last, &knd_record.seq 0 where there is none
 *
 * The position in the file is 0 for the header, the number of a record, and
 * one more than the last number for the count at the end.
 */
struct knd_connections {
	struct seq_net_private p;
	u64 last;
	u64 read;
	struct knd_record rec;
};

/* Find the first record from *pos on */
static void *knd_connections_find(struct seq_file *seq, loff_t *pos)
{
	struct knd_net *kn = knd_pernet(seq_file_net(seq));
	struct knd_connections *c = seq->private;
	struct knd_ring *ring;
	u64 n = *pos;
	int err;

	ring = rcu_dereference_protected(kn->mon.ring,
					 lockdep_is_held(&kn->lock));
	if (ring && c->last > ring->size)
		n = max(n, c->last - ring->size + 1);
	for (; ring && n <= c->last; n++) {
		/* Whoever has drawn the number is on another CPU now */
		while ((err = knd_ring_get(ring, n, &c->rec)) == -EAGAIN)
			cpu_relax();
		if (!err)
			break;
		cond_resched();
	}
	*pos = n;
	if (n > c->last) {
		c->rec.seq = 0;
		return &c->last;
	}
	c->read++;
	return &c->rec;
}

static void *knd_connections_start(struct seq_file *seq, loff_t *pos)
{
	struct knd_net *kn = knd_pernet(seq_file_net(seq));
	struct knd_connections *c = seq->private;

	/* Keeps the ring, and keeps it complete */
	mutex_lock(&kn->lock);
	if (!*pos) {
		c->last = atomic64_read(&kn->mon.attempts);
		c->read = 0;
		c->rec.seq = 0;
		return SEQ_START_TOKEN;
	}
	if (*pos > c->last + 1)
		return NULL;
	/* Found before, but there was no more room for it */
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
	mutex_unlock(&knd_pernet(seq_file_net(seq))->lock);
}

/* As tcpdump writes them */
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

/* Number of the process in a pid namespace, 0 where it does not appear there */
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

static int knd_connections_show(struct seq_file *seq, void *v)
{
	static const char * const origins[] = {
		[KND_ORIGIN_USER]	= "user",
		[KND_ORIGIN_KERNEL]	= "kernel",
		[KND_ORIGIN_RAW]	= "raw",
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
			   c->last, c->read, c->last - c->read);
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
	if (rec->pid)
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

/**
 * knd_monitor_proc_init - make the monitor's files
 * @kn: the component in a namespace that is being set up
 *
 * They show who talks to whom: for root only.
 *
 * Return: 0 or -ENOMEM. They go with &knd_net.proc.
 */
int __net_init knd_monitor_proc_init(struct knd_net *kn)
{
	if (!proc_create_net_single_write("filter", 0600, kn->proc,
					  knd_filter_show, knd_filter_write,
					  NULL))
		return -ENOMEM;
	if (!proc_create_net("connections", 0400, kn->proc,
			     &knd_connections_ops,
			     sizeof(struct knd_connections)))
		return -ENOMEM;
	return 0;
}
