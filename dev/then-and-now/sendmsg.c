// SPDX-License-Identifier: GPL-2.0-only
// The article's send, with the length as a third argument
// 6.12: error: too many arguments to function 'sock_sendmsg'
// 7.3: error: too many arguments to function 'sock_sendmsg'

#include <linux/net.h>
#include <linux/socket.h>
#include <linux/uio.h>

int put(struct socket *sock, struct msghdr *msg, struct kvec *vec);
int put(struct socket *sock, struct msghdr *msg, struct kvec *vec)
{
#ifdef THEN
	return sock_sendmsg(sock, msg, vec->iov_len);
#else
	iov_iter_kvec(&msg->msg_iter, ITER_SOURCE, vec, 1, vec->iov_len);
	return sock_sendmsg(sock, msg);
#endif
}
