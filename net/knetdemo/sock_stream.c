// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: TCP sockets for a task
 *
 * They never block by themselves: knd_stream_wait() waits, for as long as the
 * task wants. sock.c has the rest of the kernel sockets.
 */

#include <linux/bvec.h>
#include <linux/fcntl.h>
#include <linux/jiffies.h>
#include <linux/net.h>
#include <linux/netdevice.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/skbuff.h>
#include <linux/socket.h>
#include <linux/wait.h>
#include <net/inet_connection_sock.h>
#include <net/net_namespace.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "knetdemo.h"
#include "skb_bvec.h"

static int knd_addr_len(const struct sockaddr_storage *addr)
{
	return addr->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) :
					     sizeof(struct sockaddr_in);
}

/* SO_BINDTODEVICE; sock_bindtoindex() has its check of CAP_NET_RAW */
static int knd_stream_bind_device(struct sock *sk, const char *name)
{
	struct net_device *dev;
	int index = 0;

	rcu_read_lock();
	dev = dev_get_by_name_rcu(sock_net(sk), name);
	if (dev)
		index = dev->ifindex;
	rcu_read_unlock();
	return index ? sock_bindtoindex(sk, index, true) : -ENODEV;
}

/**
 * knd_stream_open - make a TCP socket
 * @net: its namespace, on which it holds no reference
 * @source: its local address; the port may be 0
 * @device: name of the network device to bind it to, or an empty string
 * @res: where the socket goes
 *
 * Context: process; with the credentials of the caller.
 * Return: 0, -ENODEV where there is no such device, or -errno of making or
 * binding it.
 */
int knd_stream_open(struct net *net, const struct sockaddr_storage *source,
		    const char *device, struct socket **res)
{
	struct sockaddr_storage addr = *source;
	struct socket *sock;
	int err;

	err = sock_create_kern(net, addr.ss_family, SOCK_STREAM, IPPROTO_TCP,
			       &sock);
	if (err)
		return err;
	/* The address may be one of the device's VRF, so the device is first */
	err = *device ? knd_stream_bind_device(sock->sk, device) : 0;
	if (!err)
		err = kernel_bind(sock, (void *)&addr, knd_addr_len(&addr));
	if (err) {
		sock_release(sock);
		return err;
	}
	*res = sock;
	return 0;
}

/**
 * knd_stream_connect - begin to connect, or learn what came of it
 * @sock: of knd_stream_open()
 * @addr: where to
 *
 * Does not wait. Call it again when the state of the socket has changed.
 *
 * Context: process.
 * Return: 0 when connected, -EINPROGRESS or -EALREADY while it is being
 * tried, -errno.
 */
int knd_stream_connect(struct socket *sock,
		       const struct sockaddr_storage *addr)
{
	struct sockaddr_storage to = *addr;

	return kernel_connect(sock, (void *)&to, knd_addr_len(&to),
			      O_NONBLOCK);
}

/* When a silent peer is asked for the first time, and again; in seconds */
#define KND_STREAM_KEEPIDLE	60
#define KND_STREAM_KEEPINTVL	15

/**
 * knd_stream_keepalive - keep an idle connection known on its way
 * @sock: connected
 *
 * Address translators forget connections that are idle; and a peer that has
 * vanished is found out.
 *
 * Context: process.
 */
void knd_stream_keepalive(struct socket *sock)
{
	sock_set_keepalive(sock->sk);
	tcp_sock_set_keepidle(sock->sk, KND_STREAM_KEEPIDLE);
	tcp_sock_set_keepintvl(sock->sk, KND_STREAM_KEEPINTVL);
}

/**
 * knd_stream_ready - would a TCP socket give something, or is it over?
 * @sock: connecting, connected or listening
 *
 * Context: any, also between set_current_state() and schedule().
 * Return: true where there is data, an end, an error or a connection.
 */
bool knd_stream_ready(const struct socket *sock)
{
	struct sock *sk = sock->sk;

	switch (inet_sk_state_load(sk)) {
	case TCP_SYN_SENT:
	case TCP_SYN_RECV:
		return false;
	case TCP_LISTEN:
		return !reqsk_queue_empty(&inet_csk(sk)->icsk_accept_queue);
	}
	return !skb_queue_empty_lockless(&sk->sk_receive_queue) ||
	       READ_ONCE(sk->sk_err) || READ_ONCE(sk->sk_shutdown);
}

/**
 * knd_stream_wait - wait for one or two sockets
 * @sock: to be ready as knd_stream_ready() has it, or to be connected, or to
 *	take more data where @out
 * @other: to be ready too, or NULL
 * @out: what is awaited from @sock
 * @deadline: in jiffies
 * @stop: somebody else's wish that this ends; who sets it wakes the sockets
 *
 * Context: process.
 * Return: 0, -ETIMEDOUT, -EINTR for a signal, -ENETDOWN for @stop.
 */
int knd_stream_wait(const struct socket *sock, const struct socket *other,
		    bool out, unsigned long deadline, const bool *stop)
{
	DEFINE_WAIT_FUNC(wait, default_wake_function);
	DEFINE_WAIT_FUNC(wait_other, default_wake_function);
	struct sock *sk = sock->sk;
	int err;

	add_wait_queue(sk_sleep(sk), &wait);
	if (other)
		add_wait_queue(sk_sleep(other->sk), &wait_other);
	for (;;) {
		long left = deadline - jiffies;

		set_current_state(TASK_INTERRUPTIBLE);
		err = -ENETDOWN;
		if (READ_ONCE(*stop))
			break;
		err = -EINTR;
		if (signal_pending(current))
			break;
		err = 0;
		if (knd_stream_ready(sock))
			break;
		if (other && knd_stream_ready(other))
			break;
		if (out && inet_sk_state_load(sk) == TCP_ESTABLISHED &&
		    sk_stream_is_writeable(sk))
			break;
		err = -ETIMEDOUT;
		if (left <= 0)
			break;
		schedule_timeout(left);
	}
	__set_current_state(TASK_RUNNING);
	if (other)
		remove_wait_queue(sk_sleep(other->sk), &wait_other);
	remove_wait_queue(sk_sleep(sk), &wait);
	return err;
}

/**
 * knd_stream_finish - wait for the end of a connection
 * @sock: shut down for sending
 * @deadline: in jiffies
 * @stop: as for knd_stream_wait()
 *
 * Context: process.
 * Return: true where sock_release() ends it in order, false where only
 * knd_stream_abort() leaves nothing behind; see knd_sock_lingers().
 */
bool knd_stream_finish(struct socket *sock, unsigned long deadline,
		       const bool *stop)
{
	long left = deadline - jiffies;
	struct sock *sk = sock->sk;

	if (left > 0)
		wait_event_interruptible_timeout(*sk_sleep(sk),
						 !knd_sock_lingers(sk) ||
						 READ_ONCE(*stop), left);
	return !knd_sock_lingers(sk);
}

/**
 * knd_stream_abort - reset a connection and release its socket
 * @sock: not NULL
 *
 * Context: process.
 */
void knd_stream_abort(struct socket *sock)
{
	sock_no_linger(sock->sk);
	sock_release(sock);
}

struct knd_collect {
	struct knd_pages *pages;
	size_t left;
};

static int knd_stream_actor(read_descriptor_t *desc, struct sk_buff *skb,
			    unsigned int offset, size_t len)
{
	struct knd_collect *c = desc->arg.data;
	int n;

	n = knd_pages_take(c->pages, skb, offset, min(len, c->left));
	if (n > 0)
		c->left -= n;
	if (!c->left || knd_pages_full(c->pages))
		desc->count = 0;
	return n;
}

/**
 * knd_stream_collect - take what a connection has received, without a copy
 * @sock: connected
 * @pages: where references to it go; empty before, knd_pages_put() after
 * @max: bytes at most
 * @pos: where they go in a file: the end of what is taken is put on the end of
 *	a page where there is so much, for a file system writes whole pages best
 *
 * Context: process.
 * Return: how many bytes, 0 at the end of the stream, -EAGAIN where there is
 * nothing, -EPROTO for urgent data, -errno.
 */
ssize_t knd_stream_collect(struct socket *sock, struct knd_pages *pages,
			   size_t max, loff_t pos)
{
	struct knd_collect c = { .pages = pages };
	read_descriptor_t desc = { .arg.data = &c, .count = 1 };
	struct sock *sk = sock->sk;
	unsigned int rest;
	ssize_t n;

	lock_sock(sk);
	c.left = min_t(size_t, max, tcp_inq(sk));
	rest = (pos + c.left) & ~PAGE_MASK;
	if (rest < c.left)
		c.left -= rest;
	n = c.left ? tcp_read_sock(sk, &desc, knd_stream_actor) : 0;
	if (!n) {
		n = sock_error(sk);
		if (!n && tcp_sk(sk)->urg_data)
			n = -EPROTO;
		if (!n && !sock_flag(sk, SOCK_DONE) &&
		    !(sk->sk_shutdown & RCV_SHUTDOWN))
			n = sk->sk_state == TCP_CLOSE ? -ENOTCONN : -EAGAIN;
	}
	release_sock(sk);
	return n;
}
