// SPDX-License-Identifier: GPL-2.0-only
// Exercise 4: accept with flags 0 and kern true
// 6.12: error: too many arguments to function 'sock->ops->accept'
// 7.3: error: too many arguments to function 'sock->ops->accept'

#include <linux/fcntl.h>
#include <linux/net.h>

int take(struct socket *sock, struct socket **res);
int take(struct socket *sock, struct socket **res)
{
#ifdef THEN
	struct socket *new;
	int err;

	err = sock_create_lite(PF_INET, SOCK_STREAM, IPPROTO_TCP, &new);
	if (err < 0)
		return err;
	new->ops = sock->ops;
	err = sock->ops->accept(sock, new, 0, true);
	*res = new;
	return err;
#else
	return kernel_accept(sock, res, O_NONBLOCK);
#endif
}
