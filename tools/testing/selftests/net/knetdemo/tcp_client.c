// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client of the TCP service of net/knetdemo, for the scripts
 *
 *	tcp_client echo ADDR PORT
 *		stdin to the service, its echo to stdout; the end of stdin is a
 *		half-close
 *	tcp_client hold ADDR PORT N
 *		N busy echo connections; says "ready" when all work, ends when
 *		none is left
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static void need(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static int dial(const char *text, const char *port)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in in4 = { .sin_family = AF_INET };
	int fd, err;

	in4.sin_port = htons(atoi(port));
	in6.sin6_port = in4.sin_port;
	if (inet_pton(AF_INET, text, &in4.sin_addr) == 1) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		err = connect(fd, (struct sockaddr *)&in4, sizeof(in4));
	} else {
		need(inet_pton(AF_INET6, text, &in6.sin6_addr) == 1, text);
		fd = socket(AF_INET6, SOCK_STREAM, 0);
		err = connect(fd, (struct sockaddr *)&in6, sizeof(in6));
	}
	need(!err, "connect");
	return fd;
}

static void write_all(int fd, const char *buf, size_t len)
{
	ssize_t n;

	for (; len; buf += n, len -= n) {
		n = write(fd, buf, len);
		need(n > 0, "write");
	}
}

static void echo(int fd)
{
	static char in[65536], out[65536];
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };
	size_t from = 0, to = 0;
	ssize_t n;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	for (;;) {
		need(poll(&p, 1, -1) == 1, "poll");
		if (p.revents & ~POLLOUT) {
			n = recv(fd, in, sizeof(in), 0);
			need(n >= 0 || errno == EAGAIN, "recv");
			if (!n)
				break;
			if (n > 0)
				write_all(1, in, n);
		}
		if (!(p.revents & POLLOUT))
			continue;
		if (from == to) {
			n = read(0, out, sizeof(out));
			need(n >= 0, "read");
			if (!n) {
				shutdown(fd, SHUT_WR);
				p.events = POLLIN;
				continue;
			}
			from = 0;
			to = n;
		}
		n = send(fd, out + from, to - from, MSG_NOSIGNAL);
		need(n >= 0 || errno == EAGAIN, "send");
		if (n > 0)
			from += n;
	}
	need(p.events == POLLIN, "the end before the end");
}

static void hold(const char *addr, const char *port, int n)
{
	struct rlimit limit = { n + 100, n + 100 };
	struct epoll_event ev = { .events = EPOLLIN }, events[64];
	int ep = epoll_create1(0), left = n, answered = 0, i, got;
	char buf[4096] = "busy";
	char *seen;

	need(!setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
	seen = calloc(n + 100, 1);
	need(!!seen, "calloc");
	for (i = 0; i < n; i++) {
		ev.data.fd = dial(addr, port);
		epoll_ctl(ep, EPOLL_CTL_ADD, ev.data.fd, &ev);
		write_all(ev.data.fd, buf, 1000);
	}
	while (left) {
		got = epoll_wait(ep, events, 64, -1);
		for (i = 0; i < got; i++) {
			int fd = events[i].data.fd;
			ssize_t len = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

			if (len < 0 && errno == EAGAIN)
				continue;
			if (len <= 0 || send(fd, buf, len, MSG_DONTWAIT) < 0) {
				close(fd);
				left--;
				continue;
			}
			if (!seen[fd]) {
				seen[fd] = 1;
				if (++answered == n) {
					puts("ready");
					fflush(stdout);
				}
			}
		}
	}
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	if (argc == 4 && !strcmp(argv[1], "echo"))
		echo(dial(argv[2], argv[3]));
	else if (argc == 5 && !strcmp(argv[1], "hold"))
		hold(argv[2], argv[3], atoi(argv[4]));
	else
		return 2;
	return 0;
}
