// SPDX-License-Identifier: GPL-2.0-only
// How the article lets the kernel pass where user memory was expected
// 6.12: error: unknown type name 'mm_segment_t'|'mm_segment_t' undeclared
// 7.3: error: unknown type name 'mm_segment_t'|'mm_segment_t' undeclared

#include <linux/net.h>
#include <linux/socket.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

int put_kernel(struct socket *sock, struct msghdr *msg, struct kvec *vec);
int put_kernel(struct socket *sock, struct msghdr *msg, struct kvec *vec)
{
#ifdef THEN
	mm_segment_t old = get_fs();
	int err;

	set_fs(KERNEL_DS);
	err = sock_sendmsg(sock, msg);
	set_fs(old);
	return err;
#else
	/* The iterator says whose memory it is */
	iov_iter_kvec(&msg->msg_iter, ITER_SOURCE, vec, 1, vec->iov_len);
	return sock_sendmsg(sock, msg);
#endif
}
