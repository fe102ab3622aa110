// SPDX-License-Identifier: GPL-2.0-only
/* Exercise 3: a listener on port 60000 of the loopback address */
#include "lab.h"

#define PORT	60000

static const char *on_its_port(void)
{
	unsigned int port;
	char address[64];

	if (listens(PORT, address, sizeof(address)))
		return NULL;
	port = new_listener();
	if (port == swapped(PORT))
		return hint("a socket listens on port %u, which is %u with its bytes swapped: sin_port is in network byte order, htons(%u)",
			    port, PORT, PORT);
	if (port)
		return hint("a socket listens on port %u, and not on %u: is it bound to an address? A socket that is not gets any port",
			    port, PORT);
	return hint("no socket listens on port %u: bind, then listen; do you return the errors of both?",
		    PORT);
}

static const char *on_loopback(void)
{
	char address[64];

	if (!listens(PORT, address, sizeof(address)))
		return hint("no socket listens");
	if (!strcmp(address, "127.0.0.1"))
		return NULL;
	if (!strcmp(address, "1.0.0.127"))
		return hint("it listens at 1.0.0.127, which is 127.0.0.1 with its bytes swapped: htonl(INADDR_LOOPBACK)");
	return hint("it listens at %s and not at 127.0.0.1: anybody could connect. The address is htonl(INADDR_LOOPBACK)",
		    address);
}

static const char *takes_connections(void)
{
	int fd = tcp_connect("127.0.0.1", PORT, NULL);

	if (fd < 0)
		return hint("connect() to 127.0.0.1:%u: %s", PORT,
			    strerror(-fd));
	close(fd);
	return NULL;
}

/* The port is in use: insmod says so, and leaves no socket */
static const char *port_in_use(void)
{
	const char *why = NULL;
	int fd, before;

	fd = bound_socket(SOCK_STREAM, "127.0.0.1", PORT);
	if (fd < 0)
		return hint("port %u is still in use after rmmod: sock_release() in the exit function",
			    PORT);
	before = nr_sockets();
	why = load("");
	if (!why) {
		unload();
		why = hint("insmod succeeds although another socket listens on port %u: return the error of kernel_bind()",
			   PORT);
	} else if (!strstr(why, "Address already in use")) {
		/* Another error, or it hangs: as load() says */
	} else if (nr_sockets() > before) {
		why = hint("kernel_bind() failed, insmod said so, and a socket is left: sock_release() where the init function returns an error");
	} else {
		why = NULL;
	}
	close(fd);
	return why;
}

static const struct point points[] = {
	{ "listens on port 60000", on_its_port, true },
	{ "at 127.0.0.1", on_loopback },
	{ "connections are completed", takes_connections },
	{ "rmmod returns", point_unload, true },
	{ "no socket is left", point_nothing_left },
	{ "a port in use is insmod's error", port_in_use },
	{}
};

const struct exercise listen_exercise = {
	.name = "3-listen",
	.points = points,
};
