// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exercise 3: listen on a TCP port in kernel space (knd-sample-listen.ko)
 *
 * A kernel socket goes through the same steps as a process's socket: create it,
 * bind it to an address, listen. TCP then completes handshakes by itself, and
 * the connections wait in the socket's queue. "ss -ltn sport = 60000" shows the
 * listener; no process owns it.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/in.h>
#include <linux/module.h>
#include <linux/net.h>
#include <net/net_namespace.h>

#define LISTEN_PORT	60000
#define LISTEN_BACKLOG	5

static struct socket *listener;

static int __init knd_sample_listen_init(void)
{
	/*
	 * Task 1: Fill in the family, the port LISTEN_PORT and the loopback
	 * address. Headers of packets have port and address in network byte
	 * order, and so has this structure.
	 */
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(LISTEN_PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	/* Task 1 ends. Instead: struct sockaddr_in addr = {}; */
	int err;

	/* Task 2: Create a TCP socket in the initial network namespace. */
	err = sock_create_kern(&init_net, PF_INET, SOCK_STREAM, IPPROTO_TCP,
			       &listener);
	if (err)
		return err;
	/* Task 2 ends. */

	/*
	 * Task 3: Bind the socket to the address and listen, with a backlog of
	 * LISTEN_BACKLOG. Where one of them fails, go to "release": insmod then
	 * shows the error, and the module has left nothing behind.
	 */
	err = kernel_bind(listener, (void *)&addr, sizeof(addr));
	if (err)
		goto release;
	err = kernel_listen(listener, LISTEN_BACKLOG);
	if (err)
		goto release;
	/* Task 3 ends. */

	pr_info("listening on %pISpc\n", &addr);
	return 0;

release:
	/* Task 4: Release the socket. The kernel does not do it for you. */
	sock_release(listener);
	/* Task 4 ends. */
	return err;
}

static void __exit knd_sample_listen_exit(void)
{
	/* Task 4: Release the socket here, too. */
	sock_release(listener);
	/* Task 4 ends. */
}

module_init(knd_sample_listen_init);
module_exit(knd_sample_listen_exit);

MODULE_DESCRIPTION("Exercise 3: listen on a TCP port in kernel space");
MODULE_LICENSE("GPL");

/*
 * What this lacks:
 *
 * - A thread that accepts connections: exercise 4.
 * - An address, a port and a backlog that can be chosen and changed, where the
 *   new listener is up before the old one ends: knd_tcp_apply(). The test
 *   tcp.move_without_a_gap connects all the time and is never refused.
 * - A listener that comes back after "ss -K" destroyed it: knd_tcp_relisten().
 * - Other network namespaces, IPv6: exercise 8.
 */
