/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel networking demonstration and test services: the TCP service of a
 * network namespace
 */

#ifndef _NET_KNETDEMO_TCP_LISTENER_H
#define _NET_KNETDEMO_TCP_LISTENER_H

#include <linux/atomic.h>
#include <linux/if.h>
#include <linux/inet.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "sock.h"
#include "tcp_source.h"

struct knd_net;
struct socket;
struct task_struct;

/* Bits of knd_tcp.flags */
#define KND_TCP_PENDING		0	/* the acceptor has something to do */

/**
 * struct knd_tcp - the TCP service of a network namespace
 * @acceptor: the thread that accepts; NULL while the service is off
 * @idle_ms: the tcp_idle_ms for which connections were evaluated last
 * @accept_lock: keeps @listener in place while it is accepted from. Taken
 *	inside of &knd_net.lock; the acceptor takes it alone.
 * @listener: the socket; NULL while the service is off
 * @addr: tcp_addr that @listener is bound to
 * @port: tcp_port that @listener is bound to
 * @backlog: tcp_backlog of @listener
 * @service: enum knd_service of connections that are accepted from now on;
 *	its &knd_service_ops.prepare has succeeded
 * @calls: callbacks that sockets have by default
 * @wait: where the acceptor waits for connections, and stopping for their end
 * @flags: KND_TCP_PENDING
 * @nr_conns: connections that are not freed yet
 * @nr_slots: connections that tcp_max_conns counts: those with an open socket
 * @conns_lock: protects @conns and @last_id
 * @conns: &struct knd_conn by their numbers
 * @last_id: number that was given last
 * @sources: number of connections of each source address
 */
struct knd_tcp {
	/* Protected by &knd_net.lock */
	struct task_struct *acceptor;
	int idle_ms;

	/*
	 * Changed with &knd_net.lock and @accept_lock held, read with either.
	 * The acceptor replaces a lost @listener with @accept_lock alone.
	 */
	struct mutex accept_lock;	/* see above */
	struct socket *listener;
	char addr[INET6_ADDRSTRLEN + IFNAMSIZ];
	int port;
	int backlog;
	int service;

	/* Set when the service starts, constant until it has stopped */
	struct knd_sock_calls calls;

	/* Used in any context */
	wait_queue_head_t wait;
	unsigned long flags;
	atomic_t nr_conns;
	atomic_t nr_slots;

	/* The connections; @conns_lock is only taken in process context */
	spinlock_t conns_lock;	/* see above */
	struct rb_root conns;
	u32 last_id;

	struct knd_sources sources;
};

void knd_tcp_init(struct knd_net *kn);
int knd_tcp_apply(struct knd_net *kn);
void knd_tcp_pre_exit(struct knd_net *kn);
void knd_tcp_exit(struct knd_net *kn);

#endif /* _NET_KNETDEMO_TCP_LISTENER_H */
