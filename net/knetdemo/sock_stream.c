// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: TCP sockets for a task
 *
 * Only knd_stream_wait() and knd_stream_finish() wait for the peer. Both have a
 * deadline, and a flag by which another task ends the wait. sock.c has the
 * sockets of the other services.
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

#include "skb_bvec.h"
#include "sock.h"
#include "sock_stream.h"

static int knd_addr_len(const struct sockaddr_storage *addr)
{
	return addr->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) :
					     sizeof(struct sockaddr_in);
}

/*
 * Bind to a device as SO_BINDTODEVICE does. sock_bindtoindex() checks
 * CAP_NET_RAW in the same cases as that option.
 */
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
 * @net: its namespace, on which it holds no reference: the caller releases the
 *	socket before the namespace is freed
 * @source: its local address; the port may be 0
 * @device: name of the network device to bind it to, or an empty string
 * @res: the socket; unchanged on error
 *
 * Context: process; the credentials of the task decide about low ports.
 * Return: 0, then the caller owns *@res; -ENODEV if there is no such device;
 * another -errno of making or binding the socket.
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
	/* The device comes first: the address can be one of the device's VRF */
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
 * knd_stream_connect - begin to connect, or ask for the result
 * @sock: of knd_stream_open()
 * @addr: the peer
 *
 * Does not wait. Call it again when the state of the socket has changed.
 *
 * Context: process.
 * Return: 0 when connected; -EINPROGRESS or -EALREADY while TCP tries; another
 * -errno when it has failed.
 */
int knd_stream_connect(struct socket *sock,
		       const struct sockaddr_storage *addr)
{
	struct sockaddr_storage to = *addr;

	return kernel_connect(sock, (void *)&to, knd_addr_len(&to),
			      O_NONBLOCK);
}

/* Idle time before the first keepalive probe, and between probes; in s */
#define KND_STREAM_KEEPIDLE	60
#define KND_STREAM_KEEPINTVL	15

/**
 * knd_stream_keepalive - send keepalive probes on an idle connection
 * @sock: connected
 *
 * The probes keep the connection in the tables of address translators, and TCP
 * ends the connection if the peer does not answer them.
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
 * knd_stream_ready - can a TCP socket be read or accepted from?
 * @sock: connecting, connected or listening
 *
 * Context: any, also between set_current_state() and schedule().
 * Return: whether there is data, the end of data, an error or a connection.
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
 * @sock: a socket
 * @other: another socket, or NULL
 * @out: also end the wait when @sock is connected and writable
 * @deadline: in jiffies
 * @stop: another task sets this to end the wait, and then wakes up the waiters
 *	of both sockets
 *
 * Context: process.
 * Return: 0 when one of the sockets is ready, see knd_stream_ready(), or @sock
 * is writable; -ETIMEDOUT; -EINTR for a signal; -ENETDOWN for @stop.
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

		/*
		 * A full barrier: either the checks below see a change, or the
		 * wake-up after it ends the sleep. Pairs with wake_up_all() in
		 * knd_ftp_pre_exit() and with skwq_has_sleeper() in the
		 * callbacks of the sockets.
		 */
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
 * knd_stream_finish - wait for a graceful close
 * @sock: shut down for sending
 * @deadline: in jiffies
 * @stop: as for knd_stream_wait()
 *
 * Context: process; a signal ends the wait, too.
 * Return: true if sock_release() can follow. False if the socket would then
 * wait for the peer without a timer, see knd_sock_lingers(): use
 * knd_stream_abort().
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
 * knd_stream_collect - take received data, without a copy
 * @sock: connected
 * @pages: empty; references to the data are added, for knd_pages_put()
 * @max: limit in bytes
 * @pos: position of the data in a file. Where there is enough data, it is taken
 *	up to the end of a page of that file, since file systems write whole
 *	pages best.
 *
 * Context: process.
 * Return: bytes taken; 0 at the end of the stream; -EAGAIN where there is no
 * data; -EPROTO for urgent data; another -errno. Unless bytes were taken,
 * @pages is still empty.
 */
ssize_t knd_stream_collect(struct socket *sock, struct knd_pages *pages,
			   size_t max, loff_t pos)
{
	struct knd_collect c = { .pages = pages };
	read_descriptor_t desc = { .arg.data = &c, .count = 1 };
	struct sock *sk = sock->sk;
	unsigned int tail;
	ssize_t n;

	lock_sock(sk);
	c.left = min_t(size_t, max, tcp_inq(sk));
	tail = (pos + c.left) & ~PAGE_MASK;
	if (tail < c.left)
		c.left -= tail;
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
