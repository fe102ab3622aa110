// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: kernel sockets
 *
 * The only file that knows how kernel sockets are made and closed.
 */

#include <linux/inet.h>
#include <linux/kernel.h>
#include <linux/socket.h>
#include <net/net_namespace.h>

#include "knetdemo.h"

/**
 * knd_addr_parse - read an IPv4 or IPv6 literal
 * @net: the namespace in which a %device is looked up
 * @text: the literal; "fe80::1%eth0" scopes a link-local address
 * @port: to put beside the address, in host order
 * @addr: where the result goes; untouched on error
 *
 * Context: process.
 * Return: 0, or -EINVAL where @text is no address.
 */
int knd_addr_parse(struct net *net, const char *text, int port,
		   struct sockaddr_storage *addr)
{
	struct sockaddr_storage ss = {};
	char digits[sizeof("65535")];

	snprintf(digits, sizeof(digits), "%u", (u16)port);
	if (inet_pton_with_scope(net, AF_UNSPEC, text, digits, &ss))
		return -EINVAL;
	*addr = ss;
	return 0;
}
