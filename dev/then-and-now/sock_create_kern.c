// SPDX-License-Identifier: GPL-2.0-only
// The older sock_create_kern(), without a namespace
// 6.12: error: too few arguments to function 'sock_create_kern'

#include <linux/in.h>
#include <linux/net.h>
#include <net/net_namespace.h>

int make(struct socket **res);
int make(struct socket **res)
{
#ifdef THEN
	return sock_create_kern(PF_INET, SOCK_STREAM, IPPROTO_TCP, res);
#else
	return sock_create_kern(&init_net, PF_INET, SOCK_STREAM, IPPROTO_TCP,
				res);
#endif
}
