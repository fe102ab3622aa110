/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel networking demonstration and test services: the text of FTP
 */

#ifndef _NET_KNETDEMO_FTP_PROTO_H
#define _NET_KNETDEMO_FTP_PROTO_H

#include <linux/inet.h>
#include <linux/sizes.h>
#include <linux/types.h>

struct sockaddr_in;
struct sockaddr_storage;

/* Bytes that are kept of a line; longer lines exist, and are cut */
#define KND_FTP_LINE_LEN	1024
/* Limit of a whole reply, far above the longest login messages */
#define KND_FTP_REPLY_BYTES	SZ_1M
/* The argument of EPRT: an IPv6 address, five digits, four "|", "2", NUL */
#define KND_FTP_HOST_LEN	(INET6_ADDRSTRLEN + 10)

/**
 * struct knd_ftp_reply - reader of one reply
 * @code: 100 to 599, once the first line is complete
 * @lines: complete lines so far, without the empty ones
 * @bytes: bytes so far
 * @len: bytes in @line
 * @cut: the current line is longer than @line
 * @cr: the last byte was a CR
 * @done: the reply is complete
 * @bad: the bytes are no reply
 * @line: the current line; when @done is set, the last line as a string; when
 *	@bad is set, the line that shows it
 */
struct knd_ftp_reply {
	unsigned int code;
	unsigned int lines;
	unsigned int bytes;
	unsigned int len;
	bool cut;
	bool cr;
	bool done;
	bool bad;
	char line[KND_FTP_LINE_LEN + 1];
};

void knd_ftp_reply_init(struct knd_ftp_reply *r);
int knd_ftp_reply_feed(struct knd_ftp_reply *r, const char *buf, size_t len);
const char *knd_ftp_reply_text(const struct knd_ftp_reply *r);
int knd_ftp_parse_227(const char *text);
int knd_ftp_parse_229(const char *text);
int knd_ftp_parse_213(const char *text, u64 *size);
int knd_ftp_parse_mdtm(const char *text, u64 *mtime);
bool knd_ftp_text_ok(const char *text);
int knd_ftp_command(char *buf, size_t size, const char *verb, const char *arg);
void knd_ftp_eprt(char *buf, size_t size, const struct sockaddr_storage *ss);
void knd_ftp_port(char *buf, size_t size, const struct sockaddr_in *in);

#endif /* _NET_KNETDEMO_FTP_PROTO_H */
