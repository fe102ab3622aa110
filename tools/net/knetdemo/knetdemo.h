/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the tool share: messages, signals, and one function for
 * each command.
 */

#ifndef KNETDEMO_TOOL_H
#define KNETDEMO_TOOL_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof(*(a)))

#define DEVICE	"/dev/knetdemo"
#define PROC	"/proc/net/knetdemo/"
#define SYSCTL	"/proc/sys/net/knetdemo/"

/* Exit statuses; ABI, see the manual page */
enum {
	EXIT_OK,
	EXIT_OTHER,
	EXIT_USAGE,
	EXIT_CONNECT,		/* no such host, no way to it, no answer */
	EXIT_LOGIN,		/* the server does not want us */
	EXIT_REFUSED,		/* the server does not give the file */
	EXIT_BROKEN,		/* it broke off: --resume may help */
	EXIT_LOCAL,		/* the local file */
	EXIT_DEVICE,		/* no knetdemo here, or not for us */
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
	bool resume;
	bool active;
	bool url_password;
	bool quiet;
	int family;
	unsigned int timeout_ms;
};

/* knetdemo.c */
extern const char usage_text[];

/* util.c */
extern atomic_int caught;	/* the signal that ends the program, or 0 */

void put_clean(const char *s, FILE *to);
__attribute__((format(printf, 1, 2)))
void say(const char *format, ...);
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

/* progress.c */
void progress_start(int fd, unsigned long long from, const char *server);
void progress_stop(bool whole);

/* The commands */
int get_main(int argc, char **argv);
int watch(void);
int status(void);
int filter(const char *text);

#endif /* KNETDEMO_TOOL_H */
