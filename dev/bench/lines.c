// SPDX-License-Identifier: GPL-2.0-only
/*
 * A plugin for QEMU: what several processors execute while kbench measures, and
 * which cache lines they take from one another
 *
 * For each function of the kernel, and each function that entered it, counts
 * instructions by processor, and accesses to lines that another processor has:
 * a write to a line that others hold, or a read of a line that this processor
 * does not hold and another one does. Caches have no limit here, so each such
 * access is one that hardware cannot avoid either.
 *
 * Options: map=SYSTEM.MAP,out=FILE. Each measurement is written as a line
 * "measurement" and then, for all that was executed,
 * "FUNCTION CALLER TRANSFERS INSTRUCTIONS-OF-CPU-0 INSTRUCTIONS-OF-CPU-1 ...".
 */

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
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
typedef uint32_t qemu_plugin_meminfo_t;
typedef struct qemu_info_t qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };
enum qemu_plugin_mem_rw { QEMU_PLUGIN_MEM_RW = 3 };

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
	void (*cb)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
	void (*cb)(unsigned int vcpu, void *data),
	enum qemu_plugin_cb_flags flags, void *data);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn,
	void (*cb)(unsigned int vcpu, qemu_plugin_meminfo_t info,
		   uint64_t address, void *data),
	enum qemu_plugin_cb_flags flags, enum qemu_plugin_mem_rw rw, void *data);
bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t info);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *
qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);

#define VERSION PLUGIN_VERSION	/* from QEMU's own, see profile.sh */
#endif

#define EXPORT	__attribute__((visibility("default")))
#define BEGIN	0x10000000	/* kbench's marks, see bench.sh */
#define END	0x10001000
#define CPUS	8
#define LINES	(1 << 22)	/* of the table below, a power of two */

EXPORT int qemu_plugin_version = VERSION;

/* One function as it was entered from another one; counted by each CPU alone */
struct edge {
	struct edge *next;
	struct function *caller;
	uint64_t instructions[CPUS], transfers[CPUS];
};

struct function {
	uint64_t address;
	char *name;
	bool is_lock;
	struct edge *edges;
	struct edge *entered[CPUS];	/* how each CPU came here last */
};

/* A block of translated code */
struct code {
	struct function *function;
	uint64_t address, size;
};

static struct function *functions;
static size_t function_count;
static struct function user = { .name = "user" };
static struct function *current[CPUS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool measuring;
static FILE *out;

/* Number of a line, and one bit for each CPU that holds it */
static _Atomic uint64_t lines[LINES];

static struct edge *enter(struct function *function, struct function *caller)
{
	struct edge *edge;

	pthread_mutex_lock(&lock);
	for (edge = function->edges; edge; edge = edge->next)
		if (edge->caller == caller)
			break;
	if (!edge) {
		edge = calloc(1, sizeof(*edge));
		if (!edge)
			abort();
		edge->caller = caller;
		edge->next = function->edges;
		function->edges = edge;
	}
	pthread_mutex_unlock(&lock);
	return edge;
}

static void write_function(const struct function *function)
{
	const struct edge *edge;
	uint64_t sum, transfers;
	int cpu;

	for (edge = function->edges; edge; edge = edge->next) {
		sum = 0;
		transfers = 0;
		for (cpu = 0; cpu < CPUS; cpu++) {
			sum += edge->instructions[cpu];
			transfers += edge->transfers[cpu];
		}
		if (!sum)
			continue;
		fprintf(out, "%s %s %" PRIu64, function->name,
			edge->caller ? edge->caller->name : "-", transfers);
		for (cpu = 0; cpu < CPUS; cpu++)
			fprintf(out, " %" PRIu64, edge->instructions[cpu]);
		fprintf(out, "\n");
	}
}

static void clear_function(struct function *function)
{
	struct edge *edge;

	for (edge = function->edges; edge; edge = edge->next) {
		memset(edge->instructions, 0, sizeof(edge->instructions));
		memset(edge->transfers, 0, sizeof(edge->transfers));
	}
}

static void begin(void)
{
	size_t i;

	pthread_mutex_lock(&lock);
	for (i = 0; i < function_count; i++)
		clear_function(&functions[i]);
	clear_function(&user);
	pthread_mutex_unlock(&lock);
	measuring = true;
}

static void end(void)
{
	size_t i;

	measuring = false;
	pthread_mutex_lock(&lock);
	fprintf(out, "measurement\n");
	for (i = 0; i < function_count; i++)
		write_function(&functions[i]);
	write_function(&user);
	fflush(out);
	pthread_mutex_unlock(&lock);
}

static void run(unsigned int cpu, void *data)
{
	struct code *code = data;
	struct function *function = code->function, *caller;

	if (code->address == BEGIN)
		begin();
	else if (code->address == END)
		end();
	if (!measuring || cpu >= CPUS)
		return;
	caller = current[cpu];
	current[cpu] = function;
	/* Coming back from a callee does not change how it was entered */
	if (caller != function &&
	    (code->address == function->address || !function->entered[cpu])) {
		/* What a lock calls is for the one that takes the lock */
		if (caller && caller->is_lock && caller->entered[cpu])
			caller = caller->entered[cpu]->caller;
		if (!function->entered[cpu] ||
		    function->entered[cpu]->caller != caller)
			function->entered[cpu] = enter(function, caller);
	}
	function->entered[cpu]->instructions[cpu] += code->size;
}

static void access(unsigned int cpu, qemu_plugin_meminfo_t info,
		   uint64_t address, void *data)
{
	struct code *code = data;
	uint64_t line = address >> 6 << CPUS;
	uint64_t bit = 1 << cpu, old, holders, new;
	_Atomic uint64_t *at;

	/* User memory has other addresses in each process */
	if (!measuring || cpu >= CPUS || !(address >> 63))
		return;
	at = &lines[(address >> 6 ^ address >> 28) % LINES];
	old = atomic_load(at);
	do {
		holders = old >> CPUS << CPUS == line ? old & ((1 << CPUS) - 1) :
							0;
		new = line | bit;
		if (!qemu_plugin_mem_is_store(info))
			new |= holders;
		if (new == old)
			return;
	} while (!atomic_compare_exchange_weak(at, &old, new));
	if ((holders & ~bit) && (!(holders & bit) ||
				 qemu_plugin_mem_is_store(info)) &&
	    code->function->entered[cpu])
		code->function->entered[cpu]->transfers[cpu]++;
}

static struct function *find(uint64_t address)
{
	size_t low = 0, high = function_count, middle;

	if (!(address >> 63))
		return &user;
	while (high - low > 1) {
		middle = (low + high) / 2;
		if (functions[middle].address <= address)
			low = middle;
		else
			high = middle;
	}
	return &functions[low];
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	struct code *code = malloc(sizeof(*code));
	size_t i;

	(void)id;
	if (!code)
		abort();
	code->address = qemu_plugin_tb_vaddr(tb);
	code->size = qemu_plugin_tb_n_insns(tb);
	code->function = find(code->address);
	qemu_plugin_register_vcpu_tb_exec_cb(tb, run, QEMU_PLUGIN_CB_NO_REGS, code);
	if (code->function == &user)
		return;
	for (i = 0; i < code->size; i++)
		qemu_plugin_register_vcpu_mem_cb(qemu_plugin_tb_get_insn(tb, i),
						 access, QEMU_PLUGIN_CB_NO_REGS,
						 QEMU_PLUGIN_MEM_RW, code);
}

static int by_address(const void *a, const void *b)
{
	const struct function *x = a, *y = b;

	return (x->address > y->address) - (x->address < y->address);
}

static bool is_lock(const char *name)
{
	static const char * const locks[] = {
		"_raw_spin_", "_raw_read_", "_raw_write_", "mutex_", "__mutex_",
		"queued_", "native_queued_", "down_", "up_",
	};
	size_t i;

	for (i = 0; i < sizeof(locks) / sizeof(locks[0]); i++)
		if (!strncmp(name, locks[i], strlen(locks[i])))
			return true;
	return false;
}

static int read_map(const char *path)
{
	FILE *file = fopen(path, "r");
	char line[512], kind, name[256];
	uint64_t address;
	size_t room = 0;

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%" SCNx64 " %c %255s", &address, &kind,
			   name) != 3 || !strchr("tTwW", kind) ||
		    !(address >> 63))
			continue;
		if (function_count == room) {
			room = room ? 2 * room : 4096;
			functions = realloc(functions, room * sizeof(*functions));
			if (!functions)
				abort();
		}
		functions[function_count++] = (struct function) {
			.address = address,
			.name = strdup(name),
			.is_lock = is_lock(name),
		};
	}
	if (file)
		fclose(file);
	qsort(functions, function_count, sizeof(*functions), by_address);
	return function_count ? 0 : -1;
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info,
			       int argc, char **argv)
{
	int i;

	(void)info;
	for (i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "map=", 4) && read_map(argv[i] + 4))
			return -1;
		if (!strncmp(argv[i], "out=", 4))
			out = fopen(argv[i] + 4, "w");
	}
	if (!out || !function_count)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
	return 0;
}
