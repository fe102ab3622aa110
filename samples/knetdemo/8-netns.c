// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exercise 8: daytime in every network namespace (knd-sample-netns.ko)
 *
 * Exercises 1 to 7 use init_net and IPv4. A container has a namespace of its
 * own, where they do not exist, and its first address may be IPv6. Here each
 * namespace has a listener, made when the namespace is made and closed when it
 * is dismantled, or when the module is unloaded. One IPv6 socket bound to "::"
 * takes IPv4 as well.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/in6.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>
#include <net/netns/generic.h>
#include <net/sock.h>
#include <trace/events/sock.h>

#define DAYTIME_PORT	13
#define BUDGET		64

/* State of a namespace; the kernel allocates it zeroed, and frees it */
struct knd_daytime {
	struct socket *listener;
	struct work_struct work;
	void (*saved_data_ready)(struct sock *sk);
};

static unsigned int knd_daytime_id;

/*
 * The listener holds no reference to its namespace, which could not be
 * dismantled otherwise. A connection takes one, as a process's socket does,
 * until TCP has ended it: without it TCP stops the timers of a socket that is
 * released. If the namespace is being dismantled already, there are no further
 * references: reset the connection.
 */
static void knd_daytime_answer(struct socket *sock)
{
	struct msghdr msg = { .msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL };
	time64_t now = ktime_get_real_seconds();
	struct net *net = sock_net(sock->sk);
	char text[40];
	struct kvec vec = { .iov_base = text };

	if (!maybe_get_net(net)) {
		sock_no_linger(sock->sk);
		return;
	}
	sk_net_refcnt_upgrade(sock->sk);
	put_net(net);
	vec.iov_len = scnprintf(text, sizeof(text), "%ptTs UTC\r\n", &now);
	kernel_sendmsg(sock, &msg, &vec, 1, vec.iov_len);
}

static void knd_daytime_accept(struct work_struct *work)
{
	struct knd_daytime *dt = container_of(work, struct knd_daytime, work);
	struct socket *sock;
	int n;

	for (n = 0; n < BUDGET; n++) {
		if (kernel_accept(dt->listener, &sock, O_NONBLOCK))
			return;
		knd_daytime_answer(sock);
		sock_release(sock);
	}
	queue_work(system_dfl_wq, work);
}

static void knd_daytime_ready(struct sock *sk)
{
	struct knd_daytime *dt;

	trace_sk_data_ready(sk);
	read_lock_bh(&sk->sk_callback_lock);
	dt = sk->sk_user_data;
	if (sk->sk_state == TCP_LISTEN && dt)
		queue_work(system_dfl_wq, &dt->work);
	read_unlock_bh(&sk->sk_callback_lock);
}

static void knd_daytime_call(struct sock *sk, void (*ready)(struct sock *sk),
			     struct knd_daytime *dt)
{
	write_lock_bh(&sk->sk_callback_lock);
	WRITE_ONCE(sk->sk_data_ready, ready);
	sk->sk_user_data = dt;
	write_unlock_bh(&sk->sk_callback_lock);
}

static int __net_init knd_daytime_net_init(struct net *net)
{
	struct sockaddr_in6 addr = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(DAYTIME_PORT),
		.sin6_addr = IN6ADDR_ANY_INIT,
	};
	struct knd_daytime *dt = net_generic(net, knd_daytime_id);
	struct sock *sk;
	int err;

	INIT_WORK(&dt->work, knd_daytime_accept);
	/* Task 1: Create the listener, an IPv6 TCP socket, in "net". */
	err = sock_create_kern(net, PF_INET6, SOCK_STREAM, IPPROTO_TCP,
			       &dt->listener);
	/* Task 1 ends. Instead: return 0; */
	if (err)
		return err;
	sk = dt->listener->sk;
	sock_set_reuseaddr(sk);
	sk->sk_ipv6only = false;	/* whatever net.ipv6.bindv6only says */
	dt->saved_data_ready = sk->sk_data_ready;
	knd_daytime_call(sk, knd_daytime_ready, dt);
	err = kernel_bind(dt->listener, (void *)&addr, sizeof(addr)) ?:
	      kernel_listen(dt->listener, BUDGET);
	if (err)
		sock_release(dt->listener);
	return err;
}

/* The kernel waits for an RCU grace period between pre_exit and exit */
static void __net_exit knd_daytime_net_pre_exit(struct net *net)
{
	struct knd_daytime *dt = net_generic(net, knd_daytime_id);

	/* Task 2: Restore the callback, so that nothing queues the work. */
	knd_daytime_call(dt->listener->sk, dt->saved_data_ready, NULL);
	/* Task 2 ends. */
}

static void __net_exit knd_daytime_net_exit(struct net *net)
{
	struct knd_daytime *dt = net_generic(net, knd_daytime_id);

	/* Task 3: Wait for the work, then release the listener. */
	cancel_work_sync(&dt->work);
	sock_release(dt->listener);
	/* Task 3 ends. */
}

/*
 * Task 4: Fill in the operations, with "id" and "size": the kernel then makes a
 * struct knd_daytime for each namespace, which net_generic() finds.
 */
static struct pernet_operations knd_daytime_ops = {
	.init = knd_daytime_net_init,
	.pre_exit = knd_daytime_net_pre_exit,
	.exit = knd_daytime_net_exit,
	.id = &knd_daytime_id,
	.size = sizeof(struct knd_daytime),
};

/* Task 4 ends. Instead: static struct pernet_operations knd_daytime_ops; */

static int __init knd_sample_netns_init(void)
{
	/* Calls the init operation for each namespace that exists already */
	return register_pernet_subsys(&knd_daytime_ops);
}

static void __exit knd_sample_netns_exit(void)
{
	/* Calls the exit operations for each namespace that exists */
	unregister_pernet_subsys(&knd_daytime_ops);
	/* Connections that were not accepted had the callback until now */
	synchronize_rcu();
}

module_init(knd_sample_netns_init);
module_exit(knd_sample_netns_exit);

MODULE_DESCRIPTION("Exercise 8: daytime in every network namespace");
MODULE_LICENSE("GPL");

/*
 * What this lacks:
 *
 * - Starting nothing until it is switched on, in each namespace: here a
 *   namespace in which the listener fails cannot be made at all. knd_net_init()
 *   and knd_tcp_apply(), tested by sysctl:defaults_in_a_new_namespace.
 * - A socket that belongs to no cgroup of the task that made the namespace:
 *   knd_sock_create().
 * - Connections that end with their namespace, in 2 seconds: knd_conn_wait(),
 *   tested by tcp:stop_ends_connections_in_order.
 */
