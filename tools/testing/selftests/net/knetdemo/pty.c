// SPDX-License-Identifier: GPL-2.0-only
/*
 * Run a command on a terminal of its own, and answer its prompt.
 *
 * pty PROMPT REPLY COMMAND...
 *
 * When PROMPT has appeared, REPLY and a newline are typed. If REPLY begins with
 * Ctrl-Z, only that is typed at first: the command has to stop, is continued,
 * and gets the rest of REPLY at its next prompt.
 *
 * The status is that of the command, as in a shell, or one of these:
 *	95	Ctrl-Z did not stop it
 *	96	PROMPT did not appear
 *	97	the terminal was not restored at a stop or at the end
 *	98	the terminal still echoed at the prompt
 */

#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { CTRL_Z = 26, NOT_STOPPED = 95, NO_PROMPT, NOT_RESTORED, ECHOED };

static bool same(const struct termios *a, const struct termios *b)
{
	return a->c_iflag == b->c_iflag && a->c_oflag == b->c_oflag &&
	       a->c_lflag == b->c_lflag && a->c_cflag == b->c_cflag;
}

static int status_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) :
				   128 + WTERMSIG(status);
}

/* Acts as a shell: it owns the terminal, and continues its command */
static int lead(const char *name, bool has_to_stop, char **argv)
{
	struct termios before, after;
	bool restored = true;
	int tty, status;
	pid_t pid;

	setsid();
	tty = open(name, O_RDWR | O_NOCTTY);
	if (tty < 0 || ioctl(tty, TIOCSCTTY, 0) || tcgetattr(tty, &before))
		err(1, "%s", name);
	dup2(tty, 0);
	dup2(tty, 1);
	dup2(tty, 2);
	signal(SIGTTOU, SIG_IGN);
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		tcsetpgrp(0, getpid());
		signal(SIGTTOU, SIG_DFL);
		if (tty > 2)
			close(tty);
		execvp(argv[0], argv);
		err(127, "%s", argv[0]);
	}
	while (waitpid(pid, &status, WUNTRACED) == pid) {
		if (tcgetattr(0, &after) || !same(&before, &after))
			restored = false;
		if (!WIFSTOPPED(status))
			break;
		has_to_stop = false;
		kill(-pid, SIGCONT);
	}
	return !restored ? NOT_RESTORED : has_to_stop ? NOT_STOPPED :
	       status_of(status);
}

int main(int argc, char **argv)
{
	size_t len = 0, answered = 0;
	int master, status, fail = NO_PROMPT;
	char seen[65536] = "";
	struct termios term;
	const char *reply;
	ssize_t n;
	pid_t pid;

	if (argc < 4)
		return 2;
	reply = argv[2];
	/* Do not wait for ever for a prompt */
	alarm(60);
	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0 || grantpt(master) || unlockpt(master))
		err(1, "no terminal");
	pid = fork();
	if (!pid)
		_exit(lead(ptsname(master), *reply == CTRL_Z, argv + 3));
	if (pid < 0)
		err(1, "no process");

	while (len < sizeof(seen) - 1) {
		char *prompt;

		n = read(master, seen + len, sizeof(seen) - 1 - len);
		if (n <= 0)
			break; /* EIO: the last one has closed the terminal */
		write(1, seen + len, n);
		len += n;
		seen[len] = '\0';
		prompt = strstr(seen + answered, argv[1]);
		if (!prompt)
			continue;
		answered = prompt - seen + strlen(argv[1]);
		if (fail == NO_PROMPT)
			fail = 0;
		if (tcgetattr(master, &term) || term.c_lflag & ECHO)
			fail = ECHOED;
		if (*reply == CTRL_Z) {
			write(master, reply++, 1);
			continue;
		}
		write(master, reply, strlen(reply));
		write(master, "\n", 1);
	}
	if (waitpid(pid, &status, 0) != pid)
		err(1, "no status");
	return fail ? fail : status_of(status);
}
