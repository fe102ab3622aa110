// SPDX-License-Identifier: GPL-2.0-only
/*
 * knetdemo get: let the kernel retrieve a file, and try again after errors that
 * may pass. If the file stays incomplete, what there is of it is the beginning
 * of the server's file.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <net/if.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <linux/knetdemo.h>

#include "knetdemo.h"

/* Limit for connecting to each of several addresses at first, in s */
#define FIRST_LIMIT	2.0
/* The longest wait before the next attempt, in s */
#define BACKOFF_MAX	64

/* The current server, as messages and /proc name it */
static const char *server = "";

struct job {
	const struct options *opt;
	struct knetdemo_ftp_get req;
	struct addresses to;
	struct part part;
	int dev;
	double deadline;		/* time of seconds(), 0 for none */
	bool expired;			/* the deadline has passed */
	bool no_answer;			/* connecting took too long */
	unsigned long long from;	/* bytes that were there before */
	bool dated;			/* @mtime is from the server */
	unsigned long long mtime;	/* of the file in the .part, or 0 */
};

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
	[KNETDEMO_FTP_STAGE_MDTM]	= "asking for the date",
};

/* Did connecting fail for a reason that another address may not have? */
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

/*
 * Can the same request succeed later? RFC 959, section 4.2.1, says so of
 * refusals with a code from 400 to 499.
 */
static bool may_pass(const struct job *j, int err)
{
	if (j->req.stage == KNETDEMO_FTP_STAGE_WRITE)
		return false;
	if (j->req.failed == KNETDEMO_FTP_FAILED_REPLY)
		return j->req.code / 100 == 4;
	switch (err) {
	case ENETDOWN:
		/* In later stages this says that the namespace is dismantled */
		return j->req.stage == KNETDEMO_FTP_STAGE_CONNECT;
	case EBUSY:
	case ECONNABORTED:
	case ECONNREFUSED:
	case ECONNRESET:
	case EHOSTDOWN:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case ENODATA:
	case EPIPE:
	case ETIMEDOUT:
		return true;
	}
	return false;
}

/* Did the server refuse REST, which only a resumed transfer needs? */
static bool cannot_resume(const struct job *j)
{
	return j->req.stage == KNETDEMO_FTP_STAGE_REST &&
	       j->req.failed == KNETDEMO_FTP_FAILED_REPLY;
}

/*
 * Has the server ignored REST? The kernel sees that by the number of bytes. It
 * cannot if the transfer failed before there were too many, or if it does not
 * know the size. Then compare the bytes with those that were there before.
 */
static bool ignored_rest(const struct job *j, int err)
{
	const struct knetdemo_ftp_get *req = &j->req;

	if (!req->id || !req->offset || !req->good)
		return false;
	if (!err && req->remote_size != KNETDEMO_FTP_SIZE_UNKNOWN)
		return false;
	return part_repeats(&j->part, req->offset,
			    req->good < req->offset ? req->good : req->offset);
}

/*
 * Cut the .part to the bytes that belong to the file, and let the next attempt
 * continue behind them. Returns the error of the transfer, which is @err unless
 * the transfer succeeded with wrong bytes.
 */
static int keep_good(struct job *j, int err)
{
	struct knetdemo_ftp_get *req = &j->req;
	unsigned long long size = part_size(&j->part);

	if (ignored_rest(j, err)) {
		note("%s sent the first bytes again instead of the next ones",
		     server);
		req->good = 0;
		err = err ? : EOVERFLOW;
	}
	/* A transfer that was not begun has no number, and wrote nothing */
	if (req->id)
		req->offset += req->good;
	if (size > req->offset)
		cut_part(&j->part, req->offset);
	else if (size < req->offset)
		die(EXIT_LOCAL, "%s was changed by somebody else",
		    j->part.path);
	if (req->mtime) {
		j->mtime = req->mtime;
		j->dated = true;
	}
	return err;
}

/* One transfer from one address; @limit is for connecting, in s, or 0 */
static int retrieve(struct job *j, const struct address *from, double limit)
{
	struct knetdemo_ftp_get *req = &j->req;
	struct watched w = {
		.fd = j->part.fd,
		.from = j->from,
		.id = &req->id,
		.draw = !quiet && isatty(STDERR_FILENO),
		.connect_limit = limit,
		.deadline = j->deadline,
	};
	bool poked;
	int err;

	server = from->name;
	req->server = (uintptr_t)&from->sa;
	req->server_len = from->len;
	do {
		req->bytes = 0;
		req->good = 0;
		req->id = 0;
		req->failed = KNETDEMO_FTP_FAILED_NONE;
		req->stage = KNETDEMO_FTP_STAGE_NONE;
		req->code = 0;
		/* The .part would not be the beginning of a newer file */
		req->mtime_max = 0;
		if (req->offset && req->flags & KNETDEMO_FTP_MDTM)
			req->mtime_max = j->mtime;

		watch_transfer(&w);
		err = caught ? EINTR : 0;
		if (!err && ioctl(j->dev, KNETDEMO_IOC_FTP_GET, req))
			err = errno;
		poked = watch_transfer_end(!err);
		err = keep_good(j, err);
		j->expired = err && j->deadline && seconds() >= j->deadline;
		j->no_answer = err == EINTR && poked && !caught &&
			       !j->expired &&
			       req->stage == KNETDEMO_FTP_STAGE_CONNECT;
		if (j->no_answer)
			err = ETIMEDOUT;
		/* Interrupted, but not by a signal that ends the program */
	} while (err == EINTR && !caught && !j->expired);
	return err;
}

/*
 * Like RFC 8305, with one connection at a time. Each address gets a short time.
 * Then those that did not answer share the rest of the time of one address.
 */
static int retrieve_from_any(struct job *j)
{
	bool silent[ADDRESSES_MAX] = {};
	double start = seconds(), whole, limit;
	size_t i, left = 0;
	int err = 0;

	if (j->to.n == 1)
		return retrieve(j, &j->to.a[0], 0);
	whole = j->req.timeout_ms;
	if (!whole)
		whole = read_number(SYSCTL, "ftp_timeout_ms");
	whole = whole > 0 ? whole / 1000 : 30;
	limit = whole < FIRST_LIMIT ? whole : FIRST_LIMIT;
	for (i = 0; i < j->to.n; i++) {
		err = retrieve(j, &j->to.a[i], limit);
		if (!not_connected(err, j->req.stage))
			goto answered;
		silent[i] = j->no_answer;
		left += silent[i];
		if (i + 1 < j->to.n)
			note("%s: %s", server, strerror(err));
	}
	for (i = 0; i < j->to.n; i++) {
		if (!silent[i])
			continue;
		limit = (whole - (seconds() - start)) / left--;
		err = retrieve(j, &j->to.a[i],
			       limit < FIRST_LIMIT ? FIRST_LIMIT : limit);
		if (!not_connected(err, j->req.stage))
			goto answered;
	}
	return err;

answered:
	/* A further attempt continues with the file of the same server */
	prefer_address(&j->to, i);
	server = j->to.a[0].name;
	return err;
}

/* Has the file on the server changed since the .part was begun? */
static bool changed(struct job *j, int err)
{
	if (!j->req.offset)
		return false;
	if (err == ESTALE)
		note("the file on the server is newer than %s: starting over",
		     j->part.path);
	else if (err == ERANGE &&
		 j->req.remote_size != KNETDEMO_FTP_SIZE_UNKNOWN)
		note("the file on the server has %llu bytes, less than %s: starting over",
		     (unsigned long long)j->req.remote_size, j->part.path);
	else
		return false;
	cut_part(&j->part, 0);
	j->req.offset = 0;
	j->from = 0;
	j->mtime = 0;
	j->dated = false;
	return true;
}

/*
 * Wait before the next attempt, each time twice as long. Returns false where no
 * attempt follows, because the time is over or a signal arrived.
 */
static bool back_off(double deadline, unsigned int *wait)
{
	struct timespec ts = { .tv_sec = *wait };

	if (deadline && seconds() + *wait >= deadline)
		return false;
	note("another attempt in %u s", *wait);
	while (!caught && nanosleep(&ts, &ts) && errno == EINTR)
		;
	*wait = *wait * 2 < BACKOFF_MAX ? *wait * 2 : BACKOFF_MAX;
	return !caught;
}

static void say_what_failed(const struct job *j, int err)
{
	static const char * const connections[] = {
		[KNETDEMO_FTP_FAILED_CONTROL]	= " (the control connection)",
		[KNETDEMO_FTP_FAILED_DATA]	= " (the data connection)",
	};
	const struct knetdemo_ftp_get *req = &j->req;
	const char *stage = req->stage < ARRAY_SIZE(stages) ?
			    stages[req->stage] : "?";
	const char *which = req->failed < ARRAY_SIZE(connections) ?
			    connections[req->failed] : NULL;

	if (req->code)
		say("%s: %s: %s%s (%u %s)", server, stage, strerror(err),
		    which ? : "", req->code, req->text);
	else
		say("%s: %s: %s%s", server, stage, strerror(err), which ? : "");
}

/* Say what a failed retrieval leaves, and whether it can be resumed */
static void say_what_is_left(const struct job *j, int err)
{
	const struct part *p = &j->part;
	unsigned long long size = j->req.offset;

	if (!p->name)
		return;
	if (!size) {
		unlink(p->path);
		return;
	}
	if (j->dated)
		date_part(p, j->mtime);
	if (cannot_resume(j))
		say("%s is as it was; this server resumes nothing", p->path);
	else if (may_pass(j, err) || err == EINTR ||
		 j->req.stage == KNETDEMO_FTP_STAGE_WRITE)
		say("%s has %llu bytes; --resume goes on from there", p->path,
		    size);
	else if (size == j->from)
		say("%s is as it was, with %llu bytes", p->path, size);
	else
		say("%s has the first %llu bytes", p->path, size);
}

/*
 * The time that the resolver takes counts for --max-time as well, but a signal
 * does not interrupt the resolver. So exit: there is nothing to clean up yet.
 */
static void on_alarm(int sig)
{
	static const char text[] = "knetdemo: no end within --max-time\n";

	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(EXIT_OTHER);
	_exit(EXIT_BROKEN);
}

static void limit_time(double s)
{
	const struct itimerval limit = {
		.it_value.tv_sec = s,
		.it_value.tv_usec = (s - (long)s) * 1e6,
	};

	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &limit, NULL);
}

static void find_server(struct job *j, const struct url *u,
			unsigned int *tries, unsigned int *wait)
{
	const struct options *opt = j->opt;
	struct knetdemo_ftp_get *req = &j->req;
	static struct addresses source;
	int family = opt->family;
	int err;

	if (opt->source) {
		err = find_addresses(opt->source, NULL, family, AI_NUMERICHOST,
				     opt->interface, &source);
		if (err)
			die(EXIT_USAGE, "%s: %s", opt->source,
			    gai_strerror(err));
		family = source.a[0].sa.ss_family;
		req->source = (uintptr_t)&source.a[0].sa;
		req->source_len = source.a[0].len;
	}
	if (opt->interface) {
		if (!if_nametoindex(opt->interface))
			die(EXIT_USAGE, "%s: %s", opt->interface,
			    strerror(errno));
		memcpy(req->device, opt->interface, strlen(opt->interface));
	}
	while ((err = find_addresses(u->host, u->port, family, 0,
				     opt->interface, &j->to))) {
		if (err != EAI_AGAIN || *tries >= opt->retries)
			die(EXIT_CONNECT, "%s: %s", u->host,
			    gai_strerror(err));
		note("%s: %s", u->host, gai_strerror(err));
		++*tries;
		back_off(0, wait);
	}
}

static int get(char *text, const struct options *opt)
{
	struct url u = parse_url(text, opt);
	const char *name = local_name(&u, opt);
	unsigned int tries = 0, wait = 1;
	double start = seconds(), took;
	struct job j = { .opt = opt };
	int err;

	if (!name && opt->resume)
		die(EXIT_USAGE, "the standard output has nothing to resume");
	if (opt->max_time)
		limit_time(opt->max_time);
	find_server(&j, &u, &tries, &wait);
	took = seconds() - start;
	limit_time(0);
	j.dev = open_device();
	find_password(&u, opt);
	if (name)
		open_part(&j.part, name, opt->resume);
	else
		open_unnamed(&j.part);

	j.from = part_size(&j.part);
	j.mtime = j.part.mtime;
	j.req.size = sizeof(j.req);
	if (!opt->no_size)
		j.req.flags |= KNETDEMO_FTP_SIZE | KNETDEMO_FTP_MDTM;
	if (opt->active)
		j.req.flags |= KNETDEMO_FTP_ACTIVE;
	if (opt->pasv)
		j.req.flags |= KNETDEMO_FTP_PASV;
	j.req.user = (uintptr_t)u.user;
	j.req.password = (uintptr_t)u.password;
	j.req.path = (uintptr_t)u.path;
	j.req.fd = j.part.fd;
	j.req.timeout_ms = opt->timeout_ms;
	j.req.offset = j.from;

	catch_signals();
	signal(SIGXFSZ, SIG_IGN);

	/* The time at the password prompt does not count */
	start = seconds();
	if (opt->max_time)
		j.deadline = start + opt->max_time - took;
	for (;;) {
		err = retrieve_from_any(&j);
		if (!err)
			break;
		if (changed(&j, err))
			continue;
		if (caught || j.expired || tries >= opt->retries ||
		    !may_pass(&j, err))
			break;
		say_what_failed(&j, err);
		if (j.req.good)
			wait = 1;
		if (!back_off(j.deadline, &wait))
			break;
		tries++;
	}
	took = seconds() - start;
	explicit_bzero(u.password, strlen(u.password));

	if (err && j.expired) {
		say("no end within --max-time");
		say_what_is_left(&j, EINTR);
		return EXIT_BROKEN;
	}
	if (err) {
		if (caught)
			err = EINTR;
		say_what_failed(&j, err);
		say_what_is_left(&j, err);
		return status_of(err, j.req.stage);
	}
	put_in_place(&j.part);
	if (!quiet) {
		put_clean(name ? : "standard output", stderr);
		fprintf(stderr, ": %llu bytes in %.1f s\n",
			(unsigned long long)j.req.offset - j.from, took);
	}
	return EXIT_OK;
}

static double seconds_of(const char *what, const char *text, double min,
			 double max)
{
	char *end;
	double s = strtod(text, &end);

	if (end == text || *end || !(s >= min) || s > max)
		die(EXIT_USAGE, "--%s is %g to %g s", what, min, max);
	return s;
}

static unsigned int retries_of(const char *text)
{
	size_t len = strlen(text);

	if (!len || len > 4 || strspn(text, "0123456789") != len)
		die(EXIT_USAGE, "--retry is 0 to 9999");
	return atoi(text);
}

int get_main(int argc, char **argv)
{
	enum { MAX_TIME = 256, NO_SIZE, PASSWORD_IN_URL, PASV, RETRY };
	static const struct option longs[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "resume", no_argument, NULL, 'r' },
		{ "active", no_argument, NULL, 'a' },
		{ "source", required_argument, NULL, 's' },
		{ "interface", required_argument, NULL, 'i' },
		{ "timeout", required_argument, NULL, 't' },
		{ "max-time", required_argument, NULL, MAX_TIME },
		{ "retry", required_argument, NULL, RETRY },
		{ "no-size", no_argument, NULL, NO_SIZE },
		{ "pasv", no_argument, NULL, PASV },
		{ "password-file", required_argument, NULL, 'p' },
		{ "netrc", required_argument, NULL, 'n' },
		{ "password-in-url", no_argument, NULL, PASSWORD_IN_URL },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	struct options opt = {};
	int c;

	while ((c = getopt_long(argc, argv, "o:ra46s:i:t:p:n:qh", longs,
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
		case 'i':
			if (!*optarg || strlen(optarg) >= IFNAMSIZ)
				die(EXIT_USAGE, "--interface: no such name");
			opt.interface = optarg;
			break;
		case 't':
			opt.timeout_ms = 1000 * seconds_of("timeout", optarg,
							   0.1, 600);
			break;
		case MAX_TIME:
			opt.max_time = seconds_of("max-time", optarg, 0.1, 1e9);
			break;
		case RETRY:
			opt.retries = retries_of(optarg);
			break;
		case NO_SIZE:
			opt.no_size = true;
			break;
		case PASV:
			opt.pasv = true;
			break;
		case 'p':
			opt.password_file = optarg;
			break;
		case 'n':
			opt.netrc = optarg;
			break;
		case PASSWORD_IN_URL:
			opt.url_password = true;
			break;
		case 'q':
			quiet = true;
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
