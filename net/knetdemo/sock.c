// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: kernel sockets
 *
 * The only file that knows how kernel sockets are made and closed.
 */

#include <linux/inet.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/net.h>
#include <linux/skbuff.h>
#include <linux/socket.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/net_namespace.h>
#include <net/sock.h>

#include "knetdemo.h"

/**
 * knd_addr_parse - read an IPv4 or IPv6 literal
 * @net: the namespace in which a %device is looked up
 * @text: the literal; "fe80::1%eth0" scopes a link-local address
 * @port: to put beside the address, in host order
 * @addr: where the result goes; untouched on error
 *
 * Context: process.
 * Return: 0, or -EINVAL where @text is no address.
 */
int knd_addr_parse(struct net *net, const char *text, int port,
		   struct sockaddr_storage *addr)
{
	struct sockaddr_storage ss = {};
	char digits[sizeof("65535")];

	snprintf(digits, sizeof(digits), "%u", (u16)port);
	if (inet_pton_with_scope(net, AF_UNSPEC, text, digits, &ss))
		return -EINVAL;
	*addr = ss;
	return 0;
}

static void knd_sock_reuse(struct sock *sk, unsigned char reuse)
{
	lock_sock(sk);
	sk->sk_reuse = reuse;
	release_sock(sk);
}

/* A send waits for this long where the socket's buffer is full */
#define KND_UDP_SNDTIMEO	(HZ / 10)

/**
 * knd_udp_open - make a socket that sends to one place
 * @net: its namespace; no reference is taken, so that the namespace can go:
 *	the owner closes the socket before the pernet exit is over
 * @saddr: the source; address and port may be unspecified
 * @daddr: the destination: unicast, multicast or broadcast
 * @shared: a socket of ours that may have the same source port, or NULL
 * @res: where the socket goes
 *
 * Binding is done with the rights of the caller.
 *
 * Context: process.
 * Return: 0 or -errno: -EINVAL where the families differ, or what binding or
 * the look-up of a route said.
 */
int knd_udp_open(struct net *net, const struct sockaddr_storage *saddr,
		 const struct sockaddr_storage *daddr, struct socket *shared,
		 struct socket **res)
{
	struct sockaddr_storage from = *saddr;
	struct sockaddr_storage to = *daddr;
	struct socket *sock;
	struct sock *sk;
	int err;

	if (from.ss_family != to.ss_family)
		return -EINVAL;
	err = sock_create_kern(net, to.ss_family, SOCK_DGRAM, IPPROTO_UDP,
			       &sock);
	if (err)
		return err;

	sk = sock->sk;
	/* Nobody reads: what a peer sends back must not take memory */
	sock_set_rcvbuf(sk, 0);
	lock_sock(sk);
	sock_set_flag(sk, SOCK_BROADCAST);
	WRITE_ONCE(sk->sk_sndtimeo, KND_UDP_SNDTIMEO);
	release_sock(sk);
	/* Without this UDP does not tell what a queue dropped */
	ip_sock_set_recverr(sk);
	if (to.ss_family == AF_INET6)
		ip6_sock_set_recverr(sk);

	if (shared) {
		knd_sock_reuse(shared->sk, SK_CAN_REUSE);
		knd_sock_reuse(sk, SK_CAN_REUSE);
	}
	err = kernel_bind(sock, (void *)&from, sizeof(from));
	if (shared) {
		knd_sock_reuse(shared->sk, SK_NO_REUSE);
		knd_sock_reuse(sk, SK_NO_REUSE);
	}
	if (!err)
		err = kernel_connect(sock, (void *)&to, sizeof(to), 0);
	if (err) {
		sock_release(sock);
		return err;
	}
	*res = sock;
	return 0;
}

/**
 * knd_udp_reopen - choose route and source again
 * @sock: made by knd_udp_open()
 * @daddr: the destination
 *
 * For a socket whose source address, which the kernel chose, has gone. A
 * source port that the kernel chose changes.
 *
 * Context: process; nobody sends on @sock.
 * Return: 0 or -errno, then the socket cannot send.
 */
int knd_udp_reopen(struct socket *sock, const struct sockaddr_storage *daddr)
{
	struct sockaddr_storage to = { .ss_family = AF_UNSPEC };
	int err;

	err = kernel_connect(sock, (void *)&to, sizeof(to), 0);
	if (err)
		return err;
	to = *daddr;
	return kernel_connect(sock, (void *)&to, sizeof(to), 0);
}

/**
 * knd_udp_pending - take the error that the network reported
 * @sock: made by knd_udp_open()
 *
 * Return: 0, or -errno for something that was sent before.
 */
int knd_udp_pending(struct socket *sock)
{
	struct sock *sk = sock->sk;

	/* The reports themselves say no more than the error does */
	if (unlikely(!skb_queue_empty_lockless(&sk->sk_error_queue)))
		skb_queue_purge(&sk->sk_error_queue);
	return sock_error(sk);
}
