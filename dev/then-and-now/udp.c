// SPDX-License-Identifier: GPL-2.0-only
// Exercise 5: a datagram; the cast of struct iovec to struct kvec still builds
// 6.12: builds
// 7.3: builds

#include <linux/in.h>
#include <linux/net.h>
#include <linux/socket.h>
#include <linux/uio.h>

int send_text(struct socket *sock, char *text, size_t len);
int send_text(struct socket *sock, char *text, size_t len)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(60001),
		.sin_addr = { htonl(INADDR_LOOPBACK) },
	};
#ifdef THEN
	/* Members that the lab did not know have what was on the stack */
	struct msghdr msg;
	struct iovec iov;

	iov.iov_base = text;
	iov.iov_len = len;
	msg.msg_flags = 0;
	msg.msg_name = &to;
	msg.msg_namelen = sizeof(to);
	msg.msg_control = NULL;
	msg.msg_controllen = 0;
	return kernel_sendmsg(sock, &msg, (struct kvec *)&iov, 1, len);
#else
	struct msghdr msg = { .msg_name = &to, .msg_namelen = sizeof(to) };
	struct kvec vec = { text, len };

	return kernel_sendmsg(sock, &msg, &vec, 1, len);
#endif
}
