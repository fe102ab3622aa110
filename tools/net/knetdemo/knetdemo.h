/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared by the files of the tool: messages, signals, and one function for each
 * command.
 */

#ifndef KNETDEMO_TOOL_H
#define KNETDEMO_TOOL_H

#include <limits.h>
#include <netdb.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/types.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof(*(a)))

#define DEVICE	"/dev/knetdemo"
#define PROC	"/proc/net/knetdemo/"
#define SYSCTL	"/proc/sys/net/knetdemo/"

/* Exit statuses; ABI, see the manual page */
enum {
	EXIT_OK,
	EXIT_OTHER,
	EXIT_USAGE,
	EXIT_CONNECT,		/* no such host, no route, no answer */
	EXIT_LOGIN,		/* the server refuses the user */
	EXIT_REFUSED,		/* the server refuses the file */
	EXIT_BROKEN,		/* it ended early: --resume may help */
	EXIT_LOCAL,		/* the local file */
	EXIT_DEVICE,		/* no device, or no right to use it */
	EXIT_SIGNAL = 130
};

struct url {
	char *user;
	char *password;
	char *host;
	char *port;
	char *path;
};

struct options {
	const char *output;
	const char *source;
	const char *password_file;
	const char *netrc;
	const char *interface;
	bool resume;
	bool active;
	bool pasv;
	bool no_size;
	bool url_password;
	int family;
	unsigned int timeout_ms;
	unsigned int retries;
	double max_time;	/* 0 is no limit */
};

/* Addresses beyond this are ignored; no known server has as many */
#define ADDRESSES_MAX	32

struct address {
	struct sockaddr_storage sa;
	socklen_t len;
	char name[64];		/* as /proc and messages show it */
};

struct addresses {
	struct address a[ADDRESSES_MAX];
	size_t n;
};

/* The local file until it is complete */
struct part {
	int fd;
	const char *name;	/* final name; NULL is the standard output */
	char path[PATH_MAX];	/* current name */
	bool has_mode;
	mode_t mode;		/* for FILE, from the one that is replaced */
	time_t mtime;		/* see part_date(); 0 without --resume */
};

/* What the thread that watches a transfer has to know about it */
struct watched {
	int fd;
	unsigned long long from;	/* bytes that were there before */
	const unsigned int *id;	/* the kernel writes the transfer's number */
	bool draw;
	double connect_limit;	/* in s, 0 for none */
	double deadline;	/* time of seconds(), 0 for none */
};

/* knetdemo.c */
extern const char usage_text[];

/* util.c */
extern atomic_int caught;	/* the signal that ends the program, or 0 */
extern bool quiet;		/* print errors only */

void put_clean(const char *s, FILE *to);
__attribute__((format(printf, 1, 2)))
void say(const char *format, ...);
__attribute__((format(printf, 1, 2)))
void note(const char *format, ...);
__attribute__((noreturn, format(printf, 2, 3)))
void die(int status, const char *format, ...);
char *copy_of(const char *text);
void flush_output(void);
void catch_signal(int sig, void (*handler)(int), struct sigaction *old);
void catch_signals(void);
double seconds(void);
int open_device(void);
long long read_number(const char *dir, const char *name);
FILE *open_proc(const char *name);
void put_line(const char *line);

/* url.c */
void check_text(const char *what, const char *text, size_t max);
struct url parse_url(char *text, const struct options *opt);

/* netrc.c */
void look_in_netrc(struct url *u, const struct options *opt);

/* password.c */
void find_password(struct url *u, const struct options *opt);

/* address.c */
int find_addresses(const char *host, const char *port, int family, int flags,
		   const char *interface, struct addresses *found);
void prefer_address(struct addresses *all, size_t i);

/* part.c */
const char *local_name(const struct url *u, const struct options *opt);
void open_part(struct part *p, const char *name, bool resume);
void open_unnamed(struct part *p);
unsigned long long part_size(const struct part *p);
void cut_part(const struct part *p, unsigned long long size);
bool part_repeats(const struct part *p, unsigned long long at,
		  unsigned long long len);
void date_part(const struct part *p, unsigned long long mtime);
void put_in_place(const struct part *p);

/* progress.c */
void watch_transfer(const struct watched *w);
bool watch_transfer_end(bool whole);

/* The commands */
int get_main(int argc, char **argv);
int watch(void);
int status(void);
int filter(const char *text);

#endif /* KNETDEMO_TOOL_H */
