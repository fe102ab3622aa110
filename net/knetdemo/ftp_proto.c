// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: the text of FTP
 *
 * Pure: what a server sent goes in, a result comes out; what is to be sent is
 * put together in one place. No socket, no lock, no log.
 *
 * RFC 959, section 4.2: replies. RFC 1123, section 4.1.2: what servers may do
 * in the 227 reply. RFC 2428: EPRT, EPSV. RFC 3659, section 4: SIZE.
 */

#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/kernel.h>
#include <linux/kstrtox.h>
#include <linux/socket.h>
#include <linux/string.h>

#include "knetdemo.h"

/**
 * knd_ftp_reply_init - get ready for the next reply
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
	r->done = false;
	r->line[0] = '\0';
}

/*
 * A line is complete, without its end. The first has the code, and a space
 * where it is the only one or a hyphen where more follow; then the last is the
 * one with the same code and a space.
 */
static int knd_ftp_reply_line(struct knd_ftp_reply *r)
{
	const char *line = r->line;
	bool coded;

	if (++r->lines > KND_FTP_REPLY_LINES)
		return -EPROTO;

	coded = isdigit(line[0]) && isdigit(line[1]) && isdigit(line[2]);
	if (r->lines == 1) {
		if (!coded || line[0] < '1' || line[0] > '5')
			return -EPROTO;
		if (line[3] != ' ' && line[3] != '-')
			return -EPROTO;
		r->code = (line[0] - '0') * 100 + (line[1] - '0') * 10 +
			  line[2] - '0';
		r->done = line[3] == ' ';
	} else if (coded && line[3] == ' ') {
		r->done = r->code == (line[0] - '0') * 100 +
				     (line[1] - '0') * 10 + line[2] - '0';
	}
	if (!r->done)
		r->len = 0;
	return 0;
}

/**
 * knd_ftp_reply_feed - give the reader bytes from the control connection
 * @r: the reader
 * @buf: the bytes
 * @len: how many
 *
 * A line ends with LF or CR LF. Lines, their number and the bytes of a reply
 * are limited; a NUL, or a CR that ends no line, is refused.
 *
 * Context: any.
 * Return: how many bytes were used, all of them unless &knd_ftp_reply.done is
 * set and others follow; -EPROTO where this is no reply.
 */
int knd_ftp_reply_feed(struct knd_ftp_reply *r, const char *buf, size_t len)
{
	size_t used = 0;
	int err;

	while (used < len && !r->done) {
		char c = buf[used++];

		if (++r->bytes > KND_FTP_REPLY_BYTES || !c)
			return -EPROTO;
		if (c != '\n') {
			if (r->len == KND_FTP_LINE_LEN)
				return -EPROTO;
			r->line[r->len++] = c;
			continue;
		}
		if (r->len && r->line[r->len - 1] == '\r')
			r->len--;
		r->line[r->len] = '\0';
		if (memchr(r->line, '\r', r->len))
			return -EPROTO;
		err = knd_ftp_reply_line(r);
		if (err)
			return err;
	}
	return used;
}

/* A decimal number of at most @digits digits; what follows it goes to @end */
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

/**
 * knd_ftp_parse_227 - find the port in the answer to PASV
 * @text: the text behind the code
 *
 * Six numbers with a comma between two of them, from the first digit in @text
 * on (RFC 1123: there may be no parentheses). Where they stand in parentheses,
 * both must be there. The first four are an address that nobody has to trust;
 * it is checked for its form and not returned.
 *
 * Context: any.
 * Return: the port, or -EPROTO.
 */
int knd_ftp_parse_227(const char *text)
{
	const char *first = text + strcspn(text, "0123456789");
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
	if (*p == ',')
		return -EPROTO;
	if ((first > text && first[-1] == '(') != (*p == ')'))
		return -EPROTO;
	return octet[4] << 8 | octet[5] ? : -EPROTO;
}

/**
 * knd_ftp_parse_229 - find the port in the answer to EPSV
 * @text: the text behind the code
 *
 * It ends with "(", three equal delimiters, the port, the delimiter again and
 * ")". The delimiter is a character from 33 to 126 that is no digit.
 *
 * Context: any.
 * Return: the port, or -EPROTO.
 */
int knd_ftp_parse_229(const char *text)
{
	size_t len = strlen(text);
	size_t end, i;
	int port;
	char d;

	if (len < sizeof("(|||1|)") - 1 || text[len - 1] != ')')
		return -EPROTO;
	d = text[len - 2];
	if (d < 33 || d > 126 || isdigit(d))
		return -EPROTO;

	/* From the back: the delimiter may be a parenthesis too */
	end = len - 2;
	for (i = end; i && isdigit(text[i - 1]); i--)
		;
	if (i < 4 || text[i - 1] != d || text[i - 2] != d ||
	    text[i - 3] != d || text[i - 4] != '(')
		return -EPROTO;
	port = knd_ftp_number(text + i, 5, 65535, &text);
	return port ? : -EPROTO;
}

/**
 * knd_ftp_parse_213 - read the answer to SIZE
 * @text: the text behind the code
 * @size: where the number goes, in bytes
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
 * knd_ftp_text_ok - is this text fit for a command?
 * @text: a user name, a password or a path
 *
 * Control characters would end the command and start another one; 255 starts
 * a Telnet command, which the control connection knows too.
 *
 * Context: any.
 * Return: false where it has a byte below 32, or 127, or 255.
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
 * knd_ftp_command - put a command line together
 * @buf: where the line goes, with its CR LF; a string
 * @size: of @buf
 * @verb: the command
 * @arg: its argument, or NULL
 *
 * The one place where command lines are made.
 *
 * Context: any.
 * Return: the length of the line, -EINVAL where @arg is not fit for a command,
 * -ENAMETOOLONG where the line does not fit. @buf is empty on error.
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
 * knd_ftp_eprt - the argument of EPRT
 * @buf: where it goes
 * @size: of @buf, at least KND_FTP_HOST_LEN
 * @ss: the address and port on which the data connection is awaited
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
 * knd_ftp_port - the argument of PORT
 * @buf: where it goes
 * @size: of @buf, at least KND_FTP_HOST_LEN
 * @in: the IPv4 address and port on which the data connection is awaited
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
