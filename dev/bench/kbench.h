/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kbench: declarations that its files share. One program in the guest has the
 * peers, the clients and the counting.
 */

#ifndef KBENCH_H
#define KBENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define KIB		1024UL
#define MIB		(1024 * KIB)
#define BLOCK		(64 * KIB)	/* most bytes of one call */

/**
 * struct kb_case - one thing that is measured
 * @role: monitor, tcp, udp, ftp or cpus
 * @name: what is done
 * @who: who does it
 * @unit: unit of the figure, such as "instr/round trip"
 * @run: measures it in a process of its own; the figure is printed afterwards
 * @kind: an argument for @run
 * @size: an argument for @run
 */
struct kb_case {
	const char *role;
	const char *name;
	const char *who;
	const char *unit;
	void (*run)(const struct kb_case *c);
	int kind;
	size_t size;
};

extern const struct kb_case kb_tcp[], kb_udp[], kb_ftp[], kb_cpus[];
extern const size_t kb_tcp_count, kb_udp_count, kb_ftp_count, kb_cpus_count;

const struct kb_case *kb_monitor(size_t *count);

/* kbench.c: counting and reporting */
extern unsigned int kb_reps;

void kb_begin(void);
double kb_end(void);
void kb_sample(double value);
void kb_measure(void (*op)(unsigned long n), unsigned long n, double units);
void __attribute__((noreturn, format(printf, 1, 2)))
kb_cannot(const char *fmt, ...);

#define kb_need(cond, ...) \
	do { if (!(cond)) kb_cannot(__VA_ARGS__); } while (0)

/* kbench.c: the guest */
#define KNOB(name)	"/proc/sys/net/knetdemo/" name

int kb_write(const char *path, const char *text);
void kb_set(const char *path, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void kb_read(const char *path, char *text, size_t size);
unsigned long long kb_number(const char *path);
long long kb_stat(const char *name);
unsigned long kb_free_kib(void);
unsigned int kb_tasks(void);
void kb_nap(unsigned int ms);
void *kb_shared(size_t size);
void kb_fill(void *buf, size_t size, unsigned int seed);

#endif /* KBENCH_H */
