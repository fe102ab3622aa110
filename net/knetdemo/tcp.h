/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel networking demonstration and test services: the TCP service
 */

#ifndef _NET_KNETDEMO_TCP_H
#define _NET_KNETDEMO_TCP_H

#include <linux/atomic.h>
#include <linux/if.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/inet.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/socket.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/xarray.h>

struct bio_vec;
struct knd_conn;
struct knd_net;
struct net;
struct seq_file;
struct sock;
struct socket;
struct task_struct;

/* What a connection gets; names: knd_service_names[] */
enum knd_service {
	KND_SERVICE_ACCEPT,
	KND_SERVICE_DISCARD,
	KND_SERVICE_ECHO,
	KND_SERVICE_CHARGEN,
	KND_SERVICE_MAX = KND_SERVICE_CHARGEN
};

/* Why a connection of the TCP service ended; names: knd_close_names[] */
enum knd_close {
	KND_CLOSE_PEER,		/* the peer closed it, all was served */
	KND_CLOSE_RESET,	/* the peer reset it */
	KND_CLOSE_TIMEOUT,	/* the peer no longer answered */
	KND_CLOSE_IDLE,		/* nothing moved for tcp_idle_ms */
	KND_CLOSE_KILLED,	/* "kill" was written */
	KND_CLOSE_STOPPED,	/* the service or the namespace ended */
	KND_CLOSE_ERROR,	/* anything else */
};

/* The address of one end of a connection */
union knd_sockaddr {
	struct sockaddr sa;
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
};

/**
 * struct knd_sock_calls - what a socket calls when something happens
 * @data_ready: there is input, or the end of it
 * @write_space: there is room for output again
 * @state_change: the connection came to another state
 */
struct knd_sock_calls {
	void (*data_ready)(struct sock *sk);
	void (*write_space)(struct sock *sk);
	void (*state_change)(struct sock *sk);
};

/* Bits of knd_tcp.flags */
#define KND_TCP_PENDING		0	/* the acceptor has something to do */

/**
 * struct knd_tcp - the TCP service of a network namespace
 * @listener: what is listened on; NULL while the service is off. Changed with
 *	&knd_net.lock and @accept_lock held, read with either.
 * @addr: where @listener is bound, in the words of tcp_addr; changed and read
 *	as @listener is
 * @port: where @listener is bound; as @addr
 * @backlog: tcp_backlog, as @listener was told; as @addr
 * @service: enum knd_service for those who are accepted. Changed with
 *	&knd_net.lock and @accept_lock held, when what it needs is there; read
 *	with either.
 * @idle_ms: what the connections' timers were set by; &knd_net.lock
 * @acceptor: the thread that accepts; &knd_net.lock
 * @accept_lock: keeps @listener in place while it is accepted from. Taken
 *	inside &knd_net.lock; the acceptor takes it alone.
 * @wait: where the acceptor waits for connections, and stopping for their end
 * @flags: KND_TCP_PENDING
 * @calls: what sockets call by default, for connections that end
 * @conns: the connections by their number, read under RCU
 * @next_id: the number to try next; changed by xa_alloc_cyclic() only
 * @active: connections that are not freed yet
 * @slots: connections that tcp_max_conns counts: those with an open socket
 * @sources_lock: protects @sources and what is in it
 * @sources: how many connections each address has, by address
 */
struct knd_tcp {
	struct socket *listener;
	char addr[INET6_ADDRSTRLEN + IFNAMSIZ];
	int port;
	int backlog;
	int service;
	int idle_ms;
	struct task_struct *acceptor;
	struct mutex accept_lock;	/* see above */
	wait_queue_head_t wait;
	unsigned long flags;
	struct knd_sock_calls calls;
	struct xarray conns;
	u32 next_id;
	atomic_t active;
	atomic_t slots;
	spinlock_t sources_lock;	/* see above */
	struct rb_root sources;
};

/* sock.c */
int knd_sock_listen(struct net *net, struct sockaddr_storage *addr, int backlog,
		    void (*ready)(struct sock *sk),
		    void (*lost)(struct sock *sk), void *data,
		    struct knd_sock_calls *saved, struct socket **res);
void knd_sock_unlisten(struct socket *sock, const struct knd_sock_calls *saved);
void knd_sock_set_backlog(struct socket *sock, int backlog);
bool knd_sock_scoped(const struct socket *sock);
bool knd_sock_listens(const struct socket *sock);
int knd_sock_attach(struct sock *sk, const struct knd_sock_calls *calls,
		    void *data);
bool knd_sock_lingers(const struct sock *sk);
void knd_sock_release(struct socket *sock, const struct knd_sock_calls *saved,
		      const void *data, bool reset);
int knd_sock_splice(struct sock *sk, const struct bio_vec *bvec,
		    unsigned int n, size_t offset, size_t len, bool more);
void knd_sock_addrs(const struct sock *sk, union knd_sockaddr *local,
		    union knd_sockaddr *peer);

/* tcp_conn.c */
extern const char * const knd_close_names[];
int knd_conn_module_init(void);
void knd_conn_module_exit(void);
int knd_conn_prepare(int service);
void knd_conn_start(struct knd_net *kn, struct socket *sock);
void knd_conn_end_all(struct knd_net *kn, bool reset);
void knd_conn_look_all(struct knd_net *kn);
int knd_conn_kill(struct knd_net *kn, u32 id);
bool knd_conn_wait(struct knd_net *kn, long timeout);
struct knd_conn *knd_conn_next(struct knd_net *kn, u32 *id);
void knd_conn_show(struct seq_file *seq, const struct knd_conn *c);
void knd_conn_put(struct knd_conn *c);

/* tcp_service.c */
void knd_tcp_init(struct knd_net *kn);
int knd_tcp_apply(struct knd_net *kn);
void knd_tcp_pre_exit(struct knd_net *kn);
void knd_tcp_exit(struct knd_net *kn);

/* sysctl.c */
extern const char * const knd_service_names[];

#endif /* _NET_KNETDEMO_TCP_H */
