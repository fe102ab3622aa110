/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel networking demonstration and test services: connections of the TCP
 * service, as the files that serve them see them
 */

#ifndef _NET_KNETDEMO_TCP_CONN_H
#define _NET_KNETDEMO_TCP_CONN_H

#include <linux/bitops.h>
#include <linux/net.h>
#include <linux/refcount.h>
#include <linux/sizes.h>
#include <linux/timer.h>
#include <linux/types.h>
#include <linux/u64_stats_sync.h>
#include <linux/workqueue.h>
#include <net/sock.h>

struct knd_net;
struct knd_source;
struct page;

/* When one connection has moved so much, others have their turn */
#define KND_CONN_BUDGET		SZ_512K

/* knd_conn.flags */
#define KND_CONN_READY		0	/* attached: the work may look */
#define KND_CONN_END		1	/* send what there is, then close */
#define KND_CONN_RESET		2	/* close now, lose what there is */
#define KND_CONN_KILLED		3	/* ... as "kill" said */
#define KND_CONN_OWNED		4	/* ... as the socket is another's */

enum knd_conn_state {
	KND_CONN_OPEN,		/* served */
	KND_CONN_CLOSING,	/* our FIN is queued: wait for its ACK */
	KND_CONN_DEAD,		/* socket released */
};

/**
 * struct knd_conn - a connection
 * @kn: the component in its namespace
 * @sock: the socket; the work's
 * @sk: the socket, held until this is freed
 * @source: where connections of the peer's address are counted
 * @work: ends the connection, and serves it where softirq cannot
 * @timer: queues @work, at the latest when the connection may be idle. Set
 *	with @sk locked.
 * @flags: KND_CONN_READY and so on; those are never cleared
 * @active: when bytes moved last, in jiffies; changed with @sk locked
 * @born: when it was accepted, in jiffies
 * @bytes_in: read from the peer; changed with @sk locked
 * @bytes_out: handed to TCP for the peer; changed with @sk locked
 * @syncp: for reading the two on 32 bits
 * @refs: references
 * @id: its number
 * @service: what it is served with
 * @state: enum knd_conn_state; changed by the work with @sk locked
 * @why: enum knd_close, once @state is not KND_CONN_OPEN; the work's
 * @retry: memory was short; @sk locked
 * @serving: the service runs, and TCP may call from inside of it; @sk locked
 * @err: of sending, once; @sk locked
 * @offset: into chargen's pattern; @sk locked
 * @copies: the page with the copies that were sent last. No reference is held:
 *	to be compared only. @sk locked.
 * @copied: where the free part of @copies begins; @sk locked
 * @rcu: looked up under RCU; freed when nothing is copied any more
 */
struct knd_conn {
	struct knd_net *kn;
	struct socket *sock;
	struct sock *sk;
	struct knd_source *source;
	struct work_struct work;
	struct timer_list timer;
	unsigned long flags;
	unsigned long active;
	unsigned long born;
	u64_stats_t bytes_in;
	u64_stats_t bytes_out;
	struct u64_stats_sync syncp;
	refcount_t refs;
	u32 id;
	u8 service;
	u8 state;
	u8 why;
	bool retry;
	bool serving;
	int err;
	unsigned int offset;
	union {
		struct {
			struct page *copies;
			u32 copied;
		};
		struct rcu_head rcu;
	};
};

void knd_conn_moved(struct knd_conn *c, u64 in, u64 out);
bool knd_conn_sent(struct knd_conn *c, int sent);

/*
 * TCP sets this where it took less than it was given, and calls when there is
 * room
 */
static inline bool knd_conn_blocked(const struct sock *sk)
{
	return test_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
}

/* tcp_echo.c */
bool knd_conn_echo(struct knd_conn *c);

#endif /* _NET_KNETDEMO_TCP_CONN_H */
