// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exercise 7: daytime (RFC 867) without a thread (knd-sample-daytime.ko)
 *
 * A client that connects to port 13 receives the time, then the end of the
 * stream. No thread waits for connections: TCP calls the listener's
 * sk_data_ready when there is one. It calls in softirq, where nothing may
 * sleep. accept() sleeps, so the callback only queues a work item, which
 * accepts and answers.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/in.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>
#include <net/sock.h>
#include <trace/events/sock.h>

#define DAYTIME_PORT	13
#define BUDGET		64	/* connections for each run of the work item */

static struct socket *listener;
static void (*saved_data_ready)(struct sock *sk);

static void knd_daytime_answer(struct socket *sock)
{
	struct msghdr msg = { .msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL };
	time64_t now = ktime_get_real_seconds();
	struct kvec vec;
	char text[40];

	/* Task 1: Send the time in UTC, as "2026-11-29 13:00:00 UTC\r\n". */
	vec.iov_base = text;
	vec.iov_len = scnprintf(text, sizeof(text), "%ptTs UTC\r\n", &now);
	kernel_sendmsg(sock, &msg, &vec, 1, vec.iov_len);
	/* Task 1 ends. */
}

static void knd_daytime_accept(struct work_struct *work)
{
	struct socket *sock;
	int n;

	/*
	 * Task 2: While there are connections, accept one without waiting
	 * (O_NONBLOCK), answer, release it. After BUDGET of them, queue the
	 * work again and return: a stream of clients must not keep it running,
	 * as rmmod waits for it.
	 */
	for (n = 0; n < BUDGET; n++) {
		if (kernel_accept(listener, &sock, O_NONBLOCK))
			return;
		knd_daytime_answer(sock);
		sock_release(sock);
	}
	queue_work(system_dfl_wq, work);
	/* Task 2 ends. */
}

static DECLARE_WORK(accept_work, knd_daytime_accept);

/* Accepted sockets inherit this callback: ignore calls for them */
static void knd_daytime_ready(struct sock *sk)
{
	trace_sk_data_ready(sk);
	/*
	 * Task 3: Under read_lock_bh(&sk->sk_callback_lock), queue the work
	 * where this is the listener (TCP_LISTEN) and sk_user_data is set.
	 */
	read_lock_bh(&sk->sk_callback_lock);
	if (sk->sk_state == TCP_LISTEN && sk->sk_user_data)
		queue_work(system_dfl_wq, &accept_work);
	read_unlock_bh(&sk->sk_callback_lock);
	/* Task 3 ends. */
}

static void knd_daytime_call(struct sock *sk, void (*ready)(struct sock *sk),
			     void *data)
{
	write_lock_bh(&sk->sk_callback_lock);
	WRITE_ONCE(sk->sk_data_ready, ready);
	sk->sk_user_data = data;
	write_unlock_bh(&sk->sk_callback_lock);
}

static int __init knd_sample_daytime_init(void)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(DAYTIME_PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int err;

	err = sock_create_kern(&init_net, PF_INET, SOCK_STREAM, IPPROTO_TCP,
			       &listener);
	if (err)
		return err;
	/* As in exercise 4 */
	sk_net_refcnt_upgrade(listener->sk);
	sock_set_reuseaddr(listener->sk);
	saved_data_ready = listener->sk->sk_data_ready;
	/* Task 4: Set the callback, before the first connection can come. */
	knd_daytime_call(listener->sk, knd_daytime_ready, &accept_work);
	/* Task 4 ends. */
	err = kernel_bind(listener, (void *)&addr, sizeof(addr)) ?:
	      kernel_listen(listener, BUDGET);
	if (err)
		sock_release(listener);
	return err;
}

static void __exit knd_sample_daytime_exit(void)
{
	/*
	 * Task 5: First restore the callback, so that nothing queues the work.
	 * Then wait for the work: cancel_work_sync(). Then nothing uses the
	 * listener, and it can be released. Sockets that were not accepted had
	 * the callback until now: synchronize_rcu() waits for the last call.
	 */
	knd_daytime_call(listener->sk, saved_data_ready, NULL);
	cancel_work_sync(&accept_work);
	sock_release(listener);
	synchronize_rcu();
	/* Task 5 ends. Instead: sock_release(listener); */
}

module_init(knd_sample_daytime_init);
module_exit(knd_sample_daytime_exit);

MODULE_DESCRIPTION("Exercise 7: daytime (RFC 867) without a thread");
MODULE_LICENSE("GPL");

/*
 * What this lacks:
 *
 * - Accepting again after a lack of memory: knd_tcp_acceptor().
 * - Reading what the client sends, as a release with unread data resets the
 *   connection: knd_discard_serve(), tested by tcp:discard_counts_every_byte.
 * - Limits, and the closing of silent connections: knd_conn_timer(), tested by
 *   tcp:silent_clients_are_evicted.
 */
