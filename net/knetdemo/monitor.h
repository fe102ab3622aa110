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
#include <linux/ratelimit_types.h>
#include <linux/rcupdate.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

struct knd_filter;
struct knd_net;
struct knd_ring;

/* How a SYN of a TCP socket comes to the hook */
enum knd_pass {
	KND_PASS_FIRST,		/* begins an attempt */
	KND_PASS_RETRANS,	/* sent again by the socket */
	KND_PASS_AGAIN,		/* was here before, and came back */
};

/* The latest SYNs that a namespace remembers, a power of two */
#define KND_SYNS_BITS	6
#define KND_SYNS	BIT(KND_SYNS_BITS)

/**
 * struct knd_monitor - the monitor in one network namespace
 * @filter: what is shown, NULL before the first rule
 * @ring: the latest records, NULL until the monitor is first switched on
 * @attempts: number of the latest record
 * @hooked: whether the hook is registered
 * @limit: of log lines
 * @unlogged: attempts since the last log line that the limit kept out
 * @syns: the latest SYN of the TCP sockets that share a slot, see
 *	knd_syn_key(); 0 before the first
 * @wait: tasks that poll() the file "connections"
 * @wake: wakes them, once for all records of a while
 *
 * Pointers and @hooked change under &knd_net.lock.
 */
struct knd_monitor {
	struct knd_filter __rcu *filter;
	struct knd_ring __rcu *ring;
	atomic64_t attempts;
	bool hooked;
	struct ratelimit_state limit;
	atomic_t unlogged;
	atomic64_t syns[KND_SYNS];
	wait_queue_head_t wait;
	struct delayed_work wake;
};

/**
 * knd_syn_key - identity of one transmission of a SYN
 * @hash: of the socket's address; the bits above the lowest 24 say which slot
 * @isn: sequence number of the SYN
 * @segs_out: segments that the socket had sent when this one left, with it
 *
 * The key is only compared. It needs no reference to the socket: a later
 * socket at the same address has another initial sequence number.
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
 * @last: the key in the socket's slot
 * @key: of this SYN
 * @connecting: the socket is in tcp_connect(), which has not moved snd_nxt yet
 *
 * tcp_connect() transmits twice where Fast Open falls back to a SYN without
 * data. Only @last tells that the second one belongs to the same attempt.
 *
 * Context: any.
 * Return: what the pass is.
 */
static inline enum knd_pass knd_syn_pass(u64 last, u64 key, bool connecting)
{
	if (last == key)
		return KND_PASS_AGAIN;
	/* Without segs_out, the key is that of the attempt */
	return connecting && (last ^ key) >> 8 ? KND_PASS_FIRST :
						 KND_PASS_RETRANS;
}

void knd_monitor_init(struct knd_net *kn);
int knd_monitor_apply(struct knd_net *kn);
int knd_monitor_filter(struct knd_net *kn, char *text);
void knd_monitor_pre_exit(struct knd_net *kn);
void knd_monitor_exit(struct knd_net *kn);

#endif /* _NET_KNETDEMO_MONITOR_H */
