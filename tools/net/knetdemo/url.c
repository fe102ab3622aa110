// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parse ftp:// URLs (RFC 1738), and check what is sent to a server.
 */

#define _GNU_SOURCE
#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <linux/knetdemo.h>

#include "knetdemo.h"

/* Decode %XX in place; false for bad digits and for %00 */
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

/* Refuse control characters: they could begin another command */
void check_text(const char *what, const char *text, size_t max)
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

/*
 * RFC 1738, section 3.2.2: ";type=" and a letter are not part of the name. This
 * client retrieves files as they are, so only the type "i" is accepted.
 */
static void cut_type(char *path)
{
	char *type = strrchr(path, ';');

	if (!type || strncasecmp(type, ";type=", 6))
		return;
	if (strcasecmp(type + 6, "i"))
		die(EXIT_USAGE, "only ;type=i is supported: files are retrieved as they are");
	*type = '\0';
}

/* No message may show the URL, since it can have a password */
struct url parse_url(char *text, const struct options *opt)
{
	struct url u = {};
	char *all, *host, *end, *at, *colon;

	if (strncasecmp(text, "ftp://", 6))
		die(EXIT_USAGE, "not an ftp:// URL");
	text += 6;
	all = copy_of(text);
	/* RFC 3986, section 3.5: a fragment is not sent to the server */
	all[strcspn(all, "#")] = '\0';
	host = all;
	end = strchr(host, '/');
	if (!end || !end[1])
		die(EXIT_USAGE, "no path in the URL");
	*end = '\0';
	u.path = end + 1;
	cut_type(u.path);
	if (!*u.path)
		die(EXIT_USAGE, "no path in the URL");

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
			/* Hide it from ps as soon as possible */
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
