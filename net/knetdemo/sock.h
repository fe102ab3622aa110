/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel networking demonstration and test services: kernel sockets
 */

#ifndef _NET_KNETDEMO_SOCK_H
#define _NET_KNETDEMO_SOCK_H

#include <linux/if.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/inet.h>
#include <linux/socket.h>
#include <linux/types.h>

struct bio_vec;
struct knd_net;
struct net;
struct sock;
struct socket;

int knd_addr_parse(struct net *net, const char *text, int port,
		   struct sockaddr_storage *addr);
int knd_sock_create(struct net *net, int family, int type, int protocol,
		    struct socket **res);

/* Datagram sockets of the emitter */

/**
 * struct knd_udp_opts - options of the emitter's socket
 * @dev: name of the device to bind to, which may be a VRF; empty for none
 * @ttl: TTL or hop limit; 0 is the namespace's default
 * @tos: type of service or traffic class
 * @mark: mark of the packets
 * @df: enum knd_udp_df
 *
 * Two of them are compared with memcmp(): allocate them with zeros, so that the
 * bytes behind the name of the device are equal.
 */
struct knd_udp_opts {
	char dev[IFNAMSIZ];
	int ttl;
	int tos;
	u32 mark;
	int df;
};

/* Values of udp_df */
enum knd_udp_df {
	KND_UDP_DF_DEFAULT,	/* the namespace's default */
	KND_UDP_DF_SET,		/* always set; the host does not fragment */
	KND_UDP_DF_CLEAR,	/* never set */
	KND_UDP_DF_MAX = KND_UDP_DF_CLEAR
};

int knd_udp_open(struct knd_net *kn, const struct sockaddr_storage *saddr,
		 const struct sockaddr_storage *daddr,
		 const struct knd_udp_opts *opts, struct socket *shared,
		 struct socket **res);
int knd_udp_reopen(struct socket *sock, const struct sockaddr_storage *saddr,
		   const struct sockaddr_storage *daddr,
		   const struct knd_udp_opts *opts);
int knd_udp_set_segment(struct socket *sock, unsigned int size);
void knd_udp_local(struct socket *sock, struct sockaddr_storage *addr);
void knd_udp_close(struct socket *sock);

/* TCP sockets of the service */

/* The address of one end of a connection */
union knd_sockaddr {
	struct sockaddr sa;
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
};

/* Size of the text of an address: "[ADDRESS%SCOPE]:PORT" and the NUL */
#define KND_SOCKADDR_LEN	\
	(INET6_ADDRSTRLEN + sizeof("[%4294967295]:65535"))

/**
 * struct knd_sock_calls - callbacks of a TCP socket
 * @data_ready: there is input, or the end of it
 * @write_space: there is room for output again
 * @state_change: the connection came to another state
 */
struct knd_sock_calls {
	void (*data_ready)(struct sock *sk);
	void (*write_space)(struct sock *sk);
	void (*state_change)(struct sock *sk);
};

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
const char *knd_sockaddr_text(const union knd_sockaddr *addr, char *text);

#endif /* _NET_KNETDEMO_SOCK_H */
