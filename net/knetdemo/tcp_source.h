/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel networking demonstration and test services: how many connections of
 * the TCP service each address has
 */

#ifndef _NET_KNETDEMO_TCP_SOURCE_H
#define _NET_KNETDEMO_TCP_SOURCE_H

#include <linux/rbtree.h>
#include <linux/spinlock.h>

struct knd_source;
union knd_sockaddr;

/**
 * struct knd_sources - the addresses that connections of a namespace come from
 * @lock: protects @tree and what is in it
 * @tree: &struct knd_source by address
 */
struct knd_sources {
	spinlock_t lock;	/* see above */
	struct rb_root tree;
};

void knd_sources_init(struct knd_sources *sources);
int knd_source_get(struct knd_sources *sources, const union knd_sockaddr *peer,
		   int max, struct knd_source **res);
void knd_source_put(struct knd_sources *sources, struct knd_source *source);

#endif /* _NET_KNETDEMO_TCP_SOURCE_H */
