// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scripted FTP server of ftp_server.h as a program, for shell tests.
 *
 * ftp_script [-l LOG] [-f FILE|-z BYTES] [-p PASSWORD] [-c|-s BYTES] [-P PORT]
 *	      [-a ADDRESS] [-R] [VERB=REPLY]...
 *
 *	-l  commands go there as they come	-f  what RETR sends
 *	-p  the only password that is let in	-z  RETR sends so many zeros
 *	-P  the port, instead of any that is free
 *	-c  break off after so many bytes	-s  stall after so many
 *	-a  the address, instead of 127.0.0.1	-R  accept REST and ignore it
 *
 * REPLY, without its CR LF, replaces the usual reply to VERB; "stall" sends
 * none. The program prints its port, and serves one client after the other
 * until it is killed.
 */

#define _GNU_SOURCE
#include <err.h>
#include <sys/stat.h>

#include "ftp_server.h"

static char *read_file(const char *name, size_t *size)
{
	FILE *file = fopen(name, "r");
	struct stat st;
	char *data;

	if (!file || fstat(fileno(file), &st))
		err(1, "%s", name);
	data = malloc(st.st_size + 1);
	if (!data)
		err(1, NULL);
	*size = fread(data, 1, st.st_size, file);
	fclose(file);
	return data;
}

static bool more_zeros(struct ftp_server *s, size_t at, const char **from,
		       size_t *len)
{
	static const char zeros[1 << 16];

	*from = zeros;
	if (*len > sizeof(zeros))
		*len = sizeof(zeros);
	return true;
}

int main(int argc, char **argv)
{
	struct ftp_script script[32] = {};
	struct ftp_server s = { .script = script, .data = "" };
	int family = AF_INET;
	size_t n = 0;
	int c;

	while ((c = getopt(argc, argv, "a:l:f:p:c:s:z:P:R")) != -1) {
		switch (c) {
		case 'l':
			s.log = fopen(optarg, "a");
			if (!s.log)
				err(1, "%s", optarg);
			break;
		case 'f':
			s.data = read_file(optarg, &s.size);
			break;
		case 'a':
			s.host = optarg;
			break;
		case 'p':
			s.password = optarg;
			break;
		case 'P':
			s.port = atoi(optarg);
			break;
		case 'R':
			s.does |= FTP_NO_REST;
			break;
		case 'z':
			s.size = strtoull(optarg, NULL, 10);
			s.more = more_zeros;
			break;
		case 'c':
		case 's':
			s.cut = strtoul(optarg, NULL, 10);
			s.after_cut = c == 'c' ? FTP_HANGUP : FTP_STALL;
			break;
		default:
			return 2;
		}
	}
	for (; optind < argc && n < 31; optind++, n++) {
		char *reply = strchr(argv[optind], '=');

		if (!reply)
			errx(2, "%s: no VERB=REPLY", argv[optind]);
		*reply++ = '\0';
		script[n].verb = argv[optind];
		if (!strcmp(reply, "stall")) {
			script[n].reply = FTP_STALL;
			continue;
		}
		if (asprintf((char **)&script[n].reply, "%s\r\n", reply) < 0)
			err(1, NULL);
	}
	if (s.host && strchr(s.host, ':'))
		family = AF_INET6;
	if (ftp_server_start(&s, family))
		err(1, "no server");
	printf("%d\n", ftp_port_of(&s.addr));
	fflush(stdout);
	pause();
	return 0;
}
