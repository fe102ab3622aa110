// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: the text of FTP
 *
 * Pure functions: replies are parsed and commands are made here, without any
 * socket, lock or log.
 *
 * RFC 959, section 4.2: replies. RFC 1123, section 4.1.2: what servers may do
 * in replies. RFC 2428: EPRT, EPSV. RFC 3659, sections 3 and 4: MDTM, SIZE.
 */

#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/kernel.h>
#include <linux/kstrtox.h>
#include <linux/socket.h>
#include <linux/string.h>
#include <linux/timekeeping.h>

#include "ftp_proto.h"

/**
 * knd_ftp_reply_init - prepare a reader for the next reply
 * @r: the reader
 *
 * Context: any.
 */
void knd_ftp_reply_init(struct knd_ftp_reply *r)
{
	r->code = 0;
	r->lines = 0;
	r->bytes = 0;
	r->len = 0;
	r->cut = false;
	r->done = false;
	r->bad = false;
	r->line[0] = '\0';
}

/*
 * Returns the code at the start of a line. It is followed by a space, a hyphen
 * or nothing; otherwise this returns -EPROTO.
 */
static int knd_ftp_line_code(const char *line)
{
	if (!isdigit(line[0]) || !isdigit(line[1]) || !isdigit(line[2]))
		return -EPROTO;
	if (line[3] != ' ' && line[3] != '-' && line[3])
		return -EPROTO;
	return (line[0] - '0') * 100 + (line[1] - '0') * 10 + line[2] - '0';
}

/*
 * Handle a complete line. RFC 959, section 4.2: the first line has the code,
 * and a hyphen behind it if more lines follow. The last line has the same code
 * without a hyphen.
 */
static int knd_ftp_reply_line(struct knd_ftp_reply *r)
{
	int code;

	if (!r->len && !r->cut)
		return 0;
	code = knd_ftp_line_code(r->line);
	if (!r->lines++) {
		if (code < 100 || code > 599)
			return -EPROTO;
		r->code = code;
	}
	r->done = code == r->code && r->line[3] != '-';
	if (!r->done)
		r->len = 0;
	r->cut = false;
	return 0;
}

static int knd_ftp_reply_byte(struct knd_ftp_reply *r, char c)
{
	if (++r->bytes > KND_FTP_REPLY_BYTES || !c)
		return -EPROTO;
	if (c != '\n') {
		/* Only CRs may follow a CR before the end of the line */
		if (r->cr && c != '\r')
			return -EPROTO;
		r->cr = c == '\r';
		if (!r->cr && r->len < KND_FTP_LINE_LEN)
			r->line[r->len++] = c;
		else if (!r->cr)
			r->cut = true;
		/* A first line without a code is refused before its end */
		return r->cut && !r->lines &&
		       knd_ftp_line_code(r->line) < 0 ? -EPROTO : 0;
	}
	r->cr = false;
	r->line[r->len] = '\0';
	return knd_ftp_reply_line(r);
}

/**
 * knd_ftp_reply_feed - give the reader bytes from the control connection
 * @r: the reader
 * @buf: the bytes
 * @len: how many
 *
 * A line ends with LF, which any number of CRs can precede. Empty lines are
 * ignored, and so are the bytes of a line beyond KND_FTP_LINE_LEN. A NUL, a CR
 * elsewhere, and more than KND_FTP_REPLY_BYTES are refused.
 *
 * Context: any.
 * Return: how many bytes were used, which are fewer than @len only if
 * &knd_ftp_reply.done is set and other bytes follow. -EPROTO where the bytes
 * are no reply: then &knd_ftp_reply.line has the line that shows it.
 */
int knd_ftp_reply_feed(struct knd_ftp_reply *r, const char *buf, size_t len)
{
	size_t used = 0;

	while (used < len && !r->done) {
		if (knd_ftp_reply_byte(r, buf[used++])) {
			r->line[r->len] = '\0';
			r->bad = true;
			return -EPROTO;
		}
	}
	return used;
}

/**
 * knd_ftp_reply_text - the text of a reply
 * @r: a reader with a complete reply
 *
 * Context: any.
 * Return: what follows the code in the last line.
 */
const char *knd_ftp_reply_text(const struct knd_ftp_reply *r)
{
	return r->line + (r->line[3] ? 4 : 3);
}

/*
 * Parse a number of at most @digits decimal digits and at most @max, and point
 * *@end behind it. Returns the number, or -EPROTO; then *@end is unchanged.
 */
static int knd_ftp_number(const char *text, unsigned int digits,
			  unsigned int max, const char **end)
{
	unsigned int n = 0;
	unsigned int i;

	for (i = 0; isdigit(text[i]); i++) {
		if (i == digits)
			return -EPROTO;
		n = n * 10 + text[i] - '0';
	}
	if (!i || n > max)
		return -EPROTO;
	*end = text + i;
	return n;
}

/*
 * Parse six numbers at @first and return the port that the last two are. A
 * seventh number, or a parenthesis on one side only, is refused.
 */
static int knd_ftp_six_numbers(const char *first, bool bracket)
{
	const char *p = first;
	int octet[6];
	int i;

	for (i = 0; i < 6; i++) {
		if (i && *p++ != ',')
			return -EPROTO;
		octet[i] = knd_ftp_number(p, 3, 255, &p);
		if (octet[i] < 0)
			return -EPROTO;
	}
	if (*p == ',' || bracket != (*p == ')'))
		return -EPROTO;
	return octet[4] << 8 | octet[5] ? : -EPROTO;
}

/**
 * knd_ftp_parse_227 - find the port in the answer to PASV
 * @text: the text behind the code
 *
 * The answer has six numbers with commas between them, and any text before and
 * behind. RFC 1123, section 4.1.2.6: the parentheses around the numbers can be
 * missing. This function accepts both of them or none. The first four numbers
 * are an address that a client must not trust, since the server could name
 * another host. So only their form is checked, and only the port is returned.
 *
 * Context: any.
 * Return: the port, or -EPROTO.
 */
int knd_ftp_parse_227(const char *text)
{
	const char *p = text;
	char before;
	int port;

	while (*(p += strcspn(p, "0123456789"))) {
		before = p > text ? p[-1] : ' ';
		/* Behind one of these, the digits belong to other text */
		port = strchr("-+.,", before) ? -EPROTO :
		       knd_ftp_six_numbers(p, before == '(');
		if (port > 0)
			return port;
		p += strspn(p, "0123456789");
	}
	return -EPROTO;
}

/* The port of "(|||port|)" at @text */
static int knd_ftp_extended(const char *text)
{
	u8 d = text[0] ? text[1] : 0;
	int port;

	if (text[0] != '(' || d < 33 || d > 126 || isdigit(d) ||
	    text[2] != d || text[3] != d)
		return -EPROTO;
	port = knd_ftp_number(text + 4, 5, 65535, &text);
	if (port <= 0 || text[0] != d || text[1] != ')')
		return -EPROTO;
	return port;
}

/**
 * knd_ftp_parse_229 - find the port in the answer to EPSV
 * @text: the text behind the code
 *
 * RFC 2428, section 3: the answer has "(", the same delimiter three times, the
 * port, the delimiter and ")", and any text before and behind. The delimiter is
 * a character from 33 to 126. This function refuses a digit as the delimiter.
 *
 * Context: any.
 * Return: the port, or -EPROTO.
 */
int knd_ftp_parse_229(const char *text)
{
	int port;

	for (; *text; text++) {
		port = knd_ftp_extended(text);
		if (port > 0)
			return port;
	}
	return -EPROTO;
}

/**
 * knd_ftp_parse_213 - read the answer to SIZE
 * @text: the text behind the code
 * @size: the number, in bytes; only written where 0 is returned
 *
 * Context: any.
 * Return: 0, or -EPROTO where @text is no decimal number of at most 63 bits.
 */
int knd_ftp_parse_213(const char *text, u64 *size)
{
	u64 n;

	if (!isdigit(*text) || strchr(text, '\n') || kstrtou64(text, 10, &n) ||
	    n > S64_MAX)
		return -EPROTO;
	*size = n;
	return 0;
}

/**
 * knd_ftp_parse_mdtm - read the answer to MDTM
 * @text: the text behind the code: YYYYMMDDHHMMSS in UTC, perhaps with a
 *	fraction of a second (RFC 3659, section 2.3)
 * @mtime: the date in seconds since 1970; only written where 0 is returned
 *
 * Context: any.
 * Return: 0, or -EPROTO where @text is no such date.
 */
int knd_ftp_parse_mdtm(const char *text, u64 *mtime)
{
	unsigned int year, mon, day, hour, min, sec;
	size_t digits = strspn(text, "0123456789");

	if (digits != strlen("YYYYMMDDHHMMSS") ||
	    (text[digits] && text[digits] != '.') ||
	    sscanf(text, "%4u%2u%2u%2u%2u%2u", &year, &mon, &day, &hour, &min,
		   &sec) != 6 ||
	    year < 1970 || mon < 1 || mon > 12 || day < 1 || day > 31 ||
	    hour > 23 || min > 59 || sec > 60)
		return -EPROTO;
	*mtime = mktime64(year, mon, day, hour, min, sec);
	return 0;
}

/**
 * knd_ftp_text_ok - can this text be part of a command?
 * @text: a user name, a password or a path
 *
 * A control character could end the command and begin another one. The byte 255
 * begins a Telnet command, which servers interpret on the control connection.
 *
 * Context: any.
 * Return: false if it has a byte below 32, or 127, or 255.
 */
bool knd_ftp_text_ok(const char *text)
{
	for (; *text; text++) {
		u8 c = *text;

		if (c < 0x20 || c == 0x7f || c == 0xff)
			return false;
	}
	return true;
}

/**
 * knd_ftp_command - make a command line
 * @buf: the line with its CR LF, as a string
 * @size: of @buf
 * @verb: the command
 * @arg: its argument, or NULL
 *
 * All command lines are made here, so that none can have a control character.
 *
 * Context: any.
 * Return: the length of the line; -EINVAL for a text that knd_ftp_text_ok()
 * refuses; -ENAMETOOLONG where the line does not fit. On error @buf is empty.
 */
int knd_ftp_command(char *buf, size_t size, const char *verb, const char *arg)
{
	size_t len;

	*buf = '\0';
	if (!knd_ftp_text_ok(verb) || (arg && !knd_ftp_text_ok(arg)))
		return -EINVAL;
	len = strlen(verb) + (arg ? 1 + strlen(arg) : 0) + strlen("\r\n");
	if (len >= size)
		return -ENAMETOOLONG;
	return scnprintf(buf, size, "%s%s%s\r\n", verb, arg ? " " : "",
			 arg ? : "");
}

/**
 * knd_ftp_eprt - make the argument of EPRT
 * @buf: the argument, as a string
 * @size: of @buf, at least KND_FTP_HOST_LEN
 * @ss: address and port of the listener for the data connection
 *
 * Context: any.
 */
void knd_ftp_eprt(char *buf, size_t size, const struct sockaddr_storage *ss)
{
	const struct sockaddr_in6 *in6 = (const void *)ss;
	const struct sockaddr_in *in = (const void *)ss;

	if (ss->ss_family == AF_INET6)
		snprintf(buf, size, "|2|%pI6c|%u|", &in6->sin6_addr,
			 ntohs(in6->sin6_port));
	else
		snprintf(buf, size, "|1|%pI4|%u|", &in->sin_addr,
			 ntohs(in->sin_port));
}

/**
 * knd_ftp_port - make the argument of PORT
 * @buf: the argument, as a string
 * @size: of @buf, at least KND_FTP_HOST_LEN
 * @in: IPv4 address and port of the listener for the data connection
 *
 * Context: any.
 */
void knd_ftp_port(char *buf, size_t size, const struct sockaddr_in *in)
{
	const u8 *a = (const u8 *)&in->sin_addr;
	u16 port = ntohs(in->sin_port);

	snprintf(buf, size, "%u,%u,%u,%u,%u,%u", a[0], a[1], a[2], a[3],
		 port >> 8, port & 0xff);
}
