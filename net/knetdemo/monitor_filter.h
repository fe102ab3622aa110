/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel networking demonstration and test services: which attempts to record
 */

#ifndef _NET_KNETDEMO_MONITOR_FILTER_H
#define _NET_KNETDEMO_MONITOR_FILTER_H

#include <linux/atomic.h>
#include <linux/netfilter.h>
#include <linux/types.h>

struct knd_flow;

/* Maximum number of rules of a filter */
#define KND_FILTER_MAX	64

/**
 * struct knd_rule - destinations whose connection attempts are recorded
 * @addr: network, with no bit set outside @mask
 * @mask: mask of the prefix
 * @id: number that no other rule of this namespace has or had
 * @port_min: lowest port, host byte order
 * @port_max: highest port
 * @plen: length of the prefix
 * @old_idx: index in the filter that this one was made from, -1 for a new rule
 */
struct knd_rule {
	union nf_inet_addr addr;
	union nf_inet_addr mask;
	u32 id;
	u16 port_min;
	u16 port_max;
	u8 plen;
	s8 old_idx;
};

/**
 * struct knd_filter - which connection attempts are recorded
 * @ids: number of rules that were ever added
 * @n4: number of IPv4 rules, which come first
 * @n: number of rules; with 0 all attempts are recorded
 * @rule: the rules, those of a family in the order in which they were added
 * @hits: attempts for which each rule was the first that matched
 *
 * Once published only @hits changes.
 */
struct knd_filter {
	u32 ids;
	u8 n4;
	u8 n;
	struct knd_rule rule[KND_FILTER_MAX];
	atomic64_t hits[KND_FILTER_MAX];
};

int knd_filter_edit(struct knd_filter *filter, const struct knd_filter *old,
		    char *text);
int knd_filter_match(const struct knd_filter *filter,
		     const struct knd_flow *flow);

#endif /* _NET_KNETDEMO_MONITOR_FILTER_H */
