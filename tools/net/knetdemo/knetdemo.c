// SPDX-License-Identifier: GPL-2.0-only
/*
 * knetdemo - control net/knetdemo: retrieve a file, follow connections, show
 * the state of the services. See knetdemo(8).
 */

#define _GNU_SOURCE
#include <fcntl.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

#include "knetdemo.h"

const char usage_text[] =
"Usage: knetdemo get [OPTION]... ftp://[USER@]HOST[:PORT]/PATH\n"
"       knetdemo watch\n"
"       knetdemo status\n"
"       knetdemo filter ADDRESS|any\n"
"\n"
"get: retrieve a file over kernel sockets\n"
"  -o, --output FILE         where it goes (the last part of PATH);\n"
"                            - is the standard output\n"
"  -r, --resume              go on where FILE.part ends\n"
"      --retry N             up to N further attempts where that may help\n"
"      --max-time SECONDS    for all of it\n"
"  -a, --active              the server connects to us for the data\n"
"      --pasv                no EPSV; with --active no EPRT\n"
"      --no-size             no SIZE and no MDTM\n"
"  -4, -6                    only IPv4, only IPv6\n"
"  -s, --source ADDRESS      our address\n"
"  -i, --interface NAME      only by this network device, or this VRF\n"
"  -t, --timeout SECONDS     for each stage (net.knetdemo.ftp_timeout_ms)\n"
"  -p, --password-file FILE  its first line is the password; - is the input\n"
"  -n, --netrc FILE          look for the password there (~/.netrc)\n"
"      --password-in-url     take USER:PASSWORD@; others can see it\n"
"  -q, --quiet               say nothing but errors\n"
"\n"
"watch: show connections as they are opened; status: all services on one screen;\n"
"filter: show connections to this address only.\n";

static bool wants_help(const char *arg)
{
	return !strcmp(arg, "--help") || !strcmp(arg, "-h");
}

/*
 * If the program was started with stderr closed, a file that it opens could
 * have the number 2, and messages would be written into it. So open all three.
 */
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
