// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: the listener of the TCP
 * service
 *
 * A network namespace that has the service switched on has one listener and one
 * thread that accepts. The thread waits for the listener's callback, accepts
 * what is there and hands it to tcp_conn.c. It never waits inside of accept(),
 * so the listener can be replaced at any time and stopping needs no signal.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/net.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <net/net_namespace.h>
#include <net/sock.h>
#include <trace/events/sock.h>

#include "access.h"
#include "knetdemo.h"
#include "sock.h"
#include "stats.h"
#include "sysctl.h"
#include "tcp_conn.h"
#include "tcp_listener.h"
#include "tcp_service.h"

/* How long the acceptor waits before it tries again after an error */
#define KND_ACCEPT_PAUSE	(HZ / 10)
/* How often a listener on a scoped address is checked for its device */
#define KND_LISTEN_CHECK	HZ
/* How long stopping waits for connections to close gracefully */
#define KND_STOP_GRACE		(HZ / 2)

static void knd_tcp_wake(struct knd_tcp *tcp)
{
	/*
	 * A full barrier: the connection or the lost listener that is reported
	 * here is visible before the bit. Pairs with test_and_clear_bit() in
	 * knd_tcp_acceptor(). If the bit was set already, the task or softirq
	 * that set it wakes the acceptor, which clears the bit before it
	 * accepts.
	 */
	if (!test_and_set_bit(KND_TCP_PENDING, &tcp->flags))
		wake_up(&tcp->wait);
}

/*
 * The listener's sk_data_ready, called with BH disabled and under RCU. Sockets
 * that are not accepted yet inherit it, and their backlog calls it without RCU.
 * They have no user data of ours: ignore them.
 */
static void knd_tcp_ready(struct sock *sk)
{
	struct knd_net *kn;

	trace_sk_data_ready(sk);
	if (sk->sk_state != TCP_LISTEN)
		return;
	read_lock_bh(&sk->sk_callback_lock);
	kn = rcu_dereference_sk_user_data(sk);
	if (kn)
		knd_tcp_wake(&kn->tcp);
	read_unlock_bh(&sk->sk_callback_lock);
}

/*
 * The listener's sk_state_change: it was destroyed, so wake the acceptor, which
 * replaces it. Sockets that are not accepted yet inherit this. They are the
 * ones with a peer, and their user data may be another owner's: ignore them.
 */
static void knd_tcp_lost(struct sock *sk)
{
	struct knd_net *kn;

	if (sk->sk_dport)
		return;
	/* Unlike sk_data_ready this is called without RCU by sock_diag */
	rcu_read_lock();
	read_lock_bh(&sk->sk_callback_lock);
	kn = rcu_dereference_sk_user_data(sk);
	if (kn)
		knd_tcp_wake(&kn->tcp);
	read_unlock_bh(&sk->sk_callback_lock);
	rcu_read_unlock();
}

static int knd_tcp_relisten(struct knd_net *kn);

/* Take one connection; -EAGAIN where there is none */
static int knd_tcp_accept(struct knd_net *kn, struct socket *listener)
{
	struct socket *sock;
	int err;

	err = kernel_accept(listener, &sock, O_NONBLOCK);
	if (err)
		return err;
	knd_conn_start(kn, sock);
	return 0;
}

static int knd_tcp_acceptor(void *data)
{
	struct knd_net *kn = data;
	long timeout = MAX_SCHEDULE_TIMEOUT;
	struct knd_tcp *tcp = &kn->tcp;
	int err;

	while (!kthread_should_stop()) {
		wait_event_interruptible_timeout(tcp->wait,
						 kthread_should_stop() ||
						 test_bit(KND_TCP_PENDING,
							  &tcp->flags),
						 timeout);
		/*
		 * A full barrier: the bit is cleared before the listener is
		 * read. So either this loop accepts a new connection, or the
		 * callback of that connection sets the bit again. Pairs with
		 * test_and_set_bit() in knd_tcp_wake().
		 */
		test_and_clear_bit(KND_TCP_PENDING, &tcp->flags);

		do {
			err = -EAGAIN;
			timeout = MAX_SCHEDULE_TIMEOUT;
			mutex_lock(&tcp->accept_lock);
			if (tcp->listener && !knd_sock_listens(tcp->listener))
				err = knd_tcp_relisten(kn);
			else if (tcp->listener)
				err = knd_tcp_accept(kn, tcp->listener);
			if (tcp->listener && knd_sock_scoped(tcp->listener))
				timeout = KND_LISTEN_CHECK;
			mutex_unlock(&tcp->accept_lock);
			cond_resched();
		} while (!err && !kthread_should_stop());
		if (!err || err == -EAGAIN)
			continue;

		knd_stat_inc(kn, KND_STAT_TCP_ACCEPT_ERRORS);
		set_bit(KND_TCP_PENDING, &tcp->flags);
		wait_event_interruptible_timeout(tcp->wait,
						 kthread_should_stop(),
						 KND_ACCEPT_PAUSE);
	}
	return 0;
}

/* Make a listener; the present one is not touched */
static int knd_tcp_listen_at(struct knd_net *kn, const char *where, int port,
			     int backlog, struct knd_sock_calls *saved,
			     struct socket **sock)
{
	struct sockaddr_storage addr;
	int err;

	err = knd_addr_parse(kn->net, where, port, &addr);
	if (err)
		return err;
	return knd_sock_listen(kn->net, &addr, backlog, knd_tcp_ready,
			       knd_tcp_lost, kn, saved, sock);
}

/* Make a listener on the address and port of the sysctls */
static int knd_tcp_listen(struct knd_net *kn, struct knd_sock_calls *saved,
			  struct socket **sock)
{
	const struct knd_config *cfg = &kn->cfg;

	return knd_tcp_listen_at(kn, cfg->tcp_addr, cfg->tcp_port,
				 cfg->tcp_backlog, saved, sock);
}

/*
 * Listen again where the listener was destroyed, with &knd_tcp.accept_lock
 * held. Called by the acceptor, which may bind to any port: the task that
 * wrote the sysctls could bind to this one. On error the acceptor tries again.
 */
static int knd_tcp_relisten(struct knd_net *kn)
{
	struct knd_tcp *tcp = &kn->tcp;
	struct knd_sock_calls same;
	struct socket *old, *sock;
	int err;

	err = knd_tcp_listen_at(kn, tcp->addr, tcp->port, tcp->backlog, &same,
				&sock);
	if (err)
		return err;
	old = tcp->listener;
	tcp->listener = sock;
	knd_sock_unlisten(old, &tcp->calls);
	sock_release(old);
	knd_stat_inc(kn, KND_STAT_TCP_RELISTENED);
	if (knd_may_log(kn))
		pr_notice_ratelimited("the TCP listener was lost, listening again on %s port %d\n",
				      tcp->addr, tcp->port);
	return 0;
}

/*
 * Replace the listener by @sock, which may be NULL. Returns the old one, which
 * does not call back any more and which the caller has to release.
 */
static struct socket *knd_tcp_exchange(struct knd_net *kn, struct socket *sock)
{
	struct knd_tcp *tcp = &kn->tcp;
	struct socket *old;

	mutex_lock(&tcp->accept_lock);
	old = tcp->listener;
	tcp->listener = sock;
	if (sock) {
		strscpy_pad(tcp->addr, kn->cfg.tcp_addr);
		tcp->port = kn->cfg.tcp_port;
		tcp->backlog = kn->cfg.tcp_backlog;
	}
	mutex_unlock(&tcp->accept_lock);

	if (old)
		knd_sock_unlisten(old, &tcp->calls);
	if (sock)
		knd_tcp_wake(tcp);
	return old;
}

static int knd_tcp_start(struct knd_net *kn)
{
	struct knd_tcp *tcp = &kn->tcp;
	struct task_struct *task;
	struct socket *sock;
	int err;

	task = kthread_create(knd_tcp_acceptor, kn, "knd-tcp/%u",
			      kn->net->ns.inum);
	if (IS_ERR(task))
		return PTR_ERR(task);
	err = knd_tcp_listen(kn, &tcp->calls, &sock);
	if (err) {
		kthread_stop(task);
		return err;
	}
	tcp->acceptor = task;
	tcp->idle_ms = kn->cfg.tcp_idle_ms;
	knd_tcp_exchange(kn, sock);
	wake_up_process(task);
	return 0;
}

static void knd_tcp_stop(struct knd_net *kn)
{
	struct knd_tcp *tcp = &kn->tcp;
	struct socket *listener;

	listener = knd_tcp_exchange(kn, NULL);
	kthread_stop(tcp->acceptor);
	tcp->acceptor = NULL;
	sock_release(listener);

	/* Give clients KND_STOP_GRACE to drain, then reset */
	knd_conn_end_all(kn, false);
	if (knd_conn_wait(kn, KND_STOP_GRACE))
		return;
	knd_conn_end_all(kn, true);
	knd_conn_wait(kn, MAX_SCHEDULE_TIMEOUT);
}

/* Listen elsewhere: the new listener is up before the old one is closed */
static int knd_tcp_move(struct knd_net *kn)
{
	struct knd_sock_calls same;
	struct socket *sock;
	int err, n;

	err = knd_tcp_listen(kn, &same, &sock);
	if (err)
		return err;
	n = kn->tcp.backlog;
	sock = knd_tcp_exchange(kn, sock);

	/*
	 * Serve the connections that wait in the queue of the old listener.
	 * Accept no more than it can hold, since new ones may keep coming.
	 */
	while (n-- >= 0 && !knd_tcp_accept(kn, sock))
		cond_resched();
	sock_release(sock);
	return 0;
}

/**
 * knd_tcp_apply - make the TCP service follow its sysctls
 * @kn: the component in a namespace
 *
 * Connections keep the service that they were accepted with.
 *
 * Context: process, that of the writer; &knd_net.lock held. Waits for the end
 * of all connections where the service is switched off, less than 2 seconds.
 * Return: 0, or -errno and then the service goes on as it was.
 */
int knd_tcp_apply(struct knd_net *kn)
{
	const struct knd_config *cfg = &kn->cfg;
	const struct knd_service_ops *ops;
	struct knd_tcp *tcp = &kn->tcp;
	int err;

	if (!cfg->tcp) {
		if (tcp->acceptor)
			knd_tcp_stop(kn);
		return 0;
	}

	ops = knd_services[cfg->tcp_service];
	err = ops->prepare ? ops->prepare() : 0;
	if (err)
		return err;
	mutex_lock(&tcp->accept_lock);
	tcp->service = cfg->tcp_service;
	mutex_unlock(&tcp->accept_lock);
	if (!tcp->acceptor)
		return knd_tcp_start(kn);
	if (tcp->port != cfg->tcp_port || strcmp(tcp->addr, cfg->tcp_addr))
		return knd_tcp_move(kn);
	if (tcp->backlog != cfg->tcp_backlog) {
		mutex_lock(&tcp->accept_lock);
		knd_sock_set_backlog(tcp->listener, cfg->tcp_backlog);
		tcp->backlog = cfg->tcp_backlog;
		mutex_unlock(&tcp->accept_lock);
	}
	if (tcp->idle_ms != cfg->tcp_idle_ms) {
		tcp->idle_ms = cfg->tcp_idle_ms;
		knd_conn_kick_all(kn);
	}
	return 0;
}

/**
 * knd_tcp_init - set up what the TCP service needs while it is off
 * @kn: the component in a namespace that is being set up
 */
void knd_tcp_init(struct knd_net *kn)
{
	struct knd_tcp *tcp = &kn->tcp;

	mutex_init(&tcp->accept_lock);
	init_waitqueue_head(&tcp->wait);
	spin_lock_init(&tcp->conns_lock);
	tcp->conns = RB_ROOT;
	knd_sources_init(&tcp->sources);
}

/**
 * knd_tcp_pre_exit - close the listener, reset the connections
 * @kn: the component in a namespace that is being dismantled
 *
 * Does not wait for the connections: see knd_tcp_exit().
 *
 * Context: process; no access to sysctls or procfs is under way or will come.
 */
void knd_tcp_pre_exit(struct knd_net *kn)
{
	struct socket *listener;

	if (!kn->tcp.acceptor)
		return;
	listener = knd_tcp_exchange(kn, NULL);
	sock_release(listener);
	/* The acceptor finds no listener, so no connection is added */
	knd_conn_end_all(kn, true);
}

/**
 * knd_tcp_exit - wait for the end of the TCP service
 * @kn: the component in a namespace that is being dismantled
 *
 * Context: process. No connection, thread or socket uses @kn afterwards.
 */
void knd_tcp_exit(struct knd_net *kn)
{
	struct knd_tcp *tcp = &kn->tcp;

	if (tcp->acceptor)
		kthread_stop(tcp->acceptor);
	knd_conn_wait(kn, MAX_SCHEDULE_TIMEOUT);
}
