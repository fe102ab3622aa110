// SPDX-License-Identifier: GPL-2.0-only
// The vector in struct msghdr
// 6.12: error: 'struct msghdr' has no member named 'msg_iov'
// 7.3: error: 'struct msghdr' has no member named 'msg_iov'

#include <linux/socket.h>
#include <linux/uio.h>

void fill(struct msghdr *msg, struct kvec *vec);
void fill(struct msghdr *msg, struct kvec *vec)
{
#ifdef THEN
	msg->msg_iov = (struct iovec *)vec;
	msg->msg_iovlen = 1;
#else
	iov_iter_kvec(&msg->msg_iter, ITER_SOURCE, vec, 1, vec->iov_len);
#endif
}
