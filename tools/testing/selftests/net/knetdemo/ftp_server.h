/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A scripted FTP server for the tests of net/knetdemo: it answers correctly,
 * unless a script has another reply.
 */

#ifndef _KNETDEMO_FTP_SERVER_H
#define _KNETDEMO_FTP_SERVER_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <linux/sockios.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Instead of a reply: send none until the client closes; close; reset */
#define FTP_STALL	((const char *)1)
#define FTP_HANGUP	((const char *)2)
#define FTP_RESET	((const char *)3)

/* Others connect from this address; with IPv4 from one of the loopback */
#define FTP_ROGUE6	"fd00::66"

/* How a server treats its connections */
#define FTP_DATA_RESET	(1U << 0)	/* resets the data connection */
#define FTP_DATA_OPEN	(1U << 1)	/* leaves the data connection open */
#define FTP_NO_REST	(1U << 2)	/* forgets REST at once */
#define FTP_CTRL_OPEN	(1U << 3)	/* stays open after QUIT */

struct ftp_script {
	/* Greeting, command verbs, and "150", "226" around the data of RETR */
	const char *verb;
	const char *reply;
};

struct ftp_server {
	/* the test sets */
	const struct ftp_script *script;	/* ends with a NULL verb */
	const char *data;
	/*
	 * Where set, it is asked which bytes follow at @at and may be sent now:
	 * *@len bytes at *@from. Returns false to end the data early.
	 */
	bool (*more)(struct ftp_server *s, size_t at, const char **from,
		     size_t *len);
	size_t size;
	size_t cut;		/* bytes after which sending stops; 0: never */
	const char *after_cut;	/* FTP_STALL, FTP_HANGUP */
	bool no_connect;	/* active: never connect */
	unsigned int rogues;	/* active: others that connect first */
	unsigned int does;	/* FTP_DATA_RESET, ... */
	/* The end of the control connection, when half of the data is sent */
	const char *half;	/* FTP_HANGUP, FTP_RESET, or a reply before */
	int step_us;		/* greeting and replies byte by byte */
	/* Where set, it is called with each command before the reply */
	void (*heard)(struct ftp_server *s, const char *verb);
	const char *password;	/* the only accepted one */
	int port;		/* to listen at; 0: any */
	const char *host;	/* to listen at; NULL: the loopback address */
	FILE *log;		/* all that was received, as it is */
	/* the server sets */
	int family;
	int listener;
	struct sockaddr_in6 addr;
	socklen_t len;
	char commands[8192];	/* all that was received */
	pthread_t thread;
	/* of the session */
	int ctrl, passive, data_fd;
	size_t rest;
	struct sockaddr_storage to;
	bool active, over;
};

/* Not knd_addr(): ftp_script is a server alone, without knetdemo_test.h */
static inline socklen_t ftp_addr(struct sockaddr_in6 *ss, int family,
				 const char *host, int port)
{
	struct sockaddr_in *in = (void *)ss;

	memset(ss, 0, sizeof(*ss));
	if (family == AF_INET) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		inet_pton(AF_INET, host ? : "127.0.0.1", &in->sin_addr);
		return sizeof(*in);
	}
	ss->sin6_family = AF_INET6;
	ss->sin6_port = htons(port);
	inet_pton(AF_INET6, host ? : "::1", &ss->sin6_addr);
	return sizeof(*ss);
}

/* Open a listener on @port, or on any port if that is 0 */
static inline int ftp_listen(int family, const char *host, int port,
			     int backlog, struct sockaddr_in6 *addr)
{
	struct sockaddr_in6 ss;
	socklen_t len = ftp_addr(&ss, family, host, port);
	int one = 1;
	int fd = socket(family, SOCK_STREAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, (void *)&ss, len) || listen(fd, backlog))
		return -1;
	len = sizeof(ss);
	getsockname(fd, (void *)&ss, &len);
	if (addr)
		*addr = ss;
	return fd;
}

static inline int ftp_port_of(const struct sockaddr_in6 *ss)
{
	return ntohs(ss->sin6_port); /* at the same place for IPv4 */
}

static inline void ftp_reset(int *fd)
{
	struct linger reset = { .l_onoff = 1 };

	setsockopt(*fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(*fd);
	*fd = -1;
}

/* The control connection ends while the data flows */
static inline void ftp_half(struct ftp_server *s)
{
	const char *half = s->half;

	if (half == FTP_RESET) {
		ftp_reset(&s->ctrl);
		return;
	}
	if (half != FTP_HANGUP)
		send(s->ctrl, half, strlen(half), MSG_NOSIGNAL);
	close(s->ctrl);
	s->ctrl = -1;
}

/* Wait until all that was sent is acknowledged */
static inline void ftp_drain(int fd)
{
	int left;

	while (!ioctl(fd, SIOCOUTQ, &left) && left)
		usleep(1000);
}

static inline const char *ftp_scripted(struct ftp_server *s, const char *verb,
				       const char *usual)
{
	const struct ftp_script *i;

	for (i = s->script; i && i->verb; i++)
		if (!strcmp(i->verb, verb))
			return i->reply;
	return usual;
}

/* Send a reply; returns false if the session is over */
static inline bool ftp_say(struct ftp_server *s, const char *verb,
			   const char *usual)
{
	const char *reply = ftp_scripted(s, verb, usual);
	char buf[512];

	if (s->ctrl < 0 || reply == FTP_HANGUP)
		return false;
	if (reply == FTP_RESET) {
		ftp_reset(&s->ctrl);
		return false;
	}
	if (reply == FTP_STALL) {
		while (recv(s->ctrl, buf, sizeof(buf), 0) > 0)
			;
		return false;
	}
	if (!s->step_us)
		return send(s->ctrl, reply, strlen(reply), MSG_NOSIGNAL) >= 0;
	for (; *reply; reply++) {
		if (send(s->ctrl, reply, 1, MSG_NOSIGNAL) < 0)
			return false;
		usleep(s->step_us);
	}
	return true;
}

static inline bool ftp_passive(struct ftp_server *s, const char *verb)
{
	struct sockaddr_in6 ss;
	socklen_t len = sizeof(ss);
	char host[INET6_ADDRSTRLEN], text[64];
	int port;

	/* The address that the client connected to */
	getsockname(s->ctrl, (void *)&ss, &len);
	inet_ntop(s->family, s->family == AF_INET ?
		  (void *)&((struct sockaddr_in *)&ss)->sin_addr :
		  (void *)&ss.sin6_addr, host, sizeof(host));
	if (s->passive >= 0)
		close(s->passive);
	s->passive = ftp_listen(s->family, host, 0, 4, &ss);
	port = ftp_port_of(&ss);
	s->active = false;
	if (!strcmp(verb, "EPSV"))
		snprintf(text, sizeof(text), "229 x (|||%d|)\r\n", port);
	else
		snprintf(text, sizeof(text), "227 x (127,0,0,1,%d,%d)\r\n",
			 port / 256, port % 256);
	return ftp_say(s, verb, text);
}

static inline bool ftp_active(struct ftp_server *s, const char *verb,
			      char *arg)
{
	unsigned int a, b, c, d, hi, lo;
	char host[INET6_ADDRSTRLEN];
	int af, port;

	s->active = true;
	if (!strcmp(verb, "PORT")) {
		if (sscanf(arg, "%u,%u,%u,%u,%u,%u",
			   &a, &b, &c, &d, &hi, &lo) != 6)
			return ftp_say(s, verb, "501 no address\r\n");
		snprintf(host, sizeof(host), "%u.%u.%u.%u", a, b, c, d);
		port = hi * 256 + lo;
		af = 1;
	} else if (sscanf(arg, "|%d|%45[^|]|%d|", &af, host, &port) != 3) {
		return ftp_say(s, verb, "501 no address\r\n");
	}
	ftp_addr((void *)&s->to, af == 1 ? AF_INET : AF_INET6, host, port);
	return ftp_say(s, verb, "200 ok\r\n");
}

/* Connect from another address, before the server does */
static inline void ftp_rogue(struct ftp_server *s)
{
	int family = s->to.ss_family;
	struct sockaddr_in6 from;
	socklen_t len = ftp_addr(&from, family, family == AF_INET ?
				 "127.0.0.66" : FTP_ROGUE6, 0);
	int fd = socket(family, SOCK_STREAM, 0);

	bind(fd, (void *)&from, len);
	if (!connect(fd, (void *)&s->to, len))
		send(fd, "rogue", 5, MSG_NOSIGNAL);
	close(fd);
}

static inline bool ftp_retr(struct ftp_server *s)
{
	size_t end = s->cut ? s->cut : s->size;
	size_t at = s->does & FTP_NO_REST ? 0 : s->rest;
	bool half_done = !s->half;
	struct linger reset = { .l_onoff = 1 };
	char buf[64];
	ssize_t n;

	s->rest = 0;
	if (!ftp_say(s, "150", "150 here it comes\r\n"))
		return false;
	if (s->active) {
		if (s->no_connect) {
			while (recv(s->ctrl, buf, sizeof(buf), 0) > 0)
				;
			return false;
		}
		for (unsigned int i = 0; i < s->rogues; i++)
			ftp_rogue(s);
		s->data_fd = socket(s->family, SOCK_STREAM, 0);
		if (connect(s->data_fd, (void *)&s->to, s->family == AF_INET ?
			    sizeof(struct sockaddr_in) :
			    sizeof(struct sockaddr_in6)))
			return false;
	} else {
		struct pollfd fds[] = {
			{ .fd = s->ctrl, .events = POLLIN },
			{ .fd = s->passive, .events = POLLIN },
		};

		poll(fds, 2, -1);
		if (!fds[1].revents)
			return false;
		s->data_fd = accept(s->passive, NULL, NULL);
	}
	while (at < end) {
		const char *from = s->data + at;
		size_t len = end - at;

		if (!half_done && at < s->size / 2)
			len = s->size / 2 - at;
		if (!half_done && at >= s->size / 2) {
			half_done = true;
			ftp_half(s);
		}
		if (s->more && !s->more(s, at, &from, &len))
			break;
		n = send(s->data_fd, from, len, MSG_NOSIGNAL);
		if (n < 0)
			break;
		at += n;
	}
	if (s->does & FTP_DATA_RESET) {
		ftp_drain(s->data_fd);
		ftp_reset(&s->data_fd);
		return ftp_say(s, "226", "226 done\r\n");
	}
	if (s->does & FTP_DATA_OPEN)
		return ftp_say(s, "226", "226 done\r\n");
	if (s->cut && s->after_cut == FTP_STALL) {
		while (recv(s->ctrl, buf, sizeof(buf), 0) > 0)
			;
		return false;
	}
	if (s->cut && s->after_cut == FTP_HANGUP) {
		/* As if the host had restarted: the client gets a reset */
		while (recv(s->data_fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
			;
		setsockopt(s->ctrl, SOL_SOCKET, SO_LINGER, &reset,
			   sizeof(reset));
		return false;
	}
	close(s->data_fd);
	s->data_fd = -1;
	return ftp_say(s, "226", "226 done\r\n");
}

static inline bool ftp_command(struct ftp_server *s, char *line)
{
	char *arg = line + strcspn(line, " ");
	char text[64];

	if (*arg)
		*arg++ = '\0';
	if (s->heard)
		s->heard(s, line);
	/* As BSD's servers do, and RFC 3659 allows */
	if (strcmp(line, "RETR"))
		s->rest = 0;
	if (!strcmp(line, "USER"))
		return ftp_say(s, line, "331 password?\r\n");
	if (!strcmp(line, "PASS"))
		return ftp_say(s, line, s->password && strcmp(arg, s->password)
			       ? "530 wrong\r\n" : "230 welcome\r\n");
	if (!strcmp(line, "TYPE"))
		return ftp_say(s, line, "200 ok\r\n");
	if (!strcmp(line, "SIZE")) {
		snprintf(text, sizeof(text), "213 %zu\r\n", s->size);
		return ftp_say(s, line, text);
	}
	if (!strcmp(line, "MDTM"))
		return ftp_say(s, line, "213 20260704123456\r\n");
	if (!strcmp(line, "REST")) {
		s->rest = strtoull(arg, NULL, 10);
		return ftp_say(s, line, "350 ok\r\n");
	}
	if (!strcmp(line, "EPSV") || !strcmp(line, "PASV"))
		return ftp_passive(s, line);
	if (!strcmp(line, "EPRT") || !strcmp(line, "PORT"))
		return ftp_active(s, line, arg);
	if (!strcmp(line, "RETR"))
		return ftp_scripted(s, line, NULL) ?
		       ftp_say(s, line, NULL) : ftp_retr(s);
	if (!strcmp(line, "QUIT")) {
		ftp_say(s, line, "221 bye\r\n");
		if (s->does & FTP_CTRL_OPEN)
			s->ctrl = -1;
		return false;
	}
	return ftp_say(s, line, "502 what?\r\n");
}

static inline void ftp_session(struct ftp_server *s)
{
	char line[5000];
	size_t len = 0;

	s->passive = -1;
	s->data_fd = -1;
	s->rest = 0;
	if (!ftp_say(s, "greeting", "220 ready\r\n"))
		return;
	while (len < sizeof(line) - 1 && recv(s->ctrl, line + len, 1, 0) == 1) {
		if (line[len++] != '\n')
			continue;
		line[len] = '\0';
		if (s->log) {
			fputs(line, s->log);
			fflush(s->log);
		}
		strncat(s->commands, line,
			sizeof(s->commands) - strlen(s->commands) - 1);
		line[strcspn(line, "\r\n")] = '\0';
		len = 0;
		if (!ftp_command(s, line))
			return;
	}
}

static inline void *ftp_serve(void *arg)
{
	struct ftp_server *s = arg;

	while ((s->ctrl = accept(s->listener, NULL, NULL)) >= 0) {
		ftp_session(s);
		if (s->data_fd >= 0)
			close(s->data_fd);
		if (s->ctrl >= 0)
			close(s->ctrl);
		if (s->passive >= 0)
			close(s->passive);
	}
	return NULL;
}

static inline int ftp_server_start(struct ftp_server *s, int family)
{
	s->family = family;
	s->listener = ftp_listen(family, s->host, s->port, 16, &s->addr);
	if (s->listener < 0)
		return -errno;
	s->len = family == AF_INET ? sizeof(struct sockaddr_in) :
				     sizeof(struct sockaddr_in6);
	return -pthread_create(&s->thread, NULL, ftp_serve, s);
}

static inline void ftp_server_stop(struct ftp_server *s)
{
	shutdown(s->listener, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->listener);
}

#endif /* _KNETDEMO_FTP_SERVER_H */
