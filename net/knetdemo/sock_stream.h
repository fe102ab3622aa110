/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel networking demonstration and test services: TCP sockets for a task
 */

#ifndef _NET_KNETDEMO_SOCK_STREAM_H
#define _NET_KNETDEMO_SOCK_STREAM_H

#include <linux/types.h>

struct knd_pages;
struct net;
struct sockaddr_storage;
struct socket;

int knd_stream_open(struct net *net, const struct sockaddr_storage *source,
		    const char *device, struct socket **res);
int knd_stream_connect(struct socket *sock,
		       const struct sockaddr_storage *addr);
void knd_stream_keepalive(struct socket *sock);
bool knd_stream_ready(const struct socket *sock);
int knd_stream_wait(const struct socket *sock, const struct socket *other,
		    bool out, unsigned long deadline, const bool *stop);
ssize_t knd_stream_collect(struct socket *sock, struct knd_pages *pages,
			   size_t max, loff_t pos);
bool knd_stream_finish(struct socket *sock, unsigned long deadline,
		       const bool *stop);
void knd_stream_abort(struct socket *sock);

#endif /* _NET_KNETDEMO_SOCK_STREAM_H */
