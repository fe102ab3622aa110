// SPDX-License-Identifier: GPL-2.0-only
/*
 * knetdemo - drive net/knetdemo: retrieve a file, follow connections, show how
 * it is going. See knetdemo(8).
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <linux/knetdemo.h>

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

static const char usage_text[] =
"Usage: knetdemo get [OPTION]... ftp://[USER@]HOST[:PORT]/PATH\n"
"       knetdemo watch\n"
"       knetdemo status\n"
"       knetdemo filter ADDRESS|any\n"
"\n"
"get: retrieve a file over kernel sockets\n"
"  -o, --output FILE         where it goes (the last part of PATH)\n"
"  -r, --resume              go on where FILE.part ends\n"
"  -a, --active              the server connects to us for the data\n"
"  -4, -6                    only IPv4, only IPv6\n"
"  -s, --source ADDRESS      our address\n"
"  -t, --timeout SECONDS     for each stage (net.knetdemo.ftp_timeout_ms)\n"
"  -p, --password-file FILE  its first line is the password; - is the input\n"
"  -n, --netrc FILE          look for the password there (~/.netrc)\n"
"      --password-in-url     take USER:PASSWORD@; others can see it\n"
"  -q, --quiet               say nothing but errors\n"
"\n"
"watch: show connections as they are opened; status: all roles on one screen;\n"
"filter: show connections to this address only.\n";

__attribute__((noreturn, format(printf, 2, 3)))
static void die(int status, const char *format, ...)
{
	va_list args;

	fputs("knetdemo: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(status);
}

static int open_device(void)
{
	int fd = open(DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		die(EXIT_DEVICE, "%s: %s%s", DEVICE, strerror(errno),
		    errno == ENOENT ? " (is the module loaded?)" : "");
	return fd;
}

/* ------------------------------------------------------------------ get */

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

/* Undo %XX in place; false where that is no text */
static bool unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		char hex[3] = {};

		if (*s != '%') {
			*to++ = *s;
			continue;
		}
		if (!isxdigit(s[1]) || !isxdigit(s[2]))
			return false;
		hex[0] = *++s;
		hex[1] = *++s;
		*to = strtol(hex, NULL, 16);
		if (!*to++)
			return false;
	}
	*to = '\0';
	return true;
}

static struct url parse_url(const char *text, const struct options *opt)
{
	struct url u = {};
	char *host, *end, *at, *colon;

	if (strncasecmp(text, "ftp://", 6))
		die(EXIT_USAGE, "%s: not an ftp:// URL", text);
	host = strdup(text + 6);
	end = strchr(host, '/');
	if (!end || !end[1])
		die(EXIT_USAGE, "no path in the URL");
	*end = '\0';
	u.path = end + 1;

	at = strrchr(host, '@');
	if (at) {
		*at = '\0';
		u.user = host;
		host = at + 1;
		u.password = strchr(u.user, ':');
		if (u.password) {
			if (!opt->url_password)
				die(EXIT_USAGE, "a password in a URL can be seen by all users: see --password-in-url");
			*u.password++ = '\0';
		}
	}
	if (*host == '[') {
		end = strchr(++host, ']');
		if (!end || (end[1] && end[1] != ':'))
			die(EXIT_USAGE, "%s: no host", host);
		*end = '\0';
		colon = end[1] ? end + 1 : NULL;
	} else {
		colon = strchr(host, ':');
	}
	u.port = "21";
	if (colon) {
		*colon = '\0';
		u.port = colon + 1;
	}
	u.host = host;
	if (!*u.host || !*u.port || (u.user && !*u.user))
		die(EXIT_USAGE, "%s: no host, port or user", text);
	if (!unescape(u.host) || !unescape(u.path) ||
	    (u.user && !unescape(u.user)) ||
	    (u.password && !unescape(u.password)))
		die(EXIT_USAGE, "%s: bad %%XX", text);
	return u;
}

static char *first_line(FILE *file)
{
	char *line = NULL;
	size_t size = 0;

	if (getline(&line, &size, file) < 0)
		return NULL;
	line[strcspn(line, "\r\n")] = '\0';
	return line;
}

/* The next word of a netrc, or NULL */
static char *netrc_word(FILE *file)
{
	static char word[512];
	size_t n = 0;
	int c;

	do {
		c = getc(file);
		if (c == '#')
			while (c != '\n' && c != EOF)
				c = getc(file);
	} while (isspace(c));
	if (c == EOF)
		return NULL;
	if (c == '"') {
		while ((c = getc(file)) != EOF && c != '"') {
			if (c == '\\')
				c = getc(file);
			if (n < sizeof(word) - 1)
				word[n++] = c;
		}
	} else {
		for (; c != EOF && !isspace(c); c = getc(file))
			if (n < sizeof(word) - 1)
				word[n++] = c;
	}
	word[n] = '\0';
	return word;
}

static void look_in_netrc(struct url *u, const struct options *opt)
{
	char path[PATH_MAX], *word, *login = NULL;
	const char *home = getenv("HOME");
	bool match = false;
	struct stat st;
	FILE *file;

	snprintf(path, sizeof(path), "%s/.netrc", home ? : "");
	file = fopen(opt->netrc ? : path, "re");
	if (!file) {
		if (opt->netrc)
			die(EXIT_LOCAL, "%s: %s", opt->netrc, strerror(errno));
		return;
	}
	if (!fstat(fileno(file), &st) && st.st_mode & 077)
		fprintf(stderr, "knetdemo: %s can be read by others\n",
			opt->netrc ? : path);
	while ((word = netrc_word(file))) {
		if (!strcmp(word, "machine") || !strcmp(word, "default")) {
			bool any = *word == 'd';

			if (u->password)
				break;
			free(login);
			login = NULL;
			word = any ? "" : netrc_word(file);
			match = word && (any || !strcasecmp(word, u->host));
		} else if (!strcmp(word, "login")) {
			word = netrc_word(file);
			login = word ? strdup(word) : NULL;
			if (u->user && (!login || strcmp(login, u->user)))
				match = false;
		} else if (!strcmp(word, "password")) {
			word = netrc_word(file);
			if (match && word && (login || u->user)) {
				if (!u->user)
					u->user = strdup(login);
				u->password = strdup(word);
			}
		} else if (!strcmp(word, "macdef")) {
			break;
		}
	}
	free(login);
	fclose(file);
}

static char *ask_password(const struct url *u)
{
	struct termios old, quiet;
	FILE *tty = fopen("/dev/tty", "r+e");
	char *line;

	if (!tty || tcgetattr(fileno(tty), &old))
		die(EXIT_LOGIN,
		    "no password for %s: use --password-file or a netrc",
		    u->user);
	quiet = old;
	quiet.c_lflag &= ~ECHO;
	tcsetattr(fileno(tty), TCSAFLUSH, &quiet);
	fprintf(tty, "Password for %s@%s: ", u->user, u->host);
	fflush(tty);
	line = first_line(tty);
	tcsetattr(fileno(tty), TCSAFLUSH, &old);
	fputc('\n', tty);
	fclose(tty);
	if (!line)
		die(EXIT_LOGIN, "no password");
	return line;
}

static void find_password(struct url *u, const struct options *opt)
{
	if (opt->password_file) {
		bool input = !strcmp(opt->password_file, "-");
		FILE *file = input ? stdin : fopen(opt->password_file, "re");

		if (!file)
			die(EXIT_LOCAL, "%s: %s", opt->password_file,
			    strerror(errno));
		u->password = first_line(file);
		if (!u->password)
			die(EXIT_LOCAL, "%s is empty", opt->password_file);
		if (!input)
			fclose(file);
	}
	if (!u->password)
		look_in_netrc(u, opt);
	if (!u->user) {
		u->user = "anonymous";
		if (!u->password)
			u->password = strdup("anonymous@");
	}
	if (!u->password)
		u->password = strcmp(u->user, "anonymous") ? ask_password(u) :
			      strdup("anonymous@");
}

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
		return err == EACCES ? EXIT_LOGIN : EXIT_BROKEN;
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

/* The bar: what the file has so far, of what the server said */
static struct {
	int fd;
	unsigned long long from;
	char server[64];
	pthread_mutex_t lock;
	pthread_cond_t end;
	bool over;
	bool whole;	/* over, and all of the file is there */
} bar = { .lock = PTHREAD_MUTEX_INITIALIZER, .end = PTHREAD_COND_INITIALIZER };

/* The size that the youngest running transfer from our server has, or 0 */
static unsigned long long size_from_proc(void)
{
	unsigned long long size = 0;
	char line[1024], text[32], server[64];
	FILE *file = fopen(PROC "ftp", "re");

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%*u running %*s %*u %31s %*s %*s %*s %*s %63s",
			   text, server) != 2)
			continue;
		if (strcmp(server, bar.server))
			continue;
		size = strtoull(text, NULL, 10);
		break;
	}
	fclose(file);
	return size;
}

static void human(double n, char *buf, size_t len)
{
	static const char * const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	size_t i = 0;

	for (; n >= 1024 && i < 4; i++)
		n /= 1024;
	snprintf(buf, len, i ? "%.1f %s" : "%.0f %s", n, units[i]);
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void draw(double start)
{
	static unsigned long long size;
	unsigned long long at;
	char done[32], rate[32], hashes[31];
	double took = seconds() - start;
	struct stat st;
	int n;

	if (!size)
		size = size_from_proc();
	at = fstat(bar.fd, &st) ? 0 : st.st_size;
	/* Perhaps faster than its size could be read */
	if (bar.whole)
		size = at;
	human(at, done, sizeof(done));
	human(took > 0 ? (at - bar.from) / took : 0, rate, sizeof(rate));
	if (!size) {
		fprintf(stderr, "\r%12s %12s/s\033[K", done, rate);
		return;
	}
	n = at >= size ? 30 : at * 30 / size;
	memset(hashes, '#', sizeof(hashes));
	hashes[n] = '\0';
	fprintf(stderr, "\r[%-30s] %3d%% %12s %12s/s\033[K", hashes,
		at >= size ? 100 : (int)(at * 100 / size), done, rate);
}

static void *draw_thread(void *arg)
{
	double start = seconds();
	struct timespec until;

	pthread_mutex_lock(&bar.lock);
	while (!bar.over) {
		draw(start);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += 200000000;
		if (until.tv_nsec >= 1000000000) {
			until.tv_nsec -= 1000000000;
			until.tv_sec++;
		}
		pthread_cond_timedwait(&bar.end, &bar.lock, &until);
	}
	pthread_mutex_unlock(&bar.lock);
	draw(start);
	fputc('\n', stderr);
	return NULL;
}

static void on_signal(int sig)
{
}

static int retrieve(int dev, struct knetdemo_ftp_get *req, bool progress)
{
	sigset_t all, old;
	pthread_t thread;
	int err;

	if (progress) {
		/* Signals are for the thread that transfers */
		sigfillset(&all);
		pthread_sigmask(SIG_BLOCK, &all, &old);
		bar.over = false;
		bar.whole = false;
		progress = !pthread_create(&thread, NULL, draw_thread, NULL);
		pthread_sigmask(SIG_SETMASK, &old, NULL);
	}
	err = ioctl(dev, KNETDEMO_IOC_FTP_GET, req) ? errno : 0;
	if (progress) {
		pthread_mutex_lock(&bar.lock);
		bar.over = true;
		bar.whole = !err;
		pthread_cond_signal(&bar.end);
		pthread_mutex_unlock(&bar.lock);
		pthread_join(thread, NULL);
	}
	return err;
}

static void name_server(const struct addrinfo *ai)
{
	char host[INET6_ADDRSTRLEN] = "", port[8] = "";

	getnameinfo(ai->ai_addr, ai->ai_addrlen, host, sizeof(host), port,
		    sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
	host[strcspn(host, "%")] = '\0';
	snprintf(bar.server, sizeof(bar.server),
		 ai->ai_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

/* The file is whole: give it its name, and make that last */
static void put_in_place(int fd, const char *part, const char *name)
{
	char *copy = strdup(name);
	int dir;

	if (fsync(fd) || rename(part, name))
		die(EXIT_LOCAL, "%s: %s", name, strerror(errno));
	dir = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0) {
		fsync(dir);
		close(dir);
	}
	free(copy);
}

static int get(const char *text, const struct options *opt)
{
	struct sigaction act = { .sa_handler = on_signal };
	struct addrinfo hints = {
		.ai_family = opt->family,
		.ai_socktype = SOCK_STREAM,
	};
	struct url u = parse_url(text, opt);
	struct knetdemo_ftp_get req = {};
	struct addrinfo *list, *ai, *source = NULL;
	const char *name = opt->output;
	char part[PATH_MAX], *copy;
	int dev, fd, err, flags;
	double start, took;
	struct stat st;

	copy = strdup(u.path);
	if (!name)
		name = basename(copy);
	if (snprintf(part, sizeof(part), "%s.part", name) >= (int)sizeof(part))
		die(EXIT_USAGE, "the name of the file is too long");
	if (!*name || !strcmp(name, "/") || name[strlen(name) - 1] == '/')
		die(EXIT_USAGE, "%s: no name of a file", name);

	err = getaddrinfo(u.host, u.port, &hints, &list);
	if (err)
		die(EXIT_CONNECT, "%s: %s", u.host, gai_strerror(err));
	if (opt->source) {
		hints.ai_flags = AI_NUMERICHOST;
		err = getaddrinfo(opt->source, NULL, &hints, &source);
		if (err)
			die(EXIT_USAGE, "%s: %s", opt->source,
			    gai_strerror(err));
	}
	dev = open_device();
	find_password(&u, opt);

	flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
	fd = open(part, flags | (opt->resume ? 0 : O_TRUNC), 0666);
	if (fd < 0 || fstat(fd, &st))
		die(EXIT_LOCAL, "%s: %s", part, strerror(errno));

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
	bar.fd = fd;
	bar.from = st.st_size;

	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGHUP, &act, NULL);
	signal(SIGXFSZ, SIG_IGN);

	start = seconds();
	err = EADDRNOTAVAIL;
	for (ai = list; ai; ai = ai->ai_next) {
		if (source && source->ai_family != ai->ai_family)
			continue;
		name_server(ai);
		req.server = (uintptr_t)ai->ai_addr;
		req.server_len = ai->ai_addrlen;
		err = retrieve(dev, &req, !opt->quiet && isatty(2));
		if (!not_connected(err, req.stage))
			break;
		if (ai->ai_next)
			fprintf(stderr, "knetdemo: %s: %s\n", bar.server,
				strerror(err));
	}
	took = seconds() - start;
	explicit_bzero(u.password, strlen(u.password));

	if (err) {
		fprintf(stderr, "knetdemo: %s: %s: %s", bar.server,
			req.stage < sizeof(stages) / sizeof(*stages) ?
			stages[req.stage] : "?", strerror(err));
		if (req.code)
			fprintf(stderr, " (%u %s)", req.code, req.text);
		fputc('\n', stderr);
		if (!fstat(fd, &st) && !st.st_size)
			unlink(part);
		else
			fprintf(stderr, "knetdemo: %s has %llu bytes; --resume goes on from there\n",
				part, (unsigned long long)st.st_size);
		return status_of(err, req.stage);
	}
	put_in_place(fd, part, name);
	if (!opt->quiet)
		fprintf(stderr, "%s: %llu bytes in %.1f s\n", name,
			(unsigned long long)req.bytes, took);
	return EXIT_OK;
}

static int get_main(int argc, char **argv)
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

/* ------------------------------------------------------ watch and status */

static long long read_number(const char *dir, const char *name)
{
	long long n = -1;
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s%s", dir, name);
	file = fopen(path, "re");
	if (!file)
		return -1;
	if (fscanf(file, "%lld", &n) != 1)
		n = -1;
	fclose(file);
	return n;
}

static FILE *open_proc(const char *name)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), PROC "%s", name);
	file = fopen(path, "re");
	if (!file)
		die(EXIT_DEVICE, "%s: %s", path, strerror(errno));
	return file;
}

/* Print what is new in the ring; returns the last number that was there */
static unsigned long long print_new(unsigned long long last, bool print)
{
	FILE *file = open_proc("connections");
	unsigned long long seq;
	char line[1024];

	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, " %llu ", &seq) != 1 || seq <= last)
			continue;
		if (print && last && seq > last + 1)
			printf("# %llu not seen: the ring was too small\n",
			       seq - last - 1);
		if (print)
			fputs(line + strspn(line, " "), stdout);
		last = seq;
	}
	fclose(file);
	return last;
}

static int watch(void)
{
	const struct timespec tick = { .tv_nsec = 200000000 };
	unsigned long long last;

	if (read_number(SYSCTL, "monitor") == 0)
		fputs("knetdemo: the monitor is off: sysctl net.knetdemo.monitor=1\n",
		      stderr);
	last = print_new(0, false);
	for (;;) {
		last = print_new(last, true);
		if (fflush(stdout))
			return EXIT_OTHER;
		nanosleep(&tick, NULL);
	}
}

static void print_stats(const char *role)
{
	size_t len = strlen(role);
	unsigned long long value;
	char name[64];
	FILE *file = open_proc("stats");
	int column = 0;

	while (fscanf(file, "%63s %llu", name, &value) == 2) {
		if (strncmp(name, role, len) || name[len] != '_')
			continue;
		if (!value)
			continue;
		column += printf("%s%s %llu", column ? ", " : "  ",
				 name + len + 1, value);
		if (column > 60) {
			putchar('\n');
			column = 0;
		}
	}
	if (column)
		putchar('\n');
	fclose(file);
}

static void print_file(const char *name, int max)
{
	char line[1024], path[256];
	int more = 0;
	FILE *file;

	snprintf(path, sizeof(path), PROC "%s", name);
	file = fopen(path, "re");
	if (!file) {
		printf("  (%s)\n", strerror(errno));
		return;
	}
	while (fgets(line, sizeof(line), file)) {
		if (max-- > 0)
			printf("  %s", line + strspn(line, " "));
		else
			more++;
	}
	if (more)
		printf("  ... %d more in %s\n", more, path);
	fclose(file);
}

static void print_role(const char *role, const char *title)
{
	long long on = read_number(SYSCTL, role);

	printf("%s: %s\n", title, on > 0 ? "on" : "off");
	print_stats(role);
}

static int status(void)
{
	if (access(PROC "stats", R_OK))
		die(EXIT_DEVICE, PROC "stats: %s", strerror(errno));
	print_role("monitor", "Monitor");
	print_role("tcp", "TCP service");
	print_file("tcp", 10);
	print_role("udp", "UDP emitter");
	if (read_number(SYSCTL, "udp") > 0)
		print_file("udp", 40);
	puts("FTP client:");
	print_stats("ftp");
	print_file("ftp", 6);
	return fflush(stdout) ? EXIT_OTHER : EXIT_OK;
}

static int filter(const char *text)
{
	struct in6_addr addr6;
	struct in_addr addr;
	char line[128];
	int fd;

	if (!strcmp(text, "any"))
		text = "0.0.0.0";
	if (inet_pton(AF_INET, text, &addr) == 1) {
		__be32 be = addr.s_addr;

		fd = open_device();
		if (ioctl(fd, KNETDEMO_IOC_FILTER_ADDRESS, &be))
			die(EXIT_DEVICE, DEVICE ": %s", strerror(errno));
	} else if (inet_pton(AF_INET6, text, &addr6) == 1) {
		/* The ioctl is IPv4's; one write changes all at once, too */
		snprintf(line, sizeof(line), "flush\nadd %s\n", text);
		fd = open(PROC "filter", O_WRONLY | O_CLOEXEC);
		if (fd < 0 || write(fd, line, strlen(line)) < 0)
			die(EXIT_DEVICE, PROC "filter: %s", strerror(errno));
	} else {
		die(EXIT_USAGE, "%s: not an address", text);
	}
	close(fd);
	return EXIT_OK;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	if (!strcmp(verb, "--help") || !strcmp(verb, "-h")) {
		fputs(usage_text, stdout);
		return EXIT_OK;
	}
	if (!strcmp(verb, "get"))
		return get_main(argc - 1, argv + 1);
	if (!strcmp(verb, "watch") && argc == 2)
		return watch();
	if (!strcmp(verb, "status") && argc == 2)
		return status();
	if (!strcmp(verb, "filter") && argc == 3)
		return filter(argv[2]);
	fputs(usage_text, stderr);
	return EXIT_USAGE;
}
