// SPDX-License-Identifier: GPL-2.0-only
// The article's receive, with the size
// 6.12: error: too many arguments to function 'sock_recvmsg'
// 7.3: error: too many arguments to function 'sock_recvmsg'

#include <linux/net.h>
#include <linux/socket.h>
#include <linux/uio.h>

int get(struct socket *sock, struct msghdr *msg, struct kvec *vec);
int get(struct socket *sock, struct msghdr *msg, struct kvec *vec)
{
#ifdef THEN
	return sock_recvmsg(sock, msg, vec->iov_len, 0);
#else
	return kernel_recvmsg(sock, msg, vec, 1, vec->iov_len, 0);
#endif
}
