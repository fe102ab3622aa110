// SPDX-License-Identifier: GPL-2.0-only
// From a file descriptor to a socket, as the lab shows it
// 6.12: error: implicit declaration of function 'sockfd_lookup_light'
// 7.3: error: implicit declaration of function 'sockfd_lookup_light'

#include <linux/file.h>
#include <linux/net.h>

int of_descriptor(int fd);
int of_descriptor(int fd)
{
	struct socket *sock;
	int err;
#ifdef THEN
	int fput_needed;

	sock = sockfd_lookup_light(fd, &err, &fput_needed);
	if (!sock)
		return err;
	fput_light(sock->file, fput_needed);
#else
	sock = sockfd_lookup(fd, &err);
	if (!sock)
		return err;
	sockfd_put(sock);
#endif
	return 0;
}
