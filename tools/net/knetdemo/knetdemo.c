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
#include <locale.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

#include <linux/knetdemo.h>

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

/*
 * Print text that a server, a process or an URL chose: only what the terminal
 * shows, nothing that it obeys.
 */
static void put_clean(const char *s, FILE *to)
{
	size_t left = strlen(s);
	mbstate_t state = {};
	wchar_t wide;
	size_t n;

	for (; left; s += n, left -= n) {
		n = mbrtowc(&wide, s, left, &state);
		if (n > left || !iswprint(wide)) {
			memset(&state, 0, sizeof(state));
			n = 1;
			fprintf(to, "\\%03o", (unsigned char)*s);
		} else {
			fwrite(s, 1, n, to);
		}
	}
}

static void vsay(const char *format, va_list args)
{
	char *text;

	if (vasprintf(&text, format, args) < 0)
		return;
	fputs("knetdemo: ", stderr);
	put_clean(text, stderr);
	fputc('\n', stderr);
	free(text);
}

__attribute__((format(printf, 1, 2)))
static void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsay(format, args);
	va_end(args);
}

__attribute__((noreturn, format(printf, 2, 3)))
static void die(int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsay(format, args);
	va_end(args);
	exit(status);
}

/* For strings that the program cannot do without */
static char *copy_of(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		die(EXIT_OTHER, "%s", strerror(errno));
	return copy;
}

/* Is all that was printed out? A line may have gone, and failed, before. */
static void flush_output(void)
{
	if (fflush(stdout) || ferror(stdout))
		die(EXIT_OTHER, "the output cannot be written");
}

static atomic_int caught;

/*
 * Ends the call that waits. A signal may also come just before that call: then
 * an alarm does, as often as needed.
 */
static void on_signal(int sig)
{
	if (sig != SIGALRM)
		caught = sig;
	alarm(1);
}

/* nohup and others want some to stay ignored */
static void catch_signal(int sig, void (*handler)(int), struct sigaction *old)
{
	struct sigaction act = { .sa_handler = handler };

	sigaction(sig, NULL, old);
	if (old->sa_handler != SIG_IGN)
		sigaction(sig, &act, NULL);
}

static void catch_signals(void)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGTERM, SIGALRM };
	struct sigaction old;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(signals); i++)
		catch_signal(signals[i], on_signal, &old);
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
		if (!isxdigit((unsigned char)s[1]) ||
		    !isxdigit((unsigned char)s[2]))
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

/* Can this be sent to a server? Else it would be more than one command. */
static void check_text(const char *what, const char *text, size_t max)
{
	size_t i;

	if (strlen(text) > max)
		die(EXIT_USAGE, "the %s is longer than %zu bytes", what, max);
	for (i = 0; text[i]; i++) {
		unsigned char c = text[i];

		if (c < 0x20 || c == 0x7f || c == 0xff)
			die(EXIT_USAGE, "the %s has a control character",
			    what);
	}
}

static bool is_port(const char *text)
{
	size_t len = strlen(text);

	return len && len <= 5 && strspn(text, "0123456789") == len &&
	       atoi(text) >= 1 && atoi(text) <= 65535;
}

/* No message shows the URL: it may have a password */
static struct url parse_url(char *text, const struct options *opt)
{
	struct url u = {};
	char *all, *host, *end, *at, *colon;

	if (strncasecmp(text, "ftp://", 6))
		die(EXIT_USAGE, "not an ftp:// URL");
	text += 6;
	all = copy_of(text);
	host = all;
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
			/* They have seen it long enough */
			memset(text + (u.password - all), '*',
			       strlen(u.password));
		}
	}
	if (*host == '[') {
		end = strchr(++host, ']');
		if (!end || (end[1] && end[1] != ':'))
			die(EXIT_USAGE, "no host in the URL");
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
	if (!unescape(u.host) || !unescape(u.path) ||
	    (u.user && !unescape(u.user)) ||
	    (u.password && !unescape(u.password)))
		die(EXIT_USAGE, "bad %%XX in the URL");
	if (!*u.host || (u.user && !*u.user))
		die(EXIT_USAGE, "no host or no user in the URL");
	if (!is_port(u.port))
		die(EXIT_USAGE, "the port is 1 to 65535");
	check_text("path", u.path, PATH_MAX - 1);
	if (u.user)
		check_text("user", u.user, KNETDEMO_FTP_NAME_LEN);
	return u;
}

/* NULL where there is none, or where it is no text */
static char *first_line(FILE *file)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t n = getline(&line, &size, file);

	if (n < 0 || strlen(line) != (size_t)n)
		return NULL;
	if (n && line[n - 1] == '\n')
		line[--n] = '\0';
	if (n && line[n - 1] == '\r')
		line[--n] = '\0';
	return line;
}

/*
 * The next word of a netrc, or NULL. Comments stand where a keyword may: a
 * password may begin with "#".
 */
static char *netrc_word(FILE *file, bool keyword)
{
	static char word[512];
	size_t n = 0;
	int c;

	do {
		c = getc(file);
		if (keyword && c == '#')
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

static void netrc_value(FILE *file, char **value)
{
	const char *word = netrc_word(file, false);

	free(*value);
	*value = word ? copy_of(word) : NULL;
}

/* A macro ends with an empty line */
static void netrc_skip_macro(FILE *file)
{
	int c, last = 0;

	while ((c = getc(file)) != EOF && (c != '\n' || last != '\n'))
		last = c;
}

/* The first entry for the host that has a password for the user, or for any */
static void look_in_netrc(struct url *u, const struct options *opt)
{
	char *machine = NULL, *login = NULL, *password = NULL;
	const char *home = getenv("HOME");
	const char *name = opt->netrc;
	char path[PATH_MAX], *word;
	bool match = false;
	struct stat st;
	FILE *file;

	if (!name) {
		if (!home || snprintf(path, sizeof(path), "%s/.netrc", home) >=
			     (int)sizeof(path))
			return;
		name = path;
	}
	file = fopen(name, "re");
	if (!file) {
		if (opt->netrc)
			die(EXIT_LOCAL, "%s: %s", name, strerror(errno));
		return;
	}
	if (!fstat(fileno(file), &st) && st.st_mode & 077)
		say("%s can be read by others", name);
	do {
		word = netrc_word(file, true);
		if (!word || !strcmp(word, "machine") ||
		    !strcmp(word, "default")) {
			/* Only now all of the last entry is known */
			if (match && password && (u->user ?
			    !login || !strcmp(login, u->user) : !!login)) {
				if (!u->user)
					u->user = copy_of(login);
				u->password = copy_of(password);
				break;
			}
			free(login);
			free(password);
			login = NULL;
			password = NULL;
			match = word && *word == 'd';
			if (word && !match) {
				netrc_value(file, &machine);
				match = machine &&
					!strcasecmp(machine, u->host);
			}
		} else if (!strcmp(word, "login")) {
			netrc_value(file, &login);
		} else if (!strcmp(word, "password")) {
			netrc_value(file, &password);
		} else if (!strcmp(word, "account")) {
			netrc_word(file, false);
		} else if (!strcmp(word, "macdef")) {
			netrc_skip_macro(file);
		}
	} while (word);
	free(machine);
	free(login);
	free(password);
	fclose(file);
}

static atomic_int asked;

static void on_signal_asking(int sig)
{
	asked = sig;
}

/*
 * Read a line from the terminal without showing it. Whatever comes, the
 * terminal is as it was before the signal is. Returns the signal, or 0.
 */
static int ask_line(int tty, const struct url *u, char *line, size_t size)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM,
				       SIGTSTP };
	struct sigaction old[ARRAY_SIZE(signals)];
	struct pollfd poll_tty = { .fd = tty, .events = POLLIN };
	struct termios before, quiet;
	sigset_t block, mask;
	ssize_t n = 0;
	size_t i;

	if (tcgetattr(tty, &before))
		die(EXIT_LOGIN, "/dev/tty: %s", strerror(errno));
	asked = 0;
	sigemptyset(&block);
	for (i = 0; i < ARRAY_SIZE(signals); i++) {
		sigaddset(&block, signals[i]);
		catch_signal(signals[i], on_signal_asking, &old[i]);
	}
	sigprocmask(SIG_BLOCK, &block, &mask);

	quiet = before;
	quiet.c_lflag &= ~ECHO;
	quiet.c_lflag |= ICANON | ISIG;
	tcsetattr(tty, TCSAFLUSH, &quiet);
	dprintf(tty, "Password for %s@%s: ", u->user, u->host);
	/* Signals come here and nowhere else */
	if (ppoll(&poll_tty, 1, NULL, &mask) > 0)
		n = read(tty, line, size - 1);
	tcsetattr(tty, TCSAFLUSH, &before);
	dprintf(tty, "\n");

	for (i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &old[i], NULL);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	if (!asked && n <= 0)
		die(EXIT_LOGIN, "no password");
	line[n > 0 ? n : 0] = '\0';
	return asked;
}

static char *ask_password(const struct url *u)
{
	int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	char line[1024], *password;
	int sig;

	if (tty < 0)
		die(EXIT_LOGIN,
		    "no password for %s: use --password-file or a netrc",
		    u->user);
	/* After a stop it goes on here */
	while ((sig = ask_line(tty, u, line, sizeof(line))))
		kill(getpid(), sig);
	close(tty);
	line[strcspn(line, "\n")] = '\0';
	password = copy_of(line);
	explicit_bzero(line, sizeof(line));
	return password;
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
			die(EXIT_LOCAL, "%s: no password in it",
			    opt->password_file);
		if (!input)
			fclose(file);
	}
	if (!u->password)
		look_in_netrc(u, opt);
	if (!u->user) {
		u->user = "anonymous";
		if (!u->password)
			u->password = copy_of("anonymous@");
	}
	if (!u->password)
		u->password = strcmp(u->user, "anonymous") ? ask_password(u) :
			      copy_of("anonymous@");
	check_text("user", u->user, KNETDEMO_FTP_NAME_LEN);
	check_text("password", u->password, KNETDEMO_FTP_NAME_LEN);
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
	err = caught ? EINTR : 0;
	if (!err && ioctl(dev, KNETDEMO_IOC_FTP_GET, req))
		err = errno;
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
		say("%s: %s: %s (%u %s)", bar.server, stage, strerror(err),
		    req->code, req->text);
	else
		say("%s: %s: %s", bar.server, stage, strerror(err));
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
	bar.fd = fd;
	bar.from = st.st_size;

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
			say("%s: %s", bar.server, strerror(err));
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
			(unsigned long long)st.st_size - bar.from, took);
	}
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

/* A line of a file of ours in /proc */
static void put_line(const char *line)
{
	char *copy = copy_of(line + strspn(line, " "));

	copy[strcspn(copy, "\n")] = '\0';
	put_clean(copy, stdout);
	putchar('\n');
	free(copy);
}

/*
 * Print what is new in the ring, or only what the columns are; returns the last
 * number that was there.
 */
static unsigned long long print_new(unsigned long long last, bool print)
{
	FILE *file = open_proc("connections");
	unsigned long long seq;
	char line[1024];

	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, " %llu ", &seq) != 1) {
			if (!print && *line != '#')
				put_line(line);
			/* The module was loaded anew */
			if (sscanf(line, "# attempts %llu ", &seq) == 1 &&
			    seq < last)
				last = 0;
			continue;
		}
		if (seq <= last)
			continue;
		if (print && last && seq > last + 1)
			printf("# %llu not seen: the ring was too small\n",
			       seq - last - 1);
		if (print)
			put_line(line);
		last = seq;
	}
	fclose(file);
	return last;
}

static int watch(void)
{
	const struct timespec tick = { .tv_nsec = 200000000 };
	unsigned long long last;

	catch_signals();
	if (read_number(SYSCTL, "monitor") == 0)
		say("the monitor is off: sysctl net.knetdemo.monitor=1");
	last = print_new(0, false);
	while (!caught) {
		last = print_new(last, true);
		if (caught)
			break;
		flush_output();
		nanosleep(&tick, NULL);
	}
	return EXIT_SIGNAL;
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
		if (max-- > 0) {
			fputs("  ", stdout);
			put_line(line);
		} else {
			more++;
		}
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
	flush_output();
	return EXIT_OK;
}

static int filter(const char *text)
{
	struct in6_addr addr6;
	struct in_addr addr;
	char line[128];
	int fd;

	if (!strcmp(text, "any") || !strcmp(text, "::"))
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

static bool wants_help(const char *arg)
{
	return !strcmp(arg, "--help") || !strcmp(arg, "-h");
}

/* Messages shall not go to what is opened in the place of a closed stderr */
static void open_standard_files(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= 2);
	if (fd > 2)
		close(fd);
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	open_standard_files();
	setlocale(LC_CTYPE, "");
	if (wants_help(verb) || (argc == 3 && wants_help(argv[2]))) {
		fputs(usage_text, stdout);
		flush_output();
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
