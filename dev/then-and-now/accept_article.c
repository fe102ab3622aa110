// SPDX-License-Identifier: GPL-2.0-only
// The article's accept, with three arguments: it builds, and inet_accept()
// writes the error through the null pointer that the 0 has become. "make break
// RULE=9" shows what the kernel says.
// 6.12: builds
// 7.3: builds

#include <linux/fcntl.h>
#include <linux/net.h>

int take_data(struct socket *data, struct socket **res);
int take_data(struct socket *data, struct socket **res)
{
#ifdef THEN
	struct socket *new = sock_alloc();

	if (!new)
		return -ENOMEM;
	new->type = data->type;
	new->ops = data->ops;
	*res = new;
	return data->ops->accept(data, new, 0);
#else
	return kernel_accept(data, res, O_NONBLOCK);
#endif
}
