// SPDX-License-Identifier: GPL-2.0-only
/* Exercise 5: loading the module sends one datagram */
#include <poll.h>

#include "lab.h"

#define PORT	60001
#define MESSAGE	"kernelsocket\n"

static int receiver, other;

static const char *receive(void)
{
	receiver = bound_socket(SOCK_DGRAM, "127.0.0.1", PORT);
	/* Where it goes without htons() */
	other = bound_socket(SOCK_DGRAM, "0.0.0.0", swapped(PORT));
	return receiver < 0 || other < 0 ?
	       hint("no sockets on ports %u and %u", PORT, swapped(PORT)) :
	       NULL;
}

static void finish(void)
{
	close(receiver);
	close(other);
}

static const char *arrives(void)
{
	struct pollfd pollfd = { .fd = receiver, .events = POLLIN };
	char buffer[128];
	ssize_t len;

	/* On the loopback device it is there before kernel_sendmsg() returns */
	if (poll(&pollfd, 1, 1000) <= 0) {
		if (recv(other, buffer, sizeof(buffer), MSG_DONTWAIT) > 0)
			return hint("the datagram went to port %u, which is %u with its bytes swapped: sin_port is in network byte order, htons(%u)",
				    swapped(PORT), PORT, PORT);
		return hint("no datagram at 127.0.0.1:%u: msg_name and msg_namelen say where it goes",
			    PORT);
	}
	len = recv(receiver, buffer, sizeof(buffer), MSG_DONTWAIT);
	if (len == sizeof(MESSAGE) - 1 && !memcmp(buffer, MESSAGE, len))
		return NULL;
	if (len == sizeof(MESSAGE) && !memcmp(buffer, MESSAGE, len))
		return hint("the datagram has %zd bytes: the zero at the end of the string is no part of the message, so sizeof() is one too many",
			    len);
	return hint("the datagram has %zd bytes, \"%.*s\", and should have \"kernelsocket\" and a newline: iov_base, iov_len",
		    len, len < 0 ? 0 : (int)len, buffer);
}

static const char *only_one(void)
{
	char buffer[128];

	if (recv(receiver, buffer, sizeof(buffer), MSG_DONTWAIT) < 0)
		return NULL;
	return hint("there is a second datagram");
}

static const char *nobody(void)
{
	const char *why;

	close(receiver);
	receiver = -1;
	why = load("");
	return why ? hint("with nobody at the port, %s: the sender of a datagram does not learn of that",
			  strdup(why)) : NULL;
}

static const struct point points[] = {
	{ "the datagram arrives at 127.0.0.1:60001", arrives },
	{ "and no other", only_one },
	{ "rmmod returns", point_unload, true },
	{ "no socket is left", point_nothing_left },
	{ "nobody at the port is no error", nobody },
	{ "rmmod returns again", point_unload },
	{ "no socket is left again", point_nothing_left },
	{}
};

const struct exercise udp_exercise = {
	.name = "5-udp",
	.prepare = receive,
	.points = points,
	.finish = finish,
};
