// SPDX-License-Identifier: GPL-2.0-only
/*
 * Passwords of a netrc.
 */

#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "knetdemo.h"

/*
 * Return the next word of a netrc, or NULL. A comment is only recognised in the
 * place of a keyword, since a password may begin with "#".
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

/*
 * A macro ends with an empty line. Lines may end with CR LF. The rest of the
 * line with the name of the macro may be empty and does not end it.
 */
static void netrc_skip_macro(FILE *file)
{
	bool empty = false;
	int c;

	while ((c = getc(file)) != EOF) {
		if (c == '\n') {
			if (empty)
				return;
			empty = true;
		} else if (c != '\r') {
			empty = false;
		}
	}
}

/* Use the first entry for the host whose user matches and has a password */
void look_in_netrc(struct url *u, const struct options *opt)
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
		note("%s can be read by others", name);
	do {
		word = netrc_word(file, true);
		if (!word || !strcmp(word, "machine") ||
		    !strcmp(word, "default")) {
			/* The previous entry has ended: all of it is known */
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
