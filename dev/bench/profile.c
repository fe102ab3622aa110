// SPDX-License-Identifier: GPL-2.0-only
/*
 * A plugin for QEMU: the code that the guest executes while kbench measures
 *
 * Counts each block of translated code each time that it runs between the two
 * marks of kbench, without sampling. Writes lines of address and instructions
 * to the file of the option out=. Their sum is the figure of kbench and its own
 * calls around it.
 */

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if __has_include(<qemu-plugin.h>)
#include <qemu-plugin.h>
#define VERSION QEMU_PLUGIN_VERSION
#else
/* For distributions that package QEMU without its header */
typedef uint64_t qemu_plugin_id_t;
typedef struct qemu_info_t qemu_info_t;
struct qemu_plugin_tb;
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
	void (*cb)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
	void (*cb)(unsigned int vcpu, void *data),
	enum qemu_plugin_cb_flags flags, void *data);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id,
	void (*cb)(qemu_plugin_id_t id, void *data), void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);

#define VERSION PLUGIN_VERSION	/* from QEMU's own, see profile.sh */
#endif

#define EXPORT	__attribute__((visibility("default")))
#define BEGIN	0x10000000	/* kbench's marks, see bench.sh */
#define END	0x10001000
#define HASH	(1 << 16)

EXPORT int qemu_plugin_version = VERSION;

struct code {
	struct code *next;
	uint64_t address, size, runs;
};

static struct code *codes[HASH];
static char out[4096];
static bool measuring;

static void run(unsigned int vcpu, void *data)
{
	struct code *code = data;

	(void)vcpu;
	if (code->address == BEGIN)
		measuring = true;
	else if (code->address == END)
		measuring = false;
	if (measuring)
		code->runs++;
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	uint64_t address = qemu_plugin_tb_vaddr(tb);
	size_t size = qemu_plugin_tb_n_insns(tb);
	struct code **at = &codes[(address ^ address >> 16) % HASH];
	struct code *code;

	(void)id;
	for (code = *at; code; code = code->next)
		if (code->address == address && code->size == size)
			break;
	if (!code) {
		code = calloc(1, sizeof(*code));
		if (!code)
			abort();
		code->address = address;
		code->size = size;
		code->next = *at;
		*at = code;
	}
	qemu_plugin_register_vcpu_tb_exec_cb(tb, run, QEMU_PLUGIN_CB_NO_REGS, code);
}

static void finish(qemu_plugin_id_t id, void *data)
{
	FILE *file = fopen(out, "w");
	struct code *code;
	unsigned int i;

	(void)id;
	(void)data;
	if (!file) {
		perror(out);
		return;
	}
	for (i = 0; i < HASH; i++)
		for (code = codes[i]; code; code = code->next)
			if (code->runs)
				fprintf(file, "%" PRIx64 " %" PRIu64 "\n",
					code->address, code->runs * code->size);
	fclose(file);
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info,
			       int argc, char **argv)
{
	(void)info;
	if (argc < 1 || strncmp(argv[0], "out=", 4))
		return -1;
	snprintf(out, sizeof(out), "%s", argv[0] + 4);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
	qemu_plugin_register_atexit_cb(id, finish, NULL);
	return 0;
}
