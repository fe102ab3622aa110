// SPDX-License-Identifier: GPL-2.0-only
// The article's connect, with flags of open()
// 6.12: builds
// 7.3: error: passing argument 2 of 'control->ops->connect' from incompatible pointer type

#include <linux/fcntl.h>
#include <linux/in.h>
#include <linux/net.h>

int reach(struct socket *control, struct sockaddr_in *server);
int reach(struct socket *control, struct sockaddr_in *server)
{
#ifdef THEN
	return control->ops->connect(control, (struct sockaddr *)server,
				     sizeof(*server), O_RDWR);
#else
	return kernel_connect(control, (void *)server, sizeof(*server), 0);
#endif
}
