// SPDX-License-Identifier: GPL-2.0-only
// Exercise 3: bind and listen
// 6.12: builds
// 7.3: error: passing argument 2 of 'sock->ops->bind' from incompatible pointer type

#include <linux/in.h>
#include <linux/net.h>
#include <net/net_namespace.h>
#include <net/sock.h>

int listen_on(struct socket **res);
int listen_on(struct socket **res)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(60000),
		.sin_addr = { htonl(INADDR_LOOPBACK) },
	};
	struct socket *sock;
	int err;

	err = sock_create_kern(&init_net, PF_INET, SOCK_STREAM, IPPROTO_TCP,
			       &sock);
	if (err < 0)
		return err;
#ifdef THEN
	err = sock->ops->bind(sock, (struct sockaddr *)&addr, sizeof(addr));
	if (!err)
		err = sock->ops->listen(sock, 5);
#else
	err = kernel_bind(sock, (void *)&addr, sizeof(addr));
	if (!err)
		err = kernel_listen(sock, 5);
#endif
	if (err)
		sock_release(sock);
	else
		*res = sock;
	return err;
}
