// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exercise 4: accept connections in kernel space (knd-sample-accept.ko)
 *
 * accept() waits until a client connects. insmod must not wait for that, so a
 * kernel thread does. A module that starts a thread also has to end it: rmmod
 * stops the thread and waits until it has returned, since its code is unloaded
 * after that.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/in.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/net.h>
#include <net/sock.h>

#define LISTEN_PORT	60000
#define LISTEN_BACKLOG	5

static struct socket *listener;
static struct task_struct *acceptor;

/* Accepts connections, shows the addresses of their peers and closes them */
static int knd_sample_acceptor(void *data)
{
	struct sockaddr_in peer;
	struct socket *sock;

	while (!kthread_should_stop()) {
		/*
		 * Task 1: Accept a connection. Where that fails, the thread
		 * is to stop, or memory is short: sleep for a tenth of a second
		 * so that kthread_stop() can wake the thread, and continue.
		 */
		if (kernel_accept(listener, &sock, 0)) {
			schedule_timeout_interruptible(HZ / 10);
			continue;
		}
		/* Task 1 ends. Instead: schedule_timeout_interruptible(HZ); */

		/*
		 * Task 2: Get the address of the peer, and show it with the
		 * line "connection established to 127.0.0.1:43210".
		 */
		if (kernel_getpeername(sock, (struct sockaddr *)&peer) > 0)
			pr_info("connection established to %pISpc\n", &peer);
		/* Task 2 ends. */

		/* Task 3: Release the connection. The peer sees its end. */
		sock_release(sock);
		/* Task 3 ends. */
	}
	return 0;
}

static int __init knd_sample_accept_init(void)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(LISTEN_PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int err;

	err = sock_create_kern(&init_net, PF_INET, SOCK_STREAM, IPPROTO_TCP,
			       &listener);
	if (err)
		return err;
	/*
	 * A kernel socket holds no reference to its namespace, and TCP then
	 * stops its timers when it is closed: a lost FIN would not be sent
	 * again. So take a reference; each accepted socket then takes one, too.
	 * init_net is never dismantled, so this keeps nothing from its end.
	 */
	sk_net_refcnt_upgrade(listener->sk);
	/* Bind also while earlier connections of the port are in TIME_WAIT */
	sock_set_reuseaddr(listener->sk);

	err = kernel_bind(listener, (void *)&addr, sizeof(addr));
	if (err)
		goto release;
	err = kernel_listen(listener, LISTEN_BACKLOG);
	if (err)
		goto release;

	/* Task 4: Start knd_sample_acceptor() in a thread; check for errors. */
	acceptor = kthread_run(knd_sample_acceptor, NULL, "knd-acceptor");
	if (IS_ERR(acceptor)) {
		err = PTR_ERR(acceptor);
		goto release;
	}
	/* Task 4 ends. */
	return 0;

release:
	sock_release(listener);
	return err;
}

static void __exit knd_sample_accept_exit(void)
{
	/*
	 * Task 5: Stop the thread, before its socket is released. This ends its
	 * accept() as a signal would, and waits until it has returned.
	 */
	kthread_stop(acceptor);
	/* Task 5 ends. */
	sock_release(listener);
}

module_init(knd_sample_accept_init);
module_exit(knd_sample_accept_exit);

MODULE_DESCRIPTION("Exercise 4: accept connections in kernel space");
MODULE_LICENSE("GPL");

/*
 * What this lacks:
 *
 * - A thread that does not wait in accept(): knd_tcp_acceptor() waits for
 *   sk_data_ready, so that its listener can be exchanged. Exercise 7 has it.
 * - A service for the peer, such as echo: knd_conn_start().
 * - A listener that comes back after "ss -K" destroyed it: knd_tcp_relisten().
 * - A rate limit for the lines that a peer can cause.
 * - Other network namespaces, IPv6: exercise 8.
 */
