/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel networking demonstration and test services: datagram sockets
 */

#ifndef _NET_KNETDEMO_SOCK_H
#define _NET_KNETDEMO_SOCK_H

#include <linux/if.h>
#include <linux/socket.h>
#include <linux/types.h>

struct knd_net;
struct net;
struct socket;

int knd_addr_parse(struct net *net, const char *text, int port,
		   struct sockaddr_storage *addr);

/**
 * struct knd_udp_opts - options of the emitter's socket
 * @dev: device to send by, or of the VRF to send in; empty for any
 * @ttl: TTL or hop limit; 0 is the namespace's default
 * @tos: type of service or traffic class
 * @mark: mark of the packets
 * @df: enum knd_udp_df
 *
 * Compared by memcmp(): all of it is set, beginning with zeros.
 */
struct knd_udp_opts {
	char dev[IFNAMSIZ];
	int ttl;
	int tos;
	u32 mark;
	int df;
};

/* What udp_df takes */
enum knd_udp_df {
	KND_UDP_DF_DEFAULT,	/* as every socket of the namespace does */
	KND_UDP_DF_SET,		/* always set, never fragmented here */
	KND_UDP_DF_CLEAR,	/* never set */
	KND_UDP_DF_MAX = KND_UDP_DF_CLEAR
};

int knd_sock_create(struct net *net, int family, int type, int protocol,
		    struct socket **res);
int knd_udp_open(struct knd_net *kn, const struct sockaddr_storage *saddr,
		 const struct sockaddr_storage *daddr,
		 const struct knd_udp_opts *opts, struct socket *shared,
		 struct socket **res);
int knd_udp_reopen(struct socket *sock, const struct sockaddr_storage *daddr);
void knd_udp_local(struct socket *sock, struct sockaddr_storage *addr);
void knd_udp_close(struct socket *sock);

#endif /* _NET_KNETDEMO_SOCK_H */
