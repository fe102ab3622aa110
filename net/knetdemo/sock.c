// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: kernel sockets
 *
 * How the sockets of all services are made, used and closed. Other files do not
 * read or write members of struct sock.
 *
 * None of the sockets holds a reference to its namespace, which could not be
 * dismantled otherwise: each owner closes its sockets in the pernet exit.
 */

#include <linux/bvec.h>
#include <linux/errqueue.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/inet.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/net.h>
#include <linux/netdevice.h>
#include <linux/rcupdate.h>
#include <linux/skbuff.h>
#include <linux/socket.h>
#include <linux/sockptr.h>
#include <linux/string.h>
#include <linux/tcp.h>
#include <linux/uidgid.h>
#include <linux/uio.h>
#include <linux/workqueue.h>
#include <net/inet_sock.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/net_namespace.h>
#include <net/sock.h>
#include <net/tcp.h>
#include <net/udp.h>

#include "knetdemo.h"
#include "sock.h"

/**
 * knd_addr_parse - read an IPv4 or IPv6 literal
 * @net: the namespace in which a %device is looked up
 * @text: the literal; "fe80::1%eth0" scopes a link-local address
 * @port: to put beside the address, in host order
 * @addr: result; unchanged on error
 *
 * Context: process.
 * Return: 0, or -EINVAL if @text is no address, if it names a device that does
 * not exist, or if the address is not link-local and names a device at all.
 */
int knd_addr_parse(struct net *net, const char *text, int port,
		   struct sockaddr_storage *addr)
{
	struct sockaddr_storage ss = {};
	char digits[sizeof("65535")];

	snprintf(digits, sizeof(digits), "%u", (u16)port);
	if (inet_pton_with_scope(net, AF_UNSPEC, text, digits, &ss))
		return -EINVAL;
	/* inet_pton_with_scope() ignores the device of a global address */
	if (strchr(text, '%') && !((struct sockaddr_in6 *)&ss)->sin6_scope_id)
		return -EINVAL;
	*addr = ss;
	return 0;
}

/* Arguments and result of sock_create_kern(), which a worker calls */
struct knd_sock_request {
	struct work_struct work;
	struct net *net;
	int family;
	int type;
	int protocol;
	struct socket *sock;
	int err;
};

static void knd_sock_create_work(struct work_struct *work)
{
	struct knd_sock_request *req =
		container_of(work, struct knd_sock_request, work);

	req->err = sock_create_kern(req->net, req->family, req->type,
				    req->protocol, &req->sock);
}

/**
 * knd_sock_create - create a socket that belongs to the component
 * @net: its namespace; no reference is taken, so that the namespace can be
 *	dismantled: the owner releases the socket before the pernet exit ends
 * @family: AF_INET or AF_INET6
 * @type: SOCK_STREAM or SOCK_DGRAM
 * @protocol: IPPROTO_TCP or IPPROTO_UDP
 * @res: the socket; unchanged on error
 *
 * A socket belongs to the cgroups of the task that creates it: their BPF
 * programs see its traffic, its memory is charged to them, and it pins them. A
 * sysctl may be written by a task whose cgroup has nothing to do with the
 * service, such as a udev rule in a unit that denies all addresses. Therefore a
 * worker creates the socket, with the credentials and in the cgroup of kernel
 * threads.
 *
 * The worker does nothing else. Callers bind the socket themselves, so that a
 * port below ip_unprivileged_port_start needs the CAP_NET_BIND_SERVICE of the
 * task that writes the sysctl.
 *
 * Context: process; may hold &knd_net.lock. Waits for the worker.
 * Return: 0, then the caller owns *@res; or -errno of socket().
 */
int knd_sock_create(struct net *net, int family, int type, int protocol,
		    struct socket **res)
{
	struct knd_sock_request req = {
		.net = net,
		.family = family,
		.type = type,
		.protocol = protocol,
	};

	INIT_WORK_ONSTACK(&req.work, knd_sock_create_work);
	queue_work(system_dfl_wq, &req.work);
	flush_work(&req.work);
	destroy_work_on_stack(&req.work);
	if (!req.err)
		*res = req.sock;
	return req.err;
}

static void knd_sock_reuse(struct sock *sk, unsigned char reuse)
{
	lock_sock(sk);
	sk->sk_reuse = reuse;
	release_sock(sk);
}

/* A send waits for this long if the socket's buffer is full */
#define KND_UDP_SNDTIMEO	max(HZ / 50, 1)
/* For ICMP errors and for data that a peer sends back; the kernel doubles it */
#define KND_UDP_RCVBUF		(64 * 1024)

/* Whether the network reported the error, and not a send of ours */
static bool knd_udp_is_report(const struct sk_buff *skb)
{
	u8 origin = SKB_EXT_ERR(skb)->ee.ee_origin;

	return origin == SO_EE_ORIGIN_ICMP || origin == SO_EE_ORIGIN_ICMP6;
}

/*
 * The callback sk_error_report: called after an ICMP error is queued, and again
 * after sk_err is set for it. Each error is counted when it is taken from the
 * queue. So none is counted twice, and none is lost because the queue is full
 * or sk_err is overwritten. Clear sk_err: the next send would return it. Errors
 * that a send both queues and returns (SO_EE_ORIGIN_LOCAL) are counted by the
 * sender.
 */
static void knd_udp_error_report(struct sock *sk)
{
	struct knd_net *kn;
	struct sk_buff *skb;

	read_lock_bh(&sk->sk_callback_lock);
	kn = sk->sk_user_data;
	while ((skb = skb_dequeue(&sk->sk_error_queue))) {
		if (kn && knd_udp_is_report(skb))
			knd_udp_reported(kn, -SKB_EXT_ERR(skb)->ee.ee_errno);
		consume_skb(skb);
	}
	sock_error(sk);
	read_unlock_bh(&sk->sk_callback_lock);
}

/*
 * The callback sk_data_ready: discard what a peer sends back. It would fill the
 * receive buffer, which ICMP errors need as well.
 */
static void knd_udp_data_ready(struct sock *sk)
{
	struct sk_buff *skb;
	int err;

	do {
		err = 0;
		skb = skb_recv_udp(sk, MSG_DONTWAIT, &err);
		if (skb)
			consume_skb(skb);
	} while (skb || err != -EAGAIN);
}

static int knd_sock_set(struct socket *sock, int level, int name, int value)
{
	return READ_ONCE(sock->ops)->setsockopt(sock, level, name,
						KERNEL_SOCKPTR(&value),
						sizeof(value));
}

/* IPv6 sockets use the options of IPv4 for IPv4-mapped addresses */
static int knd_udp_set_both(struct socket *sock, int name4, int name6,
			    int value)
{
	int err;

	err = knd_sock_set(sock, SOL_IP, name4, value);
	if (!err && sock->sk->sk_family == AF_INET6)
		err = knd_sock_set(sock, SOL_IPV6, name6, value);
	return err;
}

static int knd_udp_bind_dev(struct socket *sock, const char *name)
{
	struct net_device *dev;
	int ifindex;

	rcu_read_lock();
	dev = dev_get_by_name_rcu(sock_net(sock->sk), name);
	ifindex = dev ? dev->ifindex : 0;
	rcu_read_unlock();
	return ifindex ? sock_bindtoindex(sock->sk, ifindex, true) : -ENODEV;
}

static int knd_udp_set_opts(struct socket *sock,
			    const struct knd_udp_opts *opts)
{
	int err = 0;

	if (opts->dev[0])
		err = knd_udp_bind_dev(sock, opts->dev);
	if (!err && opts->ttl)
		err = knd_udp_set_both(sock, IP_TTL, IPV6_UNICAST_HOPS,
				       opts->ttl) ?:
		      knd_udp_set_both(sock, IP_MULTICAST_TTL,
				       IPV6_MULTICAST_HOPS, opts->ttl);
	if (!err && opts->tos)
		err = knd_udp_set_both(sock, IP_TOS, IPV6_TCLASS, opts->tos);
	if (!err && opts->df != KND_UDP_DF_DEFAULT)
		err = knd_udp_set_both(sock, IP_MTU_DISCOVER, IPV6_MTU_DISCOVER,
				       opts->df == KND_UDP_DF_SET ?
				       IP_PMTUDISC_DO : IP_PMTUDISC_DONT);
	if (!err && opts->mark)
		sock_set_mark(sock->sk, opts->mark);
	return err;
}

/**
 * knd_udp_open - create a socket that sends to one address
 * @kn: the component in the socket's namespace; knd_udp_reported() is called
 *	for each ICMP error until knd_udp_close()
 * @saddr: the source; address and port may be unspecified
 * @daddr: the destination: unicast, multicast or broadcast
 * @opts: options of the socket
 * @shared: another socket of the emitter, which may have the same source port
 *	and is about to be closed; or NULL
 * @res: the socket, which the caller closes; unchanged on error
 *
 * The caller's credentials decide whether the source port may be bound.
 *
 * Context: process.
 * Return: 0 or -errno: -EINVAL if the families differ, -ENODEV if the device
 * does not exist, or an error of bind() or connect().
 */
int knd_udp_open(struct knd_net *kn, const struct sockaddr_storage *saddr,
		 const struct sockaddr_storage *daddr,
		 const struct knd_udp_opts *opts, struct socket *shared,
		 struct socket **res)
{
	struct sockaddr_storage from = *saddr;
	struct sockaddr_storage to = *daddr;
	struct socket *sock;
	struct sock *sk;
	int err;

	if (from.ss_family != to.ss_family)
		return -EINVAL;
	err = knd_sock_create(kn->net, to.ss_family, SOCK_DGRAM, IPPROTO_UDP,
			      &sock);
	if (err)
		return err;

	sk = sock->sk;
	sock_set_rcvbuf(sk, KND_UDP_RCVBUF);
	lock_sock(sk);
	sock_set_flag(sk, SOCK_BROADCAST);
	WRITE_ONCE(sk->sk_sndtimeo, KND_UDP_SNDTIMEO);
#ifdef CONFIG_NET_RX_BUSY_POLL
	/* knd_udp_data_ready() must not poll a device from softirq */
	WRITE_ONCE(sk->sk_ll_usec, 0);
#endif
	write_lock_bh(&sk->sk_callback_lock);
	rcu_assign_sk_user_data(sk, kn);
	WRITE_ONCE(sk->sk_error_report, knd_udp_error_report);
	WRITE_ONCE(sk->sk_data_ready, knd_udp_data_ready);
	write_unlock_bh(&sk->sk_callback_lock);
	release_sock(sk);
	/* Without this UDP hides that a queueing discipline dropped a packet */
	ip_sock_set_recverr(sk);
	if (to.ss_family == AF_INET6)
		ip6_sock_set_recverr(sk);
	err = knd_udp_set_opts(sock, opts);
	if (err)
		goto close;

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
	if (err)
		goto close;
	*res = sock;
	return 0;

close:
	knd_udp_close(sock);
	return err;
}

/**
 * knd_udp_set_segment - cut what is sent into datagrams of one size
 * @sock: made by knd_udp_open()
 * @size: payload of a datagram; 0 sends each message as one datagram
 *
 * As an option of the socket this costs less than a control message with each
 * send. A message of one segment is refused if it does not fit into the MTU:
 * set the size to 0 to have it fragmented.
 *
 * Context: process.
 * Return: 0 or -errno.
 */
int knd_udp_set_segment(struct socket *sock, unsigned int size)
{
	return knd_sock_set(sock, SOL_UDP, UDP_SEGMENT, size);
}

/**
 * knd_udp_close - close a socket
 * @sock: made by knd_udp_open()
 *
 * Context: process. After it returns, knd_udp_reported() is not called.
 */
void knd_udp_close(struct socket *sock)
{
	struct sock *sk = sock->sk;

	write_lock_bh(&sk->sk_callback_lock);
	rcu_assign_sk_user_data(sk, NULL);
	write_unlock_bh(&sk->sk_callback_lock);
	sock_release(sock);
}

/**
 * knd_udp_local - get the address and port that a socket sends from
 * @sock: made by knd_udp_open()
 * @addr: the result; unchanged if the socket is not bound
 *
 * Context: process.
 */
void knd_udp_local(struct socket *sock, struct sockaddr_storage *addr)
{
	struct sockaddr_storage ss = {};

	if (kernel_getsockname(sock, (struct sockaddr *)&ss) > 0)
		*addr = ss;
}

/* The device of a link-local address, which bind() binds a socket to; or 0 */
static int knd_addr_scope(const struct sockaddr_storage *addr)
{
	return addr->ss_family == AF_INET6 ?
	       ((const struct sockaddr_in6 *)addr)->sin6_scope_id : 0;
}

/**
 * knd_udp_reopen - let the kernel choose route and source address again
 * @sock: made by knd_udp_open()
 * @saddr: the source that it was opened with
 * @daddr: the destination
 * @opts: the options that it was opened with
 *
 * Use this when the kernel chose the source address and that address has been
 * removed since. If the kernel chose the source port, the port changes, too.
 *
 * Context: process; the caller makes sure that no task sends on @sock.
 * Return: 0; -ENODEV if the device does not exist; or another -errno of
 * connect(). After an error @sock may not be connected, and then every send
 * fails until another call succeeds.
 */
int knd_udp_reopen(struct socket *sock, const struct sockaddr_storage *saddr,
		   const struct sockaddr_storage *daddr,
		   const struct knd_udp_opts *opts)
{
	struct sockaddr_storage to = { .ss_family = AF_UNSPEC };
	int err;

	err = kernel_connect(sock, (void *)&to, sizeof(to), 0);
	/*
	 * UDP has now forgotten the device as well. Without it, packets would
	 * leave by another one.
	 */
	if (!err && opts->dev[0])
		err = knd_udp_bind_dev(sock, opts->dev);
	else if (!err && knd_addr_scope(saddr))
		err = sock_bindtoindex(sock->sk, knd_addr_scope(saddr), true);
	if (err)
		return err;
	to = *daddr;
	return kernel_connect(sock, (void *)&to, sizeof(to), 0);
}

/* listen() applies this limit, kernel_listen() does not */
static int knd_sock_backlog(const struct sock *sk, int backlog)
{
	return min(backlog, READ_ONCE(sock_net(sk)->core.sysctl_somaxconn));
}

static void knd_sock_set_calls(struct sock *sk,
			       const struct knd_sock_calls *calls)
{
	WRITE_ONCE(sk->sk_data_ready, calls->data_ready);
	WRITE_ONCE(sk->sk_write_space, calls->write_space);
	WRITE_ONCE(sk->sk_state_change, calls->state_change);
}

/**
 * knd_sock_listen - make a TCP socket that listens
 * @net: the namespace, to which the socket holds no reference
 * @addr: where to listen; connections may use the port, but no other listener
 * @backlog: connections that may wait to be accepted; capped by somaxconn
 * @ready: called with BH disabled and under RCU when a connection can be
 *	accepted; accepted sockets inherit it until knd_sock_attach()
 * @lost: called with BH disabled when the listener changes its state, which
 *	means that it was destroyed (ss -K); accepted sockets inherit it as well
 * @data: sk_user_data of the listener; accepted sockets do not inherit it
 * @saved: where the default callbacks are stored
 * @res: where the socket goes; unchanged on error
 *
 * Accepted sockets inherit the options of the listener: no delay of small
 * segments, allocations that are allowed in softirq, urgent data as a part of
 * the stream, and keepalive probes that notice the loss of a peer.
 *
 * The address may overlap with that of another listener that this function
 * made, as 127.0.0.1 does with 0.0.0.0, so that a new listener can replace the
 * old one. No process can share the port, whatever options it sets.
 *
 * Context: process; the credentials of the task decide about low ports.
 * Return: 0, then the caller owns *@res; or -errno of socket(), bind() or
 * listen().
 */
int knd_sock_listen(struct net *net, struct sockaddr_storage *addr, int backlog,
		    void (*ready)(struct sock *sk),
		    void (*lost)(struct sock *sk), void *data,
		    struct knd_sock_calls *saved, struct socket **res)
{
	int len = addr->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) :
						sizeof(struct sockaddr_in);
	struct socket *sock;
	struct sock *sk;
	int err;

	err = knd_sock_create(net, addr->ss_family, SOCK_STREAM, IPPROTO_TCP,
			      &sock);
	if (err)
		return err;
	sk = sock->sk;

	sock_set_reuseaddr(sk);
	sock_set_reuseport(sk);
	sock_set_keepalive(sk);
	tcp_sock_set_nodelay(sk);
	lock_sock(sk);
	/*
	 * SO_REUSEPORT compares sk_uid: INVALID_UID keeps every process from
	 * sharing the port. Accepted sockets have the user that accepts.
	 */
	SOCK_INODE(sock)->i_uid = INVALID_UID;
	WRITE_ONCE(sk->sk_uid, INVALID_UID);
	sk->sk_ipv6only = false;
	/*
	 * Connections send in softirq, where current is an unrelated task: do
	 * not use its page fragment. GFP_ATOMIC would let bulk data take the
	 * reserves for atomic allocations. With GFP_NOWAIT an allocation can
	 * fail; then the service tries again.
	 */
	sk->sk_allocation = GFP_NOWAIT;
	sk->sk_use_task_frag = false;
	sock_set_flag(sk, SOCK_URGINLINE);
	release_sock(sk);

	err = kernel_bind(sock, (void *)addr, len);
	if (err)
		goto release;

	saved->data_ready = sk->sk_data_ready;
	saved->write_space = sk->sk_write_space;
	saved->state_change = sk->sk_state_change;
	write_lock_bh(&sk->sk_callback_lock);
	__rcu_assign_sk_user_data_with_flags(sk, data, SK_USER_DATA_NOCOPY);
	WRITE_ONCE(sk->sk_data_ready, ready);
	WRITE_ONCE(sk->sk_state_change, lost);
	write_unlock_bh(&sk->sk_callback_lock);

	err = kernel_listen(sock, knd_sock_backlog(sk, backlog));
	if (err) {
		knd_sock_unlisten(sock, saved);
		goto release;
	}
	*res = sock;
	return 0;

release:
	sock_release(sock);
	return err;
}

/**
 * knd_sock_unlisten - restore the default callbacks of a listener
 * @sock: the listener, which still listens
 * @saved: the default callbacks
 *
 * Context: process or softirq. When this returns, no callback uses the
 * listener's sk_user_data: one that is still called finds it NULL.
 */
void knd_sock_unlisten(struct socket *sock, const struct knd_sock_calls *saved)
{
	struct sock *sk = sock->sk;

	write_lock_bh(&sk->sk_callback_lock);
	knd_sock_set_calls(sk, saved);
	rcu_assign_sk_user_data(sk, NULL);
	write_unlock_bh(&sk->sk_callback_lock);
}

/**
 * knd_sock_set_backlog - change how many connections may wait for accept()
 * @sock: made by knd_sock_listen()
 * @backlog: the number; net.core.somaxconn caps it
 *
 * Unlike listen() this does not make a destroyed listener listen again. Its
 * sk_shutdown stays set, and new connections would inherit that: they could
 * neither send nor receive.
 *
 * Context: process, @sock not locked.
 */
void knd_sock_set_backlog(struct socket *sock, int backlog)
{
	struct sock *sk = sock->sk;

	lock_sock(sk);
	WRITE_ONCE(sk->sk_max_ack_backlog, knd_sock_backlog(sk, backlog));
	release_sock(sk);
}

/**
 * knd_sock_scoped - whether a listener is bound to a device
 * @sock: made by knd_sock_listen()
 *
 * Context: any.
 * Return: true if its address has a scope.
 */
bool knd_sock_scoped(const struct socket *sock)
{
	return READ_ONCE(sock->sk->sk_bound_dev_if);
}

/**
 * knd_sock_listens - whether clients can still connect to a listener
 * @sock: made by knd_sock_listen()
 *
 * Context: process.
 * Return: false where the listener was destroyed, or where the device that it
 * is bound to was removed. A new device of the same name does not help: the
 * listener is bound to the index of the old one.
 */
bool knd_sock_listens(const struct socket *sock)
{
	struct sock *sk = sock->sk;
	int ifindex = READ_ONCE(sk->sk_bound_dev_if);
	bool there;

	if (inet_sk_state_load(sk) != TCP_LISTEN)
		return false;
	if (!ifindex)
		return true;
	rcu_read_lock();
	there = dev_get_by_index_rcu(sock_net(sk), ifindex);
	rcu_read_unlock();
	return there;
}

/**
 * knd_sock_attach - set the callbacks of an accepted socket
 * @sk: the socket
 * @calls: the callbacks; each is called with @sk locked
 * @data: sk_user_data, from which the callbacks find their connection
 *
 * Context: @sk locked. No callback is called for what arrived before, so the
 * caller has to evaluate the socket once.
 * Return: 0, or -EBUSY where the socket has another owner already, such as a
 * sockmap that a BPF program put it into before it was accepted. Nothing is
 * changed then, and knd_sock_release() leaves the other owner in place.
 */
int knd_sock_attach(struct sock *sk, const struct knd_sock_calls *calls,
		    void *data)
{
	int err = -EBUSY;

	write_lock_bh(&sk->sk_callback_lock);
	if (!sk->sk_user_data) {
		rcu_assign_sk_user_data(sk, data);
		knd_sock_set_calls(sk, calls);
		err = 0;
	}
	write_unlock_bh(&sk->sk_callback_lock);
	return err;
}

/**
 * knd_sock_lingers - whether a socket needs its timers after it is closed
 * @sk: a TCP socket without a reference to its namespace
 *
 * Such a socket loses its timers when it is closed: data that is not
 * acknowledged by then is never sent again, and a socket that waits for the
 * peer waits for ever. Only two states need no timer of the socket: TCP_CLOSE,
 * and TCP_FIN_WAIT2 if tcp_fin_time() is so short that TCP leaves the wait for
 * the peer's FIN to a time-wait socket.
 *
 * Context: any; if @sk is not locked, the result can be outdated at once.
 * Return: true where the socket has to be reset.
 */
bool knd_sock_lingers(const struct sock *sk)
{
	switch (inet_sk_state_load(sk)) {
	case TCP_CLOSE:
		return false;
	case TCP_FIN_WAIT2:
		return tcp_fin_time(sk) > TCP_TIMEWAIT_LEN;
	}
	return true;
}

/**
 * knd_sock_release - close an accepted socket
 * @sock: the socket
 * @saved: the default callbacks, which it gets back
 * @data: as passed to knd_sock_attach(), or NULL for a socket that was never
 *	attached. If sk_user_data is another value, it and the callbacks belong
 *	to another owner, which restores them when the socket is closed.
 * @reset: drop unsent data and reset the connection. A socket that lingers is
 *	reset in any case, see knd_sock_lingers().
 *
 * Context: process, @sock not locked. When this returns, no callback of the
 * component is running or will be called for @sock.
 */
void knd_sock_release(struct socket *sock, const struct knd_sock_calls *saved,
		      const void *data, bool reset)
{
	struct sock *sk = sock->sk;

	lock_sock(sk);
	write_lock_bh(&sk->sk_callback_lock);
	if (sk->sk_user_data == data) {
		knd_sock_set_calls(sk, saved);
		rcu_assign_sk_user_data(sk, NULL);
	}
	write_unlock_bh(&sk->sk_callback_lock);
	/*
	 * Every other state relies on a timer that tcp_close() stops on a
	 * socket without a reference to its namespace: reset.
	 */
	if (knd_sock_lingers(sk))
		reset = true;
	release_sock(sk);

	if (reset)
		sock_no_linger(sk);
	sock_release(sock);
}

/**
 * knd_sock_splice - append pages to the send queue without a copy
 * @sk: a connected TCP socket
 * @bvec: the bytes to send. TCP holds references to their pages until the peer
 *	has acknowledged the bytes. Until then they must not change, or TCP
 *	would send other data when it retransmits them.
 * @n: entries of @bvec
 * @offset: bytes to leave out at the start
 * @len: bytes to send after them
 * @more: the caller sends until there is no room, so TCP does not send a short
 *	segment now
 *
 * skb_send_sock_locked() would call tcp_sendmsg_locked() for each fragment of
 * each buffer. This makes one call for fragments of several buffers.
 *
 * Context: process or softirq, @sk locked. Does not wait. If only the receive
 * queue of @sk holds references to the pages of @bvec, the backlog of @sk must
 * be empty: tcp_sendmsg_locked() can process it, which can free these pages.
 * Return: bytes taken, fewer than @len if there was no room or memory for more;
 * -EAGAIN if there was room for none; another -errno. TCP then holds
 * references to the pages of the bytes taken, and of no others.
 */
int knd_sock_splice(struct sock *sk, const struct bio_vec *bvec,
		    unsigned int n, size_t offset, size_t len, bool more)
{
	struct msghdr msg = {
		.msg_flags = MSG_SPLICE_PAGES | MSG_DONTWAIT | MSG_NOSIGNAL |
			     (more ? MSG_MORE : 0),
	};

	iov_iter_bvec(&msg.msg_iter, ITER_SOURCE, bvec, n, offset + len);
	if (offset)
		iov_iter_advance(&msg.msg_iter, offset);
	return tcp_sendmsg_locked(sk, &msg, len);
}

#if IS_ENABLED(CONFIG_IPV6)
static bool knd_sock_addrs_v6(const struct sock *sk, union knd_sockaddr *local,
			      union knd_sockaddr *peer)
{
	if (sk->sk_family != AF_INET6 ||
	    ipv6_addr_v4mapped(&sk->sk_v6_daddr))
		return false;

	local->in6.sin6_family = AF_INET6;
	local->in6.sin6_addr = sk->sk_v6_rcv_saddr;
	local->in6.sin6_port = inet_sk(sk)->inet_sport;
	local->in6.sin6_scope_id = ipv6_iface_scope_id(&sk->sk_v6_rcv_saddr,
						       sk->sk_bound_dev_if);
	peer->in6.sin6_family = AF_INET6;
	peer->in6.sin6_addr = sk->sk_v6_daddr;
	peer->in6.sin6_port = sk->sk_dport;
	peer->in6.sin6_scope_id = ipv6_iface_scope_id(&sk->sk_v6_daddr,
						      sk->sk_bound_dev_if);
	return true;
}
#else
static bool knd_sock_addrs_v6(const struct sock *sk, union knd_sockaddr *local,
			      union knd_sockaddr *peer)
{
	return false;
}
#endif

/**
 * knd_sock_addrs - get the addresses of a connection
 * @sk: an accepted socket that was not released
 * @local: result, its own address
 * @peer: result, the address of its peer
 *
 * An IPv4 connection of an IPv6 socket has IPv4 addresses. The local port is
 * inet_sport and not skc_num, which TCP clears when the connection ends.
 *
 * Context: any.
 */
void knd_sock_addrs(const struct sock *sk, union knd_sockaddr *local,
		    union knd_sockaddr *peer)
{
	memset(local, 0, sizeof(*local));
	memset(peer, 0, sizeof(*peer));
	if (knd_sock_addrs_v6(sk, local, peer))
		return;

	local->in4.sin_family = AF_INET;
	local->in4.sin_addr.s_addr = sk->sk_rcv_saddr;
	local->in4.sin_port = inet_sk(sk)->inet_sport;
	peer->in4.sin_family = AF_INET;
	peer->in4.sin_addr.s_addr = sk->sk_daddr;
	peer->in4.sin_port = sk->sk_dport;
}

/**
 * knd_sockaddr_text - format an address and a port
 * @addr: the address
 * @text: buffer of KND_SOCKADDR_LEN bytes
 *
 * A link-local address is shown with the number of its device, as in
 * "[fe80::1%2]:60000". The format %pISpc leaves the number out, and %pISpsc
 * shows one for every IPv6 address.
 *
 * Context: any.
 * Return: @text.
 */
const char *knd_sockaddr_text(const union knd_sockaddr *addr, char *text)
{
	if (addr->sa.sa_family == AF_INET6 && addr->in6.sin6_scope_id)
		snprintf(text, KND_SOCKADDR_LEN, "[%pI6c%%%u]:%u",
			 &addr->in6.sin6_addr, addr->in6.sin6_scope_id,
			 ntohs(addr->in6.sin6_port));
	else
		snprintf(text, KND_SOCKADDR_LEN, "%pISpc", &addr->sa);
	return text;
}
