// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the password comes from: a file, a netrc, or the terminal.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <linux/knetdemo.h>

#include "knetdemo.h"

/* Return the first line, or NULL if there is none or it has a NUL */
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

static atomic_int asked;

static void on_signal_asking(int sig)
{
	asked = sig;
}

/*
 * Read a line from the terminal without echo. If a signal arrives, restore the
 * terminal first, so that the signal's effect never finds it changed. Returns
 * the signal, or 0.
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
	/* Signals are only delivered during this call */
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
	/* A signal that stopped us returns here when we are continued */
	while ((sig = ask_line(tty, u, line, sizeof(line))))
		kill(getpid(), sig);
	close(tty);
	line[strcspn(line, "\n")] = '\0';
	password = copy_of(line);
	explicit_bzero(line, sizeof(line));
	return password;
}

void find_password(struct url *u, const struct options *opt)
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
