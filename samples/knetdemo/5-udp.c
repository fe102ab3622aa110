// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exercise 5: send a datagram from kernel space (knd-sample-udp.ko)
 *
 * insmod sends "kernelsocket" and a newline to port 60001 of 127.0.0.1, where
 * "nc -l -u -p 60001" shows it.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/in.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/socket.h>
#include <linux/uio.h>
#include <net/net_namespace.h>

#define DEST_PORT	60001

static const char message[] = "kernelsocket\n";

static int knd_sample_send(struct socket *sock)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(DEST_PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	/*
	 * Task 1: Name the destination in "msg": msg_name, msg_namelen. What is
	 * not named in the initializer is zero, which the other members need.
	 * Let "vec" describe the message, without the zero byte at its end: a
	 * kvec is memory of the kernel, as an iovec is memory of a process.
	 */
	struct msghdr msg = {
		.msg_name = &to,
		.msg_namelen = sizeof(to),
	};
	struct kvec vec = {
		.iov_base = (void *)message,
		.iov_len = sizeof(message) - 1,
	};
	/* Task 1 ends. Instead: struct msghdr msg = {}; struct kvec vec; */

	/* Task 2: Send it, and return what kernel_sendmsg() returns. */
	return kernel_sendmsg(sock, &msg, &vec, 1, vec.iov_len);
	/* Task 2 ends. Instead: return -EOPNOTSUPP; */
}

static int __init knd_sample_udp_init(void)
{
	struct socket *sock;
	int ret;

	/* Task 3: Create a UDP socket in the initial network namespace. */
	ret = sock_create_kern(&init_net, PF_INET, SOCK_DGRAM, IPPROTO_UDP,
			       &sock);
	/* Task 3 ends. Instead: ret = -EOPNOTSUPP; */
	if (ret)
		return ret;
	ret = knd_sample_send(sock);

	/*
	 * Task 4: Release the socket. Return 0 or the error: a positive number,
	 * such as that of the bytes sent, is no success for module_init().
	 */
	sock_release(sock);
	if (ret < 0)
		return ret;
	pr_info("sent %d bytes to %pISpc\n", ret,
		&(struct sockaddr_in){ .sin_family = AF_INET,
				       .sin_port = htons(DEST_PORT),
				       .sin_addr.s_addr =
					       htonl(INADDR_LOOPBACK) });
	return 0;
	/* Task 4 ends. Instead: return ret; */
}

/* Without an exit function a module cannot be unloaded */
static void __exit knd_sample_udp_exit(void)
{
}

module_init(knd_sample_udp_init);
module_exit(knd_sample_udp_exit);

MODULE_DESCRIPTION("Exercise 5: send a datagram from kernel space");
MODULE_LICENSE("GPL");

/*
 * What this lacks:
 *
 * - More than one datagram, in a thread and at a rate: knd_udp_thread(), tested
 *   by udp_pace. A connected socket does not look up its route each time:
 *   knd_udp_open().
 * - Many datagrams in one call (UDP GSO): knd_udp_send(), tested by udp:gso.
 * - What the network answers, such as "port unreachable":
 *   knd_udp_error_report(), tested by udp:nobody_at_the_port.
 * - A destination that can be chosen, other network namespaces, IPv6:
 *   knd_udp_apply(), tested by udp:settings_change_in_a_run.
 */
