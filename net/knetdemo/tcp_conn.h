/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel networking demonstration and test services: connections of the TCP
 * service
 */

#ifndef _NET_KNETDEMO_TCP_CONN_H
#define _NET_KNETDEMO_TCP_CONN_H

#include <linux/bitops.h>
#include <linux/net.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/sizes.h>
#include <linux/timer.h>
#include <linux/types.h>
#include <linux/u64_stats_sync.h>
#include <linux/workqueue.h>
#include <net/sock.h>

#include "skb_bvec.h"

struct knd_net;
struct knd_service_ops;
struct knd_source;
struct seq_file;

/*
 * Bytes that one connection may move before others are served. A connection
 * that is being closed also discards at most this much input at once.
 */
#define KND_CONN_BUDGET		SZ_512K

/*
 * What a connection may queue in each direction while TCP has little memory
 * left, see knd_conn_room()
 */
#define KND_CONN_FLOOR		SZ_32K

/**
 * struct knd_conn - a connection
 * @kn: the component in its namespace
 * @sk: the socket, with a reference until this is freed
 * @source: where connections of the peer's address are counted
 * @ops: its service
 * @accepted_at: in jiffies
 * @id: its number; the key in &knd_tcp.conns
 * @service: enum knd_service of @ops
 * @node: in &knd_tcp.conns; used with &knd_tcp.conns_lock held
 * @refs: references
 * @flags: KND_CONN_END and so on
 * @work: the work item; see the head of tcp_conn.c
 * @sock: the socket; NULL when it has been closed
 * @timer: queues @work. It has three jobs, and is set for the one that is due
 *	first: to end a connection that is idle, to end one whose peer does not
 *	acknowledge the FIN, and to send again where memory was short.
 * @progress_at: when bytes moved last, in jiffies; see &knd_fsm_facts.since
 * @bytes_in: bytes read from the peer
 * @bytes_out: bytes handed to TCP for the peer
 * @syncp: for readers of the two on 32 bits
 * @state: enum knd_conn_state; changed by knd_conn_enter() only
 * @why: enum knd_close, once it is being closed; as @state
 * @retry: memory was short when the service was called last
 * @serving: the service is running: a callback now is called by its own send
 * @send_err: error that sending returned, or 0; the service is not called again
 * @copies: state of the service echo: the copies that it sent last
 * @chargen: state of the service chargen
 * @chargen.offset: position in the pattern
 */
struct knd_conn {
	/* Set before others can find it, then constant */
	struct knd_net *kn;
	struct sock *sk;
	struct knd_source *source;
	const struct knd_service_ops *ops;
	unsigned long accepted_at;
	u32 id;
	u8 service;

	struct rb_node node;	/* see above */

	/* Changed in any context */
	refcount_t refs;
	unsigned long flags;
	struct work_struct work;

	/* Used by the work item only */
	struct socket *sock;

	/*
	 * Changed with @sk locked. /proc/net/knetdemo/tcp reads @progress_at
	 * and the bytes without the lock.
	 */
	struct timer_list timer;
	unsigned long progress_at;
	u64_stats_t bytes_in;
	u64_stats_t bytes_out;
	struct u64_stats_sync syncp;
	u8 state;
	u8 why;
	bool retry;
	bool serving;
	int send_err;

	/* State of the service, used with @sk locked */
	union {
		struct knd_copies copies;
		struct {
			unsigned int offset;
		} chargen;
	};
};

/* For services, with the socket locked */

void knd_conn_moved(struct knd_conn *c, u64 in, u64 out);
bool knd_conn_sent(struct knd_conn *c, int sent);
size_t knd_conn_room(struct knd_conn *c);

/* For the listener and procfs */

int knd_conn_module_init(void);
void knd_conn_module_exit(void);
void knd_conn_start(struct knd_net *kn, struct socket *sock);
void knd_conn_end_all(struct knd_net *kn, bool reset);
void knd_conn_kick_all(struct knd_net *kn);
int knd_conn_kill(struct knd_net *kn, u32 id);
bool knd_conn_wait(struct knd_net *kn, long timeout);
struct knd_conn *knd_conn_next(struct knd_net *kn, u32 *id);
void knd_conn_show(struct seq_file *seq, const struct knd_conn *c);
void knd_conn_put(struct knd_conn *c);

#endif /* _NET_KNETDEMO_TCP_CONN_H */
