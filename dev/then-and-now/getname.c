// SPDX-License-Identifier: GPL-2.0-only
// The address of the other end: the article's 2 and the lab's 1
// 6.12: error: too many arguments to function 'sock->ops->getname'
// 7.3: error: too many arguments to function 'sock->ops->getname'

#include <linux/net.h>
#include <linux/socket.h>

int peer_of(struct socket *sock, struct sockaddr_storage *addr);
int peer_of(struct socket *sock, struct sockaddr_storage *addr)
{
#ifdef THEN
	int len = sizeof(*addr);

	return sock->ops->getname(sock, (struct sockaddr *)addr, &len, 2);
#else
	/* Returns the length */
	return kernel_getpeername(sock, (struct sockaddr *)addr);
#endif
}
