// SPDX-License-Identifier: GPL-2.0-only
// User memory for a message, as the lab shows it
// 6.12: error: implicit declaration of function 'import_single_range'
// 7.3: error: implicit declaration of function 'import_single_range'

#include <linux/socket.h>
#include <linux/uio.h>

int from_user(struct msghdr *msg, void __user *buf, size_t len);
int from_user(struct msghdr *msg, void __user *buf, size_t len)
{
#ifdef THEN
	struct iovec iov;

	return import_single_range(WRITE, buf, len, &iov, &msg->msg_iter);
#else
	return import_ubuf(ITER_SOURCE, buf, len, &msg->msg_iter);
#endif
}
