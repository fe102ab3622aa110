// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: how many connections of
 * the TCP service each address has
 */

#include <linux/errno.h>
#include <linux/in6.h>
#include <linux/rbtree.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <net/ipv6.h>

#include "sock.h"
#include "tcp_source.h"

/**
 * struct knd_source - an address that has connections
 * @node: in &knd_sources.tree
 * @addr: the address, see knd_source_addr()
 * @conns: number of its connections; this structure is freed with the last one
 */
struct knd_source {
	struct rb_node node;
	struct in6_addr addr;
	int conns;
};

/*
 * A host with one global IPv6 address can usually have all addresses of its
 * /64, so these count as one source. Link-local addresses share one prefix, so
 * each counts as a source of its own.
 */
static struct in6_addr knd_source_addr(const union knd_sockaddr *peer)
{
	struct in6_addr addr;

	if (peer->sa.sa_family != AF_INET6)
		ipv6_addr_set_v4mapped(peer->in4.sin_addr.s_addr, &addr);
	else if (ipv6_addr_type(&peer->in6.sin6_addr) & IPV6_ADDR_LINKLOCAL)
		addr = peer->in6.sin6_addr;
	else
		ipv6_addr_prefix(&addr, &peer->in6.sin6_addr, 64);
	return addr;
}

static int knd_source_cmp(struct rb_node *a, const struct rb_node *b)
{
	return memcmp(&rb_entry(a, struct knd_source, node)->addr,
		      &rb_entry(b, struct knd_source, node)->addr,
		      sizeof(struct in6_addr));
}

/**
 * knd_sources_init - initialise the source addresses of a namespace
 * @sources: those of a namespace that is being set up; empty afterwards
 */
void knd_sources_init(struct knd_sources *sources)
{
	spin_lock_init(&sources->lock);
	sources->tree = RB_ROOT;
}

/**
 * knd_source_get - count one more connection from an address
 * @sources: of the namespace
 * @peer: the address
 * @max: how many it may have, with this one; 0 is no limit
 * @res: the source, which the caller passes to knd_source_put() when the
 *	connection has ended; unchanged on error
 *
 * Context: process; may sleep.
 * Return: 0; -EUSERS if the address has @max connections already; or -ENOMEM.
 */
int knd_source_get(struct knd_sources *sources, const union knd_sockaddr *peer,
		   int max, struct knd_source **res)
{
	struct knd_source *fresh, *source;
	struct rb_node *found;
	int err = 0;

	fresh = kzalloc_obj(*fresh, GFP_KERNEL);
	if (!fresh)
		return -ENOMEM;
	fresh->addr = knd_source_addr(peer);

	spin_lock(&sources->lock);
	found = rb_find_add(&fresh->node, &sources->tree, knd_source_cmp);
	source = found ? rb_entry(found, struct knd_source, node) : fresh;
	if (max && source->conns >= max)
		err = -EUSERS;
	else
		source->conns++;
	spin_unlock(&sources->lock);

	if (found)
		kfree(fresh);
	if (!err)
		*res = source;
	return err;
}

/**
 * knd_source_put - count one connection less
 * @sources: of the namespace
 * @source: from knd_source_get(); freed if this was its last connection
 *
 * Context: process.
 */
void knd_source_put(struct knd_sources *sources, struct knd_source *source)
{
	bool last;

	spin_lock(&sources->lock);
	last = !--source->conns;
	if (last)
		rb_erase(&source->node, &sources->tree);
	spin_unlock(&sources->lock);
	if (last)
		kfree(source);
}
