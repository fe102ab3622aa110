/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel networking demonstration and test services: the connection monitor
 *
 * monitor_parse.c says what a packet is, monitor_filter.c whether a rule
 * matches it, and monitor_ring.c keeps the records. monitor.c is the hook that
 * calls them in this order; monitor_proc.c has the files.
 */

#ifndef _NET_KNETDEMO_MONITOR_H
#define _NET_KNETDEMO_MONITOR_H

#include <linux/atomic.h>
#include <linux/netfilter.h>
#include <linux/ratelimit_types.h>
#include <linux/rcupdate.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

struct knd_filter;
struct knd_net;
struct knd_ring;

/* Which pass of a SYN of a TCP socket through the hook this is */
enum knd_pass {
	KND_PASS_FIRST,		/* begins an attempt */
	KND_PASS_RETRANS,	/* sent again by the socket */
	KND_PASS_AGAIN,		/* the same SYN passed the hook before */
};

/* How many SYNs a namespace remembers, a power of two */
#define KND_SYNS_BITS	6
#define KND_SYNS	BIT(KND_SYNS_BITS)

/**
 * struct knd_monitor - the monitor in one network namespace
 * @filter: the rules; NULL before the first write to "filter"
 * @ring: the latest records; NULL until the monitor is first switched on
 * @ops: the hook, whose private data is the &struct knd_net
 * @hooked: whether the hook is registered
 * @attempts: sequence number that was reserved last
 * @syns: key of the latest SYN, see knd_syn_key(), in the slot that a hash of
 *	the socket chooses; 0 before the first. Sockets can share a slot.
 * @limit: rate limit of log lines
 * @unlogged: attempts since the last log line that @limit kept out
 * @wait: tasks that poll "connections"
 * @wake: wakes up these tasks, once for all records of KND_MONITOR_WAKE_DELAY
 */
struct knd_monitor {
	/* Changed under &knd_net.lock; the hook reads the pointers under RCU */
	struct knd_filter __rcu *filter;
	struct knd_ring __rcu *ring;
	struct nf_hook_ops ops;
	bool hooked;

	/* Written by the hook, on any processor */
	atomic64_t attempts;
	atomic64_t syns[KND_SYNS];
	struct ratelimit_state limit;
	atomic_t unlogged;

	/* For readers that follow "connections" */
	wait_queue_head_t wait;
	struct delayed_work wake;
};

/**
 * knd_syn_key - identify one transmission of a SYN
 * @hash: hash of the socket's address; only the lowest 24 bits are used, as
 *	those above choose the slot
 * @isn: sequence number of the SYN
 * @segs_out: how many segments the socket has sent, with this one
 *
 * Keys are only compared, so none of them needs a reference to the socket: a
 * later socket at the same address has another initial sequence number.
 *
 * Context: any.
 * Return: the key.
 */
static inline u64 knd_syn_key(u32 hash, u32 isn, u32 segs_out)
{
	return (u64)isn << 32 | (hash & 0xffffff) << 8 | (segs_out & 0xff);
}

/**
 * knd_syn_pass - tell the first pass of a SYN from those that follow
 * @last: key in the slot of the socket
 * @key: key of this SYN
 * @connecting: tcp_connect() has not advanced snd_nxt of the socket yet
 *
 * Where Fast Open falls back, tcp_connect() transmits a second SYN, without
 * data. Only @last tells that it belongs to the same attempt.
 *
 * Context: any.
 * Return: how the SYN comes to the hook. Unless it is KND_PASS_AGAIN the caller
 * stores @key in the slot.
 */
static inline enum knd_pass knd_syn_pass(u64 last, u64 key, bool connecting)
{
	if (last == key)
		return KND_PASS_AGAIN;
	/* All transmissions of an attempt have the same bits above segs_out */
	return connecting && (last ^ key) >> 8 ? KND_PASS_FIRST :
						 KND_PASS_RETRANS;
}

void knd_monitor_init(struct knd_net *kn);
int knd_monitor_apply(struct knd_net *kn);
int knd_monitor_filter(struct knd_net *kn, char *text);
void knd_monitor_pre_exit(struct knd_net *kn);
void knd_monitor_exit(struct knd_net *kn);

#endif /* _NET_KNETDEMO_MONITOR_H */
