// SPDX-License-Identifier: GPL-2.0-only
/*
 * knetdemo get: have the kernel retrieve a file.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <netdb.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/knetdemo.h>

#include "knetdemo.h"

/* The server that is tried, as messages and /proc name it */
static char server[64];

static const char * const stages[] = {
	[KNETDEMO_FTP_STAGE_NONE]	= "before the first packet",
	[KNETDEMO_FTP_STAGE_CONNECT]	= "connecting",
	[KNETDEMO_FTP_STAGE_GREETING]	= "waiting for the greeting",
	[KNETDEMO_FTP_STAGE_USER]	= "user name",
	[KNETDEMO_FTP_STAGE_PASS]	= "password",
	[KNETDEMO_FTP_STAGE_TYPE]	= "asking for binary data",
	[KNETDEMO_FTP_STAGE_SIZE]	= "asking for the size",
	[KNETDEMO_FTP_STAGE_REST]	= "asking to resume",
	[KNETDEMO_FTP_STAGE_PORT]	= "agreeing on a data connection",
	[KNETDEMO_FTP_STAGE_RETR]	= "asking for the file",
	[KNETDEMO_FTP_STAGE_OPEN]	= "opening the data connection",
	[KNETDEMO_FTP_STAGE_DATA]	= "receiving data",
	[KNETDEMO_FTP_STAGE_WRITE]	= "writing the file",
	[KNETDEMO_FTP_STAGE_COMPLETE]	= "waiting for the confirmation",
	[KNETDEMO_FTP_STAGE_QUIT]	= "quitting",
	[KNETDEMO_FTP_STAGE_DONE]	= "done",
};

/* What tried to connect, and may try another address */
static bool not_connected(int err, unsigned int stage)
{
	return err && err != EINTR && err != EPERM && err != ENODEV &&
	       (stage == KNETDEMO_FTP_STAGE_CONNECT ||
		(stage == KNETDEMO_FTP_STAGE_NONE && err == EAFNOSUPPORT));
}

static int status_of(int err, unsigned int stage)
{
	if (err == EINTR)
		return EXIT_SIGNAL;
	if (err == ENODEV || err == ENOTTY ||
	    (err == EPERM && stage == KNETDEMO_FTP_STAGE_NONE))
		return EXIT_DEVICE;
	switch (stage) {
	case KNETDEMO_FTP_STAGE_NONE:
		return EXIT_OTHER;
	case KNETDEMO_FTP_STAGE_CONNECT:
	case KNETDEMO_FTP_STAGE_GREETING:
		return EXIT_CONNECT;
	case KNETDEMO_FTP_STAGE_WRITE:
		return EXIT_LOCAL;
	case KNETDEMO_FTP_STAGE_USER:
	case KNETDEMO_FTP_STAGE_PASS:
		return err == EACCES || err == ENOENT || err == EOPNOTSUPP ||
		       err == EREMOTEIO ? EXIT_LOGIN : EXIT_BROKEN;
	}
	switch (err) {
	case ENOENT:
	case EACCES:
	case EBUSY:
	case EOPNOTSUPP:
	case EREMOTEIO:
	case ERANGE:
		return EXIT_REFUSED;
	}
	return EXIT_BROKEN;
}

static int retrieve(int dev, struct knetdemo_ftp_get *req, bool progress)
{
	int err;

	if (progress)
		progress_start(req->fd, req->offset, server);
	err = caught ? EINTR : 0;
	if (!err && ioctl(dev, KNETDEMO_IOC_FTP_GET, req))
		err = errno;
	if (progress)
		progress_stop(!err);
	return err;
}

static void name_server(const struct addrinfo *ai)
{
	char host[INET6_ADDRSTRLEN] = "", port[8] = "";

	getnameinfo(ai->ai_addr, ai->ai_addrlen, host, sizeof(host), port,
		    sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
	host[strcspn(host, "%")] = '\0';
	snprintf(server, sizeof(server),
		 ai->ai_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

/*
 * The file that is written to until it is whole. Others may write to its
 * directory, too: what is there must be ours, and nobody else be at it.
 */
static int open_part(const char *part, bool resume, struct stat *st)
{
	int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
	struct stat there;
	bool is_new;
	int fd;

	for (;; close(fd)) {
		fd = open(part, flags | O_CREAT | O_EXCL, 0666);
		is_new = fd >= 0;
		if (!is_new && errno == EEXIST) {
			fd = open(part, flags);
			if (fd < 0 && errno == ENOENT)
				continue;
		}
		if (fd < 0 || fstat(fd, st))
			die(EXIT_LOCAL, "%s: %s", part, strerror(errno));
		if (!is_new && (!S_ISREG(st->st_mode) || st->st_nlink > 1 ||
				st->st_uid != geteuid()))
			die(EXIT_LOCAL, "%s is there, and not a file of ours",
			    part);
		if (flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
			die(EXIT_LOCAL, "%s: somebody else retrieves it",
			    part);
		/* Still of this name, when we were the last to lock it? */
		if (!lstat(part, &there) && there.st_ino == st->st_ino &&
		    there.st_dev == st->st_dev)
			break;
	}
	if (!resume && ftruncate(fd, 0))
		die(EXIT_LOCAL, "%s: %s", part, strerror(errno));
	if (fstat(fd, st))
		die(EXIT_LOCAL, "%s: %s", part, strerror(errno));
	return fd;
}

/* The file is whole: give it its name, and make that last */
static void put_in_place(int fd, const char *part, const char *name)
{
	char *copy = copy_of(name);
	int dir;

	if (fsync(fd))
		die(EXIT_LOCAL, "%s: %s: what is there may be wrong", part,
		    strerror(errno));
	if (rename(part, name))
		die(EXIT_LOCAL, "%s: %s: %s has the whole file", name,
		    strerror(errno), part);
	dir = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0) {
		/* Not all file systems can */
		if (fsync(dir) && errno != EINVAL && errno != EROFS)
			die(EXIT_LOCAL, "%s: %s", copy, strerror(errno));
		close(dir);
	}
	free(copy);
}

/* Where the file goes; what is there already is replaced if it is a file */
static const char *local_name(const struct url *u, const struct options *opt)
{
	const char *name = opt->output;
	const char *last;
	struct stat st;

	if (!name)
		name = basename(copy_of(u->path));
	last = basename(copy_of(name));
	if (!*name || name[strlen(name) - 1] == '/' || !strcmp(last, ".") ||
	    !strcmp(last, ".."))
		die(EXIT_USAGE, "no name of a file: see --output");
	if (!stat(name, &st) && !S_ISREG(st.st_mode))
		die(EXIT_LOCAL, "%s is there, and not a regular file", name);
	return name;
}

static void say_what_failed(const struct knetdemo_ftp_get *req, int err)
{
	const char *stage = req->stage < ARRAY_SIZE(stages) ?
			    stages[req->stage] : "?";

	if (req->code)
		say("%s: %s: %s (%u %s)", server, stage, strerror(err),
		    req->code, req->text);
	else
		say("%s: %s: %s", server, stage, strerror(err));
}

static int get(char *text, const struct options *opt)
{
	struct addrinfo hints = {
		.ai_family = opt->family,
		.ai_socktype = SOCK_STREAM,
	};
	struct url u = parse_url(text, opt);
	const char *name = local_name(&u, opt);
	struct knetdemo_ftp_get req = {};
	struct addrinfo *list, *ai, *source = NULL;
	char part[PATH_MAX];
	unsigned long long from;
	double start, took;
	struct stat st;
	int dev, fd, err;

	if (snprintf(part, sizeof(part), "%s.part", name) >= (int)sizeof(part))
		die(EXIT_USAGE, "the name of the file is too long");

	if (opt->source) {
		hints.ai_flags = AI_NUMERICHOST;
		err = getaddrinfo(opt->source, NULL, &hints, &source);
		if (err)
			die(EXIT_USAGE, "%s: %s", opt->source,
			    gai_strerror(err));
		hints.ai_flags = 0;
		hints.ai_family = source->ai_family;
	}
	err = getaddrinfo(u.host, u.port, &hints, &list);
	if (err)
		die(EXIT_CONNECT, "%s: %s", u.host, gai_strerror(err));
	dev = open_device();
	find_password(&u, opt);
	fd = open_part(part, opt->resume, &st);

	req.size = sizeof(req);
	req.flags = KNETDEMO_FTP_SIZE;
	if (opt->active)
		req.flags |= KNETDEMO_FTP_ACTIVE;
	req.user = (uintptr_t)u.user;
	req.password = (uintptr_t)u.password;
	req.path = (uintptr_t)u.path;
	req.fd = fd;
	req.timeout_ms = opt->timeout_ms;
	req.offset = st.st_size;
	if (source) {
		req.source = (uintptr_t)source->ai_addr;
		req.source_len = source->ai_addrlen;
	}
	from = st.st_size;

	catch_signals();
	signal(SIGXFSZ, SIG_IGN);

	start = seconds();
	for (ai = list; ai; ai = ai->ai_next) {
		name_server(ai);
		req.server = (uintptr_t)ai->ai_addr;
		req.server_len = ai->ai_addrlen;
		for (;;) {
			err = retrieve(dev, &req, !opt->quiet && isatty(2));
			/* We were stopped, and are to go on */
			if (err != EINTR || caught || fstat(fd, &st))
				break;
			req.offset = st.st_size;
		}
		if (!not_connected(err, req.stage))
			break;
		if (ai->ai_next)
			say("%s: %s", server, strerror(err));
	}
	took = seconds() - start;
	explicit_bzero(u.password, strlen(u.password));

	if (fstat(fd, &st))
		st.st_size = 0;
	if (err) {
		say_what_failed(&req, err);
		if (!st.st_size)
			unlink(part);
		else
			say("%s has %llu bytes; --resume goes on from there",
			    part, (unsigned long long)st.st_size);
		return status_of(err, req.stage);
	}
	put_in_place(fd, part, name);
	if (!opt->quiet) {
		put_clean(name, stderr);
		fprintf(stderr, ": %llu bytes in %.1f s\n",
			(unsigned long long)st.st_size - from, took);
	}
	return EXIT_OK;
}

int get_main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "resume", no_argument, NULL, 'r' },
		{ "active", no_argument, NULL, 'a' },
		{ "source", required_argument, NULL, 's' },
		{ "timeout", required_argument, NULL, 't' },
		{ "password-file", required_argument, NULL, 'p' },
		{ "netrc", required_argument, NULL, 'n' },
		{ "password-in-url", no_argument, NULL, 'u' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	struct options opt = {};
	char *end;
	double t;
	int c;

	while ((c = getopt_long(argc, argv, "o:ra46s:t:p:n:qh", longs,
				NULL)) != -1) {
		switch (c) {
		case 'o':
			opt.output = optarg;
			break;
		case 'r':
			opt.resume = true;
			break;
		case 'a':
			opt.active = true;
			break;
		case '4':
			opt.family = AF_INET;
			break;
		case '6':
			opt.family = AF_INET6;
			break;
		case 's':
			opt.source = optarg;
			break;
		case 't':
			t = strtod(optarg, &end);
			if (*end || !(t >= 0.1) || t > 600)
				die(EXIT_USAGE, "--timeout is 0.1 to 600 s");
			opt.timeout_ms = t * 1000;
			break;
		case 'p':
			opt.password_file = optarg;
			break;
		case 'n':
			opt.netrc = optarg;
			break;
		case 'u':
			opt.url_password = true;
			break;
		case 'q':
			opt.quiet = true;
			break;
		case 'h':
			fputs(usage_text, stdout);
			return EXIT_OK;
		default:
			return EXIT_USAGE;
		}
	}
	if (optind != argc - 1)
		die(EXIT_USAGE, "get wants one URL; see knetdemo --help");
	return get(argv[optind], &opt);
}
