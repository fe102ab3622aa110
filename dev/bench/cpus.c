// SPDX-License-Identifier: GPL-2.0-only
/*
 * kbench: the same work for each processor, on as many as there are
 *
 * A worker on each processor does a fixed amount of it: clients of one TCP
 * service, or runs of the emitter in a namespace each. Beside that, a server
 * process for each client, on the same processor, with a listener of its own:
 * what a user would write so that nothing is shared.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kbench.h"

#define PORT		60000
#define UDP_PORT	60001
#define MAX_CPUS	8

/* @kind: what is done, and by whom */
enum {
	P_ECHO, P_DISCARD, P_CHARGEN, P_CONNECT, P_UDP,
	P_WHAT = 0xff,
	P_OURS = 0x100,
};

static const char * const services[] = {
	[P_ECHO] = "echo", [P_DISCARD] = "discard", [P_CHARGEN] = "chargen",
	[P_CONNECT] = "accept",
};

static char block[BLOCK];
static const struct kb_case *the_case;
static struct sockaddr_in to = { .sin_family = AF_INET };
static int fd = -1;

static int what(void)
{
	return the_case->kind & P_WHAT;
}

static bool ours(void)
{
	return the_case->kind & P_OURS;
}

static void pin(pid_t pid, unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	kb_need(!sched_setaffinity(pid, sizeof(set), &set), "affinity: %s",
		strerror(errno));
}

/* A server of one processor, with one connection at a time */
static void serve(int lfd)
{
	ssize_t n;
	int conn;

	for (;;) {
		conn = accept(lfd, NULL, NULL);
		if (conn < 0)
			continue;
		switch (what()) {
		case P_ECHO:
			while ((n = recv(conn, block, BLOCK, 0)) > 0)
				if (send(conn, block, n, 0) != n)
					break;
			break;
		case P_CHARGEN:
			while (send(conn, block, BLOCK, 0) > 0)
				;
			break;
		default:
			while (recv(conn, block, BLOCK, MSG_TRUNC) > 0)
				;
		}
		close(conn);
	}
}

static void start_server(unsigned int cpu)
{
	int lfd, one = 1;

	lfd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(lfd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	to.sin_port = htons(PORT + 1 + cpu);
	kb_need(!bind(lfd, (struct sockaddr *)&to, sizeof(to)) &&
		!listen(lfd, 128), "no listener: %s", strerror(errno));
	if (!fork()) {
		pin(0, cpu);
		serve(lfd);
	}
	close(lfd);
}

static void start_ours(void)
{
	kb_set(KNOB("tcp"), "0");
	kb_set(KNOB("tcp_addr"), "127.0.0.1");
	kb_set(KNOB("tcp_port"), "%d", PORT);
	kb_set(KNOB("tcp_service"), "%s", services[what()]);
	kb_set(KNOB("tcp_backlog"), "4096");
	kb_set(KNOB("tcp"), "1");
}

static int dial(void)
{
	int conn, one = 1;

	conn = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(conn, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	kb_need(conn >= 0 && !connect(conn, (struct sockaddr *)&to, sizeof(to)),
		"connect: %s", strerror(errno));
	return conn;
}

static void take(int conn, size_t bytes, int flags)
{
	ssize_t n;

	for (; bytes; bytes -= n) {
		n = recv(conn, block, bytes < BLOCK ? bytes : BLOCK, flags);
		kb_need(n > 0, "recv: %s", n ? strerror(errno) : "end of file");
	}
}

static void until_the_end(int conn)
{
	shutdown(conn, SHUT_WR);
	kb_need(recv(conn, block, 1, 0) == 0, "no end after the end");
	close(conn);
}

static void give(int conn, size_t bytes)
{
	ssize_t n;

	for (; bytes; bytes -= n) {
		n = send(conn, block, bytes < BLOCK ? bytes : BLOCK, 0);
		kb_need(n > 0, "send: %s", strerror(errno));
	}
}

/* A namespace with a device that takes everything */
static void make_sink(void)
{
	struct sockaddr_in *addr;
	struct ifreq ifr = {};
	int s;

	kb_need(!unshare(CLONE_NEWNET), "unshare: %s", strerror(errno));
	kb_need(!system("ip link add sink0 type dummy && "
			"ip link set sink0 arp off up"), "no dummy device");
	s = socket(AF_INET, SOCK_DGRAM, 0);
	strcpy(ifr.ifr_name, "sink0");
	addr = (struct sockaddr_in *)&ifr.ifr_addr;
	addr->sin_family = AF_INET;
	addr->sin_addr.s_addr = inet_addr("10.7.0.1");
	kb_need(!ioctl(s, SIOCSIFADDR, &ifr), "no address: %s", strerror(errno));
	addr->sin_addr.s_addr = inet_addr("255.255.255.0");
	kb_need(!ioctl(s, SIOCSIFNETMASK, &ifr), "no netmask");
	close(s);
}

/* The emitter's threads are not tied to processors: the scheduler spreads them */
static void send_udp(size_t n)
{
	if (ours()) {
		kb_set(KNOB("udp_count"), "%zu", n);
		kb_set(KNOB("udp"), "1");
		while (kb_number(KNOB("udp")))
			kb_nap(10);
		kb_need(kb_stat("udp_errors") == 0, "errors");
		return;
	}
	while (n--)
		kb_need(send(fd, block, 64, 0) == 64, "send: %s",
			strerror(errno));
}

/* What comes before the measurement */
static void prepare(unsigned int cpu)
{
	if (what() == P_UDP) {
		make_sink();
		to.sin_port = htons(UDP_PORT);
		to.sin_addr.s_addr = inet_addr("10.7.0.2");
		if (ours()) {
			kb_set(KNOB("udp_daddr"), "10.7.0.2");
			kb_set(KNOB("udp_size"), "64");
			kb_set(KNOB("udp_interval_us"), "0");
			kb_set(KNOB("udp_linger_ms"), "0");
		} else {
			fd = socket(AF_INET, SOCK_DGRAM, 0);
			kb_need(!connect(fd, (struct sockaddr *)&to, sizeof(to)),
				"connect: %s", strerror(errno));
		}
		send_udp(100);
		return;
	}
	to.sin_port = htons(ours() ? PORT : PORT + 1 + cpu);
	if (what() == P_CONNECT)
		return;
	fd = dial();
	switch (what()) {
	case P_ECHO:
		give(fd, 64);
		take(fd, 64, 0);
		break;
	case P_DISCARD:
		give(fd, 8 * MIB);
		break;
	case P_CHARGEN:
		take(fd, 8 * MIB, MSG_TRUNC);
		break;
	}
}

/* The share of one processor */
static void work(void)
{
	size_t n = the_case->size;

	switch (what()) {
	case P_ECHO:
		while (n--) {
			give(fd, 64);
			take(fd, 64, 0);
		}
		break;
	case P_DISCARD:
		give(fd, n * MIB);
		until_the_end(fd);
		break;
	case P_CHARGEN:
		take(fd, n * MIB, MSG_TRUNC);
		break;
	case P_CONNECT:
		while (n--)
			until_the_end(dial());
		break;
	case P_UDP:
		send_udp(n);
		break;
	}
}

static void run_cpus(const struct kb_case *c)
{
	unsigned int cpus = sysconf(_SC_NPROCESSORS_ONLN), i;
	int ready[2], go[2], done[2];
	pid_t pids[MAX_CPUS];
	int status;
	char byte;

	the_case = c;
	kb_need(cpus <= MAX_CPUS, "%u processors", cpus);
	memset(block, 'k', sizeof(block));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (what() != P_UDP && ours())
		start_ours();
	kb_need(!pipe(ready) && !pipe(go) && !pipe(done), "pipe");
	for (i = 0; i < cpus; i++) {
		if (what() != P_UDP && !ours())
			start_server(i);
		pids[i] = fork();
		if (pids[i])
			continue;
		pin(0, i);
		prepare(i);
		if (write(ready[1], "r", 1) != 1 || read(go[0], &byte, 1) != 1)
			_exit(1);
		work();
		if (write(done[1], "d", 1) != 1)
			_exit(1);
		_exit(0);
	}
	/* A worker that cannot says why and ends, so that this reads the end */
	close(ready[1]);
	close(done[1]);
	for (i = 0; i < cpus; i++)
		if (read(ready[0], &byte, 1) != 1)
			_exit(1);
	/* What was queued before is not what is measured */
	kb_nap(200);
	kb_begin();
	if (write(go[1], "goestogo", cpus) != (ssize_t)cpus)
		_exit(1);
	for (i = 0; i < cpus; i++)
		if (read(done[0], &byte, 1) != 1)
			_exit(1);
	kb_sample(kb_end() / (c->size * cpus));
	for (i = 0; i < cpus; i++)
		kb_need(waitpid(pids[i], &status, 0) == pids[i] && !status,
			"a worker ended with status %d", status);
}

#define CASE(name, unit, kind, size) \
	{ "cpus", name, "knetdemo", unit, run_cpus, (kind) | P_OURS, size }, \
	{ "cpus", name, "a process for each", unit, run_cpus, kind, size }

const struct kb_case kb_cpus[] = {
	CASE("echo-64", "ns/round trip", P_ECHO, 2000),
	CASE("discard", "ns/MiB", P_DISCARD, 32),
	CASE("chargen", "ns/MiB", P_CHARGEN, 32),
	CASE("connect", "ns/connection", P_CONNECT, 400),
	CASE("udp-64", "ns/datagram", P_UDP, 20000),
};

const size_t kb_cpus_count = ARRAY_SIZE(kb_cpus);
