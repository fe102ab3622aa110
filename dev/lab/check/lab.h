/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the checkers of the exercises share: they run in the guest as root, load
 * a student's module, use it from user space and say what they find.
 *
 * A checker is a list of points. Each function returns NULL where the module
 * does what it should, else a hint: what was seen, and what may be the cause.
 * Whatever the module does, a checker ends: each wait has a limit, and system
 * calls that a module can block are made by a child.
 */
#ifndef LAB_H
#define LAB_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * How long to wait for what should come at once, in ms. The guest is emulated
 * and shares its host's processors.
 */
#define LIMIT_MS	8000

struct point {
	const char *name;
	const char *(*run)(void);
	/* The points that follow cannot be tried where this one failed */
	bool needed;
};

struct exercise {
	const char *name;
	/* What may be the cause when the port is in use */
	const char *in_use;
	/* Before the module is loaded; NULL or what went wrong */
	const char *(*prepare)(void);
	const struct point *points;
	/* After it was unloaded, whatever happened */
	void (*finish)(void);
};

extern const struct exercise connect_exercise, filter_exercise,
	listen_exercise, accept_exercise, udp_exercise, ftp_exercise,
	daytime_exercise, netns_exercise;

/* A hint, in a buffer that the next call overwrites */
const char *hint(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* The hint for what was killed so */
const char *died(const char *what);

/* Load and unload the module that is checked: NULL or a hint */
const char *load(const char *params);
const char *unload(void);
bool loaded(void);

/* Its lines in the kernel log, since the last call of log_from_here() */
void log_from_here(void);
/* The next line that has TEXT, within a time; NULL where none came */
const char *log_line(const char *text, int ms);
/* How many have it by now */
int log_count(const char *text);
/* Show the last line as part of the module's output */
void show_log(const char *line);

/* Time that only goes forward, in ms */
long now_ms(void);
void sleep_ms(int ms);

/* Swap the bytes of a port: what htons() left out leads to */
static inline unsigned int swapped(unsigned int port)
{
	return (port >> 8 | port << 8) & 0xffff;
}

/*
 * The address at which a TCP socket listens to PORT, in "text", or false. With
 * more than one, the last.
 */
bool listens(unsigned int port, char *text, size_t len);
/* The other port at which a socket listens since the module was loaded, or 0 */
unsigned int new_listener(void);
/* Sockets that the kernel has: TCP but for TIME_WAIT, and UDP with a port */
int nr_sockets(void);
/* NULL, or a hint where sockets are left that were not there before loading */
const char *sockets_left(void);

/* A connection to a port, or -errno; the local port goes to *PORT */
int tcp_connect(const char *address, unsigned int port, unsigned int *local);
/* Wait until the peer closes: the bytes that came before, or -errno */
int read_all(int fd, char *buffer, size_t len, int ms);
/* A TCP or UDP socket of this program, bound to an address, or -errno */
int bound_socket(int type, const char *address, unsigned int port);

/* Points that all have: what is wrong with the module's end */
const char *point_unload(void);
const char *point_nothing_left(void);
const char *point_no_thread(void);

/*
 * Run a function in a child: its result (-127 to 127), -ETIMEDOUT where it does
 * not end in time, then "where" names what it sleeps in, or -EINTR where it was
 * killed, as the kernel does when it finds a fault in what the child called.
 */
int in_child(int (*run)(void *), void *arg, int ms, char *where, size_t len);

/* A command: its status, with its output thrown away */
int command(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
