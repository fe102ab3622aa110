/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel networking demonstration and test services: the connection monitor
 *
 * parse.c says what a packet is, filter.c whether it is to be shown, ring.c
 * keeps what was shown; monitor.c is the hook that asks them one after the
 * other.
 */

#ifndef _NET_KNETDEMO_MONITOR_H
#define _NET_KNETDEMO_MONITOR_H

#include <linux/atomic.h>
#include <linux/if.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <linux/ratelimit_types.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/skbuff.h>
#include <linux/uidgid.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <net/tcp.h>

/* Rules of a filter */
#define KND_FILTER_MAX	64

/**
 * enum knd_parse_result - what a packet is
 * @KND_PARSE_TCP: TCP with a readable header
 * @KND_PARSE_OTHER: not TCP, as far as can be read
 * @KND_PARSE_FRAGMENT: a later fragment: no transport header
 * @KND_PARSE_TRUNCATED: ends before its headers do
 * @KND_PARSE_MALFORMED: a header contradicts itself or the packet
 */
enum knd_parse_result {
	KND_PARSE_TCP,
	KND_PARSE_OTHER,
	KND_PARSE_FRAGMENT,
	KND_PARSE_TRUNCATED,
	KND_PARSE_MALFORMED,
};

/**
 * struct knd_flow - a TCP packet
 * @saddr: source address, zeros behind an IPv4 one
 * @daddr: destination address, likewise
 * @sport: source port
 * @dport: destination port
 * @data: bytes behind the TCP header, in this packet
 * @flags: of the TCP header, TCPHDR_* and KND_FLAG_AE
 * @family: AF_INET or AF_INET6
 */
struct knd_flow {
	union nf_inet_addr saddr;
	union nf_inet_addr daddr;
	__be16 sport;
	__be16 dport;
	u16 data;
	u16 flags;
	u8 family;
};

/*
 * Accurate ECN, the flag above CWR. Linux 6.12 counts its bit as reserved and
 * has no name for it.
 */
#define KND_FLAG_AE	BIT(8)

/**
 * struct knd_rule - a destination that is shown
 * @addr: network, no bit set outside @mask
 * @mask: of the prefix
 * @id: number that no other rule of this namespace has or had
 * @port_min: lowest port, host order
 * @port_max: highest port
 * @plen: length of the prefix
 * @was: place in the filter that this one was made from, -1 for a new rule
 */
struct knd_rule {
	union nf_inet_addr addr;
	union nf_inet_addr mask;
	u32 id;
	u16 port_min;
	u16 port_max;
	u8 plen;
	s8 was;
};

/**
 * struct knd_filter - what is shown
 * @ids: rules ever added
 * @n4: IPv4 rules, which come first
 * @n: rules; 0 shows everything
 * @rule: the rules of each family in the order in which they were added
 * @hits: connection attempts that each rule was the first to match
 *
 * Immutable once published, but for @hits.
 */
struct knd_filter {
	u32 ids;
	u8 n4;
	u8 n;
	struct knd_rule rule[KND_FILTER_MAX];
	atomic64_t hits[KND_FILTER_MAX];
};

/* Who made a connection attempt */
enum knd_origin {
	KND_ORIGIN_USER,	/* a TCP, MPTCP or SMC socket of a program */
	KND_ORIGIN_KERNEL,	/* a TCP socket of the kernel */
	KND_ORIGIN_RAW,		/* a raw or packet socket */
};

/* Levels of pid namespaces below the initial one that a record knows */
#define KND_PID_LEVELS	3

/**
 * struct knd_pid - number of a process in a pid namespace
 * @ns: inode number of the namespace, 0 where the process is in none so deep
 * @nr: number of the process there
 *
 * A record outlives the process and the namespace, so it has no pointer.
 */
struct knd_pid {
	u32 ns;
	pid_t nr;
};

/**
 * struct knd_record - a connection attempt
 * @seq: number of the attempt in its namespace, from 1
 * @time: nanoseconds since the epoch
 * @flow: the first SYN; the destination is what the socket asked for
 * @uid: owner of the socket
 * @pid: of the process that connects, in the initial pid namespace; 0 where
 *	the SYN was not sent in its context
 * @pids: of the same process in the pid namespaces below, the outermost first
 * @mark: of the packet
 * @rule: id of the rule that matched, 0 where there was none to match
 * @origin: enum knd_origin
 * @comm: name of the calling thread, where @pid is set
 * @dev: output device by the route that the socket has, so before netfilter
 *	chooses another one
 */
struct knd_record {
	u64 seq;
	u64 time;
	struct knd_flow flow;
	kuid_t uid;
	pid_t pid;
	struct knd_pid pids[KND_PID_LEVELS];
	u32 mark;
	u32 rule;
	u8 origin;
	char comm[TASK_COMM_LEN];
	char dev[IFNAMSIZ];
};

/* What a place in the ring is in, beside a number; see ring.c */
#define KND_SLOT_DONE	0
#define KND_SLOT_BUSY	1
#define KND_SLOT_SPOILT	2
#define KND_SLOT_DEAD	3

struct knd_slot {
	atomic64_t state;
	struct knd_record rec;
};

/**
 * struct knd_ring - the latest records
 * @size: how many
 * @mask: of the places, a power of two that is not below @size
 * @base: no writer of a record up to this number is left
 * @slot: the places; record N is in place N & @mask
 */
struct knd_ring {
	u32 size;
	u32 mask;
	u64 base;
	struct knd_slot slot[];
};

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

/* parse.c */
enum knd_parse_result knd_parse(const struct sk_buff *skb, u8 pf,
				struct knd_flow *flow);
void knd_flow_sockaddrs(const struct knd_flow *flow, struct sockaddr_in6 *src,
			struct sockaddr_in6 *dst);

/* IPv6 extension headers that can stand before TCP */
static inline bool knd_parse_exthdr(u8 nexthdr)
{
	return nexthdr == NEXTHDR_HOP || nexthdr == NEXTHDR_ROUTING ||
	       nexthdr == NEXTHDR_FRAGMENT || nexthdr == NEXTHDR_AUTH ||
	       nexthdr == NEXTHDR_DEST;
}

/* SYN set, ACK clear */
static inline bool knd_parse_opens(u16 flags)
{
	return (flags & (TCPHDR_SYN | TCPHDR_ACK)) == TCPHDR_SYN;
}

/**
 * knd_parse_hint - whether a packet is worth knd_parse()
 * @skb: packet, skb->data at its network header
 * @pf: NFPROTO_IPV4 or NFPROTO_IPV6
 *
 * Looks at no more than it must, and only at what is in the linear part.
 *
 * Context: any.
 * Return: false where knd_parse() would not find a SYN without ACK.
 */
static inline bool knd_parse_hint(const struct sk_buff *skb, u8 pf)
{
	const unsigned int len = skb_headlen(skb);
	const u8 *data = skb->data;
	unsigned int flags;

	/* The flags are in byte 13 of the TCP header */
	if (pf == NFPROTO_IPV4) {
		if (len < sizeof(struct iphdr))
			return true;
		if (data[offsetof(struct iphdr, protocol)] != IPPROTO_TCP)
			return false;
		flags = (data[0] & 0x0f) * 4 + 13;
	} else {
		u8 nexthdr;

		if (len < sizeof(struct ipv6hdr))
			return true;
		nexthdr = data[offsetof(struct ipv6hdr, nexthdr)];
		if (nexthdr != IPPROTO_TCP)
			return knd_parse_exthdr(nexthdr);
		flags = sizeof(struct ipv6hdr) + 13;
	}
	return flags >= len || knd_parse_opens(data[flags]);
}

/**
 * knd_parse_usual - whether a packet is one of the usual ones
 * @skb: packet, skb->data at its network header
 * @pf: NFPROTO_IPV4 or NFPROTO_IPV6
 *
 * Every packet that the namespace sends comes here: this is knd_parse_hint()
 * for headers at fixed places, without options.
 *
 * Context: any.
 * Return: true where knd_parse_hint() would say false; or false, to ask it.
 */
static inline bool knd_parse_usual(const struct sk_buff *skb, u8 pf)
{
	const unsigned int len = skb_headlen(skb);
	const u8 *data = skb->data;

	if (likely(pf == NFPROTO_IPV4))
		return likely(len > 20 + 13) && likely(data[0] == 0x45) &&
		       (data[offsetof(struct iphdr, protocol)] != IPPROTO_TCP ||
			!knd_parse_opens(data[20 + 13]));

	if (unlikely(len <= 40 + 13))
		return false;
	if (likely(data[offsetof(struct ipv6hdr, nexthdr)] == IPPROTO_TCP))
		return !knd_parse_opens(data[40 + 13]);
	return data[offsetof(struct ipv6hdr, nexthdr)] == IPPROTO_UDP;
}

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

/* filter.c */
int knd_filter_edit(struct knd_filter *filter, const struct knd_filter *old,
		    char *text);
int knd_filter_match(const struct knd_filter *filter,
		     const struct knd_flow *flow);

/* ring.c */
static inline u64 knd_slot_state(u64 seq, unsigned int state)
{
	return seq << 2 | state;
}

struct knd_ring *knd_ring_alloc(u32 size);
void knd_ring_free(struct knd_ring *ring);
void knd_ring_put(struct knd_ring *ring, const struct knd_record *rec);
int knd_ring_get(struct knd_ring *ring, u64 seq, struct knd_record *rec);
void knd_ring_copy(struct knd_ring *to, struct knd_ring *from, u64 last);

#endif /* _NET_KNETDEMO_MONITOR_H */
